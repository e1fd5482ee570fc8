//! The worst that consumers of one source lose lately, of 256. Matters to producers whose packets carry what repairs the
//! ones before (in-band FEC): their senders then carry more of it.
//!
//! What was said holds for one interval and the next, whoever said it: nobody has to be asked again, however many there
//! are, and who is gone is forgotten.

use core::time::Duration;

use wire::Mono;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(super) struct Losses {
    since: Mono,
    current: u8,
    previous: u8,
}

impl Losses {
    pub(super) const fn new() -> Self {
        Self { since: Mono::ZERO, current: 0, previous: 0 }
    }

    /// Somebody lost so much. Whether the worst is to be told to who keeps it elsewhere: it is another now, or goes on.
    pub(super) fn hear(&mut self, now: Mono, fraction: u8) -> bool {
        let before = (self.current.max(self.previous), self.since);
        self.pass(now);
        self.current = self.current.max(fraction);
        let worst = self.current.max(self.previous);
        worst != before.0 || worst > 0 && self.since != before.1
    }

    /// The worst lately.
    pub(super) fn worst(&self, now: Mono) -> u8 {
        let mut at_now = *self;
        at_now.pass(now);
        at_now.current.max(at_now.previous)
    }

    fn pass(&mut self, now: Mono) {
        let passed = now.since(self.since);
        if passed >= INTERVAL {
            let previous = if passed < INTERVAL.saturating_mul(2) { self.current } else { 0 };
            *self = Self { since: now, current: 0, previous };
        }
    }
}

/// Receivers of audio report every five seconds or more often (RFC 3550 §6.2).
const INTERVAL: Duration = Duration::from_secs(5);
/// For how long counts what another shard said: it says it again with the first report of each interval.
pub(super) const KEPT_ELSEWHERE: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn the_worst_holds_until_nobody_repeats_it() {
        let mut losses = Losses::new();
        assert!(losses.hear(at(1), 20));
        assert!(!losses.hear(at(1), 10));
        assert!(losses.hear(at(2), 30));
        assert_eq!(losses.worst(at(2)), 30);
        assert!(losses.hear(at(6), 10), "it goes on");
        assert!(!losses.hear(at(7), 10), "that was said lately");
        assert_eq!(losses.worst(at(10)), 30);
        assert!(losses.hear(at(11), 5));
        assert_eq!((losses.worst(at(11)), losses.worst(at(16)), losses.worst(at(30))), (10, 5, 0));
    }
}
