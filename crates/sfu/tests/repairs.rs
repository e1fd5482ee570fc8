//! What a consumer's peer misses comes again: which bytes, how often, and at whose cost.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use core::time::Duration;

use model::command::{SrtpKeys, TransportSetup};
use model::transport::SrtpCryptoSuite;
use sfu::{Closing, Config, Sfu, Verdict};
use support::parameters::{
    Repair, bind, bound, connect, consuming, encoding, extension, key, open, plain, producing, repairing,
    replica,
};
use support::{Host, consumer, peer, producer, rtcp, rtp, transport};
use wire::rtcp::{Nack, NackItem, ReceiverReport, ReportBlock};
use wire::rtp::{View, rtx};
use wire::{Mono, Ntp, Ssrc};

#[test]
fn a_missing_packet_comes_again_in_the_rtx_stream() {
    let mut host = room(Repair::Rtx(71), None);
    let sent = send(&mut host, 100..110);
    let repairs = ask(&mut host, &[sequence_of(&sent[3]), sequence_of(&sent[7])]);
    let [first, second] = repairs.as_slice() else { panic!("{repairs:?}") };
    for (repair, original) in [(first, &sent[3]), (second, &sent[7])] {
        let (repair, original) = (View::parse(repair).unwrap(), View::parse(original).unwrap());
        assert_eq!((repair.ssrc(), repair.payload_type().value()), (Ssrc(71), 102));
        // RFC 4588 §4: all but SSRC, payload type and sequence number is as it was, behind the original's number.
        assert_eq!((repair.timestamp(), repair.marker()), (original.timestamp(), original.marker()));
        assert_eq!(repair.elements().next().unwrap().data, original.elements().next().unwrap().data);
        assert_eq!(rtx::open(&repair).unwrap().sequence, original.sequence());
        assert_eq!(&repair.payload()[2..], original.payload());
    }
    assert_eq!(sequence_of(second), sequence_of(first).wrapping_add(1), "it has numbers of its own");
}

#[test]
fn repairs_of_equal_size_leave_in_one_run_behind_what_waits() {
    let mut host = room(Repair::Rtx(71), None);
    let sent = send(&mut host, 0..10);
    host.wire.runs.clear();
    host.receive(transport(0), peer(1), &rtp(5, 10));
    nack(&mut host, transport(1), 70, &[sequence_of(&sent[1]), sequence_of(&sent[2])]);
    host.finish();
    let counts: Vec<_> = host.wire.runs.iter().map(|run| run.len.div_ceil(run.segment_size)).collect();
    assert_eq!(counts, [1, 2]);
    let ssrcs: Vec<_> = host.left().iter().map(|left| View::parse(left).unwrap().ssrc().0).collect();
    assert_eq!(ssrcs, [70, 71, 71]);
}

#[test]
fn without_rtx_the_very_bytes_come_again() {
    let mut host = room(Repair::Plain, None);
    let sent = send(&mut host, 65_530..65_540);
    host.now += Duration::from_millis(30);
    let again = ask(&mut host, &[sequence_of(&sent[2]), sequence_of(&sent[8])]);
    assert_eq!(again, [sent[2].clone(), sent[8].clone()]);
}

#[test]
fn under_srtp_a_number_never_has_two_byte_strings() {
    for suite in [SrtpCryptoSuite::AeadAes128Gcm, SrtpCryptoSuite::AesCm128HmacSha1_80] {
        // Levelling pads some of them, and the padding has to come again too.
        let config = Config { levelling: true, ..Config::default() };
        let mut host = room_of(config, Repair::Plain, Some(suite));
        for (number, len) in (0..10_u16).zip([20, 10, 15, 20].into_iter().cycle()) {
            let mut packet = rtp(5, number);
            packet.truncate(packet.len() - 20 + len);
            host.receive(transport(0), peer(1), &packet);
        }
        host.finish();
        let sent = media(&mut host);
        assert!(host.wire.runs.len() < 10, "some were padded");
        host.now += Duration::from_millis(50);
        assert_eq!(ask_sealed(&mut host, suite, &sent), sent, "{suite:?}");
        // With RTX the payload is another, and so is the number.
        let mut host = room(Repair::Rtx(71), Some(suite));
        let sent = send(&mut host, 0..10);
        let repairs = ask_sealed(&mut host, suite, &sent);
        assert_eq!(repairs.len(), 10);
        assert!(repairs.iter().all(|repair| repair[8..12] == [0, 0, 0, 71]));
        assert!(repairs.windows(2).all(|pair| pair[0][2..4] != pair[1][2..4]));
        assert_eq!(host.sfu.counters().unsealed, 0);
    }
}

