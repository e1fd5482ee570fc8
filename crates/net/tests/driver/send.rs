use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use net::{Driver, Ports, SocketConfig};

use crate::bed::{Bed, contents, hear, pattern, peer};

pub(crate) fn runs_of_every_shape_arrive_in_order<D: Driver>(mut bed: Bed<D>) {
    let (key, local) = bed.socket();
    let (peer, peer_addr) = peer();
    let shapes =
        [(1, 1), (1200, 1200), (2400, 1200), (64, 1), (5 * 1200 + 1, 1200), (160, 160), (3599, 1200)];
    let mut sent = 0;
    for (len, segment_size) in shapes {
        let bytes = pattern(len);
        bed.queue(key, peer_addr, &bytes, segment_size);
        sent += len.div_ceil(segment_size);
    }
    bed.flush();
    for (len, segment_size) in shapes {
        for expected in pattern(len).chunks(segment_size) {
            assert_eq!(hear(&peer), (expected.to_vec(), local), "run of {len} in {segment_size}");
        }
    }
    let counters = bed.counters();
    assert_eq!((counters.sent_datagrams, counters.sent_runs), (sent as u64, shapes.len() as u64));
    assert_eq!(counters.gso_disabled, 0);
}

pub(crate) fn a_wildcard_socket_answers_from_the_address_it_was_asked_on<D: Driver>(mut bed: Bed<D>) {
    let (key, local) = bed.add(&SocketConfig::new(Ipv4Addr::UNSPECIFIED.into(), Ports::Exact(0)));
    let (peer, peer_addr) = peer();
    let asked: IpAddr = "127.0.0.2".parse().unwrap();
    bed.queue_from((key, Some(asked)), peer_addr, b"lone", 4);
    bed.queue_from((key, Some(asked)), peer_addr, b"aabbc", 2);
    bed.queue_from((key, None), peer_addr, b"any", 3);
    bed.flush();
    let source = SocketAddr::new(asked, local.port());
    for expected in [&b"lone"[..], b"aa", b"bb", b"c"] {
        assert_eq!(hear(&peer), (expected.to_vec(), source));
    }
    assert_eq!(hear(&peer), (b"any".to_vec(), SocketAddr::new(peer_addr.ip(), local.port())));
}

pub(crate) fn a_connected_socket_sends_to_its_peer_until_it_is_disconnected<D: Driver>(mut bed: Bed<D>) {
    let (key, local) = bed.socket();
    let ((one, one_addr), (other, other_addr)) = (peer(), peer());
    bed.driver.connect(key, Some(one_addr)).unwrap();
    // Sizes change from run to run, and runs and lone datagrams take turns: none may inherit the other's size.
    for (len, segment_size) in
        [(300, 100), (300, 100), (50, 50), (250, 250), (400, 200), (120, 60), (500, 500)]
    {
        bed.send(key, one_addr, &pattern(len), segment_size);
        for expected in pattern(len).chunks(segment_size) {
            assert_eq!(hear(&one), (expected.to_vec(), local), "run of {len} in {segment_size}");
        }
    }
    // The kernel sorts: who is not the peer is not heard.
    other.send_to(b"stranger", local).unwrap();
    one.send_to(b"friend", local).unwrap();
    let got = bed.collect(1);
    assert_eq!((got[0].from, &got[0].datagrams[..]), (one_addr, &[b"friend".to_vec()][..]));
    bed.driver.connect(key, None).unwrap();
    bed.send(key, other_addr, b"aabb", 2);
    assert_eq!(hear(&other), (b"aa".to_vec(), local));
    assert_eq!(hear(&other), (b"bb".to_vec(), local));
    other.send_to(b"back", local).unwrap();
    assert_eq!(bed.collect(1)[0].from, other_addr);
}

