//! A packet's way between the shard and `sfu`: datagrams in, hand-overs to other shards, runs out.

use std::net::{IpAddr, SocketAddr};

use model::key::{ProducerKey, TransportKey};
use net::{Batch, Driver, SocketKey, Transmit};
use sfu::{Datagram, Depart, Departing, HandOver, Io, Local, Output, Packets, Verdict};
use wire::Mono;

use super::fact::{Fact, Said};
use super::transports::{Peers, Station};
use super::{Rooms, Timer};
use crate::context::{Context, Way};
use crate::demux::Tuple;
use crate::engine::{Claim, Crossed};
use crate::io::Egress;
use crate::key::StreamId;
use crate::payload::Payload;

/// What travels beside a packet to another shard.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    producer: ProducerKey,
    replica: ProducerKey,
    packet: sfu::Stamp,
}

impl Packets for Context<Rooms> {
    type Slot = Payload;

    #[inline]
    fn fill(&mut self, max_len: usize, filler: impl FnOnce(&mut [u8]) -> Option<usize>) -> Option<Payload> {
        Self::fill(self, max_len, filler).ok()
    }

    #[inline]
    fn bytes(&self, slot: Payload) -> Option<&[u8]> {
        Self::bytes(self, slot)
    }

    #[inline]
    fn retain(&mut self, slot: Payload) -> bool {
        Self::retain(self, slot)
    }

    #[inline]
    fn release(&mut self, slot: Payload) {
        Self::release(self, slot);
    }

    #[inline]
    fn is_short(&self) -> bool {
        Self::is_short(self)
    }

    #[inline]
    fn prefetch_start<T: ?Sized>(&self, what: &T, bytes: usize) {
        net::prefetch::start_of(what, bytes);
    }
}

/// Where one transport's datagrams leave.
struct Leaving<'a, 'b, D: Driver> {
    egress: &'a mut Egress<'b, D>,
    station: &'a Station,
}

impl<D: Driver> Depart for Leaving<'_, '_, D> {
    #[inline]
    fn reserve(&mut self, len: usize) -> &mut [u8] {
        self.egress.reserve(len)
    }

    #[inline]
    fn send(&mut self, departing: Departing) {
        let Departing { local, to, len, segment_size, is_answer } = departing;
        // Direct transports have none, and send nothing.
        match local {
            Local::Socket { place, ip } => {
                let Some(socket) = self.station.socket(place) else { return };
                // Who asked before the socket was another's alone is not answered; it will ask again, and not be
                // heard. Where media go the socket goes, too.
                if is_answer && !self.station.reaches(socket, to) {
                    return;
                }
                let from = ip.or_else(|| self.station.from(place));
                self.egress.send(Transmit { socket, to, from, len, segment_size });
            }
            Local::Connection { connection, .. } => {
                let socket = SocketKey::new(connection.index, connection.generation);
                self.egress.send_framed(&Transmit { socket, to, from: None, len, segment_size });
            }
        }
    }
}

impl Rooms {
    /// Takes datagrams of a transport. Whether any was of use.
    pub(super) fn take_in(
        &mut self,
        transport: TransportKey,
        batch: &Batch<'_>,
        cx: &mut Context<Self>,
    ) -> Claim {
        let Some(local) = self.local(transport, batch.socket, batch.to, cx) else { return Claim::Dropped };
        let mut claim = Claim::Dropped;
        let mut io = Io { now: cx.now(), packets: cx, out: &mut self.outputs };
        for bytes in batch.datagrams() {
            let datagram = Datagram { local, from: batch.from, received: batch.received, bytes };
            if self.sfu.receive(transport, &datagram, &mut io) == Verdict::Taken {
                claim = Claim::Taken;
            }
        }
        self.carry_out(cx);
        claim
    }

