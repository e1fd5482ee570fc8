//! What a run found: numbers of all peers put together, and judged.
//!
//! | module | owns |
//! |---|---|
//! | `peers` | from peers to numbers |
//! | `doubts` | whether this program was itself the bottleneck |
//! | `verdicts` | what the thresholds say |

mod doubts;
mod peers;
mod verdicts;

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use crate::engine::ThreadReport;
use crate::histogram::Percentiles;
use crate::own::{self, Load};
use crate::plan::Plan;
use crate::server_process::ServerUsage;
use peers::Sum;
pub(crate) use verdicts::Verdict;

/// As it comes from a run.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) threads: Vec<ThreadReport>,
    /// Peers that never had a transport, by cause.
    pub(crate) refused: BTreeMap<String, u64>,
    /// Peers that began to join.
    pub(crate) began: u64,
    pub(crate) lasted: Duration,
    /// Nothing if it did not come to its end.
    pub(crate) joining_took: Option<Duration>,
    pub(crate) interrupted: bool,
    pub(crate) asking: Asking,
    pub(crate) process: Option<ServerUsage>,
}

/// What asking the server took of this program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asking {
    /// Of the thread that asks.
    pub(crate) load: Load,
    /// How long requests waited for others of ours.
    pub(crate) waits: Option<Percentiles>,
}

/// How a run is to end, for who started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Fine,
    /// A threshold is.
    Missed,
    /// Before there was anything to judge: not all had joined.
    Interrupted,
}

/// Everything that a report says. Times in nanoseconds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Findings {
    pub(crate) plan: Plan,
    pub(crate) lasted: Duration,
    pub(crate) joining_took: Option<Duration>,
    pub(crate) interrupted: bool,
    pub(crate) peers: Peers,
    pub(crate) failures: BTreeMap<String, u64>,
    pub(crate) joining: Joining,
    /// From asking for a stream to its first key frame.
    pub(crate) key_frame_wait: Option<Percentiles>,
    pub(crate) latency: Latency,
    pub(crate) loss: Loss,
    /// The longest time between two packets, of each stream.
    pub(crate) silence: Option<Percentiles>,
    pub(crate) traffic: Traffic,
    pub(crate) own: Own,
    pub(crate) doubts: Vec<String>,
    pub(crate) verdicts: Vec<Verdict>,
    pub(crate) process: Option<ServerUsage>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Peers {
    pub(crate) asked: u64,
    pub(crate) began: u64,
    pub(crate) connected: u64,
    /// Have all that they wanted.
    pub(crate) satisfied: u64,
    pub(crate) failed: u64,
}

/// Of all peers that got so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Joining {
    /// From the first request until connected; of who watches, until the first packet.
    pub(crate) total: Option<Percentiles>,
    /// Creating a transport and connecting it.
    pub(crate) api: Option<Percentiles>,
    /// From then until ICE was connected.
    pub(crate) ice: Option<Percentiles>,
    /// From then until DTLS was.
    pub(crate) dtls: Option<Percentiles>,
    /// From asking for a stream to its first packet.
    pub(crate) first_packet: Option<Percentiles>,
}

/// One way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Latency {
    pub(crate) all: Option<Percentiles>,
    pub(crate) while_joining: Option<Percentiles>,
    pub(crate) afterwards: Option<Percentiles>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Loss {
    /// Packets that should have come.
    pub(crate) expected: u64,
    /// Of these, those that never did.
    pub(crate) lost: u64,
    /// Times that numbers were skipped.
    pub(crate) holes: u64,
    /// Packets that came after later ones: repaired, or out of order.
    pub(crate) late: u64,
    /// Packets that came again.
    pub(crate) repeated: u64,
    /// Of each stream, in millionths.
    pub(crate) of_streams_ppm: Option<Percentiles>,
}

/// Of media: what publishers sent, and subscribers received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) sent_packets: u64,
    pub(crate) sent_bytes: u64,
    pub(crate) key_frames: u64,
    pub(crate) key_frame_requests: u64,
    pub(crate) received_packets: u64,
    pub(crate) received_bytes: u64,
}

/// What it cost this program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) threads: Vec<Load>,
    pub(crate) asking: Asking,
    /// How late its timers were served.
    pub(crate) lag: Option<Percentiles>,
    pub(crate) dropped_by_sockets: u64,
    pub(crate) unsent: u64,
    pub(crate) skipped_frames: u64,
    /// Packets that belong to no stream.
    pub(crate) strange: u64,
}

impl Findings {
    pub(crate) fn of(plan: &Plan, found: Found) -> Self {
        let ports: HashSet<u16> =
            found.threads.iter().flat_map(|thread| thread.ports.iter().copied()).collect();
        let dropped = own::dropped_by_sockets(&ports);
        let Found { threads, refused, began, lasted, joining_took, interrupted, asking, process } = found;
        let patience = if interrupted { Instant::now().checked_sub(plan.pace.join_timeout) } else { None };
        let sum = Sum::of(&threads, refused, patience);
        let failed = sum.failures.values().sum::<u64>();
        // Whoever was still at it when the run was interrupted has not failed, nor has it what it wants.
        let peers = Peers {
            asked: plan.shape.peers(),
            began,
            connected: sum.connected,
            satisfied: sum.satisfied,
            failed: if interrupted { failed } else { began.saturating_sub(sum.satisfied) },
        };
        let own = Own {
            threads: threads.iter().map(|thread| thread.load).collect(),
            asking,
            lag: sum.meter.as_ref().and_then(|meter| meter.lag.percentiles()),
            dropped_by_sockets: dropped,
            unsent: sum.meter.as_ref().map_or(0, |meter| meter.unsent),
            skipped_frames: sum.skipped_frames,
            strange: sum.meter.as_ref().map_or(0, |meter| meter.strange),
        };
        let mut findings = Self {
            plan: plan.clone(),
            lasted,
            joining_took,
            interrupted,
            peers,
            joining: sum.joining(),
            key_frame_wait: sum.key_frame_waits.percentiles(),
            latency: sum.latency(),
            loss: sum.loss(),
            silence: sum.silences.percentiles(),
            traffic: sum.traffic,
            failures: sum.failures,
            doubts: doubts::about(&own),
            own,
            verdicts: Vec::new(),
            process,
        };
        findings.verdicts = verdicts::of(&findings);
        findings
    }

    /// Whether all had joined, or had the time for it, and all thresholds are met.
    pub(crate) fn outcome(&self) -> Outcome {
        if self.interrupted && self.joining_took.is_none() {
            Outcome::Interrupted
        } else if self.verdicts.iter().all(|verdict| verdict.met) {
            Outcome::Fine
        } else {
            Outcome::Missed
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
