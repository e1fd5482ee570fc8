//! What a transport tells whose streams it receives, and what users are told of them: requests for what is missing,
//! reports, feedback and limits, scores and stats, in virtual time.

mod support;

use model::command::BitrateLimit;
use model::key::{ProducerKey, ShardIndex};
use model::rtp::{MediaKind, MimeType};
use sfu::transport::DropReason;
use sfu::{Feed, Verdict};
use support::parameters::{bound, connect, encoding, plain, producing, with_rid};
use support::sender::{
    ABS, NTP_OF_SENDER, PAYLOAD_OF_REPAIR, RTX, Room, Sent, Told, WIDE, bytes, estimated, extended, nacks,
    nacks_to, question, repaired, reports, rtx, rtx_of, scores, sender_report,
};
use support::{Host, peer, producer, rtp, transport};
use wire::rtcp::{Compound, DlrrReport, Packet, Xr, XrBlock};
use wire::{Mono, Ntp, Ssrc};

#[test]
fn what_is_missing_is_asked_for_and_its_repair_passed_on_in_its_own_slot() {
    let mut room = Room::new(repaired(&producing(transport(0), &[encoding(5)])));
    let copies = [1, 2, 5].map(|sequence| room.media(5, sequence).len());
    assert_eq!(copies, [1; 3]);
    assert_eq!(room.pass(9).len(), 0);
    assert_eq!(nacks(&room.pass(1)), [(5, vec![3, 4])]);
    let (verdict, copies) = room.repair(1, 4);
    assert_eq!((verdict, copies), (Verdict::Taken, vec![(4, PAYLOAD_OF_REPAIR.to_vec())]));
    // A repetition, a probe, what nobody misses, and the number of a loop.
    let vain = Verdict::Dropped(DropReason::Repair);
    assert_eq!(room.repair(2, 4), (vain, vec![]));
    assert_eq!(room.host.receive(transport(0), peer(1), &rtx(3, None)), vain);
    assert_eq!(room.repair(4, 2), (vain, vec![]));
    assert_eq!(room.repair(5, 40_000), (vain, vec![]));
    // The original of what was repaired is one too many; that of the other is only late, for who has RTX
    // repeats there.
    assert_eq!(room.media(5, 4), vec![]);
    assert_eq!(room.media(5, 3).len(), 1);
    assert_eq!(room.pass(2_000).iter().filter(|packet| packet.is_nack()).count(), 0);
    let counters = room.stats();
    assert_eq!((counters.packets_retransmitted, counters.packets_repaired), (4, 1));
    assert_eq!((counters.nack_count, counters.nack_packet_count), (1, 2));
    assert_eq!((counters.packet_count, counters.packets_discarded), (6, 1));
    let transport = room.host.sfu.transport_counters(transport(0), room.host.now).unwrap();
    assert!(transport.rtx_bytes_received > 0 && transport.rtp_bytes_received > transport.rtx_bytes_received);
    assert_eq!(room.host.memory.held(), 0);
}

#[test]
fn a_paused_producer_is_counted_and_asked_for_nothing() {
    let mut room = Room::new(repaired(&producing(transport(0), &[encoding(5)])));
    room.media(5, 1);
    room.media(5, 4);
    room.host.sfu.pause_producer(producer(0), &mut room.host.out).unwrap();
    room.media(5, 8);
    assert_eq!(nacks(&room.pass(400)), []);
    assert_eq!(room.repair(1, 6), (Verdict::Dropped(DropReason::Repair), vec![]));
    assert_eq!(room.stats().packet_count, 3);
    room.host.sfu.resume_producer(producer(0), &mut room.host.out).unwrap();
    room.media(5, 10);
    assert_eq!(nacks(&room.pass(10)), [(5, vec![9])]);
}

