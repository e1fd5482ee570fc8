//! The slots that packets live in, from receive until the last consumer has sent them.
//!
//! A pool belongs to one shard's thread. A slot is written once, by `fill`, and is immutable from then until its
//! last reference is gone; fan-out, retransmission stores and other shards refer to it by [`SlotId`] or [`Loan`].
//! Counts are plain integers: only the owner counts. Other threads read what they hold a `Loan` of, and send the
//! loan home.
//!
//! It starts with the slots that [`PoolSizing::ahead`] asks for and grows, and shrinks again, between ticks: see
//! `growth`. A pool that is exhausted says so and counts; it never waits.
//! What it deliberately does not do: free a slot whose loan was dropped instead of taken back. That slot is never
//! reused (which keeps it sound) and shows in [`PoolCounters::on_loan`].

mod growth;
mod loan;
mod sizing;
mod slabs;

use core::sync::atomic::{AtomicU64, Ordering};
use std::io;
use std::sync::Arc;

use growth::Extent;
pub use loan::{Loan, LoanReader};
pub use sizing::{PoolSizing, SizingReason};
use slabs::Slabs;
pub use slabs::SlotClass;

use crate::prefetch;

/// Names a filled slot. Eight bytes, and harmless when stale: the generation no longer matches then.
///
/// Index in the lower half, generation in the upper: one number, for the reason that a [`Loan`]'s place is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotId(u64);

/// Tells the loans of one pool from those of any other in the process.
type PoolId = core::num::NonZeroU64;

/// Packet memory of one shard.
#[derive(Debug)]
pub struct Pool {
    id: PoolId,
    slabs: Arc<Slabs>,
    /// All that there can be; pages of those that are not used yet are not present.
    slots: Box<[Slot]>,
    /// Vacant slots by class, of those that are present. Last in, first out: the most recently used memory is the
    /// warmest.
    vacant: [Vec<u32>; SlotClass::COUNT],
    extents: [Extent; SlotClass::COUNT],
    /// The kernel refused memory since `grow` asked for it last.
    is_refused: bool,
    counters: PoolCounters,
}

/// What the owner knows of a slot. Vacant when nobody refers to it.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// Grows when the slot becomes vacant. It wraps after 2^32 uses of one slot, so an id is only a safeguard
    /// against mistakes; what keeps a slot alive is a reference.
    generation: u32,
    /// References of the owner's thread.
    references: u32,
    /// Loans that have not come home. Apart from `references`, so that no excess `release` can end a loan.
    loans: u32,
    len: u32,
}

/// Why `fill` returned no slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// Exhausted: no vacant slot of the size, or of a larger one.
    #[error("packet pool exhausted")]
    Exhausted,
    /// Misbehaved: no slot is this long.
    #[error("packet longer than any slot")]
    TooLong,
    /// The filler declined; the slot stayed vacant.
    #[error("nothing to store")]
    Rejected,
}

/// Plain counters of one pool; its thread writes them and publishes copies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolCounters {
    /// Slots filled.
    pub taken: u64,
    /// Fills refused because no slot was vacant.
    pub exhausted: u64,
    /// Fills refused because the packet exceeds the largest slot.
    pub too_long: u64,
    /// Fills that their filler declined.
    pub rejected: u64,
    /// Short packets in large slots because no small one was vacant.
    pub spilled: u64,
    /// Loans that came to a pool they are not from: their home has lost the slots for good.
    pub misdirected: u64,
    /// Slots that somebody refers to now.
    pub in_use: u32,
    /// Most slots ever in use at once.
    pub high_water: u32,
    /// Loans that have not come home yet.
    pub on_loan: u32,
    /// Slots that have memory now.
    pub present: u32,
    /// Times it grew in the middle of a fill, because `grow` was not called in time or not asked to be ahead.
    pub late: u64,
    /// Times the kernel had no memory for it.
    pub refused: u64,
}

