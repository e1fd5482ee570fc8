//! How far a pool reaches: it grows before it has to, and gives back what it has not needed for a while.
//!
//! [`Pool::grow`] is called between ticks and makes memory present until as many slots are vacant as
//! [`PoolSizing::ahead`](super::PoolSizing::ahead) said, which is what one tick can take. So it populates what the last
//! tick kept, and the time that takes is in proportion to what was received: a tick is never stalled by more than it
//! brought. [`Pool::shrink`] is called now and then and gives back a little at a time.
//!
//! What it deliberately does not do: move a slot that is in use, so a pool shrinks only behind the last of these. New
//! packets are put in front from then on, so that what is in use gathers there.

use core::ops::Range;
use std::io;

use super::{Pool, SlotClass};
use crate::map::{HUGE_PAGE_BYTES, PAGE_BYTES};
use crate::pool::slabs::Slabs;

/// How far the slots of a class reach.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    /// How much of its area is present: whole pages.
    present: usize,
    /// How many slots that holds.
    slots: u32,
    /// How many are kept vacant, if there can be so many.
    ahead: u32,
    /// What it started with, and never gives back.
    least: u32,
    /// Most that were in use at the end of a tick since the last look.
    busiest: u32,
    /// Looks since it last needed half of what it has.
    idle_looks: u32,
}

impl Pool {
    /// Populates what is to be ahead: the only memory for which huge pages are asked, as it is used most.
    pub(super) fn start(&mut self, ahead: [u32; SlotClass::COUNT]) -> io::Result<()> {
        for (class, ahead) in SlotClass::ALL.into_iter().zip(ahead) {
            let bytes = Slabs::bytes_of(class, ahead);
            // What nearly fills a huge page fills it.
            let is_huge = bytes >= HUGE_PAGE_BYTES / 2;
            let bytes = if is_huge { bytes.next_multiple_of(HUGE_PAGE_BYTES) } else { bytes };
            self.slabs.prefer_huge_pages(class, bytes);
            self.try_extend(class, bytes)?;
            let extent = self.extent(class);
            (extent.ahead, extent.least) = (ahead, extent.slots);
        }
        Ok(())
    }

    /// Makes memory present until the slots that are to be ahead are vacant, or all are present. To be called between
    /// ticks; costs a few comparisons when nothing is to be done. Where the kernel has no memory, that is counted and
    /// tried again at the next call.
    #[inline]
    pub fn grow(&mut self) {
        self.is_refused = false;
        for class in SlotClass::ALL {
            let vacant = self.vacant_of(class);
            let extent = self.extent(class);
            extent.busiest = extent.busiest.max(extent.slots - vacant);
            if vacant < extent.ahead {
                self.grow_class(class);
            }
        }
        self.slabs.set_short(self.is_short());
    }

    #[cold]
    fn grow_class(&mut self, class: SlotClass) {
        while self.vacant_of(class) < self.extent(class).ahead && self.extend(class) {}
    }

    /// Gives back some of what was not needed since `IDLE_LOOKS` calls. To be called each second or so while
    /// [`Pool::has_grown`].
    pub fn shrink(&mut self) {
        for class in SlotClass::ALL {
            let vacant = self.vacant_of(class);
            let extent = self.extent(class);
            let in_use = extent.slots - vacant;
            let busiest = extent.busiest.max(in_use);
            // A quarter more than was in use, so that it does not shrink and grow with every breath.
            let needed = (busiest + busiest / 4 + extent.ahead).max(extent.least);
            extent.busiest = in_use;
            extent.idle_looks = if needed < extent.slots { extent.idle_looks + 1 } else { 0 };
            if extent.idle_looks > IDLE_LOOKS {
                self.give_back(class, needed);
            }
        }
    }

    /// Whether it has more than it started with.
    #[must_use]
    pub fn has_grown(&self) -> bool {
        self.extents.iter().any(|extent| extent.slots > extent.least)
    }

