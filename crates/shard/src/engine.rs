//! What a shard hosts: the sans-IO SFU, or a relay in tests and benches.
//!
//! An engine is handed values, one kind after the other in the fixed order of a tick, and writes through the
//! [`Context`] that comes with each call. It knows no socket but by key, reads no clock and blocks on
//! nothing. All calls happen on the shard's core. A panic in any of them costs this engine and nothing else:
//! the shard drops it, closes its sockets, tells control, and makes a fresh one.

use net::lane::Fact;
use net::{Batch, Detached, Driver, SocketKey};

use crate::context::Context;
use crate::control::Ticket;
use crate::counters::Totals;
use crate::demux::Tuple;
use crate::io::{Egress, Sockets};
use crate::key::{Epoch, ShardId, StreamId, TransportKey};
use crate::payload::Payload;
use crate::stray::Stray;

/// What a shard hosts.
pub trait Engine: Sized {
    /// What control asks for. Each is answered once.
    type Command: Send;
    /// The answer to a command.
    type Reply: Send;
    /// What control is told unasked.
    type Event: Send;
    /// What shards tell each other. Never lost.
    type Fact: Fact;
    /// What travels beside a packet to another shard.
    type Stamp: Copy + Send;
    /// What a timer says when it fires.
    type Timer: Copy;

    /// A command of control. The ticket is answered by [`Context::reply`], now or in a later call.
    fn command<D: Driver>(
        &mut self,
        command: Self::Command,
        ticket: Ticket,
        sockets: &mut Sockets<'_, D>,
        cx: &mut Context<Self>,
    );

    /// The part of work of several ticks that is done in this one: after its commands, in every tick.
    /// [`Context::hurry`] says that there is more.
    fn go_on<D: Driver>(&mut self, sockets: &mut Sockets<'_, D>, cx: &mut Context<Self>) {
        let _ = (sockets, cx);
    }

    /// The kernel has let go of a socket that this engine closed: its port is free.
    fn closed(&mut self, socket: SocketKey, cx: &mut Context<Self>);

    /// A fact from another shard. Facts overtake packets: those of a shard are here before any packet that it
    /// handed over later.
    fn fact(&mut self, from: ShardId, fact: Self::Fact, cx: &mut Context<Self>);

    /// A neighbour has ended; all that it said was heard. Nothing told to it is answered any more.
    fn parted(&mut self, from: ShardId, cx: &mut Context<Self>) {
        let _ = (from, cx);
    }

    /// A packet from another shard, of a current epoch. The engine holds one reference to it from here on.
    fn crossed(&mut self, packet: Crossed<Self::Stamp>, cx: &mut Context<Self>);

    /// A timer that it armed.
    fn timer(&mut self, timer: Self::Timer, cx: &mut Context<Self>);

    /// Datagrams of a tuple that is bound to a transport. A frame of a TCP connection is one, too.
    fn receive(&mut self, transport: TransportKey, batch: Batch<'_>, cx: &mut Context<Self>);

    /// Datagrams of an unknown peer: on a socket that belongs to `offered`, or on a shared one. The engine
    /// may bind the tuple; it stores nothing for a peer that proved nothing.
    fn unknown(&mut self, offered: Option<TransportKey>, batch: Batch<'_>, cx: &mut Context<Self>) -> Claim;

    /// A TCP connection has ended that was bound to the transport. Its tuple is nobody's after this.
    fn lost(&mut self, transport: TransportKey, tuple: Tuple, cx: &mut Context<Self>) {
        let _ = (transport, tuple, cx);
    }

    /// A TCP connection that [`Claim::Leaves`] said something about has left this shard's driver: the engine tells the other
    /// shard's, which gives it to [`Context::take_over`]. Dropped, it is closed. Whether
    /// the other one is told.
    fn hand_on(
        &mut self,
        to: ShardId,
        listener: SocketKey,
        leaving: Leaving,
        cx: &mut Context<Self>,
    ) -> bool {
        let _ = (to, listener, leaving, cx);
        false
    }

    /// A TCP connection was too slow for what the transport sent, so that datagrams were dropped; now the peer has read
    /// all that it was sent.
    fn caught_up(&mut self, transport: TransportKey, tuple: Tuple, cx: &mut Context<Self>) {
        let _ = (transport, tuple, cx);
    }

    /// Datagrams of a tuple that is bound to a transport of another shard ([`Context::bind_elsewhere`]), on a port that
    /// shards share.
    fn astray(&mut self, shard: ShardId, batch: Batch<'_>, cx: &mut Context<Self>) -> Claim {
        let _ = (shard, batch, cx);
        Claim::Dropped
    }

    /// A datagram of a shared port that another shard received.
    fn stray(&mut self, from: ShardId, stray: Stray<'_>, cx: &mut Context<Self>) -> Claim {
        let _ = (from, stray, cx);
        Claim::Dropped
    }

    /// The transport was marked dirty: write and send what it has. Called once per tick and transport, in the
    /// order of marking; the only call that can send.
    fn flush<D: Driver>(
        &mut self,
        transport: TransportKey,
        egress: &mut Egress<'_, D>,
        cx: &mut Context<Self>,
    );

    /// The transport will be flushed after so many others: a hint, given for each number of steps from
    /// [`Engine::STEPS_AHEAD`] down to 1, to ask for the memory that its flush will need.
    #[inline]
    fn approach<D: Driver>(
        &self,
        transport: TransportKey,
        steps: usize,
        egress: &Egress<'_, D>,
        cx: &Context<Self>,
    ) {
        let _ = (transport, steps, egress, cx);
    }

    /// How far ahead it wants to be told.
    const STEPS_AHEAD: usize = 0;

    /// The shard ends in order: what its peers are told at last. Whom it marks is flushed once more, and then it is dropped.
    fn say_goodbye(&mut self, cx: &mut Context<Self>) {
        let _ = cx;
    }

    /// Puts what it counted itself among what the shard shows: whenever that is shown, and before the engine is dropped
    /// for any reason but a panic, with which the last of it goes.
    fn count(&self, totals: &mut Totals) {
        let _ = totals;
    }

    /// The end of a tick: the place to emit events that were coalesced in it, and to try again those that
    /// [`Context::event`] refused.
    fn publish(&mut self, cx: &mut Context<Self>) {
        let _ = cx;
    }
}

/// A packet that came from another shard.
#[derive(Clone, Copy, Debug)]
pub struct Crossed<S> {
    /// The shard that received it.
    pub from: ShardId,
    /// The stream it belongs to, in that shard's numbering.
    pub stream: StreamId,
    /// The epoch it was received in, which is the current one of that stream.
    pub epoch: Epoch,
    /// What that shard's engine says about it.
    pub stamp: S,
    /// Its bytes, borrowed.
    pub payload: Payload,
}

/// What an engine makes of datagrams from an unknown peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// They were of use.
    Taken,
    /// They were not, and count as dropped.
    Dropped,
    /// They came over a TCP connection that another shard has to go on with: [`Engine::hand_on`] gets it.
    Leaves(ShardId),
}

/// A TCP connection on its way to another shard.
#[derive(Debug)]
pub struct Leaving {
    pub(crate) detached: Detached,
    /// What was read and concerns the other shard, in frames as they came; the last may be a part.
    pub(crate) bytes: Box<[u8]>,
}

/// The facts of an engine that tells none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoFact {}

impl Fact for NoFact {
    type Key = u32;

    fn key(&self) -> u32 {
        match *self {}
    }

    fn absorb(&mut self, newer: Self) -> Result<(), Self> {
        match newer {}
    }
}
