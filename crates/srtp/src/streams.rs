//! The bounded table of SSRCs of one direction.

/// SSRCs in order, each with its entry.
///
/// Ordered rather than hashed: a look-up is at most log2(limit) steps in one small array whatever SSRCs a
/// remote chooses, and no seed is needed. The last hit is kept, because packets come in runs.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Streams<T> {
    // First, because who knows a slot needs nothing else.
    entries: Vec<Seat<T>>,
    /// Sorted.
    ssrcs: Vec<u32>,
    /// Of the SSRC at the same place, where its entry is.
    slots: Vec<usize>,
    vacant: Vec<usize>,
    /// The SSRC expected next, and its slot.
    latest: Option<(u32, usize)>,
}

/// A place for an entry. Begins a cache line: of hundreds of keys that take turns, the streams are far apart.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Seat<T>(Option<T>);

impl<T> Streams<T> {
    /// The bytes at the beginning that lead to the entries.
    pub(crate) const ENTRIES_BYTES: usize = size_of::<Vec<Seat<T>>>();

    pub(crate) const fn new() -> Self {
        Self { entries: Vec::new(), ssrcs: Vec::new(), slots: Vec::new(), vacant: Vec::new(), latest: None }
    }

    pub(crate) fn len(&self) -> usize {
        self.ssrcs.len()
    }

    #[inline]
    pub(crate) fn find(&self, ssrc: u32) -> Option<usize> {
        if let Some((latest, slot)) = self.latest
            && latest == ssrc
        {
            return Some(slot);
        }
        let place = self.ssrcs.binary_search(&ssrc).ok()?;
        self.slots.get(place).copied()
    }

    /// Makes the next look-up of `ssrc`, found at `slot`, short. Apart from [`Self::find`], so that only
    /// packets that proved authentic do this.
    #[inline]
    pub(crate) fn expect_again(&mut self, ssrc: u32, slot: usize) {
        self.latest = Some((ssrc, slot));
    }

    #[inline]
    pub(crate) fn entry(&self, slot: usize) -> Option<&T> {
        self.entries.get(slot)?.0.as_ref()
    }

    /// Where the entry of a slot would be, unread.
    #[inline]
    pub(crate) fn place(&self, slot: usize) -> Option<&Seat<T>> {
        self.entries.get(slot)
    }

    #[inline]
    pub(crate) fn entry_mut(&mut self, slot: usize) -> Option<&mut T> {
        self.entries.get_mut(slot)?.0.as_mut()
    }

    /// Adds an SSRC that is not in the table; one that is keeps its slot and takes the new entry.
    pub(crate) fn insert(&mut self, ssrc: u32, entry: T) -> usize {
        let place = match self.ssrcs.binary_search(&ssrc) {
            Ok(place) => {
                let slot = self.slots.get(place).copied().unwrap_or_default();
                if let Some(Seat(room)) = self.entries.get_mut(slot) {
                    *room = Some(entry);
                }
                return slot;
            }
            Err(place) => place,
        };
        let slot = self.vacant_slot().unwrap_or(self.entries.len());
        match self.entries.get_mut(slot) {
            Some(Seat(room)) => *room = Some(entry),
            None => self.entries.push(Seat(Some(entry))),
        }
        self.ssrcs.insert(place, ssrc);
        self.slots.insert(place, slot);
        slot
    }

    pub(crate) fn remove(&mut self, ssrc: u32) -> Option<T> {
        let place = self.ssrcs.binary_search(&ssrc).ok()?;
        self.latest = None;
        self.ssrcs.remove(place);
        let slot = self.slots.remove(place);
        self.vacant.push(slot);
        let entry = self.entries.get_mut(slot)?.0.take();
        self.shrink();
        entry
    }

    fn vacant_slot(&mut self) -> Option<usize> {
        loop {
            let slot = self.vacant.pop()?;
            // Slots at the end were given up when they became vacant, and may have been taken since.
            if let Some(Seat(None)) = self.entries.get(slot) {
                return Some(slot);
            }
        }
    }

    /// A key outlives most of its streams, and is not to keep room for the largest crowd of them.
    fn shrink(&mut self) {
        while matches!(self.entries.last(), Some(Seat(None))) {
            self.entries.pop();
        }
        let (used, room) = (self.entries.len(), self.entries.capacity());
        if room > LEAST_ROOM && used < room / 4 {
            let least = (used * 2).max(LEAST_ROOM);
            let Self { ssrcs, slots, entries, vacant, .. } = self;
            vacant.retain(|slot| *slot < used);
            ssrcs.shrink_to(least);
            slots.shrink_to(least);
            entries.shrink_to(least);
            vacant.shrink_to(least);
        }
    }
}

/// Streams for which room is kept: those of a small meeting.
const LEAST_ROOM: usize = 16;

#[cfg(test)]
mod tests {
    use super::Streams;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn agrees_with_a_map(steps in prop::collection::vec((0_u8..3, 0_u32..24), 1..200)) {
            let mut streams = Streams::new();
            let mut model = BTreeMap::new();
            for (value, (kind, ssrc)) in steps.into_iter().enumerate() {
                match kind {
                    0 => {
                        let slot = streams.insert(ssrc, value);
                        model.insert(ssrc, value);
                        prop_assert_eq!(streams.entry(slot), Some(&value));
                    }
                    1 => prop_assert_eq!(streams.remove(ssrc), model.remove(&ssrc)),
                    _ => {
                        if let Some(slot) = streams.find(ssrc) {
                            streams.expect_again(ssrc, slot);
                        }
                        let found = streams.find(ssrc).and_then(|slot| streams.entry_mut(slot).copied());
                        prop_assert_eq!(found, model.get(&ssrc).copied());
                    }
                }
                prop_assert_eq!(streams.len(), model.len());
                prop_assert!(streams.entries.len() <= 24);
            }
        }
    }

    #[test]
    fn a_crowd_leaves_no_room_behind_and_no_slot_is_given_twice() {
        let mut streams = Streams::new();
        streams.insert(0, 0);
        for _ in 0..3 {
            for ssrc in 1..2_000 {
                streams.insert(ssrc, ssrc);
            }
            for ssrc in (1..2_000).step_by(2) {
                streams.remove(ssrc);
            }
            for ssrc in (1..2_000).step_by(2) {
                streams.insert(ssrc, ssrc);
            }
            assert!(
                (0..2_000).all(|ssrc| streams.find(ssrc).and_then(|slot| streams.entry(slot)) == Some(&ssrc))
            );
            for ssrc in 1..2_000 {
                streams.remove(ssrc);
            }
        }
        let Streams { ssrcs, slots, entries, vacant, .. } = streams;
        assert!(ssrcs.capacity().max(slots.capacity()).max(entries.capacity()).max(vacant.capacity()) <= 16);
    }
}
