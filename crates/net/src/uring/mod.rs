//! The driver on io_uring: one ring per shard, one `io_uring_enter` per tick that submits, waits and collects, and
//! one for each batch of runs that is full before the tick ends.
//!
//! - **Receive**: one multishot RECVMSG per socket, all taking buffers from one provided ring. A receive that the
//!   kernel ends (no buffer, an ICMP error, an empty datagram, a full completion queue) is armed again as soon as
//!   there is a buffer. Buffers return to the kernel within the tick; what a socket delivers beyond its budget keeps
//!   its buffers until the next. One that holds a quarter of them is cancelled at once and armed again when that
//!   is worked off; nothing is lost, for the kernel's queue of that socket keeps what it has.
//! - **Send**: each run is one submission that finishes inside `io_uring_enter` (see `outbox`), so that egress
//!   memory is reused right after. Successful sends leave no completion.
//! - **Close** is cancel, reap, close the descriptor, in that order: an armed receive holds the socket, and so its
//!   port, beyond `close(2)`. For the same reason submissions name descriptors and no registered files: before
//!   Linux 6.13 a file taken out of the ring's table lives on until every request that was in the kernel by then
//!   has ended, those of other sockets too, and a receive need not end for days. Looking the descriptor up costs
//!   under 1 % of a send.
//!
//! - **TCP**: one multishot poll per listener and connection; what it names is accepted, read and written by ordinary
//!   system calls that end at once. Closing is cancel, reap, close here too.
//!
//! Once it is warm, and but for TCP, it makes no system call but `io_uring_enter` and allocates nothing. Adding, closing and
//! connecting a socket are ordinary system calls: they come with `socket(2)` and `bind(2)` anyway.
//!
//! The kernel holds a ring to one submitter, so a driver is made by the thread that drives it and is not `Send`.

mod buffers;
mod driver;
mod message;
mod outbox;
mod ring;
mod sockets;
mod token;
mod watches;

pub use driver::{UringConfig, UringDriver};
