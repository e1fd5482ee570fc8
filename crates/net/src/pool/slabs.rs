//! The memory of a pool, cut into slots of two sizes; shared with the threads that read loans.
//!
//! Address space for all slots is reserved at once and never moves, so that a reader needs to know nothing of growth;
//! memory is present only in front of how far each class has grown. Both classes have an area of their own, which
//! grows page by page.
//!
//! Invariant that all the unsafe code here and in `loan` rests on: a slot's bytes are written, and its pages given to
//! and taken from the kernel, only by the owner of the [`Pool`](super::Pool), and only while nobody refers to the slot.
//! `Pool` alone calls what does so, and hands over its books to prove it.

#![expect(unsafe_code, reason = "slices of a raw mapping")]

use core::ops::Range;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, Ordering};
use std::io;

use super::{Slot, TAIL_ROOM};
use crate::map::{HUGE_PAGE_BYTES, Mapping, PAGE_BYTES};

/// Size of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotClass {
    /// Audio, and most RTCP.
    Small,
    /// Anything that fits an Ethernet frame.
    Large,
}

impl SlotClass {
    pub(super) const COUNT: usize = 2;
    pub(super) const ALL: [Self; Self::COUNT] = [Self::Small, Self::Large];

    /// Longest packet it holds.
    #[must_use]
    pub const fn payload_bytes(self) -> usize {
        match self {
            Self::Small => SMALL_BYTES,
            Self::Large => LARGE_BYTES,
        }
    }

    /// The smallest class for a packet of `len` bytes.
    #[must_use]
    pub const fn for_len(len: usize) -> Option<Self> {
        match len {
            ..=SMALL_BYTES => Some(Self::Small),
            LARGE_FROM..=LARGE_BYTES => Some(Self::Large),
            _ => None,
        }
    }

    pub(super) const fn index(self) -> usize {
        match self {
            Self::Small => 0,
            Self::Large => 1,
        }
    }

    const fn slot_bytes(self) -> usize {
        self.payload_bytes() + TAIL_ROOM
    }
}

/// All slots, numbered with the small ones first. Geometry never changes.
#[derive(Debug)]
pub(super) struct Slabs {
    memory: Mapping,
    /// Where the areas of the classes begin.
    starts: [usize; SlotClass::COUNT],
    small: u32,
    count: u32,
    /// Whether the pool runs short: for those who hold loans. Written when that changes, and so in every core's cache.
    short: AtomicBool,
}

impl Slabs {
    /// Reserves address space; nothing is present.
    pub(super) fn new([small, large]: [u32; SlotClass::COUNT]) -> io::Result<Self> {
        let too_large = || io::Error::from_raw_os_error(libc::ENOMEM);
        let count = small.checked_add(large).ok_or_else(too_large)?;
        let bytes = |slots: u32, class: SlotClass| (slots as usize).checked_mul(class.slot_bytes());
        let small_bytes = bytes(small, SlotClass::Small).ok_or_else(too_large)?;
        let large_bytes = bytes(large, SlotClass::Large).ok_or_else(too_large)?;
        // The large ones first, and where huge pages can be.
        let align = if large_bytes >= HUGE_PAGE_BYTES { HUGE_PAGE_BYTES } else { PAGE_BYTES };
        let small_from = large_bytes.checked_next_multiple_of(PAGE_BYTES).ok_or_else(too_large)?;
        let all = small_from.checked_add(small_bytes).and_then(|all| all.checked_add(align - PAGE_BYTES));
        let memory = Mapping::reserved(all.ok_or_else(too_large)?)?;
        let large_from = memory.start().addr().get().next_multiple_of(align) - memory.start().addr().get();
        Ok(Self {
            memory,
            starts: [large_from + small_from, large_from],
            small,
            count,
            short: AtomicBool::new(false),
        })
    }

    pub(super) const fn class_of(&self, index: u32) -> SlotClass {
        if index < self.small { SlotClass::Small } else { SlotClass::Large }
    }

    /// The numbers of a class's slots, present or not.
    pub(super) const fn indices(&self, class: SlotClass) -> Range<u32> {
        match class {
            SlotClass::Small => 0..self.small,
            SlotClass::Large => self.small..self.count,
        }
    }

    /// How many slots so much of a class's area holds.
    pub(super) fn slots_in(&self, class: SlotClass, present: usize) -> u32 {
        let most = self.indices(class).len();
        u32::try_from((present / class.slot_bytes()).min(most)).unwrap_or(u32::MAX)
    }

    /// How much of a class's area so many slots need: whole pages.
    pub(super) fn bytes_of(class: SlotClass, slots: u32) -> usize {
        (slots as usize * class.slot_bytes()).next_multiple_of(PAGE_BYTES)
    }

    /// Makes more of a class's area present, `by` bytes behind the first `present`, if it is that large. Returns how
    /// much is then. Both are whole pages.
    ///
    /// # Errors
    /// When memory is short; nothing has changed then.
    pub(super) fn grow(
        &self,
        class: SlotClass,
        present: usize,
        by: usize,
        books: &mut [Slot],
    ) -> io::Result<usize> {
        let Range { start, end } = self.indices(class);
        let wanted = (present + by).min(Self::bytes_of(class, end - start));
        self.check_vacant(class, self.slots_in(class, present)..self.slots_in(class, wanted), books);
        self.memory.populate(self.starts[class.index()] + present, wanted - present)?;
        Ok(wanted)
    }

