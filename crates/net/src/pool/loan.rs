//! A slot in another thread's hands.

#![expect(unsafe_code, reason = "reads memory that another thread owns")]

use std::sync::Arc;

use super::slabs::Slabs;

/// The right to read one slot, on any thread, until it is taken back. There is exactly one token per loan: it
/// cannot be cloned or made up, and only [`Pool::take_back`](super::Pool::take_back) ends it. While it exists the
/// slot's bytes cannot change. Dropping it instead loses the slot for good.
#[derive(Debug)]
#[must_use = "a loan that is not taken back keeps its slot for good"]
pub struct Loan {
    pool: u64,
    index: u32,
    len: u32,
}

impl Loan {
    pub(super) const fn new(pool: u64, index: u32, len: u32) -> Self {
        Self { pool, index, len }
    }

    /// Length of the packet.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether the packet has no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) const fn pool(&self) -> u64 {
        self.pool
    }

    pub(super) const fn index(&self) -> u32 {
        self.index
    }
}

/// Reads loans of one pool. Keeps the pool's memory alive, so a loan stays readable even when its pool is gone.
#[derive(Clone, Debug)]
pub struct LoanReader {
    pool: u64,
    slabs: Arc<Slabs>,
}

impl LoanReader {
    pub(super) const fn new(pool: u64, slabs: Arc<Slabs>) -> Self {
        Self { pool, slabs }
    }

    /// The packet that is on loan; `None` when it is another pool's.
    #[must_use]
    pub fn bytes<'a>(&'a self, loan: &'a Loan) -> Option<&'a [u8]> {
        if loan.pool != self.pool {
            return None;
        }
        // SAFETY: the loan is this pool's, holds index and length as the pool wrote them, and is borrowed for as
        // long as the slice lives, so that it cannot be taken back meanwhile.
        Some(unsafe { self.slabs.lent_slot(loan.index, loan.len) })
    }
}
