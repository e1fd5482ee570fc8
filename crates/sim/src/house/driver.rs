//! What stands in for a shard's kernel: datagrams come when the world says so, and what is sent is kept for it.
//!
//! Sockets are real ones, bound on loopback and never used: rooms bind them before the driver sees them. Their ports are
//! names and nothing more, and no output depends on them.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;

use net::lane::{Sleeper, Waker};
use net::{Batch, Driver, DriverCounters, ReceiveBudget, Received, Socket, SocketKey, Transmit, Wait};
use wire::Mono;

/// A run that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// To whom.
    pub to: SocketAddr,
    /// Its datagrams.
    pub datagrams: Vec<Vec<u8>>,
}

/// The driver.
#[derive(Debug)]
pub struct MemoryDriver {
    sleeper: Sleeper,
    places: Vec<Place>,
    arrivals: VecDeque<Arrival>,
    egress: Vec<u8>,
    reserved: usize,
    sent: Vec<Sent>,
    closing: VecDeque<(SocketKey, u32)>,
    closed: VecDeque<SocketKey>,
    waits: Option<Wait>,
    counters: DriverCounters,
}

/// A place in the table of sockets.
#[derive(Debug, Default)]
struct Place {
    generation: u32,
    /// Holds its port until it is reaped.
    socket: Option<Socket>,
    is_open: bool,
    in_tick: usize,
}

#[derive(Debug)]
struct Arrival {
    socket: SocketKey,
    from: SocketAddr,
    received: Mono,
    bytes: Vec<u8>,
}

impl MemoryDriver {
    /// A driver without sockets.
    ///
    /// # Errors
    /// When the process has no descriptor left.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            sleeper: Sleeper::new()?,
            places: Vec::new(),
            arrivals: VecDeque::new(),
            egress: vec![0; net::driver::MAX_RUN_BYTES],
            reserved: 0,
            sent: Vec::new(),
            closing: VecDeque::new(),
            closed: VecDeque::new(),
            waits: None,
            counters: DriverCounters::default(),
        })
    }

    /// A datagram reaches a local port at that time. Whether anybody is there.
    pub fn deliver(&mut self, port: u16, from: SocketAddr, received: Mono, bytes: Vec<u8>) -> bool {
        let Some(socket) = self.on_port(port) else { return false };
        self.arrivals.push_back(Arrival { socket, from, received, bytes });
        true
    }

    /// Takes what was sent, in order.
    pub fn take_sent(&mut self) -> Vec<Sent> {
        core::mem::take(&mut self.sent)
    }

    /// How long the shard would have waited in its last turn; nothing if it had work.
    #[must_use]
    pub const fn waits_until(&self) -> Option<Mono> {
        match self.waits {
            Some(Wait::Until(at)) => Some(at),
            _ => None,
        }
    }

    /// Sockets that hold a port.
    #[must_use]
    pub fn occupied(&self) -> usize {
        self.places.iter().filter(|place| place.socket.is_some()).count()
    }

    fn on_port(&self, port: u16) -> Option<SocketKey> {
        let is_there = |place: &Place| {
            place.is_open && place.socket.as_ref().is_some_and(|socket| socket.local_addr().port() == port)
        };
        let index = self.places.iter().position(is_there)?;
        Some(SocketKey::new(u32::try_from(index).ok()?, self.places[index].generation))
    }

    fn open(&mut self, key: SocketKey) -> Option<&mut Place> {
        let place = self.places.get_mut(key.index() as usize)?;
        (place.generation == key.generation() && place.is_open).then_some(place)
    }
}

impl Driver for MemoryDriver {
    fn add(&mut self, socket: Socket) -> io::Result<SocketKey> {
        let free = self.places.iter().position(|place| place.socket.is_none());
        let index = free.unwrap_or_else(|| {
            self.places.push(Place::default());
            self.places.len() - 1
        });
        let place = &mut self.places[index];
        place.is_open = true;
        place.socket = Some(socket);
        let index = u32::try_from(index).map_err(io::Error::other)?;
        Ok(SocketKey::new(index, place.generation))
    }

    fn close(&mut self, key: SocketKey) {
        let place = self.open(key);
        assert!(place.is_some(), "closed twice: {key:?}");
        place.into_iter().for_each(|place| place.is_open = false);
        self.closing.push_back((key, REAPING_TURNS));
    }

    fn next_closed(&mut self) -> Option<SocketKey> {
        self.closed.pop_front()
    }

    fn connect(&mut self, _key: SocketKey, _peer: Option<SocketAddr>) -> io::Result<()> {
        Ok(())
    }

    fn turn(&mut self, wait: Wait, idle: &mut dyn FnMut() -> bool) -> io::Result<()> {
        let waits = wait != Wait::Poll && self.arrivals.is_empty() && idle();
        self.counters.waits += u64::from(waits);
        self.waits = waits.then_some(wait);
        for _ in 0..self.closing.len() {
            let Some((key, turns)) = self.closing.pop_front() else { break };
            if turns > 0 {
                self.closing.push_back((key, turns - 1));
                continue;
            }
            let place = &mut self.places[key.index() as usize];
            place.socket = None;
            place.generation += 1;
            self.closed.push_back(key);
        }
        Ok(())
    }

    fn receive(&mut self, _now: Mono, budget: ReceiveBudget, sink: &mut dyn FnMut(Batch<'_>)) -> Received {
        self.places.iter_mut().for_each(|place| place.in_tick = 0);
        let mut total = 0;
        // Each arrival is looked at once; what is over its socket's budget stays, in order.
        for _ in 0..self.arrivals.len() {
            let Some(arrival) = self.arrivals.pop_front() else { break };
            let Some(place) = self.open(arrival.socket) else { continue };
            if total >= budget.total || place.in_tick >= budget.per_socket {
                self.arrivals.push_back(arrival);
                continue;
            }
            place.in_tick += 1;
            total += 1;
            self.counters.received_datagrams += 1;
            let Arrival { socket, from, received, bytes } = arrival;
            // An empty datagram has no segments, and nobody could make anything of it.
            let segment_size = bytes.len().max(1);
            sink(Batch { socket, from, to: None, received, bytes: &bytes, segment_size });
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
        if self.open(transmit.socket).is_none() {
            self.counters.dropped_no_socket += datagrams;
            return;
        }
        self.counters.sent_datagrams += datagrams;
        self.counters.sent_runs += 1;
        let run = self.egress[..transmit.len].chunks(transmit.segment_size);
        self.sent.push(Sent { to: transmit.to, datagrams: run.map(<[u8]>::to_vec).collect() });
    }

    fn waker(&self) -> Waker {
        self.sleeper.waker()
    }

    fn counters(&self) -> &DriverCounters {
        &self.counters
    }

    fn name(&self) -> &'static str {
        "memory"
    }
}

/// Turns between a close and its end: what a kernel takes, in short.
const REAPING_TURNS: u32 = 1;
