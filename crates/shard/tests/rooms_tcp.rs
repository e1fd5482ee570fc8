//! A WebRtcServer with a TCP port on three shards: whoever connects reaches his transport, wherever he is let in.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use ice::Credentials;
use model::command::{
    Action, Bind, IceSetup, Ports, RouterCommand, TransportCommand, TransportSetup, WebRtcListen,
    WebRtcServerCommand,
};
use model::key::{RouterKey, ShardIndex, TransportKey, WebRtcServerKey};
use model::reply::Answer;
use model::transport::{IceParameters, TransportProtocol};
use support::hall::{bind, open, remote};
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
        let ice = IceParameters {
            username_fragment: ufrag(shard),
            password: PASSWORD.into(),
            ice_lite: Some(true),
        };
        let setup = TransportSetup::WebRtc {
            listen: WebRtcListen::Server(SERVER),
            ice: IceSetup { local: ice, consent_timeout_s: 30 },
        };
        house.open(shard, transport(shard), open(ROUTER, setup));
    }
    house.settle(RouterKey::new(1, 0));
    Some((house, remote(at[0].port)))
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

/// Far beyond what any of this takes.
const DEADLINE: Duration = Duration::from_secs(20);
