//! Bandwidth estimation: what a path takes, guessed from when packets left and when they came.
//!
//! [`RemoteEstimate`] is the receive side for senders that write abs-send-time; [`Rembs`] decides when they are told and
//! what. Both belong to one transport and live on its core.
//!
//! Invariants
//! - Sans-IO: no socket, clock, randomness or lock. Time is an argument.
//! - Memory is a constant and nothing is allocated, whatever a remote writes.
//! - An estimate lies between the floor and the ceiling of its [`Config`], whatever clock the sender has.
//!
//! On purpose it writes no packets and estimates nothing about what *we* send.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod control;
mod detector;
mod groups;
mod incoming;
mod range;
mod rembs;
mod remote;
mod streams;
mod trend;

pub use control::Config;
pub use rembs::Rembs;
pub use remote::RemoteEstimate;
pub use streams::MAX_STREAMS;
