//! VP8 (RFC 7741).

use super::PictureId;
use crate::NoRoom;
use crate::bytes::{Reader, Writer};

/// The payload descriptor (RFC 7741 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// N: no other frame refers to this one.
    pub non_reference: bool,
    /// S: a partition begins in this packet.
    pub start_of_partition: bool,
    /// PID: which partition.
    pub partition: u8,
    /// Which picture.
    pub picture_id: Option<PictureId>,
    /// TL0PICIDX: a running number of the frames of the lowest temporal layer.
    pub tl0_picture_index: Option<u8>,
    /// The temporal layer.
    pub temporal: Option<Temporal>,
    /// KEYIDX: a running number of key frames.
    pub key_index: Option<u8>,
}

/// Of which temporal layer a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Temporal {
    /// TID, 0 to 3.
    pub layer: u8,
    /// Y: it refers to the lowest layer alone, so one may go up to its layer here.
    pub sync: bool,
}

impl Descriptor {
    /// Longest descriptor.
    pub const LIMIT: usize = 6;

    /// Splits a payload into descriptor and VP8 data.
    #[must_use]
    #[inline]
    pub fn parse(payload: &[u8]) -> Option<(Self, &[u8])> {
        let mut reader = Reader::new(payload);
        let first = reader.u8()?;
        let flags = if first & X != 0 { reader.u8()? } else { 0 };
        let picture_id = if flags & I != 0 { Some(PictureId::read(&mut reader)?) } else { None };
        let tl0_picture_index = if flags & L != 0 { Some(reader.u8()?) } else { None };
        // RFC 7741 §4.2: one byte for both T and K.
        let shared = if flags & (T | K) != 0 { reader.u8()? } else { 0 };
        let temporal = Temporal { layer: shared >> 6, sync: shared & Y != 0 };
        let descriptor = Self {
            non_reference: first & N != 0,
            start_of_partition: first & S != 0,
            partition: first & PID,
            picture_id,
            tl0_picture_index,
            temporal: (flags & T != 0).then_some(temporal),
            key_index: (flags & K != 0).then_some(shared & KEY_INDEX),
        };
        Some((descriptor, reader.rest()))
    }

    /// Whether a key frame begins in the packet; `data` is what follows the descriptor.
    #[must_use]
    #[inline]
    pub fn starts_key_frame(&self, data: &[u8]) -> bool {
        // RFC 7741 §4.3: the first byte of the first partition is of the payload header, P clear in a key frame.
        self.starts_frame() && data.first().is_some_and(|first| first & INTER == 0)
    }

    /// Whether a frame begins in the packet.
    #[must_use]
    #[inline]
    pub const fn starts_frame(&self) -> bool {
        self.start_of_partition && self.partition == 0
    }

    /// Bytes of the descriptor in the form in which [`Self::write`] writes it.
    #[must_use]
    pub fn len(&self) -> usize {
        let mut len = 1_usize;
        let mut add = |more: usize| len = len.saturating_add(more);
        add(usize::from(self.flags() != 0));
        add(self.picture_id.map_or(0, PictureId::len));
        add(usize::from(self.tl0_picture_index.is_some()));
        add(usize::from(self.temporal.is_some() || self.key_index.is_some()));
        len
    }

    /// Never: a descriptor has at least a byte.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// Appends the descriptor; fields are cut to their bits.
    ///
    /// # Errors
    /// [`NoRoom`].
    pub fn write(&self, out: &mut Writer<'_>) -> Result<(), NoRoom> {
        let flags = self.flags();
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        let first = bit(self.non_reference, N) | bit(self.start_of_partition, S) | self.partition & PID;
        out.put_u8(first | bit(flags != 0, X))?;
        if flags == 0 {
            return Ok(());
        }
        out.put_u8(flags)?;
        match self.picture_id {
            Some(PictureId::Short(id)) => out.put_u8(id & !super::EXTENDED)?,
            Some(PictureId::Long(id)) => out.put_u16(id | 0x8000)?,
            None => {}
        }
        if let Some(index) = self.tl0_picture_index {
            out.put_u8(index)?;
        }
        if flags & (T | K) != 0 {
            let temporal = self.temporal.map_or(0, |temporal| temporal.layer << 6 | bit(temporal.sync, Y));
            out.put_u8(temporal | self.key_index.unwrap_or_default() & KEY_INDEX)?;
        }
        Ok(())
    }

