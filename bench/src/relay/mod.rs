//! The engine of the bench: what an SFU does to a packet and nothing else. Received from a producer as plain RTP,
//! parsed once, kept in one slot, queued for every consumer, then stamped, sealed and sent in runs.
//!
//! It has the shape of the real thing (tables by dense index, a queue per transport, one payload shared by all
//! consumers) and none of its features: no feedback, no retransmission, no layers.

mod build;
mod packets;
mod seal;
mod transport;

use core::convert::Infallible;
use std::sync::{Arc, Barrier};

use net::{Batch, Driver, SocketKey};
use shard::{
    Claim, Context, Crossed, Egress, Engine, Epoch, NoFact, ShardId, Sockets, StreamId, Ticket, TransportKey,
    Way,
};
use wire::rtp::{ExtensionMap, View};
use wire::seq::ExtendedSequence;

pub(crate) use self::build::ShardPlan;
use self::packets::Packets;
use self::transport::Transport;

/// One shard's part of a case.
#[derive(Debug)]
pub(crate) struct Relay {
    /// By key.
    transports: Vec<Option<Transport>>,
    producers: Vec<Producer>,
    /// Which consumers on this shard get a stream, by its number.
    routes: Vec<Vec<Route>>,
    packets: Packets,
    extensions: ExtensionMap,
    /// Datagrams that were not RTP of a producer of that peer, or found no slot.
    refused: u64,
}

/// What control may ask of a relay.
pub(crate) enum Command {
    /// Once: to become its part of a case.
    Build(Box<ShardPlan>),
    /// To stand still, from the first time that all meet at the gate to the second.
    Hold(Arc<Barrier>),
    /// To answer, so that all that was counted before is shown.
    Show,
}

/// Where each peer of this shard sends, or why there is nothing. Nothing to say to the others.
pub(crate) type Reply = Result<Vec<(usize, u16)>, String>;

#[derive(Debug)]
struct Producer {
    transport: TransportKey,
    ssrc: u32,
    /// The stream's number, the same on all shards.
    stream: usize,
    sequence: Option<ExtendedSequence>,
    /// Other shards with consumers.
    elsewhere: Vec<ShardId>,
}

#[derive(Clone, Copy, Debug)]
struct Route {
    transport: TransportKey,
    /// Position among that transport's consumers.
    consumer: u32,
}

impl Relay {
    pub(crate) fn new() -> Self {
        Self {
            transports: Vec::new(),
            producers: Vec::new(),
            routes: Vec::new(),
            packets: Packets::new(),
            extensions: ExtensionMap::new(),
            refused: 0,
        }
    }

    /// One datagram of a bound peer. `None` when it is of no use.
    fn accept(&mut self, transport: TransportKey, datagram: &[u8], cx: &mut Context<Self>) -> Option<()> {
        let view = View::parse(datagram).ok()?;
        let ssrc = view.ssrc().0;
        let producer = self
            .producers
            .iter_mut()
            .find(|producer| producer.transport == transport && producer.ssrc == ssrc)?;
        let sequence =
            producer.sequence.get_or_insert_with(|| ExtendedSequence::starting_at(view.sequence()));
        let index = sequence.extend(view.sequence())?;
        let copy = |slot: &mut [u8]| {
            slot.get_mut(..datagram.len())?.copy_from_slice(datagram);
            Some(datagram.len())
        };
        let payload = cx.fill(datagram.len(), copy).ok()?;
        for &shard in &producer.elsewhere {
            let way = Way { stream: StreamId(u32::try_from(producer.stream).ok()?), epoch: EPOCH };
            // A full ring is a loss that the sinks see.
            cx.hand_over(shard, payload, way, index);
        }
        let stream = producer.stream;
        if self.routes.get(stream).is_none_or(Vec::is_empty) {
            // All its consumers are elsewhere.
            cx.release(payload);
            return Some(());
        }
        let packet = self.packets.insert(payload, &view, index, &self.extensions)?;
        self.fan_out(stream, packet, cx);
        Some(())
    }

    fn fan_out(&mut self, stream: usize, packet: u32, cx: &mut Context<Self>) {
        let routes = self.routes.get(stream).map(Vec::as_slice).unwrap_or_default();
        for route in routes {
            if let Some(Some(transport)) = self.transports.get_mut(route.transport.place()) {
                transport.queue(packet, route.consumer);
                cx.mark_dirty(route.transport);
            }
        }
        if let Some(payload) = self.packets.expect(packet, routes.len()) {
            cx.release(payload);
        }
    }
}

impl Engine for Relay {
    type Command = Command;
    type Reply = Reply;
    type Event = Infallible;
    type Fact = NoFact;
    /// The producer's extended sequence number.
    type Stamp = u64;
    type Timer = ();

    fn command<D: Driver>(
        &mut self,
        command: Command,
        ticket: Ticket,
        sockets: &mut Sockets<'_, D>,
        cx: &mut Context<Self>,
    ) {
        let reply = match command {
            Command::Build(plan) => self.build(&plan, sockets, cx),
            Command::Hold(gate) => {
                gate.wait();
                gate.wait();
                Ok(Vec::new())
            }
            Command::Show => Ok(Vec::new()),
        };
        cx.reply(ticket, reply);
    }

    fn closed(&mut self, _: SocketKey, _: &mut Context<Self>) {}

    fn fact(&mut self, _: ShardId, fact: NoFact, _: &mut Context<Self>) {
        match fact {}
    }

    fn crossed(&mut self, packet: Crossed<u64>, cx: &mut Context<Self>) {
        let stream = usize::try_from(packet.stream.0).unwrap_or(usize::MAX);
        let kept = cx.bytes(packet.payload).and_then(|bytes| {
            let view = View::parse(bytes).ok()?;
            self.packets.insert(packet.payload, &view, packet.stamp, &self.extensions)
        });
        match kept {
            Some(kept) => self.fan_out(stream, kept, cx),
            None => {
                self.refused += 1;
                cx.release(packet.payload);
            }
        }
    }

    fn timer(&mut self, (): (), _: &mut Context<Self>) {}

    fn receive(&mut self, transport: TransportKey, batch: Batch<'_>, cx: &mut Context<Self>) {
        for datagram in batch.datagrams() {
            if self.accept(transport, datagram, cx).is_none() {
                self.refused += 1;
            }
        }
    }

    fn unknown(&mut self, _: Option<TransportKey>, _: Batch<'_>, _: &mut Context<Self>) -> Claim {
        Claim::Dropped
    }

    fn flush<D: Driver>(
        &mut self,
        transport: TransportKey,
        egress: &mut Egress<'_, D>,
        cx: &mut Context<Self>,
    ) {
        if let Some(Some(transport)) = self.transports.get_mut(transport.place()) {
            transport.flush(&mut self.packets, egress, cx);
        }
    }
}

/// Nothing ever pauses here.
const EPOCH: Epoch = Epoch(0);
