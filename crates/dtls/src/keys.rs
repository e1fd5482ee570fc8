//! What SRTP takes over from the handshake (RFC 5764 §4.2).

use core::fmt;

use zeroize::Zeroizing;

use crate::role::Role;

/// A protection profile that the library negotiates. AES_CM_128_HMAC_SHA1_32 is not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SrtpProfile {
    /// RFC 7714 §14.2.
    AeadAes256Gcm,
    /// RFC 7714 §14.2.
    AeadAes128Gcm,
    /// RFC 5764 §4.1.2.
    AesCm128HmacSha1_80,
}

/// Master keys and salts of both directions. Wiped when dropped.
pub struct SrtpKeys {
    profile: SrtpProfile,
    role: Role,
    exported: Zeroizing<Box<[u8]>>,
}

impl SrtpProfile {
    /// Its name in the IANA registry.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AeadAes256Gcm => "SRTP_AEAD_AES_256_GCM",
            Self::AeadAes128Gcm => "SRTP_AEAD_AES_128_GCM",
            Self::AesCm128HmacSha1_80 => "SRTP_AES128_CM_HMAC_SHA1_80",
        }
    }

    /// Bytes of keys and salts for both directions.
    pub(crate) const fn exported_len(self) -> usize {
        let (key, salt) = self.lengths();
        key.saturating_add(salt).saturating_mul(2)
    }

    /// Bytes of a master key and of a master salt.
    const fn lengths(self) -> (usize, usize) {
        match self {
            Self::AeadAes256Gcm => (32, 12),
            Self::AeadAes128Gcm => (16, 12),
            Self::AesCm128HmacSha1_80 => (16, 14),
        }
    }
}

impl SrtpKeys {
    /// None if there are not as many bytes as the profile needs.
    pub(crate) fn new(profile: SrtpProfile, role: Role, exported: &[u8]) -> Option<Self> {
        (exported.len() == profile.exported_len()).then(|| Self {
            profile,
            role,
            exported: Zeroizing::new(exported.into()),
        })
    }

    /// What was negotiated.
    #[must_use]
    pub const fn profile(&self) -> SrtpProfile {
        self.profile
    }

    /// What `EXTRACTOR-dtls_srtp` exported, in one piece: key of the client, key of the server, salts alike.
    #[must_use]
    pub fn exported(&self) -> &[u8] {
        &self.exported
    }

    /// Key and salt that this side sends by.
    #[must_use]
    pub fn local(&self) -> (&[u8], &[u8]) {
        self.of(self.role)
    }

    /// Key and salt that the peer sends by.
    #[must_use]
    pub fn remote(&self) -> (&[u8], &[u8]) {
        self.of(match self.role {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        })
    }

    fn of(&self, role: Role) -> (&[u8], &[u8]) {
        let (key, salt) = self.profile.lengths();
        // RFC 5764 §4.2: client key, server key, client salt, server salt. `new` checked the length.
        let (keys, salts) = self.exported.split_at(key.saturating_mul(2));
        let ((client_key, server_key), (client_salt, server_salt)) =
            (keys.split_at(key), salts.split_at(salt));
        match role {
            Role::Client => (client_key, client_salt),
            Role::Server => (server_key, server_salt),
        }
    }
}

// A key has no business in a log.
impl fmt::Debug for SrtpKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SrtpKeys").field("profile", &self.profile).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_exported_is_cut_by_direction() {
        let exported: Vec<u8> = (0..60).collect();
        let keys = |role| SrtpKeys::new(SrtpProfile::AesCm128HmacSha1_80, role, &exported).unwrap();
        let (client, server) = (keys(Role::Client), keys(Role::Server));
        let clients = (&exported[..16], &exported[32..46]);
        let servers = (&exported[16..32], &exported[46..]);
        assert_eq!((client.local(), client.remote()), (clients, servers));
        assert_eq!((server.local(), server.remote()), (servers, clients));
        assert!(SrtpKeys::new(SrtpProfile::AeadAes256Gcm, Role::Client, &exported).is_none());
        assert!(!format!("{client:?}").contains("exported"));
    }
}
