//! A packet's bytes, whosever pool they lie in.
//!
//! Engines treat packets of this shard and packets that other shards lent alike. A lent slot's bytes are read
//! where they lie; local references to it are counted here, and when the last is gone the loan is free to go
//! home. Invariants: a loan is in exactly one entry or on its way; a stale key names nothing; the table has a bound,
//! and memory as far as it was ever used.

use net::pool::{Loan, SlotId};

use crate::key::ShardId;

/// Bytes of one packet, immutable. Counted: see [`Context::retain`](crate::Context::retain).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Payload {
    /// A slot of this shard's pool.
    Own(SlotId),
    /// A slot that another shard lent.
    Borrowed(BorrowedKey),
}

/// A loan in this shard's table. Stale once its last reference is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BorrowedKey(u64);

impl BorrowedKey {
    const fn new(index: u32, generation: u32) -> Self {
        Self(index as u64 | ((generation as u64) << 32))
    }

    const fn index(self) -> usize {
        (self.0 & 0xFFFF_FFFF) as usize
    }

    const fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// Slots of other shards that this shard holds.
#[derive(Debug)]
pub(crate) struct Borrowed {
    /// Those that were ever used.
    entries: Vec<Entry>,
    free: Vec<u32>,
    most: usize,
}

impl Borrowed {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        // Pages of what is reserved are not present before they are used.
        Self { entries: Vec::with_capacity(capacity), free: Vec::with_capacity(capacity), most: capacity }
    }

    /// Takes a loan in, with one reference. Gives it back when the table is full.
    pub(crate) fn adopt(&mut self, from: ShardId, loan: Loan) -> Result<BorrowedKey, Loan> {
        let Some(index) = self.free.pop().or_else(|| self.one_more()) else {
            return Err(loan);
        };
        let entry = &mut self.entries[index as usize];
        entry.references = 1;
        entry.from = from;
        entry.fetched = false;
        entry.loan = Some(loan);
        Ok(BorrowedKey::new(index, entry.generation))
    }

    #[inline]
    pub(crate) fn find(&self, key: BorrowedKey) -> Option<(ShardId, &Loan)> {
        let entry = self.entries.get(key.index())?;
        if entry.generation == key.generation() { Some((entry.from, entry.loan.as_ref()?)) } else { None }
    }

    /// Finds a loan whose bytes nobody asked for yet: the first time that it is called.
    #[inline]
    pub(crate) fn find_unfetched(&mut self, key: BorrowedKey) -> Option<(ShardId, &Loan)> {
        let entry = self.entries.get_mut(key.index())?;
        let is_first = entry.generation == key.generation() && !core::mem::replace(&mut entry.fetched, true);
        if is_first { Some((entry.from, entry.loan.as_ref()?)) } else { None }
    }

    pub(crate) fn retain(&mut self, key: BorrowedKey) -> bool {
        let found = self.find(key).is_some();
        if found {
            self.entries[key.index()].references += 1;
        }
        found
    }

    /// Drops a reference. Returns the loan with the last one.
    pub(crate) fn release(&mut self, key: BorrowedKey) -> Option<(ShardId, Loan)> {
        self.find(key)?;
        let entry = &mut self.entries[key.index()];
        entry.references -= 1;
        if entry.references > 0 { None } else { self.vacate(key.index()) }
    }

    /// Takes out the loan in one place, if one is held there, whatever its references.
    pub(crate) fn evict(&mut self, index: usize) -> Option<(ShardId, Loan)> {
        self.entries.get(index)?.loan.as_ref()?;
        self.vacate(index)
    }

    /// Lets go of all that a shard lent whose pool is gone.
    pub(crate) fn evict_from(&mut self, from: ShardId) {
        for index in 0..self.entries.len() {
            if self.entries[index].from == from {
                let _ = self.evict(index);
            }
        }
    }

    /// How many places were ever used.
    pub(crate) const fn places(&self) -> usize {
        self.entries.len()
    }

