//! Where in its stream a packet stands: the sequence number with its cycles, told apart from a sender that began
//! anew (RFC 3550 appendix A.1).
//!
//! One per stream, so that consumers need not each find out. A number far off is left out; when the number after
//! it comes next, the sender has restarted, and its packets are a new run with numbers of their own. A retransmission
//! proves no restart: it repeats what somebody else numbered.

use wire::seq::Serial;

/// Follows the sequence numbers of one stream.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    highest: u64,
    run: u32,
    /// The number that would confirm a restart.
    expected: Option<u16>,
}

/// A packet's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which run of the stream.
    pub run: u32,
    /// The sequence number with its cycles; comparable within a run.
    pub sequence: u64,
}

impl Order {
    /// Begins with the first packet's number, one cycle up so that numbers before it have a place.
    #[must_use]
    pub fn starting_at(first: u16) -> Self {
        Self { highest: u64::from(first) | CYCLE, run: 0, expected: None }
    }

    /// Begins another run, of another sender.
    #[must_use]
    pub fn restarted(&self, first: u16) -> Self {
        Self { run: self.run.wrapping_add(1), ..Self::starting_at(first) }
    }

    /// Where a packet stands; `None` for one so far off that only the next can tell whether to believe it.
    #[inline]
    pub fn place(&mut self, sequence: u16) -> Option<Standing> {
        if let Some(standing) = self.near(sequence) {
            self.expected = None;
            return Some(standing);
        }
        if self.expected != Some(sequence) {
            self.expected = Some(sequence.wrapping_add(1));
            return None;
        }
        *self = self.restarted(sequence);
        Some(Standing { run: self.run, sequence: self.highest })
    }

    /// Where a retransmitted packet stands; `None` for one far off.
    pub fn place_repair(&mut self, sequence: u16) -> Option<Standing> {
        self.near(sequence)
    }

    /// The highest number so far.
    #[must_use]
    pub const fn highest(&self) -> u64 {
        self.highest
    }

    /// Which run it is.
    #[must_use]
    pub const fn run(&self) -> u32 {
        self.run
    }

    #[inline]
    fn near(&mut self, sequence: u16) -> Option<Standing> {
        let [.., high, low] = self.highest.to_be_bytes();
        let offset = sequence.offset_from(u16::from_be_bytes([high, low]));
        if !(-MISORDER_LIMIT..=DROPOUT_LIMIT).contains(&offset) {
            return None;
        }
        let sequence = self.highest.checked_add_signed(i64::from(offset))?;
        self.highest = self.highest.max(sequence);
        Some(Standing { run: self.run, sequence })
    }
}

/// By how much every number is above its cycle count.
pub(super) const CYCLE: u64 = 1 << 16;
/// RFC 3550 appendix A.1: MAX_DROPOUT.
const DROPOUT_LIMIT: i16 = 3_000;
/// The protocol's MAX_MISORDER (RFC 3550 appendix A.1 says 100, which a second of video exceeds).
const MISORDER_LIMIT: i16 = 1_500;

#[cfg(test)]
mod tests {
    use super::*;

    fn places(first: u16, numbers: &[u16]) -> Vec<Option<(u32, u64)>> {
        let mut order = Order::starting_at(first);
        numbers.iter().map(|n| order.place(*n).map(|at| (at.run, at.sequence - CYCLE))).collect()
    }

    #[test]
    fn reordering_at_the_wrap_keeps_its_place() {
        assert_eq!(
            places(65_534, &[1, 65_535, 0]),
            [Some((0, 65_537)), Some((0, 65_535)), Some((0, 65_536))]
        );
        let mut order = Order::starting_at(0);
        assert_eq!(order.place(65_535).map(|at| at.sequence), Some(65_535));
    }

    #[test]
    fn two_numbers_in_a_row_are_a_restart_and_one_is_not() {
        assert_eq!(places(10, &[30_000, 11]), [None, Some((0, 11))]);
        assert_eq!(places(10, &[30_000, 11, 30_001]), [None, Some((0, 11)), None]);
        assert_eq!(places(10, &[30_000, 30_001, 30_000]), [None, Some((1, 30_001)), Some((1, 30_000))]);
        assert_eq!(places(30_000, &[10, 11]), [None, Some((1, 11))]);
    }

    #[test]
    fn what_is_within_the_limits_is_believed_and_nothing_else() {
        assert_eq!(places(5_000, &[8_000]), [Some((0, 8_000))]);
        assert_eq!(places(5_000, &[8_001]), [None]);
        assert_eq!(places(5_000, &[3_500]), [Some((0, 3_500))]);
        assert_eq!(places(5_000, &[3_499]), [None]);
    }

    #[test]
    fn retransmissions_restart_nothing() {
        let mut order = Order::starting_at(10);
        assert_eq!(order.place_repair(30_000), None);
        assert_eq!(order.place_repair(30_001), None);
        assert_eq!(order.place(30_002), None);
        assert_eq!(order.place_repair(12).map(|at| at.sequence - CYCLE), Some(12));
        assert_eq!(order.place(30_003).map(|at| at.run), Some(1));
    }
}
