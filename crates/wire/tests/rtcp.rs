//! RTCP packets as bytes: known ones, broken ones, and compounds through the builder and back.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as its tests may")]

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use wire::rtcp::{
    App, Arrival, Builder, Bye, Compound, Framing, Malformed, Nack, NackItem, Packet, Pli, ReceiverReport,
    Sdes, SdesChunk, TransportCc, WriteError, Xr, XrBlock, XrBlockView,
};
use wire::{Ntp, Ssrc};

fn only(bytes: &[u8]) -> Packet<'_> {
    let mut packets = Compound::parse(bytes).unwrap().packets();
    let packet = packets.next().unwrap().unwrap();
    assert!(packets.next().is_none());
    packet
}

#[test]
fn a_sender_report_is_read_field_by_field() {
    // NTP, LSR and DLSR are those of RFC 3550 §6.4.1, figure 2.
    let bytes = [
        0x81, 200, 0, 12, 0x90, 0x2f, 0x9e, 0x2e, 0xb4, 0x4d, 0xb7, 0x05, 0x20, 0, 0, 0, 0xaa, 0xbb, 0xcc,
        0xdd, 0, 0, 0, 5, 0, 0, 1, 0, 0xbc, 0x5e, 0x9a, 0x40, 0x40, 0xff, 0xff, 0xfe, 0, 1, 0x46, 0xe1, 0, 0,
        1, 0x11, 0xb7, 0x05, 0x20, 0, 0, 0x05, 0x40, 0,
    ];
    let Packet::SenderReport(view) = only(&bytes) else { panic!("not a sender report") };
    assert_eq!(view.ssrc, Ssrc(0x902f_9e2e));
    assert_eq!(view.info.ntp, Ntp(0xb44d_b705_2000_0000));
    assert_eq!(
        (view.info.rtp_timestamp, view.info.packet_count, view.info.octet_count),
        (0xaabb_ccdd, 5, 256)
    );
    let report = view.reports.iter().next().unwrap();
    assert_eq!((report.ssrc, report.fraction_lost, report.cumulative_lost), (Ssrc(0xbc5e_9a40), 0x40, -2));
    assert_eq!((report.highest_sequence, report.jitter), (0x1_46e1, 273));
    assert_eq!(report.last_sender_report, view.info.ntp.middle());
    assert_eq!(report.delay_since_last_sender_report, 0x0005_4000);
}

#[test]
fn transport_feedback_of_chromium_is_read_with_its_padding() {
    // Captured from Chromium: one packet, 37 ms after the reference; one byte of padding, announced by P.
    let bytes = [
        0xaf, 0xcd, 0, 5, 0xfa, 0x17, 0xfa, 0x17, 0x43, 0x03, 0x2f, 0xa0, 0, 0x99, 0, 1, 0x3d, 0xe8, 0x02,
        0x17, 0x20, 0x01, 0x94, 0x01,
    ];
    let Packet::TransportCc(view) = only(&bytes) else { panic!("not transport feedback") };
    assert_eq!((view.sender, view.media), (Ssrc(4_195_875_351), Ssrc(1_124_282_272)));
    assert_eq!((view.base_sequence, view.status_count), (153, 1));
    assert_eq!((view.reference_64_millis, view.feedback_count), (4_057_090, 23));
    assert!(view.arrivals().eq([Arrival { sequence: 153, delta_ticks: 148 }]));
}

#[test]
fn chunks_of_every_kind_are_read() {
    // 20 lost in a run; then a two-bit vector (small, lost, large, lost...); then a one-bit vector cut by the count.
    let bytes = [
        0x8f,
        205,
        0,
        8,
        0,
        0,
        0,
        1,
        0,
        0,
        0,
        2,
        0xff,
        0xf0,
        0,
        30,
        0,
        0,
        1,
        0, // header, base 65520, count 30
        0x00,
        20,
        0b1101_0010,
        0b0000_0000,
        0b1011_1000,
        0, // chunks
        4,
        0xff,
        0xfc,
        5,
        6,
        7,
        0,
        0,
        0,
        0, // deltas 4, -4, 5, 6, 7
    ];
    let Packet::TransportCc(view) = only(&bytes) else { panic!("not transport feedback") };
    let arrivals: Vec<_> = view.arrivals().map(|arrival| (arrival.sequence, arrival.delta_ticks)).collect();
    assert_eq!(arrivals, [(4, 4), (6, -4), (11, 5), (12, 6), (13, 7)]);
}

#[test]
fn a_chunk_that_says_more_than_the_count_is_cut_to_it() {
    // Two packets are covered: by a run of five, and by a one-bit vector with all bits set.
    for chunk in [[0x20, 5], [0xbf, 0xff]] {
        let head = [0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 9, 0, 2, 0, 0, 0, 0];
        let bytes = [&head[..], &chunk, &[7, 8]].concat();
        let Packet::TransportCc(view) = only(&bytes) else { panic!("not transport feedback") };
        let arrivals: Vec<_> =
            view.arrivals().map(|arrival| (arrival.sequence, arrival.delta_ticks)).collect();
        assert_eq!(arrivals, [(9, 7), (10, 8)]);
    }
}

