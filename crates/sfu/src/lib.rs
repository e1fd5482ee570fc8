//! Rooms without sockets: what a packet's producer is, who consumes it, and what each consumer's copy says.
//!
//! [`Sfu`] holds the [`transport`]s of a shard with their RTP [`listener`] tables and SRTP contexts, their
//! [`producer`]s and [`consumer`]s, and takes packets from the ones to the others. What it needs of its host, and what
//! it tells it, is in [`io`].
//!
//! Invariants
//! - Sans-IO: no socket, clock, randomness or lock. Time and random numbers are arguments.
//! - Nothing here changes a packet. What differs between consumers is a value, written when the packet leaves.
//! - What a remote chooses (SSRCs, MIDs, RIDs) costs a look-up in an ordered table and bounded memory.
//! - Warm, nothing allocates per packet.
//!
//! Lives on the core of its transports. It names things by the keys of control; names that users gave are control's.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod chance;
pub mod consumer;
mod content;
mod data;
mod error;
pub mod io;
pub mod listener;
mod packet;
pub mod producer;
pub mod sfu;
mod slots;
pub mod transport;
mod unacceptable;

pub use data::DataFeed;
pub use error::Error;
pub use io::{
    ConnectionKey, Datagram, Depart, Departing, HandOver, Io, Local, Output, Outputs, Packets, Verdict,
};
pub use packet::{Packet, Stamp};
pub use sfu::{Closed, Closing, Config, Feed, STEPS_AHEAD, Sfu};
pub use slots::NoPlace;
pub use unacceptable::Unacceptable;
