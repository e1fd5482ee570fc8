//! When what a shard counts is shown: not with every tick, of which a busy shard has thousands a second, for whoever
//! looks does so a few times a second; and not so late that anybody would notice.
//!
//! What control asked for, and whatever ends, is shown with the tick that did it; the end of a shard, however it comes,
//! shows the rest. What an engine that panics has counted itself since it was shown last goes with it.

use core::time::Duration;

use wire::Mono;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(super) struct Showing {
    interval: Duration,
    due: Mono,
    /// Something happened since that is not to be seen yet.
    owes: bool,
}

impl Showing {
    pub(super) const fn every(interval: Duration) -> Self {
        Self { interval, due: Mono::ZERO, owes: false }
    }

    /// Whether a tick at that time is to show it.
    pub(super) fn is_due(&self, now: Mono) -> bool {
        now >= self.due
    }

    /// A tick did.
    pub(super) fn shown(&mut self, now: Mono) {
        self.due = now + self.interval;
        self.owes = false;
    }

    /// A tick did not.
    pub(super) const fn put_off(&mut self) {
        self.owes = true;
    }

    /// When there has to be a tick to show it, if there is none before.
    pub(super) fn by(&self) -> Mono {
        if self.owes { self.due } else { Mono::NEVER }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Mono {
        Mono::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn what_is_put_off_is_owed_until_it_is_shown() {
        let mut showing = Showing::every(Duration::from_millis(10));
        assert!(showing.is_due(at(0)) && showing.by() == Mono::NEVER);
        showing.shown(at(5));
        assert!(
            !showing.is_due(at(14)) && showing.by() == Mono::NEVER,
            "an idle shard is not woken for nothing"
        );
        showing.put_off();
        assert_eq!((showing.by(), showing.is_due(at(15))), (at(15), true));
        showing.shown(at(30));
        assert_eq!(showing.by(), Mono::NEVER);
    }

    #[test]
    fn without_an_interval_each_tick_shows_it() {
        let mut showing = Showing::every(Duration::ZERO);
        showing.shown(at(5));
        assert!(showing.is_due(at(5)));
    }
}
