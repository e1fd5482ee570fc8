//! What a payload says of itself to who forwards it: whether a key frame begins in it, and of which layer it is.
//!
//! One file per codec. The bytes are a payload without padding, or the value of a header extension; `parse` takes
//! any and answers with a value, or with nothing where they are broken. Nothing is decoded: what lies behind the
//! descriptor is looked at as far as telling a key frame takes, and no state is kept between packets.

pub mod av1;
mod dependency;
pub mod h264;
pub mod opus;
pub mod vp8;
pub mod vp9;

pub use dependency::DependencyDescriptor;

use crate::bytes::Reader;

/// The number of a picture, in the form that its sender chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PictureId {
    /// Of seven bits.
    Short(u8),
    /// Of fifteen bits.
    Long(u16),
}

impl PictureId {
    /// The number.
    #[must_use]
    pub const fn value(self) -> u16 {
        match self {
            // Lossless; `From` is not const.
            Self::Short(value) => u16::from_be_bytes([0, value]),
            Self::Long(value) => value,
        }
    }

    /// Bytes of it in a descriptor.
    #[must_use]
    pub const fn len(self) -> usize {
        match self {
            Self::Short(_) => 1,
            Self::Long(_) => 2,
        }
    }

    /// Never: a picture id has at least a byte.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        false
    }

    /// RFC 7741 §4.2 and RFC 9628 §4.2 share it: the highest bit says whether another byte follows.
    #[inline]
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let first = reader.u8()?;
        if first & EXTENDED == 0 {
            return Some(Self::Short(first));
        }
        Some(Self::Long(u16::from_be_bytes([first & !EXTENDED, reader.u8()?])))
    }
}

/// The M bit of a picture id.
const EXTENDED: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_id_has_seven_bits_or_fifteen() {
        let read = |bytes: &[u8]| PictureId::read(&mut Reader::new(bytes));
        assert_eq!(read(&[0x7f]), Some(PictureId::Short(127)));
        assert_eq!(read(&[0x80, 0x11]), Some(PictureId::Long(17)));
        assert_eq!(read(&[0xff, 0xff]).map(PictureId::value), Some(0x7fff));
        assert_eq!(read(&[0x80]), None);
        assert_eq!(read(&[]), None);
    }
}
