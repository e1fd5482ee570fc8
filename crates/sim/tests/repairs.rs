//! What is lost is repaired in time, at little cost, on every leg; and the SFU is at fault when it is not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod support;

use sim::network::{Conditions, Loss};
use sim::oracle::Goal;
use sim::plan::Playing;
use sim::random::Chance;
use sim::world::Tampering;
use support::{ROUND_TRIP, plan, play, run};

fn losing() -> Conditions {
    Conditions::losing(Loss::Random(Chance::percent(5)))
}

fn goal() -> Goal {
    // Of some seventy losses at each, one may need a fourth try, which comes too late.
    Goal { round_trip: ROUND_TRIP, worst: 97.0, mean: 98.5, overhead: 1.3 }
}

#[test]
fn losses_between_sfu_and_subscribers_are_repaired() {
    let paths = [Conditions::default(), losing(), losing(), losing()];
    let outcome = play(&plan(&paths, goal(), vec![run(8)]));
    assert_eq!(outcome.wrong(), 0, "{:#?}", outcome.verdicts);
}

#[test]
fn losses_between_publisher_and_sfu_are_repaired_for_all() {
    let paths = [losing(), Conditions::default(), Conditions::default()];
    let outcome = play(&plan(&paths, goal(), vec![run(8)]));
    assert_eq!(outcome.wrong(), 0, "{:#?}", outcome.verdicts);
}

#[test]
fn a_burst_of_twenty_is_repaired() {
    let bursts = Conditions::losing(Loss::Every { round: 500, lost: 20, from: 200 });
    let outcome = play(&plan(&[bursts.clone(), bursts.clone(), bursts], goal(), vec![run(8)]));
    assert_eq!(outcome.wrong(), 0, "{:#?}", outcome.verdicts);
}

/// What the oracle says of a lossy room whose SFU is broken.
fn broken(oracle: &str, tampering: Tampering) -> String {
    let paths = [Conditions::default(), losing(), losing()];
    let playing = Playing { seed: 1, tampering: Some(tampering), ..Playing::default() };
    let outcome = plan(&paths, goal(), vec![run(4)]).play(playing).unwrap();
    let verdict = outcome.verdict(oracle).unwrap();
    assert!(verdict.wrong.count() > 0, "{oracle} found nothing");
    verdict.to_string()
}

#[test]
fn an_sfu_that_does_not_answer_is_found() {
    let said = broken(
        "repair",
        |_, _, datagram| {
            if datagram[1] & 0x7f == 102 { Vec::new() } else { vec![datagram] }
        },
    );
    assert!(said.contains("is not answered") && said.contains("is repaired"), "{said}");
}

#[test]
fn an_sfu_that_answers_twice_is_found() {
    let said = broken("repair", |_, _, datagram| {
        if datagram[1] & 0x7f == 102 { vec![datagram.clone(), datagram] } else { vec![datagram] }
    });
    assert!(said.contains("again after 0 ms") && said.contains("for each loss"), "{said}");
}

#[test]
fn reports_whose_clock_goes_back_are_found() {
    let said = broken("reports", |who, _, mut datagram| {
        if who == 2 && datagram[1] == 200 {
            let backwards = u32::MAX - u32::from(datagram[11]);
            datagram[8..12].copy_from_slice(&backwards.to_be_bytes());
        }
        vec![datagram]
    });
    assert!(said.contains("its clock"), "{said}");
}

#[test]
fn reports_that_count_wrong_are_found() {
    let said = broken("reports", |who, _, mut datagram| {
        if who == 2 && datagram[1] == 200 {
            datagram[21] ^= 1;
        }
        vec![datagram]
    });
    assert!(said.contains("were sent"), "{said}");
}
