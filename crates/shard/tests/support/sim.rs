//! A driver that lives in memory: what arrives is scripted, what is sent is kept.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr};

use net::lane::{Sleeper, Waker};
use net::{
    Accepted, Batch, Detached, Driver, DriverCounters, Listener, ReceiveBudget, Received, Socket, SocketKey,
    Transfer, Transmit, Wait,
};
use wire::Mono;

/// A run that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub socket: SocketKey,
    pub to: SocketAddr,
    pub datagrams: Vec<Vec<u8>>,
}

/// The driver.
#[derive(Debug)]
pub struct SimDriver {
    pub sleeper: Sleeper,
    sockets: Vec<SimSocket>,
    arrivals: VecDeque<Arrival>,
    spare: Vec<Vec<u8>>,
    egress: Vec<u8>,
    reserved: usize,
    pub sent: Vec<Sent>,
    /// Whether `sent` is filled; counters are in any case.
    pub keep: bool,
    /// What its sockets say of the address that a datagram was sent to, as those of a wildcard do.
    pub local: Option<IpAddr>,
    /// Whether it takes no socket more.
    pub refuses: bool,
    /// Whether it lets no connection go.
    pub clings: bool,
    /// Turns between a close and its end.
    pub reaping_turns: u32,
    closing: VecDeque<(SocketKey, u32)>,
    closed: VecDeque<SocketKey>,
    pub last_wait: Option<Wait>,
    connected: Vec<(SocketKey, Option<SocketAddr>)>,
    /// Whether somebody waits at each new listener, for whom there is no descriptor.
    pub starves: bool,
    /// Listeners and connections to which something happened.
    ready: VecDeque<SocketKey>,
    listeners: Vec<SocketKey>,
    /// Those who wait to be accepted.
    knocking: VecDeque<SocketAddr>,
    connections: BTreeMap<SocketKey, SimConnection>,
    /// How often somebody was to be accepted.
    pub accepts: u32,
    counters: DriverCounters,
}

#[derive(Debug)]
struct SimSocket {
    generation: u32,
    /// Holds its port until it is reaped.
    socket: Option<Socket>,
    listener: Option<Listener>,
    state: State,
    in_tick: usize,
}

/// A TCP connection that is open.
#[derive(Debug)]
struct SimConnection {
    from: SocketAddr,
    /// What the peer said and nobody has read.
    unread: VecDeque<u8>,
    /// What was written, and the peer has not read.
    written: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Open,
    Closing,
    Free,
}

#[derive(Debug)]
struct Arrival {
    socket: SocketKey,
    from: SocketAddr,
    to: Option<IpAddr>,
    bytes: Vec<u8>,
    segment_size: usize,
}

impl SimDriver {
    pub fn new() -> Self {
        Self {
            sleeper: Sleeper::new().unwrap(),
            sockets: Vec::new(),
            arrivals: VecDeque::new(),
            spare: Vec::new(),
            egress: vec![0; net::driver::MAX_RUN_BYTES],
            reserved: 0,
            sent: Vec::new(),
            keep: true,
            local: None,
            refuses: false,
            clings: false,
            reaping_turns: 1,
            closing: VecDeque::new(),
            closed: VecDeque::new(),
            last_wait: None,
            connected: Vec::new(),
            starves: false,
            ready: VecDeque::new(),
            listeners: Vec::new(),
            knocking: VecDeque::new(),
            connections: BTreeMap::new(),
            accepts: 0,
            counters: DriverCounters::default(),
        }
    }

    /// A batch of datagrams of `segment_size` arrives.
    pub fn deliver(&mut self, socket: SocketKey, from: SocketAddr, bytes: &[u8], segment_size: usize) {
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(bytes);
        self.arrivals.push_back(Arrival { socket, from, to: self.local, bytes: buffer, segment_size });
    }

    /// Somebody connects to the newest listener.
    pub fn knock(&mut self, from: SocketAddr) {
        self.knocking.push_back(from);
        self.ready.extend(self.listeners.last());
    }

    /// Somebody who is connected says something.
    pub fn say(&mut self, from: SocketAddr, bytes: &[u8]) {
        let (key, connection) = self.connections.iter_mut().find(|(_, to)| to.from == from).unwrap();
        connection.unread.extend(bytes);
        self.ready.push_back(*key);
    }

