//! What an engine writes through: everything of a shard but the driver.
//!
//! One per shard, on its core, handed to the engine with each call. Nothing here calls the engine: what is
//! written takes effect at once (pool, timers, tables) or in the phase that owns it (flush, publish). It
//! outlives the engine; after a panic it is emptied and serves the next one.

use core::fmt;
use std::collections::VecDeque;

use net::{Batch, FillError, Pool, SlotId};
use wire::Mono;

use crate::control::{Outbox, Ticket};
use crate::counters::Totals;
use crate::demux::{Demux, DemuxError, Destination, Elsewhere, Tuple};
use crate::dirty::Dirty;
use crate::engine::{Engine, Leaving};
use crate::epochs::Epochs;
use crate::key::{Epoch, ShardId, StreamId, TransportKey};
use crate::mesh::{HandOver, Outbound, What};
use crate::payload::{Borrowed, Payload};
use crate::stray::{self, Door, Stray};
use crate::timers::{TimerKey, Timers};

mod upkeep;

/// What an engine writes through.
pub struct Context<E: Engine> {
    now: Mono,
    shard: ShardId,
    pub(crate) pool: Pool,
    pub(crate) demux: Demux,
    pub(crate) timers: Timers<E::Timer>,
    pub(crate) dirty: Dirty,
    /// Sockets that transports which were closed had tuples on.
    orphans: Vec<net::SocketKey>,
    /// Connections that came from other shards, and whose they are. Taken in a few a tick, the oldest first.
    newcomers: VecDeque<(net::SocketKey, Leaving)>,
    pub(crate) borrowed: Borrowed,
    pub(crate) epochs: Epochs,
    pub(crate) outbox: Outbox<E::Reply, E::Event>,
    /// By shard.
    pub(crate) outbound: Vec<Option<Outbound<E>>>,
    pub(crate) totals: Totals,
    /// This tick shows what was counted.
    pub(crate) shows_counters: bool,
    /// Something found no room in a queue, and must be tried again without anybody waking this shard for it.
    pub(crate) blocked: bool,
    /// The engine has work for the next tick.
    pub(crate) hurried: bool,
    /// When the engine has to look at what it keeps, though nothing may happen until then.
    pub(crate) wakes_by: Mono,
    /// Packet memory, this shard's or a neighbour's, ran short when the tick began.
    short: bool,
    look_at_pool: Mono,
}

/// Time and place.
impl<E: Engine> Context<E> {
    /// The time of this tick.
    #[must_use]
    pub const fn now(&self) -> Mono {
        self.now
    }

    /// The shard this is.
    #[must_use]
    pub const fn shard(&self) -> ShardId {
        self.shard
    }

    /// There is work left that nobody will wake this shard for: the next tick comes without a wait.
    pub const fn hurry(&mut self) {
        self.hurried = true;
    }

    /// There is something to be seen to at the end of a tick at that time or later, which may be the only reason for
    /// that tick. Holds until the next tick begins, which says it anew.
    pub const fn wake_by(&mut self, at: Mono) {
        if at.as_nanos() < self.wakes_by.as_nanos() {
            self.wakes_by = at;
        }
    }
}

/// Transports.
impl<E: Engine> Context<E> {
    /// Takes up a transport under the key that control gave it.
    ///
    /// # Errors
    /// When the key is beyond the shard's tables, or its place is still taken.
    pub fn open_transport(&mut self, key: TransportKey) -> Result<(), DemuxError> {
        self.demux.open(key)?;
        self.dirty.open(key);
        Ok(())
    }

    /// Forgets a transport: its tuples, the sockets offered to it, its place in the flush. False for a stale
    /// key.
    pub fn close_transport(&mut self, key: TransportKey) -> bool {
        self.dirty.close(key);
        // Those that are TCP connections end with it.
        self.orphans.extend(self.demux.tuples_of(key).iter().map(|tuple| tuple.socket));
        self.demux.close(key)
    }

    /// Whether the key names a transport.
    #[must_use]
    pub fn is_open(&self, key: TransportKey) -> bool {
        self.demux.is_open(key)
    }

