//! The clock that every sans-IO crate is handed: an 8-byte point on the shard's monotonic time line.
//!
//! Nothing here reads a clock. A shard reads it once per tick and passes the value down; tests and the
//! simulator invent it.

use core::ops::{Add, AddAssign, Sub};
use core::time::Duration;

/// Nanoseconds on one machine's monotonic clock. 2^64 ns are 584 years, so arithmetic saturates only in error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(u64);

impl Mono {
    /// The origin of the time line.
    pub const ZERO: Self = Self(0);
    /// Later than every deadline: "no timeout".
    pub const NEVER: Self = Self(u64::MAX);

    /// A point `nanos` nanoseconds after the origin.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the origin.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Mono {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl AddAssign<Duration> for Mono {
    fn add_assign(&mut self, by: Duration) {
        *self = self.add(by);
    }
}

impl Sub<Duration> for Mono {
    type Output = Self;

    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_saturates_instead_of_wrapping() {
        assert_eq!(Mono::NEVER + Duration::from_secs(1), Mono::NEVER);
        assert_eq!(Mono::ZERO - Duration::from_secs(1), Mono::ZERO);
        assert_eq!(Mono::ZERO.since(Mono::from_nanos(7)), Duration::ZERO);
        assert_eq!(Mono::from_nanos(9).since(Mono::from_nanos(2)), Duration::from_nanos(7));
    }
}
