//! Numbers that wrap: which of two is newer (RFC 1982), and the same number with its cycles counted.
//!
//! Two numbers exactly half the space apart have no order (RFC 1982 §3.2); here neither is newer than the other.

/// A 16- or 32-bit number that wraps: a sequence number or an RTP timestamp.
pub trait Serial: Copy {
    /// Wide enough for a signed distance.
    type Offset;

    /// How far `self` is ahead of `other`, the short way round; negative when it is behind.
    #[must_use]
    fn offset_from(self, other: Self) -> Self::Offset;

    /// Whether `self` comes after `other`.
    #[must_use]
    fn is_newer_than(self, other: Self) -> bool;
}

impl Serial for u16 {
    type Offset = i16;

    #[inline]
    fn offset_from(self, other: Self) -> i16 {
        self.wrapping_sub(other).cast_signed()
    }

    #[inline]
    fn is_newer_than(self, other: Self) -> bool {
        self.offset_from(other) > 0
    }
}

impl Serial for u32 {
    type Offset = i32;

    #[inline]
    fn offset_from(self, other: Self) -> i32 {
        self.wrapping_sub(other).cast_signed()
    }

    #[inline]
    fn is_newer_than(self, other: Self) -> bool {
        self.offset_from(other) > 0
    }
}

/// 16-bit sequence numbers with their cycles counted; the value is RFC 3711's 48-bit packet index. (A receiver's
/// estimate of one comes from `srtp`, which has seen it proven; for half the space ahead the two may differ.)
///
/// Starts with the first number it is shown, in cycle 0. What lies before that cycle has no extended number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtendedSequence {
    highest: u64,
}

impl ExtendedSequence {
    /// Begins at `first`, in cycle 0.
    #[must_use]
    pub const fn starting_at(first: u16) -> Self {
        Self { highest: widen(first) }
    }

    /// The highest number so far.
    #[must_use]
    pub const fn highest(&self) -> u64 {
        self.highest
    }

    /// Which extended number `sequence` most likely is, without taking note of it; `None` before cycle 0.
    #[must_use]
    #[inline]
    pub fn locate(&self, sequence: u16) -> Option<u64> {
        let [.., high, low] = self.highest.to_be_bytes();
        let offset = sequence.offset_from(u16::from_be_bytes([high, low]));
        self.highest.checked_add_signed(i64::from(offset))
    }

    /// The same, and moves the highest number forward when `sequence` is newer.
    #[inline]
    pub fn extend(&mut self, sequence: u16) -> Option<u64> {
        let extended = self.locate(sequence)?;
        self.highest = self.highest.max(extended);
        Some(extended)
    }
}

/// 32-bit RTP timestamps with their cycles counted.
///
/// Starts one cycle up, so that packets from before the first one seen still have a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtendedTimestamp {
    highest: u64,
}

impl ExtendedTimestamp {
    /// Begins at `first`, in cycle 1.
    #[must_use]
    pub fn starting_at(first: u32) -> Self {
        Self { highest: u64::from(first) | 1 << 32 }
    }

    /// The highest timestamp so far.
    #[must_use]
    pub const fn highest(&self) -> u64 {
        self.highest
    }

    /// The extended timestamp, and moves the highest forward when `timestamp` is newer. Saturates at zero for a
    /// peer that runs its clock backwards through more than a cycle.
    #[inline]
    pub fn extend(&mut self, timestamp: u32) -> u64 {
        let [_, _, _, _, a, b, c, d] = self.highest.to_be_bytes();
        let offset = timestamp.offset_from(u32::from_be_bytes([a, b, c, d]));
        let extended = self.highest.saturating_add_signed(i64::from(offset));
        self.highest = self.highest.max(extended);
        extended
    }
}

const fn widen(sequence: u16) -> u64 {
    let [high, low] = sequence.to_be_bytes();
    u64::from_be_bytes([0, 0, 0, 0, 0, 0, high, low])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_goes_the_short_way_round() {
        assert!(0u16.is_newer_than(65_535));
        assert!(!65_535u16.is_newer_than(0));
        assert!(!7u16.is_newer_than(7));
        assert!(0x7fffu16.is_newer_than(0));
        assert!(0u32.is_newer_than(u32::MAX));
        assert_eq!(3u16.offset_from(65_534), 5);
        assert_eq!(65_534u16.offset_from(3), -5);
        assert_eq!(u32::MAX.offset_from(4), -5);
    }

    #[test]
    fn half_the_space_apart_has_no_order() {
        assert!(!0x8000u16.is_newer_than(0));
        assert!(!0u16.is_newer_than(0x8000));
        assert!(!0x8000_0000u32.is_newer_than(0));
        assert!(!0u32.is_newer_than(0x8000_0000));
    }

    #[test]
    fn a_sequence_keeps_its_cycle_through_reordering_at_the_wrap() {
        let mut extended = ExtendedSequence::starting_at(65_534);
        assert_eq!(extended.extend(1), Some(65_537));
        assert_eq!(extended.extend(65_535), Some(65_535));
        assert_eq!(extended.extend(0), Some(65_536));
        assert_eq!(extended.highest(), 65_537);
    }

    #[test]
    fn before_cycle_zero_there_is_nothing() {
        let mut extended = ExtendedSequence::starting_at(1);
        assert_eq!(extended.extend(65_535), None);
        assert_eq!(extended.highest(), 1);
        assert_eq!(extended.extend(0), Some(0));
    }

    #[test]
    fn many_cycles_add_up() {
        let mut extended = ExtendedSequence::starting_at(0);
        let mut timestamps = ExtendedTimestamp::starting_at(5);
        for step in 1..=1_000u64 {
            let low = u16::try_from(step * 30_000 % 65_536).unwrap();
            assert_eq!(extended.extend(low), Some(step * 30_000));
            let low = u32::try_from((5 + step * 2_000_000_000) % (1 << 32)).unwrap();
            assert_eq!(timestamps.extend(low), (1 << 32) + 5 + step * 2_000_000_000);
        }
        assert_eq!(ExtendedTimestamp::starting_at(5).extend(u32::MAX), (1 << 32) - 1);
    }
}
