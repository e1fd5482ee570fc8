//! What crosses between two threads: rings, slots on loan, wake-ups.

mod handshake;
#[cfg(all(test, loom))]
mod models;
pub mod ring;
pub mod sleep;
mod sync;

pub use ring::{Batch, Consumer, Producer, ring};
pub use sleep::{Sleeper, Waker};
