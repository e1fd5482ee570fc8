//! What crosses between two threads: rings, slots on loan, wake-ups.

mod handshake;
pub mod ring;
pub mod sleep;
mod sync;

pub use ring::{Batch, Consumer, Producer, ring};
pub use sleep::{Sleeper, Waker};
