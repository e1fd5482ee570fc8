//! The shards, and what they used for a backlog.

use core::ops::AddAssign;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use net::lane::Sleeper;
use net::probe::{self, HostChoice, Needs};
use shard::{
    Cpus, FromShard, HashKey, LaneSizing, Placement, Plan as Shape, RequestId, Shard, ShardConfig, ShardId,
    Shards, Totals,
};

use super::SHARDS;
use super::door::{Command, Door, Plan};
use super::way::Way;
use crate::host::Host;
use crate::os;

/// Running shards.
pub(super) struct Running {
    shards: Vec<Shard<Door>>,
    threads: Vec<i32>,
    /// By the number of a caller modulo their number.
    ports: Vec<u16>,
    /// Datagrams that no shard had room for.
    unfilled: Arc<AtomicU64>,
}

/// What was used and done.
#[derive(Clone, Debug, Default)]
pub(super) struct Used {
    pub(super) cpu_ns: [u64; SHARDS],
    pub(super) received: u64,
    pub(super) handed_over: u64,
    pub(super) unknown: u64,
    /// Those that reached their transport.
    pub(super) reached: u64,
}

impl Running {
    pub(super) fn start(host: Host, way: Way, callers: Vec<(SocketAddr, usize)>) -> io::Result<Self> {
        let control = Sleeper::new()?;
        let mut shards = Shards::new(shape(host)?, control.waker());
        let mut threads = Vec::new();
        for number in 0..SHARDS {
            shards.start(id(number)).map_err(io::Error::other)?;
            threads.push(os::thread_named(&format!("shard-{number}"))?);
        }
        let (mut ports, unfilled) = (Vec::new(), Arc::<AtomicU64>::default());
        for number in 0..SHARDS {
            let last = number + 1 == SHARDS;
            let (port, callers, unfilled) = (ports.first().copied(), callers.clone(), Arc::clone(&unfilled));
            let plan = Plan { way, port, callers, last, unfilled };
            let shard = shards.start(id(number)).map_err(io::Error::other)?;
            submit(shard, Command::Open(Box::new(plan)))?;
            ports.push(answer(shard)?);
        }
        Ok(Self { shards: shards.into_running(), threads, ports, unfilled })
    }

    /// Lets a backlog gather, and the shards work on it.
    pub(super) fn backlog(&mut self, gather: impl FnOnce(&[u16])) -> io::Result<Used> {
        let gate = Arc::new(Barrier::new(SHARDS + 1));
        for shard in &mut self.shards {
            submit(shard, Command::Hold(Arc::clone(&gate)))?;
        }
        gate.wait();
        gather(&self.ports);
        let before = self.look()?;
        gate.wait();
        let mut last = Used::default();
        let mut since = Instant::now();
        loop {
            thread::sleep(Duration::from_millis(1));
            let now = self.look()?;
            if now.received != last.received || now.reached != last.reached {
                since = Instant::now();
            } else if since.elapsed() > QUIET {
                break;
            }
            last = now;
        }
        for shard in &mut self.shards {
            answer(shard)?;
        }
        Ok(last.since(&before))
    }

    pub(super) fn end(mut self) -> io::Result<()> {
        self.shards.iter_mut().for_each(|shard| {
            shard.control.stop();
        });
        self.shards.into_iter().try_for_each(Shard::join)
    }

    fn look(&self) -> io::Result<Used> {
        let mut used = Used::default();
        for ((shard, &thread), cpu_ns) in self.shards.iter().zip(&self.threads).zip(&mut used.cpu_ns) {
            *cpu_ns = os::cpu_ns_of_thread(thread)?;
            let Totals { datagrams, handed_over, crossed, dropped_unknown, dropped_ring_full, .. } = loop {
                if let Some(counters) = shard.counters.read() {
                    break counters.totals;
                }
            };
            used.received += datagrams;
            used.handed_over += handed_over;
            used.unknown += dropped_unknown;
            used.reached += datagrams + crossed;
            used.reached -= handed_over + dropped_unknown + dropped_ring_full;
        }
        // Counters come once a tick, this at once: only when all is quiet do they agree.
        used.reached = used.reached.saturating_sub(self.unfilled.load(Ordering::Relaxed));
        Ok(used)
    }
}

impl Used {
    fn since(mut self, before: &Self) -> Self {
        for (now, before) in self.cpu_ns.iter_mut().zip(before.cpu_ns) {
            *now -= before;
        }
        self.received -= before.received;
        self.handed_over -= before.handed_over;
        self.unknown -= before.unknown;
        self.reached -= before.reached;
        self
    }
}

impl AddAssign for Used {
    fn add_assign(&mut self, other: Self) {
        for (sum, more) in self.cpu_ns.iter_mut().zip(other.cpu_ns) {
            *sum += more;
        }
        self.received += other.received;
        self.handed_over += other.handed_over;
        self.unknown += other.unknown;
        self.reached += other.reached;
    }
}

fn shape(host: Host) -> io::Result<Shape<Door>> {
    let choice = if host == Host::Uring { HostChoice::Uring } else { HostChoice::Epoll };
    let chosen = probe::choose(choice, Needs { shards: SHARDS, sockets: 16 }).map_err(io::Error::other)?;
    Ok(Shape {
        most: SHARDS,
        config: Box::new(|shard| ShardConfig::new(shard, HashKey([1, 2]))),
        lanes: LaneSizing::new(HashKey([3, 4])),
        chosen,
        // There may be fewer cores than shards.
        placement: Placement::Floating,
        cpus: Cpus { allowed: Vec::new(), quota_milli: None },
        make: Box::new(|_| Box::new(|_| Door::default())),
    })
}

fn submit(shard: &mut Shard<Door>, command: Command) -> io::Result<()> {
    let full = |_| io::Error::other("a shard's command queue is full");
    shard.control.submit(RequestId(1), command).map(|_| ()).map_err(full)
}

fn answer(shard: &mut Shard<Door>) -> io::Result<u16> {
    loop {
        match shard.control.next_message() {
            Some(FromShard::Reply(_, reply)) => return reply.map_err(io::Error::other),
            Some(FromShard::Event(never)) => match never {},
            Some(other) => return Err(io::Error::other(format!("a shard did not start: {other:?}"))),
            None => thread::sleep(Duration::from_millis(1)),
        }
    }
}

fn id(number: usize) -> ShardId {
    ShardId(u16::try_from(number).unwrap_or(u16::MAX))
}

/// Nothing more comes: shards show what they counted ten milliseconds later at most.
const QUIET: Duration = Duration::from_millis(13);
