//! How much of one SSRC's packets came, as receiver reports say it (RFC 3550 §6.4.1, appendix A.3).
//!
//! Media and retransmissions are streams of their own, each with one of these. A sender that begins anew is counted
//! anew in reports; what users are told only grows.

use wire::rtcp::ReportBlock;
use wire::{Mono, Ntp, Ssrc};

use super::order::{CYCLE, Order, Standing};

/// See the module.
#[derive(Clone, Debug)]
pub struct Reception {
    order: Order,
    /// The number that the run began with.
    base: u64,
    /// Packets of this run, duplicates included.
    received: u64,
    /// Of the run, at the last report.
    expected_before: u64,
    received_before: u64,
    /// Of all runs, at the last report.
    lost: u64,
    /// Of the runs that ended.
    lost_in_ended: u64,
    fraction_lost: u8,
    /// Numbers that were not believed.
    discarded: u64,
    /// The last sender report: the middle of its time, and when it came.
    sender_report: Option<(u32, Mono)>,
}

impl Reception {
    /// Begins with the first packet, which is still to be taken.
    #[must_use]
    pub fn starting_at(first: u16) -> Self {
        Self::ordered(Order::starting_at(first))
    }

    /// Begins another run, of another sender.
    #[must_use]
    pub fn restarted(&self, first: u16) -> Self {
        Self::ordered(self.order.restarted(first))
    }

    /// Where a packet stands; nothing if it is not believed.
    #[inline]
    pub fn take(&mut self, sequence: u16) -> Option<Standing> {
        let run = self.order.run();
        let Some(standing) = self.order.place(sequence) else {
            self.discarded = self.discarded.saturating_add(1);
            return None;
        };
        if standing.run != run {
            self.begin_run(&standing);
        }
        self.received = self.received.saturating_add(1);
        Some(standing)
    }

    /// Where a packet stands that was retransmitted in another stream; nothing if it is not believed. It is not
    /// counted as received (RFC 4588 §6.3: reports are about each stream by itself).
    pub fn take_repair(&mut self, sequence: u16) -> Option<Standing> {
        let standing = self.order.place_repair(sequence);
        if standing.is_none() {
            self.discarded = self.discarded.saturating_add(1);
        }
        standing
    }

    /// Takes note of a sender report.
    pub fn heard(&mut self, now: Mono, ntp: Ntp) {
        self.sender_report = Some((ntp.middle(), now));
    }

    /// What a receiver report says now. The next one is about what comes from here on.
    pub fn report(&mut self, ssrc: Ssrc, now: Mono) -> ReportBlock {
        let expected = self.expected();
        let expected_interval = expected.saturating_sub(self.expected_before);
        let received_interval = self.received.saturating_sub(self.received_before);
        let lost_interval = expected_interval.saturating_sub(received_interval);
        // Appendix A.3: a fraction of 256, none where duplicates outweigh losses.
        let fraction = lost_interval.saturating_mul(256).checked_div(expected_interval).unwrap_or_default();
        self.fraction_lost = u8::try_from(fraction).unwrap_or(u8::MAX);
        (self.expected_before, self.received_before) = (expected, self.received);
        self.lost = self.lost.max(self.lost_in_ended.saturating_add(self.lost_in_run()));
        let (last_sender_report, delay) = match self.sender_report {
            Some((middle, at)) => (middle, short(now.since(at))),
            None => (0, 0),
        };
        ReportBlock {
            ssrc,
            fraction_lost: self.fraction_lost,
            cumulative_lost: cumulative(expected, self.received),
            highest_sequence: low_half(self.order.highest().saturating_sub(CYCLE)),
            jitter: 0,
            last_sender_report,
            delay_since_last_sender_report: delay,
        }
    }

    /// Packets that this run should have had so far.
    #[must_use]
    pub const fn expected(&self) -> u64 {
        self.order.highest().saturating_sub(self.base).saturating_add(1)
    }

    /// Packets of this run.
    #[must_use]
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// The highest number so far, and its run.
    #[must_use]
    pub const fn highest(&self) -> Standing {
        Standing { run: self.order.run(), sequence: self.order.highest() }
    }

    /// Packets that were lost until the last report, in all runs; never less than before.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// Their share between the last two reports, of 256.
    #[must_use]
    pub const fn fraction_lost(&self) -> u8 {
        self.fraction_lost
    }

    /// Packets that were not believed.
    #[must_use]
    pub const fn discarded(&self) -> u64 {
        self.discarded
    }

    fn ordered(order: Order) -> Self {
        Self {
            base: order.highest(),
            order,
            received: 0,
            expected_before: 0,
            received_before: 0,
            lost: 0,
            lost_in_ended: 0,
            fraction_lost: 0,
            discarded: 0,
            sender_report: None,
        }
    }

    const fn lost_in_run(&self) -> u64 {
        self.expected().saturating_sub(self.received)
    }

    /// Appendix A.1: a sender that begins anew is counted anew.
    #[cold]
    fn begin_run(&mut self, standing: &Standing) {
        // What the ended run lost after its last report nobody can tell from what it did not send.
        self.lost_in_ended = self.lost;
        self.base = standing.sequence;
        (self.received, self.received_before, self.expected_before) = (0, 0, 0);
        self.sender_report = None;
    }
}

