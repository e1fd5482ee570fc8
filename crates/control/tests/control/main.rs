//! The core of control, with shards that move no packet.

mod build;
mod fake;
mod order;
mod spec;
mod world;
