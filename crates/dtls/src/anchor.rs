//! Where our time line lies on the library's.

use core::time::Duration;
use std::time::Instant;

use wire::Mono;

/// When [`Mono::ZERO`] was: the library measures in instants.
///
/// It asks nobody for the time but once in a process, for the clock that the first bytes of a hello's randomness show
/// (RFC 5246 §7.4.1.2).
#[derive(Clone, Copy, Debug)]
pub struct Anchor(Instant);

impl Anchor {
    /// No moment that an endpoint is told may be more than an hour before the first of the process.
    #[must_use]
    pub const fn new(zero: Instant) -> Self {
        Self(zero)
    }

    pub(crate) fn instant(self, at: Mono) -> Instant {
        self.0.checked_add(Duration::from_nanos(at.as_nanos())).unwrap_or(self.0)
    }

    pub(crate) fn mono(self, at: Instant) -> Mono {
        let since = at.saturating_duration_since(self.0).as_nanos();
        Mono::from_nanos(u64::try_from(since).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "instants have no other beginning")]
    fn there_and_back_is_the_same_moment() {
        let anchor = Anchor::new(Instant::now());
        for nanos in [0, 1, 86_400_000_000_007] {
            assert_eq!(anchor.mono(anchor.instant(Mono::from_nanos(nanos))), Mono::from_nanos(nanos));
        }
        assert_eq!(anchor.mono(anchor.0 - Duration::from_nanos(1)), Mono::ZERO);
    }
}
