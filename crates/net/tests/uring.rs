//! What io_uring adds to the rules that all drivers keep (`driver.rs` has those): requests that live in the
//! kernel between turns, buffers that are shared, and a completion queue that can run over.

#![expect(clippy::unwrap_used, reason = "what fails to be set up fails the test")]

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use net::uring::{UringConfig, UringDriver};
use net::{Clock, Driver, Ports, ReceiveBudget, Received, Socket, SocketConfig, SocketKey, Transmit, Wait};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const UNBOUNDED: ReceiveBudget = ReceiveBudget { total: usize::MAX, per_socket: usize::MAX };

fn small() -> UringConfig {
    UringConfig { sockets: 8, buffers: 8, batch: 8, ..UringConfig::default() }
}

fn add(driver: &mut UringDriver) -> (SocketKey, SocketAddr) {
    add_on(driver, Ports::Exact(0))
}

fn add_on(driver: &mut UringDriver, ports: Ports) -> (SocketKey, SocketAddr) {
    let socket = Socket::bind(&SocketConfig::new(own_loopback(), ports)).unwrap();
    let local = socket.local_addr();
    (driver.add(socket).unwrap(), local)
}

/// A loopback address that the tests of other processes do not use: a port that is freed there is not taken by
/// one of them before it can be bound again.
fn own_loopback() -> IpAddr {
    let [_, b, c, d] = std::process::id().to_be_bytes();
    IpAddr::from([127, 64 | b, c, d])
}

/// A plain socket to talk to the driver with.
fn peer() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind((LOOPBACK, 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let local = socket.local_addr().unwrap();
    (socket, local)
}

fn poll(driver: &mut UringDriver) {
    driver.turn(Wait::Poll, &mut || true).unwrap();
}

/// Turns until `count` datagrams have come, waiting in between; which socket each came in on.
fn receive(driver: &mut UringDriver, count: usize, budget: ReceiveBudget) -> Vec<(SocketKey, Vec<u8>)> {
    let mut clock = Clock::start();
    let deadline = clock.read() + Duration::from_secs(5);
    let mut got = Vec::new();
    while got.len() < count {
        assert!(clock.read() < deadline, "{} of {count} datagrams; {:?}", got.len(), driver.counters());
        driver.turn(Wait::Until(deadline), &mut || true).unwrap();
        driver.receive(clock.read(), budget, &mut |batch| {
            got.extend(batch.datagrams().map(|datagram| (batch.socket, datagram.to_vec())));
        });
    }
    got
}

fn send(driver: &mut UringDriver, socket: SocketKey, to: SocketAddr, bytes: &[u8], segment_size: usize) {
    driver.reserve(bytes.len()).copy_from_slice(bytes);
    driver.send(Transmit { socket, to, from: None, len: bytes.len(), segment_size });
}

#[test]
fn datagrams_come_in_and_go_out() {
    let mut driver = UringDriver::new(small()).unwrap();
    let (key, local) = add(&mut driver);
    let (peer, peer_addr) = peer();
    poll(&mut driver);
    peer.send_to(b"ping", local).unwrap();
    assert_eq!(receive(&mut driver, 1, UNBOUNDED), [(key, b"ping".to_vec())]);
    send(&mut driver, key, peer_addr, b"pong", 4);
    send(&mut driver, key, peer_addr, b"aaabbbc", 3);
    poll(&mut driver);
    for expected in [&b"pong"[..], b"aaa", b"bbb", b"c"] {
        let mut buffer = [0; 16];
        let (len, from) = peer.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..len], from), (expected, local));
    }
    let counters = driver.counters();
    assert_eq!((counters.sent_datagrams, counters.sent_runs, counters.sent_bytes), (4, 2, 11));
}

#[test]
fn starved_receives_are_armed_again_and_lose_nothing() {
    let mut driver = UringDriver::new(UringConfig { buffers: 2, ..small() }).unwrap();
    let sockets: Vec<_> = (0..4).map(|_| add(&mut driver)).collect();
    let (peer, _) = peer();
    poll(&mut driver);
    for round in 0..5_u8 {
        for (_, local) in &sockets {
            peer.send_to(&[round], local).unwrap();
        }
    }
    let mut per_socket: HashMap<SocketKey, Vec<u8>> = HashMap::new();
    for (key, datagram) in receive(&mut driver, 20, UNBOUNDED) {
        per_socket.entry(key).or_default().extend(datagram);
    }
    for (key, _) in sockets {
        assert_eq!(per_socket[&key], [0, 1, 2, 3, 4]);
    }
    assert!(driver.counters().receive_starved > 0, "the test must starve it: {:?}", driver.counters());
}

