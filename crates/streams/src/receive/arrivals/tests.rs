use std::collections::BTreeMap;

use proptest::prelude::*;
use wire::Ssrc;
use wire::rtcp::{Builder, Compound, Packet, TransportCc};

use super::*;

fn at(micros: u64) -> Mono {
    Mono::from_nanos(10_000_000_000 + micros * 1_000)
}

/// What the sender of the packets reads: the arrival of each number in microseconds, none for one that did not come.
fn read(arrivals: &mut Arrivals, now: Mono) -> Vec<(u16, Option<u64>)> {
    let (mut told, mut deltas) = (Vec::new(), Vec::new());
    while let Some(report) = arrivals.report(now, &mut deltas) {
        let mut bytes = [0; 1_292];
        let mut builder = Builder::new(&mut bytes);
        let feedback = TransportCc {
            sender: Ssrc(0),
            media: Ssrc(5),
            base_sequence: report.base_sequence,
            reference_64_millis: report.reference_64_millis,
            feedback_count: report.count,
            delta_ticks: &deltas,
        };
        builder.push(&feedback).expect("a report fits into a datagram");
        let compound = Compound::parse(builder.written()).unwrap();
        let Some(Ok(Packet::TransportCc(view))) = compound.packets().next() else { panic!("not feedback") };
        let mut came = view.arrivals().peekable();
        let mut micros = i64::from(view.reference_64_millis) * 64_000;
        for step in 0..view.status_count {
            let number = view.base_sequence.wrapping_add(step);
            let arrival = came.next_if(|arrival| arrival.sequence == number).map(|arrival| {
                micros += i64::from(arrival.delta_ticks) * 250;
                u64::try_from(micros).unwrap()
            });
            told.push((number, arrival));
        }
    }
    told
}

fn micros(at: Mono) -> u64 {
    at.as_nanos() / 1_000
}

#[test]
fn arrivals_and_losses_are_told_once() {
    let mut arrivals = Arrivals::new();
    for (sequence, micros) in [(65_534, 0), (65_535, 1_000), (2, 40_000)] {
        arrivals.arrived(sequence, at(micros));
    }
    assert!(arrivals.has_news());
    let told = read(&mut arrivals, at(100_000));
    let expected = [(65_534, Some(0)), (65_535, Some(1_000)), (0, None), (1, None), (2, Some(40_000))];
    assert_eq!(told.len(), expected.len());
    for ((number, told), (expected_number, expected)) in told.iter().zip(expected) {
        assert_eq!(*number, expected_number);
        let expected = expected.map(|micros| self::micros(at(micros)));
        assert_eq!(told.is_some(), expected.is_some());
        assert!(told.unwrap_or_default().abs_diff(expected.unwrap_or_default()) <= 250);
    }
    assert!(!arrivals.has_news());
    assert_eq!(read(&mut arrivals, at(200_000)), []);
    assert!((arrivals.loss() - 0.4).abs() < 1e-6);
}

#[test]
fn who_comes_after_its_feedback_is_told_again_from_there() {
    let mut arrivals = Arrivals::new();
    [10, 12].into_iter().for_each(|sequence| arrivals.arrived(sequence, at(0)));
    assert_eq!(read(&mut arrivals, at(100_000)).len(), 3);
    arrivals.arrived(11, at(100_000));
    arrivals.arrived(13, at(110_000));
    let told = read(&mut arrivals, at(200_000));
    assert_eq!(told.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [11, 12, 13]);
    assert!(told.iter().all(|(_, arrival)| arrival.is_some()));
    // What is forgotten comes too late.
    assert_eq!(read(&mut arrivals, at(900_000)), []);
    arrivals.arrived(9, at(900_000));
    assert_eq!(read(&mut arrivals, at(900_000)), []);
}

#[test]
fn duplicates_and_jumps_are_harmless() {
    let mut arrivals = Arrivals::new();
    [5, 5, 6, 5].into_iter().for_each(|sequence| arrivals.arrived(sequence, at(0)));
    assert_eq!(read(&mut arrivals, at(0)).len(), 2);
    arrivals.arrived(40_000, at(10));
    arrivals.arrived(7_232, at(10));
    assert_eq!(read(&mut arrivals, at(20)).len(), 1);
    // A gap wider than a report is left out of it.
    arrivals.arrived(15_000, at(30));
    assert_eq!(read(&mut arrivals, at(40)).len(), 1);
}

#[test]
fn a_pause_longer_than_a_delta_begins_another_report() {
    let mut arrivals = Arrivals::new();
    arrivals.arrived(1, at(0));
    arrivals.arrived(2, at(9_000_000));
    let mut deltas = Vec::new();
    let first = arrivals.report(at(9_000_000), &mut deltas).unwrap();
    let second = arrivals.report(at(9_000_000), &mut deltas).unwrap();
    assert_eq!((first.base_sequence, second.base_sequence), (1, 2));
    assert_eq!(second.count, first.count + 1);
}

#[test]
fn a_flood_is_bounded_and_the_rest_is_told() {
    let mut arrivals = Arrivals::new();
    (0..30_000_u16).for_each(|sequence| arrivals.arrived(sequence, at(u64::from(sequence))));
    assert_eq!(arrivals.log.len(), LIMIT);
    let told = read(&mut arrivals, at(100_000));
    assert_eq!((told.len(), told[LIMIT - 1].0), (LIMIT, 29_999));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Loss, duplication and reordering, against a map of everything that came.
    #[test]
    fn what_came_is_told_with_its_time(
        first in any::<u16>(),
        packets in prop::collection::vec((0_u64..3, 0_u64..30, 0_u64..4_000), 1..3_000),
    ) {
        let mut arrivals = Arrivals::new();
        let mut truth = BTreeMap::<u16, u64>::new();
        let mut told = BTreeMap::<u16, u64>::new();
        let (mut number, mut time, mut report_at) = (u64::from(first) + 65_536, 0, 100_000);
        for (step, behind, pause) in packets {
            time += pause;
            while time >= report_at {
                told.extend(read(&mut arrivals, at(report_at)).into_iter().filter_map(|(n, at)| Some((n, at?))));
                report_at += 100_000;
            }
            number += step;
            let sequence = u16::try_from((number - behind.min(number - 65_536)) % 65_536).unwrap();
            // What comes before the first has no place in feedback once that was given.
            arrivals.arrived(sequence, at(time));
            truth.entry(sequence).or_insert_with(|| micros(at(time)));
        }
        told.extend(read(&mut arrivals, at(report_at)).into_iter().filter_map(|(n, at)| Some((n, at?))));
        for (number, arrival) in &told {
            prop_assert!(truth[number].abs_diff(*arrival) <= 250);
        }
        prop_assert_eq!(told.keys().collect::<Vec<_>>(), truth.keys().collect::<Vec<_>>());
    }
}
