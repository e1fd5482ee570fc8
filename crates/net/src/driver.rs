//! What a shard asks of the kernel, and nothing more: datagrams in, runs of datagrams out, one place to wait.
//!
//! A driver lives on its shard's thread and owns that shard's sockets, receive buffers and egress memory. Two
//! implementations of equal standing exist (`uring`, `epoll`); all tests run against both.
//!
//! The order of calls in one tick is fixed: `turn` (submit what the last tick left, wait, collect), `receive`
//! until it says `Drained` or the budget is spent, then any number of `reserve` + `send`. Sends never wait:
//! a datagram that the kernel does not take at once is dropped and counted.

use core::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use wire::Mono;

use crate::listener::Listener;
use crate::socket::Socket;
use crate::stream::{Accepted, Detached, Farewell, Transfer};

/// A socket of one driver: of datagrams, a listener or a connection. The generation makes a stale key harmless: it names
/// nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketKey {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

impl SocketKey {
    /// A key with these parts. Only drivers make keys; tests make them for drivers that live in memory.
    #[must_use]
    pub const fn new(index: u32, generation: u32) -> Self {
        Self { index, generation }
    }

    /// Position in the driver's table: dense, so that others may keep tables beside it.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.index
    }

    /// Which socket of that position this is.
    #[must_use]
    pub const fn generation(self) -> u32 {
        self.generation
    }
}

/// What arrived from one peer on one socket in one go: one datagram, or a GRO train of equal ones.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The socket it came in on.
    pub socket: SocketKey,
    /// The peer's address.
    pub from: SocketAddr,
    /// The local address it was sent to, where the socket asks for it (pktinfo).
    pub to: Option<IpAddr>,
    /// When the kernel received the first datagram, on the shard's time line; the tick's time where the kernel does not say.
    pub received: Mono,
    /// The bytes of all datagrams, one after another.
    pub bytes: &'a [u8],
    /// Size of every datagram but the last, which may be shorter. Never zero.
    pub segment_size: usize,
}

impl<'a> Batch<'a> {
    /// The datagrams, in order of arrival.
    pub fn datagrams(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        self.bytes.chunks(self.segment_size.max(1))
    }
}

/// Bounds on one tick's receiving, so that neither a busy shard nor one flooded socket starves the rest.
#[derive(Clone, Copy, Debug)]
pub struct ReceiveBudget {
    /// Datagrams in all.
    pub total: usize,
    /// Datagrams of any one socket.
    pub per_socket: usize,
}

/// Whether a `receive` left something behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// Nothing is known to be waiting.
    Drained,
    /// The budget ended first: the next `turn` must not wait.
    More,
}

/// How long `turn` may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Not at all.
    Poll,
    /// Until something arrives, somebody wakes the shard, or this point of time.
    Until(Mono),
}

/// One run of datagrams to one peer, already written to the memory that `reserve` gave.
#[derive(Clone, Copy, Debug)]
pub struct Transmit {
    /// The socket to send from.
    pub socket: SocketKey,
    /// The peer. Ignored, except for an assertion, on a connected socket.
    pub to: SocketAddr,
    /// The local address to send from, where the socket is bound to a wildcard.
    pub from: Option<IpAddr>,
    /// Bytes of the run.
    pub len: usize,
    /// Size of every datagram but the last, which may be shorter. A run of one has `segment_size == len`.
    pub segment_size: usize,
}

impl Transmit {
    /// Datagrams in the run.
    #[inline]
    pub(crate) fn datagrams(&self) -> u64 {
        self.len.div_ceil(self.segment_size.max(1)).max(1) as u64
    }

    /// Whether so many reserved bytes can be sent as it says.
    #[inline]
    pub(crate) const fn is_sound(&self, reserved: usize) -> bool {
        self.len <= reserved && (self.segment_size > 0 || self.len == 0)
    }
}

/// I/O of one shard.
pub trait Driver: fmt::Debug {
    /// Takes over a bound socket and starts receiving from it.
    ///
    /// # Errors
    /// When the socket table or the kernel has no room left; the socket is closed then.
    fn add(&mut self, socket: Socket) -> io::Result<SocketKey>;

    /// Starts closing a socket. Its key is dead at once; its port is free only after `next_closed` has named it.
    fn close(&mut self, key: SocketKey);

    /// A socket whose descriptor the kernel has let go of since the last call.
    fn next_closed(&mut self) -> Option<SocketKey>;

    /// Connects a socket to its only peer, or with `None` undoes that, which IPv6 sockets do not support.
    ///
    /// # Errors
    /// What the kernel says, or [`Socket::connect`]; the socket stays as it was.
    fn connect(&mut self, key: SocketKey, peer: Option<SocketAddr>) -> io::Result<()>;

    /// Hands everything queued to the kernel, then waits as told and collects what is there. Before it really
    /// waits it raises the sleep flag that wakers look at and then asks `idle` for a last look at whatever
    /// other threads fill; it waits only when that says yes. So no wake-up is lost and none costs a system
    /// call while the shard is awake.
    ///
    /// # Errors
    /// Only when the driver itself is broken; interrupted waits and full queues are handled inside.
    fn turn(&mut self, wait: Wait, idle: &mut dyn FnMut() -> bool) -> io::Result<()>;

