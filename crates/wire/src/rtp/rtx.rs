//! Retransmission in a stream of its own (RFC 4588 §4): the payload is the original one behind its sequence number.

use super::layout::PADDING_BIT;
use super::{FIXED_HEADER_LEN, Layout, View};
use crate::{NoRoom, PayloadType, Ssrc, Writer};

/// Bytes that RTX puts before a payload: the original sequence number, OSN.
pub const PREFIX_LEN: usize = 2;

/// The packet that an RTX packet carries, found without a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Original {
    /// Its sequence number.
    pub sequence: u16,
    /// The RTX packet's layout with the payload beginning behind the OSN. Payload type, sequence number and
    /// SSRC in those bytes are still the RTX stream's.
    pub layout: Layout,
}

/// What differs between a packet and its copy in the other stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// The other stream's payload type.
    pub payload_type: PayloadType,
    /// The sequence number there.
    pub sequence: u16,
    /// The other stream.
    pub ssrc: Ssrc,
}

/// Looks into an RTX packet. `None` when it has no OSN: padding only, sent to probe the path.
#[must_use]
#[inline]
pub fn open(rtx: &View<'_>) -> Option<Original> {
    let &prefix = rtx.payload().first_chunk::<PREFIX_LEN>()?;
    Some(Original { sequence: u16::from_be_bytes(prefix), layout: rtx.layout().skip_payload(2)? })
}

/// The bytes to put between an RTX header and the original payload.
#[must_use]
#[inline]
pub const fn prefix(original_sequence: u16) -> [u8; PREFIX_LEN] {
    original_sequence.to_be_bytes()
}

/// Writes `original` as a packet of the RTX stream: its header extension as it is, its padding left out.
/// Returns the length.
///
/// # Errors
/// [`NoRoom`] when `out` is too short.
pub fn encapsulate(original: &View<'_>, rewrite: &Rewrite, out: &mut [u8]) -> Result<usize, NoRoom> {
    write(original, rewrite, &prefix(original.sequence()), out)
}

/// Writes the packet that `rtx` carries as one of its own stream; `rewrite.sequence` is [`Original::sequence`].
/// Returns the length.
///
/// # Errors
/// [`NoRoom`] when `out` is too short.
pub fn decapsulate(
    rtx: &View<'_>,
    original: &Original,
    rewrite: &Rewrite,
    out: &mut [u8],
) -> Result<usize, NoRoom> {
    let view = View::new(rtx.bytes(), original.layout).ok_or(NoRoom)?;
    write(&view, rewrite, &[], out)
}

fn write(source: &View<'_>, rewrite: &Rewrite, prefix: &[u8], out: &mut [u8]) -> Result<usize, NoRoom> {
    let header_len = usize::from(source.layout().extensions_end);
    let header = source.bytes().get(..header_len).ok_or(NoRoom)?;
    let (&[first, second, ..], rest) = header.split_first_chunk::<FIXED_HEADER_LEN>().ok_or(NoRoom)?;
    let mut writer = Writer::new(out);
    writer.put(&[first & !PADDING_BIT, second & 0x80 | rewrite.payload_type.value()])?;
    writer.put_u16(rewrite.sequence)?;
    writer.put_u32(source.timestamp())?;
    writer.put_u32(rewrite.ssrc.0)?;
    writer.put(rest)?;
    writer.put(prefix)?;
    writer.put(source.payload())?;
    Ok(writer.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: [u8; 25] =
        [0xb0, 0xe0, 0x12, 0x34, 0, 0, 0, 9, 0, 0, 0, 7, 0xbe, 0xde, 0, 1, 0x10, 5, 0, 0, 11, 12, 13, 0, 2];
    const RTX: Rewrite =
        Rewrite { payload_type: PayloadType::from_low_bits(97), sequence: 500, ssrc: Ssrc(8) };

    #[test]
    fn a_packet_survives_the_way_through_rtx_without_its_padding() {
        let original = View::parse(&PACKET).unwrap();
        let mut out = [0; 64];
        let len = encapsulate(&original, &RTX, &mut out).unwrap();
        let rtx = View::parse(&out[..len]).unwrap();
        assert_eq!((rtx.payload_type().value(), rtx.sequence(), rtx.ssrc()), (97, 500, Ssrc(8)));
        assert_eq!((rtx.marker(), rtx.timestamp()), (true, 9));
        assert_eq!(rtx.payload(), [0x12, 0x34, 11, 12, 13]);
        assert_eq!(rtx.extension_bytes(), original.extension_bytes());

        let inner = open(&rtx).unwrap();
        assert_eq!(inner.sequence, 0x1234);
        assert_eq!(View::new(rtx.bytes(), inner.layout).unwrap().payload(), [11, 12, 13]);
        let back = Rewrite {
            payload_type: original.payload_type(),
            sequence: inner.sequence,
            ssrc: original.ssrc(),
        };
        let mut restored = [0; 64];
        let len = decapsulate(&rtx, &inner, &back, &mut restored).unwrap();
        assert_eq!(restored[0], PACKET[0] & !PADDING_BIT);
        assert_eq!(&restored[1..len], &PACKET[1..23]);
    }

    #[test]
    fn a_probe_of_padding_carries_no_packet() {
        let mut probe = [0; 20];
        probe[0] = 0xa0;
        probe[19] = 8;
        assert_eq!(open(&View::parse(&probe).unwrap()), None);
        probe[19] = 7;
        assert_eq!(open(&View::parse(&probe).unwrap()), None);
        probe[19] = 6;
        assert_eq!(open(&View::parse(&probe).unwrap()).unwrap().layout.payload_len(), 0);
    }

    #[test]
    fn too_little_room_is_an_error() {
        let original = View::parse(&PACKET).unwrap();
        for len in 0..25 {
            assert_eq!(encapsulate(&original, &RTX, &mut std::vec![0; len]), Err(NoRoom));
        }
        assert_eq!(encapsulate(&original, &RTX, &mut [0; 25]), Ok(25));
    }
}
