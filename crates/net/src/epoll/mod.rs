//! The driver that works everywhere: epoll, recvmmsg with GRO, sendmsg with GSO.
//!
//! Lives on its shard's thread. Readiness is edge-triggered: a socket that has something stands in `ready` once,
//! and leaves when a `recvmmsg` returned fewer messages than it was asked for, which tells as much as the second
//! call that others make. So a lone datagram costs one call to learn of it and one to take it.
//!
//! A send is one system call that ends with it, so all runs are sealed into the same warm memory, and nothing is
//! ever in flight between calls. Closing a socket ends in `next_closed`.

mod inbox;
mod poller;
mod send;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::Duration;

use wire::Mono;

use self::inbox::{BATCH, Inbox};
use self::poller::Poller;
use self::send::Outgoing;
use crate::clock::Clock;
use crate::driver::{
    Batch, Driver, DriverCounters, MAX_RUN_BYTES, ReceiveBudget, Received, SocketKey, Transmit, Wait,
};
use crate::egress::Egress;
use crate::gso::RefusedPaths;
use crate::lane::{Sleeper, Waker};
use crate::listener::Listener;
use crate::socket::Socket;
use crate::stream::{Accepted, Detached, Farewell, Streams, Transfer};
use crate::table::SocketTable;

/// Sizes of a driver, and what it may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpollConfig {
    /// Most sockets at a time, those not yet named by `next_closed` included; and as many listeners and connections.
    pub sockets: u32,
    /// Whether runs may go out as one (UDP GSO).
    pub gso: bool,
}

/// I/O of one shard on epoll.
#[derive(Debug)]
pub struct EpollDriver {
    poller: Poller,
    sleeper: Sleeper,
    sockets: SocketTable<Entry>,
    /// Sockets that may have something to receive, each once; the front is next.
    ready: VecDeque<SocketKey>,
    /// What epoll watches needs no note of it: it ends with the descriptor.
    streams: Streams<()>,
    closing: VecDeque<SocketKey>,
    inbox: Inbox,
    egress: Egress,
    refused: RefusedPaths,
    gso: bool,
    clock: Clock,
    counters: DriverCounters,
}

/// A wait that a driver has prepared.
#[derive(Debug)]
pub struct Pause {
    /// How long; `None` is for ever. Never zero.
    pub(crate) limit: Option<Duration>,
}

/// A socket, and what the driver knows of it.
// What every send looks at comes first.
#[derive(Debug)]
#[repr(C)]
struct Entry {
    /// Whether it stands in `ready`.
    queued: bool,
    /// Whether it refused a run for want of the offload.
    gso_refused: bool,
    socket: Socket,
    /// Datagrams that one message may bring, judging by the longest recent GRO train. It keeps trains within the
    /// budget, all but the first few of a socket that sent lone datagrams so far.
    train: usize,
}

impl EpollDriver {
    /// Sets everything up.
    ///
    /// # Errors
    /// When the process has no descriptor or memory left.
    pub fn new(config: EpollConfig) -> io::Result<Self> {
        let slots = config.sockets as usize;
        let poller = Poller::new(EVENTS.min(slots + 1))?;
        let sleeper = Sleeper::new()?;
        poller.watch(sleeper.fd(), WAKE)?;
        Ok(Self {
            poller,
            sleeper,
            sockets: SocketTable::new(config.sockets),
            ready: VecDeque::with_capacity(slots),
            streams: Streams::new(config.sockets, config.sockets),
            closing: VecDeque::with_capacity(slots),
            inbox: Inbox::new()?,
            egress: Egress::new(MAX_RUN_BYTES)?,
            refused: RefusedPaths::new(),
            gso: config.gso,
            clock: Clock::start(),
            counters: DriverCounters::default(),
        })
    }

    /// The first half of a turn: whether to wait. If so the sleep flag is up, and who waits in a way of its own does
    /// so until `as_fd` is readable or the pause is over. Then, or at once, `collect`.
    pub(crate) fn prepare(&mut self, wait: Wait, idle: &mut dyn FnMut() -> bool) -> Option<Pause> {
        let limit = self.timeout(wait);
        let waits = limit != Some(Duration::ZERO) && self.sleeper.prepare(idle);
        waits.then_some(Pause { limit })
    }

