//! What an engine may do with the driver, and when.
//!
//! [`Sockets`] comes with commands and with flushes, [`Egress`] with flushes only. Both remember on the
//! shard's side which sockets are open, so that an engine that panics leaves none behind.

use std::io;
use std::net::SocketAddr;

use net::{Driver, Listener, Socket, SocketKey, Transmit};

use crate::counters::RUN_BUCKETS;
use crate::histogram::Histogram;
use crate::streams::Streams;

/// Opens, connects and closes the engine's sockets.
#[derive(Debug)]
pub struct Sockets<'a, D: Driver> {
    pub(crate) driver: &'a mut D,
    pub(crate) open: &'a mut OpenSockets,
    pub(crate) streams: &'a mut Streams,
}

impl<D: Driver> Sockets<'_, D> {
    /// Takes over a bound socket and starts receiving from it.
    ///
    /// # Errors
    /// When the driver or the kernel has no room left; the socket is closed then.
    pub fn add(&mut self, socket: Socket) -> io::Result<SocketKey> {
        let key = self.driver.add(socket)?;
        self.open.insert(key);
        Ok(key)
    }

    /// Takes over a listener and begins to accept. Its connections are owned by whom the listener is.
    ///
    /// # Errors
    /// As of [`add`](Self::add).
    pub fn listen(&mut self, listener: Listener) -> io::Result<SocketKey> {
        let key = self.driver.listen(listener)?;
        self.open.insert(key);
        self.streams.listens(key);
        Ok(key)
    }

    /// Starts closing a socket, or a listener with all its connections. [`Engine::closed`](crate::Engine::closed) says
    /// when its port is free.
    pub fn close(&mut self, key: SocketKey) {
        if self.open.remove(key) {
            self.driver.close(key);
            for (connection, farewell) in self.streams.forget_listener(key) {
                if self.open.remove(connection) {
                    self.driver.part(connection, farewell);
                }
            }
        }
    }

    /// Connects a socket to its only peer, or with `None` undoes that.
    ///
    /// # Errors
    /// What the kernel says; the socket stays as it was.
    pub fn connect(&mut self, key: SocketKey, peer: Option<SocketAddr>) -> io::Result<()> {
        self.driver.connect(key, peer)
    }
}

/// Sends what a transport has.
#[derive(Debug)]
pub struct Egress<'a, D: Driver> {
    pub(crate) driver: &'a mut D,
    pub(crate) open: &'a mut OpenSockets,
    pub(crate) streams: &'a mut Streams,
    pub(crate) runs: &'a mut Histogram<RUN_BUCKETS>,
}

impl<D: Driver> Egress<'_, D> {
    /// Contiguous memory for a run of up to `len` bytes. What is not sent is reused by the next reservation.
    #[inline]
    pub fn reserve(&mut self, len: usize) -> &mut [u8] {
        self.driver.reserve(len)
    }

    /// Sends the first `transmit.len` bytes of the last reservation.
    #[inline]
    pub fn send(&mut self, transmit: Transmit) {
        self.runs.record(transmit.len.div_ceil(transmit.segment_size.max(1)) as u64);
        self.driver.send(transmit);
    }

    /// Sends them over the TCP connection that `transmit.socket` names, each as a frame.
    pub fn send_framed(&mut self, transmit: &Transmit) {
        self.runs.record(transmit.len.div_ceil(transmit.segment_size.max(1)) as u64);
        self.streams.send(transmit, self.driver);
    }

    /// A run will leave through that socket soon: a hint.
    #[inline]
    pub fn prefetch(&self, socket: SocketKey) {
        self.driver.prefetch(socket);
    }

    /// The sockets: a transport whose tuple became fixed connects its own here.
    pub const fn sockets(&mut self) -> Sockets<'_, D> {
        Sockets { driver: self.driver, open: self.open, streams: self.streams }
    }
}

/// The engine's sockets, as the shard knows them.
#[derive(Debug, Default)]
pub(crate) struct OpenSockets {
    /// By index.
    keys: Vec<Option<SocketKey>>,
    closing: usize,
}

impl OpenSockets {
    /// Begins to close everything.
    pub(crate) fn close_all<D: Driver>(&mut self, driver: &mut D) {
        for key in self.keys.iter_mut().filter_map(Option::take) {
            self.closing += 1;
            driver.close(key);
        }
    }

    /// The driver has let go of one.
    pub(crate) const fn closed(&mut self) {
        self.closing = self.closing.saturating_sub(1);
    }

    /// Sockets that are being closed.
    pub(crate) const fn closing(&self) -> usize {
        self.closing
    }

    pub(crate) fn insert(&mut self, key: SocketKey) {
        let index = key.index() as usize;
        if index >= self.keys.len() {
            self.keys.resize(index + 1, None);
        }
        self.keys[index] = Some(key);
    }

    pub(crate) fn remove(&mut self, key: SocketKey) -> bool {
        let held = self.keys.get_mut(key.index() as usize).and_then(|held| held.take_if(|held| *held == key));
        self.closing += usize::from(held.is_some());
        held.is_some()
    }
}
