//! This shard's parts of WebRtcServers: ports that WebRTC transports of several shards share.
//!
//! Each shard that has a transport of a server has a socket on each of its UDP ports (SO_REUSEPORT), from which its
//! transports send, and a listener on each of its TCP ports. What a peer sends comes to any of them, as the kernel's
//! hash of the addresses says. So each part tells all others what each of its transports is known by, whenever that
//! changes ([`Guest`]); a datagram that came to the wrong one is handed over as it is, and is treated there as if it
//! had come there. What nobody knows ends where it came in.
//!
//! A part that joins makes itself known to those that are there, and they make it known to each other; of those that
//! are made at the same time control tells the one that is ready last. While media flow it gets datagrams of the
//! others' transports before it has heard of them. Until all others said that that was all, it hands what it does not
//! know to the one that was there first. A datagram is handed over at most twice.
//!
//! A connection is accepted wherever the kernel's hash says. Its first Binding request says whose it is; if that is a
//! transport of another shard, the connection goes there with what was read of it, once, and stays.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use model::command::{Bind, WebRtcServerCommand};
use model::key::{TransportKey, WebRtcServerKey};
use model::reply::{Answer, BoundSocket, Refusal, RefusalClass};
use model::transport::TransportProtocol;
use net::{Driver, SocketKey};
use sfu::Local;

use super::Rooms;
use super::commands::Handled;
use super::fact::{Fact, Said};
use super::ports::{Bound, Held, Sharing};
use super::table::absent;
use super::ufrags::{Home, Ufrag};
use crate::context::Context;
use crate::demux::{Elsewhere, Tuple};
use crate::io::Sockets;
use crate::key::ShardId;

/// A server's part on this shard.
#[derive(Debug, Default)]
pub(super) struct ServerPart {
    held: Held,
    /// All its ports, by place.
    pub(super) at: Vec<BoundSocket>,
    /// UDP sockets by place.
    pub(super) sockets: Vec<Option<SocketKey>>,
    /// Its listeners, with their places.
    pub(super) listeners: Vec<(SocketKey, u8)>,
    /// Its parts on other shards, the oldest first.
    pub(super) others: Vec<Other>,
    /// Its transports on this shard.
    guests: BTreeMap<TransportKey, Guest>,
}

/// A part on another shard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Other {
    pub(super) shard: ShardId,
    pub(super) key: WebRtcServerKey,
    /// Whether it has more to tell.
    pub(super) is_telling: bool,
}

/// What a transport is known by. Never more than ICE keeps: a few names, and as many tuples as a transport may have.
#[derive(Clone, Debug, Default)]
pub(super) struct Guest {
    ufrags: Vec<Ufrag>,
    claims: Vec<Claim>,
}

/// What the transports of other shards are known by, by their place there, and which server they are behind.
#[derive(Debug, Default)]
pub(super) struct Strangers(BTreeMap<(ShardId, u32), (WebRtcServerKey, Guest)>);

/// A tuple, as all parts of a server call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flow {
    place: u8,
    ip: Option<IpAddr>,
    remote: SocketAddr,
}

/// That a tuple is a transport's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Claim {
    flow: Flow,
    /// Another one each time: who lost it and got it back while nobody was listening says something new.
    number: u32,
}

/// What a part of a server tells another.
#[derive(Clone, Copy, Debug)]
pub(super) enum DoorFact {
    /// It is there, and is called so.
    Hello(WebRtcServerKey),
    /// Another one is there, on that shard, and is called so.
    Also(ShardId, WebRtcServerKey),
    /// That was all that there was when the two met.
    ThatIsAll,
}

/// Which of them a newer one stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DoorTopic {
    /// Who tells.
    Hello,
    /// Who else is there.
    Also(ShardId),
    /// The end of a greeting.
    ThatIsAll,
}

impl DoorFact {
    pub(super) const fn topic(self) -> DoorTopic {
        match self {
            Self::Hello(_) => DoorTopic::Hello,
            Self::Also(shard, _) => DoorTopic::Also(shard),
            Self::ThatIsAll => DoorTopic::ThatIsAll,
        }
    }
}