    /// The second half: waits for what is left of the pause, lowers the flag if it is up, and takes note of what
    /// is there.
    pub(crate) fn collect(&mut self, timeout: Option<Duration>, waited: bool) -> io::Result<()> {
        let waits_here = timeout != Some(Duration::ZERO);
        self.counters.syscalls += if waits_here { self.poller.calls_per_wait() } else { 1 };
        let outcome = self.poller.wait(timeout);
        if waited {
            self.sleeper.awake();
            self.counters.waits += 1;
        }
        for token in (0..outcome?).filter_map(|n| self.poller.token(n)) {
            if token == WAKE {
                // Edge-triggered: the next write reports again, so nobody has to read the counter.
                self.counters.wakes += u64::from(waited);
                continue;
            }
            let key = key(token);
            if self.streams.has(key) {
                self.streams.happened(key);
            } else if let Some(entry) = self.sockets.get_mut(key).filter(|entry| !entry.queued) {
                entry.queued = true;
                self.ready.push_back(key);
            }
        }
        Ok(())
    }

    /// Begins to watch a TCP socket that is in the table, or takes it out again at once.
    fn watch_stream(&mut self, key: SocketKey) -> io::Result<()> {
        let Some((_, fd)) = self.streams.watch(key) else { return Ok(()) };
        self.counters.syscalls += 1;
        let watched = self.poller.watch_stream(fd, token(key));
        if watched.is_err() && self.streams.close(key, Farewell::Abrupt).is_some() {
            self.streams.release(key);
        }
        watched
    }

    /// How long a wait may take; `None` is for ever.
    fn timeout(&mut self, wait: Wait) -> Option<Duration> {
        match wait {
            // What is left to receive, or a close to report, which is when its port becomes free.
            _ if !self.ready.is_empty() || !self.closing.is_empty() || self.streams.any_ready() => {
                Some(Duration::ZERO)
            }
            Wait::Poll => Some(Duration::ZERO),
            Wait::Until(Mono::NEVER) => None,
            Wait::Until(deadline) => Some(deadline.since(self.clock.read())),
        }
    }

    /// Takes what is there for one socket, up to `limit` datagrams (the last train may exceed it). How many, and
    /// whether something may be left.
    fn receive_from(
        &mut self,
        key: SocketKey,
        limit: usize,
        sink: &mut dyn FnMut(Batch<'_>),
    ) -> (usize, bool) {
        let Some(entry) = self.sockets.get_mut(key) else { return (0, false) };
        let mut taken = 0;
        let mut faults = 0;
        while taken < limit {
            let asked = ((limit - taken) / entry.train).clamp(1, BATCH);
            self.counters.syscalls += 1;
            let count = match self.inbox.receive(entry.socket.as_fd(), asked) {
                Ok(count) => count,
                Err(libc::EAGAIN) => return (taken, false),
                Err(libc::EINTR) => continue,
                Err(_) => {
                    // The error of an earlier send, which the call has cleared: what arrived is behind it.
                    self.counters.receive_errors += 1;
                    faults += 1;
                    if faults == MAX_FAULTS {
                        return (taken, true);
                    }
                    continue;
                }
            };
            // Forgotten by halves: who mixes lone datagrams and trains is taken for one who sends trains.
            entry.train = (entry.train / 2).max(1);
            for message in (0..count).filter_map(|n| self.inbox.message(n)) {
                let datagrams = deliver(key, &message, &self.clock, &mut self.counters, sink);
                entry.train = entry.train.max(datagrams);
                taken += datagrams;
            }
            if count < asked {
                return (taken, false);
            }
        }
        (taken, true)
    }
}

impl Driver for EpollDriver {
    fn add(&mut self, socket: Socket) -> io::Result<SocketKey> {
        let entry = Entry { socket, queued: false, gso_refused: false, train: 1 };
        let full = |_| io::Error::new(io::ErrorKind::QuotaExceeded, "the driver's socket table is full");
        let key = self.sockets.insert(entry).map_err(full)?;
        let watched = self.sockets.get(key).map(|entry| self.poller.watch(entry.socket.as_fd(), token(key)));
        match watched {
            Some(Err(error)) => {
                self.sockets.close(key);
                self.sockets.release(key);
                Err(error)
            }
            _ => Ok(key),
        }
    }

    fn close(&mut self, key: SocketKey) {
        if self.streams.has(key) {
            return self.part(key, Farewell::Orderly);
        }
        let Some(entry) = self.sockets.close(key) else { return };
        if entry.queued {
            self.ready.retain(|&ready| ready != key);
        }
        self.closing.push_back(key);
    }

