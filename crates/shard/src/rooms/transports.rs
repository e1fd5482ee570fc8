//! Commands to transports: their sockets here, everything else in `sfu`.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use model::command::{Bind, TransportCommand, TransportConnect, TransportOpen, TransportSetup, WebRtcListen};
use model::key::{RouterKey, TransportKey, WebRtcServerKey};
use model::reply::{Answer, BoundSocket, Part, Refusal, RefusalClass};
use model::transport::TransportProtocol;
use net::{Driver, SocketKey};
use sfu::{ConnectionKey, Io, Local, Output};

use super::commands::{Handled, outcome};
use super::owed::Then;
use super::ports::{Bound, Held};
use super::servers::ServerPart;
use super::table::absent;
use super::{Left, Rooms};
use crate::context::Context;
use crate::control::Ticket;
use crate::io::Sockets;
use crate::timers::TimerKey;

/// Where a transport's datagrams come in and go out. Looked at for every flush, of as many transports as there are:
/// what that needs lies in one cache line.
#[derive(Debug)]
pub(super) struct Station {
    /// The first UDP sockets, by place. Those behind them are aside.
    sockets: [Option<SocketKey>; 2],
    /// The local addresses that its peer talks to, by place, where the socket is bound to all and it is not ICE that
    /// keeps them.
    locals: Option<Box<[Option<IpAddr>; 2]>>,
    /// Whose transport.
    pub(super) router: RouterKey,
    pub(super) aside: Box<Aside>,
    pub(super) peers: Peers,
    /// Whether there is something to settle aside.
    pub(super) is_settling: bool,
    /// Whether a socket is connected to a peer of ICE.
    is_settled: bool,
}

/// Which peers a transport talks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peers {
    /// One, which connecting names or the first packet.
    Fixed,
    /// Whoever proves to ICE to be the right one.
    ByIce,
}

/// What no flush looks at.
#[derive(Debug)]
pub(super) struct Aside {
    /// Its own ports, to be closed with it.
    pub(super) held: Held,
    /// UDP sockets of places beyond those of the station.
    further: Box<[Option<SocketKey>]>,
    /// Its listeners, and their places.
    listeners: Box<[(SocketKey, u8)]>,
    /// Whose ports it uses instead.
    pub(super) server: Option<WebRtcServerKey>,
    /// Its timer, if it was ever armed.
    pub(super) timer: Option<TimerKey>,
    /// A socket that is to be connected with the next flush, or not to be any more.
    pub(super) settling: Option<(SocketKey, Option<SocketAddr>)>,
    /// A socket that is connected to a peer of ICE. It reaches nobody else.
    settled: Option<(SocketKey, SocketAddr)>,
}

impl Station {
    /// Of a transport with these ports, which were bound `at` these addresses.
    fn new(router: RouterKey, held: Held, at: &[BoundSocket], peers: Peers) -> Self {
        let mut udp = held.udp.iter().copied();
        let mut by_place =
            at.iter().map(|bound| if bound.protocol == TransportProtocol::Udp { udp.next() } else { None });
        let sockets = [0, 1].map(|_| by_place.next().flatten());
        let further = by_place.collect();
        let places = (0..).zip(at).filter(|(_, bound)| bound.protocol == TransportProtocol::Tcp);
        let listeners = held.tcp.iter().copied().zip(places.map(|(place, _)| place)).collect();
        let aside = Box::new(Aside {
            held,
            further,
            listeners,
            server: None,
            timer: None,
            settling: None,
            settled: None,
        });
        Self { sockets, locals: None, router, aside, peers, is_settling: false, is_settled: false }
    }

    /// Of a transport that uses a server's ports.
    fn behind(router: RouterKey, server: WebRtcServerKey, part: &ServerPart) -> Self {
        let sockets = [0, 1].map(|place| part.sockets.get(place).copied().flatten());
        let further = part.sockets.get(sockets.len()..).unwrap_or_default().into();
        let listeners = part.listeners.as_slice().into();
        let aside = Aside {
            held: Held::default(),
            further,
            listeners,
            server: Some(server),
            timer: None,
            settling: None,
            settled: None,
        };
        Self {
            sockets,
            locals: None,
            router,
            aside: Box::new(aside),
            peers: Peers::ByIce,
            is_settling: false,
            is_settled: false,
        }
    }

