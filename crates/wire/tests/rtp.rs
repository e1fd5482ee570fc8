//! RTP packets through rewriting and back: against a model, and against rtp-rs as a second reader and writer.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as its tests may")]
#![expect(clippy::disallowed_types, reason = "prop_oneof shares its strategies through Arc")]

use proptest::collection::vec;
use proptest::prelude::*;
use wire::rtp::values::{AbsSendTime, TransportSequence};
use wire::rtp::{
    Element, ExtensionForm, ExtensionId, ExtensionMap, HEADER_LIMIT, HeaderPlan, Layout, Mid, PlanError,
    Stamp, View, padding, rtx,
};
use wire::{Mono, NoRoom, PayloadType, Ssrc};

fn id(value: u8) -> ExtensionId {
    ExtensionId::new(value).unwrap()
}

fn stamp() -> Stamp {
    Stamp {
        payload_type: PayloadType::new(101).unwrap(),
        marker: true,
        sequence: 0xfffe,
        timestamp: 0x0102_0304,
        ssrc: Ssrc(0xdead_beef),
        padding: false,
        mid: Mid::new(b"a7"),
    }
}

/// A packet with the given elements, written by hand; two-byte form where one of them needs it.
fn packet(csrcs: &[u32], elements: &[(u8, Vec<u8>)], payload: &[u8]) -> Vec<u8> {
    let one_byte = elements.iter().all(|(id, data)| *id < 15 && (1..=16).contains(&data.len()));
    let extension = if elements.is_empty() { 0 } else { 0x10 };
    let mut bytes = vec![0x80 | extension | u8::try_from(csrcs.len()).unwrap(), 96, 0, 1];
    bytes.extend([0, 0, 0, 2, 0, 0, 0, 3]);
    csrcs.iter().for_each(|csrc| bytes.extend(csrc.to_be_bytes()));
    if !elements.is_empty() {
        let mut body = Vec::new();
        for (id, data) in elements {
            let len = u8::try_from(data.len()).unwrap();
            if one_byte {
                body.push(id << 4 | (len - 1));
            } else {
                body.extend([*id, len]);
            }
            body.extend(data);
        }
        body.resize(body.len().next_multiple_of(4), 0);
        bytes.extend(if one_byte { [0xbe, 0xde] } else { [0x10, 0x00] });
        bytes.extend(u16::try_from(body.len() / 4).unwrap().to_be_bytes());
        bytes.extend(body);
    }
    bytes.extend(payload);
    bytes
}

fn elements_of(view: &View<'_>) -> Vec<(u8, Vec<u8>)> {
    view.elements().map(|element| (element.id.value(), element.data.to_vec())).collect()
}

#[test]
fn a_stamped_header_says_what_it_was_told() {
    let source = packet(&[4, 5], &[(3, vec![0x85]), (9, vec![1, 2])], b"payload");
    let source = View::parse(&source).unwrap();
    let map = ExtensionMap::new()
        .copy(id(3), id(1))
        .reserve_mid(id(2))
        .reserve_abs_send_time(id(4))
        .reserve_transport_sequence(id(5));
    let mut plan = HeaderPlan::new();
    plan.prepare(&source, &map, &[]).unwrap();

    let mut out = [0xee; 128];
    let len = plan.stamp(&stamp(), &mut out).unwrap();
    assert_eq!(len, plan.header_len());
    let sent = AbsSendTime::from_mono(Mono::from_nanos(1_500_000_000));
    plan.placeholders().write_abs_send_time(&mut out, sent);
    plan.placeholders().write_transport_sequence(&mut out, TransportSequence(0x1234));
    out[len..len + 7].copy_from_slice(source.payload());

    let view = View::parse(&out[..len + 7]).unwrap();
    assert_eq!((view.payload_type().value(), view.marker()), (101, true));
    assert_eq!((view.sequence(), view.timestamp(), view.ssrc()), (0xfffe, 0x0102_0304, Ssrc(0xdead_beef)));
    assert!(view.csrcs().eq([Ssrc(4), Ssrc(5)]));
    assert_eq!(view.payload(), b"payload");
    let expected =
        [(2, b"a7".to_vec()), (4, sent.to_bytes().to_vec()), (5, vec![0x12, 0x34]), (1, vec![0x85])];
    assert_eq!(elements_of(&view), expected);
    assert_eq!(out[len + 7], 0xee, "nothing is written behind the header");
}

