//! The packets of one source that may be asked for again, the oldest going first: one store for all who get them.
//!
//! A ring in the order of sequence numbers, with a bit for each place that is taken, so that a late packet finds its
//! place at once and gaps cost nothing to pass, however wide a sender makes them. It holds names of packets and what is
//! needed to send them again; whoever puts one in holds a reference for it and drops that when the name comes out.
//!
//! Invariants: at most 2500 packets of one run, within [`SPAN_LIMIT`] numbers; one that left does not come
//! back. The ring grows with what it has to hold and then stays; warm nothing is allocated.

#[cfg(test)]
mod tests;

use core::time::Duration;

use wire::Mono;

/// See the module. `S` names a packet, `M` is what is needed to send it again.
#[derive(Clone, Debug)]
pub struct Store<S, M> {
    /// By the low bits of the sequence number.
    ring: Vec<Option<Kept<S, M>>>,
    /// A bit for each place of the ring that is taken.
    taken: Vec<u64>,
    len: usize,
    run: u32,
    /// The lowest number that is kept, and one above the highest that was.
    lowest: u64,
    end: u64,
    /// Numbers below have left.
    floor: u64,
    keeping: Keeping,
}

/// A packet that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept<S, M> {
    /// Its number, with cycles.
    pub sequence: u64,
    /// When it came.
    pub received: Mono,
    /// What it is called where packets are.
    pub slot: S,
    /// What is needed to send it again.
    pub about: M,
}

/// Where in its source a packet stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// Which run: a sender that begins anew begins another.
    pub run: u32,
    /// The sequence number with its cycles.
    pub sequence: u64,
}

/// For how long packets are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// A second.
    Audio,
    /// Two seconds.
    Video,
}

/// Why a packet is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotKept {
    /// It is kept.
    Duplicate,
    /// Others of about its number have left.
    TooOld,
}

impl<S: Copy, M: Copy> Store<S, M> {
    /// Nothing is kept, and nothing allocated.
    pub const fn new(keeping: Keeping) -> Self {
        Self { ring: Vec::new(), taken: Vec::new(), len: 0, run: 0, lowest: 0, end: 0, floor: 0, keeping }
    }

    /// Keeps a packet. What has to leave for it goes through `left`: what is too old by now or too far back, and, when
    /// the packet is of another run, everything: who restarts has nothing to repair of what was before.
    ///
    /// # Errors
    /// [`NotKept`]; the reference is still the caller's. Something may have left all the same.
    pub fn insert(
        &mut self,
        now: Mono,
        at: At,
        (slot, about): (S, M),
        left: &mut dyn FnMut(S),
    ) -> Result<(), NotKept> {
        if at.run != self.run {
            self.clear(left);
            (self.run, self.floor) = (at.run, 0);
        }
        self.expire(now, left);
        let sequence = at.sequence;
        if sequence < self.floor {
            return Err(NotKept::TooOld);
        }
        if self.len == 0 {
            (self.lowest, self.end) = (sequence, sequence);
        }
        let end = self.end.max(sequence.saturating_add(1));
        while self.len > 0 && end.saturating_sub(self.lowest) > SPAN_LIMIT {
            self.pop(left);
        }
        if self.len == 0 {
            self.lowest = sequence;
        }
        let lowest = self.lowest.min(sequence);
        if end.saturating_sub(lowest) > SPAN_LIMIT || sequence < self.floor {
            return Err(NotKept::TooOld);
        }
        self.make_room(lowest, end);
        let place = self.place(sequence);
        if self.ring.get(place).is_some_and(Option::is_some) {
            return Err(NotKept::Duplicate);
        }
        (self.lowest, self.end) = (lowest, end);
        self.put(place, Some(Kept { sequence, received: now, slot, about }));
        self.len = self.len.saturating_add(1);
        if self.len > PACKETS_LIMIT {
            self.pop(left);
        }
        Ok(())
    }

    /// The packet whose number ends in `sequence`, of a run whose number ends in `run`. Of the numbers within reach there
    /// is one such; of runs there is one at a time.
    pub fn get(&self, run: u16, sequence: u16) -> Option<&Kept<S, M>> {
        if run != low(u64::from(self.run)) || self.len == 0 {
            return None;
        }
        let ahead = sequence.wrapping_sub(low(self.lowest));
        let sequence = self.lowest.checked_add(u64::from(ahead))?;
        self.ring.get(self.place(sequence))?.as_ref().filter(|kept| kept.sequence == sequence)
    }

