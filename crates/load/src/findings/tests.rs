//! A publisher on one thread, subscribers on another, and what is made of them.

use model::rtp::MediaKind;

use super::*;
use crate::api::{Base, Listen};
use crate::engine::PeerReport;
use crate::histogram::Histogram;
use crate::meter::Meter;
use crate::own::Load;
use crate::peer::{Ended, Expected, Sent, Subscription, Timeline};
use crate::plan::{Media, Output, Pace, Shape, Thresholds};
use crate::stamp::Stamp;

/// A run in which one of two subscribers misses ten packets of a hundred and the other gets nothing.
pub(crate) fn findings(thresholds: Thresholds) -> Findings {
    Findings::of(&plan(thresholds), found())
}

fn found() -> Found {
    let epoch = Instant::now();
    let at = |ms| epoch + Duration::from_millis(ms);
    let timeline = Timeline {
        began: epoch,
        opened: at(10),
        ice_at: Some(at(15)),
        dtls_at: Some(at(35)),
        media_at: None,
    };
    let idle = PeerReport {
        timeline,
        subscriptions: vec![],
        sent: vec![],
        disconnections: 0,
        ended: None,
        refused: None,
    };
    let sent = Sent { stream: 1, packets: 100, bytes: 100_000, key_frames: 1, ..Sent::default() };
    let publisher = PeerReport { sent: vec![sent], ..idle.clone() };

    let mut meter = Meter::new(RUN, epoch);
    let expected = Expected { stream: 1, kind: MediaKind::Video, ssrc: 1, rtx_ssrc: None, mid: "0".into() };
    let mut watched = Subscription::new(&expected, at(40));
    for number in (0..100).filter(|number| number % 10 != 5) {
        let sent_at = Duration::from_millis(100 + 10 * number);
        let stamp = Stamp { run: RUN, stream: 1, number, sent_at, begins_key_frame: number == 0 };
        watched.packet(epoch + sent_at + Duration::from_millis(2), &stamp.to_bytes(), &mut meter);
    }
    // Of another run, and of nobody.
    let other = Stamp { run: 7, stream: 1, number: 0, sent_at: Duration::ZERO, begins_key_frame: false };
    watched.packet(at(2_000), &other.to_bytes(), &mut meter);
    let media_at = Some(at(102));
    let subscriber = PeerReport {
        subscriptions: vec![watched],
        timeline: Timeline { media_at, ..timeline },
        ..idle.clone()
    };
    let silent = PeerReport { subscriptions: vec![Subscription::new(&expected, at(40))], ..idle.clone() };
    let ended = PeerReport { ended: Some(Ended::Closed), ..idle };

    let thread = |peers, meter, busiest_permille| ThreadReport {
        peers,
        meter,
        load: Load { busy_permille: 200, busiest_permille, waited_permille: 1 },
        ports: vec![],
    };
    let threads = vec![
        thread(vec![publisher], Meter::new(RUN, epoch), 950),
        thread(vec![subscriber, silent, ended], meter, 300),
    ];
    Found {
        threads,
        refused: BTreeMap::from([("the server refused with 429: try again".to_owned(), 2)]),
        began: 6,
        lasted: Duration::from_secs(3),
        joining_took: Some(Duration::from_millis(200)),
        interrupted: false,
        asking: Asking::default(),
        process: None,
    }
}

fn plan(thresholds: Thresholds) -> Plan {
    let some = std::num::NonZeroU32::MIN;
    Plan {
        server: Base { host: "127.0.0.1".into(), port: 8480 },
        token: None,
        listen: Listen::Server("x".into()),
        shape: Shape { rooms: 1, publishers: 1, subscribers: 4, idle: 1, watch: None },
        media: Media { audio_bitrate: 0, video_bitrate: 1_000_000, frame_rate: some },
        pace: Pace { join_rate: some, join_timeout: Duration::ZERO, duration: Duration::ZERO },
        thresholds,
        threads: 2,
        output: Output::default(),
        server_pid: None,
    }
}

