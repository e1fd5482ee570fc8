//! What crosses between two threads: rings, facts, wake-ups.
//!
//! Between each ordered pair of shards, made when the later of the two starts:
//!
//! | lane | made of | when full | capacity |
//! |---|---|---|---|
//! | packets | [`ring`](mod@ring) of hand-overs (a slot on loan and whose it is) | the packet is dropped and counted | [`PACKET_RING_CAPACITY`] |
//! | facts | [`FactSender`] in front of a [`ring`](mod@ring) | they wait at the sender, coalesced, never lost | [`FACT_RING_CAPACITY`] |
//! | slots coming home | [`ring`](mod@ring) of loans | cannot be: as large as the lender's pool | the pool's number of slots |
//! | wake-ups | [`Waker`], one eventfd per shard | one pending write says it all | 1 |
//!
//! A ring as large as the pool takes all loans home because a slot is lent to one destination at most once at
//! a time: a packet crosses once per shard, not once per consumer.
//!
//! # Which core
//!
//! A [`Producer`], a [`FactSender`] and what they count belong to the sending shard's thread, a [`Consumer`]
//! and a [`Sleeper`] to the receiving shard's. Handles are made by whoever starts the shards and moved there.
//! What both threads touch is one cache line per direction (`ring` has the table), the slots, and the sleep
//! flag. In one tick a sender stages any number of values, publishes each ring once and wakes each
//! destination once: the destination fetches one line for the position, and one for every few slots.
//!
//! # Memory ordering
//!
//! Values travel by release and acquire of a ring's positions (see `ring`), which is all that a polling
//! receiver needs. That one about to sleep needs more, as both sides write one place and then read the
//! other's: `handshake` has the fences and the proof. Nothing else here is shared. Both arguments are checked
//! by loom (`RUSTFLAGS="--cfg loom" cargo test -p net --lib lane --release`); each fence and each pair was
//! weakened once to see the models fail.
//!
//! # What is absent on purpose
//!
//! No blocking send, no lock, no channel with many producers (control has a pair of rings with each shard), and
//! no memory given back while a ring lives. A ring's memory is reserved when it is made but its
//! pages are touched only as it is used: pairs that never talk cost address space.

pub mod facts;
mod handshake;
#[cfg(all(test, loom))]
mod models;
pub mod ring;
pub mod sleep;
mod sync;

pub use facts::{Fact, FactCounters, FactSender};
pub use ring::{Batch, Consumer, Producer, ring};
pub use sleep::{Sleeper, Waker};

/// Packets on their way from one shard to one other. A shard that lags by 20 ms, twice the longest tick that
/// is not already an incident, while the other takes in 100,000 packets a second and hands over every one.
/// Older packets are worth little to a call, and each holds a slot of the sender's pool.
pub const PACKET_RING_CAPACITY: usize = 2048;

/// Facts on their way from one shard to one other. A tick seldom makes more than a few; when a whole room of
/// some hundred pauses at once, the rest waits a tick at the sender.
pub const FACT_RING_CAPACITY: usize = 256;