#[test]
fn reports_begin_after_half_a_second_and_measure_the_round_trip() {
    let mut room = Room::new(repaired(&producing(transport(0), &[encoding(5)])));
    for sequence in (65_500..=65_535).chain(4..64) {
        room.media(5, sequence);
    }
    room.hear(&sender_report(5, NTP_OF_SENDER, 0));
    assert_eq!(reports(&room.pass(499)), []);
    let compounds = room.pass(1);
    let [block] = reports(&compounds)[..] else { panic!("{compounds:?}") };
    assert_eq!((block.ssrc, block.fraction_lost, block.cumulative_lost), (Ssrc(5), 10, 4));
    assert_eq!(block.highest_sequence, 65_536 + 63);
    assert_eq!(block.last_sender_report, NTP_OF_SENDER.middle());
    assert!(block.delay_since_last_sender_report.abs_diff(1 << 15) < 10);
    let counters = room.stats();
    assert_eq!((counters.packets_lost, counters.fraction_lost), (4, 10));
    // The peer answers after 100 ms, having held the question back for 20.
    let (asked_by, reference) = question(&compounds).unwrap();
    room.pass(100);
    let answer = DlrrReport {
        ssrc: asked_by,
        last_receiver_report: reference.middle(),
        delay_since_last_receiver_report: 65_536 / 50,
    };
    room.hear(&Xr { ssrc: Ssrc(5), blocks: &[XrBlock::Dlrr(&[answer])] });
    assert!((room.stats().round_trip_time - 80.0).abs() < 1.0);
    // Again after a second and up to a half more, retransmissions too once there are any.
    room.host.receive(transport(0), peer(1), &rtx(3, None));
    let again: Vec<_> = (0..16).map(|_| reports(&room.pass(100)).len()).collect();
    assert_eq!(again.iter().sum::<usize>(), 2, "{again:?}");
    assert!(again.iter().position(|count| *count == 2).unwrap() >= 8);
}

#[test]
fn who_has_no_peer_or_no_streams_is_told_nothing() {
    let mut host = Host::default();
    host.sfu.open_transport(transport(0), &plain(), &bound()).unwrap();
    host.sfu.produce(producer(0), &producing(transport(0), &[encoding(5)])).unwrap();
    assert_eq!(host.receive(transport(0), peer(1), &rtp(5, 1)), Verdict::Dropped(DropReason::NotConnected));
    assert!(host.out.is_empty(), "{:?}", host.out);
    let mut room = Room::new(producing(transport(0), &[encoding(5)]));
    room.media(5, 1);
    room.host.sfu.close_producer(producer(0)).unwrap();
    assert_eq!(room.pass(3_000).len(), 0);
}

#[test]
fn scores_follow_sender_reports_and_reach_everybody() {
    let mut room = Room::new(repaired(&producing(transport(0), &[encoding(5)])));
    let feed = Feed { shard: ShardIndex(3), replica: ProducerKey::new(9, 0) };
    room.host.sfu.open_feed(producer(0), feed, &mut room.host.out).unwrap();
    for sequence in (1..101).filter(|sequence| sequence % 10 != 0).chain([101]) {
        room.media(5, sequence);
    }
    room.host.out.clear();
    room.hear(&sender_report(5, NTP_OF_SENDER, 0));
    // 91 of 101 came: (81 / 91)^4.
    assert_eq!(scores(&room.host), [Told::Producer(6), Told::Shard(6), Told::Consumer(10, 6)]);
    assert_eq!(room.stats().score, 6);
    assert_eq!(room.host.sfu.producer_streams(producer(0)).unwrap()[0].score, 6);
    room.host.out.clear();
    // The same score again is no news; two reports in one compound are told once.
    room.pass(500);
    (102..150).for_each(|sequence| drop(room.media(5, sequence)));
    let twice = [sender_report(5, NTP_OF_SENDER, 0), sender_report(5, NTP_OF_SENDER, 0)];
    room.hear_all(&[&twice[0], &twice[1]]);
    assert_eq!(scores(&room.host).len(), 3);
    // Of nobody's stream.
    room.host.out.clear();
    room.hear(&sender_report(77, NTP_OF_SENDER, 0));
    assert_eq!(scores(&room.host), []);
}

