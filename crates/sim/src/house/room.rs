//! A control in small: who is where, under which keys, and what shards have to be told. It tells nobody itself.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use model::command::{
    Action, Bind, ConsumerCommand, PeerAddress, Ports, ProducerCommand, RouterCommand, TransportCommand,
    TransportConnect, TransportOpen, TransportSetup,
};
use model::key::{ConsumerKey, ProducerKey, RouterKey, ShardIndex, TransportKey};
use model::transport::{SocketFlags, TransportProtocol};

use super::{KeyPair, Video, Watching};

/// A command, and the shard that it is for.
pub(crate) type Order = (usize, Action);

/// One router, on all shards of a hall.
#[derive(Debug)]
pub struct Room {
    shards: usize,
    seats: BTreeMap<usize, Seat>,
    producers: BTreeMap<usize, Producing>,
    consumers: BTreeMap<usize, Consuming>,
    /// The next key of each kind, on each shard; a key that was used is never used again.
    next: [Vec<u32>; 3],
}

/// A peer's transport.
#[derive(Clone, Copy, Debug)]
struct Seat {
    shard: usize,
    key: TransportKey,
}

#[derive(Debug)]
struct Producing {
    key: ProducerKey,
    shard: usize,
    video: Video,
    /// By shard.
    replicas: BTreeMap<usize, ProducerKey>,
}

#[derive(Clone, Copy, Debug)]
struct Consuming {
    key: ConsumerKey,
    shard: usize,
}

impl Room {
    /// An empty room.
    #[must_use]
    pub fn new(shards: usize) -> Self {
        let next = [vec![0; shards], vec![0; shards], vec![0; shards]];
        let (seats, producers, consumers) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { shards, seats, producers, consumers, next }
    }

    /// Opens the router everywhere.
    pub fn open(&self) -> Vec<Order> {
        (0..self.shards).map(|shard| (shard, Action::Router(ROUTER, RouterCommand::Open))).collect()
    }

    /// Closes the router everywhere, with all that is in it.
    pub fn close(&mut self) -> Vec<Order> {
        self.seats.clear();
        self.producers.clear();
        self.consumers.clear();
        (0..self.shards).map(|shard| (shard, Action::Router(ROUTER, RouterCommand::Close))).collect()
    }

    /// Opens a peer's transport on a shard, sealed if there are keys.
    pub fn seat(&mut self, who: usize, shard: usize, keys: Option<&KeyPair>, seed: u64) -> Order {
        let key = TransportKey::new(self.next_key(0, shard), 0);
        self.seats.insert(who, Seat { shard, key });
        let srtp = keys.map(|keys| keys.for_shard().local);
        let setup = TransportSetup::Plain { bind: bind(), rtcp_bind: None, comedia: false, srtp };
        let open = TransportOpen {
            router: ROUTER,
            setup,
            sctp: None,
            max_send_message_size: 262_144,
            max_receive_message_size: 262_144,
            initial_outgoing_bitrate: None,
            seed,
        };
        (shard, Action::Transport(key, TransportCommand::Open(Box::new(open))))
    }

    /// Tells a transport where its peer is.
    pub fn connect(&self, who: usize, keys: Option<&KeyPair>) -> Order {
        let (seat, peer) = (self.seats[&who], Self::address(who));
        let peer = PeerAddress { ip: peer.ip(), port: peer.port(), rtcp_port: None };
        let connect = TransportConnect::Plain { peer: Some(peer), srtp: keys.map(KeyPair::for_shard) };
        (seat.shard, Action::Transport(seat.key, TransportCommand::Connect(Box::new(connect))))
    }

    /// Makes a peer publish.
    pub fn produce(&mut self, who: usize, video: Video) -> Order {
        let Seat { shard, key: transport } = self.seats[&who];
        let key = ProducerKey::new(self.next_key(1, shard), 0);
        self.producers.insert(who, Producing { key, shard, video, replicas: BTreeMap::new() });
        (shard, Action::Producer(key, ProducerCommand::Open(Box::new(video.producing(transport)))))
    }