#[test]
fn a_turn_ends_while_more_sockets_than_fit_a_batch_find_no_buffer() {
    let config = UringConfig { batch: 4, buffers: 2, sockets: 64, ..small() };
    let mut driver = UringDriver::new(config).unwrap();
    let sockets: Vec<_> = (0..32).map(|_| add(&mut driver)).collect();
    let (peer, _) = peer();
    for round in 0..3_u8 {
        for (_, local) in &sockets {
            peer.send_to(&[round], local).unwrap();
        }
    }
    // Nobody takes what the first turn finds, so that every receive of the later ones ends at once.
    for _ in 0..3 {
        poll(&mut driver);
    }
    let mut per_socket: HashMap<SocketKey, Vec<u8>> = HashMap::new();
    for (key, datagram) in receive(&mut driver, 96, UNBOUNDED) {
        per_socket.entry(key).or_default().extend(datagram);
    }
    for (key, _) in sockets {
        assert_eq!(per_socket[&key], [0, 1, 2]);
    }
}

#[test]
fn an_overrun_completion_queue_loses_nothing() {
    // Eight buffers and a completion queue of two.
    let config = UringConfig { batch: 2, completions: Some(2), ..small() };
    let mut driver = UringDriver::new(config).unwrap();
    let sockets: Vec<_> = (0..4).map(|_| add(&mut driver)).collect();
    let (peer, _) = peer();
    poll(&mut driver);
    for round in 0..20_u8 {
        for (_, local) in &sockets {
            peer.send_to(&[round], local).unwrap();
        }
    }
    let mut per_socket: HashMap<SocketKey, Vec<u8>> = HashMap::new();
    for (key, datagram) in receive(&mut driver, 80, UNBOUNDED) {
        per_socket.entry(key).or_default().extend(datagram);
    }
    for (key, _) in sockets {
        assert_eq!(per_socket[&key], (0..20).collect::<Vec<_>>());
    }
}

#[test]
fn an_empty_datagram_ends_a_receive_but_not_receiving() {
    let mut driver = UringDriver::new(small()).unwrap();
    let (key, local) = add(&mut driver);
    let (peer, _) = peer();
    poll(&mut driver);
    for _ in 0..20 {
        peer.send_to(b"", local).unwrap();
    }
    peer.send_to(b"after", local).unwrap();
    assert_eq!(receive(&mut driver, 1, UNBOUNDED), [(key, b"after".to_vec())]);
}

#[test]
fn an_icmp_error_ends_a_receive_but_not_receiving() {
    let mut driver = UringDriver::new(small()).unwrap();
    let (key, local) = add(&mut driver);
    let (gone, gone_addr) = peer();
    drop(gone);
    driver.connect(key, Some(gone_addr)).unwrap();
    send(&mut driver, key, gone_addr, b"anybody?", 8);
    poll(&mut driver);
    poll(&mut driver);
    assert_eq!(driver.counters().receive_errors, 1, "{:?}", driver.counters());
    let back = UdpSocket::bind(gone_addr).unwrap();
    back.send_to(b"here again", local).unwrap();
    assert_eq!(receive(&mut driver, 1, UNBOUNDED), [(key, b"here again".to_vec())]);
}

