//! The shards of a forwarder, started and driven the way the product does it.

use std::io;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use net::lane::Sleeper;
use net::probe::{self, HostChoice, Needs};
use shard::{
    Cpus, FromShard, HashKey, LaneSizing, Placement, Plan, RequestId, Shard, ShardConfig, ShardId, Shards,
};

use super::Setup;
use super::snapshot::{ShardSnapshot, Snapshot};
use crate::alloc;
use crate::host::Host;
use crate::os;
use crate::relay::{Command, Relay, ShardPlan};

/// All shards of a process, each with its part of a case.
#[derive(Debug)]
pub(super) struct Running {
    shards: Vec<Shard<Relay>>,
    /// Closed: the shards stand behind it.
    gate: Option<Arc<Barrier>>,
    /// The kernel's ids of their threads.
    threads: Vec<i32>,
}

impl Running {
    /// Starts the threads. Says where each peer sends.
    pub(super) fn start(setup: &Setup) -> io::Result<(Self, Vec<u16>)> {
        let control = Sleeper::new()?;
        let mut shards = Shards::new(plan(setup)?, control.waker());
        let mut ports = vec![0; setup.peers.len()];
        let mut threads = Vec::new();
        for number in 0..setup.case.shards {
            let id = shard_id(number)?;
            shards.start(id).map_err(io::Error::other)?;
            threads.push(os::thread_named(&format!("shard-{number}"))?);
        }
        for number in 0..setup.case.shards {
            let plan = ShardPlan { case: setup.case, shard: number, peers: setup.peers.clone() };
            let shard = shards.start(shard_id(number)?).map_err(io::Error::other)?;
            let full = |_| io::Error::other("a shard's command queue is full at its start");
            shard.control.submit(RequestId(1), Command::Build(Box::new(plan))).map_err(full)?;
            for (peer, port) in answer(shard)? {
                ports[peer] = port;
            }
        }
        Ok((Self { shards: shards.into_running(), gate: None, threads }, ports))
    }

    /// Keeps all shards from working until `release`, so that what comes meanwhile meets them all at once.
    pub(super) fn hold(&mut self) -> io::Result<()> {
        let gate = Arc::new(Barrier::new(self.shards.len() + 1));
        for shard in &mut self.shards {
            let hold = Command::Hold(Arc::clone(&gate));
            let full = |_| io::Error::other("a shard's command queue is full of holds");
            shard.control.submit(RequestId(2), hold).map_err(full)?;
        }
        gate.wait();
        self.gate = Some(gate);
        Ok(())
    }

    /// Lets the shards go.
    pub(super) fn release(&mut self) -> io::Result<()> {
        if let Some(gate) = self.gate.take() {
            gate.wait();
            for shard in &mut self.shards {
                answer(shard)?;
            }
        }
        Ok(())
    }

    pub(super) fn snapshot(&mut self) -> io::Result<Snapshot> {
        // What was counted is shown now and then, and before an answer.
        for shard in &mut self.shards {
            let full = |_| io::Error::other("a shard's command queue is full of looks");
            shard.control.submit(RequestId(3), Command::Show).map_err(full)?;
        }
        for shard in &mut self.shards {
            answer(shard)?;
        }
        let shards = self
            .shards
            .iter()
            .zip(&self.threads)
            .map(|(shard, &thread)| {
                loop {
                    if let Some(counters) = shard.counters.read() {
                        return Ok(ShardSnapshot::of(os::cpu_ns_of_thread(thread)?, &counters));
                    }
                }
            })
            .collect::<io::Result<_>>()?;
        Ok(Snapshot { cpu: os::process_cpu()?, allocs: alloc::allocations(), shards })
    }
}

fn plan(setup: &Setup) -> io::Result<Plan<Relay>> {
    let choice = match setup.host {
        Host::Uring => HostChoice::Uring,
        Host::Epoll => HostChoice::Epoll,
        #[cfg(feature = "host-glommio")]
        Host::Glommio => HostChoice::Glommio,
        Host::Floor => return Err(io::Error::other("the floor is no host of a shard")),
    };
    let sockets = u32::try_from(setup.case.peers().len() + SPARE_SOCKETS).map_err(io::Error::other)?;
    let chosen =
        probe::choose(choice, Needs { shards: setup.case.shards, sockets }).map_err(io::Error::other)?;
    let cores = setup.cores.clone();
    Ok(Plan {
        most: setup.case.shards,
        config: Box::new(|shard| ShardConfig::new(shard, HashKey([1, 2]))),
        lanes: LaneSizing::new(HashKey([3, 4])),
        chosen,
        placement: if cores.is_some() { Placement::Pinned } else { Placement::Floating },
        // Shards take CPUs from the end of this list.
        cpus: Cpus { allowed: cores.into_iter().flatten().rev().collect(), quota_milli: None },
        make: Box::new(|_| Box::new(|_| Relay::new())),
    })
}

fn answer(shard: &mut Shard<Relay>) -> io::Result<Vec<(usize, u16)>> {
    loop {
        match shard.control.next_message() {
            Some(FromShard::Reply(_, reply)) => return reply.map_err(io::Error::other),
            Some(FromShard::Event(never)) => match never {},
            Some(other) => return Err(io::Error::other(format!("a shard did not start: {other:?}"))),
            None => thread::sleep(Duration::from_millis(1)),
        }
    }
}

fn shard_id(number: usize) -> io::Result<ShardId> {
    u16::try_from(number).map(ShardId).map_err(io::Error::other)
}

/// Beside one for each transport.
const SPARE_SOCKETS: usize = 16;
