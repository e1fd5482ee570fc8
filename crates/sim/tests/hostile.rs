//! One does its worst, and the others do not notice: they get what they get without it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod support;

use std::time::Duration;

use sim::network::{Conditions, Loss};
use sim::oracle::Goal;
use sim::plan::{Deed, Outcome, Playing, Step};
use sim::random::Chance;
use sim::world::Access;
use support::{ROUND_TRIP, plan, run};

/// A room of an honest subscriber in the clear and a sealed one, with a hostile one among them or without.
fn room(is_hostile: bool) -> Outcome {
    let losing = Conditions::losing(Loss::Random(Chance::percent(5)));
    let mut steps = vec![run(1)];
    if is_hostile {
        let path = Conditions { delay: ROUND_TRIP / 2, ..Conditions::default() };
        let access = Access { up: path.clone(), down: path, ..Access::default() };
        steps.push(Step::new("somebody comes who does its worst", Deed::Misbehave(access, 0)));
    }
    steps.push(Step::new("time passes", Deed::Run(Duration::from_secs(4))));
    let goal = Goal { worst: 97.0, mean: 98.5, overhead: 1.3, ..Goal::default() };
    let paths = [Conditions::default(), losing.clone(), losing];
    plan(&paths, goal, steps).play(Playing { seed: 2, ..Playing::default() }).unwrap()
}

#[test]
fn honest_subscribers_do_not_notice() {
    let outcome = room(true);
    assert_eq!(outcome.wrong(), 0, "{:#?}", outcome.verdicts);
}

#[test]
fn what_it_gets_and_what_it_makes_others_do_is_bounded() {
    let (with, without) = (room(true), room(false));
    // It asks 50 times a second for 4,000 packets, for key frames of everything, and sends each repair back.
    let (media, repairs) = with.transcript.sent_to(3);
    assert!(media > 400 && repairs <= media * 16, "{media} packets and {repairs} repairs");
    let key_frames = |outcome: &Outcome| outcome.transcript.key_frames(1);
    // Its requests are answered one after another: each when the key frame before it has come, which takes a round trip.
    // Who wants fewer of them sets a delay between requests.
    let most = 4_000 / 80 + key_frames(&without);
    assert!((2..=most).contains(&key_frames(&with)), "{} key frames", key_frames(&with));
}
