use std::net::UdpSocket;

use net::{Driver, Ports, Share, Socket, SocketConfig};

use crate::bed::{Bed, LOOPBACK, UNBOUNDED, hear, own_loopback, peer};

pub(crate) fn a_fixed_port_can_be_closed_and_bound_again_a_thousand_times<D: Driver>(mut bed: Bed<D>) {
    let (mut key, local) = bed.add(&SocketConfig::new(own_loopback(), Ports::Exact(0)));
    let config = SocketConfig::new(local.ip(), Ports::Exact(local.port()));
    let (peer, peer_addr) = peer();
    for round in 0..1000_u32 {
        // In use when it is closed: something has just arrived, something just went out.
        peer.send_to(&round.to_ne_bytes(), local).unwrap();
        bed.queue(key, peer_addr, &round.to_ne_bytes(), 4);
        bed.driver.close(key);
        bed.closed(key);
        key = bed.driver.add(Socket::bind(&config).unwrap()).unwrap();
        assert_eq!(hear(&peer), (round.to_ne_bytes().to_vec(), local), "sent before the close");
    }
    bed.flush();
    peer.send_to(b"still here?", local).unwrap();
    assert_eq!(bed.collect(1)[0].datagrams, [b"still here?"]);
    assert!(bed.driver.next_closed().is_none());
}

/// Who closes a socket and then goes to sleep hears of the end all the same.
pub(crate) fn a_close_ends_though_nothing_else_happens<D: Driver>(mut bed: Bed<D>) {
    let (key, local) = bed.add(&SocketConfig::new(own_loopback(), Ports::Exact(0)));
    let deadline = bed.clock.read() + crate::bed::PATIENCE;
    bed.driver.close(key);
    bed.driver.turn(net::Wait::Until(deadline), &mut || true).unwrap();
    assert!(bed.clock.read() < deadline, "slept although a close had to be reported");
    bed.closed(key);
    UdpSocket::bind(local).unwrap();
}

pub(crate) fn a_stale_key_names_nothing<D: Driver>(mut bed: Bed<D>) {
    let (stale, _) = bed.socket();
    let (peer, peer_addr) = peer();
    bed.driver.close(stale);
    // Dead at once, before the close has ended.
    bed.send(stale, peer_addr, b"aabb", 2);
    assert_eq!(bed.counters().dropped_no_socket, 2);
    assert!(bed.driver.connect(stale, Some(peer_addr)).is_err());
    bed.driver.close(stale);
    bed.closed(stale);
    assert!(bed.driver.next_closed().is_none(), "closed once");
    // And dead for whoever has its place now.
    let (key, local) = bed.socket();
    assert_ne!(key, stale);
    bed.driver.close(stale);
    bed.send(stale, peer_addr, b"aabb", 2);
    assert_eq!(bed.counters().dropped_no_socket, 4);
    bed.send(key, peer_addr, b"alive", 5);
    assert_eq!(hear(&peer), (b"alive".to_vec(), local));
    assert_eq!(bed.counters().sent_datagrams, 1);
}

pub(crate) fn a_closed_socket_delivers_nothing_more<D: Driver>(mut bed: Bed<D>) {
    let (key, local) = bed.socket();
    let (_, other_local) = bed.socket();
    let (peer, _) = peer();
    for _ in 0..20 {
        peer.send_to(b"too late", local).unwrap();
    }
    // Known to the driver, and not yet received, when it is closed.
    bed.flush();
    bed.driver.close(key);
    peer.send_to(b"in time", other_local).unwrap();
    let got = bed.collect(1);
    assert_eq!(crate::bed::contents(got), [b"in time"]);
    bed.closed(key);
    assert!(bed.tick(UNBOUNDED).0.is_empty());
}

pub(crate) fn a_full_table_refuses_and_closes_the_socket<D: Driver>(mut bed: Bed<D>) {
    let config = SocketConfig::new(LOOPBACK, Ports::Exact(0));
    let keys: Vec<_> = (0..256).map(|_| bed.driver.add(Socket::bind(&config).unwrap()).unwrap()).collect();
    let refused = Socket::bind(&config).unwrap();
    let local = refused.local_addr();
    assert!(bed.driver.add(refused).is_err());
    UdpSocket::bind(local).unwrap();
    bed.driver.close(keys[100]);
    bed.closed(keys[100]);
    assert!(bed.driver.add(Socket::bind(&config).unwrap()).is_ok());
}

pub(crate) fn dropping_a_driver_frees_its_ports<D: Driver>(mut bed: Bed<D>) {
    let config = SocketConfig::new(own_loopback(), Ports::Exact(0));
    let (_, open) = bed.add(&config);
    let (closing, closing_addr) = bed.add(&config);
    let (peer, peer_addr) = peer();
    bed.queue(closing, peer_addr, b"last", 4);
    bed.driver.close(closing);
    let waker = bed.driver.waker();
    drop(bed);
    UdpSocket::bind(open).unwrap();
    UdpSocket::bind(closing_addr).unwrap();
    assert!(!waker.wake(), "nobody sleeps there");
    drop(peer);
}

pub(crate) fn a_connected_socket_beside_the_main_one_hears_its_peer_alone<D: Driver>(mut bed: Bed<D>) {
    let mut config = SocketConfig::new(LOOPBACK, Ports::Exact(0));
    config.share = Share::Later;
    let (main, local) = bed.add(&config);
    let ((friend, friend_addr), (stranger, stranger_addr)) = (peer(), peer());
    config.ports = Ports::Exact(local.port());
    config.share = Share::Join;
    let mut own = Socket::bind(&config).unwrap();
    own.connect(Some(friend_addr)).unwrap();
    let own = bed.driver.add(own).unwrap();
    bed.flush();
    friend.send_to(b"from the friend", local).unwrap();
    stranger.send_to(b"from a stranger", local).unwrap();
    let mut got = bed.collect(2);
    got.sort_by_key(|got| got.socket);
    let heard: Vec<_> = got.iter().map(|got| (got.socket, got.from)).collect();
    assert_eq!(heard, [(main, stranger_addr), (own, friend_addr)]);
    // Both answer from the one port.
    bed.send(own, friend_addr, b"aabb", 2);
    bed.send(main, stranger_addr, b"hello", 5);
    assert_eq!((hear(&friend), hear(&friend)), ((b"aa".to_vec(), local), (b"bb".to_vec(), local)));
    assert_eq!(hear(&stranger), (b"hello".to_vec(), local));
    // When it is gone, its peer is the main socket's again.
    bed.driver.close(own);
    bed.closed(own);
    friend.send_to(b"again", local).unwrap();
    assert_eq!(bed.collect(1)[0].socket, main);
}