#[test]
fn nothing_comes_twice_within_a_round_trip() {
    let mut host = room(Repair::Rtx(71), None);
    let sent = send(&mut host, 0..3);
    let number = [sequence_of(&sent[1])];
    assert_eq!(ask(&mut host, &number).len(), 1);
    assert_eq!(ask(&mut host, &number).len(), 0);
    host.now += Duration::from_millis(99);
    assert_eq!(ask(&mut host, &number).len(), 0);
    host.now += Duration::from_millis(3);
    assert_eq!(ask(&mut host, &number).len(), 1);
    let counters = host.sfu.counters();
    assert_eq!((counters.repeated, counters.not_repeated), (2, 2));
}

#[test]
fn what_nobody_has_any_more_does_not_come() {
    let mut host = room(Repair::Rtx(71), None);
    let sent = send(&mut host, 0..3);
    assert_eq!(ask(&mut host, &[sequence_of(&sent[0]).wrapping_sub(1)]).len(), 0);
    assert_eq!(host.sfu.stored(), 3);
    host.now += Duration::from_millis(2_001);
    host.finish();
    assert_eq!((host.sfu.stored(), host.memory.held()), (0, 0), "also when nothing comes any more");
    assert_eq!(ask(&mut host, &[sequence_of(&sent[1])]).len(), 0);
    // A stream of nobody, and the retransmissions of one.
    for ssrc in [99, 71] {
        nack(&mut host, transport(1), ssrc, &[1]);
    }
    host.finish();
    assert_eq!(host.left(), Vec::<Vec<u8>>::new());
}

#[test]
fn who_is_paused_gets_no_repairs() {
    let mut host = room(Repair::Rtx(71), None);
    let sent = send(&mut host, 0..3);
    host.sfu.pause_consumer(consumer(1), &mut host.out).unwrap();
    assert_eq!(ask(&mut host, &[sequence_of(&sent[1])]).len(), 0);
    host.sfu.resume_consumer(consumer(1), &mut host.out).unwrap();
    assert_eq!(ask(&mut host, &[sequence_of(&sent[1])]).len(), 1);
}

#[test]
fn whoever_closes_leaves_nothing_behind() {
    type Close = fn(&mut Host);
    let closes: [Close; 4] = [
        |host| host.sfu.close_consumer(consumer(1)).unwrap(),
        |host| assert_eq!(host.sfu.close_producer(producer(0)).unwrap().feeds, []),
        |host| assert_eq!(host.sfu.close_transport(transport(0), 9), Ok(Closing::Done)),
        |host| assert_eq!(host.sfu.close_transport(transport(1), 9), Ok(Closing::Done)),
    ];
    for close in closes {
        let mut host = room(Repair::Rtx(71), None);
        let sent = send(&mut host, 0..20);
        assert_eq!((host.sfu.stored(), host.memory.held()), (20, 20));
        nack(&mut host, transport(1), 70, &[sequence_of(&sent[1])]);
        close(&mut host);
        host.finish();
        assert_eq!((host.sfu.stored(), host.sfu.in_flight(), host.memory.held()), (0, 0, 0));
    }
}

#[test]
fn nothing_is_kept_that_nobody_may_ask_for() {
    let mut host = room(Repair::Rtx(71), None);
    host.sfu.close_consumer(consumer(1)).unwrap();
    host.sfu.consume(consumer(1), &consuming(transport(1), producer(0), 70), &mut host.out).unwrap();
    send(&mut host, 0..5);
    assert_eq!((host.sfu.stored(), host.memory.held()), (0, 0));
}

#[test]
fn a_payload_is_never_copied_into_another_slot() {
    let mut host = room(Repair::Rtx(71), None);
    let sent = send(&mut host, 0..10);
    let filled = host.memory.filled;
    let numbers: Vec<_> = sent.iter().map(|packet| sequence_of(packet)).collect();
    assert_eq!(ask(&mut host, &numbers).len(), 10);
    assert_eq!((filled, host.memory.filled), (10, 10));
}

