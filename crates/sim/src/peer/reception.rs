//! What a receiver counts of one stream for its reports: RFC 3550 §6.4.1 and appendices A.1, A.3 and A.8.

use wire::Mono;

use super::{VIDEO_CLOCK, sixteenths, ticks};
use crate::media::{Block, Report, Rtp};

/// A stream as its receiver sees it.
#[derive(Clone, Debug)]
pub(super) struct Reception {
    ssrc: u32,
    first: u64,
    highest: u64,
    received: u64,
    /// What had been expected and received at the last report.
    before: (u64, u64),
    /// In ticks, times 16.
    jitter: u32,
    transit: u32,
    /// The last sender report's time in short, and when it came.
    last_report: Option<(u32, Mono)>,
}

/// How a packet's number relates to those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbered {
    /// The number, extended by how often it wrapped.
    pub(super) number: u64,
    /// How many were left out before it, if it is the highest so far.
    pub(super) skipped: u64,
}

impl Reception {
    /// A stream that begins with this packet.
    pub(super) fn beginning(rtp: &Rtp<'_>, now: Mono) -> Self {
        // One wrap ahead, so that what was sent before and comes late has a number, too.
        let first = u64::from(rtp.sequence) + (1 << 16);
        let transit = ticks(now.since(Mono::ZERO), VIDEO_CLOCK).wrapping_sub(rtp.timestamp);
        let (highest, received, before, jitter) = (first, 1, (0, 0), 0);
        Self { ssrc: rtp.ssrc, first, highest, received, before, jitter, transit, last_report: None }
    }

    /// Counts a packet of the stream itself.
    pub(super) fn count(&mut self, rtp: &Rtp<'_>, now: Mono) -> Numbered {
        self.received += 1;
        let numbered = self.place(rtp.sequence);
        self.highest = self.highest.max(numbered.number);
        // A.8, without floating point.
        let transit = ticks(now.since(Mono::ZERO), VIDEO_CLOCK).wrapping_sub(rtp.timestamp);
        let change = i64::from(transit.wrapping_sub(self.transit).cast_signed()).unsigned_abs();
        self.transit = transit;
        let change = u32::try_from(change).unwrap_or(u32::MAX);
        self.jitter = self.jitter.saturating_add(change).saturating_sub((self.jitter + 8) >> 4);
        numbered
    }

    /// The place of a number near the highest, which is not changed.
    pub(super) fn place(&self, sequence: u16) -> Numbered {
        let [.., a, b] = self.highest.to_be_bytes();
        let ahead = sequence.wrapping_sub(u16::from_be_bytes([a, b])).cast_signed();
        let number = self.highest.saturating_add_signed(i64::from(ahead));
        Numbered { number, skipped: number.saturating_sub(self.highest).saturating_sub(1) }
    }

    pub(super) const fn highest(&self) -> u64 {
        self.highest
    }

    pub(super) fn heard(&mut self, report: &Report, now: Mono) {
        if report.ssrc == self.ssrc {
            self.last_report = Some((super::middle(report.ntp), now));
        }
    }

    /// The block of the next report.
    pub(super) fn report(&mut self, now: Mono) -> Block {
        let expected = self.highest - self.first + 1;
        let (expected_before, received_before) = self.before;
        self.before = (expected, self.received);
        let (expected_now, received_now) = (expected - expected_before, self.received - received_before);
        let lost_now = expected_now.saturating_sub(received_now);
        // A.3: none when nothing was expected.
        let fraction = (lost_now << 8).checked_div(expected_now).unwrap_or(0);
        let lost = i64::try_from(expected).unwrap_or(0) - i64::try_from(self.received).unwrap_or(0);
        let (last_report, since) =
            self.last_report.map_or((0, 0), |(ntp, at)| (ntp, sixteenths(now.since(at))));
        Block {
            ssrc: self.ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            lost: i32::try_from(lost.clamp(-0x80_0000, 0x7f_ffff)).unwrap_or(0),
            highest: u32::try_from((self.highest - (1 << 16)) & 0xffff_ffff).unwrap_or(0),
            jitter: self.jitter >> 4,
            last_report,
            since_last_report: since,
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    fn rtp(sequence: u16, timestamp: u32) -> Rtp<'static> {
        Rtp { payload_type: 96, marker: false, sequence, timestamp, ssrc: 5, payload: &[] }
    }

    #[test]
    fn loss_is_counted_across_a_wrap() {
        let mut reception = Reception::beginning(&rtp(65_530, 0), Mono::ZERO);
        for sequence in [65_531, 65_534, 65_535, 0, 3] {
            reception.count(&rtp(sequence, 0), Mono::ZERO);
        }
        let block = reception.report(Mono::ZERO);
        // 10 expected, 6 received.
        assert_eq!((block.lost, block.fraction_lost, block.highest), (4, 102, (1 << 16) + 3));
        assert_eq!(reception.place(5), Numbered { number: (2 << 16) + 5, skipped: 1 });
        assert_eq!(reception.place(65_532), Numbered { number: (1 << 16) + 65_532, skipped: 0 });
        reception.count(&rtp(65_532, 0), Mono::ZERO);
        let block = reception.report(Mono::ZERO);
        assert_eq!((block.lost, block.fraction_lost), (3, 0), "late is not lost");
    }

    #[test]
    fn jitter_follows_the_spread_of_transit_times() {
        let mut reception = Reception::beginning(&rtp(0, 0), Mono::ZERO);
        for sequence in 1..1_000_u16 {
            let late = Duration::from_millis(u64::from(sequence % 2) * 10);
            let at = Mono::ZERO + Duration::from_millis(20 * u64::from(sequence)) + late;
            reception.count(&rtp(sequence, u32::from(sequence) * 1_800), at);
        }
        // Every difference is 10 ms, which is 900 ticks.
        assert!((880..=900).contains(&reception.report(Mono::ZERO).jitter));
    }
}
