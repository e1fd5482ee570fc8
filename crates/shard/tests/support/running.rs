//! Shards on threads of their own, and a control that asks them things.

use std::net::SocketAddr;

use net::lane::Sleeper;
use net::probe::{HostChoice, Needs, choose};
use shard::{
    Cpus, FromShard, MakeEngine, Placement, Plan, RequestId, Shard, ShardConfig, ShardId, Shards,
    TransportKey,
};

use super::relay::{Command, Relay, Reply};
use super::{bind, lanes};

/// What shards can run on. Where this kernel refuses one, the others are tested.
pub const HOSTS: &[HostChoice] = &[
    HostChoice::Epoll,
    HostChoice::Uring,
    #[cfg(feature = "host-glommio")]
    HostChoice::Glommio,
];

/// The shards of a small process.
#[derive(Debug)]
pub struct Running {
    pub shards: Shards<Relay>,
    requests: u64,
    _sleeper: Sleeper,
}

impl Running {
    /// `None` where this kernel refuses the driver.
    pub fn on(host: HostChoice, most: usize, config: fn(u16) -> ShardConfig) -> Option<Self> {
        let chosen = choose(host, Needs { shards: most, sockets: 64 }).ok()?;
        let sleeper = Sleeper::new().unwrap();
        let plan = Plan {
            most,
            config: Box::new(move |shard| config(shard.0)),
            lanes: lanes(),
            chosen,
            placement: Placement::Floating,
            cpus: Cpus::of_this_process(),
            make: Box::new(|_| Box::new(|_: &mut _| Relay::default()) as MakeEngine<Relay>),
        };
        Some(Self { shards: Shards::new(plan, sleeper.waker()), requests: 0, _sleeper: sleeper })
    }

    pub fn shard(&mut self, shard: u16) -> &mut Shard<Relay> {
        self.shards.start(ShardId(shard)).unwrap()
    }

    /// Submits a command and waits for its answer.
    pub fn ask(&mut self, shard: u16, command: Command) -> Reply {
        self.requests += 1;
        let request = RequestId(self.requests);
        let shard = self.shard(shard);
        shard.control.submit(request, command).unwrap();
        loop {
            match shard.control.next_message() {
                Some(FromShard::Reply(answered, reply)) if answered == request => return reply,
                Some(other) => panic!("{other:?}"),
                None => std::thread::yield_now(),
            }
            assert!(!shard.has_ended(), "the shard is gone");
        }
    }

    /// A transport on loopback, bound to a peer.
    pub fn transport(&mut self, shard: u16, peer: SocketAddr) -> (TransportKey, SocketAddr) {
        let socket = bind(0);
        let local = socket.local_addr();
        let Reply::Opened(key, _) = self.ask(shard, Command::Open(socket)) else { panic!("not opened") };
        assert_eq!(self.ask(shard, Command::Bind(key, peer)), Reply::Done);
        (key, local)
    }

    /// Datagrams that the shards sent, in all.
    pub fn sent(&mut self) -> u64 {
        self.shards
            .iter_mut()
            .filter_map(|shard| shard.counters.read())
            .map(|counters| counters.driver.sent_datagrams)
            .sum()
    }

    /// Times that a shard waited, in all.
    pub fn waits(&mut self) -> u64 {
        let counters = self.shards.iter_mut().filter_map(|shard| shard.counters.read());
        counters.map(|counters| counters.driver.waits).sum()
    }

    pub fn stop(mut self) {
        self.shards.iter_mut().for_each(|shard| assert!(shard.control.stop()));
        for mut shard in self.shards.into_running() {
            while !shard.has_ended() {
                let _ = shard.control.next_message();
                std::thread::yield_now();
            }
            shard.join().unwrap();
        }
    }
}
