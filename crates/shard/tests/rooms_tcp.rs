//! A WebRtcServer with a TCP port on three shards: whoever connects reaches his transport, wherever he is let in.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use ice::Credentials;
use model::command::{
    Action, Bind, IceSetup, Ports, RouterCommand, TransportCommand, TransportOpen, TransportSetup,
    WebRtcListen, WebRtcServerCommand,
};
use model::key::{RouterKey, ShardIndex, TransportKey, WebRtcServerKey};
use model::reply::Answer;
use model::transport::{IceParameters, TransportProtocol};
use support::hall::{Hall, bind, open, remote};
use support::house::{House, hosts};
use wire::stun::{Builder, Class, Message, Role, TransactionId};

const ROUTER: RouterKey = RouterKey::new(0, 0);
const SERVER: WebRtcServerKey = WebRtcServerKey::new(0, 0);
const PASSWORD: &str = "pppppppppppppppppppppppppppppppp";

/// Three parts of a server on one TCP port, and a transport with that number on each shard.
fn house(on: net::probe::HostChoice) -> Option<(House, SocketAddr)> {
    let mut house = House::on(on, 3)?;
    (0..3).for_each(|shard| house.ask(shard, Action::Router(ROUTER, RouterCommand::Open)));
    let tcp = |ports| Bind { protocol: TransportProtocol::Tcp, ..bind(ports) };
    let opening = WebRtcServerCommand::Open(vec![tcp(Ports::Fixed(0))]);
    let Answer::Bound(at) = house.answer(0, Action::WebRtcServer(SERVER, opening)) else { panic!() };
    for shard in 1..3 {
        let others = (0..shard).map(|other| (ShardIndex(other), SERVER)).collect();
        let join = WebRtcServerCommand::Join { binds: vec![tcp(Ports::Fixed(at[0].port))], others };
        house.ask(shard, Action::WebRtcServer(SERVER, join));
    }
    for shard in 0..3 {
        house.open(shard, transport(shard), opening_transport(shard));
    }
    house.settle(RouterKey::new(1, 0));
    Some((house, remote(at[0].port)))
}

/// The same in memory and in virtual time, on as many shards.
fn hall(shards: u16) -> Hall {
    let mut hall = Hall::new(shards);
    let tcp = |ports| Bind { protocol: TransportProtocol::Tcp, ..bind(ports) };
    (0..shards).for_each(|shard| hall.open_router(shard.into(), ROUTER));
    let opening = WebRtcServerCommand::Open(vec![tcp(Ports::Fixed(0))]);
    let Ok(Answer::Bound(at)) = hall.ask(0, Action::WebRtcServer(SERVER, opening)) else { panic!() };
    for shard in 1..shards {
        let others = (0..shard).map(|other| (ShardIndex(other), SERVER)).collect();
        let join = WebRtcServerCommand::Join { binds: vec![tcp(Ports::Fixed(at[0].port))], others };
        hall.ask(shard.into(), Action::WebRtcServer(SERVER, join)).unwrap();
    }
    for shard in 0..shards {
        hall.open_transport(shard.into(), transport(shard), opening_transport(shard)).unwrap();
    }
    hall.ticks(5);
    hall
}

/// So many connect to a shard, and each names the transport on another.
fn crowd(hall: &mut Hall, at: u16, count: u16, naming: u16) {
    let peers: Vec<_> = (0..count).map(|number| remote(1_000 * at + 10_000 + number)).collect();
    peers.iter().for_each(|peer| hall.driver(at.into()).knock(*peer));
    // As many are let in with each tick as may be, and say who they are.
    for _ in 0..10 {
        hall.tick_only(at.into());
    }
    for peer in &peers {
        hall.driver(at.into()).say(*peer, &check(naming, 0));
    }
    for _ in 0..10 {
        hall.tick_only(at.into());
    }
}

