//! Why a handshake or a connection ended.

use crate::fingerprint::HashFunction;

/// Split by whose fault it is: the peer's identity, what it is able to do, the path, the library's reasons.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Somebody else is at the other end than signalling said.
    #[error("the peer's certificate does not match the {function} fingerprint from signalling")]
    Fingerprint {
        /// By which function it was compared.
        function: HashFunction,
    },
    /// The peer's certificate is of a kind that can not be verified here.
    #[error(
        "the peer's certificate holds {key_type}; only RSA of up to 4096 bits and ECDSA on P-256 and P-384 can be verified, and RSA only if the hello shows a general library"
    )]
    PeerKey {
        /// What kind.
        key_type: &'static str,
    },
    /// The peer was asked for a certificate and had none that fits.
    #[error("the peer showed no certificate; if only ECDSA was asked for, it may have RSA alone")]
    NoPeerCertificate,
    /// Nothing in common.
    #[error(
        "nothing in common: ECDHE with an AEAD and the extended master secret is spoken, by the kind of our own key"
    )]
    NoCommonCipher,
    /// The peer offered DTLS but no SRTP, or no profile of ours (RFC 5764 §4.1).
    #[error("no SRTP profile was negotiated")]
    NoSrtpProfile,
    /// The peer gave up with an alert (RFC 5246 §7.2).
    #[error("the peer gave up with alert {alert}{}", explained(*alert))]
    Refused {
        /// Its number.
        alert: u8,
    },
    /// Nobody answered, or not for long enough.
    #[error("the handshake was not complete in time")]
    TimedOut,
    /// The handshake was complete, and signalling never said whose fingerprint it should have been.
    #[error("signalling named no fingerprint within 30 s of the handshake")]
    NeverNamed,
    /// Everything else, in the library's words.
    #[error("{0}")]
    Broken(Box<str>),
}

fn explained(alert: u8) -> &'static str {
    match alert {
        HANDSHAKE_FAILURE => " (handshake_failure): it has nothing in common with us",
        42 => " (bad_certificate)",
        43 => " (unsupported_certificate)",
        48 => " (unknown_ca)",
        51 => " (decrypt_error)",
        70 => " (protocol_version)",
        71 => " (insufficient_security)",
        _ => "",
    }
}

/// RFC 5246 §7.2.2.
const HANDSHAKE_FAILURE: u8 = 40;
