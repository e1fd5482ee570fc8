//! A datagram under way.

use core::cmp::Ordering;

use wire::Mono;

/// A datagram under way. The greatest of a heap is the one that lands first; at one time, the one that was sent first.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) at: Mono,
    /// Counts all that were ever sent.
    pub(super) number: u64,
    pub(super) way: Way,
    pub(super) who: usize,
    pub(super) plain: Vec<u8>,
    pub(super) sealed: Option<Vec<u8>>,
}

/// Where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To the SFU.
    Up,
    /// To the peer.
    Down,
}

impl Ord for Flight {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl PartialOrd for Flight {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Flight {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Flight {}
