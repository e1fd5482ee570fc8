//! Generic NACK (RFC 4585 §6.2.1).

use super::list::write_all;
use super::packet::{NACK_FORMAT, TRANSPORT_FEEDBACK};
use super::{Item, List, Malformed, WriteError, WritePacket, feedback};
use crate::{NoRoom, Ssrc, Writer};

/// A NACK to write.
#[derive(Clone, Copy, Debug)]
pub struct Nack<'a> {
    /// The packet's sender.
    pub sender: Ssrc,
    /// The stream with the losses.
    pub media: Ssrc,
    /// The losses; at least one. [`NackItem::pack`] makes them.
    pub items: &'a [NackItem],
}

/// Up to 17 lost packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NackItem {
    /// The first of them (PID).
    pub first: u16,
    /// Which of the next 16 are lost too, the lowest bit being the next (BLP).
    pub following: u16,
}

/// How much [`NackItem::pack`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Items written.
    pub items: usize,
    /// Sequence numbers that are in them.
    pub sequences: usize,
}

/// A NACK that was received.
#[derive(Clone, Copy, Debug)]
pub struct NackView<'a> {
    /// The packet's sender.
    pub sender: Ssrc,
    /// The stream with the losses.
    pub media: Ssrc,
    /// The losses.
    pub items: List<'a, NackItem, 4>,
}

impl NackItem {
    /// Puts `sequences`, oldest first, into as few items as possible, and stops when `out` is full.
    pub fn pack(sequences: &[u16], out: &mut [Self]) -> Packed {
        let mut packed = Packed { items: 0, sequences: 0 };
        let mut rest = sequences;
        for item in out {
            let Some((&first, mut others)) = rest.split_first() else { break };
            *item = Self { first, following: 0 };
            while let Some((&next, behind)) = others.split_first() {
                // A repeated number is in the item already and is at distance zero.
                match next.wrapping_sub(first) {
                    0 => {}
                    distance @ 1..=16 => item.following |= 1 << (distance.wrapping_sub(1)),
                    _ => break,
                }
                others = behind;
            }
            rest = others;
            packed.items = packed.items.saturating_add(1);
        }
        packed.sequences = sequences.len().saturating_sub(rest.len());
        packed
    }

    /// The lost packets, oldest first.
    pub fn sequences(self) -> impl Iterator<Item = u16> {
        let following = (0u16..16).filter(move |&bit| self.following >> bit & 1 == 1);
        core::iter::once(self.first)
            .chain(following.map(move |bit| self.first.wrapping_add(bit).wrapping_add(1)))
    }
}

impl<'a> NackView<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let (sender, media, rest) = feedback::parse(body)?;
        let items = List::whole(rest).filter(|items| !items.is_empty()).ok_or(Malformed::Content)?;
        Ok(Self { sender, media, items })
    }

    /// The lost packets, in the order in which the peer names them. At most 17 per four bytes of the packet.
    pub fn sequences(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.items.iter().flat_map(NackItem::sequences)
    }
}

impl Item<4> for NackItem {
    fn read(&[a, b, c, d]: &[u8; 4]) -> Self {
        Self { first: u16::from_be_bytes([a, b]), following: u16::from_be_bytes([c, d]) }
    }

    fn write(&self, out: &mut Writer<'_>) -> Result<(), NoRoom> {
        out.put_u16(self.first)?;
        out.put_u16(self.following)
    }
}

impl WritePacket for Nack<'_> {
    fn header(&self) -> Result<(u8, u8), WriteError> {
        if self.items.is_empty() { Err(WriteError::Empty) } else { Ok((TRANSPORT_FEEDBACK, NACK_FORMAT)) }
    }

    fn write_body(&self, out: &mut Writer<'_>) -> Result<(), WriteError> {
        feedback::write(out, self.sender, self.media)?;
        Ok(write_all(out, self.items)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn losses_within_seventeen_share_an_item_across_the_wrap() {
        let mut items = [NackItem::default(); 4];
        let packed = NackItem::pack(&[65_534, 65_535, 65_535, 14, 15, 40], &mut items);
        assert_eq!(packed, Packed { items: 3, sequences: 6 });
        assert_eq!(items[0], NackItem { first: 65_534, following: 0x8001 });
        assert_eq!(items[0].sequences().collect::<Vec<_>>(), [65_534, 65_535, 14]);
        assert_eq!((items[1].first, items[2].first), (15, 40));
    }

    #[test]
    fn a_full_list_says_how_far_it_came() {
        let mut items = [NackItem::default(); 1];
        assert_eq!(NackItem::pack(&[1, 2, 100, 101], &mut items), Packed { items: 1, sequences: 2 });
        assert_eq!(NackItem::pack(&[], &mut items), Packed { items: 0, sequences: 0 });
        assert_eq!(NackItem::pack(&[1], &mut []), Packed { items: 0, sequences: 0 });
    }
}
