//! What this machine offers, and what would be used of it: the kernel, the cores, the I/O driver and its offloads.

use std::fmt;
use std::fs;

use net::probe::{self, Decision, HostChoice, Needs};
use shard::Cpus;

/// One look at the machine, taken at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    kernel: Option<String>,
    cpus: Cpus,
    decisions: Vec<Decision>,
}

impl Machine {
    pub(crate) fn look() -> Self {
        let kernel =
            fs::read_to_string("/proc/sys/kernel/osrelease").ok().map(|release| release.trim().to_owned());
        let cpus = Cpus::of_this_process();
        let needs = Needs { shards: cpus.shards(), sockets: SOCKETS_OF_A_SHARD };
        let decisions = match probe::choose(HostChoice::Auto, needs) {
            Ok(chosen) => chosen.decisions,
            // `Auto` falls back and is never refused; should that change, the reason is what a user needs.
            Err(refusal) => {
                vec![Decision { what: "I/O driver", chosen: "none", because: refusal.to_string() }]
            }
        };
        Self { kernel, cpus, decisions }
    }
}

impl Machine {
    /// Which I/O driver would be used, and why.
    pub(crate) fn driver(&self) -> (&'static str, &str) {
        let decision = self.decisions.iter().find(|decision| decision.what == "I/O driver");
        decision.map_or(("none", "nobody decided"), |decision| (decision.chosen, &decision.because))
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "kernel: {}", self.kernel.as_deref().unwrap_or("unknown"))?;
        let allowed: Vec<String> = self.cpus.allowed.iter().map(usize::to_string).collect();
        let (shards, allowed) = (self.cpus.shards(), allowed.join(", "));
        writeln!(f, "shards: up to {shards}, each started on first use, on CPUs {allowed}")?;
        if let Some(milli) = self.cpus.quota_milli {
            writeln!(f, "quota: {milli} thousandths of a CPU, by the tightest cgroup")?;
        }
        self.decisions.iter().try_for_each(|decision| writeln!(f, "{decision}"))
    }
}

/// What the look asks the kernel for: enough sockets that a small limit on descriptors shows.
const SOCKETS_OF_A_SHARD: u32 = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_decision_is_told_with_its_reason_and_what_is_unknown_is_called_so() {
        let because = "io_uring is forbidden".to_owned();
        let decision = Decision { what: "I/O driver", chosen: "epoll", because };
        let cpus = Cpus { allowed: vec![3, 5], quota_milli: Some(1500) };
        let text = Machine { kernel: None, cpus, decisions: vec![decision] }.to_string();
        assert!(text.contains("kernel: unknown\n"), "{text}");
        assert!(text.contains("shards: up to 1, each started on first use, on CPUs 3, 5\n"), "{text}");
        assert!(text.contains("quota: 1500 thousandths"), "{text}");
        assert!(text.contains("I/O driver: epoll, because io_uring is forbidden\n"), "{text}");
    }

    #[test]
    fn this_machine_has_a_core_and_a_driver() {
        let machine = Machine::look();
        assert!(machine.cpus.shards() > 0);
        assert!(
            machine
                .decisions
                .iter()
                .any(|decision| decision.what == "I/O driver" && decision.chosen != "none")
        );
    }
}
