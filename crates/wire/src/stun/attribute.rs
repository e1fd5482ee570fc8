//! Attributes one after another (RFC 8489 §14), and the numbers of those that mean something to ICE.

use super::Malformed;
use crate::bytes::Reader;

/// One attribute as it stands in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Its number.
    pub kind: u16,
    /// Its value, without the padding.
    pub value: &'a [u8],
}

impl Attribute<'_> {
    /// §14: whoever does not know it must not act on the message.
    #[must_use]
    pub const fn is_comprehension_required(&self) -> bool {
        self.kind < FIRST_OPTIONAL
    }
}

/// Which end of the negotiation a peer claims to be, with its tie-breaker (RFC 8445 §16.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The one that nominates.
    Controlling(u64),
    /// The other one.
    Controlled(u64),
}

/// Takes the next attribute off `bytes`: the attribute, all its bytes, and what follows them.
pub(super) fn next(bytes: &[u8]) -> Result<(Attribute<'_>, &[u8]), Malformed> {
    let mut reader = Reader::new(bytes);
    let kind = reader.u16().ok_or(Malformed::Overlong)?;
    let length = usize::from(reader.u16().ok_or(Malformed::Overlong)?);
    let value = reader.take(length).ok_or(Malformed::Overlong)?;
    // Values are padded to words; the padding may be anything.
    reader.take(length.wrapping_neg() & 3).ok_or(Malformed::Overlong)?;
    Ok((Attribute { kind, value }, reader.rest()))
}

/// From here on attributes may be ignored.
pub(super) const FIRST_OPTIONAL: u16 = 0x8000;

pub(super) const USERNAME: u16 = 0x0006;
pub(super) const MESSAGE_INTEGRITY: u16 = 0x0008;
pub(super) const ERROR_CODE: u16 = 0x0009;
pub(super) const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
pub(super) const MESSAGE_INTEGRITY_SHA256: u16 = 0x001c;
pub(super) const XOR_MAPPED_ADDRESS: u16 = 0x0020;
pub(super) const PRIORITY: u16 = 0x0024;
pub(super) const USE_CANDIDATE: u16 = 0x0025;
/// draft-thatcher-ice-renomination.
pub(super) const NOMINATION: u16 = 0x0030;
pub(super) const FINGERPRINT: u16 = 0x8028;
pub(super) const ICE_CONTROLLED: u16 = 0x8029;
pub(super) const ICE_CONTROLLING: u16 = 0x802a;
/// What libwebrtc calls the nomination value, in the range that others may ignore.
pub(super) const GOOG_NOMINATION: u16 = 0xc001;
