//! APP (RFC 3550 §6.7).

use super::builder::count_of;
use super::packet::APP;
use super::{Malformed, WriteError, WritePacket};
use crate::bytes::Reader;
use crate::{Ssrc, Writer};

/// An application-defined packet, to write or received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct App<'a> {
    /// Five bits for the application.
    pub subtype: u8,
    /// The packet's sender.
    pub ssrc: Ssrc,
    /// Four ASCII characters that name the application.
    pub name: [u8; 4],
    /// Whatever it says; written up to a whole word with zeros behind.
    pub data: &'a [u8],
}

impl<'a> App<'a> {
    pub(super) fn parse(subtype: u8, body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let ssrc = Ssrc(reader.u32().ok_or(Malformed::Truncated)?);
        let name = reader.array().ok_or(Malformed::Truncated)?;
        Ok(Self { subtype, ssrc, name, data: reader.rest() })
    }
}

impl WritePacket for App<'_> {
    fn header(&self) -> Result<(u8, u8), WriteError> {
        Ok((APP, count_of(usize::from(self.subtype))?))
    }

    fn write_body(&self, out: &mut Writer<'_>) -> Result<(), WriteError> {
        out.put_u32(self.ssrc.0)?;
        out.put(&self.name)?;
        Ok(out.put(self.data)?)
    }
}
