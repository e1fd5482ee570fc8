//! Where io_uring is refused by a real seccomp filter, `auto` runs on epoll and says why in one line.

#![expect(clippy::unwrap_used, reason = "what fails to be set up fails the test")]

mod seccomp;

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::time::Duration;

use net::probe::{AnyDriver, Chosen, Host, HostChoice, Needs, Refusal, choose};
use net::{Clock, Driver, Ports, ReceiveBudget, Socket, SocketConfig, Transmit, Wait};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const NEEDS: Needs = Needs { shards: 1, sockets: 16 };

/// On a thread of its own, since a filter stays for as long as its thread.
fn refused_with<T: Send + 'static>(errno: i32, then: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::spawn(move || {
        seccomp::refuse(&seccomp::URING_CALLS, errno);
        then()
    });
    thread.join().unwrap()
}

/// A datagram in, three out to a plain socket, a hundred times over.
fn forward(chosen: &Chosen) {
    let mut driver = AnyDriver::new(chosen).unwrap();
    let socket = Socket::bind(&SocketConfig::new(LOOPBACK, Ports::Exact(0))).unwrap();
    let local = socket.local_addr();
    let key = driver.add(socket).unwrap();
    let peer = UdpSocket::bind((LOOPBACK, 0)).unwrap();
    peer.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let to = peer.local_addr().unwrap();
    let mut clock = Clock::start();
    for n in 0..100_u8 {
        peer.send_to(&[n; 50], local).unwrap();
        let mut arrived = Vec::new();
        while arrived.is_empty() {
            let deadline = clock.read() + Duration::from_secs(5);
            driver.turn(Wait::Until(deadline), &mut || true).unwrap();
            let budget = ReceiveBudget { total: 100, per_socket: 100 };
            driver.receive(clock.read(), budget, &mut |batch| arrived.extend_from_slice(batch.bytes));
            assert!(clock.now() < deadline, "nothing arrived");
        }
        assert_eq!(arrived, [n; 50]);
        driver.reserve(150).fill(n);
        driver.send(Transmit { socket: key, to, from: None, len: 150, segment_size: 50 });
        driver.turn(Wait::Poll, &mut || true).unwrap();
        for _ in 0..3 {
            let mut buffer = [0; 100];
            let len = peer.recv(&mut buffer).unwrap();
            assert_eq!(buffer[..len], [n; 50]);
        }
    }
}

#[test]
fn refused_by_a_filter_auto_forwards_on_epoll_and_says_why() {
    refused_with(libc::EPERM, || {
        let chosen = choose(HostChoice::Auto, NEEDS).unwrap();
        assert_eq!(chosen.host, Host::Epoll);
        let lines: Vec<String> = chosen.decisions.iter().map(ToString::to_string).collect();
        let about: Vec<&String> = lines.iter().filter(|line| line.contains("io_uring")).collect();
        let [line] = about[..] else { panic!("one line about io_uring, not {about:?}") };
        assert!(line.starts_with("I/O driver: epoll, because io_uring is refused"), "{line}");
        assert!(line.contains("seccomp") && line.contains("not permitted"), "{line}");
        forward(&chosen);
    });
}

#[test]
fn hidden_by_a_filter_it_is_reported_as_absent() {
    let refusal = refused_with(libc::ENOSYS, || choose(HostChoice::Uring, NEEDS).unwrap_err());
    assert!(matches!(refusal, Refusal::Absent { .. }), "{refusal}");
}

#[test]
fn asked_for_by_name_it_is_not_replaced_silently() {
    let refusal = refused_with(libc::EPERM, || choose(HostChoice::Uring, NEEDS).unwrap_err());
    assert!(matches!(refusal, Refusal::Forbidden { .. }), "{refusal}");
}

#[test]
fn whatever_is_chosen_here_forwards() {
    let chosen = choose(HostChoice::Auto, NEEDS).unwrap();
    assert_eq!(AnyDriver::new(&chosen).unwrap().name(), chosen.host.name());
    forward(&chosen);
}