    /// Gives back what lies behind the first `slots` of a class, of which `present` bytes are present. Returns how much
    /// is then.
    pub(super) fn shrink(&self, class: SlotClass, present: usize, slots: u32, books: &mut [Slot]) -> usize {
        let kept = Self::bytes_of(class, slots).min(present);
        self.check_vacant(class, slots..self.slots_in(class, present), books);
        self.memory.discard(self.starts[class.index()] + kept, present - kept);
        kept
    }

    /// Whether the pool ran short when its owner looked last.
    pub(super) fn is_short(&self) -> bool {
        self.short.load(Ordering::Relaxed)
    }

    pub(super) fn set_short(&self, is_short: bool) {
        if self.is_short() != is_short {
            self.short.store(is_short, Ordering::Relaxed);
        }
    }

    /// Asks for huge pages for the first bytes of a class's area, before they are present.
    pub(super) fn prefer_huge_pages(&self, class: SlotClass, bytes: usize) {
        self.memory.prefer_huge_pages(self.starts[class.index()], bytes);
    }

    /// Pages are about to change hands: nobody may refer to those slots of the class, and as the books are borrowed
    /// mutably, the owner reads none.
    fn check_vacant(&self, class: SlotClass, slots: Range<u32>, books: &mut [Slot]) {
        let first = self.indices(class).start;
        let concerned = books.get((first + slots.start) as usize..(first + slots.end) as usize);
        assert!(
            concerned.is_some_and(|slots| slots.iter().all(|slot| !slot.is_filled())),
            "pages of a slot in use"
        );
    }

    /// Pages of a class's area that the kernel holds.
    #[cfg(all(test, not(miri)))]
    pub(super) fn resident_pages(&self, class: SlotClass) -> usize {
        let len = Self::bytes_of(class, self.indices(class).end - self.indices(class).start);
        self.memory.resident_pages(self.starts[class.index()], len)
    }

    /// The whole of a vacant slot, for writing. The owner's books come along mutably: whoever holds them holds
    /// the pool, and no other slice of the pool's owner is alive.
    ///
    /// # Panics
    /// When the slot is filled, which would be a mistake in `Pool` that costs memory safety.
    pub(super) fn vacant_slot_mut<'a>(&'a self, index: u32, books: &'a mut [Slot]) -> &'a mut [u8] {
        assert!(books.get(index as usize).is_some_and(|slot| !slot.is_filled()), "slot {index} is in use");
        let len = self.class_of(index).slot_bytes();
        let start = self.slot_start(index);
        // SAFETY: the slot lies within the mapping, and is vacant: no loan refers to it, so no other thread reads
        // it; and the mutable borrow of the books excludes every other slice that the owner could hold.
        unsafe { core::slice::from_raw_parts_mut(start.as_ptr(), len) }
    }

    /// The packet in a filled slot, for the owner of the books.
    pub(super) fn filled_slot<'a>(&'a self, index: u32, len: u32, _books: &'a [Slot]) -> &'a [u8] {
        let start = self.slot_start(index);
        // SAFETY: `len` is what `fill` checked against the slot's size, and while the books are borrowed the
        // owner cannot write any slot.
        unsafe { core::slice::from_raw_parts(start.as_ptr(), len as usize) }
    }

    /// The packet in a slot on loan, for any thread.
    ///
    /// # Safety
    /// A loan of this pool for `index`, with this `len`, must exist for as long as the slice is used.
    pub(super) unsafe fn lent_slot(&self, index: u32, len: usize) -> &[u8] {
        let start = self.slot_start(index);
        // SAFETY: `len` is what `fill` checked; while the loan exists the slot is not vacant, so nobody writes it;
        // the loan came here through something that orders memory, so what was written is visible.
        unsafe { core::slice::from_raw_parts(start.as_ptr(), len) }
    }

    fn slot_start(&self, index: u32) -> NonNull<u8> {
        assert!(index < self.count, "slot {index} of {}", self.count);
        let [small_from, large_from] = self.starts;
        let offset = match self.class_of(index) {
            SlotClass::Small => small_from + index as usize * SlotClass::Small.slot_bytes(),
            SlotClass::Large => large_from + (index - self.small) as usize * SlotClass::Large.slot_bytes(),
        };
        // SAFETY: the mapping has room for `count` slots, and `index` is one of them.
        unsafe { self.memory.start().add(offset) }
    }
}

/// Books in which every slot is vacant. Pages of them become present as they are written.
pub(super) fn books([small, large]: [u32; SlotClass::COUNT]) -> Box<[Slot]> {
    let books = Box::<[Slot]>::new_zeroed_slice(small as usize + large as usize);
    // SAFETY: a slot is four integers, for each of which zero is a value.
    unsafe { books.assume_init() }
}

/// An Opus packet at 128 kbit/s and 20 ms is 320 bytes, at the usual 32 to 64 kbit/s 80 to 160; with header and
/// extensions most audio fits here, in a fifth of a large slot.
const SMALL_BYTES: usize = 256;
/// The shortest packet that needs a large slot.
const LARGE_FROM: usize = SMALL_BYTES + 1;
/// An Ethernet frame's 1500 rounded up to whole cache lines.
const LARGE_BYTES: usize = 1536;
// Slots start on cache lines.
const _: () = assert!(SlotClass::Small.slot_bytes().is_multiple_of(64));
const _: () = assert!(SlotClass::Large.slot_bytes().is_multiple_of(64));