    /// From now on datagrams of this tuple are the transport's.
    ///
    /// # Errors
    /// When another transport has the tuple, or there is no room for it. Counted.
    pub fn bind(&mut self, key: TransportKey, tuple: Tuple) -> Result<(), DemuxError> {
        let bound = self.demux.bind(key, tuple);
        self.totals.tuples_refused += u64::from(bound.is_err());
        bound
    }

    /// Undoes `bind`. False when the transport does not have that tuple.
    pub fn unbind(&mut self, key: TransportKey, tuple: Tuple) -> bool {
        self.demux.unbind(key, tuple)
    }

    /// From now on datagrams of this tuple, which no transport here has, are those of a transport of another shard:
    /// [`Engine::astray`] gets them. Who is named last counts, and after him who was named before and has not been undone.
    ///
    /// # Errors
    /// When there is no room for it. Counted.
    pub fn bind_elsewhere(&mut self, whose: Elsewhere, tuple: Tuple) -> Result<(), DemuxError> {
        let bound = self.demux.bind_elsewhere(whose, tuple);
        self.totals.tuples_refused += u64::from(bound.is_err());
        bound
    }

    /// Undoes that, for that one.
    pub fn unbind_elsewhere(&mut self, whose: Elsewhere, tuple: Tuple) {
        self.demux.unbind_elsewhere(whose, tuple);
    }

    /// Undoes all of them that are of that shard, or of that socket.
    pub fn forget_elsewhere(&mut self, is_forgotten: impl Fn(ShardId, net::SocketKey) -> bool) {
        self.demux.forget_elsewhere(is_forgotten);
    }

    /// Where a batch goes that was not received here.
    #[inline]
    pub(crate) fn route(&mut self, batch: &Batch<'_>) -> Destination {
        self.demux.route(batch)
    }

    /// Says to which transport unknown peers of a socket are offered, if to any.
    pub fn own_socket(&mut self, socket: net::SocketKey, owner: Option<TransportKey>) {
        self.demux.own(socket, owner);
    }

    /// The listener that accepted a TCP connection.
    #[must_use]
    pub fn listener_of(&self, connection: net::SocketKey) -> Option<net::SocketKey> {
        self.demux.listener(connection)
    }

    /// Goes on with a TCP connection that another shard accepted, as if that listener of this one had. One more than may
    /// wait is closed and counted.
    pub fn take_over(&mut self, listener: net::SocketKey, leaving: Leaving) {
        if self.newcomers.len() < NEWCOMERS_WAITING {
            self.newcomers.push_back((listener, leaving));
        } else {
            self.totals.tcp_not_handed_over += 1;
        }
    }

    /// The transport has something to send: flush it once in this tick, after those that were marked before. A
    /// stale key marks nothing.
    #[inline]
    pub fn mark_dirty(&mut self, key: TransportKey) {
        self.dirty.mark(key);
    }
}

