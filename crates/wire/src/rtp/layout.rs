//! Where the parts of one RTP packet lie.

use super::{ExtensionForm, FIXED_HEADER_LEN};

/// Why bytes are not an RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The fixed header, the CSRCs or the header extension reach beyond the packet.
    #[error("the header reaches beyond the packet")]
    Truncated,
    /// More than 65,535 bytes; no datagram is that long.
    #[error("longer than any datagram")]
    TooLong,
    /// The version is not 2.
    #[error("the version is not 2")]
    Version,
    /// The padding bit is set and the padding count is zero or reaches into the header.
    #[error("the padding count is zero or reaches into the header")]
    Padding,
}

/// Offsets of one packet, found by one pass and small enough to lie beside its pool slot.
///
/// A layout belongs to the bytes it was parsed from. Used with others it gives wrong answers, never a panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    pub(super) extensions_at: u16,
    pub(super) extensions_end: u16,
    pub(super) payload_at: u16,
    pub(super) payload_end: u16,
    pub(super) len: u16,
    pub(super) form: ExtensionForm,
}

impl Layout {
    /// Finds the parts of `packet`. Header extension elements are not looked into: that costs more than all the
    /// rest, and a broken one only ends their iteration.
    ///
    /// # Errors
    /// [`Malformed`] says what is wrong.
    #[inline]
    pub fn parse(packet: &[u8]) -> Result<Self, Malformed> {
        Self::parse_sealed(packet)?.opened(packet)
    }

    /// Finds the parts of an SRTP packet. Only its header is in the clear: the payload reaches to the end, padding
    /// and authentication tag included.
    ///
    /// # Errors
    /// [`Malformed`] says what is wrong.
    #[inline]
    pub fn parse_sealed(packet: &[u8]) -> Result<Self, Malformed> {
        let &[first, ..] = packet.first_chunk::<FIXED_HEADER_LEN>().ok_or(Malformed::Truncated)?;
        let len = u16::try_from(packet.len()).map_err(|_| Malformed::TooLong)?;
        if first >> 6 != 2 {
            return Err(Malformed::Version);
        }
        let csrcs_end = FIXED_HEADER_LEN.saturating_add(usize::from(first & 0x0f).saturating_mul(4));
        let (extensions_at, extensions_end, form) = if first & EXTENSION_BIT == 0 {
            (csrcs_end, csrcs_end, ExtensionForm::Absent)
        } else {
            let header = packet.get(csrcs_end..).and_then(<[u8]>::first_chunk::<4>);
            let &[profile_high, profile_low, words_high, words_low] = header.ok_or(Malformed::Truncated)?;
            let words = u16::from_be_bytes([words_high, words_low]);
            let at = csrcs_end.saturating_add(4);
            let end = at.saturating_add(usize::from(words).saturating_mul(4));
            (at, end, ExtensionForm::of_profile(u16::from_be_bytes([profile_high, profile_low])))
        };
        let fits = |offset: usize| u16::try_from(offset).ok().filter(|&offset| offset <= len);
        let extensions_at = fits(extensions_at).ok_or(Malformed::Truncated)?;
        let extensions_end = fits(extensions_end).ok_or(Malformed::Truncated)?;
        Ok(Self { extensions_at, extensions_end, payload_at: extensions_end, payload_end: len, len, form })
    }

    /// The layout of what an SRTP packet with this layout was opened to: the same header, a shorter payload, and
    /// the padding, which can be read only now.
    ///
    /// # Errors
    /// [`Malformed`] says what is wrong.
    #[inline]
    pub fn opened(self, packet: &[u8]) -> Result<Self, Malformed> {
        let len = u16::try_from(packet.len()).map_err(|_| Malformed::TooLong)?;
        let body_len = len.checked_sub(self.extensions_end).ok_or(Malformed::Truncated)?;
        let (Some(first), Some(&last)) = (packet.first(), packet.last()) else {
            return Err(Malformed::Truncated);
        };
        if first & PADDING_BIT == 0 {
            return Ok(Self { payload_end: len, len, ..self });
        }
        // RFC 3550 §5.1: the last byte counts the padding, itself included.
        let count = u16::from(last);
        if count == 0 || count > body_len {
            return Err(Malformed::Padding);
        }
        Ok(Self { payload_end: len.saturating_sub(count), len, ..self })
    }

