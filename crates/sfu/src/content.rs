//! What a packet's payload is, as far as forwarding asks: whether a key frame begins in it, whether it is a pause in
//! speech, and of which layers it is. Read once, by the producer, of the payload of media alone.

use model::rtp::MimeType;
use wire::codec::{DependencyDescriptor, av1, h264, opus, vp8, vp9};

/// The codecs whose payloads are looked into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Codec {
    Vp8,
    Vp9,
    H264,
    Av1,
    Opus,
    /// Nothing is known of its payloads.
    #[default]
    Other,
}

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    /// A key frame begins here.
    pub(crate) key_frame: bool,
    /// It is a pause in speech: there is nothing to hear.
    pub(crate) dtx: bool,
    /// The spatial layer, 0 where there are none.
    pub(crate) spatial_layer: u8,
    /// The temporal layer, 0 where there are none.
    pub(crate) temporal_layer: u8,
}

/// What one packet cannot tell alone: how a sender of H.264 announces its parameter sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Habits {
    /// They came among its packets.
    sends_parameters: bool,
    /// The time of the last key frame that began without them.
    bare: Option<u32>,
}

impl Codec {
    pub(crate) fn of(mime_type: &MimeType) -> Self {
        let known = [
            ("video/VP8", Self::Vp8),
            ("video/VP9", Self::Vp9),
            ("video/H264", Self::H264),
            ("video/AV1", Self::Av1),
            ("audio/opus", Self::Opus),
        ];
        known.into_iter().find(|(name, _)| mime_type.is(name)).map(|(_, codec)| codec).unwrap_or_default()
    }

    /// Whether who begins to send its packets has to begin with a key frame. With AV1 only where layers are chosen:
    /// without, the protocol's other worker forwards from anywhere, and so its users expect.
    pub(crate) const fn begins_with_key_frame(self, has_layers: bool) -> bool {
        match self {
            Self::Vp8 | Self::Vp9 | Self::H264 => true,
            Self::Av1 => has_layers,
            Self::Opus | Self::Other => false,
        }
    }

    /// Whether its packets say more in a dependency descriptor than in their payload.
    pub(crate) const fn is_described(self) -> bool {
        matches!(self, Self::Av1)
    }

    /// Reads a packet with that timestamp. `descriptor` is its dependency descriptor, where it has one.
    #[inline]
    pub(crate) fn read(
        self,
        payload: &[u8],
        descriptor: Option<&[u8]>,
        timestamp: u32,
        habits: &mut Habits,
    ) -> Content {
        match self {
            Self::Other => Content::default(),
            Self::Opus => Content { dtx: opus::is_dtx(payload), ..Content::default() },
            Self::Vp8 => vp8::Descriptor::parse(payload).map(of_vp8).unwrap_or_default(),
            Self::Vp9 => vp9::Descriptor::parse(payload).map(of_vp9).unwrap_or_default(),
            Self::H264 => {
                let key_frame = habits.starts_key_frame(h264::Payload::parse(payload), timestamp);
                Content { key_frame, ..Content::default() }
            }
            Self::Av1 => of_av1(payload, descriptor),
        }
    }
}

fn of_vp8((descriptor, data): (vp8::Descriptor, &[u8])) -> Content {
    let temporal_layer = descriptor.temporal.map_or(0, |temporal| temporal.layer);
    Content { key_frame: descriptor.starts_key_frame(data), temporal_layer, ..Content::default() }
}

fn of_vp9((descriptor, _): (vp9::Descriptor, &[u8])) -> Content {
    let (spatial_layer, temporal_layer) =
        descriptor.layers.map_or((0, 0), |layers| (layers.spatial, layers.temporal));
    Content { key_frame: descriptor.starts_key_frame(), dtx: false, spatial_layer, temporal_layer }
}

fn of_av1(payload: &[u8], descriptor: Option<&[u8]>) -> Content {
    let parsed = av1::Payload::parse(payload);
    let key_frame = match descriptor.and_then(DependencyDescriptor::parse) {
        Some(descriptor) => descriptor.starts_key_frame(),
        None => parsed.is_some_and(av1::Payload::starts_key_frame),
    };
    let (spatial_layer, temporal_layer) =
        parsed.and_then(|payload| payload.layers).map_or((0, 0), |layers| (layers.spatial, layers.temporal));
    Content { key_frame, dtx: false, spatial_layer, temporal_layer }
}

impl Habits {
    /// With its parameter sets. Of a sender that was never seen to send any, because they are in its signalling, the
    /// first packet of the picture: others begin slices of it too.
    fn starts_key_frame(&mut self, payload: h264::Payload, timestamp: u32) -> bool {
        if payload.starts_key_frame() {
            self.sends_parameters = true;
            return true;
        }
        if !payload.idr || self.sends_parameters || self.bare == Some(timestamp) {
            return false;
        }
        self.bare = Some(timestamp);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(codec: Codec, payload: &[u8], descriptor: Option<&[u8]>) -> Content {
        codec.read(payload, descriptor, 0, &mut Habits::default())
    }

    #[test]
    fn each_codec_is_read_its_own_way() {
        let key = [0x90, 0x80, 0x11, 0x10, 2, 0];
        assert!(content(Codec::Vp8, &key, None).key_frame);
        assert!(!content(Codec::Other, &key, None).key_frame);
        let layered = content(Codec::Vp9, &[0xac, 0x11, 0x43, 0x07], None);
        assert_eq!((layered.key_frame, layered.spatial_layer, layered.temporal_layer), (false, 1, 2));
        let pause = Content { dtx: true, ..Content::default() };
        assert_eq!(content(Codec::Opus, &[0x78], None), pause);
        assert_eq!(content(Codec::Vp8, &[], None), Content::default());
    }

    #[test]
    fn a_dependency_descriptor_says_it_before_the_payload_does() {
        let (key, delta) = ([0x28, 3, 0x08, 0, 0, 0x30, 1, 2], [0x10, 0x30, 1, 2]);
        assert!(content(Codec::Av1, &key, None).key_frame);
        assert!(!content(Codec::Av1, &key, Some(&[0xc0, 0, 1])).key_frame);
        assert!(content(Codec::Av1, &delta, Some(&[0xc0, 0, 1, 0x80])).key_frame);
        // Encrypted end to end.
        assert!(content(Codec::Av1, &[0xff; 4], Some(&[0xc0, 0, 1, 0x80])).key_frame);
    }

    #[test]
    fn pictures_without_parameter_sets_begin_key_frames_until_some_are_seen() {
        let mut habits = Habits::default();
        let (idr, parameters, delta) = ([0x65, 0x88], [0x67, 0x42], [0x41, 0x9a]);
        let mut starts =
            |payload: &[u8], timestamp| Codec::H264.read(payload, None, timestamp, &mut habits).key_frame;
        assert!(!starts(&delta, 1));
        assert!(starts(&idr, 2));
        assert!(!starts(&idr, 2), "another slice");
        assert!(starts(&idr, 3));
        assert!(starts(&parameters, 4));
        assert!(!starts(&idr, 4));
        assert!(!starts(&idr, 5));
    }

    #[test]
    fn av1_begins_anywhere_unless_layers_are_chosen() {
        let begins = |codec: Codec| [codec.begins_with_key_frame(false), codec.begins_with_key_frame(true)];
        assert_eq!(begins(Codec::Av1), [false, true]);
        assert_eq!(begins(Codec::H264), [true, true]);
        assert_eq!(begins(Codec::Opus), [false, false]);
    }
}