#[test]
fn a_receive_that_ends_while_others_are_submitted_is_submitted_before_the_wait() {
    // Every submission is a batch of its own, so that what comes of it is known before the next.
    let mut driver = UringDriver::new(UringConfig { batch: 1, ..small() }).unwrap();
    let (gone, gone_addr) = peer();
    drop(gone);
    let mut socket = Socket::bind(&SocketConfig::new(own_loopback(), Ports::Exact(0))).unwrap();
    let local = socket.local_addr();
    socket.connect(Some(gone_addr)).unwrap();
    // The socket has an error to report to its first receive.
    UdpSocket::from(socket.as_fd().try_clone_to_owned().unwrap()).send(b"anybody?").unwrap();
    let key = driver.add(socket).unwrap();
    add(&mut driver);
    let back = UdpSocket::bind(gone_addr).unwrap();
    let mut clock = Clock::start();
    let deadline = clock.read() + Duration::from_secs(5);
    driver
        .turn(Wait::Until(deadline), &mut || {
            back.send_to(b"here again", local).unwrap();
            true
        })
        .unwrap();
    assert!(clock.read() < deadline, "waited without a receive: {:?}", driver.counters());
    assert_eq!(driver.counters().receive_errors, 1, "the error was there to report");
    back.send_to(b"here again", local).unwrap();
    assert_eq!(receive(&mut driver, 1, UNBOUNDED)[0], (key, b"here again".to_vec()));
}

#[test]
fn a_flooded_socket_keeps_its_order_and_its_place() {
    let mut driver = UringDriver::new(small()).unwrap();
    let (flooded, flooded_addr) = add(&mut driver);
    let (quiet, quiet_addr) = add(&mut driver);
    let (peer, _) = peer();
    poll(&mut driver);
    for n in 0..100_u8 {
        peer.send_to(&[n], flooded_addr).unwrap();
    }
    peer.send_to(b"quiet", quiet_addr).unwrap();
    let mut clock = Clock::start();
    let mut flood = Vec::new();
    let mut quiet_in_round = None;
    for round in 0..200 {
        poll(&mut driver);
        let mut of_flooded = 0;
        let left = driver.receive(clock.read(), ReceiveBudget { total: 100, per_socket: 3 }, &mut |batch| {
            if batch.socket == quiet {
                quiet_in_round = Some(round);
            } else {
                assert_eq!(batch.socket, flooded);
                of_flooded += 1;
                flood.extend_from_slice(batch.bytes);
            }
        });
        assert!(of_flooded <= 3, "{of_flooded} datagrams in one call");
        assert!(
            left == Received::Drained || of_flooded == 3,
            "something left although the budget was not spent"
        );
    }
    assert_eq!(flood, (0..100).collect::<Vec<_>>());
    // Eight buffers, three a round: by then the flood has let go of them.
    assert!(quiet_in_round.is_some_and(|round| round <= 4), "{quiet_in_round:?}");
}

#[test]
fn a_closed_port_can_be_bound_as_soon_as_its_close_is_reported() {
    let mut driver = UringDriver::new(small()).unwrap();
    let (mut key, local) = add(&mut driver);
    let mut never = 0;
    for round in 0..1000 {
        if round % 3 > 0 {
            poll(&mut driver);
        }
        driver.close(key);
        while driver.next_closed().is_none() {
            driver.turn(Wait::Until(wire::Mono::NEVER), &mut || true).unwrap();
            never += 1;
            assert!(never < 100_000);
        }
        key = add_on(&mut driver, Ports::Exact(local.port())).0;
    }
}

/// Before Linux 6.13 this is what registered files would not do.
#[test]
fn a_closed_port_is_free_whatever_other_receives_stay_in_the_kernel() {
    let mut driver = UringDriver::new(small()).unwrap();
    let (_older, _) = add(&mut driver);
    poll(&mut driver);
    let (key, local) = add(&mut driver);
    poll(&mut driver);
    let (_younger, _) = add(&mut driver);
    poll(&mut driver);
    driver.close(key);
    let deadline = Clock::start().read() + Duration::from_secs(5);
    while driver.next_closed().is_none() {
        assert!(Clock::start().read() < deadline, "never closed");
        driver.turn(Wait::Until(deadline), &mut || true).unwrap();
    }
    UdpSocket::bind(local).unwrap();
}

#[test]
fn dropping_a_driver_frees_its_ports_at_once() {
    let mut driver = UringDriver::new(small()).unwrap();
    let addrs: Vec<_> = (0..8).map(|_| add(&mut driver).1).collect();
    let (peer, _) = peer();
    poll(&mut driver);
    for addr in &addrs {
        peer.send_to(b"in flight", addr).unwrap();
    }
    drop(driver);
    for addr in addrs {
        UdpSocket::bind(addr).unwrap();
    }
}

