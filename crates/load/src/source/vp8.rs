//! Pictures that look like VP8.

use std::time::Duration;

use wire::Writer;
use wire::codec::PictureId;
use wire::codec::vp8::Descriptor;

use super::{Payload, Stamps, bytes_in, filled};
use crate::stamp::Stamp;

/// Frames of constant size, and key frames that are larger, when somebody asks for one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vp8 {
    interval: Duration,
    frame_len: usize,
    picture: u16,
}

impl Vp8 {
    /// Of so many bits a second between key frames.
    pub(crate) fn new(bitrate: u64, frames_per_second: u32) -> Self {
        let interval = Duration::from_secs(1) / frames_per_second.max(1);
        Self { interval, frame_len: bytes_in(bitrate, interval), picture: 0 }
    }

    pub(crate) const fn interval(&self) -> Duration {
        self.interval
    }

    pub(super) fn frame(&mut self, key: bool, at: Duration, stamps: &mut Stamps) -> Vec<Payload> {
        self.picture = (self.picture + 1) & PICTURE_ID;
        let len = if key { self.frame_len.saturating_mul(KEY_FRAME_SIZE) } else { self.frame_len };
        // Packets of one frame are of one size, as libwebrtc's packetizer makes them.
        let count = len.div_ceil(PAYLOAD_LIMIT).max(1);
        let packet_len = len.div_ceil(count);
        (0..count)
            .map(|index| {
                let stamp = stamps.stamp(at, key && index == 0);
                let bytes = filled(&self.beginning(key, index == 0), packet_len, stamp);
                Payload { bytes, marker: index + 1 == count }
            })
            .collect()
    }

    fn beginning(&self, key: bool, first: bool) -> Vec<u8> {
        let descriptor = Descriptor {
            non_reference: false,
            start_of_partition: first,
            partition: 0,
            picture_id: Some(PictureId::Long(self.picture)),
            tl0_picture_index: None,
            temporal: None,
            key_index: None,
        };
        let mut bytes = [0; Descriptor::LIMIT];
        let mut writer = Writer::new(&mut bytes);
        // It has room: that is what `LIMIT` says.
        let _ = descriptor.write(&mut writer);
        let mut beginning = writer.written().to_vec();
        if first {
            beginning.extend_from_slice(if key { &KEY_FRAME_HEADER } else { &FRAME_TAG });
        }
        beginning
    }
}

/// A key frame is so much larger than others: what encoders for calls make of a face is between three and ten.
const KEY_FRAME_SIZE: usize = 5;
/// libwebrtc's packets have 1,200 bytes with their header and its extensions.
const PAYLOAD_LIMIT: usize = 1_150;
/// Fifteen bits.
const PICTURE_ID: u16 = 0x7fff;
/// RFC 6386 §9.1: a frame that is no key frame, to be shown, with a first partition of 16 bytes.
const FRAME_TAG: [u8; 3] = [0x11, 0x02, 0x00];
/// The same with P clear; the start code; 640 by 480, unscaled.
const KEY_FRAME_HEADER: [u8; 10] = [0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01];
const _: () = assert!(PAYLOAD_LIMIT > Descriptor::LIMIT + KEY_FRAME_HEADER.len() + Stamp::LEN);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_as_vp8_and_key_frames_begin_where_they_should() {
        let mut vp8 = Vp8::new(1_000_000, 30);
        let mut stamps = Stamps { run: 1, stream: 2, next: 0 };
        let mut number = 0;
        for (picture, key) in [(1, true), (2, false), (3, false), (4, true)] {
            let packets = vp8.frame(key, Duration::ZERO, &mut stamps);
            for (index, packet) in packets.iter().enumerate() {
                let (descriptor, data) = Descriptor::parse(&packet.bytes).unwrap();
                assert_eq!(descriptor.picture_id, Some(PictureId::Long(picture)));
                assert_eq!(descriptor.starts_frame(), index == 0);
                assert_eq!(descriptor.starts_key_frame(data), key && index == 0);
                assert_eq!(packet.marker, index + 1 == packets.len());
                let stamp = Stamp::of(&packet.bytes).unwrap();
                assert_eq!((stamp.number, stamp.begins_key_frame), (number, key && index == 0));
                number += 1;
            }
        }
    }

    #[test]
    fn the_bitrate_is_kept_between_key_frames() {
        let mut vp8 = Vp8::new(3_000_000, 30);
        let mut stamps = Stamps { run: 1, stream: 2, next: 0 };
        let mut bytes = |key| -> usize {
            vp8.frame(key, Duration::ZERO, &mut stamps).iter().map(|packet| packet.bytes.len()).sum()
        };
        // Rounding up to packets of one size costs a byte each.
        assert!((12_499..12_520).contains(&bytes(false)));
        assert!((62_499..62_600).contains(&bytes(true)));
    }
}
