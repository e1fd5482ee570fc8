//! Payload descriptors on what real encoders and packetizers send; see `payloads/README.md`.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as its tests may")]

use wire::codec::{h264, opus, vp8, vp9};
use wire::rtp::View;

/// The packets of a file: RFC 4571 §2.
fn packets(mut file: &[u8]) -> Vec<View<'_>> {
    let mut packets = Vec::new();
    while let Some((len, rest)) = file.split_first_chunk::<2>() {
        let (packet, rest) = rest.split_at(usize::from(u16::from_be_bytes(*len)));
        packets.push(View::parse(packet).unwrap());
        file = rest;
    }
    packets
}

/// The numbers of the frames in which a key frame begins.
fn key_frames(packets: &[View<'_>], starts: impl Fn(&[u8]) -> bool) -> Vec<usize> {
    let mut frames: Vec<(u32, bool)> = Vec::new();
    for packet in packets {
        let starts = starts(packet.payload());
        match frames.last_mut().filter(|frame| frame.0 == packet.timestamp()) {
            Some(frame) => frame.1 |= starts,
            None => frames.push((packet.timestamp(), starts)),
        }
    }
    assert_eq!(frames.len(), 12);
    frames.iter().enumerate().filter(|(_, frame)| frame.1).map(|(at, _)| at).collect()
}

#[test]
fn every_fifth_frame_is_a_key_frame_of_vp8() {
    let packets = packets(include_bytes!("payloads/vp8.rtp"));
    let parsed = || packets.iter().map(|packet| vp8::Descriptor::parse(packet.payload()).unwrap());
    assert_eq!(parsed().filter(|(descriptor, data)| descriptor.starts_key_frame(data)).count(), 3);
    assert_eq!(parsed().filter(|(descriptor, _)| descriptor.starts_frame()).count(), 12);
    let ids: Vec<u16> = parsed().map(|(descriptor, _)| descriptor.picture_id.unwrap().value()).collect();
    assert!(ids.windows(2).all(|pair| pair[1] - pair[0] <= 1) && ids[12] - ids[0] == 11);
    let starts = |payload: &[u8]| {
        let (descriptor, data) = vp8::Descriptor::parse(payload).unwrap();
        // RFC 6386 §9.1: a key frame's start code behind its three bytes of frame tag.
        assert_eq!(
            descriptor.starts_key_frame(data),
            descriptor.starts_frame() && data[3..6] == [0x9d, 1, 0x2a]
        );
        descriptor.starts_key_frame(data)
    };
    assert_eq!(key_frames(&packets, starts), [0, 5, 10]);
}

#[test]
fn every_fifth_frame_is_a_key_frame_of_vp9() {
    let packets = packets(include_bytes!("payloads/vp9.rtp"));
    let starts = |payload: &[u8]| {
        let (descriptor, data) = vp9::Descriptor::parse(payload).unwrap();
        // VP9 §6.2: frame marker 2, profile 0, no existing frame, key frame.
        assert!(!descriptor.start_of_frame || data[0] & 0xf0 == 0x80);
        assert_eq!(descriptor.starts_key_frame(), descriptor.start_of_frame && data[0] & 0x04 == 0);
        descriptor.starts_key_frame()
    };
    assert_eq!(key_frames(&packets, starts), [0, 5, 10]);
}

#[test]
fn every_fifth_frame_is_a_key_frame_of_h264() {
    let packets = packets(include_bytes!("payloads/h264.rtp"));
    let starts = |payload: &[u8]| h264::Payload::parse(payload).starts_key_frame();
    assert_eq!(key_frames(&packets, starts), [0, 5, 10]);
    let idr = |payload: &[u8]| h264::Payload::parse(payload).idr;
    assert_eq!(key_frames(&packets, idr), [0, 5, 10]);
}

#[test]
fn silence_is_a_pause_but_for_what_keeps_the_decoder_s_noise() {
    let packets = packets(include_bytes!("payloads/opus.rtp"));
    let pauses: Vec<bool> = packets.iter().map(|packet| opus::is_dtx(packet.payload())).collect();
    // libopus goes quiet after 200 ms and refreshes the comfort noise every 400 ms.
    let refresh = |at: usize| at < 10 || at == 30;
    assert_eq!(pauses, (0..41).map(|at| !refresh(at)).collect::<Vec<_>>());
}
