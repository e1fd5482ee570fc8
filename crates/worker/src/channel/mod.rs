//! The channel between the application's process and this one: frames in, messages out.

mod frames;
mod incoming;
mod outbox;

pub use frames::{FrameTooLong, Frames};
pub use incoming::{Incoming, Unreadable, decode};
pub use outbox::{Losses, Outbox, OutboxCounters, Overflow};