#[test]
fn every_mid_gives_a_header_of_one_length() {
    let map = ExtensionMap::new().reserve_mid(id(1)).reserve_transport_sequence(id(2));
    let two_byte = map.clone().copy(id(7), id(20)).allow_two_byte();
    let source = packet(&[], &[(7, vec![9; 20])], &[]);
    let source = View::parse(&source).unwrap();
    let mut plan = HeaderPlan::new();
    for map in [map, two_byte] {
        plan.prepare(&source, &map, &[]).unwrap();
        for text in ["", "1", "22", "333", "4444", "55555", "666666", "7777777", "88888888"] {
            let mid = Mid::new(text.as_bytes());
            let mut out = [0; HEADER_LIMIT];
            let len = plan.stamp(&Stamp { mid, ..stamp() }, &mut out).unwrap();
            let view = View::parse(&out[..len]).unwrap();
            assert_eq!(view.element(id(1)), mid.as_ref().map(Mid::as_bytes));
            assert_eq!(view.element(id(2)), Some(&[0, 0][..]));
            assert_eq!(len, plan.header_len());
        }
    }
}

#[test]
fn a_value_takes_the_place_of_a_copied_element() {
    let source = packet(&[], &[(3, vec![1, 1]), (3, vec![2]), (4, vec![3])], &[]);
    let map = ExtensionMap::new().copy(id(3), id(5)).copy(id(4), id(6));
    let mut plan = HeaderPlan::new();
    plan.prepare(&View::parse(&source).unwrap(), &map, &[Element { id: id(6), data: &[7, 7, 7] }]).unwrap();
    let mut out = [0; 64];
    let len = plan.stamp(&stamp(), &mut out).unwrap();
    // Of two elements with one id the first stays.
    assert_eq!(elements_of(&View::parse(&out[..len]).unwrap()), [(6, vec![7, 7, 7]), (5, vec![1, 1])]);
}

#[test]
fn what_needs_the_two_byte_form_is_left_out_where_that_is_not_allowed() {
    let source = packet(&[], &[(1, vec![5; 17]), (2, vec![6]), (3, vec![])], &[]);
    let source = View::parse(&source).unwrap();
    assert_eq!(source.layout().extension_form(), ExtensionForm::TwoByte);
    let map = ExtensionMap::new().copy(id(1), id(1)).copy(id(2), id(2)).copy(id(3), id(3));
    let mut plan = HeaderPlan::new();
    plan.prepare(&source, &map, &[]).unwrap();
    assert_eq!(plan.left_out(), 2);
    let mut out = [0; 64];
    let len = plan.stamp(&stamp(), &mut out).unwrap();
    let view = View::parse(&out[..len]).unwrap();
    assert_eq!(view.layout().extension_form(), ExtensionForm::OneByte);
    assert_eq!(elements_of(&view), [(2, vec![6])]);

    plan.prepare(&source, &map.allow_two_byte(), &[]).unwrap();
    assert_eq!(plan.left_out(), 0);
    let len = plan.stamp(&stamp(), &mut out).unwrap();
    assert_eq!(elements_of(&View::parse(&out[..len]).unwrap()), elements_of(&source));
}

#[test]
fn a_plan_that_would_be_too_long_is_an_error_and_leaves_a_bare_header() {
    let source = packet(&[], &[(1, vec![1; 200]), (2, vec![2; 200])], &[]);
    let map = ExtensionMap::new().copy(id(1), id(1)).copy(id(2), id(2)).allow_two_byte();
    let mut plan = HeaderPlan::new();
    assert_eq!(plan.prepare(&View::parse(&source).unwrap(), &map, &[]), Err(PlanError::TooLong));
    assert_eq!(plan.header_len(), 12);
    let mut out = [0; 12];
    assert_eq!(plan.stamp(&stamp(), &mut out[..11]), Err(NoRoom));
    assert_eq!(plan.stamp(&stamp(), &mut out), Ok(12));
    assert_eq!(View::parse(&out).unwrap().ssrc(), Ssrc(0xdead_beef));
}