    /// How many more can be taken in.
    pub(crate) fn left(&self) -> usize {
        self.most - self.len()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    #[cold]
    fn one_more(&mut self) -> Option<u32> {
        let index = self.entries.len();
        let place = u32::try_from(index).ok().filter(|_| index < self.most)?;
        let from = ShardId(0);
        self.entries.push(Entry { generation: 0, references: 0, from, fetched: false, loan: None });
        Some(place)
    }

    #[inline]
    fn vacate(&mut self, index: usize) -> Option<(ShardId, Loan)> {
        let entry = &mut self.entries[index];
        entry.generation = entry.generation.wrapping_add(1);
        self.free.push(u32::try_from(index).ok()?);
        Some((entry.from, entry.loan.take()?))
    }
}

#[derive(Debug)]
struct Entry {
    generation: u32,
    references: u32,
    from: ShardId,
    /// Whether its bytes were asked for.
    fetched: bool,
    loan: Option<Loan>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use net::{Pool, PoolSizing};
    use proptest::prelude::*;

    #[derive(Clone, Copy, Debug)]
    enum Operation {
        Adopt,
        Retain(usize),
        Release(usize),
        Evict,
    }

    fn operation() -> impl Strategy<Value = Operation> {
        prop_oneof![
            4 => Just(Operation::Adopt),
            4 => (0..64usize).prop_map(Operation::Retain),
            8 => (0..64usize).prop_map(Operation::Release),
            1 => Just(Operation::Evict),
        ]
    }

    proptest! {
        /// The model: references per key ever given out. A slot is home exactly when nobody refers to its loan.
        #[test]
        fn loans_go_home_with_the_last_reference(operations in prop::collection::vec(operation(), 1..200)) {
            let mut pool = Pool::new(&PoolSizing::new().with("test", 16, 0)).unwrap();
            let mut borrowed = Borrowed::with_capacity(CAPACITY);
            let mut given: Vec<(BorrowedKey, u32)> = Vec::new();
            for operation in operations {
                let home = match operation {
                    Operation::Adopt => {
                        let slot = pool.fill(1, |_| Some(1)).unwrap();
                        let loan = pool.lend(slot).unwrap();
                        pool.release(slot);
                        match borrowed.adopt(ShardId(3), loan) {
                            Ok(key) => {
                                prop_assert!(given.iter().all(|(other, _)| *other != key), "given out twice");
                                given.push((key, 1));
                                None
                            }
                            Err(loan) => {
                                prop_assert_eq!(borrowed.len(), CAPACITY);
                                Some((ShardId(3), loan))
                            }
                        }
                    }
                    Operation::Retain(which) if which < given.len() => {
                        let (key, references) = &mut given[which];
                        prop_assert_eq!(borrowed.retain(*key), *references > 0);
                        *references += u32::from(*references > 0);
                        None
                    }
                    Operation::Release(which) if which < given.len() => {
                        let (key, references) = &mut given[which];
                        let home = borrowed.release(*key);
                        prop_assert_eq!(home.is_some(), *references == 1);
                        *references = references.saturating_sub(1);
                        home
                    }
                    Operation::Evict => {
                        let home = (0..CAPACITY).find_map(|index| borrowed.evict(index));
                        for (key, references) in &mut given {
                            *references = if borrowed.find(*key).is_some() { *references } else { 0 };
                        }
                        home
                    }
                    Operation::Retain(_) | Operation::Release(_) => None,
                };
                if let Some((shard, loan)) = home {
                    prop_assert_eq!(shard, ShardId(3));
                    pool.take_back(loan);
                }
                let held = given.iter().filter(|(_, references)| *references > 0).count();
                prop_assert_eq!(borrowed.len(), held);
                prop_assert_eq!(pool.counters().in_use as usize, held);
            }
        }
    }

    const CAPACITY: usize = 4;
}
