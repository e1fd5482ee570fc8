use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use net::{Driver, Ports, ReceiveBudget, Received, SocketConfig};

use crate::bed::{Bed, LOOPBACK, UNBOUNDED, contents, datagrams, hear, pattern, peer, peer_on};

pub(crate) fn a_datagram_arrives_whole_with_its_peer<D: Driver>(mut bed: Bed<D>) {
    let (key, local) = bed.socket();
    let (peer, peer_addr) = peer();
    peer.send_to(b"ping", local).unwrap();
    let got = bed.collect(1);
    assert_eq!((got[0].socket, got[0].from, got[0].to), (key, peer_addr, None));
    assert_eq!(got[0].datagrams, [b"ping"]);
    bed.send(key, peer_addr, b"pong", 4);
    assert_eq!(hear(&peer), (b"pong".to_vec(), local));
    let counters = bed.counters();
    assert_eq!((counters.received_datagrams, counters.received_bytes, counters.received_batches), (1, 4, 1));
    assert_eq!((counters.sent_datagrams, counters.sent_bytes, counters.sent_runs), (1, 4, 1));
}

/// The time of a datagram is when the kernel received it, not when the shard looked. The kernel starts stamping
/// some milliseconds after the machine's first socket asked for it, and until then stamps late; hence the rounds.
pub(crate) fn a_datagram_bears_the_time_of_its_arrival<D: Driver>(mut bed: Bed<D>) {
    let (_, local) = bed.socket();
    let (peer, _) = peer();
    // For the two clocks, which are compared only now and then.
    let slack = Duration::from_micros(200);
    let is_exact = (0..500).any(|_| {
        let before = bed.clock.read();
        peer.send_to(b"ping", local).unwrap();
        let after = bed.clock.read();
        while bed.clock.read().since(after) < Duration::from_millis(2) {
            core::hint::spin_loop();
        }
        let received = bed.collect(1)[0].received;
        // Somebody may set the wall clock meanwhile, and the machine keep us waiting between two looks at the clocks.
        received + slack >= before && received <= bed.clock.now() && received <= after + slack
    });
    assert!(is_exact, "no receive time was the kernel's");
}

pub(crate) fn a_train_is_split_where_its_sender_split_it<D: Driver>(mut bed: Bed<D>) {
    let (from, from_addr) = bed.socket();
    let (to, to_addr) = bed.socket();
    let bytes = pattern(10 * 300 + 70);
    bed.send(from, to_addr, &bytes, 300);
    let got = bed.collect(11);
    assert_eq!(got.len(), 1, "loopback carries a run whole to a socket with GRO");
    assert_eq!((got[0].socket, got[0].from), (to, from_addr));
    assert_eq!(got[0].datagrams, bytes.chunks(300).collect::<Vec<_>>());
    assert_eq!((bed.counters().received_datagrams, bed.counters().received_batches), (11, 1));
}

pub(crate) fn a_socket_without_gro_hears_the_same<D: Driver>(mut bed: Bed<D>) {
    let (from, _) = bed.socket();
    let mut config = SocketConfig::new(LOOPBACK, Ports::Exact(0));
    config.gro = false;
    let (_, to_addr) = bed.add(&config);
    let bytes = pattern(10 * 300 + 70);
    bed.send(from, to_addr, &bytes, 300);
    let got = bed.collect(11);
    assert_eq!(got.len(), 11);
    assert_eq!(contents(got), bytes.chunks(300).collect::<Vec<_>>());
}

pub(crate) fn a_wildcard_socket_says_where_a_datagram_was_sent_to<D: Driver>(mut bed: Bed<D>) {
    let (_, local) = bed.add(&SocketConfig::new(Ipv4Addr::UNSPECIFIED.into(), Ports::Exact(0)));
    let (peer, _) = peer();
    for ip in ["127.0.0.2", "127.9.8.7"] {
        let ip: IpAddr = ip.parse().unwrap();
        peer.send_to(b"ping", (ip, local.port())).unwrap();
        assert_eq!(bed.collect(1)[0].to, Some(ip));
    }
}

pub(crate) fn an_empty_datagram_is_counted_and_harms_nobody<D: Driver>(mut bed: Bed<D>) {
    let (_, local) = bed.socket();
    let (peer, _) = peer();
    peer.send_to(b"", local).unwrap();
    peer.send_to(b"after", local).unwrap();
    assert_eq!(contents(bed.collect(1)), [b"after"]);
    assert_eq!(bed.counters().received_datagrams, 2);
}

/// Anybody can send them, and they cost next to nothing: a driver that took one a tick would be kept from the rest.
pub(crate) fn empty_datagrams_hold_nobody_up<D: Driver>(mut bed: Bed<D>) {
    let (_, local) = bed.socket();
    let (peer, _) = peer();
    for n in 0..60_u8 {
        peer.send_to(b"", local).unwrap();
        peer.send_to(&[n], local).unwrap();
    }
    let mut heard = Vec::new();
    for _ in 0..8 {
        heard.extend(contents(bed.tick(UNBOUNDED).0).concat());
    }
    assert_eq!(heard, (0..60).collect::<Vec<_>>());
}