    /// The UDP socket of a place.
    #[inline]
    pub(super) fn socket(&self, place: u8) -> Option<SocketKey> {
        let place = usize::from(place);
        match self.sockets.get(place) {
            Some(socket) => *socket,
            None => self.aside.further.get(place - self.sockets.len()).copied().flatten(),
        }
    }

    /// How a transport calls one of its UDP sockets, and the address of ours that its peer talks to there.
    #[inline]
    pub(super) fn local(&self, socket: SocketKey, ip: Option<IpAddr>) -> Option<Local> {
        let is_it = |held: &Option<SocketKey>| *held == Some(socket);
        let place = match self.sockets.iter().position(is_it) {
            Some(place) => place,
            None => self.aside.further.iter().position(is_it)? + self.sockets.len(),
        };
        Some(Local::Socket { place: u8::try_from(place).ok()?, ip })
    }

    /// How a transport calls a connection that one of its listeners accepted.
    pub(super) fn connection(&self, connection: SocketKey, listener: SocketKey) -> Option<Local> {
        let (_, place) = *self.aside.listeners.iter().find(|(key, _)| *key == listener)?;
        let (index, generation) = (connection.index(), connection.generation());
        Some(Local::Connection { place, connection: ConnectionKey { index, generation } })
    }

    /// A socket was connected to a peer of ICE, or to nobody any more.
    pub(super) fn settled(&mut self, socket: SocketKey, peer: Option<SocketAddr>) {
        self.aside.settled = peer.map(|peer| (socket, peer));
        self.is_settled = peer.is_some();
    }

    /// Whether a datagram reaches that address by that socket.
    #[inline]
    pub(super) fn reaches(&self, socket: SocketKey, to: SocketAddr) -> bool {
        !self.is_settled || self.aside.settled.is_none_or(|(held, peer)| held != socket || peer == to)
    }

    /// Where datagrams of a place leave from, where neither the socket nor ICE says so.
    #[inline]
    pub(super) fn from(&self, place: u8) -> Option<IpAddr> {
        self.locals.as_ref()?.get(usize::from(place)).copied().flatten()
    }

    pub(super) fn set_from(&mut self, place: u8, local: Option<IpAddr>) {
        if (local.is_some() || self.locals.is_some())
            && let Some(kept) = self.locals.get_or_insert_default().get_mut(usize::from(place))
        {
            *kept = local;
        }
    }
}

impl Rooms {
    pub(super) fn open_transport<D: Driver>(
        &mut self,
        key: TransportKey,
        open: &TransportOpen,
        sockets: &mut Sockets<'_, D>,
        cx: &mut Context<Self>,
    ) -> Result<Handled, Refusal> {
        self.router(open.router)?;
        self.transports.check(key)?;
        if let TransportSetup::WebRtc { listen, ice } = &open.setup {
            self.require_dtls()?;
            if let WebRtcListen::Server(server) = listen {
                return self.open_behind(*server, key, (open, &ice.local.username_fragment), cx);
            }
        }
        let (binds, peers) = binds(&open.setup);
        let mut bound = Bound::all(binds, open.seed)?;
        let at = core::mem::take(&mut bound.at);
        cx.open_transport(key).map_err(|error| Refusal::new(RefusalClass::Failed, error.to_string()))?;
        if let Err(error) = self.sfu.open_transport(key, open, &at) {
            cx.close_transport(key);
            return Err(error.into());
        }
        match bound.hand_over(sockets) {
            Ok(held) => {
                held.udp.iter().chain(&held.tcp).for_each(|socket| cx.own_socket(*socket, Some(key)));
                let station = Station::new(open.router, held, &at, peers);
                self.transports.insert(key, station)?;
                if let Some(part) = self.routers.get_mut(open.router) {
                    part.transports.push(key);
                }
                Ok(Handled::Now(Answer::Bound(at)))
            }
            Err((taken, refusal)) => {
                let _ = self.sfu.close_transport(key, 1);
                cx.close_transport(key);
                Ok(Handled::AfterReaping(taken, Err(refusal)))
            }
        }
    }

