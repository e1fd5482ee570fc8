//! What a forwarder has used and done so far; two of them make a measurement.

use serde::{Deserialize, Serialize};
use shard::Counters;

use crate::os::Cpu;

/// The whole process.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) cpu: Cpu,
    pub(crate) allocs: u64,
    pub(crate) shards: Vec<ShardSnapshot>,
}

/// One shard.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ShardSnapshot {
    /// Of its thread.
    pub(crate) cpu_ns: u64,
    pub(crate) received: u64,
    pub(crate) sent_datagrams: u64,
    pub(crate) sent_runs: u64,
    /// Datagrams the kernel did not take, for any reason.
    pub(crate) send_drops: u64,
    pub(crate) handed_over: u64,
    pub(crate) crossed: u64,
    /// Packets that the ring to another shard had no room for.
    pub(crate) ring_full: u64,
    pub(crate) unknown: u64,
    pub(crate) waits: u64,
    pub(crate) wakes: u64,
    pub(crate) syscalls: u64,
}

impl Snapshot {
    /// A figure of all shards together.
    pub(crate) fn total(&self, field: fn(&ShardSnapshot) -> u64) -> u64 {
        self.shards.iter().map(field).sum()
    }
}

impl ShardSnapshot {
    pub(super) fn of(cpu_ns: u64, counters: &Counters) -> Self {
        let (totals, driver) = (&counters.totals, &counters.driver);
        Self {
            cpu_ns,
            received: driver.received_datagrams,
            sent_datagrams: driver.sent_datagrams,
            sent_runs: driver.sent_runs,
            send_drops: driver.dropped_would_block
                + driver.dropped_refused
                + driver.dropped_error
                + driver.dropped_no_socket,
            handed_over: totals.handed_over,
            crossed: totals.crossed,
            ring_full: totals.dropped_ring_full,
            unknown: totals.dropped_unknown,
            waits: driver.waits,
            wakes: driver.wakes,
            syscalls: driver.syscalls,
        }
    }
}
