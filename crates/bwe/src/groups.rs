//! Packets that left together, and how much later than they should they came (draft-ietf-rmcat-gcc-02 §5.2, §5.3).
//!
//! A frame leaves in a burst; only between bursts does the distance of arrivals say something about the path.

use core::time::Duration;

use wire::Mono;
use wire::rtp::values::AbsSendTime;

/// Cuts the stream of packets into groups.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    current: Option<Group>,
    previous: Option<Group>,
    /// Packets in a row that left before the current group.
    late: u32,
}

/// What a packet meant for the groups.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    /// Part of the current group, or too old for any.
    Within,
    /// A group ended: by how many milliseconds its way was longer than that of the one before it.
    Delay { variation_millis: f64 },
    /// Either clock jumped, or there was silence: what was measured before does not compare.
    Anew,
}

impl Groups {
    /// Takes the next packet in order of arrival; `now` never goes back.
    pub(crate) fn packet(&mut self, now: Mono, sent: AbsSendTime) -> Step {
        let Some(current) = &mut self.current else {
            return self.restart(now, sent);
        };
        let from_first = sent.micros_since(current.first_sent);
        let arrived = micros(now.since(current.last_arrived));
        if from_first < 0 {
            self.late = self.late.saturating_add(1);
            return if self.late > MAX_LATE { self.restart(now, sent) } else { Step::Within };
        }
        if arrived >= SILENCE_MICROS || from_first.abs_diff(arrived) > JUMP_MICROS {
            return self.restart(now, sent);
        }
        self.late = 0;
        if current.takes(now, sent, from_first) {
            return Step::Within;
        }
        let ended = *current;
        self.current = Some(Group::begin(now, sent));
        match self.previous.replace(ended) {
            Some(previous) => Step::Delay { variation_millis: ended.variation_millis(&previous) },
            None => Step::Within,
        }
    }

    fn restart(&mut self, now: Mono, sent: AbsSendTime) -> Step {
        *self = Self { current: Some(Group::begin(now, sent)), previous: None, late: 0 };
        Step::Anew
    }
}

/// One burst.
#[derive(Clone, Copy, Debug)]
struct Group {
    first_sent: AbsSendTime,
    last_sent: AbsSendTime,
    first_arrived: Mono,
    last_arrived: Mono,
}

impl Group {
    const fn begin(now: Mono, sent: AbsSendTime) -> Self {
        Self { first_sent: sent, last_sent: sent, first_arrived: now, last_arrived: now }
    }

    /// Whether the packet belongs to this group, and takes it in if so.
    fn takes(&mut self, now: Mono, sent: AbsSendTime, from_first: i64) -> bool {
        let from_last = sent.micros_since(self.last_sent);
        let arrived = micros(now.since(self.last_arrived));
        // Something held the packets back and released them at once: they say one thing, not many. The last bound
        // keeps a link that always does that from never ending a group.
        let released_together = arrived < from_last
            && arrived <= BURST_MICROS
            && micros(now.since(self.first_arrived)) < MAX_BURST_MICROS;
        if from_first > BURST_MICROS && !released_together {
            return false;
        }
        if from_last > 0 {
            self.last_sent = sent;
        }
        self.last_arrived = now;
        true
    }

    fn variation_millis(&self, previous: &Self) -> f64 {
        let arrived = micros(self.last_arrived.since(previous.last_arrived));
        let sent = self.last_sent.micros_since(previous.last_sent);
        // Both are below a minute, which a double holds exactly.
        #[expect(
            clippy::cast_precision_loss,
            reason = "microseconds of less than a minute are exact in a double"
        )]
        let micros = arrived.saturating_sub(sent) as f64;
        micros / 1_000.0
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// draft-ietf-rmcat-gcc-02 §5.2: packets within 5 ms are one burst of a pacer.
const BURST_MICROS: i64 = 5_000;
/// A burst that a link released at once is cut here, at some three frames.
const MAX_BURST_MICROS: i64 = 100_000;
/// After this much silence the queues of the path are other ones; libwebrtc forgets streams after as much.
const SILENCE_MICROS: i64 = 2_000_000;
/// No queue of a path that can be used for a call holds 3 s: one of the clocks jumped.
const JUMP_MICROS: u64 = 3_000_000;
/// More packets in a row than a reordered burst has: the sender's clock went back.
const MAX_LATE: u32 = 50;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Mono {
        Mono::from_nanos(millis * 1_000_000)
    }

    fn sent(millis: u64) -> AbsSendTime {
        AbsSendTime::from_mono(at(millis))
    }

    /// What groups say of packets (sent, arrived), in milliseconds rounded.
    fn variations(packets: &[(u64, u64)]) -> Vec<Option<i32>> {
        let mut groups = Groups::default();
        let steps = packets.iter().map(|&(left, came)| groups.packet(at(came), sent(left)));
        steps
            .map(|step| match step {
                #[expect(clippy::cast_possible_truncation, reason = "a few milliseconds")]
                Step::Delay { variation_millis } => Some(variation_millis.round() as i32),
                Step::Within | Step::Anew => None,
            })
            .collect()
    }

    #[test]
    fn bursts_are_compared_by_their_last_packets() {
        let packets = [(0, 50), (2, 53), (20, 70), (24, 80), (40, 90), (60, 110)];
        // The second burst took 56 ms, the first one 51: 5 longer. The third took 50: 6 shorter.
        assert_eq!(variations(&packets), [None, None, None, None, Some(5), Some(-6)]);
    }

    #[test]
    fn packets_that_a_link_releases_at_once_are_one_group() {
        // Three bursts held back and released together: one group, which came 0 ms late as a whole.
        let packets = [(0, 50), (20, 90), (30, 90), (40, 90), (60, 110), (80, 130)];
        assert_eq!(variations(&packets), [None, None, None, None, Some(0), Some(0)]);
    }

    #[test]
    fn the_24_bits_may_wrap() {
        let wrap = 64_000;
        let packets: Vec<_> = (0..6).map(|n| (wrap - 60 + n * 20, 1_000 + n * 21)).collect();
        assert_eq!(variations(&packets)[2..], [Some(1); 4]);
    }

    #[test]
    fn a_late_packet_changes_nothing_and_a_clock_that_went_back_begins_anew() {
        let packets = [(0, 50), (20, 70), (10, 71), (40, 90), (60, 110)];
        assert_eq!(variations(&packets), [None, None, None, Some(0), Some(0)]);

        let mut groups = Groups::default();
        assert_eq!(groups.packet(at(50), sent(30_000)), Step::Anew);
        let first_heard = (0..200).position(|n| groups.packet(at(51 + n), sent(10_000 + n)) == Step::Anew);
        assert_eq!(first_heard, Some(50));
    }

    #[test]
    fn silence_and_jumps_begin_anew() {
        let mut groups = Groups::default();
        assert_eq!(groups.packet(at(0), sent(0)), Step::Anew);
        assert_eq!(groups.packet(at(1_999), sent(1_999)), Step::Within);
        assert_eq!(groups.packet(at(3_999), sent(3_999)), Step::Anew);
        assert_eq!(groups.packet(at(4_010), sent(8_000)), Step::Anew);
    }
}