    /// Takes a packet out before its time.
    pub fn remove(&mut self, at: At) -> Option<S> {
        if at.run != self.run || self.len == 0 {
            return None;
        }
        let place = self.place(at.sequence);
        let slot = self.ring.get(place)?.as_ref().filter(|kept| kept.sequence == at.sequence)?.slot;
        self.take_out(place);
        self.floor =
            self.floor.max(if at.sequence == self.lowest { at.sequence.saturating_add(1) } else { 0 });
        self.settle();
        Some(slot)
    }

    /// Lets go what came too long ago. Looked at from the lowest number on: what came late keeps those behind it for as
    /// long as itself.
    pub fn expire(&mut self, now: Mono, left: &mut dyn FnMut(S)) {
        while self.first().is_some_and(|kept| now.since(kept.received) > self.keeping.duration()) {
            self.pop(left);
        }
    }

    /// Lets everything go. The memory stays.
    pub fn clear(&mut self, left: &mut dyn FnMut(S)) {
        while self.len > 0 {
            self.pop(left);
        }
    }

    /// Packets that are kept.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether none is.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of memory beside the packets themselves.
    pub const fn memory(&self) -> usize {
        let ring = self.ring.capacity().saturating_mul(size_of::<Option<Kept<S, M>>>());
        ring.saturating_add(self.taken.capacity().saturating_mul(8))
    }

    fn first(&self) -> Option<&Kept<S, M>> {
        if self.len == 0 { None } else { self.ring.get(self.place(self.lowest))?.as_ref() }
    }

    /// Lets the lowest go.
    fn pop(&mut self, left: &mut dyn FnMut(S)) {
        let Some(kept) = self.first() else {
            self.len = 0;
            return;
        };
        left(kept.slot);
        self.floor = self.lowest.saturating_add(1);
        self.take_out(self.place(self.lowest));
        self.settle();
    }

    fn take_out(&mut self, place: usize) {
        self.put(place, None);
        self.len = self.len.saturating_sub(1);
    }

    fn put(&mut self, place: usize, kept: Option<Kept<S, M>>) {
        if let Some(word) = self.taken.get_mut(place >> 6) {
            let bit = 1 << (place & 63);
            *word = if kept.is_some() { *word | bit } else { *word & !bit };
        }
        if let Some(entry) = self.ring.get_mut(place) {
            *entry = kept;
        }
    }

    /// Finds the lowest again, word by word.
    fn settle(&mut self) {
        if self.len == 0 {
            self.lowest = self.end;
            return;
        }
        let start = self.place(self.lowest);
        let words = self.taken.len();
        let mut ahead = 0_usize;
        // The word in which it begins comes once more at the end, with what lies before the beginning.
        for step in 0..=words {
            let at = (start >> 6).wrapping_add(step) & words.wrapping_sub(1);
            let mut word = self.taken.get(at).copied().unwrap_or_default();
            if step == 0 {
                word &= u64::MAX << (start & 63);
            }
            if word != 0 {
                let bit = usize::try_from(word.trailing_zeros()).unwrap_or_default();
                ahead = (at << 6 | bit).wrapping_sub(start) & self.mask();
                break;
            }
        }
        self.lowest = self.lowest.saturating_add(u64::try_from(ahead).unwrap_or_default());
    }

    /// Grows the ring until the numbers from `lowest` to below `end` have each a place of their own.
    fn make_room(&mut self, lowest: u64, end: u64) {
        let span = usize::try_from(end.saturating_sub(lowest)).unwrap_or(usize::MAX);
        if span <= self.ring.len() {
            return;
        }
        let places = span.next_power_of_two().max(LEAST_PLACES);
        let before = core::mem::take(&mut self.ring);
        self.ring.resize_with(places, || None);
        self.taken.clear();
        self.taken.resize(places >> 6, 0);
        for kept in before.into_iter().flatten() {
            self.put(self.place(kept.sequence), Some(kept));
        }
    }

    fn place(&self, sequence: u64) -> usize {
        usize::from(low(sequence)) & self.mask()
    }

    fn mask(&self) -> usize {
        self.ring.len().wrapping_sub(1)
    }
}

impl Keeping {
    /// Beyond that nobody plays what would come.
    pub const fn duration(self) -> Duration {
        match self {
            Self::Audio => Duration::from_secs(1),
            Self::Video => Duration::from_secs(2),
        }
    }
}

const fn low(sequence: u64) -> u16 {
    let [.., high, low] = sequence.to_be_bytes();
    u16::from_be_bytes([high, low])
}

/// Packets that a store keeps, as in the protocol: two seconds of 15 Mbit/s.
const PACKETS_LIMIT: usize = 2_500;
/// Numbers from the lowest to the highest that is kept: what the packets take up with every third one missing.
const SPAN_LIMIT: u64 = 4_096;
/// The first ring: a second of audio.
const LEAST_PLACES: usize = 64;
