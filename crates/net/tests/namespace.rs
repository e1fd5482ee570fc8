//! What drivers do on networks that loopback is not like: a small MTU, and a neighbour that never answers. Each
//! test runs itself again in a network namespace of its own, and says so when the machine does not allow one.

#![expect(clippy::unwrap_used, reason = "what fails to be set up fails the test")]
#![expect(clippy::print_stderr, reason = "says what this machine cannot test")]
#![expect(unsafe_code, reason = "sets up network interfaces")]

#[path = "driver/bed.rs"]
#[expect(dead_code, reason = "shared with the tests in `driver`, which use all of it")]
mod bed;

use std::ffi::CStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::process::CommandExt;
use std::process::Command;

use bed::{Bed, hear, pattern, peer};
use net::epoll::{EpollConfig, EpollDriver};
use net::uring::{UringConfig, UringDriver};
use net::{Driver, Ports, SocketConfig};

#[test]
fn epoll_sends_singly_where_the_path_refuses_a_run() {
    if in_namespace("epoll_sends_singly_where_the_path_refuses_a_run", small_mtu) {
        sends_singly_where_the_path_refuses_a_run(epoll());
    }
}

#[test]
fn uring_sends_singly_where_the_path_refuses_a_run() {
    if in_namespace("uring_sends_singly_where_the_path_refuses_a_run", small_mtu) {
        sends_singly_where_the_path_refuses_a_run(uring());
    }
}

#[test]
fn epoll_counts_what_a_full_send_buffer_drops() {
    if in_namespace("epoll_counts_what_a_full_send_buffer_drops", silent_neighbour) {
        counts_what_a_full_send_buffer_drops(epoll());
    }
}

#[test]
fn uring_counts_what_a_full_send_buffer_drops() {
    if in_namespace("uring_counts_what_a_full_send_buffer_drops", silent_neighbour) {
        counts_what_a_full_send_buffer_drops(uring());
    }
}

fn sends_singly_where_the_path_refuses_a_run<D: Driver>(mut bed: Bed<D>) {
    let (key, local) = bed.socket();
    let (peer, peer_addr) = peer();
    let bytes = pattern(2 * 1400 + 9);
    // Refused as one, and sent singly in the same tick; known from then on.
    for round in 1..=3 {
        bed.send(key, peer_addr, &bytes, 1400);
        for expected in bytes.chunks(1400) {
            assert_eq!(hear(&peer), (expected.to_vec(), local));
        }
        let counters = bed.counters();
        assert_eq!((counters.sent_datagrams, counters.sent_runs), (3 * round, 3 * round));
        assert_eq!((counters.gso_disabled, counters.dropped_error), (1, 0));
    }
    // What fits the path still goes as one.
    bed.send(key, peer_addr, &pattern(3000), 1000);
    for expected in pattern(3000).chunks(1000) {
        assert_eq!(hear(&peer), (expected.to_vec(), local));
    }
    assert_eq!((bed.counters().sent_runs, bed.counters().gso_disabled), (10, 1));
}

fn counts_what_a_full_send_buffer_drops<D: Driver>(mut bed: Bed<D>) {
    let mut config = SocketConfig::new(TAP_IP.into(), Ports::Exact(0));
    config.send_buffer_bytes = Some(8192);
    let (key, _) = bed.add(&config);
    let silent = (IpAddr::V4(NEIGHBOUR_IP), 9).into();
    for _ in 0..50 {
        bed.queue(key, silent, &pattern(1200), 1200);
    }
    bed.flush();
    let before = bed.counters();
    assert!(before.sent_datagrams > 0, "{before:?}");
    assert_eq!(before.sent_datagrams + before.dropped_would_block, 50, "{before:?}");
    bed.send(key, silent, &pattern(10 * 1000), 1000);
    let after = bed.counters();
    assert_eq!(
        after.dropped_would_block,
        before.dropped_would_block + 10,
        "a refused run counts all its datagrams"
    );
    assert_eq!(after.dropped_error, 0);
    // Who else has something to send is not held up.
    let (other, local) = bed.socket();
    let (peer, peer_addr) = peer();
    bed.send(other, peer_addr, b"through", 7);
    assert_eq!(hear(&peer), (b"through".to_vec(), local));
}

fn epoll() -> Bed<EpollDriver> {
    Bed::new(EpollDriver::new(EpollConfig { sockets: 16, gso: true }).unwrap())
}

