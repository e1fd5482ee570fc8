//! DTLS: fingerprints, roles and how far the handshake got (RFC 5763).

use serde::{Deserialize, Serialize};

/// What one side tells the other before the handshake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DtlsParameters {
    /// Who begins.
    #[serde(default)]
    pub role: DtlsRole,
    /// Hashes of the certificate that will be shown.
    pub fingerprints: Vec<DtlsFingerprint>,
}

/// A hash of a certificate (RFC 8122 §5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DtlsFingerprint {
    /// Which hash.
    pub algorithm: FingerprintAlgorithm,
    /// Bytes in upper-case hexadecimal, with colons between.
    pub value: Box<str>,
}

/// Hash functions for fingerprints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "the names say it all")]
pub enum FingerprintAlgorithm {
    #[serde(rename = "sha-1")]
    Sha1,
    #[serde(rename = "sha-224")]
    Sha224,
    #[serde(rename = "sha-256")]
    Sha256,
    #[serde(rename = "sha-384")]
    Sha384,
    #[serde(rename = "sha-512")]
    Sha512,
}

/// Who begins the handshake (RFC 5763 §5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum DtlsRole {
    /// Not decided.
    #[default]
    Auto,
    /// This side begins.
    Client,
    /// The other side begins.
    Server,
}

/// How far DTLS got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum DtlsState {
    /// Not begun.
    #[default]
    New,
    /// In the handshake.
    Connecting,
    /// Keys are there and the fingerprint matched.
    Connected,
    /// The handshake failed, or the fingerprint did not match.
    Failed,
    /// One side said goodbye.
    Closed,
}
