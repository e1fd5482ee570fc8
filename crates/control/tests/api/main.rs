//! The Rust API from the outside: through the real control thread, real shards and loopback sockets.
//!
//! Futures run on an executor of the test's own, because any will do.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod control_plane;
mod dropping;
mod events;
mod lost;
mod media;
mod misuse;
mod stats;
mod support;