    /// Bytes before the payload.
    #[must_use]
    pub const fn header_len(&self) -> usize {
        self.payload_at as usize
    }

    /// Bytes of payload, padding excluded.
    #[must_use]
    pub const fn payload_len(&self) -> usize {
        self.payload_end.saturating_sub(self.payload_at) as usize
    }

    /// Bytes of padding, its count included.
    #[must_use]
    pub const fn padding_len(&self) -> usize {
        self.len.saturating_sub(self.payload_end) as usize
    }

    /// Bytes of the whole packet.
    #[must_use]
    pub const fn packet_len(&self) -> usize {
        self.len as usize
    }

    /// How the header extension is laid out.
    #[must_use]
    pub const fn extension_form(&self) -> ExtensionForm {
        self.form
    }

    /// The same packet with the first `count` payload bytes counted to the header; `None` when there are fewer.
    pub(super) const fn skip_payload(self, count: u16) -> Option<Self> {
        match self.payload_at.checked_add(count) {
            Some(payload_at) if payload_at <= self.payload_end => Some(Self { payload_at, ..self }),
            _ => None,
        }
    }
}

pub(super) const PADDING_BIT: u8 = 0x20;
pub(super) const EXTENSION_BIT: u8 = 0x10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_stays_small_enough_to_lie_beside_a_slot() {
        assert_eq!(size_of::<Layout>(), 12);
    }

    #[test]
    fn the_parts_are_found() {
        let mut packet = std::vec![0xb2, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
        packet.extend([0, 0, 0, 4, 0, 0, 0, 5]);
        packet.extend([0xbe, 0xde, 0, 1, 0x10, 7, 0, 0]);
        packet.extend([1, 2, 3, 0, 2]);
        let layout = Layout::parse(&packet).unwrap();
        assert_eq!((layout.header_len(), layout.payload_len(), layout.padding_len()), (28, 3, 2));
        assert_eq!(layout.extension_form(), ExtensionForm::OneByte);
        assert_eq!(layout.packet_len(), packet.len());
    }

    #[test]
    fn every_cut_of_a_header_is_an_error() {
        let mut packet = std::vec![0x91, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0xbe, 0xde, 0, 1];
        packet.extend([0x10, 7, 0, 0]);
        assert_eq!(Layout::parse(&packet).map(|layout| layout.payload_len()), Ok(0));
        for len in 0..packet.len() {
            assert_eq!(Layout::parse(&packet[..len]), Err(Malformed::Truncated), "cut to {len}");
            assert_eq!(Layout::parse_sealed(&packet[..len]), Err(Malformed::Truncated), "cut to {len}");
        }
    }

    #[test]
    fn a_sealed_packet_says_nothing_of_its_padding() {
        let opened = [0xa0, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 7, 7, 0, 2];
        let sealed = [&opened[..12], &[200; 20]].concat();
        let layout = Layout::parse_sealed(&sealed).unwrap();
        assert_eq!((layout.header_len(), layout.payload_len(), layout.padding_len()), (12, 20, 0));
        assert_eq!(Layout::parse(&sealed), Err(Malformed::Padding));
        assert_eq!(layout.opened(&opened), Layout::parse(&opened));
        assert_eq!(layout.opened(&opened[..11]), Err(Malformed::Truncated));
    }

    #[test]
    fn wrong_versions_and_paddings_are_named() {
        let mut packet = [0u8; 16];
        packet[0] = 0x40;
        assert_eq!(Layout::parse(&packet), Err(Malformed::Version));
        packet[0] = 0xa0;
        assert_eq!(Layout::parse(&packet), Err(Malformed::Padding));
        packet[15] = 5;
        assert_eq!(Layout::parse(&packet), Err(Malformed::Padding));
        packet[15] = 4;
        assert_eq!(Layout::parse(&packet).map(|layout| layout.payload_len()), Ok(0));
        assert_eq!(Layout::parse(&packet[..12]), Err(Malformed::Padding));
        assert_eq!(Layout::parse(&std::vec![0x80; 65_536]), Err(Malformed::TooLong));
    }
}
