//! Who may ask what: tokens, what they allow, and for whom.
//!
//! A token is either one of those in the configuration, or signed: by a key of the configuration, or by the key that
//! this process made for itself and gives tokens to participants with. Without any of them in the configuration nobody
//! needs one, and the server listens on loopback only.

mod caller;
mod grant;
mod jwt;

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use thiserror::Error;

pub(crate) use caller::Caller;
pub(crate) use grant::{Grant, Need, Scope};
pub(crate) use jwt::Key;
use jwt::{Claims, Given};

/// See the module.
pub(crate) struct Auth {
    known: Vec<Known>,
    keys: Vec<Key>,
    audience: Option<Box<str>>,
    /// Signs what this process gives out.
    own: Key,
}

/// A token of the configuration.
struct Known {
    /// Compared instead of the token, so that the time it takes says nothing about it.
    digest: [u8; 32],
    grant: Grant,
}

/// Why a token does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Unheld {
    #[error("the token is not known, and not signed by a key that is")]
    Unknown,
    #[error("the token has expired")]
    Expired,
    #[error("the token does not hold yet")]
    Early,
    #[error("the token is for another audience")]
    Audience,
    #[error("the token's claim `{0}` is missing, or not what it has to be")]
    Claim(&'static str),
}

impl Auth {
    pub(crate) fn new() -> Result<Self, aws_lc_rs::error::Unspecified> {
        let mut secret = [0; 32];
        SystemRandom::new().fill(&mut secret)?;
        Ok(Self { known: Vec::new(), keys: Vec::new(), audience: None, own: Key::hs256(&secret) })
    }

    /// Who says this word may do that.
    pub(crate) fn add_token(&mut self, token: &str, grant: Grant) {
        self.known.push(Known { digest: hash(token), grant });
    }

    /// What is signed by this key holds.
    pub(crate) fn add_key(&mut self, key: Key) {
        self.keys.push(key);
    }

    /// Only what is signed for this audience holds.
    pub(crate) fn set_audience(&mut self, audience: Option<&str>) {
        self.audience = audience.map(Into::into);
    }

    /// Whether everybody needs a token.
    pub(crate) fn is_on(&self) -> bool {
        !self.known.is_empty() || !self.keys.is_empty()
    }

    /// What a token allows, at a time in seconds since 1970.
    pub(crate) fn check(&self, token: &str, now: u64) -> Result<Grant, Unheld> {
        let digest = hash(token);
        let known = self
            .known
            .iter()
            .find(|known| aws_lc_rs::constant_time::verify_slices_are_equal(&known.digest, &digest).is_ok());
        if let Some(known) = known {
            return Ok(known.grant.clone());
        }
        if let Some(given) = self.own.open::<Given>(token) {
            return given.grant(now);
        }
        let claims: Claims = self.keys.iter().find_map(|key| key.open(token)).ok_or(Unheld::Unknown)?;
        claims.grant(now, self.audience.as_deref())
    }

    /// A token for one participant of a router, good until then.
    pub(crate) fn token_for(&self, router: &str, subject: &str, until: u64) -> String {
        self.own.sign(&Given::participant(router, subject, until))
    }

    /// The same for somebody in a room of the demo call, good only while they are.
    pub(crate) fn seated_token_for(&self, router: &str, subject: &str, until: u64) -> String {
        self.own.sign(&Given::seated(router, subject, until))
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Auth");
        f.field("known", &self.known.len()).field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

fn hash(token: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    // SHA-256 has that many bytes.
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tokens_of_the_configuration_hold_and_others_do_not() {
        let mut auth = Auth::new().unwrap();
        assert!(!auth.is_on());
        auth.add_token("a-long-word-that-nobody-guesses", Grant::of(Scope::Read));
        assert!(auth.is_on());
        assert_eq!(auth.check("a-long-word-that-nobody-guesses", 0), Ok(Grant::of(Scope::Read)));
        assert_eq!(auth.check("a-long-word-that-nobody-guessed", 0), Err(Unheld::Unknown));
        assert_eq!(auth.check("", 0), Err(Unheld::Unknown));
    }

    #[test]
    fn what_tokens_of_others_say_of_a_demo_means_nothing_here() {
        let mut auth = Auth::new().unwrap();
        auth.add_key(Key::hs256(b"the application's"));
        let theirs = Key::hs256(b"the application's");
        for demo in [json!(true), json!("tour"), json!(null), json!({ "of": 3 })] {
            let claims =
                json!({ "scope": "participant", "router": "room", "sub": "ada", "exp": 100, "demo": demo });
            let grant = auth.check(&theirs.sign(&claims), 99).unwrap();
            assert_eq!((grant.router.as_deref(), grant.is_seated), (Some("room"), false), "{claims}");
        }
    }

    #[test]
    fn what_is_given_to_a_participant_holds_for_its_router_until_its_time() {
        let auth = Auth::new().unwrap();
        let token = auth.token_for("room", "alice", 100);
        let grant = auth.check(&token, 99).unwrap();
        assert_eq!((grant.scope, grant.router.as_deref()), (Scope::Participant, Some("room")));
        assert_eq!(grant.subject.as_deref(), Some("alice"));
        assert!(!grant.is_seated);
        assert!(auth.check(&auth.seated_token_for("room", "alice", 100), 99).unwrap().is_seated);
        assert_eq!(auth.check(&token, 100), Err(Unheld::Expired));
        assert_eq!(Auth::new().unwrap().check(&token, 0), Err(Unheld::Unknown), "of another process");
    }
}
