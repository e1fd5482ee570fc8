//! PLI (RFC 4585 §6.3.1).

use super::packet::{PAYLOAD_FEEDBACK, PLI_FORMAT};
use super::{Malformed, WriteError, WritePacket, feedback};
use crate::{Ssrc, Writer};

/// "I lost a picture": asks the media source for a key frame. To write or received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pli {
    /// The packet's sender.
    pub sender: Ssrc,
    /// The stream that needs a key frame.
    pub media: Ssrc,
}

impl Pli {
    pub(super) fn parse(body: &[u8]) -> Result<Self, Malformed> {
        feedback::parse(body).map(|(sender, media, _)| Self { sender, media })
    }
}

impl WritePacket for Pli {
    fn header(&self) -> Result<(u8, u8), WriteError> {
        Ok((PAYLOAD_FEEDBACK, PLI_FORMAT))
    }

    fn write_body(&self, out: &mut Writer<'_>) -> Result<(), WriteError> {
        Ok(feedback::write(out, self.sender, self.media)?)
    }
}
