//! VP8 as publishers make it up: descriptors and frame headers as they should be (RFC 7741 §4), noise for a picture.

use crate::random::Random;

/// A part of a frame that goes into one packet.
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    /// Which piece of whose media.
    pub mark: Mark,
    /// The frame's picture id, of which 15 bits count.
    pub picture: u16,
    /// Whether the frame begins here.
    pub begins: bool,
    /// Whether it is a key frame.
    pub key_frame: bool,
    /// Bytes of payload in all; at least [`Slice::LEAST`].
    pub len: usize,
}

/// Which piece of whose media a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark {
    /// The publisher's SSRC.
    pub source: u32,
    /// Counts its pieces from zero.
    pub number: u32,
}

impl Slice {
    /// The shortest payload.
    pub const LEAST: usize = DESCRIPTOR + KEY_FRAME_HEADER + MARK;

    /// The payload.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        let [high, low] = (self.picture | 0x8000).to_be_bytes();
        // X, S of the first partition; then I with a picture id of 15 bits.
        let mut bytes = vec![0x80 | u8::from(self.begins) << 4, 0x80, high, low];
        if self.begins {
            // RFC 6386 §9.1: the lowest bit is clear in key frames; their start code and a size follow.
            bytes.extend([u8::from(!self.key_frame) | 0x10, 0, 0]);
            if self.key_frame {
                bytes.extend([0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01]);
            }
        }
        let mut noise = Random::of(u64::from(self.mark.source), u64::from(self.mark.number));
        while bytes.len() + MARK < self.len {
            let left = self.len - MARK - bytes.len();
            bytes.extend(noise.next().to_be_bytes().iter().take(left));
        }
        bytes.extend(self.mark.source.to_be_bytes());
        bytes.extend(self.mark.number.to_be_bytes());
        bytes
    }
}

impl Mark {
    /// Reads the mark of a payload.
    #[must_use]
    pub fn read(payload: &[u8]) -> Option<Self> {
        let (_, [a, b, c, d, e, f, g, h]) = payload.split_last_chunk::<MARK>()?;
        Some(Self {
            source: u32::from_be_bytes([*a, *b, *c, *d]),
            number: u32::from_be_bytes([*e, *f, *g, *h]),
        })
    }
}

/// Whether a payload of ours begins a key frame.
pub(super) fn begins_key_frame(payload: &[u8]) -> bool {
    matches!(payload, [first, _, _, _, header, ..] if first & 0x10 != 0 && header & 1 == 0)
}

const DESCRIPTOR: usize = 4;
const KEY_FRAME_HEADER: usize = 10;
const MARK: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_has_its_length_says_whose_it_is_and_where_key_frames_begin() {
        let mark = Mark { source: 7, number: 1_000 };
        for (begins, key_frame) in [(false, false), (true, false), (true, true), (false, true)] {
            for len in [Slice::LEAST, 100, 1_100] {
                let payload = Slice { mark, picture: 300, begins, key_frame, len }.payload();
                assert_eq!(payload.len(), len);
                assert_eq!(Mark::read(&payload), Some(mark));
                assert_eq!(begins_key_frame(&payload), begins && key_frame);
            }
        }
    }
}
