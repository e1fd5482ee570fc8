//! A message that was received.

use core::net::SocketAddr;

use super::attribute::{
    self, Attribute, ERROR_CODE, FINGERPRINT, GOOG_NOMINATION, ICE_CONTROLLED, ICE_CONTROLLING,
    MESSAGE_INTEGRITY, MESSAGE_INTEGRITY_SHA256, NOMINATION, PRIORITY, Role, UNKNOWN_ATTRIBUTES,
    USE_CANDIDATE, USERNAME, XOR_MAPPED_ADDRESS,
};
use super::header::{Header, LENGTH_AT};
use super::integrity::{self, CODE_LEN};
use super::{
    Class, ErrorCode, HEADER_LEN, HmacSha1, Malformed, Method, TransactionId, Unknown, address, fingerprint,
};

/// A whole message, checked but for its integrity. Of an attribute that is there twice the first counts (RFC 8489 §14),
/// and what stands behind MESSAGE-INTEGRITY is ignored but for the fingerprint (§14.5): nobody vouches for it.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    header: Header,
    /// For whom this is, and from whom.
    pub username: Option<Username<'a>>,
    /// The priority of the candidate that the peer sends from (RFC 8445 §7.1.1).
    pub priority: Option<u32>,
    /// The peer wants to use this pair (RFC 8445 §7.1.2).
    pub use_candidate: bool,
    /// The peer wants to use this pair rather than those with a lower value.
    pub nomination: Option<u32>,
    /// Which end the peer takes itself for.
    pub role: Option<Role>,
    /// In an answer: where the request came from.
    pub xor_mapped_address: Option<SocketAddr>,
    /// In an answer: why not.
    pub error_code: Option<ErrorCode>,
    /// What the peer wants to be understood and is not.
    pub unknown: Unknown,
    integrity: Option<Integrity<'a>>,
    has_fingerprint: bool,
}

/// USERNAME of a short-term credential in ICE (RFC 8445 §7.2.2): the receiver's fragment, a colon, the sender's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Username<'a> {
    /// Whom it is for. It may be anything: it is bytes from the network.
    pub receiver: &'a [u8],
    /// Whom it is from; `None` without a colon.
    pub sender: Option<&'a [u8]>,
}

