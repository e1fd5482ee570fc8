//! What a peer has to know to be answered.

use core::fmt;

use aws_lc_rs::hmac;
use wire::stun::{HmacSha1, Message};

/// A username fragment and its password (RFC 8445 §5.3), both made by whoever has randomness.
pub struct Credentials {
    ufrag: Box<str>,
    /// The password, as the key that codes are made with: hashed once, not with every request.
    key: hmac::Key,
}

impl Credentials {
    /// Keeps them.
    #[must_use]
    pub fn new(ufrag: &str, password: &str) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
        Self { ufrag: ufrag.into(), key }
    }

    /// The username fragment.
    #[must_use]
    pub fn ufrag(&self) -> &str {
        &self.ufrag
    }

    /// Whether `request` is for us and made with our password. The name is no secret, so it is looked at first.
    pub(crate) fn vouch_for(&self, request: &Message<'_>) -> bool {
        let named = request
            .username
            .is_some_and(|name| name.sender.is_some() && name.receiver == self.ufrag.as_bytes());
        named && request.is_authentic(self)
    }
}

impl HmacSha1 for Credentials {
    fn code(&self, parts: &[&[u8]]) -> [u8; 20] {
        let mut context = hmac::Context::with_key(&self.key);
        parts.iter().for_each(|part| context.update(part));
        // SHA-1 has twenty bytes; if it had not, no code would fit and nobody be let in.
        context.sign().as_ref().try_into().unwrap_or([0; 20])
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Credentials").field("ufrag", &self.ufrag).finish_non_exhaustive()
    }
}
