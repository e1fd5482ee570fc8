//! BYE (RFC 3550 §6.6).

use super::builder::count_of;
use super::list::write_all;
use super::packet::BYE;
use super::{List, Malformed, WriteError, WritePacket};
use crate::bytes::Reader;
use crate::{Ssrc, Writer};

/// A goodbye to write.
#[derive(Clone, Copy, Debug)]
pub struct Bye<'a> {
    /// Who leaves; at most 31.
    pub sources: &'a [Ssrc],
    /// Why; at most 255 bytes, and empty for none.
    pub reason: &'a [u8],
}

/// A goodbye that was received.
#[derive(Clone, Copy, Debug)]
pub struct ByeView<'a> {
    /// Who leaves.
    pub sources: List<'a, Ssrc, 4>,
    /// Why; empty when not said.
    pub reason: &'a [u8],
}

impl<'a> ByeView<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Result<Self, Malformed> {
        let (sources, rest) = List::counted(body, usize::from(count)).ok_or(Malformed::Truncated)?;
        let mut reader = Reader::new(rest);
        let reason = match reader.u8() {
            Some(len) => reader.take(usize::from(len)).ok_or(Malformed::Truncated)?,
            None => &[],
        };
        Ok(Self { sources, reason })
    }
}

impl WritePacket for Bye<'_> {
    fn header(&self) -> Result<(u8, u8), WriteError> {
        Ok((BYE, count_of(self.sources.len())?))
    }

    fn write_body(&self, out: &mut Writer<'_>) -> Result<(), WriteError> {
        write_all(out, self.sources)?;
        if !self.reason.is_empty() {
            out.put_u8(u8::try_from(self.reason.len()).map_err(|_| WriteError::TooMany)?)?;
            out.put(self.reason)?;
        }
        Ok(())
    }
}
