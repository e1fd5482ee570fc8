//! The open sockets of one driver: dense slots, each with a generation, so that a stale key names nothing.
//!
//! A slot is `Open` until `close` and then `Closing` until `release`: a driver whose kernel side lets go later
//! than the call keeps its entry, and the slot, for that long. Capacity is fixed; nothing is allocated after `new`.

use crate::driver::SocketKey;
use crate::prefetch;

/// Slots of sockets, with what a driver keeps for each.
#[derive(Debug)]
pub(crate) struct SocketTable<T> {
    slots: Vec<Slot<T>>,
    /// The index of the first slot: tables of one driver share their keys out.
    first: u32,
    /// Vacant slots; the last released is the first reused, so a small table stays dense.
    vacant: Vec<u32>,
}

/// Begins a cache line, with who stands there; behind that is what the entry has first.
#[derive(Debug)]
#[repr(u32, align(64))]
enum Slot<T> {
    Vacant { generation: u32 },
    Open { generation: u32, entry: T },
    Closing { generation: u32, entry: T },
}

impl<T> SocketTable<T> {
    /// A table for at most `capacity` sockets, closing ones included.
    pub(crate) fn new(capacity: u32) -> Self {
        Self::starting_at(0, capacity)
    }

    /// One whose keys begin with the index `first`.
    pub(crate) fn starting_at(first: u32, capacity: u32) -> Self {
        Self {
            slots: (0..capacity).map(|_| Slot::Vacant { generation: 0 }).collect(),
            first,
            vacant: (first..first.saturating_add(capacity)).rev().collect(),
        }
    }

    /// Takes a slot. Gives `entry` back when there is none.
    pub(crate) fn insert(&mut self, entry: T) -> Result<SocketKey, T> {
        let Some(index) = self.vacant.pop() else { return Err(entry) };
        let place = self.place(index);
        let Some(slot) = self.slots.get_mut(place) else { return Err(entry) };
        let generation = slot.generation().wrapping_add(1);
        *slot = Slot::Open { generation, entry };
        Ok(SocketKey { index, generation })
    }

    /// The open socket that `key` names.
    pub(crate) fn get(&self, key: SocketKey) -> Option<&T> {
        match self.slots.get(self.place(key.index)) {
            Some(Slot::Open { generation, entry }) if *generation == key.generation => Some(entry),
            _ => None,
        }
    }

    /// Begins to fetch the slot of a key.
    #[inline]
    pub(crate) fn prefetch(&self, key: SocketKey) {
        if let Some(slot) = self.slots.get(self.place(key.index)) {
            prefetch::soon(slot);
        }
    }

    /// The open socket that `key` names.
    pub(crate) fn get_mut(&mut self, key: SocketKey) -> Option<&mut T> {
        let place = self.place(key.index);
        match self.slots.get_mut(place) {
            Some(Slot::Open { generation, entry }) if *generation == key.generation => Some(entry),
            _ => None,
        }
    }

    /// Kills `key` and keeps its entry until `release`. `None` when it names no open socket.
    pub(crate) fn close(&mut self, key: SocketKey) -> Option<&mut T> {
        let place = self.place(key.index);
        let slot = self.slots.get_mut(place)?;
        match slot.take() {
            Slot::Open { generation, entry } if generation == key.generation => {
                *slot = Slot::Closing { generation, entry };
            }
            other => {
                *slot = other;
                return None;
            }
        }
        match slot {
            Slot::Closing { entry, .. } => Some(entry),
            _ => None,
        }
    }

    /// The closing socket that `key` named, for completions that arrive after `close`.
    pub(crate) fn closing_mut(&mut self, key: SocketKey) -> Option<&mut T> {
        let place = self.place(key.index);
        match self.slots.get_mut(place) {
            Some(Slot::Closing { generation, entry }) if *generation == key.generation => Some(entry),
            _ => None,
        }
    }

    /// Frees the slot of a closing socket and returns its entry.
    pub(crate) fn release(&mut self, key: SocketKey) -> Option<T> {
        let place = self.place(key.index);
        let slot = self.slots.get_mut(place)?;
        match slot.take() {
            Slot::Closing { generation, entry } if generation == key.generation => {
                self.vacant.push(key.index);
                Some(entry)
            }
            other => {
                *slot = other;
                None
            }
        }
    }

    /// All sockets, open and closing; for tearing down.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (SocketKey, &mut T)> {
        self.slots.iter_mut().zip(self.first..).filter_map(|(slot, index)| match slot {
            Slot::Open { generation, entry } | Slot::Closing { generation, entry } => {
                Some((SocketKey { index, generation: *generation }, entry))
            }
            Slot::Vacant { .. } => None,
        })
    }

    #[inline]
    const fn place(&self, index: u32) -> usize {
        // Before the first is beyond the last.
        index.wrapping_sub(self.first) as usize
    }
}

impl<T> Slot<T> {
    const fn generation(&self) -> u32 {
        match self {
            Self::Vacant { generation }
            | Self::Open { generation, .. }
            | Self::Closing { generation, .. } => *generation,
        }
    }

    /// What it is, and leaves it vacant.
    const fn take(&mut self) -> Self {
        core::mem::replace(self, Self::Vacant { generation: self.generation() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Operation {
        Insert,
        Close(usize),
        Release(usize),
    }

    fn operation() -> impl Strategy<Value = Operation> {
        prop_oneof![
            Just(Operation::Insert),
            any::<usize>().prop_map(Operation::Close),
            any::<usize>().prop_map(Operation::Release),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]
        /// Against a plain list of every key ever given out: a key works exactly while its socket is open.
        #[test]
        fn keys_live_from_insert_to_close(first in 0..9_u32, operations in prop::collection::vec(operation(), 0..200)) {
            #[derive(PartialEq, Debug)]
            enum Is { Open, Closing, Gone }
            let mut table = SocketTable::starting_at(first, 5);
            let mut model: Vec<(SocketKey, Is)> = Vec::new();
            for (step, operation) in operations.into_iter().enumerate() {
                let occupied = model.iter().filter(|(_, is)| *is != Is::Gone).count();
                let count = model.len().max(1);
                match operation {
                    Operation::Insert => match table.insert(step) {
                        Ok(key) => { prop_assert!(occupied < 5); model.push((key, Is::Open)); }
                        Err(_) => prop_assert_eq!(occupied, 5),
                    },
                    Operation::Close(pick) => if let Some((key, is)) = model.get_mut(pick % count) {
                        prop_assert_eq!(table.close(*key).is_some(), *is == Is::Open);
                        if *is == Is::Open { *is = Is::Closing; }
                    },
                    Operation::Release(pick) => if let Some((key, is)) = model.get_mut(pick % count) {
                        prop_assert_eq!(table.release(*key).is_some(), *is == Is::Closing);
                        if *is == Is::Closing { *is = Is::Gone; }
                    },
                }
                for (key, is) in &model {
                    prop_assert_eq!(table.get(*key).is_some(), *is == Is::Open);
                    prop_assert_eq!(table.get_mut(*key).is_some(), *is == Is::Open);
                    prop_assert_eq!(table.closing_mut(*key).is_some(), *is == Is::Closing);
                    prop_assert!((first..first + 5).contains(&key.index));
                }
                let live = model.iter().filter(|(_, is)| *is != Is::Gone).count();
                prop_assert_eq!(table.iter_mut().count(), live);
            }
        }
    }
}
