//! The subject: a process of shards that forward.

use std::io;

use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::host::Host;
use crate::os::Cpu;

/// How a forwarder starts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub(crate) case: Case,
    pub(crate) host: Host,
    /// A core per shard; None leaves it to the scheduler.
    pub(crate) cores: Option<Vec<usize>>,
    /// The far end's port for each peer.
    pub(crate) ports: Vec<u16>,
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
}

/// What it has used and done so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) cpu: Cpu,
    pub(crate) allocs: u64,
    pub(crate) sent_datagrams: u64,
    pub(crate) sent_runs: u64,
}

pub(crate) fn main(_setup: Setup) -> io::Result<()> {
    Err(io::Error::other("not built"))
}