#[test]
fn of_several_encodings_one_that_falls_silent_scores_nothing_until_it_is_back() {
    let mut room = Room::of(producing(transport(0), &[encoding(5), encoding(6)]));
    room.media(5, 1);
    room.media(6, 1);
    room.pass(1_000);
    room.media(6, 2);
    room.host.out.clear();
    room.pass(499);
    assert_eq!(scores(&room.host), []);
    room.pass(1);
    assert!(scores(&room.host).contains(&Told::Producer(0)));
    room.host.out.clear();
    room.media(5, 2);
    assert!(scores(&room.host).contains(&Told::Producer(10)));
    // And who is alone, or paused, is never silent.
    room.host.sfu.pause_producer(producer(0), &mut room.host.out).unwrap();
    room.host.out.clear();
    room.pass(9_000);
    assert_eq!(scores(&room.host), []);
    let mut alone = Room::new(producing(transport(0), &[with_rid("a")]));
    alone.media(5, 1);
    alone.host.out.clear();
    alone.pass(9_000);
    assert_eq!(scores(&alone.host), []);
}

#[test]
fn feedback_says_when_packets_arrived() {
    let mut room = Room::new(estimated(&producing(transport(0), &[encoding(5)]), "transport-cc", WIDE));
    let bandwidth = |room: &Room| {
        let counters = room.host.sfu.transport_counters(transport(0), room.host.now).unwrap();
        (counters.available_incoming_bitrate, counters.rtp_packet_loss_received)
    };
    assert_eq!(bandwidth(&room), (Some(0), Some(0.0)));
    let mut sent = Vec::new();
    for (sequence, wide) in [(1, 65_534_u16), (2, 65_535), (3, 1), (4, 2)] {
        room.host.receive(transport(0), peer(1), &extended(5, sequence, 6, &wide.to_be_bytes()));
        sent.push((wide, room.host.now));
        assert_eq!(room.pass(7).len(), 0);
    }
    room.pass(71);
    let compounds = room.pass(1);
    let [feedback] = &compounds[..] else { panic!("{compounds:?}") };
    let compound = Compound::parse(&feedback.0).unwrap();
    let Some(Ok(Packet::TransportCc(view))) = compound.packets().next() else { panic!("{feedback:?}") };
    assert_eq!((view.base_sequence, view.status_count, view.media), (65_534, 5, Ssrc(5)));
    let mut micros = u128::from(view.reference_64_millis) * 64_000;
    for (arrival, (wide, at)) in view.arrivals().zip(sent) {
        micros = micros.checked_add_signed(i128::from(arrival.delta_ticks) * 250).unwrap();
        assert_eq!(arrival.sequence, wide);
        assert!(at.since(Mono::ZERO).as_micros().abs_diff(micros) < 1_000);
    }
    let (_, loss) = bandwidth(&room);
    assert!((loss.unwrap() - 0.2).abs() < 1e-6);
    let reports: Vec<_> = room.pass(400).iter().map(|compound| compound.0[1]).collect();
    assert_eq!(reports, [200, 201], "no packets, no feedback; what is sent and what is received is reported");
    // Many at once do not wait.
    for wide in 3..500_u16 {
        room.host.receive(transport(0), peer(1), &extended(5, wide + 10, 6, &wide.to_be_bytes()));
    }
    assert_eq!(room.pass(0).len(), 2);
}

#[test]
fn a_limit_is_told_until_it_is_lifted() {
    let mut room = Room::new(estimated(&producing(transport(0), &[encoding(5)]), "transport-cc", WIDE));
    room.media(5, 1);
    let limit = |room: &mut Room, bits_per_second| {
        let Host { sfu, out, .. } = &mut room.host;
        sfu.set_bitrate(transport(0), BitrateLimit::MaxIncoming, bits_per_second, out).unwrap();
    };
    limit(&mut room, 500_000);
    let told = |room: &mut Room, ms| room.pass(ms).iter().filter_map(Sent::remb).collect::<Vec<_>>();
    assert_eq!(told(&mut room, 0).len(), 1);
    let again = told(&mut room, 3_100);
    assert_eq!(again.len(), 2);
    assert!(again.iter().all(|(rate, ssrcs)| rate.abs_diff(500_000) < 5_000 && ssrcs == &[5]));
    limit(&mut room, 0);
    let lifted = told(&mut room, 20_000);
    assert_eq!(lifted.iter().map(|(rate, _)| *rate).collect::<Vec<_>>(), [0; 4]);
    let mut untold = Room::new(producing(transport(0), &[encoding(5)]));
    untold.media(5, 1);
    limit(&mut untold, 500_000);
    assert_eq!(told(&mut untold, 5_000), [], "nobody said that they would understand");
}

