//! What connects a pair of shards: in each direction a packet ring, a fact ring, and a ring on which lent
//! slots go home.
//!
//! Built by control when a shard starts, one [`Neighbour`] for each of the two, and handed to them through
//! their command queues. Each end belongs to one shard's core. The packet ring is lossy: full means a counted
//! drop. The fact ring loses nothing: what does not fit waits at the sender, coalesced. The way home is as
//! large as the pool it leads to, and no more loans than that are given, so it is never full.
//!
//! A shard that ends, however it does, sends home what it borrowed, leaves the packets it did not take to those
//! who sent them, and then lets go of the ways home. That is how the others see it, and part from it.

use core::fmt;

use net::lane::{Consumer, FACT_RING_CAPACITY, FactSender, PACKET_RING_CAPACITY, Producer, Waker, ring};
use net::pool::{Loan, LoanReader};

use crate::engine::{Crossed, Engine};
use crate::hash::{EntityHash, HashKey};
use crate::key::{Epoch, ShardId, StreamId};
use crate::shard_core::PORTION;

/// What a shard tells about itself, so that others can be connected to it.
#[derive(Clone, Debug)]
pub struct Link {
    pub(crate) shard: ShardId,
    pub(crate) slots: usize,
    pub(crate) reader: LoanReader,
    pub(crate) waker: Waker,
}

impl Link {
    /// Whose link this is.
    #[must_use]
    pub const fn shard(&self) -> ShardId {
        self.shard
    }
}

/// How many values the rings of a pair hold, per direction.
#[derive(Clone, Copy, Debug)]
pub struct LaneSizing {
    /// Packets. More are dropped and counted.
    pub packets: usize,
    /// Facts. More wait at the sender.
    pub facts: usize,
    /// Things that a shard tells facts about: as many facts can wait.
    pub entities: usize,
    /// Key of the table of those that wait.
    pub hash_key: HashKey,
}

impl LaneSizing {
    /// The usual sizes.
    #[must_use]
    pub const fn new(hash_key: HashKey) -> Self {
        Self { packets: PACKET_RING_CAPACITY, facts: FACT_RING_CAPACITY, entities: ENTITIES, hash_key }
    }
}

/// A pair of shards connected: the first neighbour goes to `a`, the second to `b`.
#[must_use]
pub fn connect<E: Engine>(a: &Link, b: &Link, sizing: LaneSizing) -> (Neighbour<E>, Neighbour<E>) {
    let (a_packets, b_packets_in) = ring(sizing.packets);
    let (b_packets, a_packets_in) = ring(sizing.packets);
    let (a_facts, b_facts_in) = ring(sizing.facts);
    let (b_facts, a_facts_in) = ring(sizing.facts);
    let (to_a, a_home) = ring(a.slots);
    let (to_b, b_home) = ring(b.slots);
    let facts = |ring| FactSender::new(ring, sizing.entities, EntityHash::new(sizing.hash_key));
    (
        Neighbour {
            shard: b.shard,
            inbound: Inbound::new(b, a_packets_in, a_facts_in, a_home),
            outbound: Outbound::new(b, a_packets, facts(a_facts), to_b, a.slots),
        },
        Neighbour {
            shard: a.shard,
            inbound: Inbound::new(a, b_packets_in, b_facts_in, b_home),
            outbound: Outbound::new(a, b_packets, facts(b_facts), to_a, b.slots),
        },
    )
}

/// One shard as another sees it.
pub struct Neighbour<E: Engine> {
    pub(crate) shard: ShardId,
    pub(crate) inbound: Inbound<E>,
    pub(crate) outbound: Outbound<E>,
}

