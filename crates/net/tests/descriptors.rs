//! A process that runs out of file descriptors. The limit is the process's, so this is the only test in it.

#![expect(clippy::unwrap_used, reason = "what fails to be set up fails the test")]
#![expect(unsafe_code, reason = "sets a limit of the process")]

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, TcpStream};

use net::epoll::{EpollConfig, EpollDriver};
use net::uring::{UringConfig, UringDriver};
use net::{
    Accepted, Clock, Driver, Listener, Ports, ReceiveBudget, Socket, SocketConfig, SocketError, Transmit,
    Wait,
};

#[test]
fn without_descriptors_nothing_new_starts_and_everything_else_goes_on() {
    let epoll = EpollDriver::new(EpollConfig { sockets: 8, gso: true }).unwrap();
    let uring = UringDriver::new(UringConfig { sockets: 8, ..UringConfig::default() }).unwrap();
    let mut drivers: [Box<dyn Driver>; 2] = [Box::new(epoll), Box::new(uring)];
    let config = SocketConfig::new(IpAddr::V4(Ipv4Addr::LOCALHOST), Ports::Exact(0));
    let taken = Socket::bind(&config).unwrap();
    let socket = Socket::bind(&config).unwrap();
    let mut rebind = config;
    rebind.ports = Ports::Exact(socket.local_addr().port());
    let mut last = Some(socket);

    let listeners: Vec<_> = drivers
        .iter_mut()
        .map(|driver| {
            let listener = Listener::bind(&config).unwrap();
            let waits = TcpStream::connect(listener.local_addr()).unwrap();
            (driver.listen(listener).unwrap(), waits)
        })
        .collect();

    let limit = libc::rlimit { rlim_cur: 100, rlim_max: 100 };
    // SAFETY: a valid rlimit.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
    let mut hoard: Vec<File> = (0..).map_while(|_| File::open("/dev/null").ok()).collect();

    let error = Socket::bind(&config).unwrap_err();
    assert!(matches!(error, SocketError::NoDescriptors { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("127.0.0.1") && text.contains("descriptor") && text.contains("open files"),
        "{text}"
    );
    assert!(EpollDriver::new(EpollConfig::default()).is_err());
    assert!(UringDriver::new(UringConfig { sockets: 8, ..UringConfig::default() }).is_err());

    for (driver, (key, _)) in drivers.iter_mut().zip(&listeners) {
        // Who connects waits, and costs one call for each time somebody looks.
        let before = driver.counters().syscalls;
        assert_eq!(driver.accept(*key), Accepted::Exhausted, "{}", driver.name());
        assert_eq!(driver.accept(*key), Accepted::Exhausted, "{}", driver.name());
        assert_eq!(driver.counters().syscalls - before, 2);
    }

    for driver in &mut drivers {
        // The one descriptor there is goes from driver to driver.
        let socket = last.take().unwrap_or_else(|| Socket::bind(&rebind).unwrap());
        echo_to_itself(driver.as_mut(), socket);
        assert!(Socket::bind(&rebind).is_ok(), "{}: closing gave a descriptor back", driver.name());
    }
    // And who waited is there still, once there is a descriptor.
    for (driver, (key, waits)) in drivers.iter_mut().zip(&listeners) {
        let Accepted::Connection { key, from } = driver.accept(*key) else {
            unreachable!("{}", driver.name())
        };
        assert_eq!(from, waits.local_addr().unwrap());
        driver.close(key);
        while driver.next_closed().is_none() {
            driver.turn(Wait::Poll, &mut || true).unwrap();
        }
    }
    // With the last one gone, a port that the kernel is to choose cannot even be looked for.
    hoard.extend(File::open("/dev/null"));
    assert!(matches!(Socket::bind(&config), Err(SocketError::NoDescriptors { .. })));
    drop(taken);
}

fn echo_to_itself(driver: &mut dyn Driver, socket: Socket) {
    let local = socket.local_addr();
    let key = driver.add(socket).unwrap();
    driver.turn(Wait::Poll, &mut || true).unwrap();
    driver.reserve(5).copy_from_slice(b"still");
    driver.send(Transmit { socket: key, to: local, from: None, len: 5, segment_size: 5 });
    let mut clock = Clock::start();
    let deadline = clock.read() + std::time::Duration::from_secs(10);
    let mut heard = Vec::new();
    while heard.is_empty() {
        assert!(clock.read() < deadline, "{}: nothing came", driver.name());
        driver.turn(Wait::Until(deadline), &mut || true).unwrap();
        let budget = ReceiveBudget { total: 8, per_socket: 8 };
        driver.receive(clock.read(), budget, &mut |batch| heard.extend_from_slice(batch.bytes));
    }
    assert_eq!(heard, b"still");
    driver.close(key);
    while driver.next_closed().is_none() {
        assert!(clock.read() < deadline, "{}: never closed", driver.name());
        driver.turn(Wait::Until(deadline), &mut || true).unwrap();
    }
}
