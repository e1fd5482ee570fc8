//! What a shard hosts in production: the rooms of one core.
//!
//! Owns the shard's part of every room and executes the commands of `model`. What is decided about a packet is decided
//! by `sfu`; here are sockets, the order of closing, long answers in parts, and what crosses to other shards.
//!
//! | file | owns |
//! |---|---|
//! | `commands` | which command is whose, and when it is answered |
//! | `transports`, `ports` | sockets: bound all or none, connected, closed, reaped |
//! | `servers`, `strays`, `ufrags` | ports that transports of several shards share: who is behind them, and on which shard |
//! | `identity` | who WebRTC peers find here |
//! | `producers`, `data`, `observers` | commands to everything else |
//! | `work`, `owed` | what takes several ticks, and answers that wait |
//! | `feeds`, `hearing`, `spread`, `fact`, `untold` | routers on several shards: what is told, what stands for what, who has heard |
//! | `media` | packets in, across, out |
//! | `counted` | what `sfu` counted, among what the shard publishes |
//! | `told` | events, and what becomes of them when control is slow |
//! | `table`, `config` | places, and how many there are |
//!
//! Invariants
//! - Every command is answered once. A refused one has changed nothing.
//! - The answer to a close comes when the kernel has let go of every socket, and every shard concerned has heard.
//! - A tick closes and tells a bounded number of things; media flows in between.
//! - Closing everything leaves nothing: no slot, tuple, replica or answer that waits.
//!
//! Does not know names, policy or who is told of a close: that is control's. Lives on its shard's core.

mod commands;
mod config;
mod counted;
mod data;
mod fact;
mod feeds;
mod hearing;
mod identity;
mod media;
mod observers;
mod owed;
mod ports;
mod producers;
mod servers;
mod spread;
mod strays;
mod table;
mod told;
mod transports;
mod ufrags;
mod untold;
mod work;

use std::collections::VecDeque;

use model::command::Action;
use model::key::{DataProducerKey, ProducerKey, RouterKey, RtpObserverKey, TransportKey, WebRtcServerKey};
use model::reply::{Outcome, Part, Refusal};
use net::{Batch, Driver, SocketKey};
use sfu::{Io, Outputs, Sfu};

pub use config::{Fault, FaultKind, RoomsConfig};
pub use dtls::{Identity, IdentityError, KeyType};
pub use fact::Fact;
pub use identity::DtlsIdentity;
pub use media::Stamp;
pub use told::Told;

use crate::boundary::Phase;
use crate::context::Context;
use crate::control::{RequestId, Ticket};
use crate::counters::Totals;
use crate::demux::Tuple;
use crate::engine::{Claim, Crossed, Engine, Leaving};
use crate::io::{Egress, Sockets};
use crate::key::ShardId;
use crate::payload::Payload;
use crate::shard_core::MakeEngine;
use crate::stray::Stray;
use fact::Said;
use feeds::Feeds;
use observers::Observers;
use owed::{Owed, OwedKey, Then};
use servers::{ServerPart, Strangers};
use spread::{Awaited, Ghosts, Replicas, Streams};
use strays::Doors;
use table::{Table, absent};
use told::Events;
use transports::Station;
use ufrags::{Home, Ufrags};
use untold::Untold;
use work::Work;

/// The rooms of one shard.
#[derive(Debug)]
pub struct Rooms {
    config: RoomsConfig,
    /// Who WebRTC peers find here; without, there are none.
    identity: Option<DtlsIdentity>,
    sfu: Sfu<Payload>,
    /// What the shard had counted when these rooms were made.
    before: Box<Totals>,
    /// What `sfu` said is to be done; empty between two calls.
    outputs: Outputs<Payload>,
    routers: Table<RouterKey, RouterPart>,
    servers: Table<WebRtcServerKey, ServerPart>,
    doors: Doors,
    ufrags: Ufrags,
    strangers: Strangers,
    /// Claims to tuples that were told to other shards.
    claims: u32,
    transports: Table<TransportKey, Station>,
    observers: Observers,
    /// As the shard of producers.
    feeds: Feeds,
    awaited: Awaited,
    untold: Untold,
    /// As a shard with consumers of producers elsewhere.
    replicas: Replicas<ProducerKey>,
    data_replicas: Replicas<DataProducerKey>,
    streams: Streams,
    ghosts: Ghosts,
    owed: Owed,
    /// By the place of a socket that is being closed.
    reaping: Vec<Option<(SocketKey, OwedKey)>>,
    work: VecDeque<(Work, OwedKey)>,
    /// Rows of long answers, in parts.
    rows: VecDeque<(RequestId, VecDeque<Part>, OwedKey)>,
    events: Events,
}

/// A router's part on this shard.
#[derive(Debug, Default)]
struct RouterPart {
    transports: Vec<TransportKey>,
    replicas: Vec<ProducerKey>,
    data_replicas: Vec<DataProducerKey>,
    observers: Vec<RtpObserverKey>,
}

/// A command that is not dealt with yet.
type Left = Option<(Action, Ticket)>;

