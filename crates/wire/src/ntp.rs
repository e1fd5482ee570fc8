//! Wall-clock time as RTCP carries it. Converting a shard's [`crate::Mono`] is the business of its one anchor.

/// A 64-bit NTP timestamp: seconds since 1900 and their fraction in units of 2^-32 s (RFC 3550 §4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ntp(pub u64);

impl Ntp {
    /// The middle 32 bits, in units of 2^-16 s: what LSR, LRR and round-trip times are made of (RFC 3550 §6.4.1).
    #[must_use]
    pub const fn middle(self) -> u32 {
        let [_, _, a, b, c, d, _, _] = self.0.to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_what_a_report_block_repeats() {
        // RFC 3550 §6.4.1, figure 2: n = 0xb44db705_20000000 gives 0xb705_2000.
        assert_eq!(Ntp(0xb44d_b705_2000_0000).middle(), 0xb705_2000);
    }
}
