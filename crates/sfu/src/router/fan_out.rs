//! A packet's way through the router, and out of it.

use wire::Mono;
use wire::rtp::{ExtensionId, HeaderPlan, Layout, View};

use super::tick::NoPlace;
use super::{Consuming, Counters, Queued, Router, Transport};
use crate::Packet;
use crate::consumer::{Decision, Rewrite};
use crate::listener::Marks;
use crate::producer::{DropReason, ReceiveIds, Received};
use crate::slots::{ConsumerKey, ProducerKey, Slots, TransportKey};

/// What became of a packet that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// That many consumers get it. The router holds the slot until [`Router::finish`] gives it back.
    Forwarded(usize),
    /// Nobody gets it. The router does not hold the slot.
    Not(NotForwarded),
}

/// Why nobody gets a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotForwarded {
    /// The transport is gone, or no producer of it is meant.
    UnknownProducer,
    /// The producer dropped it.
    Dropped(DropReason),
    /// It is a retransmission, which is not yet opened.
    Repair,
    /// No consumer wants it.
    NoTaker,
    /// Its header extensions are too long.
    Oversized,
    /// Too many packets are in flight.
    TickFull,
}

/// A copy that is to be written and sent.
#[derive(Clone, Copy, Debug)]
pub struct Departure<'a, P> {
    /// Who sends it.
    pub consumer: ConsumerKey,
    /// The slot with the packet as it was received.
    pub slot: P,
    /// Where its parts lie.
    pub layout: Layout,
    /// The header, to be stamped.
    pub plan: &'a HeaderPlan,
    /// What to stamp.
    pub rewrite: Rewrite,
}

impl<P: Copy> Router<P> {
    /// Takes an authentic packet of a transport, whose bytes are in `slot` and seen through `view`, to its consumers.
    pub fn receive(&mut self, now: Mono, transport: TransportKey, slot: P, view: &View<'_>) -> Outcome {
        self.pass_on(now, transport, slot, view).map_or_else(Outcome::Not, Outcome::Forwarded)
    }

    /// Takes the list of transports that have something to send, in the order in which they got it. Each is to be
    /// flushed: it is not listed again before, and until then no slot of the tick is given back.
    pub fn take_dirty(&mut self, dirty: &mut Vec<TransportKey>) {
        dirty.append(&mut self.dirty);
    }