impl Pool {
    /// Reserves what `sizing` asks for, and populates what it wants to be ahead.
    ///
    /// # Errors
    /// When that is more than the address space or the kernel gives.
    pub fn new(sizing: &PoolSizing) -> io::Result<Self> {
        let counts = sizing.slots();
        let slabs = Arc::new(Slabs::new(counts)?);
        let mut pool = Self {
            // 64 bits never wrap.
            id: PoolId::new(NEXT_POOL.fetch_add(1, Ordering::Relaxed)).unwrap_or(PoolId::MAX),
            slabs,
            slots: slabs::books(counts),
            // Room for all, so that none of them ever moves; what is not used is not present.
            vacant: counts.map(|count| Vec::with_capacity(count as usize)),
            extents: [Extent::default(); SlotClass::COUNT],
            is_refused: false,
            counters: PoolCounters::default(),
        };
        pool.start(sizing.slots_ahead())?;
        Ok(pool)
    }

    /// Writes one packet of at most `max_len` bytes into a slot. `filler` gets the whole slot, which is at least
    /// `max_len` + [`TAIL_ROOM`] bytes of undefined content, and says how many it wrote, leaving the tail room;
    /// or `None`, and the slot stays vacant. The new slot has one reference.
    ///
    /// # Errors
    /// Each is counted.
    #[inline]
    pub fn fill(
        &mut self,
        max_len: usize,
        filler: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> Result<SlotId, FillError> {
        let Some(class) = SlotClass::for_len(max_len) else {
            self.counters.too_long += 1;
            return Err(FillError::TooLong);
        };
        // Apart, so that what follows from the class is known to the compiler where the class is.
        if let Some((index, _)) = self.vacant_slot(class) {
            if self.counters.on_loan > 0 {
                self.prefetch_vacant(class, max_len);
            }
            return self.fill_slot(index, class, filler);
        }
        let Some((index, found)) = self.late_slot(class) else {
            self.counters.exhausted += 1;
            return Err(FillError::Exhausted);
        };
        let filled = self.fill_slot(index, found, filler);
        self.counters.spilled += u64::from(filled.is_ok() && found != class);
        filled
    }

    /// The packet in a slot; `None` when the id is stale.
    #[must_use]
    #[inline]
    pub fn bytes(&self, id: SlotId) -> Option<&[u8]> {
        let slot = self.slot(id)?;
        Some(self.slabs.filled_slot(id.index(), slot.len, &self.slots))
    }

    /// Adds a reference. `false`, and nothing happens, when the id is stale.
    #[inline]
    pub fn retain(&mut self, id: SlotId) -> bool {
        let Some(slot) = self.slot_mut(id) else { return false };
        match slot.references.checked_add(1) {
            Some(references) => {
                slot.references = references;
                true
            }
            None => false,
        }
    }

    /// Drops a reference; the slot becomes vacant with the last one and the last loan. `false`, and nothing
    /// happens, when the id is stale or all references are gone and only loans keep the slot.
    #[inline]
    pub fn release(&mut self, id: SlotId) -> bool {
        let Some(slot) = self.slot_mut(id) else { return false };
        let Some(references) = slot.references.checked_sub(1) else { return false };
        slot.references = references;
        if references == 0 && slot.loans == 0 {
            self.vacate(id.index());
        }
        true
    }

    /// Lends a slot to another thread: the loan is a reference of its own. `None` when the id is stale.
    #[inline]
    pub fn lend(&mut self, id: SlotId) -> Option<Loan> {
        let pool = self.id;
        let slot = self.slot_mut(id)?;
        slot.loans = slot.loans.checked_add(1)?;
        let loan = Loan::new(pool, id.index(), slot.len);
        self.counters.on_loan += 1;
        Some(loan)
    }

    /// Ends a loan. One from another pool is counted and changes nothing.
    #[inline]
    pub fn take_back(&mut self, loan: Loan) {
        let slot = self.slots.get_mut(loan.index() as usize).filter(|_| loan.pool() == self.id);
        let Some(slot) = slot else {
            self.counters.misdirected += 1;
            return;
        };
        slot.loans -= 1;
        self.counters.on_loan -= 1;
        if slot.loans == 0 && slot.references == 0 {
            self.vacate(loan.index());
        }
    }

    /// Drops every reference of the owner's at once, as when those who held them are gone without a word. Slots
    /// on loan become vacant when they come home.
    pub fn release_all(&mut self) {
        for index in SlotClass::ALL.map(|class| self.present(class)).into_iter().flatten() {
            let Some(slot) = self.slots.get_mut(index as usize) else { return };
            let held = core::mem::take(&mut slot.references) > 0;
            if held && slot.loans == 0 {
                self.vacate(index);
            }
        }
    }

    /// What another thread needs to read this pool's loans.
    #[must_use]
    pub fn reader(&self) -> LoanReader {
        LoanReader::new(self.id, Arc::clone(&self.slabs))
    }

    /// Slots in all, present or not. A ring on which loans come home never overflows if it is this large.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// What happened so far.
    #[must_use]
    pub const fn counters(&self) -> &PoolCounters {
        &self.counters
    }

    /// Fills the last vacant slot of a class.
    #[inline]
    fn fill_slot(
        &mut self,
        index: u32,
        class: SlotClass,
        filler: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> Result<SlotId, FillError> {
        // The slot leaves the list of vacant ones only once it is filled: if the filler panics, nothing happened.
        let filled = filler(self.slabs.vacant_slot_mut(index, &mut self.slots))
            .filter(|&len| len <= class.payload_bytes())
            .and_then(|len| u32::try_from(len).ok());
        let (Some(len), Some(slot)) = (filled, self.slots.get_mut(index as usize)) else {
            self.counters.rejected += 1;
            return Err(FillError::Rejected);
        };
        if let Some(vacant) = self.vacant.get_mut(class.index()) {
            vacant.pop();
        }
        slot.references = 1;
        slot.len = len;
        self.counters.taken += 1;
        self.counters.in_use += 1;
        self.counters.high_water = self.counters.high_water.max(self.counters.in_use);
        Ok(SlotId::new(index, slot.generation))
    }

    fn slot(&self, id: SlotId) -> Option<&Slot> {
        let slot = self.slots.get(id.index() as usize)?;
        (slot.is_filled() && slot.generation == id.generation()).then_some(slot)
    }

    fn slot_mut(&mut self, id: SlotId) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(id.index() as usize)?;
        (slot.is_filled() && slot.generation == id.generation()).then_some(slot)
    }

    /// A vacant slot of this class.
    #[inline]
    fn vacant_slot(&self, class: SlotClass) -> Option<(u32, SlotClass)> {
        let [small, large] = &self.vacant;
        let vacant = match class {
            SlotClass::Small => small,
            SlotClass::Large => large,
        };
        vacant.last().map(|&index| (index, class))
    }

    /// A slot where none of the class is vacant: of new memory, or of a larger class.
    #[cold]
    fn late_slot(&mut self, class: SlotClass) -> Option<(u32, SlotClass)> {
        let classes = SlotClass::ALL.into_iter().skip(class.index());
        for class in classes {
            if self.vacant_slot(class).is_none() && self.extend(class) {
                self.counters.late += 1;
            }
            if let Some(slot) = self.vacant_slot(class) {
                return Some(slot);
            }
        }
        None
    }

    /// A slot that came home has its bytes in the borrower's cache: begins to take back those of the one that will
    /// be filled some packets later.
    #[inline]
    fn prefetch_vacant(&mut self, class: SlotClass, len: usize) {
        let next = self.vacant.get(class.index()).and_then(|vacant| vacant.iter().rev().nth(FILLS_AHEAD));
        if let Some(&index) = next {
            let slot = self.slabs.vacant_slot_mut(index, &mut self.slots);
            prefetch::to_write(slot.get(..len).unwrap_or_default());
        }
    }

    fn vacate(&mut self, index: u32) {
        let class = self.slabs.class_of(index);
        if let Some(slot) = self.slots.get_mut(index as usize) {
            slot.generation = slot.generation.wrapping_add(1);
        }
        if let Some(vacant) = self.vacant.get_mut(class.index()) {
            vacant.push(index);
        }
        self.counters.in_use -= 1;
    }
}

impl SlotId {
    const fn new(index: u32, generation: u32) -> Self {
        Self(index as u64 | ((generation as u64) << 32))
    }

    const fn index(self) -> u32 {
        (self.0 & 0xFFFF_FFFF) as u32
    }

    const fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

impl Slot {
    const fn is_filled(&self) -> bool {
        self.references > 0 || self.loans > 0
    }
}

/// Bytes that stay free behind every packet: room for an authentication tag, and for ciphers that read or write
/// whole blocks beyond the end without reaching a cold page.
pub const TAIL_ROOM: usize = 64;

/// About as many packets as are copied while a line travels between two cores.
const FILLS_AHEAD: usize = 3;

static NEXT_POOL: AtomicU64 = AtomicU64::new(1);

#[cfg(test)]
mod tests;