#[test]
fn a_full_table_is_an_error_and_its_room_comes_back() {
    let mut driver = UringDriver::new(UringConfig { sockets: 1, ..small() }).unwrap();
    let (key, _) = add(&mut driver);
    let socket = Socket::bind(&SocketConfig::new(LOOPBACK, Ports::Exact(0))).unwrap();
    assert!(driver.add(socket).unwrap_err().to_string().contains("full"));
    driver.close(key);
    poll(&mut driver);
    poll(&mut driver);
    assert_eq!(driver.next_closed(), Some(key));
    let (again, _) = add(&mut driver);
    assert_ne!(again, key);
}

#[test]
fn a_slot_is_as_its_latest_run_needs_it() {
    // One slot, which every run uses; a wildcard socket, so that runs may name their source.
    let mut driver = UringDriver::new(UringConfig { batch: 1, ..small() }).unwrap();
    let any = SocketConfig::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), Ports::Exact(0));
    let key = driver.add(Socket::bind(&any).unwrap()).unwrap();
    let (peer, to) = peer();
    let sources = [None, Some("127.0.0.2"), Some("127.0.0.3"), None];
    let mut buffer = [0; 64];
    for (segment_size, source) in
        [3, 5, 5, 30, 4].into_iter().flat_map(|size| sources.map(|from| (size, from)))
    {
        let from: Option<IpAddr> = source.map(|ip| ip.parse().unwrap());
        driver.reserve(12).copy_from_slice(b"abcdefghijkl");
        driver.send(Transmit { socket: key, to, from, len: 12, segment_size: segment_size.min(12) });
        poll(&mut driver);
        for expected in b"abcdefghijkl".chunks(segment_size) {
            let (len, heard_from) = peer.recv_from(&mut buffer).unwrap();
            assert_eq!((&buffer[..len], heard_from.ip()), (expected, from.unwrap_or(LOOPBACK)));
        }
    }
}

#[test]
fn a_flood_leaves_buffers_for_the_others() {
    let mut driver = UringDriver::new(UringConfig::default()).unwrap();
    let mut config = SocketConfig::new(LOOPBACK, Ports::Exact(0));
    config.receive_buffer_bytes = Some(4 << 20);
    let socket = Socket::bind(&config).unwrap();
    let flooded_addr = socket.local_addr();
    let flooded = driver.add(socket).unwrap();
    let others: Vec<_> = (0..50).map(|_| add(&mut driver)).collect();
    poll(&mut driver);
    let (peer, _) = peer();
    // Several times the buffers, as far as the system lets a socket hold them.
    for _ in 0..1000 {
        peer.send_to(b"flood", flooded_addr).unwrap();
    }
    for (_, local) in &others {
        peer.send_to(b"quiet", local).unwrap();
    }
    let mut heard = 0;
    while heard < others.len() {
        let budget = ReceiveBudget { total: 100, per_socket: 1 };
        heard += receive(&mut driver, 1, budget).iter().filter(|(key, _)| *key != flooded).count();
    }
    assert_eq!(driver.counters().receive_starved, 0);
}