    /// Empties a transport's queue into `depart`, in the order in which it was filled.
    pub fn flush(&mut self, transport: TransportKey, depart: &mut impl FnMut(Departure<'_, P>)) {
        let Self { transports, tick, .. } = self;
        let Some(transport) = transports.get_mut(transport) else { return };
        tick.queued = tick.queued.saturating_sub(transport.queue.len());
        for Queued { consumer, packet, rewrite } in transport.queue.drain(..) {
            if let Some(packet) = tick.packet(packet) {
                let (slot, layout, plan) = (packet.slot, packet.layout, &packet.plan);
                depart(Departure { consumer, slot, layout, plan, rewrite });
            }
        }
    }

    /// Gives back the slots of this tick, each once, if every queue is empty.
    pub fn finish(&mut self, released: &mut Vec<P>) {
        self.tick.finish(released);
    }

    fn pass_on(
        &mut self,
        now: Mono,
        transport: TransportKey,
        slot: P,
        view: &View<'_>,
    ) -> Result<usize, NotForwarded> {
        let (key, packet) = self.sort(transport, view)?;
        let Self { transports, producers, consumers, tick, dirty, counters } = self;
        let entry = producers.get(key).ok_or(NotForwarded::UnknownProducer)?;
        if entry.consumers.is_empty() {
            return Err(NotForwarded::NoTaker);
        }
        let added = tick.add(slot, view.layout(), |plan| entry.producer.lay_out(view, plan));
        let place = added.map_err(|no_place| match no_place {
            NoPlace::Oversized => NotForwarded::Oversized,
            NoPlace::Full => {
                counters.tick_full = counters.tick_full.saturating_add(1);
                NotForwarded::TickFull
            }
        })?;
        let mut walk = Walk { transports, consumers, dirty, counters };
        let taken = entry.consumers.iter().filter(|consumer| walk.offer(now, **consumer, &packet, place));
        let taken = taken.count();
        tick.queued = tick.queued.saturating_add(taken);
        if taken == 0 {
            tick.take_back();
            return Err(NotForwarded::NoTaker);
        }
        Ok(taken)
    }

    /// Finds a packet's producer and what it makes of the packet.
    fn sort(
        &mut self,
        transport: TransportKey,
        view: &View<'_>,
    ) -> Result<(ProducerKey, Packet), NotForwarded> {
        let transport = self.transports.get_mut(transport).ok_or(NotForwarded::UnknownProducer)?;
        let known = transport.listener.known(view.ssrc());
        let settled = |key| self.producers.get(key).is_some_and(|entry| entry.producer.knows(view.ssrc()));
        // Marks are looked for only until the stream is known: that walks the header extensions.
        let marks =
            if known.is_some_and(settled) { Marks::default() } else { transport.receive_ids.read(view) };
        let key = known.or_else(|| transport.listener.learn(view.ssrc(), marks));
        let key = key.ok_or(NotForwarded::UnknownProducer)?;
        let entry = self.producers.get_mut(key).ok_or(NotForwarded::UnknownProducer)?;
        match entry.producer.receive(view, marks.rid) {
            Received::Media(packet) => Ok((key, packet)),
            Received::Repair { .. } => Err(NotForwarded::Repair),
            Received::Drop(reason) => Err(NotForwarded::Dropped(reason)),
        }
    }
}

impl ReceiveIds {
    fn read<'a>(&self, view: &View<'a>) -> Marks<'a> {
        let mut marks = Marks::default();
        let mut repaired = None;
        for element in view.elements() {
            let is = |id: Option<ExtensionId>| id == Some(element.id);
            if is(self.mid) {
                marks.mid = marks.mid.or(Some(element.data));
            } else if is(self.rid) {
                marks.rid = marks.rid.or(Some(element.data));
            } else if is(self.repaired_rid) {
                repaired = repaired.or(Some(element.data));
            }
        }
        Marks { rid: marks.rid.or(repaired), ..marks }
    }
}

/// What offering a packet to consumers touches.
struct Walk<'a> {
    transports: &'a mut Slots<TransportKey, Transport>,
    consumers: &'a mut Slots<ConsumerKey, Consuming>,
    dirty: &'a mut Vec<TransportKey>,
    counters: &'a mut Counters,
}

impl Walk<'_> {
    /// Whether the consumer takes the packet.
    #[inline]
    fn offer(&mut self, now: Mono, key: ConsumerKey, packet: &Packet, place: usize) -> bool {
        let Some(entry) = self.consumers.get_mut(key) else { return false };
        let Some(transport) = self.transports.get_mut(entry.transport) else { return false };
        // Asked before the decision: what is lost for want of room then leaves the gap that a loss on the wire would.
        if transport.queue.len() >= QUEUE_LIMIT {
            self.counters.queue_full = self.counters.queue_full.saturating_add(1);
            return false;
        }
        let Decision::Forward(rewrite) = entry.consumer.decide(now, packet) else {
            self.counters.declined = self.counters.declined.saturating_add(1);
            return false;
        };
        if transport.queue.is_empty() {
            self.dirty.push(entry.transport);
        }
        transport.queue.push(Queued { consumer: key, packet: place, rewrite });
        self.counters.forwarded = self.counters.forwarded.saturating_add(1);
        true
    }
}

/// Copies that wait for one transport's flush: as many as there are packets in a tick. More are dropped and counted.
const QUEUE_LIMIT: usize = super::tick::PACKETS_LIMIT;
