//! When a packet was captured, in our own clock: the sender's reports say which timestamp was when in its clock
//! (RFC 3550 §6.4.1), and how far that is from ours is the same for all streams that it sends.
//!
//! One offset per sender keeps its audio and video together: whatever is wrong with it is wrong with both. It is that
//! of the report that was under way least, and follows slowly when clocks drift. A report that contradicts it is
//! believed once another says the same. Whatever a sender says, a time far from the packet's arrival is not used.

use wire::Ntp;
use wire::rtcp::SenderInfo;
use wire::seq::Serial;

/// How far the clock of a sender is from ours.
#[derive(Clone, Copy, Debug, Default)]
pub struct SenderClock {
    /// Ours less theirs, in units of 2^-32 s.
    offset: Option<i64>,
    /// What a report said that contradicts it.
    candidate: Option<i64>,
}

/// Which timestamp of a stream was when, in the clock of its sender.
#[derive(Clone, Copy, Debug)]
pub struct StreamClock {
    /// Units of 2^-32 s per timestamp unit, times 2^12.
    scale: i64,
    anchor: Option<(Ntp, u32)>,
}

impl SenderClock {
    /// Takes a report that came at `arrived`.
    pub fn heard(&mut self, theirs: Ntp, arrived: Ntp) {
        let offset = arrived.0.wrapping_sub(theirs.0).cast_signed();
        let Some(known) = self.offset else {
            self.offset = Some(offset);
            return;
        };
        let change = offset.wrapping_sub(known);
        if change.unsigned_abs() <= STEP {
            // The least delay is the truest; the share by which it follows a longer one outruns any drift.
            let follow = if change < 0 { change } else { change / FOLLOW };
            self.offset = Some(known.wrapping_add(follow));
            self.candidate = None;
        } else if self.candidate.is_some_and(|candidate| offset.abs_diff(candidate) <= STEP) {
            (self.offset, self.candidate) = (Some(offset), None);
        } else {
            self.candidate = Some(offset);
        }
    }

    fn ours(&self, theirs: Ntp) -> Option<Ntp> {
        self.offset.map(|offset| Ntp(theirs.0.wrapping_add_signed(offset)))
    }
}

impl StreamClock {
    /// Nothing is known of the stream but its clock rate.
    #[must_use]
    pub fn new(clock_rate: u32) -> Self {
        Self { scale: (1_i64 << 44).checked_div(i64::from(clock_rate)).unwrap_or_default(), anchor: None }
    }

    /// Takes a report.
    pub fn heard(&mut self, info: &SenderInfo) {
        // RFC 3550 §6.4.1: zero from a sender that has no clock.
        self.anchor = (info.ntp != Ntp(0)).then_some((info.ntp, info.rtp_timestamp));
    }

    /// Forgets the reports, as when the sender begins anew.
    pub fn restart(&mut self) {
        self.anchor = None;
    }

    /// When the packet with that timestamp was captured, if it came at `arrived`; that itself if nobody can tell.
    #[must_use]
    #[inline]
    pub fn captured(&self, timestamp: u32, sender: &SenderClock, arrived: Ntp) -> Ntp {
        self.place(timestamp, sender).filter(|captured| is_near(*captured, arrived)).unwrap_or(arrived)
    }

    #[inline]
    fn place(&self, timestamp: u32, sender: &SenderClock) -> Option<Ntp> {
        let (ntp, anchor) = self.anchor?;
        // Saturates below a clock rate of 8 kHz and hours away only, where nothing is near.
        let fraction = i64::from(timestamp.offset_from(anchor)).saturating_mul(self.scale) >> 12;
        sender.ours(Ntp(ntp.0.wrapping_add_signed(fraction)))
    }
}

#[inline]
const fn is_near(captured: Ntp, arrived: Ntp) -> bool {
    let age = arrived.0.wrapping_sub(captured.0).cast_signed();
    age <= OLDEST && age >= -NEWEST
}

