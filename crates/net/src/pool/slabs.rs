//! The memory of a pool, cut into slots of two sizes; shared with the threads that read loans.
//!
//! Invariant that all the unsafe code here and in `loan` rests on: a slot's bytes are written only by the owner of
//! the [`Pool`](super::Pool), and only while nobody refers to the slot. `Pool` alone calls `vacant_slot_mut`.

#![expect(unsafe_code, reason = "slices of a raw mapping")]

use core::ptr::NonNull;
use std::io;

use super::{Slot, TAIL_ROOM};
use crate::map::Mapping;

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

/// All slots, the small ones first. Geometry never changes.
#[derive(Debug)]
pub(super) struct Slabs {
    memory: Mapping,
    small: u32,
    count: u32,
}

impl Slabs {
    pub(super) fn new([small, large]: [u32; SlotClass::COUNT]) -> io::Result<Self> {
        let too_large = || io::Error::from_raw_os_error(libc::ENOMEM);
        let count = small.checked_add(large).ok_or_else(too_large)?;
        let small_bytes =
            (small as usize).checked_mul(SlotClass::Small.slot_bytes()).ok_or_else(too_large)?;
        let large_bytes =
            (large as usize).checked_mul(SlotClass::Large.slot_bytes()).ok_or_else(too_large)?;
        let memory = Mapping::new(small_bytes.checked_add(large_bytes).ok_or_else(too_large)?)?;
        Ok(Self { memory, small, count })
    }

    pub(super) const fn class_of(&self, index: u32) -> SlotClass {
        if index < self.small { SlotClass::Small } else { SlotClass::Large }
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
        let offset = match self.class_of(index) {
            SlotClass::Small => index as usize * SlotClass::Small.slot_bytes(),
            SlotClass::Large => {
                self.small as usize * SlotClass::Small.slot_bytes()
                    + (index - self.small) as usize * SlotClass::Large.slot_bytes()
            }
        };
        // SAFETY: the mapping has room for `count` slots, and `index` is one of them.
        unsafe { self.memory.start().add(offset) }
    }
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
