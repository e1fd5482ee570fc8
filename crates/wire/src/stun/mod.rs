//! STUN as ICE uses it (RFC 8489, RFC 8445 §16): Binding requests and their answers, read and written.
//!
//! Reading: [`Message::parse`] checks the framing, every attribute that has a meaning here and the fingerprint, in one
//! pass and without copying. Writing: [`Builder`] appends attributes to the caller's buffer. The crate has no
//! cryptography: whoever checks or writes MESSAGE-INTEGRITY hands in [`HmacSha1`], keyed; comparing is ours.
//!
//! Not here: who may ask and what is answered (`ice`), long-term credentials, TURN, retransmission.

mod address;
mod attribute;
mod builder;
mod error_code;
mod fingerprint;
mod header;
mod integrity;
mod message;
mod unknown;

pub use attribute::{Attribute, Role};
pub use builder::Builder;
pub use error_code::ErrorCode;
pub use header::{Class, Method, TransactionId};
pub use integrity::HmacSha1;
pub use message::{Message, Username};
pub use unknown::Unknown;

/// Why bytes are not STUN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Shorter than a header, or than the header says.
    #[error("shorter than its header, or than the header says")]
    Truncated,
    /// The first bits, the magic cookie or the length are not those of STUN.
    #[error("the first bits, the cookie or the length are not those of STUN")]
    Header,
    /// An attribute reaches beyond the message.
    #[error("an attribute reaches beyond the message")]
    Overlong,
    /// A known attribute has a length or a content that it cannot have.
    #[error("attribute {0:#06x} has a length or a content that it cannot have")]
    Attribute(u16),
    /// There is a fingerprint, and it is another message's or not the last attribute.
    #[error("the fingerprint is wrong or not last")]
    Fingerprint,
}

/// Bytes of the fixed header.
pub const HEADER_LEN: usize = 20;
