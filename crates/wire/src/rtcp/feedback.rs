//! What all feedback messages begin with (RFC 4585 §6.1).

use super::Malformed;
use crate::bytes::Reader;
use crate::{NoRoom, Ssrc, Writer};

/// Reads the SSRCs of the packet sender and of the media source.
pub(super) fn parse(body: &[u8]) -> Result<(Ssrc, Ssrc, &[u8]), Malformed> {
    let mut reader = Reader::new(body);
    let sender = reader.u32().ok_or(Malformed::Truncated)?;
    let media = reader.u32().ok_or(Malformed::Truncated)?;
    Ok((Ssrc(sender), Ssrc(media), reader.rest()))
}

/// Appends them.
pub(super) fn write(out: &mut Writer<'_>, sender: Ssrc, media: Ssrc) -> Result<(), NoRoom> {
    out.put_u32(sender.0)?;
    out.put_u32(media.0)
}