/// Whose timer fired. A transport has one.
#[derive(Clone, Copy, Debug)]
pub struct Timer(TransportKey);

impl Rooms {
    /// No rooms yet. Whoever was here before on this shard is gone: its neighbours are told.
    #[must_use]
    pub fn new(config: RoomsConfig, identity: Option<DtlsIdentity>, cx: &mut Context<Self>) -> Self {
        let mut untold = Untold::default();
        let neighbours: Vec<_> = cx.neighbours().collect();
        for neighbour in neighbours {
            // What the one before said last concerns nobody any more.
            cx.withdraw(neighbour);
            if let Err(fact) = cx.tell(neighbour, Fact(Said::Restarted)) {
                untold.keep(neighbour, fact);
            }
        }
        // Epochs of an engine before this one ended earlier: a producer does not turn as often as time passes.
        let [.., a, b, c, d, _, _] = cx.now().as_nanos().to_be_bytes();
        Self {
            config,
            identity,
            sfu: Sfu::new(config.sfu()),
            before: Box::new(cx.totals),
            outputs: Outputs::new(),
            routers: Table::new(config.others),
            servers: Table::new(config.others),
            doors: Doors::default(),
            ufrags: Ufrags::new(config.hash_key, config.ufrags()),
            strangers: Strangers::default(),
            claims: 0,
            transports: Table::new(config.transports),
            observers: Observers::new(config.others),
            feeds: Feeds::new(u32::from_be_bytes([a, b, c, d])),
            awaited: Awaited::default(),
            untold,
            replicas: Replicas::new(config.producers),
            data_replicas: Replicas::new(config.others),
            streams: Streams::default(),
            ghosts: Ghosts::default(),
            owed: Owed::default(),
            reaping: Vec::new(),
            work: VecDeque::new(),
            rows: VecDeque::new(),
            events: Events::default(),
        }
    }

    /// Makes rooms for a shard, and again after each panic.
    #[must_use]
    pub fn maker(config: RoomsConfig, identity: Option<DtlsIdentity>) -> MakeEngine<Self> {
        let mut fault = config.fault;
        Box::new(move |cx| Self::new(RoomsConfig { fault: fault.take(), ..config }, identity.clone(), cx))
    }

    /// Whether nothing is left of anybody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let tables = [self.routers.len(), self.servers.len(), self.transports.len(), self.owed.len()];
        let spread = [self.replicas.len(), self.data_replicas.len(), self.streams.len(), self.awaited.len()];
        tables == [0; 4]
            && spread == [0; 4]
            && self.sfu.is_empty()
            && self.observers.is_empty()
            && self.events.is_empty()
            && self.work.is_empty()
            && self.rows.is_empty()
            && self.untold.is_empty()
            && self.ufrags.len() == 0
            && self.strangers.is_empty()
    }

    /// Panics, or hangs, where a test wants it to.
    #[inline]
    fn during(&mut self, phase: Phase) {
        if let Some(fault) = self.config.fault.as_mut().filter(|fault| fault.phase == phase) {
            match (fault.after.checked_sub(1), fault.kind) {
                (Some(rest), _) => fault.after = rest,
                (None, FaultKind::Panic) => assert!(fault.after > 0, "a fault on order in {phase:?}"),
                (None, FaultKind::Hang(is_over)) => {
                    config::hang_until(is_over);
                    self.config.fault = None;
                }
            }
        }
    }

    fn router(&self, key: RouterKey) -> Result<&RouterPart, Refusal> {
        self.routers.get(key).ok_or_else(|| absent(key))
    }

    /// Answers a command, after all that happened before.
    fn answer(&mut self, ticket: Ticket, outcome: Outcome, cx: &mut Context<Self>) {
        self.tell_control(cx);
        if self.events.is_empty() {
            cx.reply(ticket, outcome);
        } else {
            self.events.then(Then::Reply(ticket, outcome));
        }
    }

    /// Tells control what it has room for, and gives what was to come after that.
    fn tell_control(&mut self, cx: &mut Context<Self>) {
        while let Some(then) = self.events.tell(cx) {
            match then {
                Then::Reply(ticket, outcome) => cx.reply(ticket, outcome),
                Then::Acknowledge(shard, subject, number) => {
                    self.tell(shard, Fact(Said::Heard(subject, number)), cx);
                }
            }
        }
    }

    /// One of the things that something waits for has happened.
    fn happened(&mut self, owed: OwedKey, cx: &mut Context<Self>) {
        match self.owed.happened(owed) {
            Some(Then::Reply(ticket, outcome)) => self.answer(ticket, outcome, cx),
            Some(Then::Acknowledge(shard, subject, number)) => self.say_heard(shard, subject, number, cx),
            None => {}
        }
    }
}

impl Engine for Rooms {
    type Command = Action;
    type Reply = Outcome;
    type Event = Told;
    type Fact = Fact;
    type Stamp = Stamp;
    type Timer = Timer;

