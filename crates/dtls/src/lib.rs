//! DTLS for WebRTC transports (RFC 6347, RFC 5764): a thin face over a sans-IO library, `dimpl`, and
//! over a handshake of our own for peers and keys that need RSA.
//!
//! [`Endpoint`] is one per WebRTC transport and lives on the transport's core; [`Setup`] and [`Room`] are one per shard.
//! Datagrams go in, [`Output`]s come out as values: datagrams to send, the keys of SRTP, why it failed, that it closed.
//!
//! Invariants
//! - Nothing of the keys leaves an endpoint before the peer's certificate matched the fingerprint from signalling, and
//!   nothing of the peer's data either.
//! - One [`Endpoint::step`] works through one datagram at most, so that a shard decides when a handshake may cost time.
//! - At most [`WAITING_MAX`] datagrams wait, none longer than [`DATAGRAM_MAX`]; the newest is dropped and counted.
//! - Sans-IO: time is an argument. Key exchange and signatures take their randomness from the kernel; the library lets
//!   nobody pass it in.
//!
//! On purpose not here: when DTLS begins (ICE says), which tuple a datagram may come from, SRTP itself, certificates
//! (made or read by control). Only `by_dimpl`, `setup` and `anchor` know the library; what is RSA is in `own`, and `backend` is
//! what both look like.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod anchor;
mod backend;
mod by_dimpl;
mod endpoint;
mod failure;
mod fingerprint;
mod identity;
mod keys;
mod output;
mod own;
mod pem;
mod role;
mod setup;
mod waiting;

pub use anchor::Anchor;
pub use endpoint::{ConnectError, Endpoint, NotConnected, State};
pub use failure::Failure;
pub use fingerprint::{Fingerprint, FingerprintError, HashFunction};
pub use identity::{Identity, IdentityError, KeyType};
pub use keys::{SrtpKeys, SrtpProfile};
pub use output::{Connected, Output, Room};
pub use role::{RemoteRole, Role};
pub use setup::{Setup, SetupError};
pub use waiting::{DATAGRAM_MAX, Received, WAITING_MAX};
