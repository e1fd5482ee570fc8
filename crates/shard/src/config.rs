//! What a shard is made with: how much it holds, and how much it does per tick.

use core::time::Duration;

use net::{PoolSizing, ReceiveBudget};

use crate::control::QueueSizing;
use crate::hash::HashKey;
use crate::key::ShardId;
use crate::streams::TcpLimits;

/// Everything a shard needs to know at its start.
#[derive(Clone, Debug)]
pub struct ShardConfig {
    /// Which shard this is.
    pub shard: ShardId,
    /// Key of its tuple table: random in production, fixed in tests.
    pub hash_key: HashKey,
    /// Its packet memory, by who holds it.
    pub pool: PoolSizing,
    /// Sizes of its tables.
    pub capacity: Capacity,
    /// Work per tick.
    pub bounds: Bounds,
    /// Sizes of the queues between it and control.
    pub queues: QueueSizing,
    /// How much TCP it takes.
    pub tcp: TcpLimits,
    /// How long what it counts may stay unseen. Zero shows it with each tick.
    pub counters_interval: Duration,
}

impl ShardConfig {
    /// The usual sizes.
    #[must_use]
    pub fn new(shard: ShardId, hash_key: HashKey) -> Self {
        Self {
            shard,
            hash_key,
            pool: Self::usual_pool(),
            capacity: Capacity::default(),
            bounds: Bounds::default(),
            queues: QueueSizing { commands: 1024, events: 4096 },
            tcp: TcpLimits::default(),
            counters_interval: COUNTERS_INTERVAL,
        }
    }

    /// Most of a shard's packets lie in retransmission stores: room for those of 100 video streams of 1.5 Mbit/s, which
    /// come to 157 packets a second each and stay for 2 s, and of 160 audio streams of 50 packets a second, which stay
    /// for 1 s. Beyond that stores keep less. None of that memory is used before it is needed.
    #[must_use]
    pub fn usual_pool() -> PoolSizing {
        PoolSizing::new()
            .ahead("a tick's receiving", 1024, 1024)
            .with("what waits to be sent", 4096, 4096)
            .with("retransmission stores", STORED_SMALL, STORED_LARGE)
    }
}

/// Most of each thing that a shard holds. Tables are allocated for all of it, and full means an error or a
/// counted drop.
#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    /// Transports.
    pub transports: usize,
    /// Tuples bound to them.
    pub tuples: usize,
    /// Timers that memory is reserved for. More may be armed; the table grows then.
    pub timers: usize,
    /// Packets borrowed from other shards at a time.
    pub borrowed: usize,
    /// Streams that one other shard can send packets of.
    pub streams: usize,
}

impl Default for Capacity {
    /// A shard saturates at some thousand transports; a transport has one tuple and now and then two, and a
    /// handful of timers. Of other shards' packets its stores keep as many as of its own, and some are on their way.
    fn default() -> Self {
        let borrowed = STORED_PACKETS + BORROWED_TO_SEND;
        Self { transports: 8192, tuples: 16_384, timers: 16_384, borrowed, streams: 16_384 }
    }
}

/// Most work of each phase in one tick. What is left over waits for the next tick, which then does not wait.
/// The defaults keep a phase under about a millisecond, so that a NACK or a timer is never later than a few
/// of them add up to.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Commands. They may open sockets and make keys: tens of microseconds each.
    pub commands: usize,
    /// Facts of each neighbour. Cheap state changes, but a neighbour must not fill a tick with them.
    pub facts_per_neighbour: usize,
    /// Packets of each neighbour: as many as one neighbour's tick can receive, or its ring would overflow
    /// while this shard keeps up.
    pub packets_per_neighbour: usize,
    /// Timers. Firing is cheap; what it leads to is bounded by the engine.
    pub timers: usize,
    /// Datagrams: in all, as many as the kernel delivers in a millisecond at 0.5 us each, half of it if each
    /// is sent on ten times; per socket a train of GRO's longest, so that a flooded socket takes a sixteenth
    /// of a tick.
    pub receive: ReceiveBudget,
    /// Transports flushed. Each holds at most what one tick brought it.
    pub flushes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            commands: 64,
            facts_per_neighbour: 1024,
            packets_per_neighbour: 1024,
            timers: 1024,
            receive: ReceiveBudget { total: 1024, per_socket: 64 },
            flushes: 4096,
        }
    }
}

/// Beside the seconds between two looks of anybody, nothing; and a shard that has a packet now and then is woken for it a
/// hundred times a second at most.
const COUNTERS_INTERVAL: Duration = Duration::from_millis(10);
const STORED_SMALL: u32 = 8_192;
const STORED_LARGE: u32 = 32_768;
/// What stores keep in all: what the usual pool may grow by for them.
pub(crate) const STORED_PACKETS: usize = (STORED_SMALL + STORED_LARGE) as usize;
/// What waits to be sent, of packets of any size.
const BORROWED_TO_SEND: usize = 8_192;
