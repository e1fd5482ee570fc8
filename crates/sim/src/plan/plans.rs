//! The plans that there are.

use core::time::Duration;

use super::{Deed, Plan, Publisher, Step, Subscribers, Whom};
use crate::house::Suite;
use crate::network::{Conditions, Loss, Rate};
use crate::oracle::Goal;
use crate::random::Chance;
use crate::world::Access;

/// All of them.
#[must_use]
pub fn all() -> Vec<Plan> {
    vec![
        calm(),
        comings_and_goings(),
        weather(),
        loss("loss-up", "5 % of packets lost between publisher and SFU", random(), Conditions::default()),
        loss(
            "loss-down",
            "5 % of packets lost between SFU and each subscriber",
            Conditions::default(),
            random(),
        ),
        loss("loss-both", "5 % of packets lost on both legs", random(), random()),
        bursts("bursts-up", "bursts of 20 lost between publisher and SFU", (true, false)),
        bursts("bursts-down", "bursts of 20 lost between SFU and each subscriber", (false, true)),
        bursts("bursts-both", "bursts of 20 lost on both legs", (true, true)),
        hostile(),
    ]
}

/// The plan of a name.
#[must_use]
pub fn named(name: &str) -> Option<Plan> {
    all().into_iter().find(|plan| plan.name == name)
}

/// Nothing happens to anybody.
fn calm() -> Plan {
    Plan {
        name: "calm",
        about: "a publisher and six subscribers, half of them sealed, on perfect paths",
        shards: 1,
        goal: Goal { round_trip: ROUND_TRIP, worst: 100.0, mean: 100.0, overhead: 0.0 },
        steps: vec![
            publish(Some(Suite::Gcm), good(Conditions::default())),
            subscribe(3, Some(Suite::Gcm), good(Conditions::default())),
            subscribe(2, None, good(Conditions::default())),
            subscribe(1, Some(Suite::CmSha1), good(Conditions::default())),
            run(5),
        ],
    }
}

/// Everybody comes, pauses, goes on and goes, while media flows.
fn comings_and_goings() -> Plan {
    let access = || good(Conditions::default());
    Plan {
        name: "churn",
        about: "pauses, late comers and early leavers on perfect paths",
        shards: 1,
        goal: Goal { round_trip: ROUND_TRIP, ..Goal::default() },
        steps: vec![
            publish(Some(Suite::Gcm), access()),
            subscribe(3, Some(Suite::Gcm), access()),
            run(2),
            subscribe(2, Some(Suite::Gcm), access()),
            run(2),
            Step::new("two are paused", Deed::PauseConsumer(Whom::From(1, 2))),
            run(1),
            Step::new("and go on", Deed::ResumeConsumer(Whom::From(1, 2))),
            run(2),
            Step::new("the publisher is paused", Deed::PauseProducer(0)),
            run(1),
            Step::new("and goes on", Deed::ResumeProducer(0)),
            run(2),
            Step::new("one leaves", Deed::Leave(Whom::One(3))),
            run(2),
        ],
    }
}

/// Everything that a network does, at once.
fn weather() -> Plan {
    let up =
        Conditions { jitter: 8 * MILLI, reordering: Chance::percent(1), held_back: 12 * MILLI, ..random() };
    let down = Conditions {
        losses: vec![Loss::GilbertElliott {
            worsens: Chance::percent(1),
            improves: Chance::percent(20),
            in_good: Chance::NEVER,
            in_bad: Chance::percent(80),
        }],
        jitter: 15 * MILLI,
        reordering: Chance::percent(1),
        held_back: 20 * MILLI,
        duplication: Chance::percent(1),
        again_within: 10 * MILLI,
        rate: Some(Rate { bits_per_second: 6_000_000, queue_bytes: 100_000 }),
        ..Conditions::default()
    };
    Plan {
        name: "weather",
        about: "loss in bursts, jitter, reordering, duplicates and narrow links, all at once",
        shards: 1,
        // Whoever asks at once gets twice what is merely late.
        goal: Goal { round_trip: ROUND_TRIP, worst: 93.0, mean: 95.0, overhead: 4.0 },
        steps: vec![publish(Some(Suite::Gcm), good(up)), subscribe(5, Some(Suite::Gcm), good(down)), run(30)],
    }
}