    /// Takes datagrams of a peer that is not bound to the transport whose socket they came on. Once one of them was of
    /// use, it is.
    pub(super) fn meet(
        &mut self,
        transport: TransportKey,
        batch: &Batch<'_>,
        cx: &mut Context<Self>,
    ) -> Claim {
        let claim = self.take_in(transport, batch, cx);
        // Whose tuples ICE knows, it says which are bound.
        if claim == Claim::Taken
            && let Some(station) = self.transports.get_mut(transport)
            && station.peers == Peers::Fixed
        {
            if let Some(local) = station.local(batch.socket, batch.to) {
                station.set_from(local.place(), batch.to);
            }
            // Counted. There is no room: then each of its datagrams comes this way.
            let _ = cx.bind(transport, Tuple::of(batch));
        }
        claim
    }

    pub(super) fn take_crossed(&mut self, packet: &Crossed<Stamp>, cx: &mut Context<Self>) {
        let Crossed { from, epoch, stamp: Stamp { producer, replica, packet: stamp }, payload, .. } = *packet;
        let shard = model::key::ShardIndex(from.0);
        let hand_over = HandOver { producer, shard, replica, epoch, stamp, slot: payload };
        let mut io = Io { now: cx.now(), packets: cx, out: &mut self.outputs };
        // Counted there.
        let _ = self.sfu.crossed(&hand_over, &mut io);
        self.carry_out(cx);
    }

    /// Sets the timer of a transport, or moves it.
    fn arm(&mut self, transport: TransportKey, at: Mono, cx: &mut Context<Self>) {
        let Some(station) = self.transports.get_mut(transport) else { return };
        let timer = &mut station.aside.timer;
        if !timer.is_some_and(|timer| cx.rearm(timer, at)) {
            *timer = Some(cx.arm(at, Timer(transport)));
        }
    }

    /// The timer of a transport fired.
    pub(super) fn time_out(&mut self, transport: TransportKey, cx: &mut Context<Self>) {
        let mut io = Io { now: cx.now(), packets: cx, out: &mut self.outputs };
        self.sfu.timeout(transport, &mut io);
        self.carry_out(cx);
    }

    pub(super) fn send_out<D: Driver>(
        &mut self,
        transport: TransportKey,
        egress: &mut Egress<'_, D>,
        cx: &mut Context<Self>,
    ) {
        let Some(station) = self.transports.get_mut(transport) else { return };
        if station.is_settling {
            station.is_settling = false;
            if let Some((socket, peer)) = station.aside.settling.take() {
                // Where it can not be, nothing is lost but what it would have saved.
                if egress.sockets().connect(socket, peer).is_ok() {
                    station.settled(socket, peer);
                }
            }
        }
        let station = &*station;
        let mut io = Io { now: cx.now(), packets: cx, out: &mut self.outputs };
        self.sfu.flush(transport, &mut Leaving { egress, station }, &mut io);
        self.carry_out(cx);
    }

    /// Has a socket of the transport's own connected to its only peer with the next flush, or to nobody.
    fn settle(
        &mut self,
        transport: TransportKey,
        local: Local,
        peer: Option<SocketAddr>,
        cx: &mut Context<Self>,
    ) {
        let Some(station) = self.transports.get_mut(transport) else { return };
        let Some(socket) = station.socket(local.place()) else { return };
        // One of IPv6 keeps its peer for good, and others depend on shared ones.
        let can_be_undone = peer.is_none_or(|peer| peer.is_ipv4());
        if can_be_undone && station.aside.held.udp.contains(&socket) {
            station.aside.settling = Some((socket, peer));
            station.is_settling = true;
            cx.mark_dirty(transport);
        }
    }

    /// A flow, as the shard knows it.
    fn tuple(&self, transport: TransportKey, local: Local, remote: SocketAddr) -> Option<Tuple> {
        Some(match local {
            Local::Socket { place, ip } => {
                let socket = self.transports.get(transport)?.socket(place)?;
                Tuple { socket, local: ip, remote }
            }
            Local::Connection { connection, .. } => {
                let socket = SocketKey::new(connection.index, connection.generation);
                Tuple { socket, local: None, remote }
            }
        })
    }

