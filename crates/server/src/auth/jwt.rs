//! JSON web tokens (RFC 7519), signed by HS256 (RFC 7518 §3.2) or EdDSA with Ed25519 (RFC 8037 §3.1), and by nothing
//! else: the algorithm is the key's, and a token that claims another one is not signed by it.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Grant, Scope, Unheld};

/// What tokens are verified with, and some signed.
pub(crate) enum Key {
    Hs256(Box<hmac::Key>),
    Ed25519([u8; 32]),
}

/// What a token says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Claims {
    /// Words with spaces between (RFC 8693 §4.2).
    #[serde(default)]
    scope: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    router: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sub: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    aud: Option<Audience>,
    /// Seconds since 1970. Whoever gives out tokens that hold for ever cannot take them back.
    exp: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<u64>,
}

/// What a token of this process says. What another one's claim `demo` means is its own affair.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Given {
    #[serde(flatten)]
    claims: Claims,
    /// Given by the demo call, to somebody who is in a room of it.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    demo: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(Box<str>),
    Many(Vec<Box<str>>),
}

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    alg: Box<str>,
    /// Extensions that have to be understood (RFC 7515 §4.1.11): none are.
    #[serde(default, skip_serializing)]
    crit: Option<serde_json::Value>,
}

impl Key {
    pub(crate) fn hs256(secret: &[u8]) -> Self {
        Self::Hs256(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    /// From a public key in PEM (RFC 8410 §4).
    pub(crate) fn ed25519(pem: &str) -> Option<Self> {
        let text: String = pem.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(text).ok()?;
        let key = der.strip_prefix(ED25519_PREFIX)?;
        Some(Self::Ed25519(key.try_into().ok()?))
    }

    /// What the token says, if this key signed it.
    pub(super) fn open<T: DeserializeOwned>(&self, token: &str) -> Option<T> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        if &*header.alg != self.algorithm() || header.crit.is_some() {
            return None;
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        match self {
            Self::Hs256(key) => hmac::verify(key, signed.as_bytes(), &signature).ok()?,
            Self::Ed25519(key) => {
                UnparsedPublicKey::new(&ED25519, key).verify(signed.as_bytes(), &signature).ok()?;
            }
        }
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
    }

    /// A token that says this. Only a secret signs.
    pub(super) fn sign(&self, claims: &impl Serialize) -> String {
        let Self::Hs256(key) = self else { return String::new() };
        let part = |value: Vec<u8>| URL_SAFE_NO_PAD.encode(value);
        let header = Header { alg: self.algorithm().into(), crit: None };
        let header = serde_json::to_vec(&header).unwrap_or_default();
        let claims = serde_json::to_vec(claims).unwrap_or_default();
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = part(hmac::sign(key, signed.as_bytes()).as_ref().to_vec());
        format!("{signed}.{signature}")
    }

    const fn algorithm(&self) -> &'static str {
        match self {
            Self::Hs256(_) => "HS256",
            Self::Ed25519(_) => "EdDSA",
        }
    }
}

impl Given {
    pub(super) fn participant(router: &str, subject: &str, until: u64) -> Self {
        let (router, sub) = (Some(router.into()), Some(subject.into()));
        let scope = "participant".to_owned();
        Self { claims: Claims { scope, router, sub, aud: None, exp: until, nbf: None }, demo: false }
    }

    pub(super) fn seated(router: &str, subject: &str, until: u64) -> Self {
        Self { demo: true, ..Self::participant(router, subject, until) }
    }