#[test]
fn peers_of_all_threads_make_one_report() {
    let findings = findings(Thresholds::default());
    let peers = Peers { asked: 6, began: 6, connected: 4, satisfied: 2, failed: 4 };
    assert_eq!(findings.peers, peers);
    let causes: Vec<_> = findings.failures.iter().map(|(cause, count)| (&**cause, *count)).collect();
    let expected = [
        ("no picture came", 1),
        ("the server ended the connection", 1),
        ("the server refused with 429: try again", 2),
    ];
    assert_eq!(causes, expected);
    assert_eq!(findings.failures.values().sum::<u64>(), findings.peers.failed);

    let Loss { expected, lost, holes, of_streams_ppm, .. } = findings.loss;
    assert_eq!((expected, lost, holes, of_streams_ppm.unwrap().max), (100, 10, 10, 100_000));
    assert_eq!((findings.traffic.sent_packets, findings.traffic.received_packets), (100, 90));
    let ms = |percentiles: Option<Percentiles>| percentiles.map(|found| (found.count, found.max / 1_000_000));
    assert_eq!(ms(findings.latency.all), Some((90, 2)));
    assert_eq!((ms(findings.latency.while_joining), ms(findings.latency.afterwards)), (Some((90, 2)), None));
    assert_eq!(ms(findings.joining.total), Some((3, 102)));
    assert_eq!((ms(findings.joining.ice), ms(findings.joining.dtls)), (Some((4, 5)), Some((4, 20))));
    assert_eq!((ms(findings.key_frame_wait), ms(findings.silence)), (Some((1, 62)), Some((1, 20))));
    assert_eq!(findings.own.strange, 1);
}

#[test]
fn who_was_still_joining_when_a_run_was_interrupted_has_not_failed() {
    let interrupted = |join_timeout| {
        let mut plan = plan(Thresholds::default());
        plan.pace.join_timeout = join_timeout;
        Findings::of(&plan, Found { interrupted: true, ..found() })
    };
    let Findings { peers, failures, .. } = interrupted(Duration::from_secs(60));
    assert!(!failures.contains_key("no picture came"), "{failures:?}");
    assert_eq!((peers.satisfied, peers.failed), (2, 3));
    assert_eq!(interrupted(Duration::ZERO).peers.failed, 4, "its time was over");
}

#[test]
fn thresholds_are_judged_exactly() {
    let judged = |thresholds| {
        let findings = findings(thresholds);
        let verdicts: Vec<_> =
            findings.verdicts.iter().map(|verdict| (verdict.argument, verdict.met)).collect();
        (verdicts, findings.outcome() == Outcome::Fine)
    };
    let (verdicts, fine) = judged(Thresholds::default());
    assert_eq!((verdicts, fine), (vec![("--max-failures", false)], false));
    let lenient = Thresholds {
        latency_p99: Some(Duration::from_millis(3)),
        join_p99: Some(Duration::from_millis(105)),
        loss_ppm: Some(100_000),
        failures: 4,
    };
    let (verdicts, fine) = judged(lenient);
    assert!(fine && verdicts.len() == 4, "{verdicts:?}");
    for strict in [
        Thresholds { latency_p99: Some(Duration::from_millis(1)), ..lenient },
        Thresholds { join_p99: Some(Duration::from_millis(50)), ..lenient },
        Thresholds { loss_ppm: Some(99_999), ..lenient },
        Thresholds { failures: 3, ..lenient },
    ] {
        let (verdicts, fine) = judged(strict);
        assert_eq!((verdicts.iter().filter(|(_, met)| !met).count(), fine), (1, false), "{verdicts:?}");
    }
}

