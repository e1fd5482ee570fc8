//! Egress memory of one driver: where runs are sealed into and sent from.
//!
//! One populated mapping, handed out front to back. What was reserved last may be held until `reset`, for a kernel
//! that reads it later; what is not held is simply reserved again, so a driver that sends at once always works in
//! the same warm memory.

#![expect(unsafe_code, reason = "slices of a raw mapping")]

use std::io;

use crate::map::Mapping;
use crate::pool::TAIL_ROOM;

/// A bump arena over populated memory.
#[derive(Debug)]
pub(crate) struct Egress {
    memory: Mapping,
    /// Bytes held, from the start of the mapping.
    held: usize,
    /// Bytes of the last reservation, which starts at `held`.
    reserved: usize,
}

impl Egress {
    /// Room for `capacity` bytes of runs.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn new(capacity: usize) -> io::Result<Self> {
        Ok(Self { memory: Mapping::new(capacity + TAIL_ROOM)?, held: 0, reserved: 0 })
    }

    /// Whether `len` bytes fit behind what is held.
    pub(crate) const fn has_room(&self, len: usize) -> bool {
        self.memory.len() - TAIL_ROOM - self.held >= len
    }

    /// The next `len` bytes, or as many as are left; the earlier reservation is void. Behind them are
    /// [`TAIL_ROOM`] bytes that no run occupies.
    pub(crate) fn reserve(&mut self, len: usize) -> &mut [u8] {
        self.reserved = len.min(self.memory.len() - TAIL_ROOM - self.held);
        // SAFETY: `held` bytes lie within the mapping.
        let start = unsafe { self.memory.start().add(self.held) };
        // SAFETY: `reserved` bytes from there lie within the mapping; this arena alone hands out its memory, and
        // the slice borrows it mutably. What the kernel may still read lies before `held`.
        unsafe { core::slice::from_raw_parts_mut(start.as_ptr(), self.reserved) }
    }

    /// The first `len` bytes of the last reservation.
    pub(crate) fn reserved(&self, len: usize) -> &[u8] {
        // SAFETY: `held` bytes lie within the mapping.
        let start = unsafe { self.memory.start().add(self.held) };
        // SAFETY: as in `reserve`; the arena is borrowed, so nobody writes.
        unsafe { core::slice::from_raw_parts(start.as_ptr(), len.min(self.reserved)) }
    }

    /// Keeps the first `len` bytes of the last reservation untouched until `reset`, and says where they are.
    /// The next reservation starts on a cache line of its own.
    pub(crate) fn hold(&mut self, len: usize) -> *const u8 {
        let start = self.memory.start().as_ptr().wrapping_add(self.held).cast_const();
        let end = self.held + len.min(self.reserved).next_multiple_of(CACHE_LINE_BYTES);
        self.held = end.min(self.memory.len() - TAIL_ROOM);
        self.reserved = 0;
        start
    }

    /// Holds nothing any more.
    pub(crate) const fn reset(&mut self) {
        self.held = 0;
        self.reserved = 0;
    }
}

/// Of all platforms we run on, or a multiple of it.
const CACHE_LINE_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_stays_and_what_is_not_is_reused() {
        let mut egress = Egress::new(4096).unwrap();
        egress.reserve(100).fill(1);
        egress.reserve(100).fill(2);
        assert_eq!(egress.reserved(100), [2; 100]);
        let first = egress.hold(90);
        egress.reserve(50).fill(3);
        let second = egress.hold(50);
        assert_eq!(second as usize - first as usize, 128);
        // SAFETY: 90 bytes of the mapping, which nobody writes now.
        let held = unsafe { core::slice::from_raw_parts(first, 90) };
        assert_eq!(held, [2; 90]);
        egress.reset();
        egress.reserve(1);
        assert_eq!(egress.hold(1), first);
    }

    #[test]
    fn an_arena_never_hands_out_more_than_it_has() {
        let mut egress = Egress::new(1000).unwrap();
        let room = egress.reserve(usize::MAX).len();
        assert!(room >= 1000);
        assert!(egress.has_room(room) && !egress.has_room(room + 1));
        egress.hold(room);
        assert!(!egress.has_room(1));
        assert!(egress.reserve(1).is_empty());
        assert!(egress.reserved(1).is_empty());
    }
}
