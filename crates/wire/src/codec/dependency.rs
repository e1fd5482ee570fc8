//! The dependency descriptor (AV1 RTP appendix A,
//! `https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension`).

use crate::bytes::Reader;

/// What a descriptor says without its template structure, which is needed to tell the layers of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DependencyDescriptor {
    /// The packet is the first of its frame.
    pub start_of_frame: bool,
    /// The packet is the last of its frame.
    pub end_of_frame: bool,
    /// Which template describes the frame, 0 to 63.
    pub template: u8,
    /// The number of the frame.
    pub frame_number: u16,
    /// A template structure comes with it, as it does with every key frame and nothing else.
    pub has_structure: bool,
    /// Which decode targets are still fed comes with it.
    pub has_active_targets: bool,
}

impl DependencyDescriptor {
    /// Reads an element's value; `None` for one that is too short.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(data);
        let [flags] = reader.array()?;
        let frame_number = reader.u16()?;
        // A.8.2: the mandatory part stands alone in three bytes, or five flags follow it.
        let extended = reader.u8().unwrap_or_default();
        Some(Self {
            start_of_frame: flags & START != 0,
            end_of_frame: flags & END != 0,
            template: flags & TEMPLATE,
            frame_number,
            has_structure: extended & STRUCTURE != 0,
            has_active_targets: extended & ACTIVE_TARGETS != 0,
        })
    }

    /// Whether a key frame begins in the packet.
    #[must_use]
    pub const fn starts_key_frame(self) -> bool {
        self.start_of_frame && self.has_structure
    }
}

const START: u8 = 0x80;
const END: u8 = 0x40;
const TEMPLATE: u8 = 0x3f;
const STRUCTURE: u8 = 0x80;
const ACTIVE_TARGETS: u8 = 0x40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_structure_comes_with_key_frames() {
        let delta = DependencyDescriptor::parse(&[0xc5, 0x12, 0x34]).unwrap();
        assert_eq!((delta.template, delta.frame_number), (5, 0x1234));
        assert!(delta.start_of_frame && delta.end_of_frame && !delta.starts_key_frame());
        let key = DependencyDescriptor::parse(&[0x80, 0, 1, 0x80, 0x01]).unwrap();
        assert!(key.starts_key_frame() && !key.end_of_frame && !key.has_active_targets);
        // The structure may be repeated on the other packets of the frame, which do not begin it.
        assert!(!DependencyDescriptor::parse(&[0x40, 0, 1, 0x80, 0x01]).unwrap().starts_key_frame());
        let targets = DependencyDescriptor::parse(&[0x80, 0, 1, 0x40, 0x01]).unwrap();
        assert!(targets.has_active_targets && !targets.starts_key_frame());
        assert_eq!(DependencyDescriptor::parse(&[0x80, 0]), None);
    }
}
