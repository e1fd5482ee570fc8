//! Plans for tests: short enough to be played without optimisation.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

use std::time::Duration;

use sim::house::Suite;
use sim::network::Conditions;
use sim::oracle::Goal;
use sim::plan::{Deed, Outcome, Plan, Playing, Publisher, Step, Subscribers};
use sim::world::Access;

/// There and back.
pub const ROUND_TRIP: Duration = Duration::from_millis(80);

/// A publisher, a sealed subscriber and one in the clear, on paths that lose nothing.
pub fn calm(seconds: u64) -> Plan {
    let conditions = Conditions::default;
    plan(&[conditions(), conditions(), conditions()], Goal::default(), vec![run(seconds)])
}

/// A publisher and a subscriber for each path behind the first, every second one in the clear.
pub fn plan(paths: &[Conditions], goal: Goal, then: Vec<Step>) -> Plan {
    let goal = Goal { round_trip: ROUND_TRIP, ..goal };
    let mut steps = Vec::new();
    for (at, conditions) in paths.iter().enumerate() {
        let conditions = Conditions { delay: ROUND_TRIP / 2, ..conditions.clone() };
        let suite = (at % 2 == 1).then_some(Suite::Gcm);
        let access = Access { shard: at, suite, up: conditions.clone(), down: conditions };
        let deed = if at == 0 {
            Deed::Publish(access, Publisher { bits_per_second: 1_500_000, repairs: true })
        } else {
            Deed::Subscribe(access, Subscribers { count: 1, of: 0, asks_again: true })
        };
        steps.push(Step::new("somebody comes", deed));
    }
    steps.extend(then);
    Plan { name: "test", about: "", shards: 1, goal, steps }
}

pub fn run(seconds: u64) -> Step {
    Step::new("time passes", Deed::Run(Duration::from_secs(seconds)))
}

pub fn play(plan: &Plan) -> Outcome {
    plan.play(Playing { seed: 1, ..Playing::default() }).unwrap()
}
