//! Datagrams on ports that transports of several shards share: whose they are, and what becomes of those that came to the
//! wrong shard. See `servers`.

use model::key::WebRtcServerKey;
use net::{Batch, SocketKey};
use wire::stun;

use super::Rooms;
use super::fact::{Fact, Said};
use super::ufrags::Home;
use crate::context::Context;
use crate::demux::Destination;
use crate::engine::{Claim, Leaving};
use crate::key::ShardId;
use crate::stray::{Door, Stray};

/// By which door a datagram came in.
#[derive(Clone, Copy, Debug)]
struct Entrance {
    server: WebRtcServerKey,
    place: u8,
    /// How often it was handed over before.
    hops: u8,
}

/// Whose socket is shared.
#[derive(Debug, Default)]
pub(super) struct Doors(Vec<Option<(SocketKey, WebRtcServerKey, u8)>>);

impl Doors {
    pub(super) fn insert(&mut self, socket: SocketKey, server: WebRtcServerKey, place: u8) {
        let index = socket.index() as usize;
        if index >= self.0.len() {
            self.0.resize(index + 1, None);
        }
        self.0[index] = Some((socket, server, place));
    }

    pub(super) fn remove(&mut self, socket: SocketKey) {
        if let Some(door) = self.0.get_mut(socket.index() as usize) {
            door.take_if(|(held, ..)| *held == socket);
        }
    }

    pub(super) fn find(&self, socket: SocketKey) -> Option<(WebRtcServerKey, u8)> {
        let (held, server, place) = (*self.0.get(socket.index() as usize)?)?;
        (held == socket).then_some((server, place))
    }
}

impl Rooms {
    /// Datagrams of a tuple that somebody is known to have.
    #[inline]
    pub(super) fn come_in(&mut self, whose: Home, batch: &Batch<'_>, cx: &mut Context<Self>) -> Claim {
        // Media looks no further than at a first byte that it looks at anyway.
        let says_names = batch.datagrams().any(is_stun);
        let door =
            || self.doors.find(batch.socket).map(|(server, place)| Entrance { server, place, hops: 0 });
        match whose {
            Home::Here(transport) if !says_names => self.take_in(transport, batch, cx),
            Home::Here(transport) => match door() {
                Some(entrance) => self.sort(entrance, whose, batch, cx),
                None => self.take_in(transport, batch, cx),
            },
            Home::There(shard) => match door() {
                Some(entrance) if says_names => self.sort(entrance, whose, batch, cx),
                Some(entrance) => self.hand_on(entrance, shard, batch, cx),
                None => Claim::Dropped,
            },
        }
    }

    /// Gives each datagram on a shared port to whom it names, and else to who has its tuple. A port of a NAT is given to
    /// one peer after another, and a peer may leave one transport for another: the tuple is still the one's then, and the
    /// first thing that comes is the other's check (RFC 8445 §7.3).
    fn sort(&mut self, entrance: Entrance, whose: Home, batch: &Batch<'_>, cx: &mut Context<Self>) -> Claim {
        let mut claim = Claim::Dropped;
        for bytes in batch.datagrams() {
            let batch = Batch { bytes, segment_size: bytes.len().max(1), ..*batch };
            let named = ufrag_of(bytes).and_then(|ufrag| self.ufrags.find(entrance.server, ufrag));
            let claimed = match named.unwrap_or(whose) {
                Home::Here(transport) => self.meet(transport, &batch, cx),
                Home::There(shard) => self.hand_on(entrance, shard, &batch, cx),
            };
            if claimed == Claim::Taken {
                claim = Claim::Taken;
            }
        }
        claim
    }

    /// Datagrams of somebody unknown on a shared port.
    pub(super) fn knock(&mut self, batch: &Batch<'_>, cx: &mut Context<Self>) -> Claim {
        let Some((server, place)) = self.doors.find(batch.socket) else {
            let door = cx.listener_of(batch.socket).and_then(|listener| self.doors.find(listener));
            return door.map_or(Claim::Dropped, |(server, _)| self.let_in_by_stream(server, batch, cx));
        };
        let others = self.servers.get(server).map_or(&[][..], |part| &part.others);
        if let Some(first) = others.iter().any(|other| other.is_telling).then(|| others.first()).flatten() {
            let shard = first.shard;
            if !self.is_named(server, batch.bytes) {
                return self.hand_on(Entrance { server, place, hops: 0 }, shard, batch, cx);
            }
        }
        self.let_in(Entrance { server, place, hops: 0 }, batch, cx)
    }

    /// A datagram that another shard received.
    pub(super) fn take_stray(&mut self, stray: &Stray<'_>, cx: &mut Context<Self>) -> Claim {
        let Stray { door, from, to, received, hops, bytes } = *stray;
        let server = key_of(door.key);
        let socket = self.servers.get(server).and_then(|part| *part.sockets.get(usize::from(door.place))?);
        let Some(socket) = socket else { return Claim::Dropped };
        let segment_size = bytes.len().max(1);
        let batch = Batch { socket, from, to, received, bytes, segment_size };
        let entrance = Entrance { server, place: door.place, hops };
        match cx.route(&batch) {
            Destination::Bound(transport) => {
                // Whatever it makes of it: somebody has it.
                let _ = self.sort(entrance, Home::Here(transport), &batch, cx);
                Claim::Taken
            }
            Destination::Elsewhere(shard) => self.sort(entrance, Home::There(shard), &batch, cx),
            _ => self.let_in(entrance, &batch, cx),
        }
    }