#[test]
fn under_pressure_the_oldest_go_first() {
    let config = Config { stored_packets: 8, ..Config::default() };
    let mut host = room_of(config, Repair::Rtx(71), None);
    let sent = send(&mut host, 0..20);
    assert_eq!((host.sfu.stored(), host.memory.held()), (8, 8));
    assert_eq!(ask(&mut host, &[sequence_of(&sent[11])]).len(), 0);
    assert_eq!(ask(&mut host, &[sequence_of(&sent[12])]).len(), 1);
}

#[test]
fn what_is_kept_makes_room_for_what_comes() {
    let mut host = room(Repair::Rtx(71), None);
    host.memory.limit = Some(100);
    let came: usize = (0..50).map(|round| send(&mut host, round * 20..round * 20 + 20).len()).sum();
    assert!(came > 950, "{came}");
    assert!(host.sfu.stored() > 20);
}

#[test]
fn while_memory_is_short_stores_shrink_and_nothing_else_suffers() {
    let mut host = room(Repair::Rtx(71), None);
    send(&mut host, 0..500);
    assert_eq!(host.sfu.stored(), 500);
    host.memory.short = true;
    assert_eq!(send(&mut host, 500..600).len(), 100, "all is sent on");
    assert!(host.sfu.stored() <= 400, "{} are kept", host.sfu.stored());
    // Also when nothing comes: the memory may be another shard's.
    (0..10).for_each(|_| host.finish());
    assert_eq!((host.sfu.stored(), host.memory.held()), (0, 0));
    host.memory.short = false;
    send(&mut host, 600..650);
    assert_eq!(host.sfu.stored(), 50);
}

#[test]
fn a_datagram_full_of_requests_is_read_as_far_as_an_honest_one_goes() {
    let mut host = room(Repair::Rtx(71), None);
    send(&mut host, 0..10);
    let items = [NackItem { first: 7, following: u16::MAX }; 20];
    let one = rtcp(&Nack { sender: Ssrc(1), media: Ssrc(70), items: &items });
    let compound = one.repeat(14);
    assert!(compound.len() < 1_400);
    assert_eq!(host.receive(transport(1), peer(2), &compound), Verdict::Taken);
    let stats = host.sfu.consumer_stats(consumer(1), host.now).unwrap();
    assert_eq!(stats[0].counters.nack_packet_count, 1_000, "of 14 times 340");
}

#[test]
fn a_restarted_source_is_repaired_from_its_new_packets() {
    let mut host = room(Repair::Rtx(71), None);
    send(&mut host, 0..5);
    // Two in a row from elsewhere are another run.
    let sent = send(&mut host, 30_000..30_005);
    assert_eq!(sent.len(), 4);
    assert_eq!(host.sfu.stored(), 4);
    let repairs = ask(&mut host, &[sequence_of(&sent[2])]);
    assert_eq!(View::parse(&repairs[0]).unwrap().timestamp(), View::parse(&sent[2]).unwrap().timestamp());
}

#[test]
fn a_replica_repairs_on_its_own_shard() {
    let mut home = room(Repair::Rtx(71), None);
    let mut away = room(Repair::Rtx(71), None);
    let shard = model::key::ShardIndex(1);
    let open = producing(transport(0), &[encoding(5)]);
    let replica = replica(&open, model::key::ShardIndex(0), producer(0));
    away.sfu.open_replica(producer(9), &replica).unwrap();
    let (epoch, activity) = home.sfu.epoch(producer(0)).unwrap();
    away.sfu.turn_replica(producer(9), epoch, activity, &mut away.out).unwrap();
    let feed = sfu::Feed { shard, replica: producer(9) };
    home.sfu.open_feed(producer(0), feed, &mut home.out).unwrap();
    let open = repairing(transport(1), producer(9), 80, Repair::Rtx(81));
    away.sfu.consume(consumer(9), &open, &mut away.out).unwrap();
    for number in 0..5 {
        home.receive(transport(0), peer(1), &rtp(5, number));
    }
    home.hand_over(&mut away);
    home.finish();
    away.finish();
    let sent = media(&mut away);
    assert_eq!((sent.len(), away.sfu.stored()), (5, 5));
    nack(&mut away, transport(1), 80, &[sequence_of(&sent[2])]);
    away.finish();
    let repairs = media(&mut away);
    assert_eq!(View::parse(&repairs[0]).unwrap().ssrc(), Ssrc(81));
    away.sfu.close_producer(producer(9)).unwrap();
    away.finish();
    assert_eq!((away.sfu.stored(), away.memory.held()), (0, 0));
}