#[test]
fn where_only_abs_send_time_is_agreed_the_estimate_is_told() {
    let mut room = Room::new(estimated(&producing(transport(0), &[encoding(5)]), "goog-remb", ABS));
    let mut told = Vec::new();
    for sequence in 0..400_u16 {
        let sent = (u32::from(sequence) * 10 * (1 << 18) / 1_000).to_be_bytes();
        room.host.receive(transport(0), peer(1), &extended(5, sequence, 6, &sent[1..]));
        told.extend(room.pass(10).iter().filter_map(Sent::remb));
    }
    assert!((3..6).contains(&told.len()), "once a second: {told:?}");
    let counters = room.host.sfu.transport_counters(transport(0), room.host.now).unwrap();
    assert!(counters.available_incoming_bitrate.unwrap() > 0);
}

#[test]
fn with_in_band_fec_reports_carry_the_worst_loss_of_those_who_consume() {
    let mut open = producing(transport(0), &[encoding(5)]);
    open.kind = MediaKind::Audio;
    let codec = &mut open.rtp_parameters.codecs[0];
    codec.mime_type = MimeType::new("audio/opus").unwrap();
    codec.clock_rate = 48_000;
    codec.parameters.set("useinbandfec", 1);
    let mut room = Room::of(open);
    let feed = Feed { shard: ShardIndex(3), replica: ProducerKey::new(9, 0) };
    room.host.sfu.open_feed(producer(0), feed, &mut room.host.out).unwrap();
    room.media(5, 1);
    room.host.sfu.set_remote_loss(producer(0), ShardIndex(3), 51);
    let [block] = reports(&room.pass(500))[..] else { panic!("no report") };
    assert_eq!((block.fraction_lost, block.cumulative_lost), (51, 0));
    assert_eq!(room.stats().fraction_lost, 0);
}

#[test]
fn hostile_numbers_cost_their_transport_bounded_rtcp_and_nobody_else_anything() {
    let mut room = Room::new(repaired(&producing(transport(0), &[encoding(5)])));
    room.host.sfu.open_transport(transport(2), &plain(), &bound()).unwrap();
    room.host.sfu.connect(transport(2), &connect(2, None, None), &mut room.host.out).unwrap();
    let hostile = repaired(&producing(transport(2), &[encoding(8)]));
    room.host.sfu.produce(producer(2), &hostile).unwrap();
    let (mut random, mut honest) = (1_u64, 0_u16);
    for _ in 0..3_000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let [a, b, c, d, e, ..] = random.to_be_bytes();
        let sequence = u16::from_be_bytes([a, b]);
        let datagram = match e % 4 {
            0 => rtp(8, sequence),
            1 => rtx_of(8 + RTX, sequence, Some(u16::from_be_bytes([c, d]))),
            2 => bytes(&[&sender_report(8, Ntp(random.rotate_left(31)), random.to_le_bytes()[1].into())]),
            _ => rtp(8, honest.wrapping_mul(1_009)),
        };
        room.host.receive(transport(2), peer(2), &datagram);
        honest = honest.wrapping_add(1);
        assert_eq!(room.media(5, honest).len(), 1);
        let told = room.pass(2);
        let bytes: usize = told.iter().filter(|sent| sent.1 == transport(2)).map(|sent| sent.0.len()).sum();
        assert!(bytes <= 5 * 1_292, "{bytes}");
        assert_eq!(nacks_to(&told, transport(0)), 0);
    }
    assert_eq!(room.stats().packet_count, 3_000);
    assert_eq!(room.host.memory.held(), 0);
}