    /// Makes a peer subscribe to what another publishes; with what stands for that on its shard, if need be.
    pub fn consume(&mut self, who: usize, of: usize, watching: Watching) -> Vec<Order> {
        let Seat { shard, key: transport } = self.seats[&who];
        let (source, mut orders) = self.stand_in(of, shard);
        let key = ConsumerKey::new(self.next_key(2, shard), 0);
        self.consumers.insert(who, Consuming { key, shard });
        let open = self.producers[&of].video.consuming(transport, source, watching);
        orders.push((shard, Action::Consumer(key, ConsumerCommand::Open(Box::new(open)))));
        orders
    }

    /// A command to what a peer publishes.
    pub fn to_producer(&self, who: usize, command: ProducerCommand) -> Order {
        let producing = &self.producers[&who];
        (producing.shard, Action::Producer(producing.key, command))
    }

    /// A command to what a peer subscribes to.
    pub fn to_consumer(&self, who: usize, command: ConsumerCommand) -> Order {
        let consuming = self.consumers[&who];
        (consuming.shard, Action::Consumer(consuming.key, command))
    }

    /// Closes a peer's transport, with all that is in it.
    pub fn leave(&mut self, who: usize) -> Option<Order> {
        let seat = self.seats.remove(&who)?;
        self.producers.remove(&who);
        self.consumers.remove(&who);
        Some((seat.shard, Action::Transport(seat.key, TransportCommand::Close)))
    }

    /// Whose producer that is.
    #[must_use]
    pub fn publisher_of(&self, shard: usize, key: ProducerKey) -> Option<usize> {
        let is_it = |producing: &Producing| producing.shard == shard && producing.key == key;
        self.producers.iter().find(|(_, producing)| is_it(producing)).map(|(who, _)| *who)
    }

    /// Whose consumer that is.
    #[must_use]
    pub fn subscriber_of(&self, shard: usize, key: ConsumerKey) -> Option<usize> {
        let is_it = |consuming: &Consuming| consuming.shard == shard && consuming.key == key;
        self.consumers.iter().find(|(_, consuming)| is_it(consuming)).map(|(who, _)| *who)
    }

    /// Where a peer is: an address of its own.
    #[must_use]
    pub fn address(who: usize) -> SocketAddr {
        let [.., high, low] = who.to_be_bytes();
        SocketAddr::from((Ipv4Addr::new(10, 0, high, low), PEER_PORT))
    }

    /// Who is at an address.
    #[must_use]
    pub fn peer_at(address: SocketAddr) -> Option<usize> {
        match address.ip() {
            IpAddr::V4(ip) => {
                let [_, _, high, low] = ip.octets();
                Some(usize::from(high) << 8 | usize::from(low))
            }
            IpAddr::V6(_) => None,
        }
    }

    fn stand_in(&mut self, of: usize, shard: usize) -> (ProducerKey, Vec<Order>) {
        let Producing { key, shard: home, video, ref replicas } = self.producers[&of];
        if shard == home {
            return (key, Vec::new());
        }
        if let Some(replica) = replicas.get(&shard) {
            return (*replica, Vec::new());
        }
        let replica = ProducerKey::new(self.next_key(1, shard), 0);
        let open = ProducerCommand::OpenReplica(Box::new(video.replica(ROUTER, home, key)));
        let feed = ProducerCommand::OpenFeed {
            shard: ShardIndex(u16::try_from(shard).unwrap_or(u16::MAX)),
            replica,
        };
        self.producers.entry(of).and_modify(|producing| {
            producing.replicas.insert(shard, replica);
        });
        (replica, vec![(shard, Action::Producer(replica, open)), (home, Action::Producer(key, feed))])
    }

    fn next_key(&mut self, kind: usize, shard: usize) -> u32 {
        let next = &mut self.next[kind][shard];
        *next += 1;
        *next - 1
    }
}

fn bind() -> Bind {
    Bind {
        protocol: TransportProtocol::Udp,
        ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        ports: Ports::Fixed(0),
        flags: SocketFlags::default(),
        send_buffer_size: 0,
        recv_buffer_size: 0,
    }
}

const ROUTER: RouterKey = RouterKey::new(0, 0);
const PEER_PORT: u16 = 5_004;
