use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const VIDEO: Setup = Setup { clock_rate: 90_000, nack: true, dtx: false, watched: true };

fn ms(ms: u64) -> Mono {
    Mono::ZERO + Duration::from_secs(3) + Duration::from_millis(ms)
}

fn packet(at: u64, sequence: u16) -> Arrived {
    Arrived { at: ms(at), sequence, timestamp: u32::from(sequence) * 900, len: 1_000 }
}

fn begun(setup: &Setup, first: u16) -> ReceiveStream {
    let mut stream = ReceiveStream::new(setup, &packet(0, first));
    assert!(stream.take(&packet(0, first)).is_some());
    stream
}

fn sequence(taken: Option<Taken>) -> Option<u64> {
    taken.map(|taken| taken.standing.sequence - order::CYCLE)
}

fn report(ntp_s: u64) -> SenderInfo {
    SenderInfo { ntp: Ntp(ntp_s << 32), ..SenderInfo::default() }
}

#[test]
fn a_lost_packet_is_asked_for_and_its_repair_passed_on_once() {
    let mut stream = begun(&VIDEO, 65_534);
    let taken = stream.take(&packet(10, 0)).unwrap();
    assert_eq!(taken.gap, Some(Gap::Listed));
    assert_eq!(stream.nacks_at(), Some(ms(20)));
    let mut asked = Vec::new();
    stream.poll_nacks(ms(20), None, &mut asked);
    assert_eq!(asked, [65_535]);
    assert_eq!(sequence(stream.take_rtx(&packet(60, 7), Some(65_535))), Some(65_535));
    // Again, and the original after all.
    assert_eq!(stream.take_rtx(&packet(61, 8), Some(65_535)), None);
    assert_eq!(sequence(stream.take(&packet(62, 65_535))), Some(65_535));
    assert_eq!(stream.nacks_at(), None);
    let counters = stream.counters();
    assert_eq!((counters.retransmitted, counters.repaired), (2, 1));
    assert_eq!((counters.nacks, counters.nacked), (1, 1));
    assert_eq!((counters.packets, counters.bytes), (4, 4_000));
}

#[test]
fn a_packet_sent_again_in_its_own_stream_counts_as_repair_and_a_late_one_does_not() {
    let mut stream = begun(&VIDEO, 1);
    stream.take(&packet(10, 4));
    stream.take(&packet(12, 2));
    stream.poll_nacks(ms(20), None, &mut Vec::new());
    stream.take(&packet(60, 3));
    let counters = stream.counters();
    assert_eq!((counters.retransmitted, counters.repaired, counters.nacked), (1, 1, 1));
}

#[test]
fn retransmissions_that_nobody_misses_are_left_out() {
    let mut stream = begun(&VIDEO, 100);
    // Probes carry nothing; a number from nowhere nobody knows; a loop repeats what came.
    assert_eq!(stream.take_rtx(&packet(1, 50), None), None);
    assert_eq!(stream.take_rtx(&packet(1, 51), Some(99)), None);
    assert_eq!(stream.take_rtx(&packet(1, 52), Some(100)), None);
    assert_eq!(stream.take_rtx(&packet(1, 53), Some(40_000)), None);
    assert_eq!(stream.take_rtx(&packet(1, 40_000), Some(101)), None);
    let counters = stream.counters();
    assert_eq!((counters.packets, counters.repaired, counters.retransmitted), (1, 0, 3));
    assert_eq!((counters.discarded, counters.rtx_discarded), (1, 1));
    // One that overtook its original is news, and the original is not.
    assert_eq!(sequence(stream.take_rtx(&packet(2, 54), Some(103))), Some(103));
    let mut asked = Vec::new();
    stream.poll_nacks(ms(12), None, &mut asked);
    assert_eq!(asked, [101, 102]);
    let block = stream.rtx_report(Ssrc(8), ms(1_000)).unwrap();
    assert_eq!((block.ssrc, block.highest_sequence, block.cumulative_lost), (Ssrc(8), 54, 0));
}

#[test]
fn without_nack_nothing_is_asked_for_and_no_repair_believed() {
    let mut stream = begun(&Setup { nack: false, ..VIDEO }, 1);
    assert_eq!(stream.take(&packet(5, 4)).unwrap().gap, None);
    assert_eq!(stream.nacks_at(), None);
    assert_eq!(stream.take_rtx(&packet(9, 1), Some(2)), None);
}

