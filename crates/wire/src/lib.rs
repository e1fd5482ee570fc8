//! RTP, RTCP and STUN formats of shardcast: views, writers, arithmetic. No I/O, no allocation.
//!
//! Every function that takes bytes from the network takes *any* bytes: it answers with a value or an error and
//! never panics, so the lints below are denied for the whole crate. Views borrow; writers fill what they are
//! handed. Nothing here keeps state about a stream, but for its numbers: extended ones ([`seq`]), and which of them were
//! met ([`Window`]).

#![forbid(unsafe_code)]
#![no_std]
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

#[cfg(test)]
extern crate std;

mod bytes;
pub mod classify;
pub mod codec;
mod ids;
pub mod ntp;
pub mod rtcp;
pub mod rtp;
pub mod seq;
pub mod stun;
pub mod time;
mod window;

pub use bytes::{NoRoom, Writer};
pub use classify::{Kind, classify};
pub use ids::{PayloadType, Ssrc};
pub use ntp::Ntp;
pub use time::Mono;
pub use window::Window;
