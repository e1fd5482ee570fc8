//! What a transport reports about the streams that it sends, and what it makes of its peers' reports.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use core::time::Duration;

use model::event::{ConsumerEvent, Event};
use model::key::ShardIndex;
use model::rtp::MediaKind;
use model::score::ConsumerScore;
use sfu::{Output, Sfu};
use support::parameters::{Repair, bound, connect, encoding, plain, producing, repairing, replica};
use support::{Host, PAYLOAD, consumer, peer, producer, rtp, transport};
use wire::rtcp::{
    CNAME, Compound, Packet, ReceiverReport, ReportBlock, SenderInfo, Xr, XrBlock, XrBlockView,
};
use wire::{Mono, Ntp, Ssrc};

#[test]
fn a_stream_is_reported_half_a_second_after_it_began_and_then_about_once_a_second() {
    let mut host = room(1);
    let sent = send(&mut host, 0..3);
    let first = armed(&mut host).unwrap();
    assert_eq!(first.since(host.now), Duration::from_millis(500));
    host.now = first;
    let reports = report(&mut host);
    let [report_of_70] = reports.as_slice() else { panic!("{reports:?}") };
    let elapsed = 500 * 90;
    let expected = SenderInfo {
        ntp: wall_clock(host.now),
        // The clock went on since the last packet was captured.
        rtp_timestamp: timestamp_of(&sent[2]).wrapping_add(elapsed),
        packet_count: 3,
        octet_count: 3 * u32::try_from(PAYLOAD.len()).unwrap(),
    };
    assert_eq!(report_of_70, &(Ssrc(70), expected, b"somebody".to_vec()));
    let interval = armed(&mut host).unwrap().since(host.now);
    assert!((1_000..1_500).contains(&interval.as_millis()), "{interval:?}");
}

#[test]
fn who_is_silent_for_two_seconds_is_not_reported() {
    let mut host = room(1);
    send(&mut host, 0..1);
    let (start, mut reports) = (host.now, 0);
    let mut at = armed(&mut host);
    while let Some(next) = at {
        host.now = next;
        let found = report(&mut host).len();
        assert_eq!(found, usize::from(host.now.since(start) < Duration::from_secs(2)));
        reports += found;
        at = armed(&mut host);
    }
    assert_eq!(reports, 2);
    send(&mut host, 1..2);
    assert_eq!(armed(&mut host).map(|at| at.since(host.now)), Some(Duration::from_millis(500)));
}

#[test]
fn many_streams_share_compounds_of_bounded_length() {
    let mut host = room(100);
    send(&mut host, 0..1);
    host.now = armed(&mut host).unwrap();
    host.timeout(transport(1));
    host.finish();
    let left = host.left();
    assert!(left.iter().all(|compound| compound.len() <= 1_292));
    assert!(left.len() <= 6, "{}", left.len());
    let reports: usize = left.iter().map(|compound| read(compound).0.len()).sum();
    assert_eq!(reports, 100);
}

#[test]
fn a_peer_learns_how_far_we_are() {
    let mut host = room(1);
    send(&mut host, 0..1);
    let reference = Ntp(0x0102_0304_0506_0708);
    let blocks = [XrBlock::ReceiverReferenceTime(reference)];
    host.hear(transport(1), peer(2), &Xr { ssrc: Ssrc(9), blocks: &blocks });
    host.now += Duration::from_millis(500);
    let answers = |host: &mut Host| {
        host.timeout(transport(1));
        host.finish();
        host.left().iter().flat_map(|compound| read(compound).1).collect::<Vec<_>>()
    };
    assert_eq!(answers(&mut host), [(Ssrc(9), 0x0304_0506, 1 << 15)]);
    host.now += Duration::from_millis(1_499);
    assert_eq!(answers(&mut host), []);
}