#[test]
fn who_is_paused_asks_for_nothing_and_is_not_silent() {
    let mut stream = begun(&VIDEO, 1);
    stream.take(&packet(5, 4));
    stream.pause();
    assert_eq!((stream.nacks_at(), stream.silent_at()), (None, None));
    assert_eq!(stream.take(&packet(9, 8)).unwrap().gap, None);
    assert_eq!(stream.nacks_at(), None);
    stream.resume(ms(9_000));
    assert_eq!(stream.silent_at(), Some(ms(10_500)));
    assert!(!stream.check_silence(ms(10_499)));
    assert_eq!(stream.take(&packet(9_001, 9)).unwrap().gap, None);
    assert_eq!(stream.take(&packet(9_002, 11)).unwrap().gap, Some(Gap::Listed));
    assert_eq!(stream.counters().packets, 5);
}

#[test]
fn a_restart_is_another_run_and_owes_nothing() {
    let mut stream = begun(&VIDEO, 1);
    stream.take(&packet(5, 9));
    assert!(stream.heard(ms(6), &report(1)));
    assert_eq!(stream.take(&packet(20, 40_000)), None);
    let taken = stream.take(&packet(21, 40_001)).unwrap();
    assert_eq!((taken.standing.run, taken.gap), (1, None));
    assert_eq!((stream.nacks_at(), stream.counters().discarded), (None, 1));
    // Half of the new run is lost, whatever came before it.
    assert!(stream.take(&packet(22, 40_004)).is_some());
    stream.heard(ms(30), &report(2));
    assert_eq!(stream.score(), 0);
    let successor = stream.succeeded(&VIDEO, &packet(30, 5));
    assert_eq!(successor.media.highest().run, 2);
    assert_eq!(successor.counters(), Counters::default());
}

#[test]
fn silence_is_a_score_of_zero_and_ends_with_a_packet() {
    let mut stream = begun(&VIDEO, 1);
    assert_eq!(stream.silent_at(), Some(ms(1_500)));
    assert!(!stream.check_silence(ms(1_499)));
    assert!(stream.check_silence(ms(1_500)));
    assert!(!stream.check_silence(ms(1_600)));
    assert_eq!((stream.score(), stream.silent_at()), (0, None));
    // A report about silence says nothing new.
    assert!(!stream.heard(ms(1_700), &report(1)));
    assert!(stream.take(&packet(2_000, 2)).unwrap().revived);
    assert!(!stream.take(&packet(2_010, 3)).unwrap().revived);
    assert_eq!(stream.score(), 10);
    // A pause hides it until somebody looks again.
    assert!(stream.check_silence(ms(9_000)));
    stream.pause();
    stream.resume(ms(9_500));
    assert_eq!(stream.score(), 0);
    assert!(stream.take(&packet(9_600, 4)).unwrap().revived);
    assert_eq!(begun(&Setup { dtx: true, ..VIDEO }, 1).silent_at(), Some(ms(5_000)));
    assert_eq!(begun(&Setup { watched: false, ..VIDEO }, 1).silent_at(), None);
}

#[test]
fn who_lives_on_repairs_is_not_silent_between_them() {
    let mut stream = begun(&VIDEO, 1);
    assert!(stream.check_silence(ms(1_500)));
    assert!(stream.take_rtx(&packet(2_000, 7), Some(4)).unwrap().revived);
    assert_eq!(stream.silent_at(), Some(ms(3_500)));
    assert!(!stream.check_silence(ms(2_001)));
    assert!(!stream.take_rtx(&packet(2_010, 8), Some(5)).unwrap().revived);
}

#[test]
fn a_flood_of_reports_gives_no_more_samples() {
    let mut stream = begun(&VIDEO, 1);
    assert!(!stream.heard(ms(0), &report(1)));
    // Nine of ten are lost, and each is reported.
    for number in 1..50_u16 {
        stream.take(&packet(u64::from(number), number * 10));
        assert!(!stream.heard(ms(number.into()), &report(1)), "{number}");
    }
    assert!(stream.heard(ms(500), &report(1)));
    assert_eq!(stream.score(), 3, "(10 + 2 * 0) / 3");
    assert!(!stream.heard(ms(999), &report(2)));
    assert!(stream.heard(ms(1_000), &report(2)));
    assert_eq!(stream.score(), 7, "nothing came since: (10 + 3 * 10) / 6");
}

#[test]
fn scores_follow_losses_and_repairs_from_report_to_report() {
    // Of 100 packets a second so many are lost, and so many of those come again: the score after the report.
    let plan = [
        ("nothing lost", 0, 0, 10),
        ("one in twenty lost, none repaired: a sample of 8", 5, 0, 9),
        ("the same, all repaired: (94.1 / 95)^4, a sample of 10", 5, 5, 9),
        ("a fifth lost: a sample of 3", 20, 0, 7),
        ("half lost, half of that repaired: a sample of 0", 50, 25, 5),
        ("nothing lost", 0, 0, 6),
        ("nothing lost", 0, 0, 7),
    ];
    let mut stream = begun(&VIDEO, 0);
    // The first packet is the first of the first interval.
    let (mut number, mut rtx, mut before) = (0, 0_u16, 10);
    for (second, (description, lost, repaired, score)) in (1..).zip(plan) {
        let from = number + 1;
        number += 100;
        for sequence in from + lost..=number {
            stream.take(&packet(u64::from(sequence) * 10, sequence));
        }
        for sequence in from..from + repaired {
            rtx += 1;
            assert!(stream.take_rtx(&packet(u64::from(number) * 10, rtx), Some(sequence)).is_some());
        }
        let changed = stream.heard(ms(second * 1_000), &report(second));
        assert_eq!(stream.score(), score, "{description}");
        assert_eq!(changed, score != before, "{description}");
        before = score;
    }
}

