//! A control for tests: keys, and routers that may lie on several shards.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use model::command::{
    Action, ConsumerCommand, ProducerCommand, ProducerOpen, RouterCommand, TransportCommand, TransportOpen,
};
use model::key::{ConsumerKey, ProducerKey, RouterKey, ShardIndex, TransportKey};

use super::hall::{Hall, consume, consuming, produce, producing, replica, rtp};

pub const ROUTER: RouterKey = RouterKey::new(0, 0);

/// One router on all shards of a hall, and who is in it.
#[derive(Debug)]
pub struct Room {
    pub hall: Hall,
    transports: BTreeMap<u32, Place>,
    producers: BTreeMap<u32, Producing>,
    consumers: BTreeMap<u32, Consuming>,
    /// The next key of each kind, on each shard; a key that was used is never used again.
    next: [Vec<u32>; 3],
}

#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub shard: usize,
    pub key: TransportKey,
    pub port: u16,
    pub peer: SocketAddr,
}

#[derive(Clone, Debug)]
pub struct Producing {
    pub transport: u32,
    pub key: ProducerKey,
    open: ProducerOpen,
    /// By shard.
    replicas: BTreeMap<usize, ProducerKey>,
    sequence: u16,
}

#[derive(Clone, Copy, Debug)]
pub struct Consuming {
    pub transport: u32,
    pub producer: u32,
    pub key: ConsumerKey,
}

impl Room {
    pub fn new(shards: u16) -> Self {
        Self::in_hall(Hall::new(shards))
    }

    pub fn in_hall(mut hall: Hall) -> Self {
        let shards = hall.sides.len();
        (0..shards).for_each(|shard| hall.open_router(shard, ROUTER));
        let next = [vec![0; shards], vec![0; shards], vec![0; shards]];
        let (transports, producers, consumers) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { hall, transports, producers, consumers, next }
    }

    /// A connected plain transport. Its peer's port follows from its number.
    pub fn transport(&mut self, number: u32, shard: usize) {
        let key = TransportKey::new(self.next_key(0, shard), 0);
        let peer = super::hall::remote(20_000 + u16::try_from(number).unwrap());
        let port = self.hall.plain(shard, ROUTER, key, peer);
        self.transports.insert(number, Place { shard, key, port, peer });
    }

    /// A transport of that kind, of whose peer nothing follows yet.
    pub fn web_rtc(&mut self, number: u32, shard: usize, (open, peer): (TransportOpen, SocketAddr)) -> Place {
        let key = TransportKey::new(self.next_key(0, shard), 0);
        let port = self.hall.open_transport(shard, key, open).unwrap()[0].port;
        let place = Place { shard, key, port, peer };
        self.transports.insert(number, place);
        place
    }

    pub fn place(&self, transport: u32) -> Place {
        self.transports[&transport]
    }

    pub fn producer(&self, number: u32) -> &Producing {
        &self.producers[&number]
    }

    pub fn consumer(&self, number: u32) -> Consuming {
        self.consumers[&number]
    }

    pub fn home(&self, producer: u32) -> usize {
        self.place(self.producers[&producer].transport).shard
    }

    pub fn produce(&mut self, number: u32, transport: u32) {
        let open = producing(self.place(transport).key, number + 1);
        self.produce_so(number, transport, open);
    }

    /// A producer that is not like the others.
    pub fn produce_so(&mut self, number: u32, transport: u32, open: ProducerOpen) {
        let place = self.place(transport);
        let key = ProducerKey::new(self.next_key(1, place.shard), 0);
        self.hall.ask(place.shard, produce(key, &open)).unwrap();
        let replicas = BTreeMap::new();
        self.producers.insert(number, Producing { transport, key, open, replicas, sequence: 0 });
    }

    /// What stands for a producer on a shard, made if it is not there. Nothing is awaited.
    pub fn stand_in(&mut self, producer: u32, shard: usize) -> ProducerKey {
        let home = self.home(producer);
        let Producing { key, open, replicas, .. } = self.producers[&producer].clone();
        if shard == home {
            return key;
        }
        if let Some(replica) = replicas.get(&shard) {
            return *replica;
        }
        let stands_in = ProducerKey::new(self.next_key(1, shard), 0);
        let opening = replica(ROUTER, &open, u16::try_from(home).unwrap(), key);
        let opening = ProducerCommand::OpenReplica(Box::new(opening));
        self.hall.submit(shard, Action::Producer(stands_in, opening));
        let feed = ProducerCommand::OpenFeed {
            shard: ShardIndex(u16::try_from(shard).unwrap()),
            replica: stands_in,
        };
        self.hall.submit(home, Action::Producer(key, feed));
        self.producers.get_mut(&producer).unwrap().replicas.insert(shard, stands_in);
        stands_in
    }

    /// The command that opens a consumer, and the shard that it is for.
    pub fn consuming(&mut self, number: u32, transport: u32, producer: u32) -> (usize, Action) {
        let place = self.place(transport);
        let source = self.stand_in(producer, place.shard);
        let key = ConsumerKey::new(self.next_key(2, place.shard), 0);
        self.consumers.insert(number, Consuming { transport, producer, key });
        (place.shard, consume(key, consuming(place.key, source, producer + 1, 100_000 + number)))
    }

