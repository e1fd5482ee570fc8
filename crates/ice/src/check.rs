//! The judgement of a Binding request (RFC 8445 §7.3, RFC 8489 §6.3 and §9.1.3), without any state of the agent.

use wire::NoRoom;
use wire::stun::{Builder, Class, ErrorCode, Message, Method, Role};

use crate::outcome::Ignored;
use crate::{Credentials, Tuple};

/// What to do with a message.
#[derive(Debug)]
pub(crate) enum Check<'a> {
    /// Made with these credentials.
    Valid { with: &'a Credentials, is_new: bool },
    /// To be refused; by somebody who knows the password, if there are credentials to sign the refusal with.
    Refuse { code: ErrorCode, with: Option<&'a Credentials> },
    /// To be left alone.
    Ignore(Ignored),
}

/// Judges `message` by the credentials, and by those of before a restart as long as they hold.
pub(crate) fn judge<'a>(
    message: &Message<'_>,
    current: &'a Credentials,
    previous: Option<&'a Credentials>,
) -> Check<'a> {
    if message.class() != Class::Request {
        return Check::Ignore(Ignored::NotARequest);
    }
    let refuse = |code| Check::Refuse { code, with: None };
    // RFC 8445 §7.1 makes all of these mandatory.
    let is_whole = message.has_fingerprint()
        && message.has_integrity()
        && message.username.is_some()
        && message.priority.is_some();
    if message.method() != Method::BINDING || !is_whole {
        return refuse(ErrorCode::BAD_REQUEST);
    }
    let with = if current.vouch_for(message) {
        current
    } else {
        match previous.filter(|previous| previous.vouch_for(message)) {
            Some(previous) => previous,
            None => return refuse(ErrorCode::UNAUTHENTICATED),
        }
    };
    // From here on the refusals are signed, or a browser would not believe them (RFC 8489 §9.1.4).
    if !message.unknown.kinds().is_empty() {
        return Check::Refuse { code: ErrorCode::UNKNOWN_ATTRIBUTE, with: Some(with) };
    }
    // RFC 8445 §6.1.1: against a lite agent the full one controls, whatever the tie-breakers.
    if matches!(message.role, Some(Role::Controlled(_))) {
        return Check::Refuse { code: ErrorCode::ROLE_CONFLICT, with: Some(with) };
    }
    Check::Valid { with, is_new: core::ptr::eq(with, current) }
}

/// Writes the answer that grants `request`; its length.
pub(crate) fn grant<L>(
    out: &mut [u8],
    request: &Message<'_>,
    from: &Tuple<L>,
    with: &Credentials,
) -> Result<usize, NoRoom> {
    let mut answer = Builder::success(out, request)?;
    answer.xor_mapped_address(from.remote)?;
    answer.integrity(with)?;
    answer.fingerprint()
}

/// Writes the answer that refuses `request`; its length.
pub(crate) fn refuse(
    out: &mut [u8],
    request: &Message<'_>,
    code: ErrorCode,
    with: Option<&Credentials>,
) -> Result<usize, NoRoom> {
    let mut answer = Builder::error(out, request, code)?;
    if code == ErrorCode::UNKNOWN_ATTRIBUTE {
        answer.unknown_attributes(request.unknown.kinds())?;
    }
    if let Some(credentials) = with {
        answer.integrity(credentials)?;
    }
    answer.fingerprint()
}