#[test]
fn padding_belongs_to_the_stamp_and_its_bytes_to_the_caller() {
    let mut plan = HeaderPlan::new();
    plan.prepare_fresh(&ExtensionMap::new(), &[]).unwrap();
    let mut out = [0; 40];
    let len = plan.stamp(&Stamp { padding: true, ..stamp() }, &mut out).unwrap();
    out[len..len + 3].copy_from_slice(b"xyz");
    out[len + 3..len + 8].copy_from_slice(padding::tail(5).unwrap());
    let view = View::parse(&out[..len + 8]).unwrap();
    assert_eq!((view.payload(), view.layout().padding_len()), (&b"xyz"[..], 5));
}

fn any_elements() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    prop_oneof![
        vec((1u8..15, vec(any::<u8>(), 1..=16)), 0..6),
        vec((1u8..=255, vec(any::<u8>(), 0..60)), 0..4),
    ]
}

fn any_stamp() -> impl Strategy<Value = Stamp> {
    (0u8..128, any::<bool>(), any::<u16>(), any::<u32>(), any::<u32>(), vec(any::<u8>(), 0..=8)).prop_map(
        |(payload_type, marker, sequence, timestamp, ssrc, mid)| Stamp {
            payload_type: PayloadType::new(payload_type).unwrap(),
            marker,
            sequence,
            timestamp,
            ssrc: Ssrc(ssrc),
            padding: false,
            mid: Mid::new(&mid),
        },
    )
}