/// Expected less received. Duplicates can make it negative; the field has 24 bits.
fn cumulative(expected: u64, received: u64) -> i32 {
    let [expected, received] = [expected, received].map(|count| i64::try_from(count).unwrap_or(i64::MAX));
    i32::try_from(expected.saturating_sub(received)).unwrap_or(i32::MAX)
}

/// A duration in units of 2^-16 s (RFC 3550 §6.4.1).
fn short(duration: core::time::Duration) -> u32 {
    let units = duration.as_nanos().saturating_mul(1 << 16) / 1_000_000_000;
    u32::try_from(units).unwrap_or(u32::MAX)
}

const fn low_half(value: u64) -> u32 {
    let [_, _, _, _, a, b, c, d] = value.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const SSRC: Ssrc = Ssrc(7);

    fn after(numbers: impl IntoIterator<Item = u16>) -> Reception {
        let mut numbers = numbers.into_iter().peekable();
        let mut reception = Reception::starting_at(*numbers.peek().unwrap());
        numbers.for_each(|number| assert!(reception.take(number).is_some()));
        reception
    }

    #[test]
    fn a_report_says_what_was_lost_since_the_last_and_in_all() {
        let mut reception = after((65_500..=65_535).chain(4..64));
        let block = reception.report(SSRC, Mono::ZERO);
        // 4 of 100: 10 of 256.
        assert_eq!((block.fraction_lost, block.cumulative_lost), (10, 4));
        assert_eq!(block.highest_sequence, 65_536 + 63);
        (64..164).for_each(|number| assert!(reception.take(number).is_some()));
        let block = reception.report(SSRC, Mono::ZERO);
        assert_eq!((block.fraction_lost, block.cumulative_lost), (0, 4));
        assert_eq!((reception.lost(), reception.fraction_lost()), (4, 0));
        // A quarter of what came since.
        (164..264)
            .step_by(4)
            .for_each(|number| (1..4).for_each(|by| assert!(reception.take(number + by).is_some())));
        let block = reception.report(SSRC, Mono::ZERO);
        assert_eq!((block.fraction_lost, block.cumulative_lost), (64, 29));
    }

    #[test]
    fn duplicates_make_the_loss_negative_and_the_fraction_zero() {
        let mut reception = after([1, 2, 2, 2, 3]);
        let block = reception.report(SSRC, Mono::ZERO);
        assert_eq!((block.fraction_lost, block.cumulative_lost), (0, -2));
        assert_eq!(reception.lost(), 0);
    }

    #[test]
    fn a_report_names_the_last_sender_report_and_its_age() {
        let mut reception = after([1]);
        let block = reception.report(SSRC, Mono::from_nanos(5));
        assert_eq!((block.last_sender_report, block.delay_since_last_sender_report), (0, 0));
        reception.heard(Mono::ZERO + Duration::from_secs(9), Ntp(0x1234_5678_9abc_def0));
        let block = reception.report(SSRC, Mono::ZERO + Duration::from_millis(9_500));
        assert_eq!((block.last_sender_report, block.delay_since_last_sender_report), (0x5678_9abc, 1 << 15));
        let block = reception.report(SSRC, Mono::ZERO + Duration::from_secs(100_000));
        assert_eq!(block.delay_since_last_sender_report, u32::MAX);
    }

    #[test]
    fn a_restart_is_counted_anew_but_not_forgotten() {
        let mut reception = after([10, 13]);
        assert_eq!(reception.report(SSRC, Mono::ZERO).cumulative_lost, 2);
        let taken = [40_000, 40_001, 40_003].map(|number| reception.take(number).map(|at| at.run));
        assert_eq!(taken, [None, Some(1), Some(1)]);
        let block = reception.report(SSRC, Mono::ZERO);
        assert_eq!((block.cumulative_lost, block.highest_sequence), (1, 40_003));
        assert_eq!((reception.lost(), reception.discarded()), (3, 1));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// Any loss, reordering and duplication within the limits, through many cycles, against plain counting.
        #[test]
        fn reports_agree_with_counting(
            first in any::<u16>(),
            steps in prop::collection::vec((0_u64..40, 1_usize..3, 0_u64..20), 1..4_000),
        ) {
            let mut reception = Reception::starting_at(first);
            let (mut at, mut highest, mut received) = (u64::from(first) + 20, u64::from(first), 0_u64);
            let take = |reception: &mut Reception, number: u64| {
                reception.take(u16::try_from(number % 65_536).unwrap()).map(|at| at.sequence)
            };
            prop_assert_eq!(take(&mut reception, u64::from(first)), Some(u64::from(first) + CYCLE));
            received += 1;
            for (step, copies, behind) in steps {
                at += step;
                for _ in 0..copies {
                    let number = at - behind;
                    prop_assert_eq!(take(&mut reception, number), Some(number + CYCLE));
                    highest = highest.max(number);
                    received += 1;
                }
            }
            let expected = highest - u64::from(first) + 1;
            let block = reception.report(SSRC, Mono::ZERO);
            let lost = i64::try_from(expected).unwrap() - i64::try_from(received).unwrap();
            prop_assert_eq!(i64::from(block.cumulative_lost), lost);
            prop_assert_eq!(u64::from(block.highest_sequence), highest);
            let fraction = u64::try_from(lost.max(0)).unwrap() * 256 / expected;
            prop_assert_eq!(u64::from(block.fraction_lost), fraction);
        }
    }
}
