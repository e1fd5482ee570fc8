//! TCP in a driver's hands: listeners that are accepted from, connections that are read and written.
//!
//! A driver watches them for its shard and says which may have something ([`Driver::next_ready`]); everything else is
//! an ordinary system call that ends with the call. Readiness is told by the edge: who was named goes on until
//! nothing is there, or the connection takes no more, and is named again after that.
//!
//! Writability is told without being asked for: the kernel has nothing to report before a connection took less than it
//! was offered.
//!
//! [`Driver::next_ready`]: crate::Driver::next_ready

mod table;

use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use crate::driver::SocketKey;

pub(crate) use table::Streams;

/// What came of looking for somebody who connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// Somebody; the connection is in the driver's hands.
    Connection {
        /// Our end.
        key: SocketKey,
        /// The peer.
        from: SocketAddr,
    },
    /// Nobody waits any more. The listener is named when somebody does.
    Nobody,
    /// The driver's table is full; somebody was turned away.
    TurnedAway,
    /// The process or the system has no descriptor or memory for another socket. Who waits goes on waiting, and nothing
    /// tells when to try again.
    Exhausted,
}

/// What came of a read or a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// So many bytes went through, at least one.
    Bytes(usize),
    /// Nothing at the moment. The connection is named when there is more, or room.
    Later,
    /// The peer has closed, or the connection is broken: nothing more will go through in this direction.
    Ended,
}

/// A connection that one driver has let go of, and another may take up. Closed when it is dropped.
#[derive(Debug)]
pub struct Detached {
    pub(crate) socket: socket2::Socket,
    pub(crate) from: SocketAddr,
}

impl Detached {
    /// A connection that was somewhere else: of a driver that lives in memory, whatever stands for one.
    #[must_use]
    pub fn new(connection: OwnedFd, from: SocketAddr) -> Self {
        Self { socket: connection.into(), from }
    }

    /// The peer.
    #[must_use]
    pub const fn from(&self) -> SocketAddr {
        self.from
    }
}

/// How a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Farewell {
    /// What was written still arrives.
    Orderly,
    /// At once, and nothing of it is kept: for peers that cost too much.
    Abrupt,
}
