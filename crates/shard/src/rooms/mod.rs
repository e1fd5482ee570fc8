//! What a shard hosts in production: the rooms of one core.
//!
//! Owns the shard's part of every room and executes the commands of `model`. What is decided about a packet is decided
//! by `sfu`; here are sockets, the order of closing, long answers in parts, and what crosses to other shards.

mod config;
mod fact;
mod told;

pub use config::RoomsConfig;
pub use fact::Fact;
pub use told::Told;

use model::command::Action;
use model::key::TransportKey;
use model::reply::{Outcome, Refusal, RefusalClass};
use net::{Batch, Driver, SocketKey};

use crate::context::Context;
use crate::control::Ticket;
use crate::engine::{Claim, Crossed, Engine};
use crate::io::{Egress, Sockets};
use crate::key::ShardId;
use crate::shard_core::MakeEngine;

/// The rooms of one shard.
#[derive(Debug)]
pub struct Rooms {
    config: RoomsConfig,
}

/// What travels beside a packet to another shard.
#[derive(Clone, Copy, Debug)]
pub struct Stamp(());

/// What a timer of the rooms says when it fires.
#[derive(Clone, Copy, Debug)]
pub struct Timer(());

impl Rooms {
    /// No rooms yet.
    #[must_use]
    pub const fn new(config: RoomsConfig) -> Self {
        Self { config }
    }

    /// Makes rooms for a shard, and again after each panic.
    #[must_use]
    pub fn maker(config: RoomsConfig) -> MakeEngine<Self> {
        Box::new(move |_| Self::new(config))
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
        _command: Action,
        ticket: Ticket,
        _sockets: &mut Sockets<'_, D>,
        cx: &mut Context<Self>,
    ) {
        let _ = &self.config;
        let refusal = Refusal::new(RefusalClass::Failed, "rooms take no commands yet");
        cx.reply(ticket, Outcome::Refused(refusal));
    }

    fn closed(&mut self, _socket: SocketKey, _cx: &mut Context<Self>) {}

    fn fact(&mut self, _from: ShardId, _fact: Fact, _cx: &mut Context<Self>) {}

    fn crossed(&mut self, packet: Crossed<Stamp>, cx: &mut Context<Self>) {
        cx.release(packet.payload);
    }

    fn timer(&mut self, _timer: Timer, _cx: &mut Context<Self>) {}

    fn receive(&mut self, _transport: TransportKey, _batch: Batch<'_>, _cx: &mut Context<Self>) {}

    fn unknown(
        &mut self,
        _offered: Option<TransportKey>,
        _batch: Batch<'_>,
        _cx: &mut Context<Self>,
    ) -> Claim {
        Claim::Dropped
    }

    fn flush<D: Driver>(
        &mut self,
        _transport: TransportKey,
        _egress: &mut Egress<'_, D>,
        _cx: &mut Context<Self>,
    ) {
    }
}