    /// How a transport calls the socket or connection that something came on.
    #[inline]
    fn local(
        &self,
        transport: TransportKey,
        socket: SocketKey,
        ip: Option<IpAddr>,
        cx: &Context<Self>,
    ) -> Option<Local> {
        let station = self.transports.get(transport)?;
        station.local(socket, ip).or_else(|| station.connection(socket, cx.listener_of(socket)?))
    }

    /// A connection has ended by which a transport was reached, or a tuple is another's.
    pub(super) fn lose(&mut self, transport: TransportKey, tuple: Tuple, cx: &mut Context<Self>) {
        if let Some(local) = self.local(transport, tuple.socket, tuple.local, cx) {
            self.sfu.lost(transport, local, tuple.remote, &mut self.outputs);
            self.carry_out(cx);
        }
    }

    /// A peer has proved to another transport that a tuple is its own now: whoever had it has it no more, and hears of it
    /// as of a connection that ended. Its peer gets it back by proving the same.
    pub(super) fn give_up(&mut self, tuple: Tuple, heir: Option<TransportKey>, cx: &mut Context<Self>) {
        if let Some(holder) = cx.holder(&tuple).filter(|holder| heir != Some(*holder))
            && self.transports.get(holder).is_some_and(|station| station.peers == Peers::ByIce)
        {
            self.lose(holder, tuple, cx);
        }
    }

    /// A connection was too slow for a while. What its peer has seen last is no longer what the next packets build on.
    pub(super) fn ask_anew(&mut self, transport: TransportKey, cx: &mut Context<Self>) {
        self.sfu.request_key_frames_of(transport, &mut self.outputs);
        self.carry_out(cx);
    }

    /// Does what `sfu` said is to be done.
    pub(super) fn carry_out(&mut self, cx: &mut Context<Self>) {
        if self.outputs.is_empty() {
            return;
        }
        let mut outputs = core::mem::take(&mut self.outputs);
        outputs.flushes.drain(..).for_each(|transport| cx.mark_dirty(transport));
        for output in outputs.others.drain(..) {
            match output {
                Output::Event(event) => cx.totals.events_dropped += u64::from(!self.events.push(event)),
                Output::Bind { transport, local, remote } => {
                    if let Some(tuple) = self.tuple(transport, local, remote) {
                        self.give_up(tuple, Some(transport), cx);
                        // Counted. Where there is no room for it, its datagrams come as those of somebody unknown.
                        let _ = cx.bind(transport, tuple);
                    }
                    self.turn_flow(transport, (local, remote), true, cx);
                }
                Output::Unbind { transport, local, remote } => {
                    if let Some(tuple) = self.tuple(transport, local, remote) {
                        cx.unbind(transport, tuple);
                    }
                    self.turn_flow(transport, (local, remote), false, cx);
                }
                Output::Settle { transport, local, peer } => self.settle(transport, local, peer, cx),
                Output::ForgetUfrag { transport, ufrag } => self.forget_ufrag(transport, &ufrag, cx),
                Output::HandOver(HandOver { producer, shard, replica, epoch, stamp, slot }) => {
                    let way =
                        Way { stream: StreamId(producer.index), epoch: self.feeds.epoch(producer, epoch) };
                    cx.hand_over(shard.into(), slot, way, Stamp { producer, replica, packet: stamp });
                    cx.release(slot);
                }
                Output::HandOverMessage { shard, replica, message } => {
                    self.tell(shard.into(), Fact(Said::Message(replica, message)), cx);
                }
                Output::Arm { transport, at } => self.arm(transport, at, cx),
                Output::Scores { shard, replica, scores } => {
                    self.tell(shard.into(), Fact(Said::Scores(replica, scores)), cx);
                }
                Output::Loss { shard, producer, fraction } => {
                    self.tell(shard.into(), Fact(Said::Loss(producer, fraction)), cx);
                }
                Output::RequestKeyFrame { shard, producer, encoding } => {
                    let encodings = 1_u64.checked_shl(encoding.into()).unwrap_or(0);
                    self.tell(shard.into(), Fact(Said::KeyFrames(producer, encodings)), cx);
                }
            }
        }
        self.outputs = outputs;
    }
}
