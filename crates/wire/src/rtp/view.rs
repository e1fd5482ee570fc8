//! Reading one RTP packet through its layout.

use super::{Elements, ExtensionId, FIXED_HEADER_LEN, Layout, Malformed};
use crate::{PayloadType, Ssrc};

/// An RTP packet's bytes together with its [`Layout`]. Every accessor is a load or a sub-slice.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    fixed: &'a [u8; FIXED_HEADER_LEN],
    packet: &'a [u8],
    layout: Layout,
}

impl<'a> View<'a> {
    /// Parses `packet` and looks at it.
    ///
    /// # Errors
    /// [`Malformed`] says what is wrong.
    #[inline]
    pub fn parse(packet: &'a [u8]) -> Result<Self, Malformed> {
        let layout = Layout::parse(packet)?;
        Self::new(packet, layout).ok_or(Malformed::Truncated)
    }

    /// Looks at `packet` through a layout found earlier; `None` when the lengths show that it is not its own.
    #[must_use]
    #[inline]
    pub fn new(packet: &'a [u8], layout: Layout) -> Option<Self> {
        if packet.len() != layout.packet_len() {
            return None;
        }
        Some(Self { fixed: packet.first_chunk()?, packet, layout })
    }

    /// Where the parts lie.
    #[must_use]
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// The whole packet.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.packet
    }

    /// The marker bit.
    #[must_use]
    #[inline]
    pub const fn marker(&self) -> bool {
        let &[_, second, ..] = self.fixed;
        second & 0x80 != 0
    }

    /// The payload type.
    #[must_use]
    #[inline]
    pub const fn payload_type(&self) -> PayloadType {
        let &[_, second, ..] = self.fixed;
        PayloadType::from_low_bits(second)
    }

    /// The sequence number.
    #[must_use]
    #[inline]
    pub const fn sequence(&self) -> u16 {
        let &[_, _, high, low, ..] = self.fixed;
        u16::from_be_bytes([high, low])
    }

    /// The timestamp, in units of the payload's clock.
    #[must_use]
    #[inline]
    pub const fn timestamp(&self) -> u32 {
        let &[_, _, _, _, a, b, c, d, ..] = self.fixed;
        u32::from_be_bytes([a, b, c, d])
    }

    /// The stream it belongs to.
    #[must_use]
    #[inline]
    pub const fn ssrc(&self) -> Ssrc {
        let &[.., a, b, c, d] = self.fixed;
        Ssrc(u32::from_be_bytes([a, b, c, d]))
    }

    /// The contributing sources.
    #[inline]
    pub fn csrcs(&self) -> impl ExactSizeIterator<Item = Ssrc> + use<'a> {
        let (words, _) = self.csrc_bytes().as_chunks::<4>();
        words.iter().map(|&word| Ssrc(u32::from_be_bytes(word)))
    }

    /// The header extension elements, in order.
    #[must_use]
    #[inline]
    pub fn elements(&self) -> Elements<'a> {
        Elements::new(self.layout.form, self.extension_bytes())
    }

    /// The value of the first element with this id. Who wants several ids walks [`Self::elements`] once instead.
    #[must_use]
    pub fn element(&self, id: ExtensionId) -> Option<&'a [u8]> {
        self.elements().find(|element| element.id == id).map(|element| element.data)
    }

    /// The header extension without its four-byte header: elements, or what an unknown profile put there.
    #[must_use]
    #[inline]
    pub fn extension_bytes(&self) -> &'a [u8] {
        self.part(self.layout.extensions_at, self.layout.extensions_end)
    }

    /// The payload, padding excluded.
    #[must_use]
    #[inline]
    pub fn payload(&self) -> &'a [u8] {
        self.part(self.layout.payload_at, self.layout.payload_end)
    }

    pub(super) fn csrc_bytes(&self) -> &'a [u8] {
        let &[first, ..] = self.fixed;
        let (_, rest) = self.packet.split_at_checked(FIXED_HEADER_LEN).unwrap_or_default();
        rest.get(..usize::from(first & 0x0f).saturating_mul(4)).unwrap_or_default()
    }

    #[inline]
    fn part(&self, from: u16, to: u16) -> &'a [u8] {
        self.packet.get(usize::from(from)..usize::from(to)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_a_packet_is_read() {
        let mut packet = std::vec![0xb2, 0x80 | 101, 0x12, 0x34, 1, 2, 3, 4, 5, 6, 7, 8];
        packet.extend([0, 0, 0, 4, 0, 0, 0, 5]);
        packet.extend([0xbe, 0xde, 0, 1, 0x31, 7, 8, 0]);
        packet.extend([9, 9, 9, 0, 2]);
        let view = View::parse(&packet).unwrap();
        assert!(view.marker());
        assert_eq!(view.payload_type().value(), 101);
        assert_eq!(view.sequence(), 0x1234);
        assert_eq!(view.timestamp(), 0x0102_0304);
        assert_eq!(view.ssrc(), Ssrc(0x0506_0708));
        assert!(view.csrcs().eq([Ssrc(4), Ssrc(5)]));
        assert_eq!(view.element(ExtensionId::new(3).unwrap()), Some(&[7, 8][..]));
        assert_eq!(view.payload(), [9, 9, 9]);
        assert_eq!(view.layout().padding_len(), 2);
    }

    #[test]
    fn a_layout_of_other_bytes_is_refused_or_harmless() {
        let mut long = std::vec![0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xbe, 0xde, 0, 1, 0x10, 7, 0, 0];
        let layout = Layout::parse(&long).unwrap();
        assert!(View::new(&long[..19], layout).is_none());
        long[0] = 0xbf;
        let view = View::new(&long, layout).unwrap();
        assert_eq!(view.csrcs().len(), 0);
        assert_eq!(view.payload(), []);
    }
}
