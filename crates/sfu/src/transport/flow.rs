//! Who a transport's peer is, and whether a datagram is from there.

use std::net::{IpAddr, SocketAddr};

use ice::Tuple;
use model::command::PeerAddress;

use super::{DropReason, Kind};
use crate::io::Local;

/// The remote addresses of a transport, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flows {
    rtp: Option<Tuple<Local>>,
    /// Only where RTCP has a socket of its own. Apart, because no packet looks at it.
    rtcp: Option<Box<Tuple<Local>>>,
}

/// Where a datagram stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is the peer's.
    Known,
    /// It may be the first of the peer, whoever that is.
    First,
    /// It is the peer's, by another way than the one that ICE selected.
    Elsewhere,
}

impl Flows {
    pub(super) fn connect(&mut self, peer: &PeerAddress) {
        let at = |local, port| Some(Tuple { local, remote: SocketAddr::new(peer.ip, port) });
        self.rtp = at(Local::RTP, peer.port);
        self.rtcp = peer.rtcp_port.and_then(|port| at(Local::RTCP, port)).map(Box::new);
    }

    /// Remembers who sent the first packet.
    pub(super) fn learn(&mut self, tuple: Tuple<Local>) {
        match tuple.local.place() {
            0 => self.rtp = Some(tuple),
            _ => self.rtcp = Some(Box::new(tuple)),
        }
    }

    /// Takes another way, or none.
    pub(super) const fn aim(&mut self, tuple: Option<Tuple<Local>>) {
        self.rtp = tuple;
    }

    /// Where RTP goes.
    #[inline]
    pub(crate) const fn rtp(&self) -> Option<Tuple<Local>> {
        self.rtp
    }

    /// Where RTCP goes, if that is elsewhere.
    pub(crate) fn rtcp(&self) -> Option<Tuple<Local>> {
        self.rtcp.as_deref().copied()
    }

    /// Whether a datagram that came on the right socket is taken.
    pub(super) fn check(&self, kind: Kind, at: Tuple<Local>) -> Result<Standing, DropReason> {
        let known = if at.local.place() == 0 { self.rtp } else { self.rtcp() };
        let from = at.remote;
        match known.map(|known| known.remote) {
            Some(known) if known == from => Ok(Standing::Known),
            Some(known) if same_host_behind_map(known, from) => Ok(Standing::Known),
            Some(_) => Err(DropReason::UnknownFlow),
            None if matches!(kind, Kind::Plain { comedia: true, .. }) => Ok(Standing::First),
            None => Err(DropReason::NotConnected),
        }
    }
}

/// A socket of both families shows an IPv4 peer as a mapped address (RFC 4291 §2.5.5.2); a scope says which link, and
/// nobody gives it in `connect`.
fn same_host_behind_map(known: SocketAddr, from: SocketAddr) -> bool {
    let plain = |ip: IpAddr| ip.to_canonical();
    known.port() == from.port() && plain(known.ip()) == plain(from.ip())
}
