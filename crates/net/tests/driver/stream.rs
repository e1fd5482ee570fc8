use std::io::{Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};

use net::{Accepted, Driver, Farewell, Listener, Ports, SocketConfig, SocketKey, Transfer, Wait};

use crate::bed::{Bed, LOOPBACK, PATIENCE, own_loopback, pattern};

pub(crate) fn a_connection_is_accepted_read_and_written<D: Driver>(mut bed: Bed<D>) {
    let (listener, local) = listen(&mut bed, LOOPBACK);
    for round in 0..3_u8 {
        let (key, mut peer) = connected(&mut bed, (listener, local));
        assert_ne!(key, listener);
        peer.write_all(&[round; 100]).unwrap();
        assert_eq!(read(&mut bed, key, 100), [round; 100]);
        assert_eq!(bed.driver.write(key, &[round; 200]), Transfer::Bytes(200));
        let mut heard = [0; 200];
        peer.read_exact(&mut heard).unwrap();
        assert_eq!(heard, [round; 200]);
    }
    let counters = bed.counters();
    assert_eq!((counters.stream_received_bytes, counters.stream_sent_bytes), (300, 600));
}

pub(crate) fn a_peer_of_ipv4_is_known_by_its_ipv4_address<D: Driver>(mut bed: Bed<D>) {
    let (listener, local) = listen(&mut bed, IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    let peer = TcpStream::connect((LOOPBACK, local.port())).unwrap();
    let (_, from) = accepted(&mut bed, listener);
    assert_eq!(from, peer.local_addr().unwrap());
    assert!(from.is_ipv4());
}

/// Nobody is named twice for one thing, and everybody again for the next.
pub(crate) fn a_connection_is_named_for_each_arrival<D: Driver>(mut bed: Bed<D>) {
    let listener = listen(&mut bed, LOOPBACK);
    let (quiet, _quiet_peer) = connected(&mut bed, listener);
    let (key, mut peer) = connected(&mut bed, listener);
    // Each is named once at its beginning.
    wait_for(&mut bed, key);
    for round in 0..20_u8 {
        peer.write_all(&[round]).unwrap();
        wait_for(&mut bed, key);
        assert_eq!(read(&mut bed, key, 1), [round]);
        assert_eq!(bed.driver.read(key, &mut [0; 8]), Transfer::Later);
        bed.flush();
        assert_eq!(bed.driver.next_ready(), None);
    }
    assert_eq!(bed.driver.read(quiet, &mut [0; 8]), Transfer::Later);
}

pub(crate) fn everybody_of_a_crowd_is_accepted_and_heard<D: Driver>(mut bed: Bed<D>) {
    let (listener, local) = listen(&mut bed, LOOPBACK);
    let mut peers: Vec<_> = (0..100).map(|_| TcpStream::connect(local).unwrap()).collect();
    let mut keys: Vec<_> = peers.iter().map(|_| accepted(&mut bed, listener).0).collect();
    assert_eq!(bed.driver.accept(listener), Accepted::Nobody);
    peers.iter_mut().for_each(|peer| peer.write_all(b"here").unwrap());
    let deadline = bed.clock.read() + PATIENCE;
    while !keys.is_empty() {
        assert!(bed.clock.read() < deadline, "{} unheard", keys.len());
        bed.driver.turn(Wait::Until(deadline), &mut || true).unwrap();
        while let Some(key) = bed.driver.next_ready() {
            if bed.driver.read(key, &mut [0; 8]) == Transfer::Bytes(4) {
                keys.retain(|other| *other != key);
            }
        }
    }
}

/// A peer that does not read is written to up to a bound that is the kernel's, and named when it has read.
pub(crate) fn a_full_connection_is_named_when_there_is_room<D: Driver>(mut bed: Bed<D>) {
    let listener = listen(&mut bed, LOOPBACK);
    let (key, mut peer) = connected(&mut bed, listener);
    // A whole number of periods, so that any offset in the period can be cut from the front.
    let bytes = pattern(251 * 256);
    let mut written = 0;
    let fill = |bed: &mut Bed<D>, written: &mut usize| {
        loop {
            match bed.driver.write(key, &bytes[*written % 251..]) {
                Transfer::Bytes(count) => *written += count,
                full => return assert_eq!(full, Transfer::Later),
            }
        }
    };
    // The peer's kernel takes its time to take what it can: until nothing moves, bar what was named already.
    fill(&mut bed, &mut written);
    assert!(written > 0);
    let mut heard = Vec::new();
    let deadline = bed.clock.read() + PATIENCE;
    let mut named = 0;
    while named < 3 {
        assert!(bed.clock.read() < deadline, "never named");
        // The peer's kernel may have taken something since.
        fill(&mut bed, &mut written);
        let mut chunk = vec![0; written - heard.len()];
        peer.read_exact(&mut chunk).unwrap();
        heard.append(&mut chunk);
        wait_for(&mut bed, key);
        named += 1;
    }
    let expected: Vec<u8> = (0..heard.len()).map(|n| u8::try_from(n % 251).unwrap()).collect();
    assert!(heard == expected, "bytes went astray");
}

pub(crate) fn a_peer_that_closes_is_named_and_what_it_said_before_is_read<D: Driver>(mut bed: Bed<D>) {
    let listener = listen(&mut bed, LOOPBACK);
    let (key, mut peer) = connected(&mut bed, listener);
    peer.write_all(b"bye").unwrap();
    drop(peer);
    assert_eq!(read(&mut bed, key, 3), b"bye");
    ended(&mut bed, key);
    bed.driver.close(key);
    bed.closed(key);
    let (key, peer) = connected(&mut bed, listener);
    // A peer that breaks off.
    socket2::SockRef::from(&peer).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(peer);
    ended(&mut bed, key);
    // Nothing is raised by who writes after all.
    let _ = bed.driver.write(key, b"anybody there?");
    assert_eq!(bed.driver.write(key, b"anybody there?"), Transfer::Ended);
}

pub(crate) fn a_closed_listener_frees_its_port_and_its_connections_live_on<D: Driver>(mut bed: Bed<D>) {
    let (mut listener, local) = listen(&mut bed, own_loopback());
    let (key, mut peer) = connected(&mut bed, (listener, local));
    let config = SocketConfig::new(local.ip(), Ports::Exact(local.port()));
    for _ in 0..200 {
        // Somebody waits in its backlog.
        let _waiting = TcpStream::connect(local).unwrap();
        bed.driver.close(listener);
        bed.closed(listener);
        listener = bed.driver.listen(Listener::bind(&config).unwrap()).unwrap();
        bed.flush();
    }
    peer.write_all(b"still here").unwrap();
    assert_eq!(read(&mut bed, key, 10), b"still here");
    let deadline = bed.clock.read() + PATIENCE;
    bed.driver.close(listener);
    bed.driver.turn(Wait::Until(deadline), &mut || true).unwrap();
    assert!(bed.clock.read() < deadline, "slept although a close had to be reported");
    bed.closed(listener);
    TcpListener::bind(local).unwrap();
}

pub(crate) fn what_was_written_arrives_unless_the_farewell_is_abrupt<D: Driver>(mut bed: Bed<D>) {
    let listener = listen(&mut bed, LOOPBACK);
    for farewell in [Farewell::Orderly, Farewell::Abrupt] {
        let (key, mut peer) = connected(&mut bed, listener);
        let mut written = 0;
        while let Transfer::Bytes(count) = bed.driver.write(key, &[7; 4096]) {
            written += count;
        }
        bed.driver.part(key, farewell);
        assert_eq!(bed.driver.read(key, &mut [0; 8]), Transfer::Ended, "dead at once");
        bed.closed(key);
        let mut heard = Vec::new();
        let outcome = peer.read_to_end(&mut heard);
        match farewell {
            Farewell::Orderly => assert_eq!(heard.len(), written),
            Farewell::Abrupt => {
                assert_eq!(outcome.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
            }
        }
    }
}

pub(crate) fn a_stale_key_of_a_connection_names_nothing<D: Driver>(mut bed: Bed<D>) {
    let listener = listen(&mut bed, LOOPBACK);
    let (stale, _peer) = connected(&mut bed, listener);
    bed.driver.close(stale);
    bed.driver.close(stale);
    bed.closed(stale);
    assert!(bed.driver.next_closed().is_none(), "closed once");
    let (key, mut peer) = connected(&mut bed, listener);
    bed.driver.close(stale);
    assert_eq!(bed.driver.write(stale, b"x"), Transfer::Ended);
    assert_eq!(bed.driver.read(stale, &mut [0]), Transfer::Ended);
    assert_eq!(bed.driver.accept(key), Accepted::Nobody, "no listener");
    assert_eq!(bed.driver.write(listener.0, b"x"), Transfer::Ended, "no connection");
    peer.write_all(b"alive").unwrap();
    assert_eq!(read(&mut bed, key, 5), b"alive");
}

/// As one shard does that accepted it and another that goes on with it.
pub(crate) fn a_connection_that_is_let_go_of_lives_on<D: Driver>(mut bed: Bed<D>) {
    let listener = listen(&mut bed, LOOPBACK);
    let (key, mut peer) = connected(&mut bed, listener);
    peer.write_all(b"before").unwrap();
    assert_eq!(read(&mut bed, key, 6), b"before");
    peer.write_all(b"mean").unwrap();
    let detached = bed.driver.detach(key).unwrap();
    assert_eq!(detached.from(), peer.local_addr().unwrap());
    assert_eq!(bed.driver.read(key, &mut [0; 8]), Transfer::Ended, "the key is dead");
    assert!(bed.driver.detach(key).is_err());
    bed.closed(key);
    peer.write_all(b"while").unwrap();
    let next = bed.driver.adopt(detached).unwrap();
    wait_for(&mut bed, next);
    assert_eq!(read(&mut bed, next, 9), b"meanwhile");
    assert_eq!(bed.driver.write(next, b"heard"), Transfer::Bytes(5));
    let mut heard = [0; 5];
    peer.read_exact(&mut heard).unwrap();
    drop(peer);
    ended(&mut bed, next);
}

pub(crate) fn a_full_table_turns_away_and_recovers<D: Driver>(mut bed: Bed<D>) {
    let (listener, local) = listen(&mut bed, LOOPBACK);
    // 256 less the listener.
    let kept: Vec<_> = (0..255).map(|_| connected(&mut bed, (listener, local))).collect();
    let mut turned_away = TcpStream::connect(local).unwrap();
    assert_eq!(look(&mut bed, listener), Accepted::TurnedAway);
    assert!(turned_away.read(&mut [0; 8]).is_err(), "reset");
    bed.driver.close(kept[7].0);
    bed.closed(kept[7].0);
    connected(&mut bed, (listener, local));
}

pub(crate) fn dropping_a_driver_ends_its_connections<D: Driver>(mut bed: Bed<D>) {
    let (listener, local) = listen(&mut bed, own_loopback());
    let (_, mut peer) = connected(&mut bed, (listener, local));
    let (closing, _closing_peer) = connected(&mut bed, (listener, local));
    bed.driver.close(closing);
    drop(bed);
    assert_eq!(peer.read(&mut [0; 8]).unwrap(), 0);
    TcpListener::bind(local).unwrap();
}

pub(crate) fn whoever_connects_or_writes_ends_a_wait<D: Driver>(mut bed: Bed<D>) {
    let (listener, local) = listen(&mut bed, LOOPBACK);
    let deadline = bed.clock.read() + PATIENCE;
    let mut peer = None;
    bed.driver
        .turn(Wait::Until(deadline), &mut || {
            peer = Some(TcpStream::connect(local).unwrap());
            true
        })
        .unwrap();
    assert!(bed.clock.read() < deadline);
    assert_eq!(bed.driver.next_ready(), Some(listener));
    let Accepted::Connection { key, .. } = bed.driver.accept(listener) else { unreachable!("nobody there") };
    while bed.driver.next_ready().is_some() {}
    bed.flush();
    while bed.driver.next_ready().is_some() {}
    bed.driver
        .turn(Wait::Until(deadline), &mut || {
            peer.as_mut().unwrap().write_all(b"ping").unwrap();
            true
        })
        .unwrap();
    assert!(bed.clock.read() < deadline);
    assert_eq!(bed.driver.next_ready(), Some(key));
    // Who is named and not taken note of prevents the next wait.
    peer.as_mut().unwrap().write_all(b"pong").unwrap();
    bed.driver.turn(Wait::Until(deadline), &mut || true).unwrap();
    bed.driver.turn(Wait::Until(deadline), &mut || true).unwrap();
    assert!(bed.clock.read() < deadline);
    assert_eq!(bed.driver.next_ready(), Some(key));
}

pub(crate) fn listen<D: Driver>(bed: &mut Bed<D>, ip: IpAddr) -> (SocketKey, SocketAddr) {
    let listener = Listener::bind(&SocketConfig::new(ip, Ports::Exact(0))).unwrap();
    let local = listener.local_addr();
    let key = bed.driver.listen(listener).unwrap();
    bed.flush();
    (key, local)
}

pub(crate) fn connected<D: Driver>(
    bed: &mut Bed<D>,
    (listener, local): (SocketKey, SocketAddr),
) -> (SocketKey, TcpStream) {
    let peer = TcpStream::connect(local).unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    let (key, from) = accepted(bed, listener);
    assert_eq!(from, peer.local_addr().unwrap());
    (key, peer)
}

/// Who connected; in time to come, or before.
fn accepted<D: Driver>(bed: &mut Bed<D>, listener: SocketKey) -> (SocketKey, SocketAddr) {
    match look(bed, listener) {
        Accepted::Connection { key, from } => (key, from),
        other => unreachable!("{other:?}"),
    }
}

fn look<D: Driver>(bed: &mut Bed<D>, listener: SocketKey) -> Accepted {
    let deadline = bed.clock.read() + PATIENCE;
    loop {
        match bed.driver.accept(listener) {
            Accepted::Nobody => {}
            other => return other,
        }
        assert!(bed.clock.read() < deadline, "nobody came");
        bed.driver.turn(Wait::Until(deadline), &mut || true).unwrap();
        while bed.driver.next_ready().is_some() {}
    }
}

/// Turns until the driver names it.
fn wait_for<D: Driver>(bed: &mut Bed<D>, key: SocketKey) {
    let deadline = bed.clock.read() + PATIENCE;
    loop {
        while let Some(ready) = bed.driver.next_ready() {
            if ready == key {
                return;
            }
        }
        assert!(bed.clock.read() < deadline, "never named");
        bed.driver.turn(Wait::Until(deadline), &mut || true).unwrap();
    }
}

fn read<D: Driver>(bed: &mut Bed<D>, key: SocketKey, count: usize) -> Vec<u8> {
    let mut heard = Vec::new();
    let mut buffer = [0; 4096];
    while heard.len() < count {
        match bed.driver.read(key, &mut buffer) {
            Transfer::Bytes(count) => heard.extend_from_slice(&buffer[..count]),
            Transfer::Later => wait_for(bed, key),
            Transfer::Ended => unreachable!("ended after {} bytes", heard.len()),
        }
    }
    heard
}

fn ended<D: Driver>(bed: &mut Bed<D>, key: SocketKey) {
    loop {
        match bed.driver.read(key, &mut [0; 8]) {
            Transfer::Bytes(count) => unreachable!("{count} more bytes"),
            Transfer::Later => wait_for(bed, key),
            Transfer::Ended => return,
        }
    }
}