/// A second.
const SECOND: i64 = 1 << 32;
/// What one report may differ from the others by, being under way.
const STEP: u64 = SECOND.unsigned_abs();
/// A clock that is 100 ppm slow loses a thirtieth of its 3 ms between reports that are half a minute apart.
const FOLLOW: i64 = 32;
/// Nobody buffers longer before sending.
const OLDEST: i64 = 10 * SECOND;
/// Reports are rounded, and the offset knows no packet that took less time than the quickest report.
const NEWEST: i64 = SECOND;

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = (1 << 32) / 1_000;
    const OURS: u64 = 3_900_000_000 << 32;
    /// Another epoch altogether.
    const THEIRS: u64 = 77 << 32;

    fn info(ntp_ms: u64, rtp_timestamp: u32) -> SenderInfo {
        SenderInfo { ntp: Ntp(THEIRS + ntp_ms * MS), rtp_timestamp, ..SenderInfo::default() }
    }

    fn ms_between(a: Ntp, b: Ntp) -> i64 {
        a.0.wrapping_sub(b.0).cast_signed() / i64::try_from(MS).unwrap()
    }

    fn ours(ms: u64) -> Ntp {
        Ntp(OURS + ms * MS)
    }

    #[test]
    fn audio_and_video_captured_together_stay_together() {
        let mut sender = SenderClock::default();
        let (mut audio, mut video) = (StreamClock::new(48_000), StreamClock::new(90_000));
        assert_eq!(video.captured(5, &sender, ours(9)), ours(9));
        // Their clocks begin near the wrap; reports are under way for 30 ms and 80 ms.
        sender.heard(info(0, 0).ntp, ours(30));
        audio.heard(&info(0, u32::MAX - 10));
        sender.heard(info(500, 0).ntp, ours(580));
        video.heard(&info(500, 1_000));
        // Both captured at 1000 ms, one delayed longer than the other.
        let heard = audio.captured((u32::MAX - 10).wrapping_add(48_000), &sender, ours(1_035));
        let seen = video.captured(46_000, &sender, ours(1_300));
        assert!(ms_between(heard, seen).abs() <= 1);
        assert!((ms_between(seen, ours(1_030))).abs() <= 3);
    }

    #[test]
    fn the_quickest_report_is_believed_and_a_slow_clock_followed() {
        let mut sender = SenderClock::default();
        sender.heard(info(0, 0).ntp, ours(200));
        sender.heard(info(1_000, 0).ntp, ours(1_020));
        assert_eq!(ms_between(sender.ours(info(0, 0).ntp).unwrap(), ours(0)), 20);
        // 100 ppm slow for an hour: 360 ms.
        for second in 2..3_600 {
            sender.heard(info(second * 1_000, 0).ntp, ours(second * 1_000 + 20 + second / 10));
        }
        let late = ms_between(sender.ours(info(3_600_000, 0).ntp).unwrap(), ours(3_600_000));
        assert!((370..=380).contains(&late), "{late}");
    }

    #[test]
    fn a_clock_that_is_set_is_believed_the_second_time() {
        let mut sender = SenderClock::default();
        sender.heard(info(0, 0).ntp, ours(10));
        sender.heard(info(900_000, 0).ntp, ours(1_010));
        assert_eq!(ms_between(sender.ours(info(0, 0).ntp).unwrap(), ours(0)), 10);
        sender.heard(info(901_000, 0).ntp, ours(2_010));
        assert_eq!(ms_between(sender.ours(info(901_000, 0).ntp).unwrap(), ours(2_010)), 0);
    }

    #[test]
    fn wild_clocks_fall_back_to_the_arrival() {
        let mut sender = SenderClock::default();
        let mut video = StreamClock::new(90_000);
        for ntp in [u64::MAX, 1, 1 << 63, u64::MAX / 3] {
            for timestamp in [0, u32::MAX, 1 << 31] {
                video.heard(&SenderInfo { ntp: Ntp(ntp), rtp_timestamp: timestamp, ..SenderInfo::default() });
                sender.heard(Ntp(ntp.rotate_left(9)), ours(0));
                for packet in [0, u32::MAX, 1 << 31] {
                    let captured = video.captured(packet, &sender, ours(50));
                    assert!(ms_between(ours(50), captured) <= 10_000);
                    assert!(ms_between(captured, ours(50)) <= 1_000);
                }
            }
        }
        video.heard(&SenderInfo::default());
        assert_eq!(video.captured(7, &sender, ours(50)), ours(50));
        assert_eq!(StreamClock::new(0).captured(7, &sender, ours(50)), ours(50));
    }
}
