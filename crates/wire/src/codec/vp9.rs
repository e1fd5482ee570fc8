//! VP9 (RFC 9628).

use super::PictureId;
use crate::bytes::Reader;

/// The payload descriptor (RFC 9628 §4.2), but for the references of flexible mode and the scalability structure,
/// which are stepped over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Which picture.
    pub picture_id: Option<PictureId>,
    /// P: the layer frame refers to earlier pictures.
    pub inter_picture: bool,
    /// F: references are given one by one.
    pub flexible: bool,
    /// B: a layer frame begins in this packet.
    pub start_of_frame: bool,
    /// E: it ends in this packet.
    pub end_of_frame: bool,
    /// Z: no higher spatial layer refers to this layer frame.
    pub not_for_upper_layers: bool,
    /// Of which layers it is.
    pub layers: Option<Layers>,
    /// TL0PICIDX: a running number of the pictures of the lowest temporal layer.
    pub tl0_picture_index: Option<u8>,
    /// V: the packet says how many spatial layers there are, counted here.
    pub spatial_layers: Option<u8>,
}

/// The layers of a layer frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layers {
    /// TID, 0 to 7.
    pub temporal: u8,
    /// SID, 0 to 7.
    pub spatial: u8,
    /// U: one may go up to its temporal layer here.
    pub switching_point: bool,
    /// D: it refers to the next lower spatial layer of the same picture.
    pub inter_layer: bool,
}

impl Descriptor {
    /// Splits a payload into descriptor and VP9 data.
    #[must_use]
    #[inline]
    pub fn parse(payload: &[u8]) -> Option<(Self, &[u8])> {
        let mut reader = Reader::new(payload);
        let flags = reader.u8()?;
        let (inter_picture, flexible) = (flags & P != 0, flags & F != 0);
        let picture_id = if flags & I != 0 { Some(PictureId::read(&mut reader)?) } else { None };
        let layers = if flags & L != 0 { Some(Layers::of(reader.u8()?)) } else { None };
        // RFC 9628 §4.2: in flexible mode TL0PICIDX is not there.
        let tl0_picture_index = if layers.is_some() && !flexible { Some(reader.u8()?) } else { None };
        if flexible && inter_picture {
            references(&mut reader)?;
        }
        let spatial_layers = if flags & V != 0 { Some(structure(&mut reader)?) } else { None };
        let descriptor = Self {
            picture_id,
            inter_picture,
            flexible,
            start_of_frame: flags & B != 0,
            end_of_frame: flags & E != 0,
            not_for_upper_layers: flags & Z != 0,
            layers,
            tl0_picture_index,
            spatial_layers,
        };
        Some((descriptor, reader.rest()))
    }

    /// Whether a key picture begins in the packet: the first layer frame of a picture that refers to no other
    /// (RFC 9628 §3, with the lowest spatial layer, where every decoder has to begin).
    #[must_use]
    #[inline]
    pub fn starts_key_frame(&self) -> bool {
        self.start_of_frame && !self.inter_picture && self.layers.is_none_or(|layers| layers.spatial == 0)
    }
}

impl Layers {
    #[inline]
    const fn of(byte: u8) -> Self {
        Self {
            temporal: byte >> 5,
            spatial: byte >> 1 & 7,
            switching_point: byte & 0x10 != 0,
            inter_layer: byte & 1 != 0,
        }
    }
}

/// RFC 9628 §4.2: up to three P_DIFF, the lowest bit of each says whether another follows.
fn references(reader: &mut Reader<'_>) -> Option<()> {
    for _ in 0..REFERENCES_LIMIT {
        if reader.u8()? & 1 == 0 {
            return Some(());
        }
    }
    None
}

/// RFC 9628 §4.2.1. How many spatial layers it tells of.
fn structure(reader: &mut Reader<'_>) -> Option<u8> {
    let head = reader.u8()?;
    let spatial_layers = (head >> 5).saturating_add(1);
    if head & SIZES != 0 {
        reader.take(usize::from(spatial_layers).saturating_mul(4))?;
    }
    if head & GROUP != 0 {
        for _ in 0..reader.u8()? {
            let picture = reader.u8()?;
            reader.take(usize::from(picture >> 2 & 3))?;
        }
    }
    Some(spatial_layers)
}

// RFC 9628 §4.2, first byte.
const I: u8 = 0x80;
const P: u8 = 0x40;
const L: u8 = 0x20;
const F: u8 = 0x10;
const B: u8 = 0x08;
const E: u8 = 0x04;
const V: u8 = 0x02;
const Z: u8 = 0x01;
const REFERENCES_LIMIT: usize = 3;
// RFC 9628 §4.2.1: Y and G of the scalability structure.
const SIZES: u8 = 0x10;
const GROUP: u8 = 0x08;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_picture_begins_with_its_lowest_layer() {
        let starts = |bytes: &[u8]| Descriptor::parse(bytes).unwrap().0.starts_key_frame();
        // I, B and E: a picture of one layer in one packet.
        assert!(starts(&[0x8c, 0x90, 0x01, 0xaa]));
        // The same with P; and without B.
        assert!(!starts(&[0xcc, 0x90, 0x01, 0xaa]));
        assert!(!starts(&[0x84, 0x90, 0x01, 0xaa]));
        // Spatial layer 0, then 1, which predicts from it.
        assert!(starts(&[0xac, 0x11, 0x00, 0x07]));
        assert!(!starts(&[0xac, 0x11, 0x03, 0x07]));
    }

    #[test]
    fn layers_and_running_numbers_are_where_they_belong() {
        let (descriptor, data) = Descriptor::parse(&[0xe9, 0xff, 0xfe, 0x57, 0x99, 0xaa]).unwrap();
        assert_eq!(descriptor.picture_id, Some(PictureId::Long(0x7ffe)));
        let layers = Layers { temporal: 2, spatial: 3, switching_point: true, inter_layer: true };
        assert_eq!((descriptor.layers, descriptor.tl0_picture_index), (Some(layers), Some(0x99)));
        assert!(descriptor.not_for_upper_layers && descriptor.inter_picture && !descriptor.end_of_frame);
        assert_eq!(data, [0xaa]);
    }

    #[test]
    fn references_and_the_scalability_structure_are_stepped_over() {
        // Flexible, with three references; a fourth is one too many.
        let flexible = [0xf8, 0x01, 0x20, 0x03, 0x05, 0x06, 0xaa];
        let (descriptor, data) = Descriptor::parse(&flexible).unwrap();
        assert_eq!((descriptor.tl0_picture_index, data), (None, &[0xaa][..]));
        assert_eq!(Descriptor::parse(&[0xf8, 0x01, 0x20, 0x03, 0x05, 0x07, 0x02, 0xaa]), None);
        // Two spatial layers with their sizes, and a group of two pictures with one reference and two.
        let mut with_structure = std::vec![0x8e, 0x11, 0x38];
        with_structure.extend([1, 64, 0, 240, 2, 128, 1, 224]);
        with_structure.extend([2, 0x04, 0x01, 0x28, 0x01, 0x02, 0xaa]);
        let (descriptor, data) = Descriptor::parse(&with_structure).unwrap();
        assert_eq!((descriptor.spatial_layers, data), (Some(2), &[0xaa][..]));
        for len in 0..with_structure.len() - 1 {
            assert_eq!(Descriptor::parse(&with_structure[..len]), None, "{len}");
        }
    }
}
