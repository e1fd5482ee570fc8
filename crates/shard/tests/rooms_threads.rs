//! Rooms on threads of their own, on the kernel's loopback: packets across shards, and ports that are free again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod support;

use std::net::UdpSocket;

use model::command::{Action, Ports, ProducerCommand, RouterCommand, TransportCommand, WebRtcServerCommand};
use model::key::{ConsumerKey, ProducerKey, RouterKey, ShardIndex, TransportKey, WebRtcServerKey};
use model::reply::Answer;
use model::transport::TransportProtocol;
use support::hall::{
    bind, connect, consume, consuming, plain, plain_at, produce, producing, remote, replica, rtp,
};
use support::house::{House, hosts, peer, receive};

const ROUTER: RouterKey = RouterKey::new(0, 0);

const fn transport(index: u32) -> TransportKey {
    TransportKey::new(index, 0)
}

#[test]
fn a_packet_reaches_consumers_on_every_shard() {
    for host in hosts() {
        let Some(mut house) = House::on(host, 3) else { continue };
        let (source, source_at) = peer();
        (0..3).for_each(|shard| house.ask(shard, Action::Router(ROUTER, RouterCommand::Open)));
        let at = house.plain(0, transport(9), ROUTER, source_at);
        let producer = ProducerKey::new(0, 0);
        let open = producing(transport(9), 1);
        house.ask(0, produce(producer, &open));
        let mut sinks = Vec::new();
        for shard in 0..3_u16 {
            let (sink, sink_at) = peer();
            house.plain(shard, transport(0), ROUTER, sink_at);
            let stands_in = if shard == 0 { producer } else { ProducerKey::new(7, 0) };
            if shard > 0 {
                let opening = ProducerCommand::OpenReplica(Box::new(replica(ROUTER, &open, 0, producer)));
                house.ask(shard, Action::Producer(stands_in, opening));
                let feed = ProducerCommand::OpenFeed { shard: ShardIndex(shard), replica: stands_in };
                house.ask(0, Action::Producer(producer, feed));
            }
            let consuming = consuming(transport(0), stands_in, 1, 11);
            house.ask(shard, consume(ConsumerKey::new(0, 0), consuming));
            sinks.push(sink);
        }
        // That the feeds are open is heard before this is answered.
        house.ask(0, Action::Producer(producer, ProducerCommand::Pause));
        house.ask(0, Action::Producer(producer, ProducerCommand::Resume));
        let mut buffer = [0; 2048];
        for round in 0..100_u16 {
            source.send_to(&rtp(1, round, &round.to_be_bytes()), remote(at)).unwrap();
            for sink in &sinks {
                let len = receive(sink, &mut buffer);
                assert!(buffer[..len].ends_with(&round.to_be_bytes()), "{:?}", &buffer[..len]);
            }
        }
        house.close(ROUTER);
        house.stop();
    }
}

#[test]
fn ports_are_free_when_a_close_is_answered() {
    for host in hosts() {
        let Some(mut house) = House::on(host, 1) else { continue };
        house.ask(0, Action::Router(ROUTER, RouterCommand::Open));
        let both = plain_at(ROUTER, Ports::Fixed(0), Some(Ports::Fixed(0)), false);
        let mut ports = house.open(0, transport(0), both);
        for round in 0..50 {
            let [port, rtcp] = [ports[0].port, ports[1].port];
            house.ask(0, Action::Transport(TransportKey::new(0, round), TransportCommand::Close));
            drop((UdpSocket::bind(remote(port)).unwrap(), UdpSocket::bind(remote(rtcp)).unwrap()));
            let same = plain_at(ROUTER, Ports::Fixed(port), Some(Ports::Fixed(rtcp)), false);
            ports = house.open(0, TransportKey::new(0, round + 1), same);
            house.ask(0, connect(TransportKey::new(0, round + 1), remote(9)));
        }
        let server = WebRtcServerKey::new(0, 0);
        let tcp = model::command::Bind { protocol: TransportProtocol::Tcp, ..bind(Ports::Fixed(0)) };
        let opening = WebRtcServerCommand::Open(vec![bind(Ports::Fixed(0)), tcp]);
        let Answer::Bound(bound) = house.answer(0, Action::WebRtcServer(server, opening)) else {
            panic!("not bound")
        };
        house.ask(0, Action::WebRtcServer(server, WebRtcServerCommand::Close));
        drop(UdpSocket::bind(remote(bound[0].port)).unwrap());
        drop(std::net::TcpListener::bind(remote(bound[1].port)).unwrap());
        house.open(0, transport(77), plain(ROUTER));
        house.close(ROUTER);
        house.stop();
    }
}
