//! Protection suites of the matrix, and the keys everybody derives from a peer's number.

use core::fmt;

use serde::{Deserialize, Serialize};

/// How packets to consumers are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Suite {
    Clear,
    Gcm128,
    Gcm256,
    Sha1Tag80,
}

impl Suite {
    /// Bytes that protection adds to an RTP packet.
    pub(crate) const fn tag_len(self) -> usize {
        match self {
            Self::Clear => 0,
            Self::Gcm128 | Self::Gcm256 => 16,
            Self::Sha1Tag80 => 10,
        }
    }

    /// Bytes of a master key.
    pub(crate) const fn key_len(self) -> usize {
        match self {
            Self::Clear => 0,
            Self::Gcm128 | Self::Sha1Tag80 => 16,
            Self::Gcm256 => 32,
        }
    }

    /// Bytes of a master salt.
    pub(crate) const fn salt_len(self) -> usize {
        match self {
            Self::Clear => 0,
            Self::Gcm128 | Self::Gcm256 => 12,
            Self::Sha1Tag80 => 14,
        }
    }

    /// The master key and salt towards a peer: every consumer has its own.
    pub(crate) fn keys_for(self, peer: usize) -> (Vec<u8>, Vec<u8>) {
        let byte =
            |index: usize| u8::try_from((peer * 31 + peer / 256 * 17 + index * 7 + 1) & 0xFF).unwrap_or(0);
        (
            (0..self.key_len()).map(byte).collect(),
            (0..self.salt_len()).map(|index| byte(index + 64)).collect(),
        )
    }

    /// Every suite of the matrix, the preferred one first.
    pub(crate) const ALL: [Self; 4] = [Self::Gcm128, Self::Gcm256, Self::Sha1Tag80, Self::Clear];
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clear => "clear",
            Self::Gcm128 => "gcm-128",
            Self::Gcm256 => "gcm-256",
            Self::Sha1Tag80 => "sha1-80",
        })
    }
}
