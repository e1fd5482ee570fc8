//! Which packets of a stream are missing, and when to ask for them: what a generic NACK says (RFC 4585 §6.2.1).
//!
//! A packet is asked for some time after the gap was seen, because it may only be late; again once a round trip has
//! passed; and given up after some tries. Whoever comes, late or retransmitted, leaves the list.
//!
//! Bounded: a thousand packets. If more are missing, those before the last key frame are given up, since decoding can go
//! on there; if that is not enough, all are, and a key frame is needed.

use std::collections::VecDeque;

use core::time::Duration;

use wire::Mono;

/// See the module. Numbers are sequence numbers with their cycles.
#[derive(Clone, Debug, Default)]
pub struct Missing {
    /// By number.
    entries: VecDeque<Entry>,
    key_frame: Option<u64>,
    /// When to ask again for what was asked for already.
    timer: Mono,
    /// When to poll.
    next: Option<Mono>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    number: u64,
    /// When the gap was seen.
    since: Mono,
    /// When it was last asked for.
    asked: Option<Mono>,
    tries: u8,
}

/// What became of a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// What is missing will be asked for.
    Listed,
    /// Too much is missing; only a key frame helps.
    NeedsKeyFrame,
}

impl Missing {
    /// A list of nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: VecDeque::new(), key_frame: None, timer: Mono::NEVER, next: None }
    }

    /// Takes note of packets that were jumped over, from `from` until before `to`.
    #[cold]
    pub fn jumped(&mut self, from: u64, to: u64, at: Mono) -> Gap {
        self.give_up_before(to.saturating_sub(AGE_LIMIT));
        let count = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
        if self.entries.len().saturating_add(count) > LIMIT {
            self.give_up_before(self.key_frame.unwrap_or_default());
        }
        if self.entries.len().saturating_add(count) > LIMIT {
            self.clear();
            return Gap::NeedsKeyFrame;
        }
        if self.entries.is_empty() {
            self.timer = at + TIMER;
        }
        let entry = |number| Entry { number, since: at, asked: None, tries: 0 };
        self.entries.extend((from..to).map(entry));
        let first = at + PATIENCE;
        self.next = Some(self.next.map_or(first, |next| next.min(first)));
        Gap::Listed
    }

    /// Takes note of a packet that came after later ones, late or retransmitted: how often it was asked for, if it
    /// was missing at all.
    pub fn arrived(&mut self, number: u64) -> Option<u8> {
        let at = self.entries.binary_search_by_key(&number, |entry| entry.number).ok()?;
        let entry = self.entries.remove(at)?;
        self.rest();
        Some(entry.tries)
    }

    /// Takes note of where a key frame begins.
    pub fn saw_key_frame(&mut self, number: u64) {
        self.key_frame = Some(self.key_frame.map_or(number, |known| known.max(number)));
    }

    /// Adds to `out` what is to be asked for now, oldest first. To be called at [`next_at`](Self::next_at), and
    /// harmless at any time.
    pub fn poll(&mut self, now: Mono, round_trip: Option<Duration>, out: &mut Vec<u16>) {
        // Whoever shares a timer with many others is polled for each of them.
        if self.next.is_none_or(|next| now < next) {
            return;
        }
        let round_trip = round_trip.unwrap_or(ROUND_TRIP);
        let again = now >= self.timer;
        let mut next = Mono::NEVER;
        self.entries.retain_mut(|entry| {
            let is_due = match entry.asked {
                None => now.since(entry.since) >= PATIENCE,
                Some(asked) => again && now.since(asked) >= round_trip,
            };
            if is_due && entry.tries >= TRIES {
                return false;
            }
            if is_due {
                (entry.asked, entry.tries) = (Some(now), entry.tries.saturating_add(1));
                out.push(low(entry.number));
            }
            if entry.asked.is_none() {
                next = next.min(entry.since + PATIENCE);
            }
            true
        });
        if again {
            self.timer = now + TIMER;
        }
        self.next = Some(next.min(self.timer));
        self.rest();
    }

    /// When something may be due; nothing while nothing is missing.
    #[must_use]
    #[inline]
    pub const fn next_at(&self) -> Option<Mono> {
        self.next
    }

    /// How many are missing.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is missing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Gives up everything.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.key_frame = None;
        self.rest();
    }

    fn give_up_before(&mut self, number: u64) {
        let count = self.entries.partition_point(|entry| entry.number < number);
        self.entries.drain(..count);
        self.rest();
    }

    /// Nothing is to be done while nothing is missing; the memory of a bad moment goes too.
    fn rest(&mut self) {
        if self.entries.is_empty() {
            self.next = None;
            if self.entries.capacity() > KEPT {
                self.entries = VecDeque::new();
            }
        }
    }
}

const fn low(number: u64) -> u16 {
    let [.., high, low] = number.to_be_bytes();
    u16::from_be_bytes([high, low])
}

/// The protocol's: two seconds of a large picture's packets all lost.
pub(super) const LIMIT: usize = 1_000;
/// Places that are kept for the next gap: 1.3 kB for each stream, where all of them would be 40.
const KEPT: usize = 32;
/// The protocol's: by so many numbers a packet may lie behind the newest.
const AGE_LIMIT: u64 = 10_000;
/// The protocol's: how long a packet may only be late.
const PATIENCE: Duration = Duration::from_millis(10);
/// The protocol's: how often it is looked at what was not answered.
const TIMER: Duration = Duration::from_millis(40);
/// The protocol's, until the round trip is known.
const ROUND_TRIP: Duration = Duration::from_millis(100);
/// The protocol's.
const TRIES: u8 = 10;

#[cfg(test)]
mod tests;
