//! AV1 (the AV1 RTP payload format of the Alliance for Open Media, version 1.0).

use crate::bytes::Reader;

/// What the payload's aggregation header and OBU headers say (AV1 RTP §4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload {
    /// Z: its first OBU element goes on from the packet before.
    pub continues: bool,
    /// Y: its last OBU element goes on in the packet after.
    pub is_continued: bool,
    /// N: a coded video sequence begins in it.
    pub new_sequence: bool,
    /// A sequence header begins in it.
    pub sequence_header: bool,
    /// The layers of the first OBU that begins in it and names them.
    pub layers: Option<Layers>,
}

/// The layers of an OBU (AV1 §5.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layers {
    /// The temporal id, 0 to 7.
    pub temporal: u8,
    /// The spatial id, 0 to 3.
    pub spatial: u8,
}

impl Payload {
    /// Looks at every OBU that begins in the payload; `None` where an element reaches too far.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(payload);
        let header = reader.u8()?;
        let count = header >> 4 & 3;
        let mut found = Self {
            continues: header & Z != 0,
            is_continued: header & Y != 0,
            new_sequence: header & N != 0,
            sequence_header: false,
            layers: None,
        };
        let mut at = 0_u8;
        while !reader.rest().is_empty() {
            at = at.saturating_add(1);
            // AV1 RTP §4.4: with a count, the last element has no length and takes the rest.
            let element = if count != 0 && at == count {
                reader.take(reader.rest().len())?
            } else {
                let len = leb128(&mut reader)?;
                reader.take(len)?
            };
            if !(at == 1 && found.continues) {
                found.add(element);
            }
        }
        Some(found)
    }

    /// Whether a key frame begins in the packet. A sequence header says so too, because encoders repeat it with every
    /// key frame and not all packetizers set N.
    #[must_use]
    pub const fn starts_key_frame(self) -> bool {
        self.new_sequence && !self.continues || self.sequence_header
    }

    fn add(&mut self, element: &[u8]) {
        let mut reader = Reader::new(element);
        let Some(header) = reader.u8() else { return };
        self.sequence_header |= header >> 3 & 15 == OBU_SEQUENCE_HEADER;
        if header & EXTENSION != 0
            && self.layers.is_none()
            && let Some(extension) = reader.u8()
        {
            self.layers = Some(Layers { temporal: extension >> 5, spatial: extension >> 3 & 3 });
        }
    }
}

/// AV1 §4.10.5: seven bits a byte, lowest first, at most eight bytes and 32 bits.
fn leb128(reader: &mut Reader<'_>) -> Option<usize> {
    let mut value = 0_u64;
    for shift in (0..LEB128_BITS).step_by(7) {
        let byte = reader.u8()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return u32::try_from(value).ok().and_then(|value| usize::try_from(value).ok());
        }
    }
    None
}

// AV1 RTP §4.4, the aggregation header.
const Z: u8 = 0x80;
const Y: u8 = 0x40;
const N: u8 = 0x08;
// AV1 §5.3.2, the OBU header.
const OBU_SEQUENCE_HEADER: u8 = 1;
const EXTENSION: u8 = 0x04;
/// Of eight bytes.
const LEB128_BITS: u32 = 56;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_sequence_and_a_sequence_header_begin_a_key_frame() {
        // N, two elements: a sequence header of three bytes, then a frame.
        let first = Payload::parse(&[0x28, 3, 0x08, 0, 0, 0x30, 1, 2]).unwrap();
        assert!(first.new_sequence && first.sequence_header && first.starts_key_frame());
        // The same without N, and with lengths for all.
        let unmarked = Payload::parse(&[0x00, 3, 0x08, 0, 0, 3, 0x30, 1, 2]).unwrap();
        assert!(!unmarked.new_sequence && unmarked.starts_key_frame());
        // A frame alone.
        assert!(!Payload::parse(&[0x10, 0x30, 1, 2]).unwrap().starts_key_frame());
    }

    #[test]
    fn what_goes_on_from_the_packet_before_has_no_header() {
        // The first byte of the fragment only looks like a sequence header; that of the second element is one.
        assert!(!Payload::parse(&[0x90, 0x08, 1]).unwrap().starts_key_frame());
        assert!(Payload::parse(&[0xa0, 2, 0x30, 1, 0x08, 0]).unwrap().sequence_header);
        assert!(!Payload::parse(&[0x98, 0x30, 1]).unwrap().starts_key_frame());
    }

    #[test]
    fn layers_are_those_of_the_first_obu_that_names_them() {
        let payload = Payload::parse(&[0x20, 1, 0x08, 0x34, 0x48, 9]).unwrap();
        assert_eq!(payload.layers, Some(Layers { temporal: 2, spatial: 1 }));
    }

    #[test]
    fn broken_lengths_are_nothing() {
        assert_eq!(Payload::parse(&[]), None);
        assert_eq!(Payload::parse(&[0x00, 5, 0x08]), None);
        assert_eq!(Payload::parse(&[0x00, 0x80]), None);
        assert_eq!(Payload::parse(&[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0]), None);
        // A length may be written longer than it needs.
        assert!(Payload::parse(&[0, 0x82, 0x00, 0x08, 0]).unwrap().sequence_header);
        // Empty elements, and nothing at all behind the header.
        assert!(!Payload::parse(&[0, 0, 0]).unwrap().starts_key_frame());
        assert!(Payload::parse(&[0x08]).unwrap().starts_key_frame());
    }
}