    /// What was said to somebody since the last time; nothing once he is not connected any more.
    pub fn said_to(&mut self, from: SocketAddr) -> Option<Vec<u8>> {
        let connection = self.connections.values_mut().find(|to| to.from == from);
        connection.map(|connection| std::mem::take(&mut connection.written))
    }

    /// The open socket on that local port.
    pub fn on_port(&self, port: u16) -> Option<SocketKey> {
        let is_there = |socket: &SimSocket| {
            let local = socket.socket.as_ref().map(|socket| socket.local_addr().port());
            socket.state == State::Open && local == Some(port)
        };
        let index = self.sockets.iter().position(is_there)?;
        Some(SocketKey::new(u32::try_from(index).unwrap(), self.sockets[index].generation))
    }

    /// The local port of a socket.
    pub fn port_of(&self, key: SocketKey) -> Option<u16> {
        let socket = self.sockets.get(key.index() as usize)?;
        socket.socket.as_ref().map(|socket| socket.local_addr().port())
    }

    /// The peer that a socket was connected to.
    pub fn connected(&self, key: SocketKey) -> Option<SocketAddr> {
        self.connected.iter().rev().find(|(socket, _)| *socket == key).and_then(|(_, peer)| *peer)
    }

    /// Sockets that hold a port.
    pub fn occupied(&self) -> usize {
        self.sockets.iter().filter(|socket| socket.state != State::Free).count()
    }

    /// Datagrams that nobody has taken yet.
    pub fn waiting(&self) -> usize {
        self.arrivals.len()
    }

    fn enter(&mut self, socket: Option<Socket>, listener: Option<Listener>) -> io::Result<SocketKey> {
        if self.refuses {
            return Err(io::Error::other("the table is full"));
        }
        let free = self.sockets.iter().position(|socket| socket.state == State::Free);
        let index = free.unwrap_or_else(|| {
            let state = State::Free;
            self.sockets.push(SimSocket { generation: 0, socket: None, listener: None, state, in_tick: 0 });
            self.sockets.len() - 1
        });
        let place = &mut self.sockets[index];
        (place.state, place.socket, place.listener) = (State::Open, socket, listener);
        Ok(SocketKey::new(u32::try_from(index).unwrap(), place.generation))
    }

    fn is_open(&self, key: SocketKey) -> bool {
        let socket = self.sockets.get(key.index() as usize);
        socket.is_some_and(|socket| socket.generation == key.generation() && socket.state == State::Open)
    }
}

impl Driver for SimDriver {
    fn add(&mut self, socket: Socket) -> io::Result<SocketKey> {
        self.enter(Some(socket), None)
    }

    fn close(&mut self, key: SocketKey) {
        assert!(self.is_open(key), "closed twice: {key:?}");
        self.sockets[key.index() as usize].state = State::Closing;
        self.connections.remove(&key);
        self.closing.push_back((key, self.reaping_turns));
    }

    fn next_closed(&mut self) -> Option<SocketKey> {
        self.closed.pop_front()
    }

    fn connect(&mut self, key: SocketKey, peer: Option<SocketAddr>) -> io::Result<()> {
        self.connected.push((key, peer));
        Ok(())
    }

    fn turn(&mut self, wait: Wait, idle: &mut dyn FnMut() -> bool) -> io::Result<()> {
        let waits = wait != Wait::Poll && self.arrivals.is_empty() && idle();
        self.counters.waits += u64::from(waits);
        self.last_wait = Some(if waits { wait } else { Wait::Poll });
        for _ in 0..self.closing.len() {
            let Some((key, turns)) = self.closing.pop_front() else { break };
            if turns > 0 {
                self.closing.push_back((key, turns - 1));
                continue;
            }
            let socket = &mut self.sockets[key.index() as usize];
            socket.state = State::Free;
            socket.socket = None;
            socket.listener = None;
            socket.generation += 1;
            self.closed.push_back(key);
        }
        Ok(())
    }