/// Packets.
impl<E: Engine> Context<E> {
    /// Writes one packet of at most `max_len` bytes into a slot, which is immutable from then on and has one
    /// reference. See [`Pool::fill`].
    ///
    /// # Errors
    /// Each is counted.
    #[inline]
    pub fn fill(
        &mut self,
        max_len: usize,
        filler: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> Result<Payload, FillError> {
        self.pool.fill(max_len, filler).map(Payload::Own)
    }

    /// The bytes of a packet; `None` when its last reference is gone, or the shard that lent it.
    #[inline]
    #[must_use]
    pub fn bytes(&self, payload: Payload) -> Option<&[u8]> {
        match payload {
            Payload::Own(slot) => self.pool.bytes(slot),
            Payload::Borrowed(_) => {
                let (reader, loan) = self.lent(payload)?;
                reader.bytes(loan)
            }
        }
    }

    /// Says that the bytes of a packet are wanted soon. One that another shard lent is fetched from that core's
    /// cache meanwhile; worth a call before the work on the packet in front of it. Costs next to nothing from the
    /// second call for a packet on.
    #[inline]
    pub fn prefetch(&mut self, payload: Payload) {
        let Payload::Borrowed(key) = payload else { return };
        let Some((home, loan)) = self.borrowed.find_unfetched(key) else { return };
        if let Some(Some(outbound)) = self.outbound.get(home.index()) {
            outbound.reader.prefetch(loan);
        }
    }

    /// Whether who keeps packets for later should let some go, oldest first: memory for what is received has become
    /// short, here or at a shard that lent some. What is true at the beginning of a tick is true to its end; by then
    /// there is room for two more.
    #[must_use]
    pub const fn is_short(&self) -> bool {
        self.short
    }

    /// Packets that this shard's own memory still has room for.
    #[must_use]
    pub fn slots_left(&self) -> usize {
        self.pool.left()
    }

    /// Adds a reference. False when the last one is gone.
    #[inline]
    pub fn retain(&mut self, payload: Payload) -> bool {
        match payload {
            Payload::Own(slot) => self.pool.retain(slot),
            Payload::Borrowed(key) => self.borrowed.retain(key),
        }
    }

    /// Drops a reference. With the last one the slot is free, or goes home.
    #[inline]
    pub fn release(&mut self, payload: Payload) {
        match payload {
            Payload::Own(slot) => {
                self.pool.release(slot);
            }
            Payload::Borrowed(key) => {
                if let Some((home, loan)) = self.borrowed.release(key) {
                    self.send_home(home, loan);
                }
            }
        }
    }
}

/// Timers.
impl<E: Engine> Context<E> {
    /// Arms a timer. See [`Timers::arm`].
    pub fn arm(&mut self, at: Mono, timer: E::Timer) -> TimerKey {
        self.timers.arm(at, timer)
    }

    /// Moves an armed timer. False for a stale key.
    pub fn rearm(&mut self, key: TimerKey, at: Mono) -> bool {
        self.timers.rearm(key, at)
    }

    /// Disarms a timer. `None` for a stale key.
    pub fn cancel(&mut self, key: TimerKey) -> Option<E::Timer> {
        self.timers.cancel(key)
    }
}

/// Other shards.
impl<E: Engine> Context<E> {
    /// Hands a packet to another shard: one loan, however many consumers it has there. The caller keeps its
    /// reference. False when the packet did not go: the ring is full, there is no such neighbour, or the
    /// packet is itself borrowed (a packet crosses once, from the shard that received it). All but the last
    /// are counted.
    pub fn hand_over(&mut self, to: ShardId, payload: Payload, way: Way, stamp: E::Stamp) -> bool {
        let Payload::Own(slot) = payload else {
            return false;
        };
        let what = What::Packet { stream: way.stream, epoch: way.epoch, stamp };
        let sent = self.send_over(to, slot, what);
        match sent {
            Sent::Gone => self.totals.handed_over += 1,
            Sent::NoNeighbour => self.totals.dropped_no_neighbour += 1,
            Sent::NoRoom => self.totals.dropped_ring_full += 1,
            Sent::NoSlot => {}
        }
        sent == Sent::Gone
    }

    /// Hands datagrams of a shared port to the shard of their transport, which knows the port as `door`. Each is copied,
    /// once. What finds no room is dropped and counted. `hops`: how often they were handed over with this time.
    pub fn hand_over_strays(&mut self, to: ShardId, door: Door, hops: u8, batch: &Batch<'_>) {
        let mut header = [0; stray::HEADER_BYTES];
        Stray::write_header(door, hops, batch, &mut header);
        for datagram in batch.datagrams() {
            let copy = |slot: &mut [u8]| {
                let (before, rest) = slot.split_at_mut_checked(stray::HEADER_BYTES)?;
                before.copy_from_slice(&header);
                rest.get_mut(..datagram.len())?.copy_from_slice(datagram);
                Some(stray::HEADER_BYTES + datagram.len())
            };
            let sent = match self.pool.fill(stray::HEADER_BYTES + datagram.len(), copy) {
                Ok(slot) => {
                    let sent = self.send_over(to, slot, What::Stray);
                    self.pool.release(slot);
                    sent
                }
                Err(_) => Sent::NoSlot,
            };
            let is_gone = sent == Sent::Gone;
            self.totals.strays_handed_over += u64::from(is_gone);
            self.totals.dropped_strays += u64::from(!is_gone);
        }
    }

