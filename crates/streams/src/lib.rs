//! What is known of one RTP stream, and what follows from it: loss, jitter and round-trip time, which packets are
//! asked for again and which are kept for being asked for, and how well the stream does.
//!
//! [`receive`] is the side that packets come to, [`send`] the side that they leave from. Both are fed values and
//! return values; a stream knows no producer, consumer or transport.
//!
//! Invariants
//! - Sans-IO: no socket, clock, randomness or lock. Time is an argument.
//! - Memory is bounded whatever a remote says, and warm nothing is allocated per packet.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod rate;
pub mod receive;
pub mod score;
pub mod send;

pub use rate::Rate;
pub use score::Score;
