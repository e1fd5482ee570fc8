//! Who a transport's peer is, and whether a datagram is from there.

use std::net::{IpAddr, SocketAddr};

use model::command::PeerAddress;

use super::{DropReason, Kind};
use crate::io::SocketRole;

/// The remote addresses of a transport, as far as they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flows {
    rtp: Option<SocketAddr>,
    /// Only where RTCP has a socket of its own.
    rtcp: Option<SocketAddr>,
}

/// Where a datagram stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is the peer's.
    Known,
    /// It may be the first of the peer, whoever that is.
    First,
}

impl Flows {
    pub(super) fn connect(&mut self, peer: &PeerAddress) {
        let at = |port| Some(SocketAddr::new(peer.ip, port));
        (self.rtp, self.rtcp) = (at(peer.port), peer.rtcp_port.and_then(at));
    }

    /// Remembers who sent the first packet.
    pub(super) fn learn(&mut self, role: SocketRole, from: SocketAddr) {
        match role {
            SocketRole::Rtp => self.rtp = Some(from),
            SocketRole::Rtcp => self.rtcp = Some(from),
        }
    }

    /// Where RTP goes.
    pub(crate) const fn rtp(&self) -> Option<SocketAddr> {
        self.rtp
    }

    /// Where RTCP goes, if that is elsewhere.
    pub(crate) const fn rtcp(&self) -> Option<SocketAddr> {
        self.rtcp
    }

    /// Whether a datagram that came on the right socket is taken.
    pub(super) fn check(
        &self,
        kind: Kind,
        role: SocketRole,
        from: SocketAddr,
    ) -> Result<Standing, DropReason> {
        let known = match role {
            SocketRole::Rtp => self.rtp,
            SocketRole::Rtcp => self.rtcp,
        };
        match known {
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