    /// Lets those in who say a name.
    fn let_in(&mut self, entrance: Entrance, batch: &Batch<'_>, cx: &mut Context<Self>) -> Claim {
        let mut claim = Claim::Dropped;
        for bytes in batch.datagrams() {
            let Some(ufrag) = ufrag_of(bytes) else { continue };
            let batch = Batch { bytes, segment_size: bytes.len().max(1), ..*batch };
            let claimed = match self.ufrags.find(entrance.server, ufrag) {
                Some(Home::Here(transport)) => self.meet(transport, &batch, cx),
                Some(Home::There(shard)) => self.hand_on(entrance, shard, &batch, cx),
                None => {
                    cx.totals.dropped_unknown_ufrag += 1;
                    Claim::Dropped
                }
            };
            if claimed == Claim::Taken {
                claim = Claim::Taken;
            }
        }
        claim
    }

    /// The same for a connection, of which no frame is handed over: if its transport is elsewhere, it goes there as it is.
    fn let_in_by_stream(
        &mut self,
        server: WebRtcServerKey,
        batch: &Batch<'_>,
        cx: &mut Context<Self>,
    ) -> Claim {
        let Some(ufrag) = ufrag_of(batch.bytes) else { return Claim::Dropped };
        match self.ufrags.find(server, ufrag) {
            Some(Home::Here(transport)) => self.meet(transport, batch, cx),
            Some(Home::There(shard)) => Claim::Leaves(shard),
            None => {
                cx.totals.dropped_unknown_ufrag += 1;
                Claim::Dropped
            }
        }
    }

    /// Whether a shard keeps up with the connections that are told of. Where it does not, who connects tries again.
    fn can_take(&self, shard: ShardId, cx: &Context<Self>) -> bool {
        let ahead = cx.facts_ahead(shard);
        ahead.is_some_and(|ahead| ahead < FACTS_AHEAD) && !self.untold.has(shard)
    }

    /// A connection has left the driver for another shard. Whether that is told.
    pub(super) fn see_off(
        &mut self,
        to: ShardId,
        listener: SocketKey,
        leaving: Leaving,
        cx: &mut Context<Self>,
    ) -> bool {
        let Some((server, place)) = self.doors.find(listener) else { return false };
        let others = self.servers.get(server).map_or(&[][..], |part| &part.others);
        let Some(other) = others.iter().find(|other| other.shard == to).copied() else { return false };
        if !self.can_take(to, cx) {
            return false;
        }
        self.tell(to, Fact(Said::Newcomer(other.key, place, Box::new(leaving))), cx);
        true
    }

    /// A connection has come from another shard. If the server is gone, it ends.
    pub(super) fn welcome(
        &mut self,
        server: WebRtcServerKey,
        place: u8,
        leaving: Leaving,
        cx: &mut Context<Self>,
    ) {
        let listeners = self.servers.get(server).map_or(&[][..], |part| &part.listeners);
        if let Some((listener, _)) = listeners.iter().find(|(_, at)| *at == place) {
            cx.take_over(*listener, leaving);
        } else {
            cx.totals.tcp_not_handed_over += 1;
        }
    }

    fn is_named(&self, server: WebRtcServerKey, bytes: &[u8]) -> bool {
        ufrag_of(bytes).is_some_and(|ufrag| self.ufrags.find(server, ufrag).is_some())
    }

    fn hand_on(
        &self,
        entrance: Entrance,
        shard: ShardId,
        batch: &Batch<'_>,
        cx: &mut Context<Self>,
    ) -> Claim {
        let Entrance { server, place, hops } = entrance;
        if hops >= MOST_HOPS {
            return Claim::Dropped;
        }
        let others = self.servers.get(server).map_or(&[][..], |part| &part.others);
        let Some(other) = others.iter().find(|other| other.shard == shard) else { return Claim::Dropped };
        cx.hand_over_strays(shard, Door { key: packed(other.key), place }, hops + 1, batch);
        Claim::Taken
    }
}

/// RFC 7983 §7: what else there is does not begin so.
#[inline]
fn is_stun(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| *first < 4)
}

/// The name that a Binding request says, if it is one.
fn ufrag_of(datagram: &[u8]) -> Option<&[u8]> {
    if !is_stun(datagram) {
        return None;
    }
    let message = stun::Message::parse(datagram).ok()?;
    let is_request = message.class() == stun::Class::Request && message.method() == stun::Method::BINDING;
    Some(message.username.filter(|_| is_request)?.receiver)
}

fn packed(key: WebRtcServerKey) -> u64 {
    u64::from(key.index) << 32 | u64::from(key.generation)
}

fn key_of(packed: u64) -> WebRtcServerKey {
    let [index, generation] =
        [packed >> 32, packed & 0xFFFF_FFFF].map(|half| u32::try_from(half).unwrap_or(u32::MAX));
    WebRtcServerKey::new(index, generation)
}

/// To the one that was there first, and on to the right one.
const MOST_HOPS: u8 = 2;
/// Facts that a shard has not taken, beyond which no connection is told to it: far fewer than its lane holds, so that no
/// packet ever waits behind connections that found no room. Each of them holds a descriptor and what was read of it.
const FACTS_AHEAD: usize = 64;
