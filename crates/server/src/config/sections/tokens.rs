//! `[auth]`: who may ask, and what shows it.

use serde::Deserialize;

use crate::auth::{Auth, Grant, Key, Scope};

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Tokens {
    tokens: Vec<Token>,
    jwt_secret: Option<Secret>,
    jwt_public_key: Option<PublicKey>,
    jwt_audience: Option<Box<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    token: Secret,
    scope: Scope,
}

/// A word that nobody should guess, or see in a log.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Secret(String);

/// A public key of Ed25519, in PEM.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct PublicKey(String);

impl Tokens {
    /// Whether everybody needs one.
    pub(super) fn are_needed(&self) -> bool {
        !self.tokens.is_empty() || self.jwt_secret.is_some() || self.jwt_public_key.is_some()
    }

    /// Whether one is for what only the API gives tokens for.
    pub(super) fn names_participants(&self) -> bool {
        self.tokens.iter().any(|token| token.scope == Scope::Participant)
    }

    pub(super) fn add_to(&self, auth: &mut Auth) {
        for Token { token, scope } in &self.tokens {
            auth.add_token(&token.0, Grant::of(*scope));
        }
        if let Some(Secret(secret)) = &self.jwt_secret {
            auth.add_key(Key::hs256(secret.as_bytes()));
        }
        if let Some(key) = self.jwt_public_key.as_ref().and_then(|PublicKey(pem)| Key::ed25519(pem)) {
            auth.add_key(key);
        }
        auth.set_audience(self.jwt_audience.as_deref());
    }
}

impl TryFrom<String> for Secret {
    type Error = String;

    fn try_from(secret: String) -> Result<Self, String> {
        if secret.len() >= SHORTEST_SECRET {
            return Ok(Self(secret));
        }
        Err(format!("a secret has at least {SHORTEST_SECRET} characters, so that nobody guesses it"))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl TryFrom<String> for PublicKey {
    type Error = &'static str;

    fn try_from(pem: String) -> Result<Self, Self::Error> {
        Key::ed25519(&pem).map(|_| Self(pem)).ok_or("it must be a public key of Ed25519 in PEM")
    }
}

/// 192 bits in base64; a hash of HS256 has 256.
const SHORTEST_SECRET: usize = 32;