#[test]
fn a_flood_at_full_rate_costs_the_others_nothing() {
    let mut driver = UringDriver::new(UringConfig { sockets: 200, ..UringConfig::default() }).unwrap();
    let (flooded, flooded_addr) = add(&mut driver);
    let others: Vec<_> = (1..200).map(|_| add(&mut driver)).collect();
    poll(&mut driver);
    let stop = AtomicBool::new(false);
    let (source, _) = peer();
    let mut heard: HashMap<SocketKey, Vec<u8>> = HashMap::new();
    let mut of_flooded = 0_u64;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (flooder, _) = peer();
            while !stop.load(Ordering::Relaxed) {
                flooder.send_to(&[0; 100], flooded_addr).unwrap();
            }
        });
        let mut clock = Clock::start();
        let mut tick = |driver: &mut UringDriver| {
            poll(driver);
            let mut of_others = 0;
            driver.receive(clock.read(), ReceiveBudget { total: 512, per_socket: 16 }, &mut |batch| {
                if batch.socket == flooded {
                    of_flooded += 1;
                } else {
                    of_others += 1;
                    heard.entry(batch.socket).or_default().extend_from_slice(batch.bytes);
                }
            });
            of_others
        };
        for round in 0..20 {
            for (_, addr) in &others {
                source.send_to(&[round], addr).unwrap();
            }
            let mut left = others.len();
            let deadline = std::time::Instant::now() + Duration::from_secs(60);
            while left > 0 && std::time::Instant::now() < deadline {
                left -= tick(&mut driver);
            }
            if left > 0 {
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    for (key, _) in others {
        assert_eq!(heard[&key], (0..20).collect::<Vec<_>>(), "{:?}", driver.counters());
    }
    assert!(of_flooded > 0, "the flooded one is not shut out either");
}

#[test]
fn a_run_that_the_path_refuses_goes_out_singly_in_the_same_turn() {
    let mut driver = UringDriver::new(small()).unwrap();
    let (key, _) = add(&mut driver);
    let (peer, peer_addr) = peer();
    // More segments than any kernel takes in one run.
    let run: Vec<u8> = (0..200).collect();
    send(&mut driver, key, peer_addr, &run, 1);
    poll(&mut driver);
    let mut buffer = [0; 16];
    let got: Vec<u8> = (0..200).map(|_| peer.recv(&mut buffer).map(|_| buffer[0]).unwrap()).collect();
    assert_eq!(got, run);
    assert_eq!(driver.counters().sent_datagrams, 200);
}

#[test]
fn a_panic_in_the_sink_costs_no_buffer() {
    let mut driver = UringDriver::new(small()).unwrap();
    let (key, local) = add(&mut driver);
    let (peer, _) = peer();
    poll(&mut driver);
    for n in 0..20_u8 {
        peer.send_to(&[n], local).unwrap();
        poll(&mut driver);
        let now = Clock::start().read();
        let receive = || driver.receive(now, UNBOUNDED, &mut |_| panic!("the shard fell over"));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(receive)).is_err());
    }
    peer.send_to(b"on", local).unwrap();
    assert_eq!(receive(&mut driver, 1, UNBOUNDED), [(key, b"on".to_vec())]);
}

#[test]
#[expect(unsafe_code, reason = "signals")]
fn signals_end_waits_and_nothing_else() {
    extern "C" fn nothing(_signal: i32) {}
    let handler: extern "C" fn(i32) = nothing;
    // SAFETY: a handler that does nothing may run anywhere.
    unsafe { libc::signal(libc::SIGUSR1, handler as libc::sighandler_t) };
    // SAFETY: takes nothing and always works.
    let this_thread = unsafe { libc::pthread_self() };
    let stop = AtomicBool::new(false);
    let mut driver = UringDriver::new(small()).unwrap();
    let (_, local) = add(&mut driver);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                // SAFETY: the scope outlives neither the thread nor its id.
                unsafe { libc::pthread_kill(this_thread, libc::SIGUSR1) };
                std::thread::yield_now();
            }
        });
        // Nothing else ends these.
        for _ in 0..10 {
            driver.turn(Wait::Until(wire::Mono::NEVER), &mut || true).unwrap();
        }
        let (peer, _) = peer();
        for n in 0..200_u8 {
            peer.send_to(&[n], local).unwrap();
            let got = receive(&mut driver, 1, UNBOUNDED);
            assert_eq!(got[0].1, [n]);
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn waits_end_by_wakers_and_by_time() {
    let mut driver = UringDriver::new(small()).unwrap();
    for _ in 0..3 {
        let waker = driver.waker();
        let mut thread = None;
        driver
            .turn(Wait::Until(wire::Mono::NEVER), &mut || {
                let waker = waker.clone();
                thread = Some(std::thread::spawn(move || waker.wake()));
                true
            })
            .unwrap();
        assert!(thread.unwrap().join().unwrap());
    }
    let mut clock = Clock::start();
    let soon = clock.read() + Duration::from_millis(2);
    while clock.read() < soon {
        driver.turn(Wait::Until(soon), &mut || true).unwrap();
    }
    driver.turn(Wait::Until(wire::Mono::NEVER), &mut || false).unwrap();
}
