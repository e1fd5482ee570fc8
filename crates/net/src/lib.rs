//! Packet memory, sockets, I/O drivers and lanes between threads: the only home of unsafe.
//!
//! | module | owns |
//! |---|---|
//! | `pool` | the slots that packets live in, from receive until the last consumer has sent them |
//! | `socket` | how a UDP socket is bound and set up |
//! | `driver` | what a shard asks of the kernel |
//! | `epoll`, `uring` | two answers |
//! | `probe` | which of them this kernel allows, and which offloads |
//! | `lane` | what crosses between two threads: rings, slots on loan, wake-ups |

pub mod driver;
pub mod lane;
pub mod socket;

pub use driver::{Batch, Driver, DriverCounters, ReceiveBudget, Received, SocketKey, Transmit, Wait};
pub use socket::Socket;
