//! What the tests of this crate share: a driver in memory, a relay to host, and a bench to put them on.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "test support: what fails here fails the test")]

pub mod gate;
pub mod hall;
pub mod house;
pub mod person;
pub mod polling;
pub mod relay;
pub mod running;
pub mod sim;
pub mod spread;
pub mod warm;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use net::lane::Sleeper;
use net::{Driver, Pool, PoolSizing, Ports, Socket, SocketConfig, SocketKey};
use shard::{
    Capacity, Control, CountersReader, FromShard, HashKey, LaneSizing, Link, QueueSizing, RequestId,
    ShardConfig, ShardCore, ShardId, TransportKey, connect,
};
use wire::Mono;

use relay::{Command, Relay, Reply};

/// A shard on the test's own thread, and control beside it.
#[derive(Debug)]
pub struct Bench<D: Driver> {
    pub core: ShardCore<Relay, D>,
    pub control: Control<Relay>,
    pub link: Link,
    pub counters: CountersReader,
    pub now: Mono,
    requests: u64,
    /// Everything control received and no call waited for.
    pub inbox: Vec<FromShard<Reply, u32>>,
    /// What control would sleep on.
    pub sleeper: Sleeper,
}

/// The usual sizes. What is counted is shown with each tick.
pub fn usual(shard: u16) -> ShardConfig {
    let usual = ShardConfig::new(ShardId(shard), HashKey([1, 2]));
    ShardConfig { counters_interval: Duration::ZERO, ..usual }
}

/// The same with small sizes, so that tests reach the bounds.
pub fn config(shard: u16) -> ShardConfig {
    let mut config = usual(shard);
    config.pool = PoolSizing::new().ahead("tests", 512, 512);
    config.capacity = Capacity { transports: 256, tuples: 512, timers: 64, borrowed: 512, streams: 64 };
    config.queues = QueueSizing { commands: 64, events: 32 };
    config
}

impl<D: Driver> Bench<D> {
    pub fn new(driver: D) -> Self {
        Self::with(driver, &config(0), |_| Relay::default())
    }

    pub fn with(
        driver: D,
        config: &ShardConfig,
        mut make: impl FnMut(u32) -> Relay + Send + 'static,
    ) -> Self {
        let sleeper = Sleeper::new().unwrap();
        let pool = Pool::new(&config.pool).unwrap();
        let mut made = 0;
        let make = Box::new(move |_: &mut _| {
            made += 1;
            make(made)
        });
        let (core, face) = ShardCore::new(config, pool, driver, sleeper.waker(), make);
        let (control, link, counters) = (face.control, face.link, face.counters);
        let now = Mono::from_nanos(1_000_000_000);
        let inbox = Vec::new();
        Self { core, control, link, counters, now, requests: 0, inbox, sleeper }
    }

    /// One tick, 100 us after the last.
    pub fn tick(&mut self) {
        self.now += Duration::from_micros(100);
        self.core.wait().unwrap();
        self.core.tick(self.now);
        while let Some(message) = self.control.next_message() {
            self.inbox.push(message);
        }
    }

    pub fn ticks(&mut self, count: usize) {
        (0..count).for_each(|_| self.tick());
    }

    pub fn submit(&mut self, command: Command) -> RequestId {
        self.requests += 1;
        let request = RequestId(self.requests);
        self.control.submit(request, command).unwrap();
        request
    }

    /// Submits a command and ticks until it is answered.
    pub fn ask(&mut self, command: Command) -> Reply {
        let request = self.submit(command);
        for _ in 0..1_000 {
            self.tick();
            let answer = self
                .inbox
                .iter()
                .position(|message| matches!(message, FromShard::Reply(r, _) if *r == request));
            if let Some(answer) = answer
                && let FromShard::Reply(_, reply) = self.inbox.remove(answer)
            {
                return reply;
            }
        }
        panic!("no answer: {:?}", self.inbox);
    }

    /// A transport with a socket of its own on loopback, bound to a peer.
    pub fn transport(&mut self, peer: SocketAddr) -> (TransportKey, SocketKey) {
        let (key, socket, _) = self.transport_at(peer);
        (key, socket)
    }

    pub fn transport_at(&mut self, peer: SocketAddr) -> (TransportKey, SocketKey, SocketAddr) {
        let socket = bind(0);
        let local = socket.local_addr();
        let Reply::Opened(key, socket) = self.ask(Command::Open(socket)) else { panic!("not opened") };
        assert_eq!(self.ask(Command::Bind(key, peer)), Reply::Done);
        (key, socket, local)
    }

    /// Ticks until something is so. For drivers on a real kernel, where a packet may take a tick or two.
    pub fn tick_until(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        for _ in 0..100_000 {
            if is_so(self) {
                return;
            }
            self.tick();
        }
        panic!("never: {what}; inbox {:?}, totals {:?}", self.inbox, self.totals());
    }

    pub fn totals(&self) -> shard::Totals {
        self.counters.read().unwrap().totals
    }
}

/// Connects two shards both ways.
pub fn acquaint<D: Driver>(a: &mut Bench<D>, b: &mut Bench<D>, sizing: LaneSizing) {
    let (to_a, to_b) = connect(&a.link, &b.link, sizing);
    a.control.introduce(to_a).unwrap();
    b.control.introduce(to_b).unwrap();
    a.tick();
    b.tick();
}

/// Small lanes.
pub fn lanes() -> LaneSizing {
    LaneSizing { packets: 64, facts: 4, entities: 64, hash_key: HashKey([3, 4]) }
}

/// A socket on loopback.
pub fn bind(port: u16) -> Socket {
    Socket::bind(&SocketConfig::new(IpAddr::V4(Ipv4Addr::LOCALHOST), Ports::Exact(port))).unwrap()
}

/// A peer that exists in name only.
pub fn peer(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], port))
}
