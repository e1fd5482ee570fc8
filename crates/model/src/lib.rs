//! The one language between control and shards: ids, dictionaries, commands, replies, events.
//!
//! Owns the dictionaries of the mediasoup API with their JSON ([`rtp`], [`transport`], [`data`], [`score`]), the
//! negotiation over them ([`ortc`]), what objects say about themselves ([`dump`], [`stats`], [`trace`]), and what
//! control and a shard say to each other ([`command`], [`reply`], [`event`]).
//!
//! Invariants
//! - Reading any JSON gives a value or an error that names the field, what stands there and what would be right.
//!   Nothing panics.
//! - What a dictionary was read from is what it writes: absent stays absent, numbers, doubles, strings and booleans
//!   stay what they are, texts keep their case. Defaults are filled in by [`ortc`] and nowhere else.
//! - Randomness is an argument. The same arguments give the same negotiation.
//!
//! Does not hold state, know sockets, clocks or ids that are alive; that is control's registry. Knows no other crate
//! of the project. Control builds and reads all of it; a shard sees commands and builds replies and events.
//!
//! # Why not the crate `mediasoup-types`
//! It was the plan. Its types for RTCP feedback are a closed enum, so that an unknown feedback is lost; codec
//! parameters are numbers or strings, where the worker's protocol has five types and echoes them; and it brings
//! `regex` and `once_cell`. The dictionaries here keep what they were given.

mod json;

pub mod command;
pub mod data;
pub mod dump;
pub mod event;
pub mod id;
pub mod key;
pub mod ortc;
pub mod reply;
pub mod rtp;
#[cfg(feature = "schema")]
mod schema;
pub mod score;
pub mod stats;
pub mod trace;
pub mod transport;

pub use json::Invalid;