#[test]
fn repairs_are_counted() {
    let mut host = room(Repair::Rtx(71), None);
    let sent = send(&mut host, 0..10);
    let bytes = |host: &Host| {
        let counters = host.sfu.transport_counters(transport(1), host.now).unwrap();
        (counters.rtp_bytes_sent, counters.rtx_bytes_sent)
    };
    let media = sent.iter().map(|packet| packet.len() as u64).sum::<u64>();
    assert_eq!(bytes(&host), (media, 0));
    let numbers = [sequence_of(&sent[1]), sequence_of(&sent[2])];
    let repairs = ask(&mut host, &numbers);
    ask(&mut host, &numbers[..1]);
    host.now += Duration::from_millis(200);
    ask(&mut host, &numbers[..1]);
    let [first, ..] = repairs.as_slice() else { panic!() };
    assert_eq!(bytes(&host), (media, 3 * first.len() as u64));
    let stats = host.sfu.consumer_stats(consumer(1), host.now).unwrap();
    let stats = &stats[0].counters;
    assert_eq!((stats.nack_count, stats.nack_packet_count), (3, 4));
    assert_eq!((stats.packets_retransmitted, stats.packets_repaired), (3, 2));
    assert_eq!(stats.packet_count, 10, "what goes again is none of the stream's");
}

#[test]
fn a_peer_that_asks_for_everything_all_the_time_disturbs_nobody() {
    let mut host = room(Repair::Rtx(71), None);
    host.sfu.open_transport(transport(2), &plain(), &bound()).unwrap();
    host.sfu.connect(transport(2), &connect(3, None, None), &mut host.out).unwrap();
    let honest = repairing(transport(2), producer(0), 90, Repair::Rtx(91));
    host.sfu.consume(consumer(2), &honest, &mut host.out).unwrap();
    let mut everything = Vec::new();
    for first in (0..=65_535_u16).step_by(17).take(360) {
        everything.push(NackItem { first, following: u16::MAX });
    }
    let (mut to_honest, mut repairs, mut flooded) = (0, 0, 0);
    for ms in 0..3_000_u64 {
        host.now += Duration::from_millis(1);
        if ms % 6 == 0 {
            let number = u16::try_from(ms / 6).unwrap();
            host.receive(transport(0), peer(1), &rtp(5, number));
        }
        // And says that it is next door, so that it may ask often.
        let last_sender_report = Ntp::default().after(host.now.since(Mono::ZERO)).middle();
        let block = ReportBlock { ssrc: Ssrc(70), last_sender_report, ..ReportBlock::default() };
        host.hear(transport(1), peer(2), &ReceiverReport { ssrc: Ssrc(1), reports: &[block] });
        let nack = Nack { sender: Ssrc(1), media: Ssrc(70), items: &everything };
        host.hear(transport(1), peer(2), &nack);
        host.finish();
        let mut asked = None;
        for left in host.left() {
            match wire::classify(&left).filter(|kind| *kind == wire::Kind::Rtp).map(|_| left[11]) {
                Some(90) => (to_honest, asked) = (to_honest + 1, Some(sequence_of(&left))),
                Some(91) => repairs += 1,
                Some(71) => flooded += 1,
                _ => {}
            }
        }
        // The honest one loses every tenth.
        if let Some(number) = asked.filter(|_| ms % 60 == 0) {
            let items = [NackItem { first: number, following: 0 }];
            host.hear(transport(2), peer(3), &Nack { sender: Ssrc(2), media: Ssrc(90), items: &items });
        }
    }
    host.finish();
    repairs += host.left().iter().filter(|left| left[11] == 91).count();
    assert_eq!((to_honest, repairs), (500, 50));
    assert!(flooded <= 500 + 64, "{flooded}");
    assert_eq!(host.sfu.counters().tick_full, 0);
}

