//! ICE-lite (RFC 8445 §2.5): the agent of a server that everybody can reach, and the framing of ICE over TCP.
//!
//! [`Agent`] is one per WebRTC transport and lives on the transport's core: it answers Binding requests, knows the tuples
//! that a peer proved to own and which of them is in use, and notices when the peer stopped consenting. [`framing`] cuts
//! a TCP connection into packets (RFC 4571).
//!
//! Invariants
//! - Sans-IO: no socket, clock, randomness or lock. Time and credentials are arguments.
//! - An unauthenticated datagram costs one pass over it and one HMAC at most, allocates nothing, changes nothing, and is
//!   never answered by more bytes than it has.
//! - At most [`MAX_TUPLES`] tuples; one of them is selected exactly while the state is connected or completed.
//!
//! On purpose not here: candidates and their priorities (control names things and owns them), finding the agent of a
//! ufrag (whoever owns the sockets has that table), connectivity checks of our own (a lite agent makes none).

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod agent;
mod check;
mod consent;
mod credentials;
pub mod framing;
mod outcome;
mod tuples;

pub use agent::{Agent, State};
pub use consent::consent_timeout;
pub use credentials::Credentials;
pub use outcome::{Changes, Ignored, Outcome, Verdict};
pub use tuples::{MAX_TUPLES, Tuple};