    fn next_closed(&mut self) -> Option<SocketKey> {
        let key = self.closing.pop_front()?;
        // Dropping the entry closes the descriptor; nothing else holds the socket, so its port is free now.
        if !self.streams.release(key) {
            drop(self.sockets.release(key));
        }
        self.counters.syscalls += 1;
        Some(key)
    }

    fn connect(&mut self, key: SocketKey, peer: Option<SocketAddr>) -> io::Result<()> {
        let entry = self.sockets.get_mut(key).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        self.counters.syscalls += 1;
        entry.socket.connect(peer)
    }

    fn turn(&mut self, wait: Wait, idle: &mut dyn FnMut() -> bool) -> io::Result<()> {
        let pause = self.prepare(wait, idle);
        let waits = pause.is_some();
        self.collect(pause.map_or(Some(Duration::ZERO), |pause| pause.limit), waits)
    }

    fn receive(&mut self, now: Mono, budget: ReceiveBudget, sink: &mut dyn FnMut(Batch<'_>)) -> Received {
        self.clock.tick(now);
        let mut left = budget.total;
        for _ in 0..self.ready.len() {
            let Some(&key) = self.ready.front() else { break };
            if left == 0 {
                break;
            }
            // It stays in front while `sink` runs, so that a panic there does not lose its edge.
            let (taken, more) = self.receive_from(key, left.min(budget.per_socket), sink);
            left = left.saturating_sub(taken);
            self.ready.pop_front();
            if more {
                self.ready.push_back(key);
            } else if let Some(entry) = self.sockets.get_mut(key) {
                entry.queued = false;
            }
        }
        if self.ready.is_empty() { Received::Drained } else { Received::More }
    }

    fn reserve(&mut self, len: usize) -> &mut [u8] {
        debug_assert!(len <= MAX_RUN_BYTES, "a run of {len} bytes");
        self.egress.reserve(len)
    }

    fn send(&mut self, transmit: Transmit) {
        let now = self.clock.now();
        let segments = transmit.datagrams();
        let Some(entry) = self.sockets.get_mut(transmit.socket) else {
            self.counters.dropped_no_socket += segments;
            return;
        };
        let bytes = self.egress.reserved(transmit.len);
        if !transmit.is_sound(bytes.len()) {
            self.counters.dropped_error += segments;
            return;
        }
        let mut outgoing =
            Outgoing { entry, refused: &mut self.refused, counters: &mut self.counters, gso: self.gso, now };
        outgoing.send(&transmit, bytes, segments);
    }

    #[inline]
    fn prefetch(&self, socket: SocketKey) {
        self.sockets.prefetch(socket);
    }

    fn listen(&mut self, listener: Listener) -> io::Result<SocketKey> {
        let key = self.streams.listen(listener)?;
        self.watch_stream(key).map(|()| key)
    }

    fn accept(&mut self, listener: SocketKey) -> Accepted {
        match self.streams.accept(listener, &mut self.counters) {
            Accepted::Connection { key, .. } if self.watch_stream(key).is_err() => Accepted::Exhausted,
            accepted => accepted,
        }
    }

    fn next_ready(&mut self) -> Option<SocketKey> {
        self.streams.next_ready()
    }

    fn read(&mut self, key: SocketKey, into: &mut [u8]) -> Transfer {
        self.streams.read(key, into, &mut self.counters)
    }

    fn write(&mut self, key: SocketKey, bytes: &[u8]) -> Transfer {
        self.streams.write(key, bytes, &mut self.counters)
    }

    fn part(&mut self, key: SocketKey, farewell: Farewell) {
        if self.streams.close(key, farewell).is_some() {
            self.closing.push_back(key);
        }
    }

    fn detach(&mut self, key: SocketKey) -> io::Result<Detached> {
        let detached = self.streams.duplicate(key, &mut self.counters)?;
        // An epoll set forgets a connection with its last handle, and this one is not the last.
        if let Some((_, fd)) = self.streams.watch(key) {
            self.counters.syscalls += 1;
            self.poller.unwatch(fd)?;
        }
        self.part(key, Farewell::Orderly);
        Ok(detached)
    }

    fn adopt(&mut self, detached: Detached) -> io::Result<SocketKey> {
        let key = self.streams.adopt(detached)?;
        self.watch_stream(key).map(|()| key)
    }

    fn waker(&self) -> Waker {
        self.sleeper.waker()
    }

    fn counters(&self) -> &DriverCounters {
        &self.counters
    }

    fn name(&self) -> &'static str {
        "epoll"
    }
}

/// Readable when something can be collected.
#[cfg(feature = "host-glommio")]
impl AsFd for EpollDriver {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.poller.as_fd()
    }
}

