//! When a socket of a transport's own may be connected to the transport's only peer, which saves the kernel a look-up per
//! packet, and when not any more.
//!
//! A connected socket hears nobody else. So the peer has to have stayed on one tuple for a while; and when its checks
//! fail to come, it may have moved, or somebody between us may have given it another address.

use core::time::Duration;
use std::net::SocketAddr;

use ice::Tuple;
use wire::Mono;

use crate::io::Local;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settling {
    /// ICE has not completed, or the peer has several tuples.
    Moving,
    /// The peer has this tuple alone.
    Lone { tuple: Tuple<Local>, since: Mono },
    /// The socket is connected.
    Settled { tuple: Tuple<Local>, heard: Mono },
}

/// A socket is to be connected, or, without a peer, to hear everybody again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settle {
    pub(crate) local: Local,
    pub(crate) peer: Option<SocketAddr>,
}

impl Settling {
    /// A check was granted or ICE changed, after which the peer has this tuple alone, if it does.
    pub(super) fn heard(&mut self, now: Mono, lone: Option<Tuple<Local>>) -> Option<Settle> {
        let before = *self;
        *self = match (before, lone) {
            (_, None) => Self::Moving,
            (Self::Lone { tuple, since }, Some(lone)) if tuple == lone => {
                if now >= since + STAYS_FOR {
                    Self::Settled { tuple, heard: now }
                } else {
                    before
                }
            }
            (Self::Settled { tuple, .. }, Some(lone)) if tuple == lone => Self::Settled { tuple, heard: now },
            (_, Some(tuple)) => Self::Lone { tuple, since: now },
        };
        match (before, *self) {
            (Self::Settled { .. }, Self::Settled { .. }) => None,
            (Self::Settled { tuple, .. }, _) => Some(Settle { local: tuple.local, peer: None }),
            (_, Self::Settled { tuple, .. }) => Some(Settle { local: tuple.local, peer: Some(tuple.remote) }),
            _ => None,
        }
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub(super) fn deadline(self) -> Mono {
        match self {
            Self::Moving | Self::Lone { .. } => Mono::NEVER,
            Self::Settled { heard, .. } => heard + SILENT_FOR,
        }
    }

    /// Lets everybody in again when the peer was not heard for too long.
    pub(super) fn handle_timeout(&mut self, now: Mono) -> Option<Settle> {
        match *self {
            Self::Settled { tuple, .. } if now >= self.deadline() => {
                *self = Self::Moving;
                Some(Settle { local: tuple.local, peer: None })
            }
            _ => None,
        }
    }
}

/// By then a browser has checked all candidates that it has.
const STAYS_FOR: Duration = Duration::from_secs(10);
/// A browser checks the tuple in use every 2.5 s or so, and gives a peer up that has not answered for 5.
const SILENT_FOR: Duration = Duration::from_secs(6);
