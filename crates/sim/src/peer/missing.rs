//! The numbers that a receiver misses, and when it asks for them (RFC 4585 §6.2.1 leaves that to it).

use core::time::Duration;
use std::collections::BTreeMap;

use wire::Mono;

/// Missing numbers, extended by how often they wrapped.
#[derive(Clone, Debug, Default)]
pub(super) struct Missing(BTreeMap<u64, Asked>);

#[derive(Clone, Copy, Debug)]
struct Asked {
    first: Mono,
    last: Mono,
}

impl Missing {
    /// A number was found missing, and is asked for now.
    pub(super) fn add(&mut self, number: u64, now: Mono) {
        self.0.insert(number, Asked { first: now, last: now });
    }

    /// A number came after all. Whether it was missing.
    pub(super) fn found(&mut self, number: u64) -> bool {
        self.0.remove(&number).is_some()
    }

    /// Numbers that are to be asked for again, and how many are given up.
    pub(super) fn due(&mut self, now: Mono, again_after: Duration) -> (Vec<u16>, usize) {
        let before = self.0.len();
        self.0.retain(|_, asked| now.since(asked.first) < GIVE_UP_AFTER);
        let given_up = before - self.0.len();
        let mut due = Vec::new();
        for (number, asked) in &mut self.0 {
            if now.since(asked.last) >= again_after {
                asked.last = now;
                due.push(u16::try_from(number & 0xffff).unwrap_or(0));
            }
        }
        (due, given_up)
    }

    /// When that changes.
    pub(super) fn next_due(&self, again_after: Duration) -> Mono {
        let due = |asked: &Asked| (asked.last + again_after).min(asked.first + GIVE_UP_AFTER);
        self.0.values().map(due).min().unwrap_or(Mono::NEVER)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// A picture that stands still for longer is better mended by a key frame.
const GIVE_UP_AFTER: Duration = Duration::from_secs(1);
