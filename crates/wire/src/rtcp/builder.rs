//! Writing RTCP packets one after another into one buffer.

use super::block::COUNT_MASK;
use crate::{NoRoom, Writer};

/// What can be written as one RTCP packet.
pub trait WritePacket {
    /// The packet type and the five bits beside it.
    ///
    /// # Errors
    /// [`WriteError`] when there are more or fewer items than the packet can say.
    fn header(&self) -> Result<(u8, u8), WriteError>;

    /// Appends what follows the four-byte header. It is filled up to a whole word with zeros.
    ///
    /// # Errors
    /// [`WriteError`]; what was appended so far does not count then.
    fn write_body(&self, out: &mut Writer<'_>) -> Result<(), WriteError>;
}

/// Why a packet was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// It does not fit into the rest of the buffer.
    #[error("the buffer is too small for the packet")]
    NoRoom,
    /// It has more items, or longer ones, than its fields can count.
    #[error("more items, or longer ones, than the packet can count")]
    TooMany,
    /// It has no item, and the format asks for one; or one that means that there is none.
    #[error("the packet needs at least one item")]
    Empty,
}

impl From<NoRoom> for WriteError {
    fn from(_: NoRoom) -> Self {
        Self::NoRoom
    }
}

/// Fills a caller's buffer with RTCP packets.
#[derive(Debug)]
pub struct Builder<'a> {
    out: Writer<'a>,
}

impl<'a> Builder<'a> {
    /// Starts at the beginning of `out`.
    pub const fn new(out: &'a mut [u8]) -> Self {
        Self { out: Writer::new(out) }
    }

    /// Appends a packet. One that cannot be written leaves what was there before as it is.
    ///
    /// # Errors
    /// [`WriteError`] says why not.
    pub fn push(&mut self, packet: &(impl WritePacket + ?Sized)) -> Result<(), WriteError> {
        let start = self.out.len();
        let outcome = self.append(start, packet);
        if outcome.is_err() {
            self.out.truncate(start);
        }
        outcome
    }

    /// Bytes written so far.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether nothing was written yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Bytes that still fit.
    #[must_use]
    pub const fn room(&self) -> usize {
        self.out.room()
    }

    /// What was written.
    #[must_use]
    pub fn written(&self) -> &[u8] {
        self.out.written()
    }

    fn append(&mut self, start: usize, packet: &(impl WritePacket + ?Sized)) -> Result<(), WriteError> {
        let (packet_type, count) = packet.header()?;
        self.out.put(&[VERSION_BITS | (count & COUNT_MASK), packet_type, 0, 0])?;
        packet.write_body(&mut self.out)?;
        self.out.align_to_word()?;
        // RFC 3550 §6.4.1: the length in words, less one.
        let words = (self.out.len().saturating_sub(start) >> 2).saturating_sub(1);
        let words = u16::try_from(words).map_err(|_| WriteError::TooMany)?;
        self.out.patch(start.saturating_add(2), &words.to_be_bytes())?;
        Ok(())
    }
}

/// The number of items as five bits.
pub(super) fn count_of(items: usize) -> Result<u8, WriteError> {
    u8::try_from(items).ok().filter(|&count| count <= COUNT_MASK).ok_or(WriteError::TooMany)
}

const VERSION_BITS: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::super::{App, Pli};
    use super::*;
    use crate::Ssrc;

    #[test]
    fn packets_stand_one_after_another() {
        let mut out = [0xee; 32];
        let mut builder = Builder::new(&mut out);
        let pli = Pli { sender: Ssrc(1), media: Ssrc(2) };
        builder.push(&pli).unwrap();
        builder.push(&pli).unwrap();
        assert_eq!(builder.len(), 24);
        // The third does not fit: the first two stay as they were.
        assert_eq!(builder.push(&pli), Err(WriteError::NoRoom));
        let one = [0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
        assert_eq!(builder.written(), [one, one].concat());
    }

    #[test]
    fn a_packet_longer_than_its_length_field_is_refused() {
        let data = std::vec![0; 65_536 * 4];
        let mut out = std::vec![0; 65_536 * 5];
        let mut builder = Builder::new(&mut out);
        let app = App { subtype: 0, ssrc: Ssrc(1), name: *b"name", data: &data };
        assert_eq!(builder.push(&app), Err(WriteError::TooMany));
        assert!(builder.is_empty());
    }
}
