//! The core of control, with shards that move no packet.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]
#![allow(clippy::cast_possible_truncation, reason = "numbers of a test are small")]

mod build;
mod chaos;
mod closures;
mod dice;
mod dumps;
mod fake;
mod hangs;
mod lost;
mod order;
mod refusals;
mod scale;
mod script;
mod spec;
mod world;
