//! How large the rooms of a shard may become.

use core::time::Duration;

use crate::boundary::Phase;
use crate::config::STORED_PACKETS;
use crate::hash::HashKey;

/// How large the rooms of a shard may become. A key whose index is beyond the bound is refused.
#[derive(Clone, Copy, Debug)]
pub struct RoomsConfig {
    /// Transports: as many as the shard's [`Capacity`](crate::Capacity) says.
    pub transports: usize,
    /// Producers and what stands for those of other shards: as many as [`Capacity`](crate::Capacity) has streams.
    pub producers: usize,
    /// Of any other kind of object.
    pub others: usize,
    /// Key of the table of ICE user names on shared ports: random in production, fixed in tests.
    pub hash_key: HashKey,
    /// Objects closed, and rows of long answers told, in one tick.
    pub work_per_tick: usize,
    /// Whether packets of one video stream that leave together are made as long as the longest of them by padding.
    pub levelling: bool,
    /// Packets kept for being asked for again, also borrowed ones. More than that, and the oldest go first; so they do as
    /// soon as memory becomes short, which on a smaller pool is earlier.
    pub stored_packets: usize,
    /// What a wall clock shows at [`wire::Mono::ZERO`]. All shards of a process have the same.
    pub ntp_at_zero: wire::Ntp,
    /// A defect, for tests of what a panic costs.
    pub fault: Option<Fault>,
}

/// A defect on order.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// While the shard does this.
    pub phase: Phase,
    /// After so many calls that went well. Whoever takes over after a panic has no fault.
    pub after: u64,
    /// What the defect does.
    pub kind: FaultKind,
}

/// What a defect does.
#[derive(Clone, Copy, Debug)]
pub enum FaultKind {
    /// The engine panics.
    Panic,
    /// The thread does not come back until this says so, and then goes on as if nothing had been.
    Hang(fn() -> bool),
}

/// What a thread does that hangs.
#[cold]
pub(super) fn hang_until(is_over: fn() -> bool) {
    while !is_over() {
        std::thread::park_timeout(HUNG_LOOK);
    }
}

impl RoomsConfig {
    /// Two for each transport, of which one is from before a restart of ICE; for those of other shards too.
    pub(super) const fn ufrags(self) -> usize {
        self.transports.saturating_mul(2 * SHARDS_OF_A_PORT)
    }

    pub(super) const fn sfu(self) -> sfu::Config {
        sfu::Config {
            transports: self.transports,
            producers: self.producers,
            consumers: self.others,
            data_producers: self.others,
            data_consumers: self.others,
            levelling: self.levelling,
            stored_packets: self.stored_packets,
            ntp_at_zero: self.ntp_at_zero,
        }
    }
}

impl Default for RoomsConfig {
    /// Beside the usual capacity of a shard.
    fn default() -> Self {
        let capacity = crate::Capacity::default();
        Self {
            transports: capacity.transports,
            producers: capacity.streams,
            others: OTHERS,
            hash_key: HashKey([5, 6]),
            work_per_tick: WORK_PER_TICK,
            levelling: false,
            stored_packets: STORED_PACKETS,
            ntp_at_zero: wire::Ntp::default(),
            fault: None,
        }
    }
}

/// As many shards as one port is seldom shared by.
const SHARDS_OF_A_PORT: usize = 8;
/// Consumers are the most numerous: each of some thousand transports takes what a dozen others send.
const OTHERS: usize = 262_144;
/// At about a microsecond each, a fraction of what a tick may take.
const WORK_PER_TICK: usize = 256;
/// Tests wait for seconds until it is known that a thread hangs.
const HUNG_LOOK: Duration = Duration::from_millis(10);
