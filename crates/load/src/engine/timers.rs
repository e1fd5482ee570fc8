//! When each peer wants to be called.

use std::collections::BTreeSet;
use std::time::Instant;

/// At most one time for each peer, by its index.
#[derive(Debug, Default)]
pub(super) struct Timers {
    queue: BTreeSet<(Instant, usize)>,
    set: Vec<Option<Instant>>,
}

impl Timers {
    /// Instead of what was set before.
    pub(super) fn set(&mut self, peer: usize, at: Option<Instant>) {
        if self.set.len() <= peer {
            self.set.resize(peer + 1, None);
        }
        let Some(slot) = self.set.get_mut(peer) else { return };
        if *slot == at {
            return;
        }
        if let Some(before) = std::mem::replace(slot, at) {
            self.queue.remove(&(before, peer));
        }
        if let Some(at) = at {
            self.queue.insert((at, peer));
        }
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// The earliest that is due, which is no longer set then.
    pub(super) fn pop(&mut self, now: Instant) -> Option<(Instant, usize)> {
        let (at, peer) = *self.queue.first().filter(|(at, _)| *at <= now)?;
        self.set(peer, None);
        Some((at, peer))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_last_time_set_for_a_peer_counts_and_the_earliest_comes_first() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut timers = Timers::default();
        timers.set(2, Some(at(5)));
        timers.set(0, Some(at(7)));
        timers.set(2, Some(at(9)));
        timers.set(1, Some(at(8)));
        timers.set(1, None);
        assert_eq!(timers.next(), Some(at(7)));
        assert_eq!(timers.pop(at(6)), None);
        assert_eq!(timers.pop(at(10)), Some((at(7), 0)));
        assert_eq!(timers.pop(at(10)), Some((at(9), 2)));
        assert_eq!((timers.pop(at(10)), timers.next()), (None, None));
    }
}