#[test]
fn feedback_that_contradicts_itself_is_malformed() {
    let head = [0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0];
    let decode = |tail: [u8; 10]| {
        Compound::parse(&[&head[..], &tail].concat()).unwrap().packets().next().unwrap().err()
    };
    assert_eq!(decode([0, 1, 0, 0, 0, 0, 0x20, 1, 9, 0]), None);
    assert_eq!(decode([0, 0, 0, 0, 0, 0, 0x20, 1, 9, 0]), Some(Malformed::Content), "nothing covered");
    assert_eq!(decode([0, 1, 0, 0, 0, 0, 0x60, 1, 9, 0]), Some(Malformed::Content), "reserved symbol");
    assert_eq!(decode([0, 3, 0, 0, 0, 0, 0x20, 3, 9, 0]), Some(Malformed::Truncated), "a delta too few");
    assert_eq!(decode([0, 9, 0, 0, 0, 0, 0x20, 1, 0x20, 1]), Some(Malformed::Truncated), "a chunk too few");
}

#[test]
fn losses_are_announced_in_few_chunks() {
    let mut out = [0; 64];
    let mut builder = Builder::new(&mut out);
    let mut delta_ticks = vec![None; 5000];
    delta_ticks[0] = Some(1);
    delta_ticks[4999] = Some(-1);
    let packet = TransportCc {
        sender: Ssrc(1),
        media: Ssrc(2),
        base_sequence: 0,
        reference_64_millis: 0,
        feedback_count: 0,
        delta_ticks: &delta_ticks,
    };
    builder.push(&packet).unwrap();
    // Header and fixed fields 20, three chunks 6, deltas 1 + 2, padding 3.
    assert_eq!(builder.len(), 32);
    let Packet::TransportCc(view) = only(builder.written()) else { panic!("not transport feedback") };
    assert!(view.arrivals().map(|arrival| arrival.sequence).eq([0, 4999]));
}

#[test]
fn what_a_packet_cannot_say_is_not_written() {
    let mut out = [0; 2048];
    let mut builder = Builder::new(&mut out);
    let (sender, media) = (Ssrc(1), Ssrc(2));
    assert_eq!(builder.push(&Nack { sender, media, items: &[] }), Err(WriteError::Empty));
    assert_eq!(builder.push(&Bye { sources: &[sender; 32], reason: b"" }), Err(WriteError::TooMany));
    assert_eq!(builder.push(&Bye { sources: &[sender], reason: &[b'x'; 256] }), Err(WriteError::TooMany));
    assert_eq!(
        builder.push(&App { subtype: 32, ssrc: sender, name: *b"abcd", data: &[] }),
        Err(WriteError::TooMany)
    );
    assert!(builder.is_empty());
    builder.push(&Bye { sources: &[sender; 31], reason: &[b'x'; 255] }).unwrap();
    let Packet::Bye(view) = only(builder.written()) else { panic!("not a goodbye") };
    assert_eq!((view.sources.len(), view.reason.len()), (31, 255));
}

#[test]
fn a_compound_of_everything_is_walked_in_order() {
    let mut out = [0; 512];
    let mut builder = Builder::new(&mut out);
    builder.push(&ReceiverReport { ssrc: Ssrc(1), reports: &[] }).unwrap();
    builder.push(&Sdes { chunks: &[SdesChunk { ssrc: Ssrc(1), items: &[] }] }).unwrap();
    builder.push(&Xr { ssrc: Ssrc(1), blocks: &[XrBlock::ReceiverReferenceTime(Ntp(7))] }).unwrap();
    builder.push(&App { subtype: 3, ssrc: Ssrc(1), name: *b"test", data: b"data" }).unwrap();
    builder.push(&Pli { sender: Ssrc(1), media: Ssrc(2) }).unwrap();
    builder
        .push(&Nack { sender: Ssrc(1), media: Ssrc(2), items: &[NackItem { first: 9, following: 1 }] })
        .unwrap();
    let compound = Compound::parse(builder.written()).unwrap();
    assert_eq!(compound.framing(), Framing::Compound);
    let packets: Vec<_> = compound.packets().map(Result::unwrap).collect();
    assert!(matches!(packets[0], Packet::ReceiverReport(view) if view.reports.is_empty()));
    assert!(matches!(packets[1], Packet::Sdes(view) if view.chunks().count() == 1));
    let Packet::Xr(xr) = packets[2] else { panic!("not an extended report") };
    assert!(matches!(xr.blocks().next(), Some(XrBlockView::ReceiverReferenceTime(Ntp(7)))));
    assert!(matches!(packets[3], Packet::App(app) if app.data == b"data" && app.subtype == 3));
    assert!(matches!(packets[4], Packet::Pli(Pli { media: Ssrc(2), .. })));
    assert!(matches!(packets[5], Packet::Nack(view) if view.sequences().eq([9, 10])));
    assert_eq!(packets.len(), 6);
}