    /// What that allows now.
    pub(super) fn grant(self, now: u64) -> Result<Grant, Unheld> {
        let Self { claims, demo } = self;
        claims.grant(now, None).map(|grant| Grant { is_seated: demo, ..grant })
    }
}

impl Claims {
    /// What that allows now.
    pub(super) fn grant(self, now: u64, audience: Option<&str>) -> Result<Grant, Unheld> {
        let Self { scope, router, sub: subject, aud, exp, nbf } = self;
        if now >= exp {
            return Err(Unheld::Expired);
        }
        if nbf.is_some_and(|nbf| now < nbf) {
            return Err(Unheld::Early);
        }
        if audience.is_some_and(|audience| !aud.is_some_and(|aud| aud.names(audience))) {
            return Err(Unheld::Audience);
        }
        let has = |word| scope.split(' ').any(|scope| scope == word);
        let scope = if has("admin") {
            Scope::Admin
        } else if has("participant") {
            Scope::Participant
        } else if has("read") {
            Scope::Read
        } else {
            return Err(Unheld::Claim("scope"));
        };
        let is_participant = scope == Scope::Participant;
        if is_participant && router.is_none() {
            return Err(Unheld::Claim("router"));
        }
        if is_participant && subject.is_none() {
            return Err(Unheld::Claim("sub"));
        }
        Ok(Grant { scope, router, subject, until: Some(exp), is_seated: false })
    }
}

impl Audience {
    fn names(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => &**one == audience,
            Self::Many(many) => many.iter().any(|one| &**one == audience),
        }
    }
}

/// What stands before the 32 bytes of a public key of Ed25519 in DER (RFC 8410 §4).
const ED25519_PREFIX: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

    use super::*;

    fn claims(text: &str) -> Claims {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_example_of_the_rfc_is_understood() {
        // RFC 7515 A.1: another hand's signature over another hand's claims.
        let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
                     eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
                     dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let key = Key::hs256(&URL_SAFE_NO_PAD.decode(secret).unwrap());
        assert_eq!(key.open::<Claims>(token).unwrap().exp, 1_300_819_380);
        assert!(Key::hs256(b"another secret").open::<Claims>(token).is_none());
        assert!(key.open::<Claims>(&token.replace("dBjf", "dBjg")).is_none());
        assert_eq!(key.open::<Claims>(token).unwrap().grant(0, None), Err(Unheld::Claim("scope")));
    }

    #[test]
    fn a_key_takes_its_own_algorithm_only() {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let der = [ED25519_PREFIX, pair.public_key().as_ref()].concat();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der));
        let key = Key::ed25519(&pem).unwrap();
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let token = |header: &str| {
            let signed = format!("{}.{}", part(header), part(r#"{"scope":"read","exp":9}"#));
            let signature = pair.sign(signed.as_bytes());
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
        };
        assert!(key.open::<Claims>(&token(r#"{"alg":"EdDSA"}"#)).is_some());
        assert!(key.open::<Claims>(&token(r#"{"alg":"HS256"}"#)).is_none());
        assert!(key.open::<Claims>(&token(r#"{"alg":"none"}"#)).is_none());
        assert!(key.open::<Claims>(&token(r#"{"alg":"EdDSA","crit":["x"]}"#)).is_none());
        assert!(Key::ed25519("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----").is_none());
        for wrong in ["", "a", "a.b", "a.b.c", "..", "e30.e30."] {
            assert!(key.open::<Claims>(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn claims_hold_for_their_time_and_audience() {
        let read = r#"{"scope":"x read","exp":100,"nbf":50,"aud":["a","b"]}"#;
        let grant = Grant { until: Some(100), ..Grant::of(Scope::Read) };
        assert_eq!(claims(read).grant(50, Some("b")), Ok(grant));
        assert_eq!(claims(read).grant(49, Some("b")), Err(Unheld::Early));
        assert_eq!(claims(read).grant(100, Some("b")), Err(Unheld::Expired));
        assert_eq!(claims(read).grant(60, Some("c")), Err(Unheld::Audience));
        let lost = r#"{"scope":"participant","exp":100,"sub":"alice"}"#;
        assert_eq!(claims(lost).grant(0, None), Err(Unheld::Claim("router")));
        let nobody = r#"{"scope":"participant","exp":100,"router":"r"}"#;
        assert_eq!(claims(nobody).grant(0, None), Err(Unheld::Claim("sub")));
        let here = r#"{"scope":"participant","exp":100,"router":"r","sub":"alice","aud":"a"}"#;
        let grant = claims(here).grant(0, Some("a")).unwrap();
        assert_eq!((grant.scope, grant.subject.as_deref()), (Scope::Participant, Some("alice")));
    }
}
