//! What the peers of one thread measure together.

use std::time::{Duration, Instant};

use crate::histogram::Histogram;

/// Latencies of packets, and how late the thread itself is.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    pub(crate) run: u32,
    epoch: Instant,
    /// While peers were joining, and afterwards; in nanoseconds.
    pub(crate) while_joining: Histogram,
    pub(crate) afterwards: Histogram,
    is_joining: bool,
    /// Packets of which there is a latency: each once.
    pub(crate) packets: u64,
    /// How late timers were served: what the thread adds to everything it measures.
    pub(crate) lag: Histogram,
    /// Packets that belong to no stream of ours.
    pub(crate) strange: u64,
    /// Datagrams that the kernel did not take.
    pub(crate) unsent: u64,
}

impl Meter {
    pub(crate) fn new(run: u32, epoch: Instant) -> Self {
        Self {
            run,
            epoch,
            while_joining: Histogram::new(),
            afterwards: Histogram::new(),
            is_joining: true,
            packets: 0,
            lag: Histogram::new(),
            strange: 0,
            unsent: 0,
        }
    }

    pub(crate) fn all_have_joined(&mut self) {
        self.is_joining = false;
    }

    pub(crate) fn latency(&mut self, now: Instant, sent_at: Duration) {
        let latency = now.saturating_duration_since(self.epoch).saturating_sub(sent_at);
        let histogram = if self.is_joining { &mut self.while_joining } else { &mut self.afterwards };
        histogram.record(nanos(latency));
        self.packets += 1;
    }

    /// Takes in what another thread measured.
    pub(crate) fn add(&mut self, other: &Self) {
        self.while_joining.add(&other.while_joining);
        self.afterwards.add(&other.afterwards);
        self.lag.add(&other.lag);
        self.packets += other.packets;
        self.strange += other.strange;
        self.unsent += other.unsent;
    }
}

/// For histograms, whose values are 584 years at most.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
