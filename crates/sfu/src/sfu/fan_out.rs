//! A packet's way in: to its producer, its consumers and other shards.

use ice::Tuple;
use model::event::{ConsumerEvent, Event, ProducerEvent, TransportEvent};
use model::key::{ProducerKey, TransportKey};
use streams::score::BEST;
use wire::Mono;
use wire::rtp::values::{Rotation, VideoOrientation};
use wire::rtp::{ExtensionId, View};

use super::Sfu;
use super::report::score_of;
use super::rtcp::Heard;
use super::source::Origin;
use super::tick::{InFlight, QUEUE_LIMIT, Unplaced};
use super::traces;
use crate::consumer::{self, Decision, Rewrite};
use crate::io::{Datagram, HandOver, Io, Output, Outputs, Packets, Verdict};
use crate::listener::Marks;
use crate::packet::{Packet, Stamp};
use crate::producer::{self, Activity, Arrival, Noted, Producer, ReceiveIds, Received};
use crate::transport::{DropReason, Going, Listing, Opened, Queued, Sender};

/// What came of a packet that was offered to consumers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offered {
    /// Whether somebody took it.
    pub(super) queued: Result<(), DropReason>,
    /// Whether somebody could take it if a key frame were before it.
    pub(super) awaited: bool,
    /// Whether somebody's stream begins with it.
    pub(super) begins: bool,
}

impl<S: Copy> Sfu<S> {
    /// Takes a datagram that came to a transport.
    pub fn receive<P>(
        &mut self,
        transport: TransportKey,
        datagram: &Datagram<'_>,
        io: &mut Io<'_, P>,
    ) -> Verdict
    where
        P: Packets<Slot = S>,
    {
        self.now = io.now;
        let taken = self.take(transport, datagram, io);
        if taken == Err(DropReason::NoSlot) {
            self.stored.relieve(io.packets);
        }
        self.judge(transport, taken)
    }

    /// Takes an RTP packet of the application for a producer on a direct transport.
    ///
    /// # Errors
    /// When the producer is gone.
    pub fn send_rtp<P>(
        &mut self,
        key: ProducerKey,
        packet: &[u8],
        io: &mut Io<'_, P>,
    ) -> Result<Verdict, crate::Error>
    where
        P: Packets<Slot = S>,
    {
        self.now = io.now;
        let source = self.sources.get(key).ok_or(crate::Error::UnknownProducer)?;
        let Origin::Here { transport, .. } = source.origin else { return Err(crate::Error::UnknownProducer) };
        let taken = self.take_sent(key, transport, packet, io);
        Ok(self.judge(transport, taken))
    }

    /// Takes RTCP of the application for a direct transport.
    ///
    /// # Errors
    /// When the transport is gone.
    pub fn send_rtcp<P>(
        &mut self,
        key: TransportKey,
        compound: &[u8],
        io: &mut Io<'_, P>,
    ) -> Result<Verdict, crate::Error>
    where
        P: Packets<Slot = S>,
    {
        self.now = io.now;
        let transport = self.transports.get_mut(key).ok_or(crate::Error::UnknownTransport)?;
        if compound.len() > RTCP_LIMIT {
            return Ok(self.judge(key, Err(DropReason::Malformed)));
        }
        transport.take_rtcp(io.now, compound);
        let heard = Heard { at: key, received: io.now };
        let taken = self.take_rtcp(heard, compound, io);
        Ok(self.judge(key, taken))
    }