    pub fn consume(&mut self, number: u32, transport: u32, producer: u32) {
        let (shard, action) = self.consuming(number, transport, producer);
        self.hall.ask(shard, action).unwrap();
        // The feed of a new replica was opened meanwhile, on a shard that may be a tick behind.
        self.hall.ticks(3);
    }

    pub fn producer_command(&mut self, number: u32, command: ProducerCommand) {
        let (shard, key) = (self.home(number), self.producers[&number].key);
        self.hall.ask(shard, Action::Producer(key, command)).unwrap();
    }

    pub fn consumer_command(&mut self, number: u32, command: ConsumerCommand) {
        let Consuming { transport, key, .. } = self.consumers[&number];
        let shard = self.place(transport).shard;
        self.hall.ask(shard, Action::Consumer(key, command)).unwrap();
    }

    pub fn close_producer(&mut self, number: u32) {
        self.producer_command(number, ProducerCommand::Close);
        self.producers.remove(&number);
        self.consumers.retain(|_, consumer| consumer.producer != number);
    }

    pub fn close_consumer(&mut self, number: u32) {
        self.consumer_command(number, ConsumerCommand::Close);
        let Consuming { transport, producer, .. } = self.consumers.remove(&number).unwrap();
        let shard = self.place(transport).shard;
        let needed = self
            .consumers
            .values()
            .any(|other| other.producer == producer && self.transports[&other.transport].shard == shard);
        if !needed && let Some(stand_in) = self.producers.get_mut(&producer).unwrap().replicas.remove(&shard)
        {
            let to = ShardIndex(u16::try_from(shard).unwrap());
            self.producer_command(producer, ProducerCommand::CloseFeed(to));
            self.hall.ask(shard, Action::Producer(stand_in, ProducerCommand::Close)).unwrap();
        }
    }

    pub fn close_transport(&mut self, number: u32) {
        let place = self.place(number);
        self.hall.ask(place.shard, Action::Transport(place.key, TransportCommand::Close)).unwrap();
        self.transports.remove(&number);
        self.producers.retain(|_, producer| producer.transport != number);
        let producers = &self.producers;
        self.consumers
            .retain(|_, consumer| consumer.transport != number && producers.contains_key(&consumer.producer));
    }

    /// Packets of a producer arrive, and go wherever they go.
    pub fn play(&mut self, producer: u32, packets: u16) {
        for _ in 0..packets {
            self.arrive(producer);
        }
        self.hall.ticks(4);
    }

    /// One packet arrives, and waits for the next tick.
    pub fn arrive(&mut self, producer: u32) {
        let number = self.producers[&producer].sequence + 1;
        self.arrive_so(producer, &number.to_be_bytes().repeat(20));
    }

    /// With that in it.
    pub fn arrive_so(&mut self, producer: u32, payload: &[u8]) {
        let place = self.place(self.producers[&producer].transport);
        let playing = self.producers.get_mut(&producer).unwrap();
        playing.sequence += 1;
        let packet = rtp(producer + 1, playing.sequence, payload);
        self.hall.deliver(place.shard, place.port, place.peer, &packet);
    }

    /// So many packets of a producer never arrive.
    pub fn lose(&mut self, producer: u32, packets: u16) {
        self.producers.get_mut(&producer).unwrap().sequence += packets;
    }

    /// A producer's peer reports about its stream (RFC 3550 §6.4.1).
    pub fn report(&mut self, producer: u32) {
        let place = self.place(self.producers[&producer].transport);
        let mut report = vec![0x80, 200, 0, 6];
        report.extend((producer + 1).to_be_bytes());
        report.extend([0; 20]);
        self.hall.deliver(place.shard, place.port, place.peer, &report);
    }

    /// Takes the RTP that was sent, by peer and SSRC, in order.
    pub fn heard(&mut self) -> BTreeMap<(SocketAddr, u32), Vec<Vec<u8>>> {
        let mut heard: BTreeMap<_, Vec<Vec<u8>>> = BTreeMap::new();
        for shard in 0..self.hall.sides.len() {
            for run in self.hall.sent(shard) {
                // RFC 5761 §4: these are RTCP.
                let media = run.datagrams.into_iter().filter(|datagram| !(192..224).contains(&datagram[1]));
                for datagram in media {
                    let ssrc = u32::from_be_bytes(datagram[8..12].try_into().unwrap());
                    heard.entry((run.to, ssrc)).or_default().push(datagram);
                }
            }
        }
        heard
    }

    pub fn close(&mut self) {
        let shards = self.hall.sides.len();
        let closing: Vec<_> = (0..shards)
            .map(|shard| self.hall.submit(shard, Action::Router(ROUTER, RouterCommand::Close)))
            .collect();
        self.hall.ticks(100);
        for (shard, request) in closing.into_iter().enumerate() {
            assert!(self.hall.answer(shard, request).is_some(), "shard {shard} did not close the router");
        }
        self.hall.assert_empty();
    }

    pub fn transports(&self) -> Vec<u32> {
        self.transports.keys().copied().collect()
    }

    pub fn producers(&self) -> Vec<u32> {
        self.producers.keys().copied().collect()
    }

    pub fn consumers(&self) -> Vec<u32> {
        self.consumers.keys().copied().collect()
    }

    fn next_key(&mut self, kind: usize, shard: usize) -> u32 {
        let next = &mut self.next[kind][shard];
        *next += 1;
        *next - 1
    }
}
