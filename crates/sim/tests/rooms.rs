//! Rooms that come out right: one seed gives one result, and one shard forwards what three do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod support;

use std::time::Duration;

use sim::network::{Conditions, Loss};
use sim::oracle::Goal;
use sim::plan::{Deed, Playing, Step, Whom, named};
use sim::random::Chance;
use sim::timeline::{Detail, Timeline};
use support::{plan, run};

fn bad() -> Conditions {
    Conditions {
        losses: vec![Loss::Random(Chance::percent(5))],
        jitter: Duration::from_millis(5),
        reordering: Chance::percent(1),
        held_back: Duration::from_millis(10),
        duplication: Chance::percent(1),
        ..Conditions::default()
    }
}

#[test]
fn one_seed_one_result() {
    let room = plan(&[bad(), bad(), bad()], Goal::default(), vec![run(2)]);
    let play = |seed| {
        let timeline = Timeline::new(Detail::Packets, None);
        room.play(Playing { seed, timeline, ..Playing::default() }).unwrap()
    };
    let (once, again, other) = (play(7), play(7), play(8));
    assert!(once.timeline.lines().len() > 2_000);
    assert_eq!(once.timeline.lines(), again.timeline.lines());
    assert_ne!(once.timeline.lines(), other.timeline.lines());
}

#[test]
fn one_shard_and_three_forward_the_same_packets() {
    let steps = vec![
        run(1),
        Step::new("one is paused", Deed::PauseConsumer(Whom::One(2))),
        run(1),
        Step::new("and goes on", Deed::ResumeConsumer(Whom::One(2))),
        Step::new("the publisher is paused", Deed::PauseProducer(0)),
        run(1),
        Step::new("and goes on", Deed::ResumeProducer(0)),
        run(1),
    ];
    let room = plan(&[bad(), bad(), bad(), bad()], Goal::default(), steps);
    let play = |shards| room.play(Playing { seed: 3, shards: Some(shards), ..Playing::default() }).unwrap();
    let (one, three) = (play(1), play(3));
    assert!(one.transcript.packets() > 500);
    assert_eq!(one.transcript.differences(&three.transcript), [""; 0]);
    for verdict in one.verdicts.iter().chain(&three.verdicts) {
        assert_eq!(verdict.wrong.count(), 0, "{verdict}");
    }
}

#[test]
fn people_come_and_go() {
    let outcome = named("churn").unwrap().play(Playing { seed: 1, ..Playing::default() }).unwrap();
    assert_eq!(outcome.wrong(), 0, "{:#?}", outcome.verdicts);
}