fn uring() -> Bed<UringDriver> {
    Bed::new(UringDriver::new(UringConfig { sockets: 16, ..UringConfig::default() }).unwrap())
}

/// Whether this is the run inside a namespace that `set_up` furnished; outside, makes that run happen.
fn in_namespace(test: &str, set_up: fn() -> io::Result<()>) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args([test, "--exact", "--nocapture"]).env(INSIDE, "1");
    // SAFETY: between fork and exec `unshare`, `open`, `socket` and `ioctl` are called and nothing is allocated.
    unsafe { again.pre_exec(move || unshare().and_then(|()| set_up())) };
    match again.status() {
        Ok(status) => assert!(status.success(), "inside the namespace: {status}"),
        Err(error) => {
            let denied = [libc::EPERM, libc::EACCES, libc::ENOENT, libc::ENODEV, libc::ENOSPC, libc::ENOSYS];
            assert!(error.raw_os_error().is_some_and(|errno| denied.contains(&errno)), "{error}");
            eprintln!("skipped: no network namespace or no device for it here: {error}");
        }
    }
    false
}

fn unshare() -> io::Result<()> {
    // SAFETY: takes an integer.
    let as_root = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    if as_root == 0 {
        return Ok(());
    }
    // SAFETY: takes an integer.
    check(unsafe { libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET) })
}

/// Loopback with the smallest MTU of IPv6.
fn small_mtu() -> io::Result<()> {
    let mut request = interface(c"lo");
    request.ifr_ifru.ifru_mtu = 1280;
    configure(libc::SIOCSIFMTU, &mut request)?;
    up(c"lo")
}

/// An Ethernet on which nobody answers ARP: what is sent there stays in its socket's send buffer.
fn silent_neighbour() -> io::Result<()> {
    up(c"lo")?;
    // Without O_CLOEXEC: the device lasts as long as the process that the test becomes.
    // SAFETY: a path that ends in zero.
    let device = unsafe { libc::open(c"/dev/net/tun".as_ptr(), libc::O_RDWR) };
    check(device)?;
    let mut request = interface(c"tap0");
    request.ifr_ifru.ifru_flags = i16::try_from(libc::IFF_TAP | libc::IFF_NO_PI).unwrap_or(0);
    // SAFETY: TUNSETIFF reads and writes one ifreq.
    check(unsafe { libc::ioctl(device, libc::TUNSETIFF, &raw mut request) })?;
    for (ask, ip) in [(libc::SIOCSIFADDR, TAP_IP), (libc::SIOCSIFNETMASK, NETMASK)] {
        let mut request = interface(c"tap0");
        request.ifr_ifru.ifru_addr.sa_family = 2;
        for (place, octet) in request_address(&mut request).iter_mut().zip(ip.octets()) {
            *place = i8::from_ne_bytes([octet]);
        }
        configure(ask, &mut request)?;
    }
    up(c"tap0")
}

fn request_address(request: &mut libc::ifreq) -> &mut [libc::c_char] {
    // SAFETY: the address was the last member written, and all members are plain bytes.
    let address = unsafe { &mut request.ifr_ifru.ifru_addr };
    &mut address.sa_data[2..6]
}

fn up(name: &CStr) -> io::Result<()> {
    let mut request = interface(name);
    request.ifr_ifru.ifru_flags = i16::try_from(libc::IFF_UP | libc::IFF_RUNNING).unwrap_or(0);
    configure(libc::SIOCSIFFLAGS, &mut request)
}

fn configure(ask: libc::Ioctl, request: &mut libc::ifreq) -> io::Result<()> {
    // SAFETY: takes three integers.
    let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    check(socket)?;
    // SAFETY: all that is asked here reads one ifreq.
    check(unsafe { libc::ioctl(socket, ask, core::ptr::from_mut(request)) })
}

fn interface(name: &CStr) -> libc::ifreq {
    // SAFETY: an ifreq is plain bytes, for which zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, byte) in request.ifr_name.iter_mut().zip(name.to_bytes()) {
        *place = i8::from_ne_bytes([*byte]);
    }
    request
}

fn check(result: i32) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

const INSIDE: &str = "NET_TEST_INSIDE_NAMESPACE";
const TAP_IP: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const NEIGHBOUR_IP: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
const NETMASK: Ipv4Addr = Ipv4Addr::new(255, 255, 255, 0);