    fn receive(&mut self, now: Mono, budget: ReceiveBudget, sink: &mut dyn FnMut(Batch<'_>)) -> Received {
        self.sockets.iter_mut().for_each(|socket| socket.in_tick = 0);
        let mut total = 0;
        // Each arrival is looked at once; what is over its socket's budget stays, in order.
        for _ in 0..self.arrivals.len() {
            let Some(arrival) = self.arrivals.pop_front() else { break };
            let socket = &mut self.sockets[arrival.socket.index() as usize];
            if total >= budget.total || socket.in_tick >= budget.per_socket {
                self.arrivals.push_back(arrival);
                continue;
            }
            let Arrival { socket: key, from, to, bytes, segment_size } = arrival;
            if socket.state == State::Open && socket.generation == key.generation() {
                let datagrams = bytes.len().div_ceil(segment_size);
                total += datagrams;
                socket.in_tick += datagrams;
                self.counters.received_datagrams += datagrams as u64;
                sink(Batch { socket: key, from, to, received: now, bytes: &bytes, segment_size });
            }
            self.spare.push(bytes);
        }
        if self.arrivals.is_empty() { Received::Drained } else { Received::More }
    }

    fn reserve(&mut self, len: usize) -> &mut [u8] {
        self.reserved = len;
        &mut self.egress[..len]
    }

    fn send(&mut self, transmit: Transmit) {
        assert!(transmit.len <= self.reserved, "sent more than was reserved");
        let datagrams = transmit.len.div_ceil(transmit.segment_size) as u64;
        if !self.is_open(transmit.socket) {
            self.counters.dropped_no_socket += datagrams;
            return;
        }
        self.counters.sent_datagrams += datagrams;
        self.counters.sent_runs += 1;
        if self.keep {
            let run = self.egress[..transmit.len].chunks(transmit.segment_size);
            let datagrams = run.map(<[u8]>::to_vec).collect();
            self.sent.push(Sent { socket: transmit.socket, to: transmit.to, datagrams });
        }
    }

    fn listen(&mut self, listener: Listener) -> io::Result<SocketKey> {
        let key = self.enter(None, Some(listener))?;
        self.listeners.push(key);
        if self.starves {
            self.ready.push_back(key);
        }
        Ok(key)
    }

    fn accept(&mut self, _: SocketKey) -> Accepted {
        self.accepts += 1;
        if self.starves {
            return Accepted::Exhausted;
        }
        let Some(from) = self.knocking.pop_front() else { return Accepted::Nobody };
        let key = self.enter(None, None).unwrap();
        let connection = SimConnection { from, unread: VecDeque::new(), written: Vec::new() };
        self.connections.insert(key, connection);
        Accepted::Connection { key, from }
    }

    fn next_ready(&mut self) -> Option<SocketKey> {
        self.ready.pop_front()
    }

    fn read(&mut self, key: SocketKey, into: &mut [u8]) -> Transfer {
        let Some(SimConnection { unread, .. }) = self.connections.get_mut(&key) else {
            return Transfer::Ended;
        };
        let count = unread.len().min(into.len());
        into.iter_mut().zip(unread.drain(..count)).for_each(|(into, byte)| *into = byte);
        if count > 0 { Transfer::Bytes(count) } else { Transfer::Later }
    }

    fn write(&mut self, key: SocketKey, bytes: &[u8]) -> Transfer {
        let Some(connection) = self.connections.get_mut(&key) else { return Transfer::Ended };
        connection.written.extend_from_slice(bytes);
        Transfer::Bytes(bytes.len())
    }

    fn detach(&mut self, key: SocketKey) -> io::Result<Detached> {
        if self.clings {
            return Err(io::Error::other("no descriptor is left"));
        }
        let connection = self.connections.remove(&key).unwrap();
        let from = connection.from;
        ADRIFT.with_borrow_mut(|adrift| adrift.insert(from, connection));
        self.close(key);
        Ok(Detached::new(File::open("/dev/null")?.into(), from))
    }

    fn adopt(&mut self, detached: Detached) -> io::Result<SocketKey> {
        let from = detached.from();
        let connection = ADRIFT.with_borrow_mut(|adrift| adrift.remove(&from)).unwrap();
        let key = self.enter(None, None)?;
        self.connections.insert(key, connection);
        Ok(key)
    }

    fn waker(&self) -> Waker {
        self.sleeper.waker()
    }

    fn counters(&self) -> &DriverCounters {
        &self.counters
    }

    fn name(&self) -> &'static str {
        "sim"
    }
}

thread_local! {
    /// Connections that one driver has let go of. All drivers of a test live on its thread.
    static ADRIFT: RefCell<BTreeMap<SocketAddr, SimConnection>> = const { RefCell::new(BTreeMap::new()) };
}
