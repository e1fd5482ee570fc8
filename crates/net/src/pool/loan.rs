//! A slot in another thread's hands.

#![expect(unsafe_code, reason = "reads memory that another thread owns")]

use std::sync::Arc;

use super::PoolId;
use super::slabs::Slabs;
use crate::prefetch;

/// The right to read one slot, on any thread, until it is taken back. There is exactly one token per loan: it
/// cannot be cloned or made up, and only [`Pool::take_back`](super::Pool::take_back) ends it. While it exists the
/// slot's bytes cannot change. Dropping it instead loses the slot for good.
#[derive(Debug)]
#[must_use = "a loan that is not taken back keeps its slot for good"]
pub struct Loan {
    pool: PoolId,
    /// Index in the lower half, length in the upper. Together, because two halves that are written one by one and
    /// copied as one make the core wait for every write before them, and those are a packet to cold memory.
    place: u64,
}

impl Loan {
    pub(super) const fn new(pool: PoolId, index: u32, len: u32) -> Self {
        Self { pool, place: index as u64 | ((len as u64) << 32) }
    }

    /// Length of the packet.
    #[must_use]
    pub const fn len(&self) -> usize {
        (self.place >> 32) as usize
    }

    /// Whether the packet has no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) const fn pool(&self) -> PoolId {
        self.pool
    }

    pub(super) const fn index(&self) -> u32 {
        (self.place & 0xFFFF_FFFF) as u32
    }
}

/// Reads loans of one pool. Keeps the pool's memory alive, so a loan stays readable even when its pool is gone.
#[derive(Clone, Debug)]
pub struct LoanReader {
    pool: PoolId,
    slabs: Arc<Slabs>,
}

impl LoanReader {
    pub(super) const fn new(pool: PoolId, slabs: Arc<Slabs>) -> Self {
        Self { pool, slabs }
    }

    /// Begins to fetch the packet's bytes from the lender's cache, and does not wait for them.
    #[inline]
    pub fn prefetch(&self, loan: &Loan) {
        if let Some(bytes) = self.bytes(loan) {
            prefetch::to_read(bytes);
        }
    }

    /// The same for the first bytes, where the header is.
    #[inline]
    pub fn prefetch_header(&self, loan: &Loan) {
        if let Some(bytes) = self.bytes(loan) {
            prefetch::to_read(bytes.get(..HEADER_BYTES).unwrap_or(bytes));
        }
    }

    /// Whether the pool ran short at the end of its shard's last tick: who keeps loans for later should let some go.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.slabs.is_short()
    }

    /// The packet that is on loan; `None` when it is another pool's.
    #[must_use]
    #[inline]
    pub fn bytes<'a>(&'a self, loan: &'a Loan) -> Option<&'a [u8]> {
        if loan.pool != self.pool {
            return None;
        }
        // SAFETY: the loan is this pool's, holds index and length as the pool wrote them, and is borrowed for as
        // long as the slice lives, so that it cannot be taken back meanwhile.
        Some(unsafe { self.slabs.lent_slot(loan.index(), loan.len()) })
    }
}

/// An RTP header with the usual extensions.
const HEADER_BYTES: usize = 64;
