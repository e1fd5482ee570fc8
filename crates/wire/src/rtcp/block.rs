//! One packet of a compound: its common header and its bytes (RFC 3550 §6.4.1).

use super::Malformed;
use crate::bytes::Reader;

/// A packet that is framed correctly and not yet looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// The packet type.
    pub packet_type: u8,
    /// The five bits that are a count, a subtype or a feedback message type (RFC 4585 §6.1).
    pub count: u8,
    /// What follows the four-byte header, padding excluded.
    pub body: &'a [u8],
}

impl<'a> Block<'a> {
    /// Splits the first packet off `bytes`.
    ///
    /// Padding is tolerated on any packet, not just on the last: libwebrtc pads its feedback to whole words
    /// wherever it stands.
    ///
    /// # Errors
    /// [`Malformed`] says what is wrong with the framing.
    pub fn split_first(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        let mut reader = Reader::new(bytes);
        let [first, packet_type, high, low] = reader.array().ok_or(Malformed::Truncated)?;
        if first >> 6 != 2 {
            return Err(Malformed::Version);
        }
        let body_len = usize::from(u16::from_be_bytes([high, low])).saturating_mul(4);
        let mut body = reader.take(body_len).ok_or(Malformed::Truncated)?;
        if first & PADDING_BIT != 0 {
            let count = body.last().copied().filter(|&count| count != 0).ok_or(Malformed::Padding)?;
            let kept = body.len().checked_sub(usize::from(count)).ok_or(Malformed::Padding)?;
            body = body.get(..kept).unwrap_or_default();
        }
        Ok((Self { packet_type, count: first & COUNT_MASK, body }, reader.rest()))
    }
}

/// Largest count that the common header holds.
pub(super) const COUNT_MASK: u8 = 0x1f;
const PADDING_BIT: u8 = 0x20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_ends_where_its_length_says() {
        let bytes = [0x81, 206, 0, 1, 1, 2, 3, 4, 0x80];
        let (block, rest) = Block::split_first(&bytes).unwrap();
        assert_eq!(block, Block { packet_type: 206, count: 1, body: &[1, 2, 3, 4] });
        assert_eq!(rest, [0x80]);
        for len in 0..8 {
            assert_eq!(Block::split_first(&bytes[..len]), Err(Malformed::Truncated));
        }
    }

    #[test]
    fn padding_is_cut_off_and_checked() {
        let mut bytes = [0xa1, 206, 0, 1, 9, 9, 0, 2];
        assert_eq!(Block::split_first(&bytes).map(|(block, _)| block.body), Ok(&[9, 9][..]));
        for count in [0, 5, 255] {
            bytes[7] = count;
            assert_eq!(Block::split_first(&bytes), Err(Malformed::Padding));
        }
        assert_eq!(Block::split_first(&[0xa0, 206, 0, 0]), Err(Malformed::Padding));
        assert_eq!(Block::split_first(&[0x40, 206, 0, 0]), Err(Malformed::Version));
    }
}
