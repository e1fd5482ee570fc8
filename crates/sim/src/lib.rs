//! Rooms in virtual time: our SFU, scripted peers around it, and an emulated network between them.
//!
//! [`network`] is the network: seeded models of directed paths, over nothing but times and lengths. [`peer`] and [`media`]
//! are who talks through it and what they say, [`house`] is who is examined, [`world`] puts them together. [`plan`] says what
//! happens, [`oracle`] judges it. [`random`] is where chance comes from.
//!
//! Invariants
//! - One seed, one result. No clock, no thread, no iteration order and no address of anything decides what happens.
//! - Peers share no code with what they examine: they never use `streams`, and `srtp` never stands at both ends.
//!
//! A tool beside the product: nothing uses it but tests.

#![forbid(unsafe_code)]

pub mod house;
pub mod media;
pub mod network;
pub mod oracle;
pub mod peer;
pub mod plan;
pub mod random;
pub mod sight;
pub mod timeline;
pub mod watch;
pub mod world;