/// The goal of repairs: 50 consumers of 1.5 Mbit/s of VP8, with 80 ms there and back. What is lost on a leg is lost in both
/// directions, reports and requests as well.
fn loss(name: &'static str, about: &'static str, up: Conditions, down: Conditions) -> Plan {
    // Three tries fit into the deadline, of which each fails in one of ten cases.
    let goal = Goal { round_trip: ROUND_TRIP, worst: 98.5, mean: 99.7, overhead: 1.3 };
    crowd(name, about, goal, [good(up), good(down)])
}

/// The same with bursts, in the direction of media: a burst counts packets, and of requests there are few.
fn bursts(name: &'static str, about: &'static str, (is_up, is_down): (bool, bool)) -> Plan {
    // Every five hundredth packet begins one: 4 % in all.
    let bursts = || Conditions::losing(Loss::Bursts { begins: Chance::per_million(2_000), length: 20 });
    let (mut publisher, mut subscribers) = (good(Conditions::default()), good(Conditions::default()));
    if is_up {
        publisher.up.losses = bursts().losses;
    }
    if is_down {
        subscribers.down.losses = bursts().losses;
    }
    // Who loses the first of a burst learns of it when the burst is over, and what is sent again may meet the next.
    let goal = Goal { round_trip: ROUND_TRIP, worst: 95.0, mean: 98.5, overhead: 1.3 };
    crowd(name, about, goal, [publisher, subscribers])
}

fn crowd(name: &'static str, about: &'static str, goal: Goal, [publisher, subscribers]: [Access; 2]) -> Plan {
    let steps =
        vec![publish(Some(Suite::Gcm), publisher), subscribe(50, Some(Suite::Gcm), subscribers), run(20)];
    Plan { name, about, shards: 1, goal, steps }
}

/// One does its worst, and the others must not notice.
fn hostile() -> Plan {
    let mut bad = publish(None, good(Conditions::default()));
    bad.description = "somebody comes who does its worst".to_owned();
    bad.deed = Deed::Misbehave(good(Conditions::default()), 0);
    Plan {
        name: "hostile",
        about: "one asks for everything, lies about time and sends repairs in loops; the others have 5 % of loss",
        shards: 1,
        goal: Goal { round_trip: ROUND_TRIP, worst: 99.0, mean: 99.5, overhead: 1.3 },
        steps: vec![
            publish(Some(Suite::Gcm), good(random())),
            subscribe(3, Some(Suite::Gcm), good(random())),
            run(2),
            bad,
            run(15),
        ],
    }
}

/// A path that takes its half of the round trip.
fn good(conditions: Conditions) -> Access {
    let conditions = Conditions { delay: ROUND_TRIP / 2, ..conditions };
    Access { shard: 0, suite: None, up: conditions.clone(), down: conditions }
}

fn random() -> Conditions {
    Conditions::losing(Loss::Random(Chance::percent(5)))
}

fn publish(suite: Option<Suite>, access: Access) -> Step {
    let publisher = Publisher { bits_per_second: 1_500_000, repairs: true };
    Step::new("a publisher comes", Deed::Publish(Access { suite, ..access }, publisher))
}

fn subscribe(count: usize, suite: Option<Suite>, access: Access) -> Step {
    let subscribers = Subscribers { count, of: 0, asks_again: true };
    Step::new(&format!("{count} subscribers come"), Deed::Subscribe(Access { suite, ..access }, subscribers))
}

fn run(seconds: u64) -> Step {
    Step::new(&format!("{seconds} s pass"), Deed::Run(Duration::from_secs(seconds)))
}

const MILLI: Duration = Duration::from_millis(1);
/// There and back, to each peer.
const ROUND_TRIP: Duration = Duration::from_millis(80);
