//! The 48-bit packet index of SRTP (RFC 3711 §3.3.1).

/// A packet's index: the rollover counter above the sequence number, 48 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketIndex(u64);

impl PacketIndex {
    /// The last index a key may seal (RFC 3711 §9.2).
    pub const MAX: Self = Self((1 << 48) - 1);

    /// The index of that value, if 48 bits hold it.
    pub const fn new(value: u64) -> Option<Self> {
        if value > Self::MAX.0 { None } else { Some(Self(value)) }
    }

    /// The index of sequence number `sequence` after `roc` rollovers.
    pub const fn from_parts(roc: u32, sequence: u16) -> Self {
        // `as` widens; `u64::from` is not yet const.
        Self(((roc as u64) << 16) | sequence as u64)
    }

    /// The index as a number.
    pub const fn value(self) -> u64 {
        self.0
    }

    /// The rollover counter.
    pub const fn roc(self) -> u32 {
        let [_, _, a, b, c, d, _, _] = self.0.to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }

    /// The sequence number that travels in the RTP header.
    pub const fn sequence(self) -> u16 {
        let [.., high, low] = self.0.to_be_bytes();
        u16::from_be_bytes([high, low])
    }

    /// The index that follows, unless this was the last.
    pub const fn next(self) -> Option<Self> {
        Self::new(self.0 + 1)
    }

    /// The index a receiver gives to `sequence` when the highest it has authenticated is `self`
    /// (RFC 3711 §3.3.1 and appendix A). `None` when the counter would pass its end.
    pub(crate) fn estimate(self, sequence: u16) -> Option<Self> {
        let (roc, highest) = (self.roc(), self.sequence());
        let guess = if highest < HALF {
            // Before the first rollover there is no lower counter to go back to: what looks like a step
            // back by more than half the range is taken as a step forward, and authentication decides.
            if sequence.saturating_sub(highest) > HALF { roc.saturating_sub(1) } else { roc }
        } else if highest - HALF > sequence {
            roc.checked_add(1)?
        } else {
            roc
        };
        Some(Self::from_parts(guess, sequence))
    }
}

/// Half the range of a sequence number.
const HALF: u16 = 1 << 15;

#[cfg(test)]
mod tests {
    use super::PacketIndex;

    #[test]
    fn parts_come_back() {
        let index = PacketIndex::from_parts(0xdead_beef, 0x1234);
        assert_eq!((index.roc(), index.sequence()), (0xdead_beef, 0x1234));
        assert_eq!(index.value(), 0xdead_beef_1234);
        assert_eq!(PacketIndex::new(1 << 48), None);
        assert_eq!(PacketIndex::MAX.next(), None);
        assert_eq!(PacketIndex::from_parts(0, 65535).next(), Some(PacketIndex::from_parts(1, 0)));
    }

    #[test]
    fn the_estimate_is_the_nearest_index_with_that_sequence_number() {
        for highest in [0x1_0000_u64, 0x1_7fff, 0x1_8000, 0x1_8001, 0x1_ffff, 0x2_0000, 0x1234_5678_9abc] {
            for step in -32_767_i64..=32_767 {
                let true_index = highest.checked_add_signed(step).and_then(PacketIndex::new).unwrap();
                let estimate = PacketIndex::new(highest).unwrap().estimate(true_index.sequence());
                assert_eq!(estimate, Some(true_index), "{highest:#x} {step}");
            }
        }
    }

    #[test]
    fn exactly_half_the_range_away_the_counter_stays() {
        // RFC 3711 appendix A compares with "greater" on both sides.
        for (highest, sequence, expected) in [(0x1_0005, 0x8005, 0x1_8005), (0x1_8005, 5, 0x1_0005)] {
            let estimate = PacketIndex::new(highest).unwrap().estimate(sequence);
            assert_eq!(estimate, PacketIndex::new(expected), "{highest:#x}");
        }
    }

    #[test]
    fn no_counter_below_zero_and_none_past_the_end() {
        assert_eq!(PacketIndex::from_parts(0, 10).estimate(65_000), Some(PacketIndex::from_parts(0, 65_000)));
        assert_eq!(PacketIndex::MAX.estimate(3), None);
        assert_eq!(PacketIndex::MAX.estimate(65_534), PacketIndex::new(PacketIndex::MAX.value() - 1));
    }
}