impl Rooms {
    pub(super) fn server_command<D: Driver>(
        &mut self,
        key: WebRtcServerKey,
        command: &WebRtcServerCommand,
        sockets: &mut Sockets<'_, D>,
        cx: &mut Context<Self>,
    ) -> Result<Handled, Refusal> {
        match command {
            WebRtcServerCommand::Open(binds) => self.open_server(key, binds, Sharing::First, sockets),
            WebRtcServerCommand::Join { binds, others } => {
                let handled = self.open_server(key, binds, Sharing::Joins, sockets)?;
                if self.servers.get(key).is_some() {
                    others.iter().for_each(|&(shard, there)| self.greet(key, shard.into(), there, cx));
                }
                Ok(handled)
            }
            WebRtcServerCommand::Meet(others) => {
                self.servers.get(key).ok_or_else(|| absent(key))?;
                others.iter().for_each(|&(shard, there)| self.meet_part(key, shard.into(), there, cx));
                Ok(Handled::Now(Answer::Nothing))
            }
            WebRtcServerCommand::Close => {
                let part = self.servers.remove(key).ok_or_else(|| absent(key))?;
                for socket in part.held.udp.iter().chain(&part.held.tcp) {
                    self.doors.remove(*socket);
                    cx.forget_elsewhere(|_, other| other == *socket);
                }
                self.ufrags.remove_all(|server, _| server == key);
                self.strangers.0.retain(|_, (server, _)| *server != key);
                Ok(Handled::AfterReaping(part.held.into_all().collect(), Ok(Answer::Nothing)))
            }
        }
    }

    fn open_server<D: Driver>(
        &mut self,
        key: WebRtcServerKey,
        binds: &[Bind],
        sharing: Sharing,
        sockets: &mut Sockets<'_, D>,
    ) -> Result<Handled, Refusal> {
        self.servers.check(key)?;
        let seed = u64::from(key.index) << 32 | u64::from(key.generation);
        let mut bound = Bound::shared(binds, seed, sharing)?;
        let at = core::mem::take(&mut bound.at);
        match bound.hand_over(sockets) {
            Ok(held) => {
                let part = ServerPart::new(held, at.clone());
                for (place, socket) in (0..).zip(&part.sockets) {
                    socket.iter().for_each(|socket| self.doors.insert(*socket, key, place));
                }
                part.listeners.iter().for_each(|(socket, place)| self.doors.insert(*socket, key, *place));
                self.servers.insert(key, part)?;
                Ok(Handled::Now(Answer::Bound(at)))
            }
            Err((taken, refusal)) => Ok(Handled::AfterReaping(taken, Err(refusal))),
        }
    }

    /// Makes itself known to a part on another shard, which answers with all that it has.
    fn greet(
        &mut self,
        key: WebRtcServerKey,
        shard: ShardId,
        there: WebRtcServerKey,
        cx: &mut Context<Self>,
    ) {
        let Some(part) = self.servers.get_mut(key) else { return };
        part.others.retain(|other| other.shard != shard);
        part.others.push(Other { shard, key: there, is_telling: true });
        self.tell(shard, Fact(Said::Door(there, DoorFact::Hello(key))), cx);
        self.tell_all(key, shard, there, cx);
    }

    /// Another part is there. Who is known has said himself what he is called.
    fn meet_part(
        &mut self,
        key: WebRtcServerKey,
        shard: ShardId,
        there: WebRtcServerKey,
        cx: &mut Context<Self>,
    ) {
        let Some(part) = self.servers.get(key) else { return };
        if !part.others.iter().any(|other| other.shard == shard) {
            self.greet(key, shard, there, cx);
        }
    }

    /// A part on another shard has made itself known: it gets to know all, and the others of it.
    fn greeted(
        &mut self,
        key: WebRtcServerKey,
        shard: ShardId,
        there: WebRtcServerKey,
        cx: &mut Context<Self>,
    ) {
        let Some(part) = self.servers.get_mut(key) else { return };
        let known = part.others.iter_mut().find(|other| other.shard == shard);
        match known {
            Some(other) => other.key = there,
            None => part.others.push(Other { shard, key: there, is_telling: false }),
        }
        let others: Vec<_> = part.others.iter().filter(|other| other.shard != shard).copied().collect();
        self.tell_all(key, shard, there, cx);
        self.tell(shard, Fact(Said::Door(there, DoorFact::ThatIsAll)), cx);
        for other in others {
            let also = DoorFact::Also(shard, there);
            self.tell(other.shard, Fact(Said::Door(other.key, also)), cx);
        }
    }

