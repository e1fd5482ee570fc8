//! What is negotiated: cipher suites, groups and profiles, each in our order.

use aws_lc_rs::{aead, agreement, digest, hmac};

use crate::keys::SrtpProfile;

/// By what a side proves that the key of its certificate is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Authentication {
    Ecdsa,
    Rsa,
}

/// The hash of a suite: of its pseudo-random function and of what both sides heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
}

/// ECDHE with an AEAD (RFC 5289): forward secret, and nothing that anybody needs in addition.
#[derive(Debug)]
pub(super) struct Suite {
    pub(super) code: u16,
    pub(super) authentication: Authentication,
    pub(super) hash: Hash,
    pub(super) aead: &'static aead::Algorithm,
}

impl Hash {
    pub(super) fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
        }
    }

    pub(super) fn of(self, bytes: &[u8]) -> digest::Digest {
        digest::digest(if self == Self::Sha256 { &digest::SHA256 } else { &digest::SHA384 }, bytes)
    }
}

/// What RFC 5764 and RFC 7714 call a profile on the wire.
pub(super) const fn srtp_code(profile: SrtpProfile) -> u16 {
    match profile {
        SrtpProfile::AeadAes256Gcm => 0x0008,
        SrtpProfile::AeadAes128Gcm => 0x0007,
        SrtpProfile::AesCm128HmacSha1_80 => 0x0001,
    }
}

pub(super) fn group(code: u16) -> Option<&'static agreement::Algorithm> {
    match code {
        0x001D => Some(&agreement::X25519),
        0x0017 => Some(&agreement::ECDH_P256),
        0x0018 => Some(&agreement::ECDH_P384),
        _ => None,
    }
}

/// AES-128 first: a handshake protects a message or two.
pub(super) static SUITES: [Suite; 4] = [
    Suite {
        code: 0xC02B,
        authentication: Authentication::Ecdsa,
        hash: Hash::Sha256,
        aead: &aead::AES_128_GCM,
    },
    Suite { code: 0xC02F, authentication: Authentication::Rsa, hash: Hash::Sha256, aead: &aead::AES_128_GCM },
    Suite {
        code: 0xC02C,
        authentication: Authentication::Ecdsa,
        hash: Hash::Sha384,
        aead: &aead::AES_256_GCM,
    },
    Suite { code: 0xC030, authentication: Authentication::Rsa, hash: Hash::Sha384, aead: &aead::AES_256_GCM },
];

/// X25519, P-256, P-384 (RFC 8422 §5.1.1): the fastest first.
pub(super) const GROUPS: [u16; 3] = [0x001D, 0x0017, 0x0018];

/// The order of the first backend.
pub(super) const PROFILES: [SrtpProfile; 3] =
    [SrtpProfile::AeadAes256Gcm, SrtpProfile::AeadAes128Gcm, SrtpProfile::AesCm128HmacSha1_80];
