//! Our SFU in memory: shards of real rooms, what stands in for their kernel, and a small control.

mod driver;
mod hall;
mod keys;
mod parameters;
mod room;

pub use driver::{MemoryDriver, Sent};
pub use hall::{Hall, Refused};
pub use keys::{KeyPair, Lock, Suite};
pub use parameters::{Video, Watching};
pub use room::Room;
