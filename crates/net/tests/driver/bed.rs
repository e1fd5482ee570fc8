//! A driver on a test bed, and the plain sockets that talk to it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use net::{
    Clock, Driver, DriverCounters, Ports, ReceiveBudget, Received, Socket, SocketConfig, SocketKey, Transmit,
    Wait,
};
use wire::Mono;

pub(crate) const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub(crate) const UNBOUNDED: ReceiveBudget = ReceiveBudget { total: usize::MAX, per_socket: usize::MAX };

pub(crate) struct Bed<D> {
    pub(crate) driver: D,
    pub(crate) clock: Clock,
}

/// A batch, owned.
#[derive(Debug, PartialEq)]
pub(crate) struct Got {
    pub(crate) socket: SocketKey,
    pub(crate) from: SocketAddr,
    pub(crate) to: Option<IpAddr>,
    pub(crate) received: Mono,
    pub(crate) datagrams: Vec<Vec<u8>>,
}

impl<D: Driver> Bed<D> {
    pub(crate) fn new(driver: D) -> Self {
        Self { driver, clock: Clock::start() }
    }

    pub(crate) fn add(&mut self, config: &SocketConfig) -> (SocketKey, SocketAddr) {
        let socket = Socket::bind(config).unwrap();
        let local = socket.local_addr();
        let key = self.driver.add(socket).unwrap();
        // A driver may start receiving with its next turn.
        self.flush();
        (key, local)
    }

    pub(crate) fn socket(&mut self) -> (SocketKey, SocketAddr) {
        self.add(&SocketConfig::new(LOOPBACK, Ports::Exact(0)))
    }

    /// Queues a run; all its datagrams but the last have `segment_size`.
    pub(crate) fn queue(&mut self, socket: SocketKey, to: SocketAddr, bytes: &[u8], segment_size: usize) {
        self.queue_from((socket, None), to, bytes, segment_size);
    }

    pub(crate) fn queue_from(
        &mut self,
        (socket, from): (SocketKey, Option<IpAddr>),
        to: SocketAddr,
        bytes: &[u8],
        segment_size: usize,
    ) {
        self.driver.reserve(bytes.len()).copy_from_slice(bytes);
        self.driver.send(Transmit { socket, to, from, len: bytes.len(), segment_size });
    }

    /// Hands everything to the kernel, and hears what became of it.
    pub(crate) fn flush(&mut self) {
        self.driver.turn(Wait::Poll, &mut || true).unwrap();
    }

    /// Sends one run at once.
    pub(crate) fn send(&mut self, socket: SocketKey, to: SocketAddr, bytes: &[u8], segment_size: usize) {
        self.queue(socket, to, bytes, segment_size);
        self.flush();
    }

    /// One tick without waiting: batches as they come.
    pub(crate) fn tick(&mut self, budget: ReceiveBudget) -> (Vec<Got>, Received) {
        self.flush();
        self.receive(budget)
    }

    pub(crate) fn receive(&mut self, budget: ReceiveBudget) -> (Vec<Got>, Received) {
        let mut got = Vec::new();
        let received = self.driver.receive(self.clock.read(), budget, &mut |batch| {
            got.push(Got {
                socket: batch.socket,
                from: batch.from,
                to: batch.to,
                received: batch.received,
                datagrams: batch.datagrams().map(<[u8]>::to_vec).collect(),
            });
        });
        (got, received)
    }

    /// Ticks until `count` datagrams have come.
    pub(crate) fn collect(&mut self, count: usize) -> Vec<Got> {
        let deadline = self.clock.read() + PATIENCE;
        let mut all: Vec<Got> = Vec::new();
        while datagrams(&all) < count {
            assert!(self.clock.read() < deadline, "{} of {count} datagrams: {all:?}", datagrams(&all));
            self.driver.turn(Wait::Until(deadline), &mut || true).unwrap();
            all.extend(self.receive(UNBOUNDED).0);
        }
        all
    }

    /// Ticks until every close has ended.
    pub(crate) fn closed(&mut self, key: SocketKey) {
        let deadline = self.clock.read() + PATIENCE;
        loop {
            if let Some(closed) = self.driver.next_closed() {
                assert_eq!(closed, key);
                return;
            }
            assert!(self.clock.read() < deadline, "never closed");
            self.driver.turn(Wait::Until(deadline), &mut || true).unwrap();
        }
    }

    pub(crate) fn counters(&self) -> DriverCounters {
        *self.driver.counters()
    }
}

pub(crate) fn datagrams(got: &[Got]) -> usize {
    got.iter().map(|got| got.datagrams.len()).sum()
}

/// All datagrams, in order.
pub(crate) fn contents(got: Vec<Got>) -> Vec<Vec<u8>> {
    got.into_iter().flat_map(|got| got.datagrams).collect()
}

/// A plain socket to talk to a driver with.
pub(crate) fn peer() -> (UdpSocket, SocketAddr) {
    peer_on(LOOPBACK)
}

pub(crate) fn peer_on(ip: IpAddr) -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind((ip, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let local = socket.local_addr().unwrap();
    (socket, local)
}

/// A loopback address that the tests of other processes do not use: a port that is freed there is not taken by
/// one of them before it can be bound again.
pub(crate) fn own_loopback() -> IpAddr {
    let [_, b, c, d] = std::process::id().to_be_bytes();
    IpAddr::from([127, 64 | b, c, d])
}

/// The next datagram that a plain socket gets.
pub(crate) fn hear(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = vec![0; 65_536];
    // A thread with a ring is interrupted when the kernel has work for it.
    let heard = std::iter::repeat_with(|| socket.recv_from(&mut buffer))
        .find(|heard| !matches!(heard, Err(error) if error.kind() == std::io::ErrorKind::Interrupted));
    let (len, from) = heard.unwrap().unwrap();
    buffer.truncate(len);
    (buffer, from)
}

/// Bytes that differ from place to place, so that a wrong cut shows.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|n| u8::try_from(n % 251).unwrap()).collect()
}

/// How long anything may take before the test gives up; nothing passes by waiting.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
