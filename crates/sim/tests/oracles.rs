//! Each oracle finds what is wrong, when something is: the SFU is broken on purpose, between its shards and its peers.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod support;

use sim::plan::{Outcome, Playing};
use sim::world::Tampering;
use support::{calm, play};

/// What an oracle says of a short calm room whose SFU is broken.
fn broken(oracle: &str, tampering: Tampering) -> String {
    let outcome =
        calm(2).play(Playing { seed: 1, tampering: Some(tampering), ..Playing::default() }).unwrap();
    said(&outcome, oracle)
}

fn said(outcome: &Outcome, oracle: &str) -> String {
    let verdict = outcome.verdict(oracle).unwrap();
    assert!(verdict.wrong.count() > 0, "{oracle} found nothing");
    verdict.to_string()
}

#[test]
fn a_calm_room_satisfies_them_all() {
    let outcome = play(&calm(2));
    assert_eq!(outcome.wrong(), 0, "{:#?}", outcome.verdicts);
    assert!(outcome.transcript.packets() > 500);
}

#[test]
fn a_packet_that_is_withheld_is_missed() {
    let said = broken("delivery", |who, number, datagram| match (who, number) {
        (2, 100) => Vec::new(),
        _ => vec![datagram],
    });
    assert!(said.contains("0 times"), "{said}");
}

#[test]
fn a_packet_that_is_sent_twice_is_noticed() {
    let said = broken("delivery", |who, number, datagram| match (who, number) {
        (2, 100) => vec![datagram.clone(), datagram],
        _ => vec![datagram],
    });
    assert!(said.contains("2 times"), "{said}");
}

#[test]
fn another_packet_under_an_index_is_found() {
    // The same header, other bytes behind it, as two packets would look that are sealed under one index.
    let said = broken("one index", |who, number, datagram| match (who, number) {
        (1, 100) => {
            let mut other = datagram.clone();
            other.iter_mut().skip(12).for_each(|byte| *byte ^= 0x55);
            vec![datagram, other]
        }
        _ => vec![datagram],
    });
    assert!(said.contains("seals two packets"), "{said}");
}

#[test]
fn the_same_packet_again_is_one_byte_string() {
    let tampering: Tampering = |who, number, datagram| match (who, number) {
        (1, 100) => vec![datagram.clone(), datagram],
        _ => vec![datagram],
    };
    let outcome =
        calm(1).play(Playing { seed: 1, tampering: Some(tampering), ..Playing::default() }).unwrap();
    assert_eq!(outcome.verdict("one index").unwrap().wrong.count(), 0);
}

#[test]
fn a_number_that_is_left_out_is_found() {
    let said = broken("continuity", |who, number, mut datagram| {
        if who == 2 && number >= 100 && datagram[1] & 0x7f == 101 {
            let sequence = u16::from_be_bytes([datagram[2], datagram[3]]).wrapping_add(1);
            datagram[2..4].copy_from_slice(&sequence.to_be_bytes());
        }
        vec![datagram]
    });
    assert!(said.contains("its number or time is off"), "{said}");
}

#[test]
fn contents_that_are_not_the_originals_are_found() {
    let said = broken("continuity", |who, number, mut datagram| {
        if (who, number) == (2, 100) {
            datagram[40] ^= 1;
        }
        vec![datagram]
    });
    assert!(said.contains("its content is another"), "{said}");
}

#[test]
fn what_no_key_opens_is_found() {
    let said = broken("reports", |who, number, mut datagram| {
        if (who, number) == (1, 100) {
            datagram[40] ^= 1;
        }
        vec![datagram]
    });
    assert!(said.contains("no key opens"), "{said}");
}

#[test]
fn slots_that_are_kept_are_found() {
    let outcome = calm(1).play(Playing { seed: 1, stays_open: true, ..Playing::default() }).unwrap();
    let said = said(&outcome, "slots");
    assert!(said.contains("transports") && said.contains("rooms that are not empty"), "{said}");
}

#[test]
fn worlds_that_differ_are_told_apart() {
    let tampering: Tampering = |who, number, datagram| match (who, number) {
        (2, 50) => Vec::new(),
        _ => vec![datagram],
    };
    let right = play(&calm(1));
    let wrong = calm(1).play(Playing { seed: 1, tampering: Some(tampering), ..Playing::default() }).unwrap();
    let differences = right.transcript.differences(&wrong.transcript);
    // It is missed, and repaired.
    assert!(!differences.is_empty(), "they are the same");
    assert!(differences.iter().all(|difference| difference.starts_with("peer 2")), "{differences:?}");
}
