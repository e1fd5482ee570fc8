//! A server on three shards, and calls behind it.

use std::net::IpAddr;

use model::command::{Action, Ports, RouterCommand, WebRtcServerCommand};
use model::key::{ConsumerKey, ProducerKey, RouterKey, ShardIndex, WebRtcServerKey};
use model::reply::Answer;
use shard::Totals;

use super::caller::Caller;
use super::support::hall::{Hall, bind, consume, consuming, produce, producing, rtp};

/// A server, which is called otherwise on each shard.
pub(crate) struct Server {
    pub(crate) hall: Hall,
    pub(crate) port: u16,
}

impl Server {
    /// With parts on so many of three shards: once on sockets of one address, once on those of a wildcard.
    pub(crate) fn both(parts: usize) -> impl Iterator<Item = Self> {
        let locals = [None, Some(IpAddr::from([192, 0, 2, 9]))];
        locals.into_iter().map(move |local| Self::new(parts, local))
    }

    fn new(parts: usize, local: Option<IpAddr>) -> Self {
        let mut hall = Hall::new(3);
        (0..3).for_each(|shard| hall.driver(shard).local = local);
        (0..3).for_each(|shard| hall.open_router(shard, ROUTER));
        let open = WebRtcServerCommand::Open(vec![bind(Ports::Fixed(0))]);
        let Answer::Bound(at) = hall.ask(0, Action::WebRtcServer(key(0), open)).unwrap() else { panic!() };
        let mut server = Self { hall, port: at[0].port };
        (1..parts).for_each(|shard| server.join(shard));
        server.hall.ticks(2);
        server
    }

    fn join(&mut self, shard: usize) {
        let others =
            (0..shard).map(|other| (ShardIndex(u16::try_from(other).unwrap()), key(other))).collect();
        let join = WebRtcServerCommand::Join { binds: vec![bind(Ports::Fixed(self.port))], others };
        self.hall.ask(shard, Action::WebRtcServer(key(shard), join)).unwrap();
    }

    pub(crate) fn caller(&mut self, number: u16, home: usize, lands: usize) -> Caller {
        let at = (key(home), self.port);
        Caller::new(&mut self.hall, number, (home, lands), at)
    }

    pub(crate) fn close(&mut self) {
        for shard in 0..3 {
            self.hall.ask(shard, Action::Router(ROUTER, RouterCommand::Close)).unwrap();
        }
        for shard in 0..3 {
            let _ = self.hall.ask(shard, Action::WebRtcServer(key(shard), WebRtcServerCommand::Close));
        }
        self.hall.assert_empty();
    }

    pub(crate) fn sum(&self, figure: impl Fn(&Totals) -> u64) -> u64 {
        (0..3).map(|shard| figure(&self.hall.totals(shard))).sum()
    }
}

pub(crate) fn key(shard: usize) -> WebRtcServerKey {
    WebRtcServerKey::new(u32::try_from(3 - shard).unwrap(), 7)
}

/// One who sends and one who hears, both on `home`, whose datagrams land where they land.
pub(crate) struct Call {
    pub(crate) sender: Caller,
    pub(crate) receiver: Caller,
    pub(crate) next: u16,
}

impl Call {
    pub(crate) fn new(server: &mut Server, number: u16, home: usize, lands: [usize; 2]) -> Self {
        let [mut sender, mut receiver] =
            [0, 1].map(|of| server.caller(2 * number + of, home, lands[usize::from(of)]));
        sender.connect(&mut server.hall);
        receiver.connect(&mut server.hall);
        let (at, ssrc) = (u32::from(number), 100 + u32::from(number));
        let (producer, consumer) = (ProducerKey::new(at, 0), ConsumerKey::new(at, 0));
        let open = producing(sender.transport, ssrc);
        server.hall.ask(home, produce(producer, &open)).unwrap();
        let open = consuming(receiver.transport, producer, ssrc, 500 + ssrc);
        server.hall.ask(home, consume(consumer, open)).unwrap();
        Self { sender, receiver, next: 1 }
    }

    /// Sends so many packets. How many of them came.
    pub(crate) fn pass(&mut self, hall: &mut Hall, ssrc: u32, count: u16) -> usize {
        let payload = [0x7C; 700];
        for sequence in self.next..self.next + count {
            self.sender.send_rtp(hall, &rtp(ssrc, sequence, &payload));
            hall.tick();
        }
        self.next += count;
        hall.ticks(2);
        self.sender.collect(hall);
        self.receiver.collect(hall);
        let heard = std::mem::take(&mut self.receiver.heard);
        heard.iter().filter(|packet| packet.ends_with(&payload)).count()
    }
}

const ROUTER: RouterKey = RouterKey::new(0, 0);