proptest! {
    #[test]
    fn any_bytes_parse_or_are_refused(bytes in vec(any::<u8>(), 0..80), first in 0x80u8..0xc0) {
        let mut bytes = bytes;
        if let Some(byte) = bytes.first_mut() {
            *byte = first;
        }
        if let Ok(view) = View::parse(&bytes) {
            let layout = view.layout();
            prop_assert_eq!(layout.header_len() + layout.payload_len() + layout.padding_len(), bytes.len());
            prop_assert!(view.elements().map(|element| element.data.len() + 1).sum::<usize>() <= bytes.len());
        }
    }

    #[test]
    fn rtp_rs_reads_a_packet_as_we_do(
        csrcs in vec(any::<u32>(), 0..=15), elements in any_elements(), payload in vec(any::<u8>(), 0..40),
        pad in 0usize..9,
    ) {
        let mut bytes = packet(&csrcs, &elements, &payload);
        if let Some(tail) = padding::tail(pad) {
            bytes[0] |= 0x20;
            bytes.extend(tail);
        }
        let ours = View::parse(&bytes).unwrap();
        let theirs = rtp_rs::RtpReader::new(&bytes).unwrap();
        prop_assert_eq!(ours.payload(), theirs.payload());
        prop_assert_eq!(ours.sequence(), u16::from(theirs.sequence_number()));
        prop_assert_eq!((ours.timestamp(), ours.ssrc().0), (theirs.timestamp(), theirs.ssrc()));
        prop_assert_eq!((ours.marker(), ours.payload_type().value()), (theirs.mark(), theirs.payload_type()));
        prop_assert!(ours.csrcs().map(|csrc| csrc.0).eq(csrcs.iter().copied()));
        prop_assert!(theirs.csrc().eq(csrcs.iter().copied()));
        prop_assert_eq!(ours.extension_bytes(), theirs.extension().map_or(&[][..], |(_, bytes)| bytes));
        prop_assert_eq!(elements_of(&ours), elements);
    }

    #[test]
    fn we_read_what_rtp_rs_writes(
        csrcs in vec(any::<u32>(), 0..=15), payload in vec(any::<u8>(), 0..40), stamp in any_stamp(),
        extension in proptest::option::of(vec(any::<[u8; 4]>(), 0..5)),
    ) {
        let mut builder = rtp_rs::RtpPacketBuilder::new()
            .payload_type(stamp.payload_type.value())
            .marked(stamp.marker)
            .sequence(rtp_rs::Seq::from(stamp.sequence))
            .timestamp(stamp.timestamp)
            .ssrc(stamp.ssrc.0)
            .payload(&payload);
        for &csrc in &csrcs {
            builder = builder.add_csrc(csrc);
        }
        let extension = extension.map(|words| words.concat());
        if let Some(extension) = &extension {
            builder = builder.extension(0x1000, extension);
        }
        let bytes = builder.build().unwrap();
        let view = View::parse(&bytes).unwrap();
        prop_assert_eq!((view.payload_type(), view.marker()), (stamp.payload_type, stamp.marker));
        prop_assert_eq!((view.sequence(), view.timestamp(), view.ssrc()),
            (stamp.sequence, stamp.timestamp, stamp.ssrc));
        prop_assert!(view.csrcs().map(|csrc| csrc.0).eq(csrcs));
        prop_assert_eq!(view.extension_bytes(), extension.unwrap_or_default());
        prop_assert_eq!(view.payload(), payload);
    }

    #[test]
    fn a_rewritten_packet_parses_to_what_was_planned(
        csrcs in vec(any::<u32>(), 0..=15), elements in any_elements(), stamp in any_stamp(),
        map in vec((1u8..=255, 1u8..=255), 0..8), two_byte in any::<bool>(),
    ) {
        let source = packet(&csrcs, &elements, b"media");
        let source = View::parse(&source).unwrap();
        let mut targets = std::collections::BTreeMap::new();
        // Low ids too, or hardly a pair would meet an element.
        let pairs = map.iter().flat_map(|&(from, to)| [(from, to), (from % 15, to % 15)]);
        let mut extensions = ExtensionMap::new().reserve_mid(id(1)).reserve_transport_sequence(id(2));
        for (from, to) in pairs.filter(|&(from, to)| from != 0 && to != 0) {
            extensions = extensions.copy(id(from), id(to));
            targets.insert(from, to);
        }
        if two_byte {
            extensions = extensions.allow_two_byte();
        }
        let mut plan = HeaderPlan::new();
        plan.prepare(&source, &extensions, &[]).unwrap();
        let mut out = [0; HEADER_LIMIT];
        let len = plan.stamp(&stamp, &mut out).unwrap();
        let view = View::parse(&out[..len]).unwrap();

        let mut expected = Vec::new();
        expected.extend(stamp.mid.map(|mid| (1, mid.as_bytes().to_vec())));
        expected.push((2, vec![0, 0]));
        let mut taken = vec![1, 2];
        for (from, data) in &elements {
            let Some(&to) = targets.get(from).filter(|to| !taken.contains(*to)) else { continue };
            taken.push(to);
            if two_byte || (to < 15 && (1..=16).contains(&data.len())) {
                expected.push((to, data.clone()));
            }
        }
        prop_assert_eq!(elements_of(&view), expected);
        prop_assert!(view.csrcs().eq(source.csrcs()));
        prop_assert_eq!((view.payload_type(), view.marker(), view.sequence(), view.timestamp(), view.ssrc()),
            (stamp.payload_type, stamp.marker, stamp.sequence, stamp.timestamp, stamp.ssrc));
        prop_assert_eq!(len % 4, 0);
        let theirs = rtp_rs::RtpReader::new(&out[..len]).unwrap();
        prop_assert_eq!(theirs.payload().len(), 0);
        prop_assert_eq!(theirs.ssrc(), stamp.ssrc.0);
    }

    #[test]
    fn rtx_there_and_back_is_the_packet(
        csrcs in vec(any::<u32>(), 0..=15), elements in any_elements(), payload in vec(any::<u8>(), 0..40),
        sequence in any::<u16>(),
    ) {
        let source = packet(&csrcs, &elements, &payload);
        let view = View::parse(&source).unwrap();
        let rewrite = rtx::Rewrite { payload_type: PayloadType::new(97).unwrap(), sequence, ssrc: Ssrc(77) };
        let mut out = [0; 1024];
        let len = rtx::encapsulate(&view, &rewrite, &mut out).unwrap();
        let carried = View::parse(&out[..len]).unwrap();
        prop_assert_eq!((carried.sequence(), carried.ssrc()), (sequence, Ssrc(77)));
        let original = rtx::open(&carried).unwrap();
        let back = rtx::Rewrite {
            payload_type: view.payload_type(), sequence: original.sequence, ssrc: view.ssrc(),
        };
        let mut restored = [0; 1024];
        let len = rtx::decapsulate(&carried, &original, &back, &mut restored).unwrap();
        prop_assert_eq!(&restored[..len], &source[..]);
        prop_assert_eq!(Layout::parse(&restored[..len]), Ok(view.layout()));
    }
}