    /// Makes ready what DTLS is done with, at the first transport that needs it.
    fn require_dtls(&mut self) -> Result<(), Refusal> {
        if let Some(identity) = self.identity.as_ref().filter(|_| !self.sfu.has_dtls()) {
            let setup = identity.setup();
            self.sfu.set_dtls(setup.map_err(|error| Refusal::new(RefusalClass::Failed, error.to_string()))?);
        }
        Ok(())
    }

    /// Opens a transport on a server's ports.
    fn open_behind(
        &mut self,
        server: WebRtcServerKey,
        key: TransportKey,
        (open, ufrag): (&TransportOpen, &str),
        cx: &mut Context<Self>,
    ) -> Result<Handled, Refusal> {
        let part = self.servers.get(server).ok_or_else(|| absent(server))?;
        let station = Station::behind(open.router, server, part);
        cx.open_transport(key).map_err(|error| Refusal::new(RefusalClass::Failed, error.to_string()))?;
        let opened = self.sfu.open_transport(key, open, &part.at).map_err(Refusal::from);
        if let Err(refusal) = opened.and_then(|()| self.enter_ufrag(server, key, ufrag, cx)) {
            let _ = self.sfu.close_transport(key, 1);
            cx.close_transport(key);
            return Err(refusal);
        }
        self.transports.insert(key, station)?;
        if let Some(router) = self.routers.get_mut(open.router) {
            router.transports.push(key);
        }
        Ok(Handled::Now(Answer::Bound(Vec::new())))
    }

    /// Tells a transport about its peer. A socket that has but this peer is connected to it: that saves the kernel a
    /// look-up per packet. Where it can not be, nothing is lost but that.
    pub(super) fn connect<D: Driver>(
        &mut self,
        key: TransportKey,
        connect: &TransportConnect,
        sockets: &mut Sockets<'_, D>,
    ) -> Result<Answer, Refusal> {
        let station = self.transports.find_mut(key)?;
        self.sfu.connect(key, connect, &mut self.outputs)?;
        for output in &self.outputs.others {
            let Output::Bind { transport, local, remote } = output else { continue };
            let is_one_host =
                !remote.ip().is_multicast() && !remote.ip().is_unspecified() && remote.port() != 0;
            if *transport == key
                && station.peers == Peers::Fixed
                && is_one_host
                && let Some(socket) = station.socket(local.place())
            {
                let _ = sockets.connect(socket, Some(*remote));
            }
        }
        Ok(Answer::Nothing)
    }

    pub(super) fn transport_command(
        &mut self,
        key: TransportKey,
        command: TransportCommand,
        cx: &mut Context<Self>,
    ) -> Result<Answer, Refusal> {
        self.transport(key)?;
        match command {
            TransportCommand::RestartIce(ice) => {
                if let Some(server) = self.server_of(key) {
                    self.enter_ufrag(server, key, &ice.username_fragment, cx)?;
                }
                self.sfu.restart_ice(key, &ice, &mut self.outputs)?;
            }
            TransportCommand::SetBitrate(limit, bits_per_second) => {
                self.sfu.set_bitrate(key, limit, bits_per_second, &mut self.outputs)?;
            }
            TransportCommand::EnableTrace(trace) => self.sfu.trace_transport(key, trace)?,
            TransportCommand::SendRtcp(compound) => {
                let mut io = Io { now: cx.now(), packets: cx, out: &mut self.outputs };
                // What is of no use is counted, as it is when it comes from the network.
                let _ = self.sfu.send_rtcp(key, &compound, &mut io)?;
            }
            TransportCommand::Stats => {
                let counters = self.sfu.transport_counters(key, cx.now())?;
                let report = self.sfu.transport_report(key)?;
                return Ok(Answer::TransportStats(Box::new((counters, report))));
            }
            TransportCommand::Open(_)
            | TransportCommand::Connect(_)
            | TransportCommand::Report
            | TransportCommand::Close => {}
        }
        Ok(Answer::Nothing)
    }

