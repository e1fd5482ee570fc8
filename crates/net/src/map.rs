//! Page-aligned memory at a fixed address, present from the start or made present on request.
//!
//! Packet memory must never fault on the packet path: a seal into a page that was never touched costs twice as
//! much (docs/performance.md). So pages are populated by whoever owns the memory before a packet needs them, and
//! where there is no memory left, that is an error and not a kill.

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
        mapping.prefer_huge_pages(0, mapping.len);
        mapping.populate(0, mapping.len)?;
        Ok(mapping)
    }

    /// Maps at least `len` bytes, pages of which become present when they are first touched: for memory that is
    /// rarely used to its end, like the tails of receive buffers.
    ///
    /// # Errors
    /// What the kernel says, in practice ENOMEM.
    pub(crate) fn unpopulated(len: usize) -> io::Result<Self> {
        Self::map(len, 0)
    }

    /// The same for memory most of which will perhaps never be used: it counts as used only where it is present.
    ///
    /// # Errors
    /// What the kernel says: there is not so much address space.
    pub(crate) fn reserved(len: usize) -> io::Result<Self> {
        Self::map(len, NO_RESERVE)
    }

    fn map(len: usize, flags: libc::c_int) -> io::Result<Self> {
        let too_large = || io::Error::from_raw_os_error(libc::ENOMEM);
        let len = len.max(1).checked_next_multiple_of(PAGE_BYTES).ok_or_else(too_large)?;
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | flags;
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

    /// Has whole huge pages of a part be made present as such, if they are not present yet. Advice only: without
    /// huge pages everything works as well.
    ///
    /// 16 MB are 4,000 small pages, more than a core's TLB holds, and fan-out visits them in no order; huge pages make
    /// it eight. For memory that is populated at boot: later the search for a huge page may stall a tick.
    pub(crate) fn prefer_huge_pages(&self, offset: usize, len: usize) {
        if len >= HUGE_PAGE_BYTES {
            let _ = self.advise(offset, len, libc::MADV_HUGEPAGE);
        }
    }

    /// Makes pages present, from an offset on that is a multiple of [`PAGE_BYTES`]. Nobody else uses them meanwhile;
    /// other pages may be in use.
    ///
    /// # Errors
    /// When memory is short.
    pub(crate) fn populate(&self, offset: usize, len: usize) -> io::Result<()> {
        match self.advise(offset, len, libc::MADV_POPULATE_WRITE) {
            // Touching would get the process killed where this is told.
            Err(error) if error.raw_os_error() == Some(libc::ENOMEM) => Err(error),
            // A kernel before 5.14, or a sandbox.
            Err(_) => {
                self.touch(offset, len);
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Gives pages back to the kernel, from an offset on that is a multiple of [`PAGE_BYTES`]. Their content is lost,
    /// and they become present again when they are populated or touched.
    pub(crate) fn discard(&self, offset: usize, len: usize) {
        let _ = self.advise(offset, len, libc::MADV_DONTNEED);
    }

    #[cfg(not(miri))]
    fn advise(&self, offset: usize, len: usize, advice: libc::c_int) -> io::Result<()> {
        let len = self.within(offset, len);
        // SAFETY: `offset` and `len` bytes from there lie within the mapping.
        let start = unsafe { self.start.add(offset) };
        // SAFETY: the range is this mapping's. Whatever the advice does to its content, the owner asked for.
        let result = unsafe { libc::madvise(start.as_ptr().cast(), len, advice) };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Takes no advice, as a kernel may.
    #[cfg(miri)]
    fn advise(&self, _: usize, _: usize, _: libc::c_int) -> io::Result<()> {
        Err(io::Error::from_raw_os_error(libc::EINVAL))
    }

    /// How many pages of a part are present.
    #[cfg(all(test, not(miri)))]
    pub(crate) fn resident_pages(&self, offset: usize, len: usize) -> usize {
        let len = self.within(offset, len);
        let mut present = vec![0_u8; len.div_ceil(PAGE_BYTES)];
        // SAFETY: `offset` and `len` bytes from there lie within the mapping.
        let start = unsafe { self.start.add(offset) };
        // SAFETY: the vector has a byte for each page.
        let result = unsafe { libc::mincore(start.as_ptr().cast(), len, present.as_mut_ptr()) };
        assert_eq!(result, 0);
        present.iter().filter(|page| **page & 1 == 1).count()
    }

    fn touch(&self, offset: usize, len: usize) {
        let end = offset + self.within(offset, len);
        for offset in (offset..end).step_by(PAGE_BYTES) {
            // SAFETY: `offset` is less than the length of the mapping.
            let page = unsafe { self.start.add(offset) };
            // SAFETY: the page is mapped writable, and the caller vouches for being alone on it.
            unsafe { page.write_volatile(0) };
        }
    }

    /// How much of a part there is.
    ///
    /// # Panics
    /// When it begins behind the end, or in the middle of a page, which others may use.
    fn within(&self, offset: usize, len: usize) -> usize {
        assert!(offset <= self.len && offset.is_multiple_of(PAGE_BYTES), "{offset} of {}", self.len);
        len.min(self.len - offset)
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
pub(crate) const PAGE_BYTES: usize = 4096;
/// From this size on memory can hold a huge page, if it begins at a multiple of it.
pub(crate) const HUGE_PAGE_BYTES: usize = 2 << 20;
#[cfg(not(miri))]
const NO_RESERVE: libc::c_int = libc::MAP_NORESERVE;
#[cfg(miri)]
const NO_RESERVE: libc::c_int = 0;

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
        assert_eq!(mapping.resident_pages(0, mapping.len()), 64);
    }

    #[test]
    #[cfg(not(miri))]
    fn pages_come_and_go_on_request() {
        let mapping = Mapping::reserved(64 * PAGE_BYTES).unwrap();
        assert_eq!(mapping.resident_pages(0, mapping.len()), 0);
        mapping.populate(8 * PAGE_BYTES, 16 * PAGE_BYTES).unwrap();
        assert_eq!(mapping.resident_pages(8 * PAGE_BYTES, 16 * PAGE_BYTES), 16);
        assert_eq!(mapping.resident_pages(0, mapping.len()), 16);
        mapping.discard(16 * PAGE_BYTES, 48 * PAGE_BYTES);
        assert_eq!(mapping.resident_pages(0, mapping.len()), 8);
    }

    #[test]
    #[cfg(not(miri))]
    fn asking_for_too_much_is_an_error() {
        assert!(Mapping::new(isize::MAX.unsigned_abs() - PAGE_BYTES).is_err());
    }
}
