//! Whether this program was itself the bottleneck.

use super::Own;
use crate::own::Load;

/// A sentence for each reason not to believe the figures.
pub(super) fn about(own: &Own) -> Vec<String> {
    let mut doubts = Vec::new();
    let worst = |of: fn(&Load) -> u64| own.threads.iter().map(of).max().unwrap_or_default();
    let busiest = worst(|load| load.busiest_permille);
    if busiest > BUSY_PERMILLE {
        doubts.push(format!(
            "a thread of peers was busy for {} % of its busiest second; use more --threads, or another machine as well",
            busiest / 10
        ));
    }
    let asking = own.asking.load;
    if asking.busiest_permille > BUSY_PERMILLE || asking.waited_permille > WAITED_PERMILLE {
        doubts.push(format!(
            "the thread that asks the server was busy for {} % of its busiest second and waited for a CPU for {} % of the \
             time, and joining times contain that",
            asking.busiest_permille / 10,
            asking.waited_permille / 10
        ));
    }
    if let Some(waits) = own.asking.waits.filter(|waits| waits.p99 > SLOT_NANOS) {
        doubts.push(format!(
            "one request in a hundred waited {:.1} ms or more for others of this program, and joining times contain that",
            millis(waits.p99)
        ));
    }
    let waited = worst(|load| load.waited_permille);
    if waited > WAITED_PERMILLE {
        doubts.push(format!(
            "a thread of peers could have run and had no CPU for {} % of the time; other programs use this machine, the \
             server perhaps",
            waited / 10
        ));
    }
    if let Some(lag) = own.lag.filter(|lag| lag.p99 > LAG_NANOS) {
        doubts.push(format!(
            "one timer in a hundred was served {:.1} ms late or more, and latencies contain that",
            millis(lag.p99)
        ));
    }
    let mut count = |number: u64, what: &str| {
        if number > 0 {
            doubts.push(format!("{number} {what}"));
        }
    };
    count(own.dropped_by_sockets, "datagrams were dropped because a peer's socket was full");
    count(own.unsent, "datagrams could not be sent because a peer's socket was full");
    count(own.skipped_frames, "frames were not sent because they were more than a second late");
    count(own.strange, "packets belong to no stream that was asked for");
    doubts
}

fn millis(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

/// Above it queues grow.
const BUSY_PERMILLE: u64 = 900;
/// Of all time: above it a wait is likely to be in what was measured.
const WAITED_PERMILLE: u64 = 50;
/// A fifth of the latency that people usually ask about.
const LAG_NANOS: u64 = 1_000_000;
/// A good part of what a join takes.
const SLOT_NANOS: u64 = 5_000_000;
