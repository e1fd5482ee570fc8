//! Receive buffers, provided to the kernel through a ring of their own.
//!
//! A buffer belongs to the kernel from the moment its entry is published until a completion names it, and to us
//! from then until it is given back; a [`Lease`] is the proof of the latter. It holds a whole GRO train (64 KiB)
//! and the kernel's header, so the memory is `count * BUFFER_BYTES`, bounded and never grown; the kernel touches
//! only the pages that a datagram fills, so that 256 buffers mean 16 MiB at most and under 2 MiB in ordinary traffic.
//!
//! Incremental consumption (IOU_PBUF_RING_INC, Linux 6.12) would pack many datagrams into one buffer. It is not
//! used: what is left of a buffer may be too short for the next train, which then arrives cut, and a buffer comes
//! back only when its last datagram was handled. Buffers are cheap as long as their tails stay untouched.

#![expect(unsafe_code, reason = "memory shared with the kernel")]

use std::io;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::Submitter;
use io_uring::types::BufRingEntry;

use super::message::OVERHEAD_BYTES;
use crate::map::Mapping;

/// The provided buffers of one driver.
#[derive(Debug)]
pub(super) struct Buffers {
    /// The ring of entries that the kernel takes buffers from.
    entries: Mapping,
    memory: Mapping,
    count: u16,
    /// Entries written so far, not all of them published.
    tail: u16,
    /// Which buffers are ours at the moment: catches a kernel or a bug that names a buffer twice.
    leased: Box<[bool]>,
    /// How many are not.
    provided: u16,
}

/// A buffer that the kernel has filled and that has to be given back.
#[derive(Debug)]
pub(super) struct Lease {
    id: u16,
    len: usize,
}

impl Buffers {
    /// Maps `count` buffers, a power of two up to 2^15, and registers them with all of them provided.
    pub(super) fn new(count: u16, submitter: &Submitter<'_>) -> io::Result<Self> {
        if !count.is_power_of_two() || count > 1 << 15 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let entries = Mapping::unpopulated(usize::from(count) * size_of::<BufRingEntry>())?;
        let memory = Mapping::unpopulated(usize::from(count) * BUFFER_BYTES)?;
        let leased = vec![false; usize::from(count)].into();
        let mut buffers = Self { entries, memory, count, tail: 0, leased, provided: count };
        let address = at(&buffers.entries, 0).expose_provenance() as u64;
        // SAFETY: the entries are page-aligned, `count` long, and outlive the registration: the driver
        // unregisters them, or closes the ring, before it drops them.
        unsafe { submitter.register_buf_ring_with_flags(address, count, GROUP, 0)? };
        for id in 0..count {
            buffers.provide(id);
        }
        buffers.publish();
        Ok(buffers)
    }

    /// Takes over the buffer that a completion names, with `len` bytes written. `None` for one that is not the
    /// kernel's to name.
    pub(super) fn lease(&mut self, id: u16, len: usize) -> Option<Lease> {
        let leased = self.leased.get_mut(usize::from(id)).filter(|leased| !**leased)?;
        *leased = true;
        self.provided = self.provided.saturating_sub(1);
        Some(Lease { id, len: len.min(BUFFER_BYTES) })
    }

    /// What the kernel wrote.
    pub(super) fn bytes<'a>(&'a self, lease: &'a Lease) -> &'a [u8] {
        let start = at(&self.memory, usize::from(lease.id) * BUFFER_BYTES);
        // SAFETY: inside the mapping, since `lease` checked id and length. The kernel writes no buffer between
        // the completion that named it and its return to the ring, which would consume the lease.
        unsafe { std::slice::from_raw_parts(start, lease.len) }
    }

    /// Returns a buffer; the kernel sees it after `publish`.
    pub(super) fn give_back(&mut self, lease: Lease) {
        let Lease { id, .. } = lease;
        if let Some(leased) = self.leased.get_mut(usize::from(id)) {
            *leased = false;
        }
        self.provided = self.provided.saturating_add(1).min(self.count);
        self.provide(id);
    }

    /// Lets the kernel see what was given back: one store for a whole batch.
    pub(super) fn publish(&mut self) {
        let first = at(&self.entries, 0).cast::<BufRingEntry>();
        // SAFETY: the first entry of the registered ring, whose last two bytes are the ring's tail.
        let tail = unsafe { BufRingEntry::tail(first) };
        // SAFETY: mapped, aligned, and from now on accessed by both sides as an atomic only.
        let tail = unsafe { AtomicU16::from_ptr(tail.cast_mut()) };
        // Release: the kernel loads the tail with acquire and then reads the entries.
        tail.store(self.tail, Ordering::Release);
    }

    /// Whether the kernel has a buffer, as far as completions have told.
    pub(super) const fn any_provided(&self) -> bool {
        self.provided > 0
    }

    /// Bytes of address space that the buffers take at most.
    pub(super) const fn memory_bytes(&self) -> usize {
        self.memory.len() + self.entries.len()
    }

    fn provide(&mut self, id: u16) {
        let position = usize::from(self.tail & (self.count - 1));
        let entry = at(&self.entries, position * size_of::<BufRingEntry>()).cast::<BufRingEntry>();
        // SAFETY: inside the ring, since `position` is below its power-of-two size; the kernel reads entries
        // between head and tail only, and this one is beyond the published tail. There is room for it: no more
        // buffers exist than entries.
        let entry = unsafe { &mut *entry };
        entry.set_addr(at(&self.memory, usize::from(id) * BUFFER_BYTES).expose_provenance() as u64);
        entry.set_len(BUFFER_LEN);
        entry.set_bid(id);
        self.tail = self.tail.wrapping_add(1);
    }
}

/// Address of the byte at `offset`, which must lie inside.
fn at(mapping: &Mapping, offset: usize) -> *mut u8 {
    debug_assert!(offset < mapping.len());
    mapping.start().as_ptr().wrapping_add(offset)
}

/// The one buffer group of a driver's ring.
pub(super) const GROUP: u16 = 0;
/// The kernel's header and the largest UDP payload, rounded up to an odd number of cache lines, so that the heads
/// of the buffers do not fall on the same cache sets.
const BUFFER_LEN: u32 = 65_728;
pub(super) const BUFFER_BYTES: usize = BUFFER_LEN as usize;
const _: () = assert!(BUFFER_BYTES >= OVERHEAD_BYTES + 65_535 && (BUFFER_BYTES / 64) % 2 == 1);