fn opening_transport(shard: u16) -> TransportOpen {
    let ice =
        IceParameters { username_fragment: ufrag(shard), password: PASSWORD.into(), ice_lite: Some(true) };
    let ice = IceSetup { local: ice, consent_timeout_s: 30 };
    open(ROUTER, TransportSetup::WebRtc { listen: WebRtcListen::Server(SERVER), ice })
}

fn transport(shard: u16) -> TransportKey {
    TransportKey::new(u32::from(shard), 0)
}

fn ufrag(shard: u16) -> Box<str> {
    format!("transport-on-shard{shard:014}").into()
}

/// A check of a pair, framed (RFC 4571 §2).
fn check(shard: u16, number: u8) -> Vec<u8> {
    let mut out = [0; 300];
    let mut builder = Builder::request(&mut out, TransactionId([number; 12])).unwrap();
    builder.username(format!("{}:theirs", ufrag(shard)).as_bytes()).unwrap();
    builder.priority(0x6e00_01ff).unwrap();
    builder.role(Role::Controlling(1)).unwrap();
    builder.use_candidate().unwrap();
    builder.integrity(&Credentials::new("", PASSWORD)).unwrap();
    let len = builder.fingerprint().unwrap();
    let mut frame = u16::try_from(len).unwrap().to_be_bytes().to_vec();
    frame.extend(&out[..len]);
    frame
}

/// Reads an answer. `None` when the connection has ended.
fn answer(peer: &mut TcpStream) -> Option<Vec<u8>> {
    let mut len = [0; 2];
    peer.read_exact(&mut len).ok()?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(len))];
    peer.read_exact(&mut answer).ok()?;
    Some(answer)
}

fn connected(to: SocketAddr, shard: u16) -> TcpStream {
    let mut peer = TcpStream::connect(to).unwrap();
    peer.set_read_timeout(Some(DEADLINE)).unwrap();
    peer.write_all(&check(shard, 0)).unwrap();
    let heard = answer(&mut peer).unwrap();
    assert_eq!(Message::parse(&heard).unwrap().class(), Class::Success);
    peer
}

#[test]
fn whoever_connects_reaches_his_transport_wherever_he_is_let_in() {
    for host in hosts() {
        let Some((mut house, at)) = house(host) else { continue };
        let mut peers = Vec::new();
        for round in 0..12_u8 {
            for shard in 0..3 {
                let mut peer = connected(at, shard);
                // What comes in pieces later comes to the same end; a frame of nothing is nothing.
                let next = check(shard, 100 + round);
                peer.write_all(&[0, 0]).unwrap();
                peer.write_all(&next[..7]).unwrap();
                peer.write_all(&next[7..]).unwrap();
                loop {
                    let heard = answer(&mut peer).unwrap();
                    let heard = Message::parse(&heard).unwrap();
                    if heard.transaction() == TransactionId([100 + round; 12]) {
                        assert_eq!(heard.class(), Class::Success);
                        break;
                    }
                }
                peers.push(peer);
            }
            // A transport keeps a few of them.
            peers.truncate(6);
        }
        // By the kernel's hash two of three do; that none of 36 does happens to nobody.
        assert!(house.sum(|totals| totals.tcp_handed_over) > 0, "all came in where they were at home");
        // A transport that is gone ends its connections, wherever they came in.
        let mut last = connected(at, 1);
        house.ask(1, Action::Transport(transport(1), TransportCommand::Close));
        while answer(&mut last).is_some() {}
        house.close(ROUTER);
        assert_eq!(house.sum(|totals| totals.tcp_accepted), 12 * 3 + 1, "each once");
        let lost = |totals: &shard::Totals| {
            totals.tcp_misbehaved + totals.tcp_silent + totals.tcp_refused + totals.tcp_not_handed_over
        };
        assert_eq!(house.sum(lost), 0);
        for shard in 0..3 {
            house.ask(shard, Action::WebRtcServer(SERVER, WebRtcServerCommand::Close));
        }
        house.stop();
    }
}

