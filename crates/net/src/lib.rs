//! Packet memory, sockets, I/O drivers and lanes between threads: the only home of unsafe.
//!
//! | module | owns |
//! |---|---|
//! | `pool` | the slots that packets live in, from receive until the last consumer has sent them |
//! | `socket` | how a UDP socket is bound and set up |
//! | `listener`, `stream` | a TCP port that is listened on; connections |
//! | `clock` | the one place that reads a clock |
//! | `affinity` | which CPUs a thread may run on |
//! | `driver` | what a shard asks of the kernel |
//! | `epoll`, `uring` | two answers |
//! | `glommio` | the first of them, waiting in a glommio executor (cargo feature `host-glommio`) |
//! | `probe` | which of them this kernel allows, and which offloads |
//! | `process` | what the parent process left open, what the process used |
//! | `heap` | what the allocator keeps of what is free |
//! | `lane` | what crosses between two threads: rings, slots on loan, wake-ups |

mod addr;
pub mod affinity;
pub mod clock;
mod cmsg;
pub mod driver;
mod egress;
pub mod epoll;
#[cfg(feature = "host-glommio")]
pub mod glommio;
mod gso;
pub mod heap;
pub mod lane;
pub mod listener;
mod map;
pub mod pool;
pub mod prefetch;
pub mod probe;
pub mod process;
pub mod socket;
pub mod stream;
mod sys;
mod table;
pub mod uring;

pub use clock::Clock;
pub use driver::{Batch, Driver, DriverCounters, ReceiveBudget, Received, SocketKey, Transmit, Wait};
pub use listener::{ListenError, Listener};
pub use pool::{FillError, Loan, LoanReader, Pool, PoolCounters, PoolSizing, SlotId, TAIL_ROOM};
pub use socket::{Ports, Share, Socket, SocketConfig, SocketError};
pub use stream::{Accepted, Detached, Farewell, Transfer};
