//! Rooms without sockets: what a packet's producer is, who consumes it, and what each consumer's copy says.
//!
//! Owns the RTP [`listener`] tables of transports, their [`producer`]s and [`consumer`]s, and the [`Router`] that takes
//! packets from the ones to the others.
//!
//! Invariants
//! - Sans-IO: no socket, clock, randomness or lock. Time and random numbers are arguments.
//! - Nothing here changes a packet. What differs between consumers is a value, written when the packet leaves.
//! - What a remote chooses (SSRCs, MIDs, RIDs) costs a look-up in an ordered table and bounded memory.
//! - Warm, nothing allocates per packet.
//!
//! Lives on the core of its transports. It names things by dense keys; the names that users gave them are control's.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

pub mod consumer;
pub mod listener;
mod packet;
pub mod producer;
pub mod router;
mod slots;
mod unacceptable;

pub use packet::Packet;
pub use router::Router;
pub use slots::{ConsumerKey, Key, ProducerKey, TransportKey};
pub use unacceptable::Unacceptable;
