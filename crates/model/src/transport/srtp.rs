//! SRTP keys that are signalled rather than negotiated by DTLS (RFC 4568).

use serde::{Deserialize, Serialize};

/// The key of one direction.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SrtpParameters {
    /// Which suite.
    pub crypto_suite: SrtpCryptoSuite,
    /// Master key and salt, in base64.
    pub key_base64: Box<str>,
}

// A key has no business in a log.
impl std::fmt::Debug for SrtpParameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SrtpParameters").field("crypto_suite", &self.crypto_suite).finish_non_exhaustive()
    }
}

/// The suites that both signalled and negotiated keys can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum SrtpCryptoSuite {
    /// RFC 7714.
    #[serde(rename = "AEAD_AES_256_GCM")]
    AeadAes256Gcm,
    /// RFC 7714.
    #[serde(rename = "AEAD_AES_128_GCM")]
    AeadAes128Gcm,
    /// RFC 3711.
    #[serde(rename = "AES_CM_128_HMAC_SHA1_80")]
    AesCm128HmacSha1_80,
    /// RFC 3711.
    #[serde(rename = "AES_CM_128_HMAC_SHA1_32")]
    AesCm128HmacSha1_32,
}

impl SrtpCryptoSuite {
    /// Bytes of master key and salt together (RFC 3711 §8.2, RFC 7714 §12).
    pub const fn key_and_salt_len(self) -> usize {
        match self {
            Self::AeadAes256Gcm => 32 + 12,
            Self::AeadAes128Gcm => 16 + 12,
            Self::AesCm128HmacSha1_80 | Self::AesCm128HmacSha1_32 => 16 + 14,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_printed() {
        let key =
            SrtpParameters { crypto_suite: SrtpCryptoSuite::AeadAes128Gcm, key_base64: "c2VjcmV0".into() };
        assert!(!format!("{key:?}").contains("c2VjcmV0"));
    }
}