    fn send_over(&mut self, to: ShardId, slot: SlotId, what: What<E::Stamp>) -> Sent {
        let Some(outbound) = self.outbound.get_mut(to.index()).and_then(Option::as_mut) else {
            return Sent::NoNeighbour;
        };
        if !outbound.has_way_home() {
            return Sent::NoRoom;
        }
        let Some(loan) = self.pool.lend(slot) else { return Sent::NoSlot };
        match outbound.packets.push(HandOver { loan, what }) {
            Ok(()) => {
                outbound.abroad += 1;
                Sent::Gone
            }
            Err(HandOver { loan, .. }) => {
                self.pool.take_back(loan);
                Sent::NoRoom
            }
        }
    }

    /// Tells another shard a fact. It is not lost, and arrives before any packet handed over after it; a
    /// later fact about the same entity may stand for it.
    ///
    /// # Errors
    /// The fact, when there is no such neighbour, or more entities than its lane was made for.
    pub fn tell(&mut self, to: ShardId, fact: E::Fact) -> Result<(), E::Fact> {
        match self.outbound.get_mut(to.index()).and_then(Option::as_mut) {
            Some(outbound) => outbound.facts.set(fact),
            None => Err(fact),
        }
    }

    /// Takes back what waits to be told to another shard. For an engine that takes over from one that is gone: what that
    /// one said is about nothing that is left.
    pub fn withdraw(&mut self, to: ShardId) {
        if let Some(outbound) = self.outbound.get_mut(to.index()).and_then(Option::as_mut) {
            outbound.facts.withdraw();
        }
    }

    /// The shards that it is connected to.
    pub fn neighbours(&self) -> impl Iterator<Item = ShardId> {
        let connected = (0..).zip(&self.outbound).filter(|(_, outbound)| outbound.is_some());
        connected.map(|(shard, _)| ShardId(shard))
    }

    /// Facts for another shard that it has not taken, wherever they are. `None` when there is no such neighbour.
    #[must_use]
    pub fn facts_ahead(&self, to: ShardId) -> Option<usize> {
        let facts = &self.outbound.get(to.index())?.as_ref()?.facts;
        Some(facts.waiting() + facts.ring().len())
    }

    /// Facts for another shard that wait for room in its lane. `None` when there is no such neighbour.
    #[must_use]
    pub fn facts_waiting(&self, to: ShardId) -> Option<usize> {
        Some(self.outbound.get(to.index())?.as_ref()?.facts.waiting())
    }

    /// From now on packets of this stream are taken when they are of this epoch, and discarded otherwise.
    /// `None` ends the stream. False when the stream's number is beyond the table.
    pub fn expect(&mut self, from: ShardId, stream: StreamId, epoch: Option<Epoch>) -> bool {
        self.epochs.expect(from, stream, epoch)
    }
}

/// Control.
impl<E: Engine> Context<E> {
    /// Answers a command.
    pub fn reply(&mut self, ticket: Ticket, reply: E::Reply) {
        self.shows_counters = true;
        self.totals.replies += u64::from(self.outbox.reply(ticket, reply));
    }

    /// Tells control something.
    ///
    /// # Errors
    /// The event, when control is behind: keep it, merge it with what follows, and try again in
    /// [`Engine::publish`].
    pub fn event(&mut self, event: E::Event) -> Result<(), E::Event> {
        let told = self.outbox.event(event);
        self.totals.events += u64::from(told.is_ok());
        self.totals.events_refused += u64::from(told.is_err());
        self.blocked |= told.is_err();
        told
    }
}

/// What became of a packet for another shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Gone,
    NoNeighbour,
    /// In the ring, or on the way home.
    NoRoom,
    /// Its last reference is gone, or there was no memory for it.
    NoSlot,
}

/// The way of a packet to another shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// The stream it belongs to, in this shard's numbering.
    pub stream: StreamId,
    /// The epoch that the stream is in.
    pub epoch: Epoch,
}

impl<E: Engine> fmt::Debug for Context<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("shard", &self.shard).field("now", &self.now).finish_non_exhaustive()
    }
}

/// Each holds a descriptor and what was read of it. As many as are taken in within a few ticks.
const NEWCOMERS_WAITING: usize = 256;
