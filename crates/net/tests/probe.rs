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
            // A thread that tried a ring is interrupted when the kernel takes it apart, after the trial.
            let heard = std::iter::repeat_with(|| peer.recv(&mut buffer)).find(
                |heard| !matches!(heard, Err(error) if error.kind() == std::io::ErrorKind::Interrupted),
            );
            let len = heard.unwrap().unwrap();
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

#[test]
fn rings_that_can_not_be_had_any_more_are_replaced_unless_asked_for() {
    let (auto, uring) = (choose(HostChoice::Auto, NEEDS).unwrap(), choose(HostChoice::Uring, NEEDS));
    refused_with(libc::ENOMEM, move || {
        assert_eq!(AnyDriver::new(&auto).unwrap().name(), Host::Epoll.name());
        forward(&auto);
        if let Ok(uring) = &uring {
            assert_eq!(AnyDriver::new(uring).unwrap_err().raw_os_error(), Some(libc::ENOMEM));
        }
    });
}

#[cfg(feature = "host-glommio")]
mod glommio {
    use super::*;

    #[test]
    fn asked_for_by_name_it_forwards_and_auto_never_chooses_it() {
        let chosen = choose(HostChoice::Glommio, NEEDS).unwrap();
        assert_eq!((chosen.host, AnyDriver::new(&chosen).unwrap().name()), (Host::Glommio, "glommio"));
        forward(&chosen);
        assert_ne!(choose(HostChoice::Auto, NEEDS).unwrap().host, Host::Glommio);
        refused_with(libc::EPERM, || {
            assert_ne!(choose(HostChoice::Auto, NEEDS).unwrap().host, Host::Glommio);
        });
    }

    #[test]
    fn without_io_uring_it_is_refused_for_the_same_reason() {
        let refusal = refused_with(libc::EPERM, || choose(HostChoice::Glommio, NEEDS).unwrap_err());
        assert!(matches!(refusal, Refusal::Forbidden { .. }), "{refusal}");
        let refusal = refused_with(libc::ENOSYS, || choose(HostChoice::Glommio, NEEDS).unwrap_err());
        assert!(matches!(refusal, Refusal::Absent { .. }), "{refusal}");
    }

    /// The limit is the process's, so this takes a process of its own: the test runs itself again under a shell.
    #[test]
    fn with_little_lockable_memory_it_is_refused_and_the_limit_named() {
        const INSIDE: &str = "SHARDCAST_TEST_WITH_LITTLE_MEMLOCK";
        if std::env::var_os(INSIDE).is_none() {
            let limited = "ulimit -l 64 && exec \"$0\" --exact \"$1\" --nocapture";
            let name = "glommio::with_little_lockable_memory_it_is_refused_and_the_limit_named";
            let itself = std::env::current_exe().unwrap();
            let mut shell = std::process::Command::new("sh");
            shell.args(["-c", limited]).arg(itself).arg(name).env(INSIDE, "1");
            let output = shell.output().unwrap();
            assert!(output.status.success(), "{output:?}");
            assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
            return;
        }
        let refusal = choose(HostChoice::Glommio, NEEDS).unwrap_err();
        assert!(matches!(refusal, Refusal::Memory { .. }), "{refusal}");
        let words = refusal.to_string();
        for part in ["glommio", "65536 bytes", "524288 bytes", "ulimit -l"] {
            assert!(words.contains(part), "{words}");
        }
    }
}