impl Default for EpollConfig {
    fn default() -> Self {
        Self { sockets: 4096, gso: true }
    }
}

/// Counts a message and passes it on. How many datagrams it holds.
fn deliver(
    key: SocketKey,
    message: &inbox::Message<'_>,
    clock: &Clock,
    counters: &mut DriverCounters,
    sink: &mut dyn FnMut(Batch<'_>),
) -> usize {
    let bytes = message.bytes;
    let segment_size = message.ancillary.segment_size.unwrap_or(bytes.len()).max(1);
    let datagrams = bytes.len().div_ceil(segment_size).max(1);
    if message.truncated {
        counters.dropped_truncated += datagrams as u64;
        return datagrams;
    }
    let Some(from) = message.from else {
        counters.receive_errors += 1;
        return datagrams;
    };
    counters.received_datagrams += datagrams as u64;
    counters.received_bytes += bytes.len() as u64;
    counters.received_batches += 1;
    let received = message.ancillary.realtime_nanos.map_or(clock.now(), |nanos| clock.from_realtime(nanos));
    sink(Batch { socket: key, from, to: message.ancillary.to, received, bytes, segment_size });
    datagrams
}

const fn token(key: SocketKey) -> u64 {
    (key.generation as u64) << 32 | key.index as u64
}

fn key(token: u64) -> SocketKey {
    let [.., g0, g1, g2, g3] = (token >> 32).to_be_bytes();
    let [.., i0, i1, i2, i3] = token.to_be_bytes();
    SocketKey {
        index: u32::from_be_bytes([i0, i1, i2, i3]),
        generation: u32::from_be_bytes([g0, g1, g2, g3]),
    }
}

/// The sleeper's token. No socket has it: an index is below the table's capacity, which leaves out `u32::MAX`.
const WAKE: u64 = u64::MAX;
/// Descriptors that one wait reports; with more ready the next wait goes on where this one ended.
const EVENTS: usize = 256;
/// Receive errors that one socket may report in one go before the others have their turn.
const MAX_FAULTS: u32 = 4;

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, UdpSocket};

    use super::*;
    use crate::socket::{Ports, SocketConfig};

    #[test]
    fn a_lone_datagram_costs_one_call_to_learn_of_it_and_one_to_take_it() {
        let mut driver = EpollDriver::new(EpollConfig { sockets: 4, gso: true }).unwrap();
        let config = SocketConfig::new(IpAddr::V4(Ipv4Addr::LOCALHOST), Ports::Exact(0));
        let socket = Socket::bind(&config).unwrap();
        let local = socket.local_addr();
        driver.add(socket).unwrap();
        let peer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let budget = ReceiveBudget { total: 256, per_socket: 64 };
        for round in 1..=10 {
            peer.send_to(b"lone", local).unwrap();
            driver.turn(Wait::Until(Mono::NEVER), &mut || true).unwrap();
            let mut heard = 0;
            let received = driver.receive(driver.clock.now(), budget, &mut |_| heard += 1);
            assert_eq!((heard, received, driver.counters.syscalls), (1, Received::Drained, 2 * round));
        }
    }

    #[test]
    fn sockets_that_come_and_go_unread_leave_nothing_in_the_queue() {
        let mut driver = EpollDriver::new(EpollConfig { sockets: 4, gso: true }).unwrap();
        let peer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        for _ in 0..100 {
            let config = SocketConfig::new(IpAddr::V4(Ipv4Addr::LOCALHOST), Ports::Exact(0));
            let socket = Socket::bind(&config).unwrap();
            peer.send_to(b"unread", socket.local_addr()).unwrap();
            let key = driver.add(socket).unwrap();
            while driver.ready.is_empty() {
                driver.turn(Wait::Until(Mono::NEVER), &mut || true).unwrap();
            }
            driver.close(key);
            assert!(driver.ready.is_empty());
            assert_eq!(driver.next_closed(), Some(key));
        }
    }
}