impl<'a> Message<'a> {
    /// Reads a message that fills `bytes`.
    ///
    /// # Errors
    /// [`Malformed`]: this is not STUN, or nothing that an ICE agent can act on.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (header, mut rest) = Header::parse(bytes)?;
        let mut message = Self::empty(bytes, header);
        while !rest.is_empty() {
            let before = bytes.len().saturating_sub(rest.len());
            let (found, after) = attribute::next(rest)?;
            if found.kind == FINGERPRINT {
                // §14.7: it is the last attribute.
                if !after.is_empty() || !is_fingerprint(bytes, before, found) {
                    return Err(Malformed::Fingerprint);
                }
                message.has_fingerprint = true;
            } else if message.integrity.is_none() {
                message.take(found, before).ok_or(Malformed::Attribute(found.kind))?;
            }
            rest = after;
        }
        Ok(message)
    }

    /// What the message is for.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.header.class
    }

    /// What is asked for.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.header.method
    }

    /// What ties an answer to its request.
    #[must_use]
    pub const fn transaction(&self) -> TransactionId {
        self.header.transaction
    }

    /// The message as it came.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether it has a fingerprint, which then is right.
    #[must_use]
    pub const fn has_fingerprint(&self) -> bool {
        self.has_fingerprint
    }

    /// Whether it has a MESSAGE-INTEGRITY, right or wrong.
    #[must_use]
    pub const fn has_integrity(&self) -> bool {
        self.integrity.is_some()
    }

    /// Whether it has a MESSAGE-INTEGRITY made with the password of `hmac`.
    #[must_use]
    pub fn is_authentic(&self, hmac: &impl HmacSha1) -> bool {
        let Some(Integrity { at, code }) = self.integrity else { return false };
        let code_here = (|| {
            let covered = self.bytes.get(..at)?;
            let (kind, rest) = covered.split_at_checked(LENGTH_AT)?;
            let (_, rest) = rest.split_at_checked(size_of::<u16>())?;
            // §14.5: the length counts up to the end of the attribute, whatever follows it.
            let counted =
                u16::try_from(at.checked_sub(HEADER_LEN)?).ok()?.checked_add(integrity::ATTRIBUTE_LEN)?;
            Some(hmac.code(&[kind, &counted.to_be_bytes(), rest]))
        })();
        code_here.is_some_and(|here| integrity::equal(&here, code))
    }

    /// All attributes, also those without a meaning here.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        let mut rest = self.bytes.get(HEADER_LEN..).unwrap_or_default();
        core::iter::from_fn(move || {
            let (found, after) = attribute::next(rest).ok()?;
            rest = after;
            Some(found)
        })
    }

    fn empty(bytes: &'a [u8], header: Header) -> Self {
        Self {
            bytes,
            header,
            username: None,
            priority: None,
            use_candidate: false,
            nomination: None,
            role: None,
            xor_mapped_address: None,
            error_code: None,
            unknown: Unknown::default(),
            integrity: None,
            has_fingerprint: false,
        }
    }

    /// Takes an attribute in; `None` when it is not what its number says.
    fn take(&mut self, found: Attribute<'a>, at: usize) -> Option<()> {
        let Attribute { kind, value } = found;
        match kind {
            USERNAME => first(&mut self.username, Username::read(value)?),
            PRIORITY => first(&mut self.priority, number(value)?),
            NOMINATION | GOOG_NOMINATION => first(&mut self.nomination, number(value)?),
            USE_CANDIDATE if value.is_empty() => self.use_candidate = true,
            USE_CANDIDATE => return None,
            ICE_CONTROLLING => first(&mut self.role, Role::Controlling(tie_breaker(value)?)),
            ICE_CONTROLLED => first(&mut self.role, Role::Controlled(tie_breaker(value)?)),
            XOR_MAPPED_ADDRESS => {
                first(&mut self.xor_mapped_address, address::read(value, self.header.transaction)?);
            }
            ERROR_CODE => first(&mut self.error_code, ErrorCode::read(value)?),
            MESSAGE_INTEGRITY => first(&mut self.integrity, Integrity { at, code: value.try_into().ok()? }),
            // Understood as far as ICE needs it: the shorter code is used, and a list of others' ignorance read by nobody.
            MESSAGE_INTEGRITY_SHA256 | UNKNOWN_ATTRIBUTES => {}
            _ if found.is_comprehension_required() => self.unknown.add(kind),
            _ => {}
        }
        Some(())
    }
}

impl<'a> Username<'a> {
    fn read(value: &'a [u8]) -> Option<Self> {
        // §14.3: fewer than 509 bytes.
        if value.len() > MAX_USERNAME {
            return None;
        }
        let mut parts = value.splitn(2, |&byte| byte == b':');
        Some(Self { receiver: parts.next()?, sender: parts.next() })
    }
}

/// A MESSAGE-INTEGRITY, unchecked.
#[derive(Clone, Copy, Debug)]
struct Integrity<'a> {
    /// Where the attribute begins.
    at: usize,
    code: &'a [u8; CODE_LEN],
}

fn is_fingerprint(bytes: &[u8], at: usize, found: Attribute<'_>) -> bool {
    bytes.get(..at).is_some_and(|covered| number(found.value) == Some(fingerprint::of(&[covered])))
}

fn first<T>(slot: &mut Option<T>, value: T) {
    slot.get_or_insert(value);
}

fn number(value: &[u8]) -> Option<u32> {
    value.try_into().ok().map(u32::from_be_bytes)
}

fn tie_breaker(value: &[u8]) -> Option<u64> {
    value.try_into().ok().map(u64::from_be_bytes)
}

const MAX_USERNAME: usize = 508;