    fn tell_all(
        &mut self,
        key: WebRtcServerKey,
        shard: ShardId,
        there: WebRtcServerKey,
        cx: &mut Context<Self>,
    ) {
        let Some(part) = self.servers.get(key) else { return };
        let guests = part.guests.iter().map(|(transport, guest)| (transport.index, Box::new(guest.clone())));
        for (place, guest) in guests.collect::<Vec<_>>() {
            self.tell(shard, Fact(Said::Guest(there, place, guest)), cx);
        }
    }

    /// A transport came to a server, or has a new name.
    pub(super) fn enter_ufrag(
        &mut self,
        server: WebRtcServerKey,
        transport: TransportKey,
        ufrag: &str,
        cx: &mut Context<Self>,
    ) -> Result<(), Refusal> {
        let too_long = || Refusal::new(RefusalClass::Invalid, "the ICE user name is longer than any of ours");
        let ufrag = Ufrag::new(ufrag.as_bytes()).ok_or_else(too_long)?;
        let part = self.servers.get_mut(server).ok_or_else(|| absent(server))?;
        self.ufrags.enter(server, ufrag, Home::Here(transport))?;
        part.guests.entry(transport).or_default().ufrags.push(ufrag);
        self.tell_parts(server, transport, cx);
        Ok(())
    }

    /// A name means nothing any more.
    pub(super) fn forget_ufrag(&mut self, transport: TransportKey, ufrag: &str, cx: &mut Context<Self>) {
        let Some(server) = self.server_of(transport) else { return };
        let Some(ufrag) = Ufrag::new(ufrag.as_bytes()) else { return };
        let Some(part) = self.servers.get_mut(server) else { return };
        let Some(guest) = part.guests.get_mut(&transport) else { return };
        guest.ufrags.retain(|other| *other != ufrag);
        self.ufrags.remove(server, ufrag, Home::Here(transport));
        self.tell_parts(server, transport, cx);
    }

    /// A transport of a server has that tuple now, or has it no more.
    pub(super) fn turn_flow(
        &mut self,
        transport: TransportKey,
        (local, remote): (Local, SocketAddr),
        is_bound: bool,
        cx: &mut Context<Self>,
    ) {
        let Some(server) = self.server_of(transport) else { return };
        let Local::Socket { place, ip } = local else { return };
        let flow = Flow { place, ip, remote };
        let Some(part) = self.servers.get_mut(server) else { return };
        let Some(Guest { claims, .. }) = part.guests.get_mut(&transport) else { return };
        claims.retain(|other| other.flow != flow);
        if is_bound {
            self.claims = self.claims.wrapping_add(1);
            claims.push(Claim { flow, number: self.claims });
        }
        self.tell_parts(server, transport, cx);
    }

    /// A transport is gone from its server.
    pub(super) fn leave_server(
        &mut self,
        server: WebRtcServerKey,
        transport: TransportKey,
        cx: &mut Context<Self>,
    ) {
        let Some(part) = self.servers.get_mut(server) else { return };
        let Some(Guest { ufrags, .. }) = part.guests.remove(&transport) else { return };
        for ufrag in ufrags {
            self.ufrags.remove(server, ufrag, Home::Here(transport));
        }
        self.tell_parts(server, transport, cx);
    }

    /// Another part said something.
    pub(super) fn hear_door(
        &mut self,
        from: ShardId,
        key: WebRtcServerKey,
        fact: DoorFact,
        cx: &mut Context<Self>,
    ) {
        // It closed meanwhile.
        let Some(part) = self.servers.get_mut(key) else { return };
        match fact {
            DoorFact::Hello(there) => self.greeted(key, from, there, cx),
            DoorFact::Also(shard, there) => self.meet_part(key, shard, there, cx),
            DoorFact::ThatIsAll => {
                let of_it = part.others.iter_mut().filter(|other| other.shard == from);
                of_it.for_each(|other| other.is_telling = false);
            }
        }
    }

