//! FIR (RFC 5104 §4.3.1).

use super::list::write_all;
use super::packet::{FIR_FORMAT, PAYLOAD_FEEDBACK};
use super::{Item, List, Malformed, WriteError, WritePacket, feedback};
use crate::{NoRoom, Ssrc, Writer};

/// Full intra requests to write.
#[derive(Clone, Copy, Debug)]
pub struct Fir<'a> {
    /// The packet's sender.
    pub sender: Ssrc,
    /// Whom it asks; at least one.
    pub items: &'a [FirItem],
}

/// One stream that is asked for a key frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirItem {
    /// The stream.
    pub ssrc: Ssrc,
    /// Counts the requests; a repetition of the same request keeps its number.
    pub sequence: u8,
}

/// Full intra requests that were received.
#[derive(Clone, Copy, Debug)]
pub struct FirView<'a> {
    /// The packet's sender.
    pub sender: Ssrc,
    /// Whom it asks.
    pub items: List<'a, FirItem, 8>,
}

impl<'a> FirView<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let (sender, _, rest) = feedback::parse(body)?;
        let items = List::whole(rest).filter(|items| !items.is_empty()).ok_or(Malformed::Content)?;
        Ok(Self { sender, items })
    }
}

impl Item<8> for FirItem {
    fn read(&[a, b, c, d, sequence, ..]: &[u8; 8]) -> Self {
        Self { ssrc: Ssrc(u32::from_be_bytes([a, b, c, d])), sequence }
    }

    fn write(&self, out: &mut Writer<'_>) -> Result<(), NoRoom> {
        out.put_u32(self.ssrc.0)?;
        out.put(&[self.sequence, 0, 0, 0])
    }
}

impl WritePacket for Fir<'_> {
    fn header(&self) -> Result<(u8, u8), WriteError> {
        if self.items.is_empty() { Err(WriteError::Empty) } else { Ok((PAYLOAD_FEEDBACK, FIR_FORMAT)) }
    }

    fn write_body(&self, out: &mut Writer<'_>) -> Result<(), WriteError> {
        // RFC 5104 §4.3.1.2: the media source is not used and is zero.
        feedback::write(out, self.sender, Ssrc(0))?;
        Ok(write_all(out, self.items)?)
    }
}