    /// Says where a transport stands. The rows of its tables come before, in parts.
    pub(super) fn report(&mut self, key: TransportKey, ticket: Ticket, cx: &mut Context<Self>) -> Left {
        let report = self.transport(key).and_then(|_| Ok(self.sfu.transport_report(key)?));
        let answer = report.map(|report| Answer::Transport(Box::new(report)));
        let parts = if answer.is_ok() { self.rows(key) } else { VecDeque::new() };
        if parts.is_empty() {
            self.answer(ticket, outcome(answer), cx);
        } else {
            let request = ticket.request();
            let owed = self.owed.begin(Then::Reply(ticket, outcome(answer)));
            self.rows.push_back((request, parts, owed));
        }
        None
    }

    /// Starts closing a socket; what is owed waits for it.
    pub(super) fn reap<D: Driver>(
        &mut self,
        socket: SocketKey,
        owed: super::owed::OwedKey,
        sockets: &mut Sockets<'_, D>,
    ) {
        self.owed.also(owed);
        let place = socket.index() as usize;
        if place >= self.reaping.len() {
            self.reaping.resize(place + 1, None);
        }
        self.reaping[place] = Some((socket, owed));
        sockets.close(socket);
    }

    pub(super) fn transport(&self, key: TransportKey) -> Result<&Station, Refusal> {
        self.transports.get(key).ok_or_else(|| absent(key))
    }

    /// The server whose ports a transport uses.
    pub(super) fn server_of(&self, key: TransportKey) -> Option<WebRtcServerKey> {
        self.transports.get(key)?.aside.server
    }

    fn rows(&self, key: TransportKey) -> VecDeque<Part> {
        let mut parts = VecDeque::new();
        let most = self.config.work_per_tick.max(1);
        let Some(listener) = self.sfu.listener(key) else { return parts };
        let text = |bytes: &[u8]| -> Box<str> { String::from_utf8_lossy(bytes).into() };
        let ssrcs: Vec<_> = listener.ssrcs().map(|(ssrc, of)| (model::id::Ssrc(ssrc.0), of)).collect();
        let mids: Vec<_> = listener.mids().map(|(mid, of)| (text(mid), of)).collect();
        let rids: Vec<_> = listener.rids().map(|(rid, of)| (text(rid), of)).collect();
        let streams: Vec<_> = self.sfu.sctp_streams(key).collect();
        parts.extend(ssrcs.chunks(most).map(|rows| Part::Ssrcs(rows.to_vec())));
        parts.extend(mids.chunks(most).map(|rows| Part::Mids(rows.to_vec())));
        parts.extend(rids.chunks(most).map(|rows| Part::Rids(rows.to_vec())));
        parts.extend(streams.chunks(most).map(|rows| Part::SctpStreams(rows.to_vec())));
        parts
    }
}

/// What a transport binds, and who talks to it there.
fn binds(setup: &TransportSetup) -> (Vec<&Bind>, Peers) {
    match setup {
        TransportSetup::WebRtc { listen: WebRtcListen::Own(binds), .. } => {
            (binds.iter().collect(), Peers::ByIce)
        }
        TransportSetup::WebRtc { listen: WebRtcListen::Server(_), .. } => (Vec::new(), Peers::ByIce),
        TransportSetup::Plain { bind, rtcp_bind, .. } => {
            (std::iter::once(bind).chain(rtcp_bind).collect(), Peers::Fixed)
        }
        TransportSetup::Pipe { bind, .. } => (vec![bind], Peers::Fixed),
        TransportSetup::Direct => (Vec::new(), Peers::Fixed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::key::TransportKey;

    #[test]
    fn what_a_flush_needs_lies_in_one_cache_line() {
        assert!(size_of::<Option<(TransportKey, Station)>>() <= 64);
    }
}
