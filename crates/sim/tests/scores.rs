//! Scores of scripted losses: what the formula demands, reckoned by hand, and told in the tick of the report.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod support;

use sim::network::{Conditions, Loss};
use sim::oracle::Goal;
use sim::plan::{Deed, Outcome, Plan, Playing, Publisher, Step, Subscribers};
use sim::world::Access;
use support::{ROUND_TRIP, run};

/// One publisher and one subscriber that lose in a pattern, up or down, and repair or do not.
fn room(up: Loss, down: Loss, repairs: bool) -> Plan {
    let access = |up, down| {
        let delayed = |loss| Conditions { delay: ROUND_TRIP / 2, ..Conditions::losing(loss) };
        Access { up: delayed(up), down: delayed(down), ..Access::default() }
    };
    let publisher = Publisher { bits_per_second: 1_000_000, repairs };
    let subscribers = Subscribers { count: 1, of: 0, asks_again: repairs };
    let steps = vec![
        Step::new("a publisher", Deed::Publish(access(up, Loss::Never), publisher)),
        Step::new("a subscriber", Deed::Subscribe(access(Loss::Never, down), subscribers)),
        run(6),
    ];
    let goal = Goal { round_trip: ROUND_TRIP, ..Goal::default() };
    Plan { name: "scores", about: "", shards: 1, goal, steps }
}

fn play(plan: &Plan) -> Outcome {
    let outcome = plan.play(Playing { seed: 1, ..Playing::default() }).unwrap();
    let scores = outcome.verdict("scores").unwrap();
    assert_eq!(scores.wrong.count(), 0, "{scores}");
    outcome
}

/// The first of so many packets, after the key frame and what it takes to begin.
const fn first_of(round: u32, lost: u32) -> Loss {
    Loss::Every { round, lost, from: 60 }
}

#[test]
fn a_producers_score_is_what_the_formula_makes_of_its_losses() {
    // Of 100 expected, `r` received: round(10 ((r - (100 - r)) / r)^4).
    let unrepaired = [(20, 1, 8), (10, 1, 6), (5, 1, 3), (100, 10, 6)];
    for (round, lost, score) in unrepaired {
        let outcome = play(&room(first_of(round, lost), Loss::Never, false));
        assert_eq!(outcome.scores.told_of(0), Some(score), "{lost} of {round}");
    }
}

#[test]
fn repairs_make_up_for_losses_by_their_weight() {
    // 87.5 received, 12.5 repaired: the weight is (87.5 / 100)^4 = 0.586, so that 5.17 count: 10 (82.33 / 87.5)^4 = 7.83.
    // In the same way 1 of 14 gives 9.23, and 1 of 30 gives 9.83.
    for (round, lost, score) in [(8, 1, 8), (14, 1, 9), (30, 1, 10)] {
        let outcome = play(&room(first_of(round, lost), Loss::Never, true));
        assert_eq!(outcome.scores.told_of(0), Some(score), "{lost} of {round}");
    }
}

#[test]
fn a_consumers_score_follows_its_peers_reports() {
    // Of 100 sent, `l` lost: round(10 ((100 - l) / 100)^4).
    for (round, score) in [(20, 8), (10, 7), (5, 4), (2, 1)] {
        let outcome = play(&room(Loss::Never, first_of(round, 1), false));
        assert_eq!(outcome.scores.told_of(1), Some(score), "1 of {round}");
        assert_eq!(outcome.scores.told_of(0), Some(10), "its producer does well");
    }
    // 10 repaired, for which it took 11 retransmissions: the weight is 0.621, so that 3.8 count.
    let outcome = play(&room(Loss::Never, first_of(10, 1), true));
    assert_eq!(outcome.scores.told_of(1), Some(9));
}
