//! The subject: a process of shards that host a relay. One thread per shard, and one that answers the bench: its
//! allocations are not counted; its CPU is, and is none while it waits for the next question.

mod shards;
mod snapshot;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use self::shards::Running;
pub(crate) use self::snapshot::{ShardSnapshot, Snapshot};
use crate::alloc;
use crate::case::Case;
use crate::child;
use crate::host::Host;
use crate::os;

/// How a forwarder starts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub(crate) case: Case,
    pub(crate) host: Host,
    /// A core per shard; None leaves it to the scheduler.
    pub(crate) cores: Option<Vec<usize>>,
    /// The far end's address for each peer.
    pub(crate) peers: Vec<SocketAddr>,
}

/// What it says once it stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ready {
    /// Where each peer sends.
    pub(crate) ports: Vec<u16>,
}

/// What it can be told to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    Snapshot,
    /// Answered once all shards stand still.
    Hold,
    /// Answered once they go on.
    Release,
}

/// The process's main function.
pub(crate) fn main(setup: &Setup) -> io::Result<()> {
    alloc::leave_out_this_thread();
    os::need_descriptors(setup.case.descriptors())?;
    let (mut shards, ports) = Running::start(setup)?;
    child::reply(&Ready { ports })?;
    while let Some(request) = child::next_request()? {
        match request {
            Request::Snapshot => child::reply(&shards.snapshot()?)?,
            Request::Hold => child::reply(&shards.hold()?)?,
            Request::Release => child::reply(&shards.release()?)?,
        }
    }
    Ok(())
}

/// The far end's addresses on loopback.
pub(crate) fn on_loopback(ports: &[u16]) -> Vec<SocketAddr> {
    ports.iter().map(|&port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))).collect()
}
