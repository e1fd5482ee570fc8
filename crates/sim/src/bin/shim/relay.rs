//! Two sockets, a path each way, and what is under way between them.
//!
//! A thread waits at each socket and notes when a datagram came; the main thread asks the path what becomes of it and
//! sends it when its time has come. Datagrams that are due at the same time leave in the order in which they came.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use sim::network::{Cause, Passage, Path};
use wire::Mono;

use crate::arguments::Arguments;
use crate::report;

/// A datagram on its way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Datagram {
    pub(crate) way: Way,
    /// Of its way, in the order of arrival.
    pub(crate) number: u64,
    pub(crate) received: Mono,
    pub(crate) bytes: Vec<u8>,
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    AToB,
    BToA,
}

/// A relay at work.
#[derive(Debug)]
pub(crate) struct Relay {
    /// By way: the one that it leaves from, and who is there.
    sockets: [UdpSocket; 2],
    peers: [Option<SocketAddr>; 2],
    /// Whether the peer is whoever sent last.
    learns: [bool; 2],
    paths: [Path; 2],
    arrivals: Receiver<Arrival>,
    /// The next is on top: by time, then by order.
    under_way: BinaryHeap<Reverse<(Mono, u64, Datagram)>>,
    numbers: [u64; 2],
    taken: u64,
    start: Instant,
    log: bool,
}

/// What a socket's thread says.
#[derive(Debug)]
enum Arrival {
    Datagram { way: Way, from: SocketAddr, at: Instant, bytes: Vec<u8> },
    Failed(io::Error),
}

impl Way {
    const fn index(self) -> usize {
        match self {
            Self::AToB => 0,
            Self::BToA => 1,
        }
    }

    const fn back(self) -> Self {
        match self {
            Self::AToB => Self::BToA,
            Self::BToA => Self::AToB,
        }
    }
}

impl Relay {
    /// Opens the sockets and says where they are.
    pub(crate) fn open(arguments: Arguments) -> Result<Self, String> {
        let Arguments { listen, peers: [at_a, at_b], paths: [to_b, to_a], seed, log } = arguments;
        let start = Instant::now();
        let bind = || UdpSocket::bind(listen).map_err(|error| format!("{listen}: {error}"));
        let (a, b) = (bind()?, bind()?);
        let address = |socket: &UdpSocket| socket.local_addr().map_err(|error| error.to_string());
        let (sender, arrivals) = sync_channel(WAITING);
        for (way, socket) in [(Way::AToB, &a), (Way::BToA, &b)] {
            let socket = socket.try_clone().map_err(|error| error.to_string())?;
            let sender = sender.clone();
            thread::spawn(move || hear(way, &socket, &sender));
        }
        report::sockets(address(&a)?, address(&b)?)?;
        Ok(Self {
            sockets: [b, a],
            peers: [at_b, at_a],
            learns: [at_b.is_none(), at_a.is_none()],
            // Both directions have chance of their own.
            paths: [Path::new(to_b, seed), Path::new(to_a, !seed)],
            arrivals,
            under_way: BinaryHeap::new(),
            numbers: [0; 2],
            taken: 0,
            start,
            log,
        })
    }

    /// Relays until a socket fails, or nobody reads the log any more.
    pub(crate) fn run(mut self) -> Result<(), String> {
        loop {
            let due = self.under_way.peek().map(|Reverse((at, ..))| at.since(self.now()));
            match due {
                Some(Duration::ZERO) => self.send_next()?,
                _ => match self.arrivals.recv_timeout(due.unwrap_or(IDLE)) {
                    Ok(Arrival::Datagram { way, from, at, bytes }) => self.take(way, from, at, bytes)?,
                    Ok(Arrival::Failed(error)) => return Err(error.to_string()),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return Ok(()),
                },
            }
        }
    }

    fn take(&mut self, way: Way, from: SocketAddr, at: Instant, bytes: Vec<u8>) -> Result<(), String> {
        if self.learns[way.back().index()] {
            self.peers[way.back().index()] = Some(from);
        }
        let number = self.numbers[way.index()];
        self.numbers[way.index()] += 1;
        let received = mono(at.duration_since(self.start));
        let datagram = Datagram { way, number, received, bytes };
        let (at, again) = match self.paths[way.index()].send(received, datagram.bytes.len()) {
            Passage::Arrives { at, again } if self.under_way.len() < UNDER_WAY => (at, again),
            Passage::Arrives { .. } => return self.lose(&datagram, Cause::Queue),
            Passage::Lost(cause) => return self.lose(&datagram, cause),
        };
        for at in [Some(at), again].into_iter().flatten() {
            self.taken += 1;
            self.under_way.push(Reverse((at, self.taken, datagram.clone())));
        }
        Ok(())
    }

    fn lose(&self, datagram: &Datagram, cause: Cause) -> Result<(), String> {
        if self.log { report::lost(datagram, cause) } else { Ok(()) }
    }

    fn send_next(&mut self) -> Result<(), String> {
        let Some(Reverse((_, _, datagram))) = self.under_way.pop() else { return Ok(()) };
        let way = datagram.way.index();
        let Some(peer) = self.peers[way] else { return Ok(()) };
        let from = self.now();
        match self.sockets[way].send_to(&datagram.bytes, peer) {
            // A peer that has closed its port hears nothing, as on any network.
            Err(error) if error.kind() != io::ErrorKind::ConnectionRefused => {
                return Err(format!("{peer}: {error}"));
            }
            _ => {}
        }
        if self.log { report::sent(&datagram, from, self.now()) } else { Ok(()) }
    }

    fn now(&self) -> Mono {
        mono(self.start.elapsed())
    }
}

/// Passes on what comes to a socket, until nobody takes it.
fn hear(way: Way, socket: &UdpSocket, sender: &SyncSender<Arrival>) {
    let mut room = vec![0; 65_536];
    loop {
        let arrival = match socket.recv_from(&mut room) {
            Ok((len, from)) => {
                let bytes = room.get(..len).unwrap_or_default().to_vec();
                Arrival::Datagram { way, from, at: Instant::now(), bytes }
            }
            // What was sent from here found nobody.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
            Err(error) => Arrival::Failed(error),
        };
        let is_over = matches!(arrival, Arrival::Failed(_));
        if sender.send(arrival).is_err() || is_over {
            return;
        }
    }
}

fn mono(since_start: Duration) -> Mono {
    Mono::from_nanos(u64::try_from(since_start.as_nanos()).unwrap_or(u64::MAX))
}

/// What came and was not looked at yet; a full channel leaves the rest in the socket's own buffer.
const WAITING: usize = 1_024;
/// Datagrams under way at most: some 100 MB of the longest usual ones, a second and more at a gigabit.
const UNDER_WAY: usize = 65_536;
/// How long to sleep when nothing is under way.
const IDLE: Duration = Duration::from_secs(3_600);