    /// What the transport at a place of another shard is known by, behind this part, has changed. Only what it did not say
    /// before is news, and only that can take a tuple from somebody: the rest it said when it knew no better.
    pub(super) fn hear_guest(
        &mut self,
        from: ShardId,
        key: WebRtcServerKey,
        (place, guest): (u32, Guest),
        cx: &mut Context<Self>,
    ) {
        let (before, then) = self.strangers.0.remove(&(from, place)).unwrap_or((key, Guest::default()));
        // Of a part that has closed meanwhile nothing is left.
        let now = if self.servers.get(key).is_some() { guest } else { Guest::default() };
        let lasts = |claim: &Claim| before == key && now.claims.contains(claim);
        let whose = Elsewhere { shard: from, place };
        for ufrag in then.ufrags.iter().filter(|ufrag| before != key || !now.ufrags.contains(ufrag)) {
            self.ufrags.remove(before, *ufrag, Home::There(from));
        }
        for claim in then.claims.iter().filter(|claim| !lasts(claim)) {
            if let Some(tuple) = self.tuple_of(before, claim.flow) {
                cx.unbind_elsewhere(whose, tuple);
            }
        }
        for ufrag in &now.ufrags {
            // Without room its first datagrams are dropped as those of somebody unknown, and counted.
            let _ = self.ufrags.enter(key, *ufrag, Home::There(from));
        }
        for claim in now.claims.iter().filter(|claim| before != key || !then.claims.contains(claim)) {
            if let Some(tuple) = self.tuple_of(key, claim.flow) {
                self.give_up(tuple, None, cx);
                // Likewise.
                let _ = cx.bind_elsewhere(whose, tuple);
            }
        }
        if !now.ufrags.is_empty() || !now.claims.is_empty() {
            self.strangers.0.insert((from, place), (key, now));
        }
    }

    /// A flow, as this shard knows it.
    fn tuple_of(&self, server: WebRtcServerKey, flow: Flow) -> Option<Tuple> {
        let socket = self.servers.get(server)?.sockets.get(usize::from(flow.place)).copied().flatten()?;
        Some(Tuple { socket, local: flow.ip, remote: flow.remote })
    }

    /// All parts on that shard are gone, with their transports.
    pub(super) fn forget_parts(&mut self, shard: ShardId, cx: &mut Context<Self>) {
        for part in self.servers.values_mut() {
            part.others.retain(|other| other.shard != shard);
        }
        self.ufrags.remove_all(|_, home| home == Home::There(shard));
        self.strangers.0.retain(|(of, _), _| *of != shard);
        cx.forget_elsewhere(|other, _| other == shard);
    }

    /// Tells all other parts what a transport here is known by now.
    fn tell_parts(&mut self, server: WebRtcServerKey, transport: TransportKey, cx: &mut Context<Self>) {
        let others = self.servers.get(server).map_or(0, |part| part.others.len());
        for at in 0..others {
            let Some(part) = self.servers.get(server) else { return };
            let Some(other) = part.others.get(at).copied() else { return };
            let guest = part.guests.get(&transport).cloned().unwrap_or_default();
            self.tell(other.shard, Fact(Said::Guest(other.key, transport.index, Box::new(guest))), cx);
        }
    }
}

impl Strangers {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl ServerPart {
    fn new(held: Held, at: Vec<BoundSocket>) -> Self {
        let (mut udp, mut tcp) = (held.udp.iter().copied(), held.tcp.iter().copied());
        let (mut sockets, mut listeners) = (Vec::with_capacity(at.len()), Vec::new());
        for (place, bound) in (0..).zip(&at) {
            let is_udp = bound.protocol == TransportProtocol::Udp;
            sockets.push(if is_udp { udp.next() } else { None });
            if !is_udp && let Some(listener) = tcp.next() {
                listeners.push((listener, place));
            }
        }
        Self { held, at, sockets, listeners, ..Self::default() }
    }
}
