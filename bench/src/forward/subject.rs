//! A forwarder under measurement, and what it used between two looks.

use std::io;
use std::net::SocketAddr;

use crate::case::Case;
use crate::child::Role;
use crate::forwarder::{Ready, Request, Setup, ShardSnapshot, Snapshot};
use crate::host::Host;

/// A running forwarder.
#[derive(Debug)]
pub(super) struct Subject {
    role: Role,
    /// Where each peer sends.
    pub(super) ports: Vec<u16>,
}

/// What a forwarder used and did in a slice.
#[derive(Clone, Debug)]
pub(super) struct Used {
    before: Snapshot,
    after: Snapshot,
}

impl Subject {
    pub(super) fn start(
        case: &Case,
        host: Host,
        cores: Option<(usize, usize)>,
        peers: Vec<SocketAddr>,
    ) -> io::Result<Self> {
        let cores =
            cores.map(|(first, second)| if case.shards == 1 { vec![first] } else { vec![first, second] });
        let mut role = Role::start("forwarder", &Setup { case: *case, host, cores, peers })?;
        let Ready { ports } = role.hear()?;
        Ok(Self { role, ports })
    }

    /// Keeps its shards from working until `release`.
    pub(super) fn hold(&mut self) -> io::Result<()> {
        self.role.ask(&Request::Hold)
    }

    pub(super) fn release(&mut self) -> io::Result<()> {
        self.role.ask(&Request::Release)
    }

    pub(super) fn look(&mut self) -> io::Result<Snapshot> {
        self.role.ask(&Request::Snapshot)
    }

    /// What it used since `before`.
    pub(super) fn used_since(&mut self, before: Snapshot) -> io::Result<Used> {
        Ok(Used { before, after: self.look()? })
    }
}

impl Used {
    /// CPU of the whole process: in all, in user mode, in the kernel.
    pub(super) fn cpu_ns(&self) -> (u64, u64, u64) {
        let (before, after) = (self.before.cpu, self.after.cpu);
        (
            after.total_ns.saturating_sub(before.total_ns),
            after.user_ns.saturating_sub(before.user_ns),
            after.sys_ns.saturating_sub(before.sys_ns),
        )
    }

    pub(super) fn allocs(&self) -> u64 {
        self.after.allocs.saturating_sub(self.before.allocs)
    }

    /// A figure of all shards together.
    pub(super) fn total(&self, field: fn(&ShardSnapshot) -> u64) -> u64 {
        self.after.total(field).saturating_sub(self.before.total(field))
    }

    /// A figure of one shard.
    pub(super) fn of_shard(&self, shard: usize, field: fn(&ShardSnapshot) -> u64) -> u64 {
        let of = |snapshot: &Snapshot| snapshot.shards.get(shard).map_or(0, field);
        of(&self.after).saturating_sub(of(&self.before))
    }
}
