//! Rooms on threads of their own, and a control that asks them things.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::command::{Action, RouterCommand, TransportCommand, TransportOpen};
use model::key::{RouterKey, TransportKey};
use model::reply::{Answer, BoundSocket, Outcome};
use net::lane::Sleeper;
use net::probe::{HostChoice, Needs, choose};
use shard::rooms::{DtlsIdentity, Rooms, RoomsConfig};
use shard::{Cpus, FromShard, HashKey, LaneSizing, Placement, Plan, RequestId, ShardId, Shards};

use super::hall::{connect, identity, plain};
use super::running::HOSTS;

/// The shards of a small process.
#[derive(Debug)]
pub struct House {
    pub shards: Shards<Rooms>,
    requests: u64,
    _sleeper: Sleeper,
}

pub fn hosts() -> impl Iterator<Item = HostChoice> {
    HOSTS.iter().copied()
}

/// A socket that fails the test when nothing arrives.
pub fn peer() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let at = socket.local_addr().unwrap();
    (socket, at)
}

/// Takes the RTP that a peer receives next; reports come when they are due, on a slow machine in between. A thread that tried a ring is interrupted when the kernel takes it apart, after the
/// trial.
pub fn receive(peer: &UdpSocket, buffer: &mut [u8]) -> usize {
    loop {
        match peer.recv(buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            // RFC 5761 §4.
            Ok(len) if len > 1 && (192..224).contains(&buffer[1]) => {}
            received => return received.unwrap(),
        }
    }
}

impl House {
    /// `None` where this kernel refuses the driver.
    pub fn on(host: HostChoice, most: usize) -> Option<Self> {
        let chosen = choose(host, Needs { shards: most, sockets: 64 }).ok()?;
        let sleeper = Sleeper::new().unwrap();
        let plan = Plan {
            most,
            config: Box::new(|shard| super::config(shard.0)),
            lanes: LaneSizing::new(HashKey([3, 4])),
            chosen,
            placement: Placement::Floating,
            cpus: Cpus::of_this_process(),
            make: Box::new(|_| {
                let (identity, zero) = identity();
                Rooms::maker(RoomsConfig::default(), Some(DtlsIdentity::new(Arc::clone(identity), *zero)))
            }),
        };
        Some(Self { shards: Shards::new(plan, sleeper.waker()), requests: 0, _sleeper: sleeper })
    }

    /// Submits a command and waits until it is done.
    pub fn answer(&mut self, shard: u16, action: Action) -> Answer {
        self.requests += 1;
        let request = RequestId(self.requests);
        let shard = self.shards.start(ShardId(shard)).unwrap();
        shard.control.submit(request, action).unwrap();
        let deadline = Instant::now() + DEADLINE;
        loop {
            match shard.control.next_message() {
                Some(FromShard::Reply(answered, Outcome::Done(answer))) if answered == request => {
                    return answer;
                }
                Some(FromShard::Event(_)) => {}
                Some(other) => panic!("{other:?}"),
                None => std::thread::yield_now(),
            }
            assert!(Instant::now() < deadline, "no answer");
        }
    }

    pub fn ask(&mut self, shard: u16, action: Action) {
        self.answer(shard, action);
    }

    pub fn open(&mut self, shard: u16, key: TransportKey, open: TransportOpen) -> Vec<BoundSocket> {
        match self.answer(shard, Action::Transport(key, TransportCommand::Open(Box::new(open)))) {
            Answer::Bound(at) => at,
            other => panic!("{other:?}"),
        }
    }

    /// A plain transport that is connected to a peer. Its local port.
    pub fn plain(&mut self, shard: u16, key: TransportKey, router: RouterKey, peer: SocketAddr) -> u16 {
        let port = self.open(shard, key, plain(router))[0].port;
        self.ask(shard, connect(key, peer));
        port
    }

    /// Datagrams that the shards sent, in all.
    pub fn sent(&mut self) -> u64 {
        let counters = self.shards.iter_mut().filter_map(|shard| shard.counters.read());
        counters.map(|counters| counters.driver.sent_datagrams).sum()
    }

    /// Packets that were taken from other shards, in all.
    pub fn crossed(&mut self) -> u64 {
        let counters = self.shards.iter_mut().filter_map(|shard| shard.counters.read());
        counters.map(|counters| counters.totals.crossed).sum()
    }

    /// A figure of all shards.
    pub fn sum(&mut self, figure: impl Fn(&shard::Totals) -> u64) -> u64 {
        let read = |counters: &shard::CountersReader| loop {
            if let Some(counters) = counters.read() {
                break counters;
            }
        };
        self.shards.iter_mut().map(|shard| figure(&read(&shard.counters).totals)).sum()
    }

    /// Waits until all that shards told each other was heard. What is told by who was asked something before counts.
    pub fn settle(&mut self, scratch: RouterKey) {
        // What a shard counted before it was asked this is there for all to read once it answers.
        let running: Vec<_> = self.shards.iter_mut().map(|shard| shard.link.shard().0).collect();
        running.into_iter().for_each(|shard| self.ask(shard, Action::Router(scratch, RouterCommand::Open)));
        self.close(scratch);
        let deadline = Instant::now() + DEADLINE;
        while self.sum(|totals| totals.facts_waiting) > 0
            || self.sum(|totals| totals.facts_received) < self.sum(|totals| totals.facts_sent)
        {
            assert!(Instant::now() < deadline, "not all is heard");
            std::thread::yield_now();
        }
    }

    pub fn close(&mut self, router: RouterKey) {
        let running: Vec<_> = self.shards.iter_mut().map(|shard| shard.link.shard().0).collect();
        running.into_iter().for_each(|shard| self.ask(shard, Action::Router(router, RouterCommand::Close)));
    }

    pub fn stop(self) {
        for mut shard in self.shards.into_running() {
            assert!(shard.control.stop());
            let deadline = Instant::now() + DEADLINE;
            while !shard.has_ended() {
                let _ = shard.control.next_message();
                assert!(Instant::now() < deadline, "it does not end");
                std::thread::yield_now();
            }
            shard.join().unwrap();
        }
    }
}

/// Far beyond what any of this takes.
const DEADLINE: Duration = Duration::from_secs(20);