/// A sender that repeats what it is asked for, over a network that loses: what reached the stream in the end.
fn repaired(seed: u64, loss_percent: u64, round_trip_ms: u64) -> (ReceiveStream, BTreeSet<u64>) {
    let mut random = seed;
    let mut lost = move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % 100 < loss_percent
    };
    let mut stream = begun(&VIDEO, 0);
    let (mut came, mut under_way, mut rtx) = (BTreeSet::from([0]), Vec::new(), 0_u16);
    let round_trip = Duration::from_millis(round_trip_ms);
    for now in 0..20_000_u64 {
        if now % 8 == 0 && now > 0 && now < 18_000 && !lost() {
            let taken = stream.take(&packet(now, u16::try_from(now / 8).unwrap()));
            came.extend(sequence(taken));
        }
        under_way.retain(|(at, original)| {
            if *at > now {
                return true;
            }
            rtx += 1;
            if !lost() {
                let taken = stream.take_rtx(&packet(now, rtx), Some(*original));
                assert!(taken.is_some(), "{original} was not missing");
                came.extend(sequence(taken));
            }
            false
        });
        if stream.nacks_at().is_some_and(|at| at <= ms(now)) {
            let mut asked = Vec::new();
            stream.poll_nacks(ms(now), Some(round_trip), &mut asked);
            under_way.extend(asked.into_iter().map(|original| (now + round_trip_ms, original)));
        }
    }
    (stream, came)
}

#[test]
fn every_loss_is_repaired_with_little_more_than_was_lost() {
    for seed in 0..5 {
        let (mut stream, came) = repaired(seed, 5, 80);
        // The last packets may be lost without anybody noticing.
        let highest = *came.last().unwrap();
        assert_eq!(came.len(), usize::try_from(highest + 1).unwrap(), "{seed}");
        let lost = u64::try_from(stream.report(Ssrc(1), ms(20_000)).cumulative_lost).unwrap();
        let counters = stream.counters();
        assert_eq!((counters.repaired, counters.lost), (lost, lost));
        assert!(counters.nacked * 10 <= lost * 13, "{} for {lost}", counters.nacked);
    }
}

proptest! {
    /// Whatever numbers come, in whichever stream: what is counted only grows, and what is missing is bounded.
    #[test]
    fn any_numbers_are_harmless(
        packets in prop::collection::vec((any::<bool>(), any::<u16>(), any::<Option<u16>>(), 0_u64..900), 1..400),
        mut sequence in any::<u16>(),
    ) {
        let mut stream = ReceiveStream::new(&VIDEO, &packet(0, sequence));
        let (mut now, mut before, mut asked) = (0, Counters::default(), Vec::new());
        for (is_media, number, original, pause) in packets {
            now += pause;
            // Half of them near the last, so that some are believed.
            sequence = if number % 2 == 0 { sequence.wrapping_add(number % 2_900) } else { number };
            let arrived = Arrived { timestamp: u32::from(number) << 16, ..packet(now, sequence) };
            let behind = |by: u16| sequence.wrapping_sub(by % 2_000);
            match original.map(behind) {
                original @ Some(_) if !is_media => _ = stream.take_rtx(&arrived, original),
                None if !is_media => _ = stream.heard(ms(now), &report(u64::from(number))),
                _ => _ = stream.take(&arrived),
            }
            asked.clear();
            stream.poll_nacks(ms(now), None, &mut asked);
            prop_assert!(asked.len() <= missing::LIMIT);
            stream.report(Ssrc(1), ms(now));
            let counters = stream.counters();
            let pairs = [
                (before.packets, counters.packets),
                (before.bytes, counters.bytes),
                (before.lost, counters.lost),
                (before.discarded, counters.discarded),
                (before.retransmitted, counters.retransmitted),
                (before.repaired, counters.repaired),
                (before.nacked, counters.nacked),
                (before.rtx_discarded, counters.rtx_discarded),
            ];
            prop_assert!(pairs.iter().all(|(before, after)| before <= after));
            prop_assert!(counters.repaired <= counters.nacked + counters.retransmitted);
            prop_assert!(stream.score() <= 10);
            before = counters;
        }
    }
}