    fn flags(&self) -> u8 {
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        bit(self.picture_id.is_some(), I)
            | bit(self.tl0_picture_index.is_some(), L)
            | bit(self.temporal.is_some(), T)
            | bit(self.key_index.is_some(), K)
    }
}

// RFC 7741 §4.2, first byte.
const X: u8 = 0x80;
const N: u8 = 0x20;
const S: u8 = 0x10;
const PID: u8 = 0x07;
// The extension byte.
const I: u8 = 0x80;
const L: u8 = 0x40;
const T: u8 = 0x20;
const K: u8 = 0x10;
// The byte of TID and KEYIDX.
const Y: u8 = 0x20;
const KEY_INDEX: u8 = 0x1f;
/// RFC 7741 §4.3: P, the inverse key frame flag.
const INTER: u8 = 0x01;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_like_the_examples_of_rfc_7741_are_read() {
        // §4.5.1: a key frame in one packet, with a picture id of seven bits.
        let (descriptor, data) = Descriptor::parse(&[0x90, 0x80, 0x11, 0x10, 2, 0]).unwrap();
        assert_eq!(descriptor.picture_id, Some(PictureId::Short(17)));
        assert!(descriptor.starts_key_frame(data));
        // §4.5.3: an interframe that nothing refers to, in two packets: its first partition, and its second.
        let (descriptor, data) = Descriptor::parse(&[0xb0, 0x80, 0x12, 0x11]).unwrap();
        assert!(descriptor.non_reference && descriptor.starts_frame() && !descriptor.starts_key_frame(data));
        let (descriptor, data) = Descriptor::parse(&[0xb1, 0x80, 0x12, 0x00]).unwrap();
        assert!(!descriptor.starts_frame() && !descriptor.starts_key_frame(data));
        // §4.5.5: fifteen bits.
        let (descriptor, _) = Descriptor::parse(&[0x90, 0x80, 0x92, 0x67, 0]).unwrap();
        assert_eq!(descriptor.picture_id, Some(PictureId::Long(4711)));
    }

    #[test]
    fn the_second_partition_of_a_key_frame_is_none() {
        let (descriptor, data) = Descriptor::parse(&[0x11, 0x10, 0, 0]).unwrap();
        assert!(descriptor.start_of_partition && !descriptor.starts_key_frame(data));
        let (descriptor, data) = Descriptor::parse(&[0x10]).unwrap();
        assert!(data.is_empty() && !descriptor.starts_key_frame(data));
    }

    #[test]
    fn every_form_is_written_as_it_was_read_and_ends_where_it_ends() {
        let whole = [0xf7, 0xf0, 0xff, 0xfe, 0xab, 0xdf, 0x55];
        let (descriptor, data) = Descriptor::parse(&whole).unwrap();
        assert_eq!(data, [0x55]);
        assert_eq!(descriptor.temporal, Some(Temporal { layer: 3, sync: false }));
        assert_eq!((descriptor.tl0_picture_index, descriptor.key_index), (Some(0xab), Some(0x1f)));
        for len in 0..Descriptor::LIMIT {
            assert_eq!(Descriptor::parse(&whole[..len]), None, "{len}");
        }
        for flags in 0..16_u8 {
            for id in [0x7f, 0x80] {
                let bytes = [0xb3, flags << 4, id, 0x12, 0x9b, 0x6a, 0x77];
                let (descriptor, data) = Descriptor::parse(&bytes).unwrap();
                let mut out = [0; Descriptor::LIMIT];
                let mut writer = Writer::new(&mut out);
                descriptor.write(&mut writer).unwrap();
                assert_eq!(writer.len(), descriptor.len());
                let (again, rest) = Descriptor::parse(writer.written()).unwrap();
                assert_eq!((again, rest.len()), (descriptor, 0));
                // Without any field the extension byte itself goes.
                let extension = usize::from(flags == 0);
                assert_eq!(bytes.len() - data.len(), descriptor.len() + extension);
            }
        }
    }
}