/// What comes from a neighbour.
pub(crate) struct Inbound<E: Engine> {
    pub(crate) shard: ShardId,
    pub(crate) packets: Consumer<HandOver<E::Stamp>>,
    pub(crate) facts: Consumer<E::Fact>,
    /// Slots of this shard's own pool.
    pub(crate) home: Consumer<Loan>,
    /// Packets taken in and not yet given to the engine; empty between two portions.
    pub(crate) portion: Vec<Crossed<E::Stamp>>,
    /// The same for datagrams that strayed there. Their bytes are read from here, while the engine writes to a context.
    pub(crate) strays: Vec<Loan>,
    pub(crate) reader: LoanReader,
}

impl<E: Engine> Inbound<E> {
    fn new(
        from: &Link,
        packets: Consumer<HandOver<E::Stamp>>,
        facts: Consumer<E::Fact>,
        home: Consumer<Loan>,
    ) -> Self {
        let (portion, strays) = (Vec::with_capacity(PORTION), Vec::with_capacity(PORTION));
        Self { shard: from.shard, packets, facts, home, portion, strays, reader: from.reader.clone() }
    }

    /// Whether nothing here is worth waking up for. Slots that came home are not: the next tick takes them in
    /// before it needs any.
    pub(crate) fn is_quiet(&self) -> bool {
        self.packets.is_empty() && self.facts.is_empty() && !self.home.is_abandoned()
    }

    /// Whether the neighbour has ended, and all that it said was heard. Reads the line that the way home is read
    /// from anyway.
    pub(crate) fn has_ended(&self) -> bool {
        self.home.is_abandoned() && self.packets.is_empty() && self.facts.is_empty()
    }
}

/// What goes to a neighbour. Dropped in this order: who sees the end of `home` sees all that came before.
pub(crate) struct Outbound<E: Engine> {
    pub(crate) packets: Producer<HandOver<E::Stamp>>,
    pub(crate) facts: FactSender<E::Fact, EntityHash>,
    /// Slots of the neighbour's pool, on their way home.
    pub(crate) home: Producer<Loan>,
    /// Loans of this shard's own slots that have not come home from there, and how many the way home takes. A
    /// slot may be lent twice, for two streams, so there can be more loans than slots.
    pub(crate) abroad: usize,
    most_abroad: usize,
    /// Reads those slots while they are here.
    pub(crate) reader: LoanReader,
    pub(crate) waker: Waker,
}

impl<E: Engine> Outbound<E> {
    fn new(
        to: &Link,
        packets: Producer<HandOver<E::Stamp>>,
        facts: FactSender<E::Fact, EntityHash>,
        home: Producer<Loan>,
        most_abroad: usize,
    ) -> Self {
        let (reader, waker) = (to.reader.clone(), to.waker.clone());
        Self { packets, facts, home, abroad: 0, most_abroad, reader, waker }
    }

    /// Whether another packet can go there: so that the way home is never full.
    #[inline]
    pub(crate) const fn has_way_home(&self) -> bool {
        self.abroad < self.most_abroad
    }

    /// Shows the tick's work to the neighbour, and wakes it when there is any.
    pub(crate) fn publish(&mut self) {
        self.home.publish();
        // Facts first, and no packets while a fact waits for room: a packet must never be visible before a
        // fact that was told before it.
        let facts = self.facts.flush();
        let packets = if self.facts.waiting() == 0 { self.packets.publish() } else { 0 };
        if facts + packets > 0 {
            self.waker.wake();
        }
    }
}

/// A packet on its way.
#[derive(Debug)]
pub(crate) struct HandOver<S> {
    pub(crate) loan: Loan,
    pub(crate) what: What<S>,
}

/// What a packet on its way is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What<S> {
    /// Of a stream that the other shard expects.
    Packet { stream: StreamId, epoch: Epoch, stamp: S },
    /// As it came from the network. See [`Stray`](crate::Stray).
    Stray,
}

impl<E: Engine> fmt::Debug for Neighbour<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Neighbour").field("shard", &self.shard).finish_non_exhaustive()
    }
}

/// Producers, consumers and observers of a full shard, several times over.
const ENTITIES: usize = 65_536;