#[test]
fn unknown_blocks_are_passed_over() {
    // An XR block of type 6 between two known ones, and an unknown packet type behind.
    let bytes = [
        0x80, 207, 0, 7, 0, 0, 0, 1, 6, 9, 0, 1, 1, 2, 3, 4, 5, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4,
        0x80, 210, 0, 0,
    ];
    let packets: Vec<_> = Compound::parse(&bytes).unwrap().packets().map(Result::unwrap).collect();
    let Packet::Xr(xr) = packets[0] else { panic!("not an extended report") };
    let blocks: Vec<_> = xr.blocks().collect();
    assert!(matches!(blocks[0], XrBlockView::Other { block_type: 6, specific: 9, body: [1, 2, 3, 4] }));
    assert!(
        matches!(blocks[1], XrBlockView::Dlrr(reports) if reports.iter().all(|report| report.ssrc == Ssrc(2)))
    );
    assert!(matches!(packets[1], Packet::Other(block) if block.packet_type == 210));
    // Application layer feedback that is not REMB.
    let other = [0x8f, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, b'G', b'O', b'O', b'G'];
    assert!(matches!(only(&other), Packet::Other(_)));
}

/// Reads everything that can be read; returns how much that was, so that nothing is optimised away.
fn read_all(bytes: &[u8]) -> usize {
    let Ok(compound) = Compound::parse(bytes) else { return 0 };
    let mut read = 0;
    for packet in compound.packets() {
        read += match packet {
            Err(_) => 0,
            Ok(Packet::SenderReport(view)) => view.reports.iter().count(),
            Ok(Packet::ReceiverReport(view)) => view.reports.iter().count(),
            Ok(Packet::Sdes(view)) => view.chunks().flat_map(|chunk| chunk.items()).count(),
            Ok(Packet::Bye(view)) => view.sources.len() + view.reason.len(),
            Ok(Packet::Xr(view)) => view.blocks().count(),
            Ok(Packet::Nack(view)) => view.sequences().count(),
            Ok(Packet::TransportCc(view)) => view.arrivals().count(),
            Ok(Packet::Fir(view)) => view.items.iter().count(),
            Ok(Packet::Remb(view)) => view.streams.iter().count(),
            Ok(Packet::App(_) | Packet::Pli(_) | Packet::Other(_)) => 1,
        };
    }
    read
}

proptest! {
    #[test]
    fn any_block_is_read_or_refused(
        blocks in vec((128u8..160, 199u8..210, vec(any::<u8>(), 0..40)), 1..4), pad in any::<bool>(),
    ) {
        let mut bytes = Vec::new();
        for (first, packet_type, body) in blocks {
            let words = body.len() / 4;
            bytes.extend([first | if pad { 0x20 } else { 0 }, packet_type, 0, u8::try_from(words).unwrap()]);
            bytes.extend(&body[..words * 4]);
        }
        prop_assert!(read_all(&bytes) <= bytes.len() * 17);
    }

    #[test]
    fn feedback_comes_back_as_it_was_said(
        base_sequence in any::<u16>(), reference in 0u32..1 << 24, feedback_count in any::<u8>(),
        runs in vec((option::weighted(0.6, prop::sample::select(vec![0, 3, 255, 256, -1, i16::MIN, i16::MAX])),
            prop::sample::select(vec![1usize, 1, 2, 6, 7, 8, 13, 14, 15, 40, 9000])), 1..12),
    ) {
        let delta_ticks: Vec<_> = runs.iter().flat_map(|&(delta, count)| vec![delta; count]).collect();
        prop_assume!(delta_ticks.len() <= 65_535);
        let packet = TransportCc {
            sender: Ssrc(1), media: Ssrc(2), base_sequence, reference_64_millis: reference, feedback_count,
            delta_ticks: &delta_ticks,
        };
        let mut out = vec![0; 200_000];
        let mut builder = Builder::new(&mut out);
        builder.push(&packet).unwrap();
        let Packet::TransportCc(view) = only(builder.written()) else { panic!("not transport feedback") };
        prop_assert_eq!(usize::from(view.status_count), delta_ticks.len());
        prop_assert_eq!((view.base_sequence, view.reference_64_millis), (base_sequence, reference));
        prop_assert_eq!(view.feedback_count, feedback_count);
        let arrived = (0u16..).zip(&delta_ticks).filter_map(|(index, delta)| {
            delta.map(|delta_ticks| Arrival { sequence: base_sequence.wrapping_add(index), delta_ticks })
        });
        prop_assert!(view.arrivals().eq(arrived));
    }

    #[test]
    fn packed_losses_are_the_losses(losses in prop::collection::btree_set(0u16..400, 0..60), base in any::<u16>()) {
        let losses: Vec<_> = losses.into_iter().map(|loss| loss.wrapping_add(base)).collect();
        let mut items = [NackItem::default(); 64];
        let packed = NackItem::pack(&losses, &mut items);
        prop_assert_eq!(packed.sequences, losses.len());
        let unpacked = items[..packed.items].iter().flat_map(|item| item.sequences());
        prop_assert!(unpacked.eq(losses.iter().copied()));
    }
}
