//! One core of shardcast: the tick, demultiplexing, timers, and what crosses to other cores.
//!
//! A [`ShardCore`] hosts an [`Engine`] on a `net::Driver`, and calls it in the fixed phases of a tick. It
//! owns all that the engine stands on; only values cross to other shards and to control. See the README for
//! the tick.

#![forbid(unsafe_code)]

mod boundary;
mod config;
mod context;
mod control;
mod counter_kind;
mod counters;
mod demux;
mod dirty;
mod engine;
mod epochs;
#[cfg(feature = "host-glommio")]
mod glommio_host;
mod hash;
mod histogram;
mod io;
mod key;
mod mesh;
mod payload;
mod placement;
pub mod rooms;
mod shard_core;
mod shards;
mod stray;
mod streams;
mod thread;
mod timers;

pub use boundary::{PanicReport, Phase};
pub use config::{Bounds, Capacity, ShardConfig};
pub use context::{Context, Way};
pub use control::{Control, FromShard, QueueSizing, RequestId, Ticket};
pub use counter_kind::{CounterKind, DropClass};
pub use counters::{Counters, CountersReader, RUN_BUCKETS, TICK_BUCKETS, Totals};
pub use demux::{DemuxError, Elsewhere, MAX_TUPLES_PER_TRANSPORT, Tuple};
pub use engine::{Claim, Crossed, Engine, Leaving, NoFact};
pub use hash::HashKey;
pub use histogram::Histogram;
pub use io::{Egress, Sockets};
pub use key::{Epoch, ShardId, StreamId, TransportKey};
pub use mesh::{LaneSizing, Link, Neighbour, connect};
pub use payload::{BorrowedKey, Payload};
pub use placement::{Cpus, Placement};
pub use shard_core::{Face, MakeEngine, ShardCore};
pub use shards::{Plan, Shards};
pub use stray::{Door, Stray};
pub use streams::TcpLimits;
pub use thread::{Shard, Start, StartError, run, spawn};
pub use timers::{RESOLUTION, TimerKey, Timers};