#[test]
fn a_name_that_nobody_has_ends_where_it_came_in() {
    for host in hosts() {
        let Some((mut house, at)) = house(host) else { continue };
        let mut peer = TcpStream::connect(at).unwrap();
        peer.set_read_timeout(Some(DEADLINE)).unwrap();
        // As many as are forgiven, and one more.
        for number in 0..17 {
            if peer.write_all(&check(9, number)).is_err() {
                break;
            }
        }
        assert_eq!(answer(&mut peer), None);
        assert_eq!(house.sum(|totals| totals.tcp_handed_over), 0);
        house.close(ROUTER);
        house.stop();
    }
}

#[test]
fn a_connection_goes_on_where_it_belongs_with_all_that_it_said() {
    let mut hall = hall(2);
    let peer = remote(10_000);
    hall.driver(0).knock(peer);
    hall.ticks(2);
    // The second check is cut: some of it comes before the connection has moved, some while nobody has it.
    let second = check(1, 1);
    hall.driver(0).say(peer, &[&check(1, 0)[..], &second[..9]].concat());
    hall.tick_only(0);
    assert_eq!((hall.totals(0).tcp_handed_over, hall.totals(0).tcp_connections), (1, 0));
    assert_eq!(hall.driver(0).said_to(peer), None);
    hall.ticks(2);
    hall.driver(1).say(peer, &second[9..]);
    hall.ticks(2);
    let said = hall.driver(1).said_to(peer).unwrap();
    let len = 2 + usize::from(u16::from_be_bytes([said[0], said[1]]));
    for (answer, number) in [(&said[2..len], 0), (&said[len + 2..], 1)] {
        let answer = Message::parse(answer).unwrap();
        assert_eq!((answer.class(), answer.transaction()), (Class::Success, TransactionId([number; 12])));
    }
    assert_eq!(hall.totals(1).tcp_connections, 1);
    assert_eq!(hall.totals(0).tcp_not_handed_over + hall.totals(1).tcp_not_handed_over, 0);
}

#[test]
fn one_that_can_not_go_is_closed_and_counted() {
    let mut hall = hall(2);
    hall.driver(0).clings = true;
    crowd(&mut hall, 0, 1, 1);
    assert_eq!((hall.totals(0).tcp_not_handed_over, hall.totals(0).tcp_handed_over), (1, 0));
    assert_eq!(hall.totals(0).tcp_connections, 0);
    // It goes, and is not let in.
    hall.driver(0).clings = false;
    hall.driver(1).refuses = true;
    crowd(&mut hall, 0, 1, 1);
    hall.ticks(3);
    assert_eq!((hall.totals(0).tcp_handed_over, hall.totals(1).tcp_not_handed_over), (1, 1));
}

#[test]
fn a_shard_that_stands_still_is_told_of_sixty_four() {
    let mut hall = hall(2);
    crowd(&mut hall, 0, 80, 1);
    assert_eq!((hall.totals(0).tcp_handed_over, hall.totals(0).tcp_not_handed_over), (64, 16));
    hall.ticks(5);
    assert_eq!((hall.totals(1).tcp_connections, hall.totals(1).tcp_not_handed_over), (64, 0));
}

#[test]
fn two_hundred_and_fifty_six_wait_to_be_taken_over_and_no_more() {
    let mut hall = hall(6);
    (1..6).for_each(|shard| crowd(&mut hall, shard, 64, 0));
    assert_eq!((1..6).map(|shard| hall.totals(shard).tcp_handed_over).sum::<u64>(), 320);
    hall.tick_only(0);
    let now = hall.totals(0);
    assert_eq!((now.tcp_not_handed_over, now.tcp_connections), (64, 32), "and so many with each tick");
    (0..10).for_each(|_| hall.tick_only(0));
    assert_eq!(hall.totals(0).tcp_connections, 256);
}

/// Far beyond what any of this takes.
const DEADLINE: Duration = Duration::from_secs(60);