    /// Packets of any size that it still has room for.
    #[must_use]
    pub fn left(&self) -> usize {
        let class = SlotClass::Large;
        let to_come = self.slabs.indices(class).len() - self.extents[class.index()].slots as usize;
        self.vacant[class.index()].len() + if self.is_refused { 0 } else { to_come }
    }

    /// Whether it may soon be exhausted: two ticks can take what is left.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.left() < 2 * self.extents[SlotClass::Large.index()].ahead as usize
    }

    /// One step. Whether there are more slots now.
    pub(super) fn extend(&mut self, class: SlotClass) -> bool {
        !self.is_refused
            && self.try_extend(class, STEP_BYTES).unwrap_or_else(|_| {
                self.counters.refused += 1;
                self.is_refused = true;
                false
            })
    }

    fn try_extend(&mut self, class: SlotClass, bytes: usize) -> io::Result<bool> {
        let Extent { present, slots, .. } = *self.extent(class);
        if slots as usize == self.slabs.indices(class).len() {
            return Ok(false);
        }
        let present = self.slabs.grow(class, present, bytes, &mut self.slots)?;
        self.reach(class, present);
        let Range { start, end } = self.present(class);
        let new = start + slots..end;
        self.vacant[class.index()].extend(new.clone().rev());
        Ok(!new.is_empty())
    }

    /// Gives back a step behind the last slot that is in use, but none of those that are needed.
    fn give_back(&mut self, class: SlotClass, needed: u32) {
        let present = self.extent(class).present;
        let Range { start, end } = self.present(class);
        let known = self.slots.get(start as usize..end as usize).unwrap_or_default();
        let last = known.iter().rposition(super::Slot::is_filled);
        let used = last.and_then(|last| u32::try_from(last + 1).ok()).unwrap_or(0);
        let kept = needed.max(used).max(self.slabs.slots_in(class, present.saturating_sub(SHRINK_BYTES)));
        let present = self.slabs.shrink(class, present, kept, &mut self.slots);
        self.reach(class, present);
        // Those in front are taken first from now on.
        let (indices, books) = (self.present(class), &self.slots);
        let is_vacant = |index: &u32| books.get(*index as usize).is_some_and(|slot| !slot.is_filled());
        let vacant = &mut self.vacant[class.index()];
        vacant.clear();
        vacant.extend(indices.rev().filter(is_vacant));
    }

    fn reach(&mut self, class: SlotClass, present: usize) {
        let slots = self.slabs.slots_in(class, present);
        let extent = self.extent(class);
        (extent.present, extent.slots) = (present, slots);
        self.counters.present = self.extents.iter().map(|extent| extent.slots).sum();
    }

    /// The numbers of a class's slots that are present.
    pub(super) fn present(&self, class: SlotClass) -> Range<u32> {
        let first = self.slabs.indices(class).start;
        first..first + self.extents[class.index()].slots
    }

    /// Vacant slots of a class, of those that are present.
    #[inline]
    fn vacant_of(&self, class: SlotClass) -> u32 {
        u32::try_from(self.vacant[class.index()].len()).unwrap_or(u32::MAX)
    }

    const fn extent(&mut self, class: SlotClass) -> &mut Extent {
        &mut self.extents[class.index()]
    }
}

/// What is populated at once: some 10 us, for 40 large slots.
#[cfg(not(test))]
const STEP_BYTES: usize = 16 * PAGE_BYTES;
/// Few slots, so that tests and models take several steps.
#[cfg(test)]
const STEP_BYTES: usize = PAGE_BYTES;
/// What is given back at once: some 50 us.
const SHRINK_BYTES: usize = 1 << 20;
/// Looks in a row at a pool that has more than it needs until some is given back: longer than a pause in a meeting's
/// traffic.
const IDLE_LOOKS: u32 = 10;

#[cfg(test)]
mod tests;