#[test]
fn a_round_trip_is_known_from_our_report_and_theirs() {
    let mut host = room(1);
    send(&mut host, 0..1);
    host.now += Duration::from_millis(500);
    let last_sender_report = report(&mut host)[0].1.ntp.middle();
    host.now += Duration::from_millis(230);
    let block =
        ReportBlock { last_sender_report, delay_since_last_sender_report: 65_536 / 10, ..lossy(0, 0) };
    hear(&mut host, block);
    let stats = host.sfu.consumer_stats(consumer(1), host.now).unwrap();
    assert!((stats[0].counters.round_trip_time - 130.0).abs() < 0.1, "{stats:?}");
}

#[test]
fn losses_show_in_stats_and_score() {
    let mut host = room(1);
    send(&mut host, 0..100);
    host.out.clear();
    hear(&mut host, ReportBlock { jitter: 33, ..lossy(26, 10) });
    let expected = ConsumerScore { score: 7, producer_score: 10, producer_scores: vec![10] };
    assert_eq!(scores(&mut host), std::slice::from_ref(&expected));
    let stats = host.sfu.consumer_stats(consumer(1), host.now).unwrap();
    let stats = &stats[0].counters;
    assert_eq!((stats.packets_lost, stats.fraction_lost, stats.jitter, stats.score), (10, 26, 33, 7));
    assert_eq!(host.sfu.consumer_opened(consumer(1)).unwrap().score, expected);
    assert_eq!(host.sfu.consumer_report(consumer(1)).unwrap().rtp_streams[0].score, 7);
    // The same again is no change.
    host.now += Duration::from_secs(1);
    send(&mut host, 100..200);
    hear(&mut host, lossy(26, 20));
    assert_eq!(scores(&mut host), []);
    host.now += Duration::from_secs(1);
    send(&mut host, 200..300);
    hear(&mut host, lossy(0, 20));
    // (7 * 1 + 7 * 2 + 10 * 3) / 6 = 8.5.
    assert_eq!(scores(&mut host).iter().map(|score| score.score).collect::<Vec<_>>(), [9]);
}

#[test]
fn a_flood_of_reports_is_no_flood_of_scores() {
    let mut host = room(1);
    host.out.clear();
    let mut told = 0;
    for number in 0..1_000 {
        host.now += Duration::from_millis(1);
        send(&mut host, number..number + 1);
        // All was lost, and then all came after all.
        let blocks: Vec<_> = [1_000_000, 0].map(|lost| lossy(255, lost)).repeat(15);
        host.hear(transport(1), peer(2), &ReceiverReport { ssrc: Ssrc(1), reports: &blocks });
        told += scores(&mut host).len();
    }
    assert!(told <= 3, "{told} scores in a second");
}

#[test]
fn the_worst_loss_goes_to_a_producer_with_in_band_fec_and_to_no_other() {
    for fec in [true, false] {
        let mut host = Host { sfu: Sfu::default(), ..Host::default() };
        let mut open = producing(transport(0), &[encoding(5)]);
        open.kind = MediaKind::Audio;
        open.rtp_parameters.codecs[0].parameters.set("useinbandfec", i32::from(fec));
        let replica = replica(&open, ShardIndex(3), producer(7));
        host.sfu.open_replica(producer(0), &replica).unwrap();
        connected(&mut host);
        let open = repairing(transport(1), producer(0), 70, Repair::Plain);
        host.sfu.consume(consumer(1), &open, &mut host.out).unwrap();
        host.now += Duration::from_secs(1);
        for fraction in [30, 20, 40] {
            hear(&mut host, lossy(fraction, 0));
        }
        let losses: Vec<_> = host
            .out
            .others
            .drain(..)
            .filter_map(|output| match output {
                Output::Loss { shard, producer, fraction } => Some((shard, producer, fraction)),
                _ => None,
            })
            .collect();
        let expected = [30, 40].map(|fraction| (ShardIndex(3), producer(7), fraction));
        assert_eq!(losses, if fec { &expected[..] } else { &[] });
    }
}

fn lossy(fraction_lost: u8, cumulative_lost: i32) -> ReportBlock {
    ReportBlock { ssrc: Ssrc(70), fraction_lost, cumulative_lost, ..ReportBlock::default() }
}