    /// Passes what has arrived to `sink`, within `budget`. Returns buffers to the kernel before it returns.
    fn receive(&mut self, now: Mono, budget: ReceiveBudget, sink: &mut dyn FnMut(Batch<'_>)) -> Received;

    /// Contiguous egress memory for a run of up to `len` bytes (at most [`MAX_RUN_BYTES`]). May hand earlier
    /// runs to the kernel to make room. What is reserved and not sent is simply reused: who reserves as much again
    /// before the next `send` or `turn` finds there what was written.
    fn reserve(&mut self, len: usize) -> &mut [u8];

    /// Sends the first `transmit.len` bytes of the last reservation. Failures are counted, never returned; a
    /// refused run counts all its datagrams as dropped, and so does one longer than the reservation or cut in
    /// segments of nothing. A run that the path cannot take as one (EMSGSIZE, EIO)
    /// goes out datagram by datagram before the next `turn` returns.
    fn send(&mut self, transmit: Transmit);

    /// A run will leave through that socket soon: a hint, for what a send looks at.
    fn prefetch(&self, socket: SocketKey) {
        let _ = socket;
    }

    /// Takes over a listener and says by `next_ready` when somebody connects. It is closed like a socket, and its
    /// port is free as soon; its connections live on.
    ///
    /// # Errors
    /// When the table of TCP sockets or the kernel has no room left; the listener is closed then. A driver that lives in
    /// memory need not know TCP.
    fn listen(&mut self, listener: Listener) -> io::Result<SocketKey> {
        drop(listener);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Accepts a connection, without waiting.
    fn accept(&mut self, listener: SocketKey) -> Accepted {
        let _ = listener;
        Accepted::Nobody
    }

    /// A listener where somebody may have connected, or a connection where something may have arrived, or ended, or there
    /// may be room to write again. Each once after it happened: who is told goes on until a call says that there is
    /// nothing, or asks again by itself.
    fn next_ready(&mut self) -> Option<SocketKey> {
        None
    }

    /// Reads from a connection what is there, without waiting.
    fn read(&mut self, key: SocketKey, into: &mut [u8]) -> Transfer {
        let _ = (key, into);
        Transfer::Ended
    }

    /// Writes to a connection what it takes, without waiting.
    fn write(&mut self, key: SocketKey, bytes: &[u8]) -> Transfer {
        let _ = (key, bytes);
        Transfer::Ended
    }

    /// Starts closing a connection, as `close` does; that is the orderly way.
    fn part(&mut self, key: SocketKey, farewell: Farewell) {
        let _ = farewell;
        self.close(key);
    }

    /// Lets go of a connection without ending it: this driver closes its own handle on it, and whoever gets the other one
    /// goes on where this one stopped.
    ///
    /// # Errors
    /// When the key names no connection that is alive, or there is no descriptor left; nothing has changed then.
    fn detach(&mut self, key: SocketKey) -> io::Result<Detached> {
        let _ = key;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Takes up a connection that another driver has let go of. What has arrived meanwhile is told like any arrival.
    ///
    /// # Errors
    /// When the table of TCP sockets or the kernel has no room left; the connection is closed then.
    fn adopt(&mut self, detached: Detached) -> io::Result<SocketKey> {
        drop(detached);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// A handle by which any thread ends this driver's wait.
    fn waker(&self) -> crate::lane::Waker;

    /// What it did so far.
    fn counters(&self) -> &DriverCounters;

    /// Its name in logs, metrics and bench rows.
    fn name(&self) -> &'static str;
}

/// Longest run, in bytes: the largest payload of one UDP datagram over IPv4, which bounds a GSO send.
pub const MAX_RUN_BYTES: usize = 65_507;
/// Most datagrams in a run: the kernel's limit since UDP GSO exists (newer kernels take 128).
pub const MAX_RUN_SEGMENTS: usize = 64;

/// Plain counters of one driver; its thread writes them and publishes copies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DriverCounters {
    /// Datagrams received.
    pub received_datagrams: u64,
    /// Bytes received, UDP payload only.
    pub received_bytes: u64,
    /// Receive operations that delivered them; the ratio is the mean GRO train.
    pub received_batches: u64,
    /// Datagrams handed to the kernel and taken.
    pub sent_datagrams: u64,
    /// Bytes of them, UDP payload only.
    pub sent_bytes: u64,
    /// Send operations that carried them; the ratio is the mean run.
    pub sent_runs: u64,
    /// Datagrams dropped because the socket's send buffer was full (EAGAIN, ENOBUFS).
    pub dropped_would_block: u64,
    /// Datagrams dropped because the peer's port is closed (ECONNREFUSED).
    pub dropped_refused: u64,
    /// Datagrams dropped for any other error of a send.
    pub dropped_error: u64,
    /// Datagrams not sent because the key named no open socket.
    pub dropped_no_socket: u64,
    /// Datagrams cut by the kernel because they exceed a receive buffer, and dropped.
    pub dropped_truncated: u64,
    /// Errors that a receive reported (ICMP of an earlier send, for example).
    pub receive_errors: u64,
    /// Times the kernel found no receive buffer; nothing is lost, it keeps the datagrams.
    pub receive_starved: u64,
    /// Destinations and sockets for which GSO was turned off.
    pub gso_disabled: u64,
    /// Bytes read from connections.
    pub stream_received_bytes: u64,
    /// Bytes that connections took.
    pub stream_sent_bytes: u64,
    /// Times `turn` really waited.
    pub waits: u64,
    /// Waits ended by a waker.
    pub wakes: u64,
    /// System calls made.
    pub syscalls: u64,
}
