//! TCP for the engine (RFC 6544, RFC 4571): listeners that are accepted from, connections whose frames are datagrams.
//!
//! Owned by the shard, outside the panic boundary, like the sockets. The engine opens and closes listeners; a connection
//! comes by itself and belongs to whom its listener belongs. A frame is offered as a datagram of that connection, by the
//! same table of tuples as any other, and the engine sends to it runs of datagrams, which are framed here.
//!
//! Invariants
//! - A connection without a tuple that is bound ends: after [`TcpLimits::silence`] where it never had one, at latest after
//!   twice that where it has one no more. So nobody stays who proved nothing.
//! - Whoever is closed by the peer, by these limits or by an error, and was bound, is told to the engine once.
//! - Of a frame that has begun to leave, all leaves, or the connection ends. Beyond a bound of unsent bytes whole frames
//!   are dropped, the newest; when the peer has read everything the engine hears of it, and not before: one that never
//!   reads causes no key frames.
//! - A connection leaves for another shard at most once, and before it has proved anything; with it goes all that was read
//!   and concerns the other. There it is a new one, for all limits.
//! - A tick reads a bounded number of bytes of each, and accepts a bounded number.
//! - A connection that sends whole frames and reads costs no memory but its own few words.
//!
//! Does not know ICE: that a tuple is bound is all the proof there is.

mod addresses;
mod connection;
mod limits;
mod table;
mod turn;

pub use limits::TcpLimits;
pub(crate) use table::Streams;
pub(crate) use turn::Turn;