/// Packets of the producer with those numbers. What the consumer's peer got of them.
fn send(host: &mut Host, numbers: core::ops::Range<u32>) -> Vec<Vec<u8>> {
    for number in numbers {
        host.receive(transport(0), peer(1), &rtp(5, u16::try_from(number % 65_536).unwrap()));
    }
    host.finish();
    media(host)
}

/// The consumer's peer misses packets. What it gets for it.
fn ask(host: &mut Host, numbers: &[u16]) -> Vec<Vec<u8>> {
    nack(host, transport(1), 70, numbers);
    host.finish();
    media(host)
}

/// The same with SRTP, of all these packets.
fn ask_sealed(host: &mut Host, suite: SrtpCryptoSuite, missed: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let (suite, len) = match suite {
        SrtpCryptoSuite::AeadAes128Gcm => (srtp::Suite::AeadAes128Gcm, 28),
        _ => (srtp::Suite::AesCm128HmacSha1_80, 30),
    };
    let inline: Vec<_> = core::iter::once(1).chain(1..30).take(len).collect();
    let mut sealer = srtp::Sealer::new(srtp::KeyMaterial::from_inline(suite, &inline).unwrap()).unwrap();
    let items: Vec<_> =
        missed.iter().map(|packet| NackItem { first: sequence_of(packet), following: 0 }).collect();
    let nack = rtcp(&Nack { sender: Ssrc(1), media: Ssrc(70), items: &items });
    let mut sealed = vec![0; nack.len() + srtp::MAX_RTCP_OVERHEAD];
    let len = sealer.seal_rtcp(&nack, &mut sealed).unwrap();
    assert_eq!(host.receive(transport(1), peer(2), &sealed[..len]), Verdict::Taken);
    host.finish();
    media(host)
}

fn nack(host: &mut Host, at: model::key::TransportKey, ssrc: u32, numbers: &[u16]) {
    let items: Vec<_> = numbers.iter().map(|first| NackItem { first: *first, following: 0 }).collect();
    host.hear(at, peer(2), &Nack { sender: Ssrc(1), media: Ssrc(ssrc), items: &items });
}

/// RTP that left.
fn media(host: &mut Host) -> Vec<Vec<u8>> {
    let mut left = host.left();
    left.retain(|datagram| wire::classify(datagram) == Some(wire::Kind::Rtp));
    left
}

fn sequence_of(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[2], packet[3]])
}

fn room(repair: Repair, suite: Option<SrtpCryptoSuite>) -> Host {
    room_of(Config::default(), repair, suite)
}

/// A producer on transport 0, and a consumer on transport 1 whose peer may ask for packets again, perhaps with SRTP.
fn room_of(config: Config, repair: Repair, suite: Option<SrtpCryptoSuite>) -> Host {
    let mut host = Host { sfu: Sfu::new(config), ..Host::default() };
    host.sfu.open_transport(transport(0), &plain(), &bound()).unwrap();
    host.sfu.connect(transport(0), &connect(1, None, None), &mut host.out).unwrap();
    host.sfu.produce(producer(0), &producing(transport(0), &[encoding(5)])).unwrap();
    let keys = suite.map(|suite| KEYS.map(|text| key(suite, &text[..key_len(suite)])));
    let setup = TransportSetup::Plain {
        bind: bind(),
        rtcp_bind: None,
        comedia: false,
        srtp: keys.as_ref().map(|[local, _]| local.clone()),
    };
    host.sfu.open_transport(transport(1), &open(setup), &bound()).unwrap();
    let keys = keys.map(|[local, remote]| SrtpKeys { local, remote });
    host.sfu.connect(transport(1), &connect(2, None, keys), &mut host.out).unwrap();
    let mut open = repairing(transport(1), producer(0), 70, repair);
    // What goes again has to say the same number.
    let uri = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
    open.rtp_parameters.header_extensions.push(extension(uri, 5));
    host.sfu.consume(consumer(1), &open, &mut host.out).unwrap();
    host
}

/// Of base64: 28 bytes, or 30.
const fn key_len(suite: SrtpCryptoSuite) -> usize {
    match suite {
        SrtpCryptoSuite::AeadAes128Gcm => 38,
        _ => 40,
    }
}

/// 30 bytes.
const KEYS: [&str; 2] =
    ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd", "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"];
