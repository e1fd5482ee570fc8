//! SDES (RFC 3550 §6.5).

use super::builder::count_of;
use super::packet::SDES;
use super::{Malformed, WriteError, WritePacket};
use crate::bytes::Reader;
use crate::{Ssrc, Writer};

/// The item that names an endpoint across its streams (RFC 3550 §6.5.1).
pub const CNAME: u8 = 1;

/// A source description to write.
#[derive(Clone, Copy, Debug)]
pub struct Sdes<'a> {
    /// One chunk per source; at most 31.
    pub chunks: &'a [SdesChunk<'a>],
}

/// What is said about one source.
#[derive(Clone, Copy, Debug)]
pub struct SdesChunk<'a> {
    /// The source.
    pub ssrc: Ssrc,
    /// What is said.
    pub items: &'a [SdesItem<'a>],
}

/// One item of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SdesItem<'a> {
    /// The item type; zero ends a list of items, is none, and is not written.
    pub kind: u8,
    /// UTF-8 by the RFC, whatever the peer sent in fact; at most 255 bytes.
    pub text: &'a [u8],
}

/// A source description that was received.
#[derive(Clone, Copy, Debug)]
pub struct SdesView<'a> {
    count: u8,
    chunks: &'a [u8],
}

/// What was said about one source.
#[derive(Clone, Copy, Debug)]
pub struct SdesChunkView<'a> {
    /// The source.
    pub ssrc: Ssrc,
    items: &'a [u8],
}

impl<'a> SdesView<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Result<Self, Malformed> {
        let mut rest = body;
        for _ in 0..count {
            (_, rest) = SdesChunkView::split_first(rest).ok_or(Malformed::Truncated)?;
        }
        Ok(Self { count, chunks: body })
    }

    /// The chunks, in order.
    pub fn chunks(&self) -> impl Iterator<Item = SdesChunkView<'a>> + use<'a> {
        let mut rest = self.chunks;
        (0..self.count).map_while(move |_| {
            let chunk;
            (chunk, rest) = SdesChunkView::split_first(rest)?;
            Some(chunk)
        })
    }

    /// The CNAME of a source, if it is said.
    #[must_use]
    pub fn cname(&self, ssrc: Ssrc) -> Option<&'a [u8]> {
        let mut items = self.chunks().filter(|chunk| chunk.ssrc == ssrc).flat_map(|chunk| chunk.items());
        items.find(|item| item.kind == CNAME).map(|item| item.text)
    }
}

impl<'a> SdesChunkView<'a> {
    /// The items, in order.
    pub fn items(&self) -> impl Iterator<Item = SdesItem<'a>> + use<'a> {
        let mut reader = Reader::new(self.items);
        core::iter::from_fn(move || next_item(&mut reader).flatten())
    }

    fn split_first(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut reader = Reader::new(bytes);
        let ssrc = Ssrc(reader.u32()?);
        let items = reader.rest();
        while next_item(&mut reader)?.is_some() {}
        // RFC 3550 §6.5: the list ends with one or more null bytes, up to the next word.
        let used = items.len().checked_sub(reader.rest().len())?;
        reader.take(used.wrapping_neg() & 3)?;
        Some((Self { ssrc, items }, reader.rest()))
    }
}

/// The next item, the null byte at the end (`Some(None)`), or `None` where the bytes end too early.
fn next_item<'a>(reader: &mut Reader<'a>) -> Option<Option<SdesItem<'a>>> {
    let kind = reader.u8()?;
    if kind == 0 {
        return Some(None);
    }
    let len = reader.u8()?;
    Some(Some(SdesItem { kind, text: reader.take(usize::from(len))? }))
}

impl WritePacket for Sdes<'_> {
    fn header(&self) -> Result<(u8, u8), WriteError> {
        Ok((SDES, count_of(self.chunks.len())?))
    }

    fn write_body(&self, out: &mut Writer<'_>) -> Result<(), WriteError> {
        for chunk in self.chunks {
            out.put_u32(chunk.ssrc.0)?;
            for item in chunk.items {
                // RFC 3550 §6.5: a null byte would end the list here, and what follows be read as another chunk.
                if item.kind == 0 {
                    return Err(WriteError::Empty);
                }
                let len = u8::try_from(item.text.len()).map_err(|_| WriteError::TooMany)?;
                out.put(&[item.kind, len])?;
                out.put(item.text)?;
            }
            out.put_u8(0)?;
            out.align_to_word()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Builder;
    use super::*;
    use std::vec::Vec;

    #[test]
    fn an_item_that_would_end_its_list_is_not_written() {
        let mut out = [0; 64];
        let mut builder = Builder::new(&mut out);
        let items = [SdesItem { kind: 0, text: b"hidden" }, SdesItem { kind: CNAME, text: b"name" }];
        for (items, outcome) in [(&items[..], Err(WriteError::Empty)), (&items[1..], Ok(()))] {
            assert_eq!(builder.push(&Sdes { chunks: &[SdesChunk { ssrc: Ssrc(1), items }] }), outcome);
        }
    }

    #[test]
    fn chunks_end_with_a_null_byte_and_on_a_word() {
        // Items of 3, 4 and 0 bytes: one, four and four null bytes follow.
        let body =
            [0, 0, 0, 1, 1, 1, b'a', 0, 0, 0, 0, 2, 1, 2, b'b', b'c', 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0];
        let view = SdesView::parse(3, &body).unwrap();
        let items: Vec<_> = view.chunks().map(|chunk| (chunk.ssrc.0, chunk.items().count())).collect();
        assert_eq!(items, [(1, 1), (2, 1), (3, 0)]);
        assert_eq!(view.cname(Ssrc(2)), Some(&b"bc"[..]));
        assert_eq!(view.cname(Ssrc(3)), None);
        for len in 0..body.len() {
            assert!(SdesView::parse(3, &body[..len]).is_err(), "cut to {len}");
        }
    }
}
