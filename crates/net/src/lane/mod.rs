//! What crosses between two threads: rings, slots on loan, wake-ups.

mod handshake;
pub mod sleep;
mod sync;

pub use sleep::{Sleeper, Waker};