pub(crate) fn ipv6_peers_are_heard_and_answered<D: Driver>(mut bed: Bed<D>) {
    let localhost = IpAddr::V6(Ipv6Addr::LOCALHOST);
    if UdpSocket::bind((localhost, 0)).is_err() {
        eprintln!("skipped: this machine has no IPv6");
        return;
    }
    let (key, local) = bed.add(&SocketConfig::new(localhost, Ports::Exact(0)));
    let (peer, peer_addr) = peer_on(localhost);
    peer.send_to(b"ping", local).unwrap();
    assert_eq!(bed.collect(1)[0].from, peer_addr);
    bed.send(key, peer_addr, b"aaabbbc", 3);
    for expected in [&b"aaa"[..], b"bbb", b"c"] {
        assert_eq!(hear(&peer), (expected.to_vec(), local));
    }
}

pub(crate) fn a_dual_stack_socket_knows_ipv4_peers_by_their_ipv4_address<D: Driver>(mut bed: Bed<D>) {
    let any = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    if UdpSocket::bind((any, 0)).is_err() {
        eprintln!("skipped: this machine has no IPv6");
        return;
    }
    let (key, local) = bed.add(&SocketConfig::new(any, Ports::Exact(0)));
    let (peer, peer_addr) = peer();
    let asked: IpAddr = "127.0.0.3".parse().unwrap();
    peer.send_to(b"ping", (asked, local.port())).unwrap();
    let got = bed.collect(1);
    assert_eq!((got[0].from, got[0].to), (peer_addr, Some(asked)));
    bed.queue_from((key, Some(asked)), peer_addr, b"aaabb", 3);
    bed.flush();
    assert_eq!(hear(&peer), (b"aaa".to_vec(), SocketAddr::new(asked, local.port())));
    assert_eq!(hear(&peer), (b"bb".to_vec(), SocketAddr::new(asked, local.port())));
}

pub(crate) fn the_budget_of_a_tick_is_kept_and_nothing_is_lost<D: Driver>(mut bed: Bed<D>) {
    let (first, first_addr) = bed.socket();
    let (_, second_addr) = bed.socket();
    let (peer, _) = peer();
    for n in 0..40_u8 {
        peer.send_to(&[n], first_addr).unwrap();
        peer.send_to(&[n], second_addr).unwrap();
    }
    let budget = ReceiveBudget { total: 12, per_socket: 8 };
    let mut all = Vec::new();
    let mut more = 0;
    while datagrams(&all) < 80 {
        let (got, received) = bed.tick(budget);
        assert!(datagrams(&got) <= 12, "{} in one tick", datagrams(&got));
        let of_first = got.iter().filter(|got| got.socket == first).count();
        assert!(of_first <= 8 && got.len() - of_first <= 8, "{of_first} of {}", got.len());
        more += usize::from(received == Received::More);
        all.extend(got);
        assert!(all.len() == 80 || more > 0);
    }
    assert!(more >= 80 / 12, "what is left behind is said to be");
    let (of_first, of_second): (Vec<_>, Vec<_>) = all.into_iter().partition(|got| got.socket == first);
    let expected: Vec<Vec<u8>> = (0..40).map(|n| vec![n]).collect();
    assert_eq!((contents(of_first), contents(of_second)), (expected.clone(), expected));
    assert!(bed.tick(UNBOUNDED).0.is_empty());
}

/// A wildcard socket that is disconnected hears every family and address again, or says that it cannot.
pub(crate) fn a_disconnected_wildcard_socket_hears_everybody_again<D: Driver>(mut bed: Bed<D>) {
    let (key, local) = bed.add(&SocketConfig::new(Ipv4Addr::UNSPECIFIED.into(), Ports::Exact(0)));
    let ((one, one_addr), (other, other_addr)) = (peer(), peer_on("127.0.0.7".parse().unwrap()));
    bed.driver.connect(key, Some(one_addr)).unwrap();
    bed.driver.connect(key, None).unwrap();
    for (peer, peer_addr, ip) in [(&one, one_addr, "127.0.0.9"), (&other, other_addr, "127.0.0.1")] {
        let ip: IpAddr = ip.parse().unwrap();
        peer.send_to(b"ping", (ip, local.port())).unwrap();
        let got = bed.collect(1);
        assert_eq!((got[0].from, got[0].to), (peer_addr, Some(ip)));
    }
}

pub(crate) fn an_ipv6_socket_can_change_its_peer_but_not_lose_it<D: Driver>(mut bed: Bed<D>) {
    let any = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    if UdpSocket::bind((any, 0)).is_err() {
        eprintln!("skipped: this machine has no IPv6");
        return;
    }
    let (key, local) = bed.add(&SocketConfig::new(any, Ports::Exact(0)));
    assert!(bed.driver.connect(key, None).is_ok(), "nothing to undo");
    let ((one, one_addr), (other, other_addr)) = (peer_on(LOCALHOST_V6), peer_on(LOCALHOST_V6));
    bed.driver.connect(key, Some(one_addr)).unwrap();
    let refusal = bed.driver.connect(key, None).unwrap_err();
    assert_eq!(refusal.kind(), std::io::ErrorKind::Unsupported, "{refusal}");
    // It stays as it was.
    bed.send(key, one_addr, b"aabb", 2);
    assert_eq!((hear(&one).0, hear(&one).0), (b"aa".to_vec(), b"bb".to_vec()));
    bed.driver.connect(key, Some(other_addr)).unwrap();
    one.send_to(b"stranger", (LOCALHOST_V6, local.port())).unwrap();
    other.send_to(b"ping", (LOCALHOST_V6, local.port())).unwrap();
    assert_eq!(bed.collect(1)[0].from, other_addr);
}

const LOCALHOST_V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
