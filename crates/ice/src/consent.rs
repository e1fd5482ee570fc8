//! Whether the peer still wants to hear from us (RFC 7675).

use core::time::Duration;

use wire::Mono;

/// The timer that every valid request restarts. A lite agent sends no checks of its own; the peer's are its consent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Consent {
    timeout: Option<Duration>,
    /// Runs once the peer was heard.
    heard: Option<Mono>,
}

impl Consent {
    pub(crate) const fn new(timeout: Option<Duration>) -> Self {
        Self { timeout, heard: None }
    }

    pub(crate) const fn given(&mut self, now: Mono) {
        self.heard = Some(now);
    }

    pub(crate) const fn stop(&mut self) {
        self.heard = None;
    }

    /// When it ends; [`Mono::NEVER`] if it does not.
    pub(crate) fn ends(&self) -> Mono {
        match (self.heard, self.timeout) {
            (Some(heard), Some(timeout)) => heard + timeout,
            _ => Mono::NEVER,
        }
    }
}

/// What a configured number of seconds means: none for 0, and never less or more than is sensible.
#[must_use]
pub fn consent_timeout(seconds: u8) -> Option<Duration> {
    (seconds != 0).then(|| Duration::from_secs(u64::from(seconds.clamp(MIN_SECONDS, MAX_SECONDS))))
}

/// mediasoup's bounds of `iceConsentTimeout`. RFC 7675 §5.1: a peer asks every 5 s or so, and 30 s is the RFC's own.
const MIN_SECONDS: u8 = 10;
const MAX_SECONDS: u8 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_clamped_and_zero_is_never() {
        let seconds =
            [0, 1, 10, 30, 60, 255].map(|seconds| consent_timeout(seconds).map(|timeout| timeout.as_secs()));
        assert_eq!(seconds, [None, Some(10), Some(10), Some(30), Some(60), Some(60)]);
    }
}
