use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn bind(ip: IpAddr, ports: Ports) -> Result<Socket, SocketError> {
    Socket::bind(&SocketConfig::new(ip, ports))
}

/// A loopback address that no other test binds, so that nobody takes a port of the range meanwhile.
const OWN: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 77, 0, 1));

/// A run of `count` ports that are free.
fn free_range(count: u16) -> (u16, u16) {
    loop {
        let first = bind(OWN, Ports::Exact(0)).unwrap().local_addr().port();
        let Some(last) = first.checked_add(count - 1) else { continue };
        if (first..=last).all(|port| bind(OWN, Ports::Exact(port)).is_ok()) {
            return (first, last);
        }
    }
}

#[test]
fn a_taken_port_is_named_with_its_cause() {
    let first = bind(LOOPBACK, Ports::Exact(0)).unwrap();
    let port = first.local_addr().port();
    let error = bind(LOOPBACK, Ports::Exact(port)).unwrap_err();
    assert!(matches!(error, SocketError::PortTaken { .. }));
    let text = error.to_string();
    assert!(
        text.contains(&port.to_string()) && text.contains("127.0.0.1") && text.contains("in use"),
        "{text}"
    );
}

#[test]
fn a_foreign_address_is_named() {
    let foreign = "203.0.113.77".parse().unwrap();
    let error = bind(foreign, Ports::Exact(5004)).unwrap_err();
    assert!(matches!(error, SocketError::AddressUnavailable { .. }));
    assert!(error.to_string().contains("203.0.113.77"), "{error}");
}

#[test]
fn every_port_of_a_range_is_tried_from_the_start_given() {
    let (first, last) = free_range(4);
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(bind(OWN, Ports::Range { first, last, start: 6 }).unwrap());
    }
    let ports: Vec<u16> = held.iter().map(|socket| socket.local_addr().port() - first).collect();
    assert_eq!(ports, [2, 3, 0, 1]);
    let error = bind(OWN, Ports::Range { first, last, start: 0 }).unwrap_err();
    assert!(matches!(error, SocketError::RangeTaken { .. }));
    let text = error.to_string();
    assert!(text.contains(&first.to_string()) && text.contains(&last.to_string()), "{text}");
}

#[test]
fn a_range_must_be_one() {
    for (first, last) in [(0, 10), (10, 9)] {
        let error = bind(LOOPBACK, Ports::Range { first, last, start: 0 }).unwrap_err();
        assert!(matches!(error, SocketError::BadRange { .. }), "{first} to {last}");
    }
}

#[test]
fn the_main_socket_of_a_port_is_exclusive_at_first_and_then_lets_others_join() {
    let mut config = SocketConfig::new(LOOPBACK, Ports::Exact(0));
    config.share = Share::Later;
    let main = Socket::bind(&config).unwrap();
    config.ports = Ports::Exact(main.local_addr().port());
    assert!(matches!(Socket::bind(&config), Err(SocketError::PortTaken { .. })), "a second main socket");
    config.share = Share::Never;
    assert!(matches!(Socket::bind(&config), Err(SocketError::PortTaken { .. })), "a stranger");
    config.share = Share::Join;
    let joined = Socket::bind(&config).unwrap();
    assert_eq!(joined.local_addr(), main.local_addr());
}

#[test]
fn disconnecting_keeps_the_port_even_if_the_kernel_chose_it() {
    let mut socket = bind(LOOPBACK, Ports::Exact(0)).unwrap();
    let local = socket.local_addr();
    socket.connect(Some("127.0.0.1:9".parse().unwrap())).unwrap();
    socket.connect(None).unwrap();
    assert_eq!(socket.inner.local_addr().unwrap().as_socket(), Some(local));
    assert!(socket.inner.peer_addr().is_err());
    assert_eq!(socket.peer_addr(), None);
}

#[test]
fn a_failed_connect_changes_nothing() {
    let mut socket = bind(LOOPBACK, Ports::Exact(0)).unwrap();
    let peer: SocketAddr = "127.0.0.1:9".parse().unwrap();
    socket.connect(Some(peer)).unwrap();
    assert!(socket.connect(Some("[2001:db8::1]:9".parse().unwrap())).is_err());
    assert_eq!(socket.peer_addr(), Some(peer));
    assert_eq!(socket.inner.peer_addr().unwrap().as_socket(), Some(peer));
}

#[test]
fn granted_buffers_are_reported() {
    let mut config = SocketConfig::new(LOOPBACK, Ports::Exact(0));
    config.receive_buffer_bytes = Some(100_000);
    config.send_buffer_bytes = Some(50_000);
    let socket = Socket::bind(&config).unwrap();
    // Linux grants twice what is asked for, for its own bookkeeping.
    assert_eq!((socket.receive_buffer_bytes(), socket.send_buffer_bytes()), (200_000, 100_000));
}

#[test]
fn a_v6_only_socket_leaves_the_v4_port_free() {
    let any = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    let mut config = SocketConfig::new(any, Ports::Exact(0));
    config.v6_only = true;
    // Somebody else may have the first that comes.
    let both = || {
        let v6 = Socket::bind(&config).unwrap();
        let port = v6.local_addr().port();
        let v4 = bind(IpAddr::V4(Ipv4Addr::UNSPECIFIED), Ports::Exact(port)).ok()?;
        Some((v6, v4))
    };
    let (v6, v4) = (0..50).find_map(|_| both()).expect("a v4 port is free where v6 is bound alone");
    assert_eq!(v4.local_addr().port(), v6.local_addr().port());
    drop((v6, v4));
    let dual = bind(any, Ports::Exact(0)).unwrap();
    let port = dual.local_addr().port();
    assert!(bind(IpAddr::V4(Ipv4Addr::UNSPECIFIED), Ports::Exact(port)).is_err(), "dual stack takes both");
}
