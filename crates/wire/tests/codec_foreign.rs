//! Payload descriptors against webrtc-rs: what it reads out of a payload we read too, and what it sends we understand.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as its tests may")]

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use rtp::codecs::av1::Av1Payloader;
use rtp::codecs::h264::H264Packet;
use rtp::codecs::vp8::Vp8Packet;
use rtp::codecs::vp9::Vp9Packet;
use rtp::packetizer::{Depacketizer, Payloader};
use wire::codec::{PictureId, av1, h264, vp8, vp9};

fn number(id: Option<PictureId>) -> u16 {
    id.map(PictureId::value).unwrap_or_default()
}

/// A VP9 payload that keeps to the format: webrtc-rs takes reserved bits of the scalability structure for G.
fn vp9_payload() -> impl Strategy<Value = Vec<u8>> {
    let structure = (0..5_u8, any::<bool>(), vec((any::<u8>(), vec(any::<u8>(), 3)), 0..4));
    let fields = (any::<u8>(), any::<[u8; 2]>(), any::<[u8; 2]>(), vec(any::<u8>(), 2), structure);
    (fields, vec(any::<u8>(), 0..4)).prop_map(|((flags, id, layers, references, structure), data)| {
        let mut payload = vec![flags];
        if flags & 0x80 != 0 {
            payload.extend(if id[0] & 0x80 == 0 { &id[..1] } else { &id });
        }
        if flags & 0x20 != 0 {
            payload.push(layers[0]);
            if flags & 0x10 == 0 {
                payload.push(layers[1]);
            }
        }
        if flags & 0x50 == 0x50 {
            payload.push(references[0] | 1);
            payload.push(references[1] & !1);
        }
        if flags & 2 != 0 {
            let (count, sizes, group) = structure;
            payload.push(count << 5 | u8::from(sizes) << 4 | u8::from(!group.is_empty()) << 3);
            payload.extend(vec![7; if sizes { (usize::from(count) + 1) * 4 } else { 0 }]);
            if !group.is_empty() {
                payload.push(u8::try_from(group.len()).unwrap());
            }
            for (picture, references) in group {
                payload.push(picture);
                payload.extend(&references[..usize::from(picture >> 2 & 3)]);
            }
        }
        payload.extend(data);
        payload
    })
}

proptest! {
    #[test]
    fn vp8_descriptors_read_the_same(payload in vec(any::<u8>(), 0..12)) {
        let mut theirs = Vp8Packet::default();
        // It wants four bytes and something behind the descriptor.
        let Ok(rest) = theirs.depacketize(&Bytes::from(payload.clone())) else { return Ok(()) };
        let (ours, data) = vp8::Descriptor::parse(&payload).unwrap();
        prop_assert_eq!(data, &rest[..]);
        prop_assert_eq!(u8::from(ours.non_reference), theirs.n);
        prop_assert_eq!((u8::from(ours.start_of_partition), ours.partition), (theirs.s, theirs.pid));
        prop_assert_eq!(number(ours.picture_id), theirs.picture_id);
        prop_assert_eq!(ours.tl0_picture_index.unwrap_or_default(), theirs.tl0_pic_idx);
        let temporal = ours.temporal.map_or((0, 0), |temporal| (temporal.layer, u8::from(temporal.sync)));
        prop_assert_eq!(temporal, (theirs.tid, theirs.y));
        prop_assert_eq!(ours.key_index.unwrap_or_default(), theirs.key_idx);
    }

    #[test]
    fn vp9_descriptors_read_the_same(payload in vp9_payload(), cut in 0..40_usize) {
        let payload = &payload[..cut.min(payload.len())];
        let mut theirs = Vp9Packet::default();
        let read = theirs.depacketize(&Bytes::copy_from_slice(payload)).ok();
        let ours = vp9::Descriptor::parse(payload);
        // More spatial layers than an encoder may have are none of our business.
        if ours.is_some_and(|(ours, _)| ours.layers.is_some_and(|layers| layers.spatial > 4)) {
            return Ok(());
        }
        prop_assert_eq!(ours.map(|(_, data)| data), read.as_deref());
        let Some((ours, _)) = ours else { return Ok(()) };
        prop_assert_eq!((ours.inter_picture, ours.flexible), (theirs.p, theirs.f));
        prop_assert_eq!((ours.start_of_frame, ours.end_of_frame), (theirs.b, theirs.e));
        prop_assert_eq!(ours.not_for_upper_layers, theirs.z);
        prop_assert_eq!(number(ours.picture_id), theirs.picture_id);
        prop_assert_eq!(ours.tl0_picture_index.unwrap_or_default(), theirs.tl0picidx);
        if let Some(layers) = ours.layers {
            prop_assert_eq!((layers.temporal, layers.spatial), (theirs.tid, theirs.sid));
            prop_assert_eq!((layers.switching_point, layers.inter_layer), (theirs.u, theirs.d));
        }
        prop_assert_eq!(ours.spatial_layers, theirs.v.then_some(theirs.ns + 1));
    }

    #[test]
    fn h264_aggregates_hold_the_same_units(
        units in vec(vec(any::<u8>(), 1..5), 0..5), tail in vec(any::<u8>(), 0..2),
    ) {
        let mut payload = vec![24];
        for unit in &units {
            payload.extend(u16::try_from(unit.len()).unwrap().to_be_bytes());
            payload.extend(unit);
        }
        payload.extend(&tail);
        let ours = h264::Payload::parse(&payload);
        let mut theirs = H264Packet::default();
        theirs.is_avc = true;
        if payload.len() <= 2 || !tail.is_empty() {
            // It refuses the whole, or reads beyond its end.
            return Ok(());
        }
        let mut stream = &theirs.depacketize(&Bytes::from(payload)).unwrap()[..];
        let mut types = Vec::new();
        while let Some((len, rest)) = stream.split_first_chunk::<4>() {
            let (unit, rest) = rest.split_at(usize::try_from(u32::from_be_bytes(*len)).unwrap());
            types.push(unit[0] & 31);
            stream = rest;
        }
        prop_assert_eq!((ours.parameters, ours.idr), (types.contains(&7), types.contains(&5)));
    }
}

#[test]
fn av1_key_frames_are_found_in_what_webrtc_rs_sends() {
    let stream = include_bytes!("payloads/av1.obu");
    // A temporal delimiter (AV1 §5.6) begins every frame.
    let starts: Vec<usize> =
        (0..stream.len()).filter(|at| stream[*at..].starts_with(&[0x12, 0x00])).collect();
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    let frames: Vec<&[u8]> = starts.iter().zip(ends).map(|(start, end)| &stream[*start..end]).collect();
    assert_eq!(frames.len(), 8);
    for mtu in [60, 150, 1200] {
        for (at, frame) in frames.iter().enumerate() {
            let packets = Av1Payloader::default().payload(mtu, &Bytes::copy_from_slice(frame)).unwrap();
            let parsed: Vec<_> = packets.iter().map(|packet| av1::Payload::parse(packet).unwrap()).collect();
            let keys: Vec<bool> = parsed.iter().map(|payload| payload.starts_key_frame()).collect();
            assert_eq!(keys[0], at % 4 == 0, "frame {at}");
            assert!(keys[1..].iter().all(|key| !key), "frame {at}");
            assert!(parsed.windows(2).all(|pair| pair[0].is_continued == pair[1].continues), "frame {at}");
        }
    }
}
