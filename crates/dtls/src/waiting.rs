//! Datagrams of a handshake that wait for their turn.

use std::collections::VecDeque;

/// What became of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// It was worked through.
    Taken,
    /// It waits for [`crate::Endpoint::step`].
    Waits,
    /// There was no room for it, or it is longer than any: counted.
    Dropped,
    /// The endpoint is closed or has failed, and hears nobody.
    Over,
}

/// How many datagrams wait at most. The longest flight that we saw has five; a flood gets no further than this.
pub const WAITING_MAX: usize = 16;

/// The longest datagram that is taken: what a path carries whole, and some.
pub const DATAGRAM_MAX: usize = 2048;

/// First come, first served; the newest is dropped, since the oldest is what the peer needs answered.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    datagrams: VecDeque<Box<[u8]>>,
    dropped: u64,
}

impl Waiting {
    pub(crate) fn push(&mut self, datagram: &[u8]) -> Received {
        if datagram.len() > DATAGRAM_MAX || self.datagrams.len() >= WAITING_MAX {
            self.dropped = self.dropped.saturating_add(1);
            return Received::Dropped;
        }
        self.datagrams.push_back(datagram.into());
        Received::Waits
    }

    pub(crate) fn pop(&mut self) -> Option<Box<[u8]>> {
        self.datagrams.pop_front()
    }

    pub(crate) fn len(&self) -> usize {
        self.datagrams.len()
    }

    pub(crate) fn clear(&mut self) {
        self.datagrams = VecDeque::new();
    }

    pub(crate) const fn dropped(&self) -> u64 {
        self.dropped
    }
}