    fn command<D: Driver>(
        &mut self,
        action: Action,
        ticket: Ticket,
        sockets: &mut Sockets<'_, D>,
        cx: &mut Context<Self>,
    ) {
        self.during(Phase::Commands);
        self.sfu.begin_tick(cx.now());
        self.execute(action, ticket, sockets, cx);
    }

    fn go_on<D: Driver>(&mut self, sockets: &mut Sockets<'_, D>, cx: &mut Context<Self>) {
        self.sfu.begin_tick(cx.now());
        // A step takes as long as hundreds of packets: one a tick.
        self.sfu.step_handshake(&mut self.outputs);
        self.carry_out(cx);
        self.work_on(sockets, cx);
        self.tell_rows(cx);
    }

    fn closed(&mut self, socket: SocketKey, cx: &mut Context<Self>) {
        let reaped = self.reaping.get_mut(socket.index() as usize);
        if let Some((_, owed)) = reaped.and_then(|reaped| reaped.take_if(|(key, _)| *key == socket)) {
            self.happened(owed, cx);
        }
    }

    fn fact(&mut self, from: ShardId, fact: Fact, cx: &mut Context<Self>) {
        self.during(Phase::Crossings);
        self.sfu.begin_tick(cx.now());
        self.hear(from, fact.0, cx);
    }

    fn parted(&mut self, from: ShardId, cx: &mut Context<Self>) {
        self.nobody_hears(from, cx);
    }

    fn crossed(&mut self, packet: Crossed<Stamp>, cx: &mut Context<Self>) {
        self.during(Phase::Crossings);
        self.take_crossed(&packet, cx);
    }

    fn timer(&mut self, Timer(transport): Timer, cx: &mut Context<Self>) {
        self.during(Phase::Timers);
        self.time_out(transport, cx);
    }

    fn receive(&mut self, transport: TransportKey, batch: Batch<'_>, cx: &mut Context<Self>) {
        self.during(Phase::Receive);
        // Whatever it makes of it: somebody has it.
        let _ = self.come_in(Home::Here(transport), &batch, cx);
    }

    fn unknown(&mut self, offered: Option<TransportKey>, batch: Batch<'_>, cx: &mut Context<Self>) -> Claim {
        match offered {
            Some(transport) => self.meet(transport, &batch, cx),
            None => self.knock(&batch, cx),
        }
    }

    fn lost(&mut self, transport: TransportKey, tuple: Tuple, cx: &mut Context<Self>) {
        self.during(Phase::Receive);
        self.sfu.begin_tick(cx.now());
        self.lose(transport, tuple, cx);
    }

    fn hand_on(
        &mut self,
        to: ShardId,
        listener: SocketKey,
        leaving: Leaving,
        cx: &mut Context<Self>,
    ) -> bool {
        self.during(Phase::Receive);
        self.see_off(to, listener, leaving, cx)
    }

    fn caught_up(&mut self, transport: TransportKey, _: Tuple, cx: &mut Context<Self>) {
        self.sfu.begin_tick(cx.now());
        self.ask_anew(transport, cx);
    }

    fn astray(&mut self, shard: ShardId, batch: Batch<'_>, cx: &mut Context<Self>) -> Claim {
        self.during(Phase::Receive);
        self.come_in(Home::There(shard), &batch, cx)
    }

    fn stray(&mut self, _: ShardId, stray: Stray<'_>, cx: &mut Context<Self>) -> Claim {
        self.during(Phase::Crossings);
        self.take_stray(&stray, cx)
    }

    fn flush<D: Driver>(
        &mut self,
        transport: TransportKey,
        egress: &mut Egress<'_, D>,
        cx: &mut Context<Self>,
    ) {
        self.during(Phase::Flush);
        self.send_out(transport, egress, cx);
    }

    #[inline]
    fn approach<D: Driver>(
        &self,
        transport: TransportKey,
        steps: usize,
        egress: &Egress<'_, D>,
        cx: &Context<Self>,
    ) {
        if steps == Self::STEPS_AHEAD {
            self.transports.place(transport).into_iter().for_each(net::prefetch::soon);
        } else if let Some(socket) = self.transports.get(transport).and_then(|of| of.socket(0))
            && steps + 1 == Self::STEPS_AHEAD
        {
            egress.prefetch(socket);
        }
        self.sfu.approach(transport, steps, cx);
    }

    const STEPS_AHEAD: usize = sfu::STEPS_AHEAD;

    fn say_goodbye(&mut self, cx: &mut Context<Self>) {
        self.sfu.begin_tick(cx.now());
        self.say_all_goodbyes(cx);
    }

    fn count(&self, totals: &mut Totals) {
        self.put_counts(totals);
    }

    fn publish(&mut self, cx: &mut Context<Self>) {
        self.during(Phase::Publish);
        let mut io = Io { now: cx.now(), packets: cx, out: &mut self.outputs };
        self.sfu.end_tick(&mut io);
        if let Some(at) = self.sfu.next_end() {
            cx.wake_by(at);
        }
        self.carry_out(cx);
        self.tell_control(cx);
        self.tell_again(cx);
        if self.sfu.has_handshakes() {
            cx.hurry();
        }
    }
}