    /// Takes a packet from another shard. The reference to its slot comes with it.
    pub fn crossed<P>(&mut self, packet: &HandOver<S>, io: &mut Io<'_, P>) -> Verdict
    where
        P: Packets<Slot = S>,
    {
        self.now = io.now;
        let HandOver { replica, epoch, stamp, slot, .. } = *packet;
        let admitted = match self.sources.get_mut(replica).map(|source| &mut source.origin) {
            Some(Origin::Elsewhere(known)) if known.epoch() == Some(epoch) => {
                if stamp.packet.key_frame {
                    known.key_frame_came(stamp.packet.encoding);
                }
                if known.activity() == Activity::Paused { Err(DropReason::Paused) } else { Ok(()) }
            }
            Some(Origin::Elsewhere(_)) => Err(DropReason::EndedEpoch),
            _ => Err(DropReason::UnknownProducer),
        };
        let taken = match admitted {
            Ok(()) => self.pass_on(replica, &stamp, slot, io),
            Err(reason) => {
                io.packets.release(slot);
                Err(reason)
            }
        };
        match taken {
            Ok(()) => Verdict::Taken,
            Err(reason) => {
                self.drops.count(reason);
                Verdict::Dropped(reason)
            }
        }
    }

    fn judge(&mut self, key: TransportKey, taken: Result<(), DropReason>) -> Verdict {
        let Err(reason) = taken else { return Verdict::Taken };
        self.drops.count(reason);
        if let Some(transport) = self.transports.get_mut(key) {
            transport.count_drop(reason);
        }
        Verdict::Dropped(reason)
    }

    fn take<P>(
        &mut self,
        key: TransportKey,
        datagram: &Datagram<'_>,
        io: &mut Io<'_, P>,
    ) -> Result<(), DropReason>
    where
        P: Packets<Slot = S>,
    {
        let transport = self.transports.get_mut(key).ok_or(DropReason::UnknownTransport)?;
        let (opened, learned) = transport.open(io.now, datagram, io.packets, &mut self.scratch)?;
        if let Some(tuple) = learned.filter(|_| transport.web_rtc().is_some()) {
            self.heard_elsewhere(key, tuple, io.out);
        } else if let Some(Tuple { local, remote }) = learned {
            let is_rtp = local.place() == 0;
            let flow = if is_rtp {
                transport.flow().map(|flow| TransportEvent::Flow(Box::new(flow)))
            } else {
                transport.rtcp_flow().map(|flow| TransportEvent::RtcpFlow(Box::new(flow)))
            };
            io.out.push(Output::Bind { transport: key, local, remote });
            io.out.extend(flow.map(|flow| Output::Event(Event::Transport(key, flow))));
            if is_rtp {
                self.connected(key, io.out);
            }
        }
        match opened {
            Opened::Rtp(slot, layout) => {
                let sorted = match io.packets.bytes(slot).and_then(|bytes| View::new(bytes, layout)) {
                    Some(view) => self.sort((io.now, datagram.received), (key, None), &view, io.out),
                    None => Err(DropReason::NoSlot),
                };
                self.route(sorted, slot, io)
            }
            Opened::Rtcp(len) => {
                let scratch = core::mem::take(&mut self.scratch);
                let heard = Heard { at: key, received: datagram.received };
                let taken = self.take_rtcp(heard, scratch.get(..len).unwrap_or_default(), io);
                self.scratch = scratch;
                taken
            }
            Opened::Stun => self.take_stun(key, datagram, io.out),
            Opened::Dtls => self.take_dtls(key, datagram, io.out),
        }
    }

    fn take_sent<P>(
        &mut self,
        key: ProducerKey,
        transport: TransportKey,
        packet: &[u8],
        io: &mut Io<'_, P>,
    ) -> Result<(), DropReason>
    where
        P: Packets<Slot = S>,
    {
        let owner = self.transports.get_mut(transport).ok_or(DropReason::UnknownTransport)?;
        let (slot, layout) = owner.take_rtp(io.now, packet, io.packets)?;
        let sorted = match io.packets.bytes(slot).and_then(|bytes| View::new(bytes, layout)) {
            Some(view) => self.sort((io.now, io.now), (transport, Some(key)), &view, io.out),
            None => Err(DropReason::NoSlot),
        };
        self.route(sorted, slot, io)
    }

    /// Finds a packet's producer, unless the application named it, and what that makes of the packet. It came in the
    /// tick of the first and to the kernel at the second time.
    fn sort(
        &mut self,
        (now, received): (Mono, Mono),
        (at, named): (TransportKey, Option<ProducerKey>),
        view: &View<'_>,
        out: &mut Outputs<S>,
    ) -> Result<(ProducerKey, Stamp), DropReason> {
        let wall_clock = self.ntp_at_zero.after(received.since(Mono::ZERO));
        let owner = self.transports.get_mut(at).ok_or(DropReason::UnknownTransport)?;
        let prompt = owner.receiving.arrived(view, received);
        let arrival = Arrival { received, wall_clock, clock: owner.receiving.clock };
        let known = named.or_else(|| owner.inside.listener.known(view.ssrc()));
        let settled = |key| {
            self.sources
                .get(key)
                .and_then(|source| source.producer())
                .is_some_and(|producer| producer.knows(view.ssrc()))
        };
        // Marks are looked for only until the stream is known: that walks the header extensions.
        let marks =
            if known.is_some_and(settled) { Marks::default() } else { owner.inside.receive_ids.read(view) };
        let key = known.or_else(|| owner.inside.listener.learn(view.ssrc(), marks));
        if key.is_none() {
            owner.stray(view.ssrc());
        }
        let producer = key.and_then(|key| self.local_mut(key).ok());
        let (received, noted) = match producer {
            Some(producer) => producer.receive(&arrival, view, marks.rid),
            None => (Received::Drop(producer::DropReason::UnknownStream), Noted::default()),
        };
        if let Some(owner) = self.transports.get_mut(at) {
            owner.count_received(now, view.bytes().len(), noted.is_rtx);
        }
        if let Some(prompt) = prompt {
            self.prompted(at, prompt, out);
        }
        let key = key.ok_or(DropReason::UnknownProducer)?;
        if noted.asks_for_something() {
            self.note(at, key, noted, out);
        }
        match received {
            Received::Media(packet, layout) => Ok((key, Stamp { packet, layout })),
            Received::Drop(producer::DropReason::NotMissing) => Err(DropReason::Repair),
            Received::Drop(producer::DropReason::Paused) => Err(DropReason::Paused),
            Received::Drop(_) => Err(DropReason::NotOfProducer),
        }
    }

    /// Takes a packet to whom it is for, or lets its slot go.
    fn route<P>(
        &mut self,
        sorted: Result<(ProducerKey, Stamp), DropReason>,
        slot: S,
        io: &mut Io<'_, P>,
    ) -> Result<(), DropReason>
    where
        P: Packets<Slot = S>,
    {
        match sorted {
            Ok((key, mut stamp)) => {
                if self.producer(key).is_some_and(Producer::is_attended)
                    && let Some(view) =
                        io.packets.bytes(slot).and_then(|bytes| View::new(bytes, stamp.layout))
                {
                    self.attend(key, &mut stamp.packet, &view, io.out);
                }
                self.pass_on(key, &stamp, slot, io)
            }
            Err(reason) => {
                io.packets.release(slot);
                Err(reason)
            }
        }
    }

    /// What there is to a packet of some producers beside passing it on.
    fn attend(&mut self, key: ProducerKey, packet: &mut Packet, view: &View<'_>, out: &mut Outputs<S>) {
        self.trace_received(key, packet, view, out);
        let next = self.next_packet_id;
        let Ok(producer) = self.local_mut(key) else { return };
        let turned = producer.turn_camera(view).map(oriented);
        out.extend(turned.map(|turned| Output::Event(Event::Producer(key, turned))));
        if producer.wants_packet_id(view) {
            packet.packet_id = Some(next);
            self.next_packet_id = next.wrapping_add(1);
        }
    }

    /// Offers a packet to the consumers of its source and to other shards. One reference to the slot comes with it.
    fn pass_on<P>(
        &mut self,
        key: ProducerKey,
        stamp: &Stamp,
        slot: S,
        io: &mut Io<'_, P>,
    ) -> Result<(), DropReason>
    where
        P: Packets<Slot = S>,
    {
        let handed_over = self.hand_over(key, stamp, slot, io);
        let offered = match io.packets.bytes(slot).and_then(|bytes| View::new(bytes, stamp.layout)) {
            Some(view) => self.offer_all(io.now, key, (stamp, slot, &view), io.out),
            None => Offered::to_nobody(DropReason::NoSlot),
        };
        if offered.awaited {
            self.hold(key, stamp, slot, io);
        }
        match offered.queued {
            Ok(()) => self.stored.keep(io.now, key, (stamp, slot), io.packets),
            Err(_) => io.packets.release(slot),
        }
        if offered.begins {
            self.offer_held(key, &stamp.packet, io);
        }
        if handed_over || offered.awaited { Ok(()) } else { offered.queued }
    }

    /// Hands a packet to each shard with consumers, once. Whether there is any.
    fn hand_over<P>(&self, key: ProducerKey, stamp: &Stamp, slot: S, io: &mut Io<'_, P>) -> bool
    where
        P: Packets<Slot = S>,
    {
        let Some(source) = self.sources.get(key).filter(|source| !source.feeds.is_empty()) else {
            return false;
        };
        let Some(epoch) = source.epoch() else { return false };
        for feed in &source.feeds {
            if io.packets.retain(slot) {
                let (shard, replica) = (feed.shard, feed.replica);
                let hand_over = HandOver { producer: key, shard, replica, epoch, stamp: *stamp, slot };
                io.out.push(Output::HandOver(hand_over));
            }
        }
        true
    }

    /// What comes of it; if somebody takes it, the tick holds the slot.
    pub(super) fn offer_all(
        &mut self,
        now: Mono,
        key: ProducerKey,
        (stamp, slot, view): (&Stamp, S, &View<'_>),
        out: &mut Outputs<S>,
    ) -> Offered {
        let Self { transports, sources, consumers, tick, listed, waiting, counters, now_tick, .. } = self;
        let Some(source) = sources.get(key) else { return Offered::to_nobody(DropReason::UnknownProducer) };
        let mut offered = Offered::to_nobody(DropReason::NoTaker);
        if source.consumers.is_empty() {
            return offered;
        }
        if tick.is_full() {
            counters.tick_full = counters.tick_full.saturating_add(1);
            return Offered::to_nobody(DropReason::TickFull);
        }
        // Laid out for the first who takes it.
        let mut place = None;
        let mut copies = 0_u32;
        for key in &source.consumers {
            let Some(entry) = consumers.get_mut(*key) else { continue };
            let Some(owner) = transports.get_mut(entry.transport) else { continue };
            // Asked before the decision: what is lost for want of room then leaves the gap that a loss on the wire
            // would.
            if owner.queue.len() >= QUEUE_LIMIT {
                counters.queue_full = counters.queue_full.saturating_add(1);
                continue;
            }
            let rewrite = match entry.consumer.decide(now, &stamp.packet) {
                Decision::Forward(rewrite) => rewrite,
                Decision::Drop(reason) => {
                    offered.awaited |= reason == consumer::DropReason::AwaitsKeyFrame;
                    counters.declined = counters.declined.saturating_add(1);
                    continue;
                }
            };
            offered.begins |= rewrite.begins;
            let packet = match place {
                Some(place) => place,
                None => match tick.add(slot, stamp, |plan| source.lay_out(&stamp.packet, view, plan)) {
                    Ok(added) => *place.insert(added),
                    Err(unplaced) => return Offered::to_nobody(unplaced.into()),
                },
            };
            if rewrite.turns {
                let layers = ConsumerEvent::Layers(entry.consumer.layers());
                out.push(Output::Event(Event::Consumer(*key, layers)));
                // What its peer said of another encoding means nothing for this one.
                let score = owner.senders.get_mut(rewrite.sender).map_or(BEST, Sender::reset_score);
                let score = ConsumerEvent::Score(score_of(&entry.consumer, score, source.scores()));
                out.push(Output::Event(Event::Consumer(*key, score)));
            }
            if !entry.consumer.trace().is_empty() {
                let len = tick.packet(packet).map_or(0, InFlight::plain_len);
                out.extend(traces::sent(*key, &entry.consumer, now, (stamp, &rewrite, len)));
            }
            let Rewrite { sender, index, timestamp, .. } = rewrite;
            owner.queue.push(Queued { packet, sender, index, timestamp, going: Going::First });
            copies = copies.saturating_add(1);
            if owner.listing == Listing::Idle {
                owner.listing = Listing::Listed(*now_tick);
                listed.push_back((entry.transport, *now_tick));
                *waiting = waiting.saturating_add(1);
                out.flushes.push(entry.transport);
            }
        }
        counters.forwarded = counters.forwarded.saturating_add(u64::from(copies));
        if let Some(place) = place {
            tick.set_copies(place, copies);
            offered.queued = Ok(());
        }
        offered
    }
}

impl Offered {
    const fn to_nobody(reason: DropReason) -> Self {
        Self { queued: Err(reason), awaited: false, begins: false }
    }
}

/// What its user is told of how a camera is held.
const fn oriented(orientation: VideoOrientation) -> ProducerEvent {
    let rotation = match orientation.rotation {
        Rotation::None => 0,
        Rotation::Quarter => 90,
        Rotation::Half => 180,
        Rotation::ThreeQuarters => 270,
    };
    ProducerEvent::VideoOrientation(model::score::VideoOrientation {
        camera: orientation.back_camera,
        flip: orientation.mirrored,
        rotation,
    })
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

impl From<Unplaced> for DropReason {
    fn from(unplaced: Unplaced) -> Self {
        match unplaced {
            Unplaced::Oversized => Self::Oversized,
            Unplaced::Full => Self::TickFull,
        }
    }
}

/// The longest RTCP that the application may send, as in the protocol.
const RTCP_LIMIT: usize = 1_600;
