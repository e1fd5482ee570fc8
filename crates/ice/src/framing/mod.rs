//! Packets on a TCP connection (RFC 4571, RFC 6544): each behind its length in two bytes.
//!
//! [`Reader`] finds the packets in what was read, [`Writer`] keeps what the connection would not take yet. Neither owns
//! the connection, and both have a bound on what they keep.

mod reader;
mod writer;

pub use reader::{Reader, TooLong};
pub use writer::{Pushed, Writer, header};

/// Bytes of the length before each packet.
pub const HEADER_LEN: usize = 2;
