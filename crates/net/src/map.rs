//! Page-aligned memory of a fixed size, present from the start.
//!
//! Packet memory must never fault on the packet path: a seal into a page that was never touched costs twice as
//! much (docs/performance.md). So every page is populated here, once, at boot; running out of memory shows then
//! and not under load.

#![expect(unsafe_code, reason = "maps and unmaps memory")]

use core::ptr::NonNull;
use std::io;

/// Anonymous memory, zeroed, readable and writable, unmapped on drop. It hands out only a pointer: who may read
/// and write which part is the owner's business.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the mapping is plain memory, bound to no thread; access through the pointer is its user's unsafe claim.
unsafe impl Send for Mapping {}
// SAFETY: as above; a shared `Mapping` gives away nothing but its address and length.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps and populates at least `len` bytes.
    ///
    /// # Errors
    /// What the kernel says, in practice ENOMEM.
    pub(crate) fn new(len: usize) -> io::Result<Self> {
        let mapping = Self::unpopulated(len)?;
        mapping.populate()?;
        Ok(mapping)
    }

    /// Maps at least `len` bytes, pages of which become present when they are first touched: for memory that is
    /// rarely used to its end, like the tails of receive buffers.
    ///
    /// # Errors
    /// What the kernel says, in practice ENOMEM.
    pub(crate) fn unpopulated(len: usize) -> io::Result<Self> {
        let len = len.max(1).next_multiple_of(PAGE_BYTES);
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new anonymous mapping at an address of the kernel's choice touches no existing memory.
        let start = unsafe { libc::mmap(core::ptr::null_mut(), len, protection, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start =
            NonNull::new(start.cast::<u8>()).ok_or_else(|| io::Error::from_raw_os_error(libc::ENOMEM))?;
        Ok(Self { start, len })
    }

    pub(crate) const fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    #[cfg(not(miri))]
    fn populate(&self) -> io::Result<()> {
        let start = self.start.as_ptr().cast();
        if self.len >= HUGE_PAGE_BYTES {
            // A pool of 16 MB is 4,000 small pages, more than a core's TLB holds, and fan-out visits them in no
            // order. Huge pages make it eight. All of it is populated now, so neither compaction nor the larger
            // page can stall a packet later, and no memory is held that would not be held anyway. Advice only:
            // without huge pages it works as well.
            // SAFETY: the range is this mapping's, just made and not yet used; the advice changes no content.
            unsafe { libc::madvise(start, self.len, libc::MADV_HUGEPAGE) };
        }
        // SAFETY: as above.
        let populated = unsafe { libc::madvise(start, self.len, libc::MADV_POPULATE_WRITE) };
        if populated == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() == Some(libc::ENOMEM) {
            // Touching would get the process killed where this is told.
            return Err(error);
        }
        // A kernel before 5.14, or a sandbox.
        self.touch();
        Ok(())
    }

    #[cfg(miri)]
    fn populate(&self) -> io::Result<()> {
        self.touch();
        Ok(())
    }

    fn touch(&self) {
        for offset in (0..self.len).step_by(PAGE_BYTES) {
            // SAFETY: `offset` is less than the length of the mapping.
            let page = unsafe { self.start.add(offset) };
            // SAFETY: the page is mapped writable, and nobody else has its address yet.
            unsafe { page.write_volatile(0) };
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range is exactly what `mmap` returned, and the owner of the mapping lends nothing that
        // outlives it.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
    }
}

/// Smallest page of the platforms we run on; larger ones only make `touch` visit a page more than once.
const PAGE_BYTES: usize = 4096;
/// From this size on a mapping can hold a huge page.
#[cfg(not(miri))]
const HUGE_PAGE_BYTES: usize = 2 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_zeroed_writable_to_the_end_and_freed() {
        let mapping = Mapping::new(3 * PAGE_BYTES - 7).unwrap();
        assert_eq!(mapping.len(), 3 * PAGE_BYTES);
        // SAFETY: the last byte lies within the mapping.
        let last = unsafe { mapping.start().add(mapping.len() - 1) };
        // SAFETY: `last` is valid and nobody else uses the mapping.
        assert_eq!(unsafe { last.read() }, 0);
        // SAFETY: as above.
        unsafe { last.write(9) };
        // SAFETY: as above.
        assert_eq!(unsafe { last.read() }, 9);
    }

    #[test]
    #[cfg(not(miri))]
    fn pages_are_present_before_anybody_touches_them() {
        let mapping = Mapping::new(64 * PAGE_BYTES).unwrap();
        let mut present = [0_u8; 64];
        let start = mapping.start().as_ptr().cast();
        // SAFETY: the vector has a byte for each of the mapping's pages.
        let result = unsafe { libc::mincore(start, mapping.len(), present.as_mut_ptr()) };
        assert_eq!(result, 0);
        assert!(present.iter().all(|page| page & 1 == 1));
    }

    #[test]
    #[cfg(not(miri))]
    fn asking_for_too_much_is_an_error() {
        assert!(Mapping::new(isize::MAX.unsigned_abs() - PAGE_BYTES).is_err());
    }
}
