//! Master keys, checked for their length when they come in and wiped when they go.

use crate::suite::Suite;
use std::fmt;
use zeroize::Zeroizing;

/// One direction's master key and master salt, of the lengths its suite asks for. Not to be copied: there is one
/// [`crate::Sealer`] to a key.
pub struct KeyMaterial {
    suite: Suite,
    key: Zeroizing<[u8; KEY_MAX]>,
    salt: Zeroizing<[u8; SALT_LEN]>,
}

/// Why key material was refused. The caller's or the signalling's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The key is too short or too long for the suite.
    #[error("a master key of {suite} has {expected} bytes, not {actual}")]
    KeyLength {
        /// Name of the suite.
        suite: &'static str,
        /// What the suite asks for.
        expected: usize,
        /// What was given.
        actual: usize,
    },
    /// The salt is too short or too long for the suite.
    #[error("a master salt of {suite} has {expected} bytes, not {actual}")]
    SaltLength {
        /// Name of the suite.
        suite: &'static str,
        /// What the suite asks for.
        expected: usize,
        /// What was given.
        actual: usize,
    },
    /// Key and salt came in one piece, and the piece has the wrong length.
    #[error("keying material of {suite} has {expected} bytes, not {actual}")]
    MaterialLength {
        /// Name of the suite.
        suite: &'static str,
        /// What the suite asks for.
        expected: usize,
        /// What was given.
        actual: usize,
    },
    /// The cryptographic library refused the key.
    #[error("the cryptographic library refused a key of {suite}")]
    Refused {
        /// Name of the suite.
        suite: &'static str,
    },
}

impl KeyMaterial {
    /// Master key and master salt.
    ///
    /// # Errors
    /// When a length is not the suite's.
    pub fn new(suite: Suite, key: &[u8], salt: &[u8]) -> Result<Self, KeyError> {
        let name = suite.name();
        let mut material =
            Self { suite, key: Zeroizing::new([0; KEY_MAX]), salt: Zeroizing::new([0; SALT_LEN]) };
        match material.key.get_mut(..suite.key_len()) {
            Some(room) if room.len() == key.len() => room.copy_from_slice(key),
            _ => {
                let (expected, actual) = (suite.key_len(), key.len());
                return Err(KeyError::KeyLength { suite: name, expected, actual });
            }
        }
        // RFC 7714 §11: the 96-bit salt enters the derivation with 16 zero bits at its right.
        match material.salt.get_mut(..suite.salt_len()) {
            Some(room) if room.len() == salt.len() => room.copy_from_slice(salt),
            _ => {
                let (expected, actual) = (suite.salt_len(), salt.len());
                return Err(KeyError::SaltLength { suite: name, expected, actual });
            }
        }
        Ok(material)
    }

    /// Key, then salt, in one piece: what an SDES `inline:` value decodes to (RFC 4568 §6.1).
    ///
    /// # Errors
    /// When the piece is not as long as the suite's key and salt.
    pub fn from_inline(suite: Suite, material: &[u8]) -> Result<Self, KeyError> {
        let expected = suite.key_len() + suite.salt_len();
        match material.split_at_checked(suite.key_len()) {
            Some((key, salt)) if material.len() == expected => Self::new(suite, key, salt),
            _ => Err(KeyError::MaterialLength { suite: suite.name(), expected, actual: material.len() }),
        }
    }

    /// What DTLS exports for `EXTRACTOR-dtls_srtp`, as (the client's direction, the server's direction).
    ///
    /// # Errors
    /// When the piece is not as long as two keys and two salts of the suite.
    pub fn from_dtls_exporter(suite: Suite, exported: &[u8]) -> Result<(Self, Self), KeyError> {
        let (key_len, salt_len) = (suite.key_len(), suite.salt_len());
        let expected = 2 * (key_len + salt_len);
        if exported.len() != expected {
            return Err(KeyError::MaterialLength { suite: suite.name(), expected, actual: exported.len() });
        }
        // RFC 5764 §4.2: client key, server key, client salt, server salt.
        let (keys, salts) = exported.split_at(2 * key_len);
        let (client_key, server_key) = keys.split_at(key_len);
        let (client_salt, server_salt) = salts.split_at(salt_len);
        Ok((Self::new(suite, client_key, client_salt)?, Self::new(suite, server_key, server_salt)?))
    }

    /// The suite these keys are for.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    pub(crate) fn key(&self) -> &[u8] {
        self.key.get(..self.suite.key_len()).unwrap_or_default()
    }

    pub(crate) fn salt(&self) -> &[u8; SALT_LEN] {
        &self.salt
    }
}

#[cfg(test)]
impl KeyMaterial {
    /// RFC 6188 has vectors for AES-256 with a salt of 112 bits, which none of our suites has.
    pub(crate) fn replace_for_tests(&mut self, key: &[u8; KEY_MAX], salt: &[u8; SALT_LEN]) {
        *self.key = *key;
        *self.salt = *salt;
    }
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyMaterial").field("suite", &self.suite).finish_non_exhaustive()
    }
}

/// Bytes of the longest master key (AES-256).
const KEY_MAX: usize = 32;
/// Bytes of the salt as the derivation takes it (RFC 3711 §4.3.1: 112 bits).
pub(crate) const SALT_LEN: usize = 14;

#[cfg(test)]
mod tests {
    use super::{KeyError, KeyMaterial};
    use crate::suite::Suite;

    #[test]
    fn lengths_are_checked() {
        let suite = Suite::AeadAes128Gcm;
        let name = suite.name();
        assert_eq!(
            KeyMaterial::new(suite, &[0; 32], &[0; 12]).unwrap_err(),
            KeyError::KeyLength { suite: name, expected: 16, actual: 32 }
        );
        assert_eq!(
            KeyMaterial::new(suite, &[0; 16], &[0; 14]).unwrap_err(),
            KeyError::SaltLength { suite: name, expected: 12, actual: 14 }
        );
        for wrong in [0, 15, 27, 29, 56] {
            assert!(KeyMaterial::from_inline(suite, &[0; 56][..wrong]).is_err(), "{wrong}");
            assert!(KeyMaterial::from_dtls_exporter(suite, &[0; 55][..wrong.min(55)]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_exporter_gives_keys_before_salts() {
        let exported: Vec<u8> = (0..56).collect();
        let (client, server) = KeyMaterial::from_dtls_exporter(Suite::AeadAes128Gcm, &exported).unwrap();
        assert_eq!(client.key(), &exported[..16]);
        assert_eq!(server.key(), &exported[16..32]);
        assert_eq!(client.salt()[..12], exported[32..44]);
        assert_eq!(server.salt()[..12], exported[44..]);
    }

    #[test]
    fn debug_shows_no_key() {
        let shown = format!("{:?}", KeyMaterial::new(Suite::AeadAes128Gcm, &[0xab; 16], &[0xcd; 12]));
        assert_eq!(shown, "Ok(KeyMaterial { suite: AeadAes128Gcm, .. })");
    }
}
