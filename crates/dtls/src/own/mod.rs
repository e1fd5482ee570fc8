//! The second library behind the face: a handshake of DTLS 1.2 of our own over aws-lc, for RSA and for
//! clients, who have to offer it before they know.
//!
//! It speaks what a WebRTC peer with an RSA certificate needs and nothing else: ECDHE with ECDSA or RSA and AES-GCM, the
//! extended master secret, certificates on both sides, SRTP. What the other side offers beyond that is passed over; what
//! it lacks of it is an end with an alert. Nothing is negotiated twice and nothing is resumed.
//!
//! The order of messages is that of [`Stage`]: one that comes out of its turn ends the handshake. Every key, signature
//! and comparison of secrets is aws-lc's.

mod bytes;
mod client;
mod flight;
mod hello;
mod incoming;
mod machine;
mod random;
mod record;
mod schedule;
mod server;
mod signature;
mod subject;
mod suite;
#[cfg(test)]
mod tests;

pub(crate) use hello::may_have_rsa;
pub(crate) use machine::Machine;
pub(crate) use record::alert_in_clear;
pub(crate) use signature::SigningKey;

use crate::failure::Failure;
use suite::Suite;

/// Who we are, for every handshake of a shard.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) certificate: Box<[u8]>,
    pub(crate) key: SigningKey,
}

/// Which message comes next.
///
/// ```text
/// server: Hello ─► Certificate ─► KeyExchange ─► CertificateVerify ─► Finished ─► Done
/// client: Hello ─► Certificate ─► KeyExchange ─► RequestOrDone ─► HelloDone ─► Finished ─► Done
///                                                      └────────────────────────▲
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Hello,
    Certificate,
    KeyExchange,
    CertificateVerify,
    RequestOrDone,
    HelloDone,
    Finished,
    Done,
}

/// An end, and what the other side is told of it (RFC 5246 §7.2.2); nothing if it began.
struct Fatal {
    alert: Option<u8>,
    why: Failure,
}

impl Fatal {
    const fn new(alert: u8, why: Failure) -> Self {
        Self { alert: Some(alert), why }
    }

    /// The peer's message is none, or says what it must not.
    fn broken(alert: u8, what: &str) -> Self {
        Self::new(alert, Failure::Broken(what.into()))
    }

    fn unreadable() -> Self {
        Self::broken(DECODE_ERROR, "a message of the handshake is malformed")
    }

    const fn nothing_in_common() -> Self {
        Self::new(HANDSHAKE_FAILURE, Failure::NoCommonCipher)
    }

    fn internal() -> Self {
        Self::broken(INTERNAL_ERROR, "the cryptographic library failed")
    }
}

/// Kinds of messages (RFC 5246 §7.4, RFC 6347 §4.3.2).
mod kind {
    pub(super) const CLIENT_HELLO: u8 = super::hello::CLIENT_HELLO;
    pub(super) const SERVER_HELLO: u8 = 2;
    pub(super) const HELLO_VERIFY_REQUEST: u8 = 3;
    pub(super) const CERTIFICATE: u8 = 11;
    pub(super) const SERVER_KEY_EXCHANGE: u8 = 12;
    pub(super) const CERTIFICATE_REQUEST: u8 = 13;
    pub(super) const SERVER_HELLO_DONE: u8 = 14;
    pub(super) const CERTIFICATE_VERIFY: u8 = 15;
    pub(super) const CLIENT_KEY_EXCHANGE: u8 = 16;
    pub(super) const FINISHED: u8 = 20;
}

const CLOSE_NOTIFY: u8 = 0;
const UNEXPECTED_MESSAGE: u8 = 10;
const HANDSHAKE_FAILURE: u8 = 40;
pub(crate) const BAD_CERTIFICATE: u8 = 42;
const UNSUPPORTED_CERTIFICATE: u8 = 43;
const ILLEGAL_PARAMETER: u8 = 47;
const DECODE_ERROR: u8 = 50;
const DECRYPT_ERROR: u8 = 51;
const PROTOCOL_VERSION: u8 = 70;
const INTERNAL_ERROR: u8 = 80;
