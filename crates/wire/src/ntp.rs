//! Wall-clock time as RTCP carries it. Converting a shard's [`crate::Mono`] is the business of its one anchor.

use core::time::Duration;

/// A 64-bit NTP timestamp: seconds since 1900 and their fraction in units of 2^-32 s (RFC 3550 §4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ntp(pub u64);

impl Ntp {
    /// A time since the Unix epoch.
    #[must_use]
    pub fn from_unix(since_epoch: Duration) -> Self {
        // RFC 5905 §6, figure 4: 1970 is that many seconds after 1900.
        Self(2_208_988_800 << 32).after(since_epoch)
    }

    /// That much later. The clock wraps in 2036, and so does this.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        let fraction = (u64::from(by.subsec_nanos()) << 32) / 1_000_000_000;
        Self(self.0.wrapping_add(by.as_secs() << 32).wrapping_add(fraction))
    }

    /// How far this is after `earlier`, the short way round; negative when it is before.
    #[must_use]
    pub const fn units_since(self, earlier: Self) -> i64 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }

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

    #[test]
    fn the_unix_epoch_is_seventy_years_after_that_of_ntp() {
        // Seventeen of them leap years.
        let seconds = (70 * 365 + 17) * 86_400;
        assert_eq!(Ntp::from_unix(Duration::ZERO), Ntp(seconds << 32));
        assert_eq!(Ntp::from_unix(Duration::from_millis(500)), Ntp(seconds << 32 | 1 << 31));
    }

    #[test]
    fn durations_add_up_and_come_back() {
        let start = Ntp(0xb44d_b705_8000_0000);
        let later = start.after(Duration::from_millis(1_500));
        assert_eq!(later, Ntp(0xb44d_b707_0000_0000));
        assert_eq!((later.units_since(start), start.units_since(later)), (3 << 31, -(3 << 31)));
        let wrapped = Ntp(u64::MAX).after(Duration::from_secs(1));
        assert_eq!(wrapped, Ntp(0xffff_ffff));
        assert_eq!(wrapped.units_since(Ntp(u64::MAX)), 1 << 32);
    }
}