#[test]
fn a_stream_of_which_nothing_came_is_lost_from_when_it_was_to_come() {
    let mut found = found();
    let began = found.threads[0].peers[0].timeline.began;
    let at = |ms| began + Duration::from_millis(ms);
    for sent in &mut found.threads[0].peers[0].sent {
        (sent.first_at, sent.last_at) = (Some(at(100)), Some(at(1_100)));
    }
    // The second of its thread, to whom nothing came.
    let silent = &mut found.threads[1].peers[1].subscriptions[0];
    silent.resume(at(600));
    silent.close(at(1_200));
    let findings =
        Findings::of(&plan(Thresholds { loss_ppm: Some(200_000), ..Thresholds::default() }), found);
    let Loss { expected, lost, of_streams_ppm, .. } = findings.loss;
    assert_eq!((expected, lost, of_streams_ppm.unwrap().max), (150, 60, 1_000_000));
    assert_eq!(findings.silence.unwrap().max / 1_000_000, 600);
    assert!(!findings.verdicts[1].met, "{:?}", findings.verdicts);
}

#[test]
fn an_interrupted_run_is_no_success_unless_all_had_joined() {
    let lenient = Thresholds { failures: 6, ..Thresholds::default() };
    let outcome = |joining_took, thresholds| {
        let found = Found { interrupted: true, joining_took, ..found() };
        Findings::of(&plan(thresholds), found).outcome()
    };
    assert_eq!(outcome(None, lenient), Outcome::Interrupted);
    assert_eq!(outcome(Some(Duration::from_secs(1)), lenient), Outcome::Fine);
    assert_eq!(outcome(Some(Duration::from_secs(1)), Thresholds::default()), Outcome::Missed);
}

#[test]
fn a_threshold_of_what_was_not_measured_is_missed() {
    let thresholds = Thresholds {
        latency_p99: Some(Duration::MAX),
        join_p99: Some(Duration::MAX),
        loss_ppm: Some(1_000_000),
        failures: 0,
    };
    let found = Found {
        threads: vec![],
        refused: BTreeMap::new(),
        began: 0,
        lasted: Duration::ZERO,
        joining_took: None,
        interrupted: true,
        asking: Asking::default(),
        process: None,
    };
    let findings = Findings::of(&plan(thresholds), found);
    assert_eq!(findings.verdicts.iter().filter(|verdict| !verdict.met).count(), 3, "{:?}", findings.verdicts);
}

#[test]
fn a_program_that_is_busy_late_or_loses_packets_doubts_itself() {
    let doubts = findings(Thresholds::default()).doubts;
    assert_eq!(doubts.len(), 2, "{doubts:?}");
    assert!(doubts[0].contains("95 % of its busiest second"), "{doubts:?}");
    assert!(doubts[1].contains("1 packets belong to no stream"), "{doubts:?}");

    let fine = Own {
        threads: vec![Load { busy_permille: 800, busiest_permille: 850, waited_permille: 20 }],
        lag: Histogram::from_iter([900_000; 100]).percentiles(),
        asking: Asking {
            load: Load { busy_permille: 100, busiest_permille: 300, waited_permille: 20 },
            waits: Histogram::from_iter([4_000_000; 100]).percentiles(),
        },
        ..Own::default()
    };
    assert_eq!(doubts::about(&fine), Vec::<String>::new());
    let late = Histogram::from_iter([2_000_000; 100]).percentiles();
    let waited = Histogram::from_iter([6_000_000; 100]).percentiles();
    let load = |busiest_permille, waited_permille| {
        let load = Load { busy_permille: 100, busiest_permille, waited_permille };
        Asking { load, ..fine.asking }
    };
    for own in [
        Own { asking: load(950, 20), ..fine.clone() },
        Own { asking: load(300, 100), ..fine.clone() },
        Own { asking: Asking { waits: waited, ..fine.asking }, ..fine.clone() },
        Own { threads: vec![Load { waited_permille: 100, ..Load::default() }], ..fine.clone() },
        Own { lag: late, ..fine.clone() },
        Own { dropped_by_sockets: 1, ..fine.clone() },
        Own { unsent: 1, ..fine.clone() },
        Own { skipped_frames: 1, ..fine },
    ] {
        assert_eq!(doubts::about(&own).len(), 1, "{own:?}");
    }
}

const RUN: u32 = 42;