fn hear(host: &mut Host, block: ReportBlock) {
    host.hear(transport(1), peer(2), &ReceiverReport { ssrc: Ssrc(1), reports: &[block] });
}

fn scores(host: &mut Host) -> Vec<ConsumerScore> {
    let scores = host.out.others.drain(..).filter_map(|output| match output {
        Output::Event(Event::Consumer(key, ConsumerEvent::Score(score))) if key == consumer(1) => Some(score),
        _ => None,
    });
    scores.collect()
}

/// Packets of the producer, and what left of them.
fn send(host: &mut Host, numbers: core::ops::Range<u16>) -> Vec<Vec<u8>> {
    for number in numbers {
        host.receive(transport(0), peer(1), &rtp(5, number));
    }
    host.finish();
    let mut left = host.left();
    left.retain(|datagram| wire::classify(datagram) == Some(wire::Kind::Rtp));
    left
}

/// For when the timer of the consumers' transport was set last.
fn armed(host: &mut Host) -> Option<Mono> {
    let mut at = None;
    for output in host.out.others.drain(..) {
        if let Output::Arm { transport: whose, at: when } = output
            && whose == transport(1)
        {
            at = Some(when);
        }
    }
    at
}

type Report = (Ssrc, SenderInfo, Vec<u8>);
type Answer = (Ssrc, u32, u32);

/// The timer fires. What is reported.
fn report(host: &mut Host) -> Vec<Report> {
    host.timeout(transport(1));
    host.finish();
    host.left().iter().flat_map(|compound| read(compound).0).collect()
}

/// The sender reports of a compound, each with its CNAME, and the answers.
fn read(compound: &[u8]) -> (Vec<Report>, Vec<Answer>) {
    let (mut reports, mut names, mut answers) = (Vec::new(), Vec::new(), Vec::new());
    for packet in Compound::parse(compound).unwrap().packets() {
        match packet.unwrap() {
            Packet::SenderReport(report) => reports.push((report.ssrc, report.info)),
            Packet::Sdes(sdes) => names.extend(sdes.chunks().map(|chunk| {
                let name = chunk.items().find(|item| item.kind == CNAME).unwrap();
                (chunk.ssrc, name.text.to_vec())
            })),
            Packet::Xr(xr) => {
                for block in xr.blocks() {
                    let XrBlockView::Dlrr(dlrr) = block else { unreachable!() };
                    answers.extend(dlrr.iter().map(|answer| {
                        (answer.ssrc, answer.last_receiver_report, answer.delay_since_last_receiver_report)
                    }));
                }
            }
            other => unreachable!("{other:?}"),
        }
    }
    let named = reports.into_iter().zip(names).map(|((ssrc, info), (named, name))| {
        assert_eq!(ssrc, named);
        (ssrc, info, name)
    });
    (named.collect(), answers)
}

fn timestamp_of(packet: &[u8]) -> u32 {
    u32::from_be_bytes([packet[4], packet[5], packet[6], packet[7]])
}

/// By the anchor of the default configuration.
fn wall_clock(at: Mono) -> Ntp {
    Ntp::default().after(at.since(Mono::ZERO))
}

/// A producer on transport 0, and so many consumers on transport 1.
fn room(consumers: u32) -> Host {
    let mut host = Host { now: Mono::from_nanos(7_000_000_000), ..Host::default() };
    host.sfu.open_transport(transport(0), &plain(), &bound()).unwrap();
    host.sfu.connect(transport(0), &connect(1, None, None), &mut host.out).unwrap();
    host.sfu.produce(producer(0), &producing(transport(0), &[encoding(5)])).unwrap();
    connected(&mut host);
    for number in 0..consumers {
        let open = repairing(transport(1), producer(0), 70 + number, Repair::Plain);
        host.sfu.consume(consumer(1 + number), &open, &mut host.out).unwrap();
    }
    host
}

fn connected(host: &mut Host) {
    host.sfu.open_transport(transport(1), &plain(), &bound()).unwrap();
    host.sfu.connect(transport(1), &connect(2, None, None), &mut host.out).unwrap();
}