pub(crate) fn a_closed_port_is_counted_and_the_socket_goes_on<D: Driver>(mut bed: Bed<D>) {
    let (key, local) = bed.socket();
    let (peer, peer_addr) = peer();
    drop(peer);
    bed.driver.connect(key, Some(peer_addr)).unwrap();
    // Each lone send provokes an ICMP error, which the next send or receive is told of.
    for _ in 0..10 {
        bed.send(key, peer_addr, b"anybody?", 8);
        bed.tick(crate::bed::UNBOUNDED);
    }
    let counters = bed.counters();
    assert!(counters.dropped_refused + counters.receive_errors >= 5, "{counters:?}");
    assert_eq!(counters.sent_datagrams + counters.dropped_refused, 10, "{counters:?}");
    assert_eq!(counters.dropped_error, 0);
    let peer = UdpSocket::bind(peer_addr).unwrap();
    peer.set_read_timeout(Some(crate::bed::PATIENCE)).unwrap();
    // The error of the last send may still be pending: it costs one datagram at most.
    bed.send(key, peer_addr, b"back?", 5);
    bed.send(key, peer_addr, b"back!", 5);
    let heard = hear(&peer);
    assert!(heard == (b"back?".to_vec(), local) || heard == (b"back!".to_vec(), local), "{heard:?}");
    peer.send_to(b"here", local).unwrap();
    assert_eq!(bed.collect(1)[0].datagrams, [b"here"]);
}

pub(crate) fn a_peer_of_the_wrong_family_is_a_counted_drop<D: Driver>(mut bed: Bed<D>) {
    let (key, _) = bed.socket();
    bed.send(key, "[2001:db8::1]:9".parse().unwrap(), &pattern(30), 10);
    let counters = bed.counters();
    assert_eq!((counters.dropped_error, counters.sent_datagrams), (3, 0));
}

/// For who sends in another way than by `send`.
pub(crate) fn what_is_reserved_and_not_sent_can_be_had_again<D: Driver>(mut bed: Bed<D>) {
    let (socket, _) = bed.socket();
    let (_peer, peer_addr) = peer();
    // As many runs wait as there may be, and more.
    for round in 0..300_u16 {
        let bytes = crate::bed::pattern(1000 + usize::from(round % 7));
        bed.driver.reserve(bytes.len()).copy_from_slice(&bytes);
        assert_eq!(bed.driver.reserve(bytes.len()), bytes);
        bed.queue(socket, peer_addr, b"in between", 10);
    }
}

pub(crate) fn what_is_reserved_and_not_sent_is_not_sent<D: Driver>(mut bed: Bed<D>) {
    let (key, _) = bed.socket();
    let (peer, peer_addr) = peer();
    for _ in 0..1000 {
        assert_eq!(bed.driver.reserve(net::driver::MAX_RUN_BYTES).len(), net::driver::MAX_RUN_BYTES);
    }
    bed.driver.reserve(100).fill(1);
    bed.send(key, peer_addr, b"only this", 9);
    assert_eq!(hear(&peer).0, b"only this");
    // A run may be shorter than what was reserved for it.
    bed.driver.reserve(100)[..4].copy_from_slice(b"tiny");
    bed.driver.send(net::Transmit { socket: key, to: peer_addr, from: None, len: 4, segment_size: 4 });
    bed.flush();
    assert_eq!(hear(&peer).0, b"tiny");
    assert_eq!(bed.counters().sent_datagrams, 2);
}

pub(crate) fn the_largest_run_goes_out_as_one<D: Driver>(mut bed: Bed<D>) {
    let (from, _) = bed.socket();
    let (_, to_addr) = bed.socket();
    let segment_size = 1024;
    let bytes = pattern(net::driver::MAX_RUN_BYTES.min(net::driver::MAX_RUN_SEGMENTS * segment_size));
    bed.send(from, to_addr, &bytes, segment_size);
    assert_eq!(contents(bed.collect(64)).concat(), bytes);
    assert_eq!(bed.counters().sent_runs, 1);
}

pub(crate) fn a_run_that_cannot_be_is_a_counted_drop<D: Driver>(mut bed: Bed<D>) {
    let (key, _) = bed.socket();
    let (peer, peer_addr) = peer();
    let run = |len, segment_size| net::Transmit { socket: key, to: peer_addr, from: None, len, segment_size };
    bed.driver.reserve(10).fill(1);
    bed.driver.send(run(20, 5));
    assert_eq!((bed.counters().dropped_error, bed.counters().sent_datagrams), (4, 0), "longer than reserved");
    bed.driver.reserve(10).fill(1);
    bed.driver.send(run(10, 0));
    bed.flush();
    assert_eq!((bed.counters().dropped_error, bed.counters().sent_datagrams), (14, 0), "cut into nothings");
    bed.send(key, peer_addr, b"sound", 5);
    assert_eq!(hear(&peer).0, b"sound");
}
