//! When which stream's next burst is due: the same clockwork for the source and for the floor.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::case::Stream;

/// Streams in the order of their next burst.
#[derive(Debug)]
pub(crate) struct Schedule {
    due: BinaryHeap<Reverse<(u64, usize)>>,
    intervals_ns: Vec<u64>,
    lateness: Lateness,
}

/// What becomes of bursts that should have happened already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lateness {
    /// They happen at once: for work whose bursts nobody can merge.
    MadeUp,
    /// They are left out: two bursts in quick succession would be one to whoever receives them.
    Forgiven,
}

impl Schedule {
    pub(crate) fn new(streams: &[Stream], start_ns: u64, lateness: Lateness) -> Self {
        Self {
            lateness,
            due: streams
                .iter()
                .enumerate()
                .map(|(index, stream)| Reverse((start_ns + stream.phase_ns, index)))
                .collect(),
            intervals_ns: streams.iter().map(|stream| stream.interval_ns.max(1)).collect(),
        }
    }

    /// When the next burst is due.
    pub(crate) fn next_at(&self) -> u64 {
        self.due.peek().map_or(u64::MAX, |Reverse((at, _))| *at)
    }

    /// A stream whose burst is due.
    pub(crate) fn pop_due(&mut self, now_ns: u64) -> Option<usize> {
        let Reverse((at, stream)) = *self.due.peek()?;
        if at > now_ns {
            return None;
        }
        let interval = self.intervals_ns.get(stream).copied()?;
        let next = match self.lateness {
            Lateness::MadeUp => at + interval,
            Lateness::Forgiven => (at + interval).max(now_ns + interval - interval / 4),
        };
        self.due.pop();
        self.due.push(Reverse((next, stream)));
        Some(stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(interval_ns: u64, phase_ns: u64) -> Stream {
        Stream { peer: 0, slot: 0, bytes: 100, burst: 1, interval_ns, phase_ns }
    }

    #[test]
    fn bursts_come_in_order_and_once() {
        let mut schedule = Schedule::new(&[stream(100, 10), stream(100, 0)], 1000, Lateness::Forgiven);
        assert_eq!(schedule.next_at(), 1000);
        assert_eq!(schedule.pop_due(1010), Some(1));
        assert_eq!(schedule.pop_due(1010), Some(0));
        assert_eq!(schedule.pop_due(1010), None);
        assert_eq!(schedule.next_at(), 1100);
    }

    #[test]
    fn a_forgiven_burst_does_not_bring_the_next_one_closer_than_three_quarters() {
        let mut schedule = Schedule::new(&[stream(100, 0)], 0, Lateness::Forgiven);
        assert_eq!(schedule.pop_due(950), Some(0));
        assert_eq!(schedule.next_at(), 1025);
    }

    #[test]
    fn made_up_bursts_all_happen() {
        let mut schedule = Schedule::new(&[stream(100, 0)], 0, Lateness::MadeUp);
        assert_eq!((0..20).filter_map(|_| schedule.pop_due(950)).count(), 10);
    }
}
