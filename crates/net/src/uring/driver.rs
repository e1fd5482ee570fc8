//! [`UringDriver`]: what happens in which order.

mod sending;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::time::Duration;

use io_uring::types::{CancelBuilder, Fd};
use io_uring::{cqueue, opcode, squeue};
use wire::Mono;

use super::buffers::{self, Buffers, Lease};
use super::message::{CONTROL_BYTES, Message, NAME_BYTES};
use super::outbox::{Outbox, Run};
use super::ring::Ring;
use super::sockets::{Sockets, Turn};
use super::token::Token;
use super::watches::Watches;
use crate::clock::Clock;
use crate::driver::{
    Batch, Driver, DriverCounters, MAX_RUN_BYTES, ReceiveBudget, Received, SocketKey, Transmit, Wait,
};
use crate::egress::Egress;
use crate::gso::RefusedPaths;
use crate::lane::{Sleeper, Waker};
use crate::listener::Listener;
use crate::socket::Socket;
use crate::stream::{Accepted, Detached, Farewell, Transfer};

/// Sizes of a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UringConfig {
    /// Most sockets at a time, closing ones included; and as many listeners and connections.
    pub sockets: u32,
    /// Receive buffers, a power of two. Each takes 64 KiB of address space, and as much memory as ever arrived in
    /// it at once.
    pub buffers: u16,
    /// Most runs in one submission, a power of two.
    pub batch: u16,
    /// Bytes of runs after which a submission is handed over; one more run may follow them.
    pub egress_bytes: usize,
    /// Whether runs may go out as one (UDP GSO).
    pub gso: bool,
    /// Entries of the completion queue; `None` for as many as usually are outstanding.
    pub completions: Option<u32>,
}

/// I/O of one shard on io_uring.
///
/// The order of the fields is the order in which they go: the ring before everything that it points to.
#[derive(Debug)]
pub struct UringDriver {
    ring: Ring,
    buffers: Buffers,
    outbox: Outbox,
    egress: Egress,
    /// The form of every receive: how much room for name and control messages.
    receive_header: Box<libc::msghdr>,
    sockets: Sockets,
    watches: Watches,
    inbox: VecDeque<Arrival>,
    /// The arrival that the shard is looking at.
    current: Option<Arrival>,
    /// Runs that the kernel refused as runs.
    refused: Vec<Run>,
    refused_paths: RefusedPaths,
    closed: VecDeque<SocketKey>,
    sleeper: Sleeper,
    /// Whether the kernel watches the sleeper's eventfd.
    watching: bool,
    clock: Clock,
    counters: DriverCounters,
    /// Calls of the ring that the counters know.
    counted_calls: u64,
    /// Why this driver can do nothing any more; every later turn says so.
    broken: Option<i32>,
}

/// A filled buffer that waits to be passed on.
#[derive(Debug)]
struct Arrival {
    socket: SocketKey,
    lease: Lease,
}

impl UringDriver {
    /// Sets everything up, on the thread that will drive it.
    ///
    /// # Errors
    /// What the kernel refuses: see `probe` for what that means.
    pub fn new(config: UringConfig) -> io::Result<Self> {
        let completions = config.completions.unwrap_or_else(|| usual_completions(&config));
        let ring = Ring::new(u32::from(config.batch), completions)?;
        let buffers = Buffers::new(config.buffers, &ring.submitter())?;
        let slots = config.sockets as usize;
        Ok(Self {
            buffers,
            outbox: Outbox::new(config.batch),
            egress: Egress::new(config.egress_bytes + MAX_RUN_BYTES)?,
            receive_header: Box::new(receive_header()),
            sockets: Sockets::new(config.sockets, usize::from(config.buffers) / SHARES, config.gso),
            watches: Watches::new(config.sockets, config.sockets),
            inbox: VecDeque::with_capacity(usize::from(config.buffers)),
            current: None,
            refused: Vec::with_capacity(2 * usize::from(config.batch)),
            refused_paths: RefusedPaths::new(),
            closed: VecDeque::with_capacity(slots),
            sleeper: Sleeper::new()?,
            watching: false,
            clock: Clock::start(),
            counters: DriverCounters::default(),
            counted_calls: 0,
            broken: None,
            ring,
        })
    }

    /// Address space of the receive buffers: the most memory that receiving can take.
    #[must_use]
    pub const fn receive_memory_bytes(&self) -> usize {
        self.buffers.memory_bytes()
    }

    /// Queues what the sockets need: cancellations first, since they make room.
    fn queue_receives(&mut self) {
        if !self.watching {
            let fd = Fd(self.sleeper.fd().as_raw_fd());
            // Edge-triggered: each write is one completion, and the counter is never read.
            let poll = opcode::PollAdd::new(fd, EVENT_IN).multi(true).build();
            self.watching = true;
            self.push(&poll.user_data(Token::Wake.encode()));
        }
        self.queue_cancellations();
        self.queue_watches();
        // Without a buffer every receive would end at once. All are in the inbox then, so the turn does not wait.
        if !self.buffers.any_provided() {
            return;
        }
        // Only what is listed now: submitting a full batch lets completions in, and a receive that finds no buffer
        // ends at once and is listed again. It has its next try in the next turn, when some have come back.
        for _ in 0..self.sockets.listed().0 {
            let Some((key, fd)) = self.sockets.next_to_arm() else { break };
            let header: *const libc::msghdr = &raw const *self.receive_header;
            let receive = opcode::RecvMsgMulti::new(Fd(fd), header, buffers::GROUP).build();
            self.push(&receive.user_data(Token::Receive(key).encode()));
        }
    }

    fn queue_cancellations(&mut self) {
        // Only what is listed now, as above: one that missed its receive is listed again.
        for _ in 0..self.sockets.listed().1 {
            let Some(key) = self.sockets.next_to_cancel() else { break };
            self.queue_cancellation(key);
        }
        for _ in 0..self.watches.listed().1 {
            let Some(key) = self.watches.next_to_cancel() else { break };
            self.queue_cancellation(key);
        }
    }

    fn queue_cancellation(&mut self, key: SocketKey) {
        let builder = CancelBuilder::user_data(Token::Receive(key).encode());
        let cancel = opcode::AsyncCancel2::new(builder).build().flags(squeue::Flags::SKIP_SUCCESS);
        self.push(&cancel.user_data(Token::Cancel(key).encode()));
    }

    fn queue_watches(&mut self) {
        for _ in 0..self.watches.listed().0 {
            let Some((key, fd)) = self.watches.next_to_arm() else { break };
            let poll = opcode::PollAdd::new(Fd(fd), EVENT_IN | EVENT_OUT).multi(true).build();
            self.push(&poll.user_data(Token::Receive(key).encode()));
        }
    }

    /// Takes what has completed, and lets in what is about to: newer kernels do the work of twenty completions at
    /// most in a call, and say that there is more. Sockets that got their share are stopped in between, and receives
    /// that ended are armed again: an empty datagram ends one, and who sends many may not keep the rest waiting.
    fn collect_all(&mut self) -> io::Result<()> {
        self.collect();
        for _ in 0..MOST_PASSES {
            self.queue_receives();
            if !self.ring.has_pending() {
                break;
            }
            self.ring.poll()?;
            self.collect();
        }
        Ok(())
    }

    /// Takes all completions.
    fn collect(&mut self) {
        while let Some(completion) = self.ring.next_completion() {
            match Token::decode(completion.user_data()) {
                Token::Receive(key) if self.watches.streams.has(key) => {
                    self.watches.completed(key, completion.result(), cqueue::more(completion.flags()));
                }
                Token::Receive(key) => self.receive_completed(key, completion.result(), completion.flags()),
                Token::Send { slot, batch } => self.send_failed(slot, batch, completion.result()),
                Token::Cancel(key) if self.watches.streams.has(key) => self.watches.cancel_missed(key),
                // Successful ones leave no completion.
                Token::Cancel(key) => self.sockets.cancel_missed(key),
                Token::Wake => {
                    self.counters.wakes += 1;
                    self.watching = cqueue::more(completion.flags());
                }
            }
        }
    }

    fn receive_completed(&mut self, key: SocketKey, result: i32, flags: u32) {
        let len = usize::try_from(result).unwrap_or(0);
        if let Some(lease) = cqueue::buffer_select(flags).and_then(|id| self.buffers.lease(id, len)) {
            self.inbox.push_back(Arrival { socket: key, lease });
            self.sockets.arrived(key);
        }
        match -result {
            libc::ENOBUFS => self.counters.receive_starved += 1,
            // Ours, or the kernel's way to say that it was interrupted.
            libc::ECANCELED | libc::EINTR | libc::EAGAIN => {}
            error if error > 0 => self.counters.receive_errors += 1,
            _ => {}
        }
        if !cqueue::more(flags) {
            self.sockets.ended(key);
        }
    }

    fn release_closed(&mut self) {
        while let Some((key, socket)) = self.sockets.next_released() {
            drop(socket);
            self.closed.push_back(key);
        }
        while let Some(key) = self.watches.release_next() {
            self.closed.push_back(key);
        }
    }

    /// Passes one arrival on and returns its buffer. How many datagrams it was.
    fn pass_on(&mut self, arrival: Arrival, now: Mono, sink: &mut dyn FnMut(Batch<'_>)) -> usize {
        let Arrival { socket, lease } = self.current.insert(arrival);
        let message = Message::parse(self.buffers.bytes(lease));
        let mut datagrams = 1;
        match message {
            Some(message) if !message.truncated => {
                let Message { from, ancillary, payload: bytes, .. } = message;
                let segment_size = ancillary.segment_size.unwrap_or(bytes.len()).max(1);
                datagrams = bytes.len().div_ceil(segment_size).max(1);
                self.sockets.took(*socket, datagrams);
                self.counters.received_batches += 1;
                self.counters.received_datagrams += datagrams as u64;
                self.counters.received_bytes += bytes.len() as u64;
                let received =
                    ancillary.realtime_nanos.map_or(now, |nanos| self.clock.from_realtime(nanos).min(now));
                sink(Batch { socket: *socket, from, to: ancillary.to, received, bytes, segment_size });
            }
            other => {
                self.sockets.took(*socket, datagrams);
                match other {
                    Some(_) => self.counters.dropped_truncated += 1,
                    None => self.counters.receive_errors += 1,
                }
            }
        }
        self.recover();
        datagrams
    }

    /// Returns the buffer of the arrival looked at last, also after a panic took the shard away from it.
    fn recover(&mut self) {
        if let Some(arrival) = self.current.take() {
            self.buffers.give_back(arrival.lease);
        }
    }

    fn intact(&self) -> io::Result<()> {
        self.broken.map_or(Ok(()), |code| Err(io::Error::from_raw_os_error(code)))
    }

    /// Whether this turn may wait at all, before anybody's queues are looked at. Not when what was just submitted has
    /// ended already, and so is listed again: nothing would end the wait for a socket without a receive.
    fn may_wait(&mut self) -> bool {
        let nothing_listed = self.sockets.listed() == (0, 0) && self.watches.listed() == (0, 0);
        let nothing_came = self.inbox.is_empty() && !self.watches.streams.any_ready();
        let nothing_closed =
            self.closed.is_empty() && !self.sockets.has_releasable() && !self.watches.has_releasable();
        nothing_listed && nothing_came && nothing_closed
    }
}

impl Drop for UringDriver {
    /// Cancel, reap, let go of the buffers; then the fields go, the ring first. The sockets' ports are free
    /// when this returns, which closing the ring alone would leave to a worker of the kernel.
    fn drop(&mut self) {
        self.flush();
        self.sockets.arm_no_more();
        self.watches.arm_no_more();
        for _ in 0..CANCEL_ATTEMPTS {
            if !self.watching && !self.sockets.any_armed() && !self.watches.any_armed() {
                break;
            }
            // A receive that is just at work is not found: reaping lets it get back to where it can be.
            if self.ring.cancel_everything().and_then(|()| self.ring.reap()).is_err() {
                break;
            }
            self.collect();
        }
        // Failure leaves the kernel to do the same when the ring closes; there is nobody to tell.
        let _ = self.ring.submitter().unregister_buf_ring(buffers::GROUP);
    }
}

impl Driver for UringDriver {
    fn add(&mut self, socket: Socket) -> io::Result<SocketKey> {
        self.sockets.insert(socket)
    }

    fn close(&mut self, key: SocketKey) {
        if self.watches.streams.has(key) {
            self.part(key, Farewell::Orderly);
        } else {
            self.sockets.close(key);
        }
    }

    fn next_closed(&mut self) -> Option<SocketKey> {
        self.closed.pop_front()
    }

    fn connect(&mut self, key: SocketKey, peer: Option<SocketAddr>) -> io::Result<()> {
        // What is queued was meant for the socket as it is.
        self.flush();
        let Some(socket) = self.sockets.socket_mut(key) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        socket.connect(peer)
    }

    fn turn(&mut self, wait: Wait, idle: &mut dyn FnMut() -> bool) -> io::Result<()> {
        self.intact()?;
        // What a panic interrupted.
        self.recover();
        self.buffers.publish();
        self.queue_receives();
        let deadline = match wait {
            Wait::Until(deadline) if self.may_wait() && self.sleeper.prepare(idle) => Some(deadline),
            _ => None,
        };
        match deadline {
            Some(deadline) => {
                let timeout = (deadline != Mono::NEVER).then(|| deadline.since(self.clock.read()));
                self.counters.waits += u64::from(timeout != Some(Duration::ZERO));
                let ended = self.ring.wait(timeout);
                self.sleeper.awake();
                ended?;
            }
            None => self.ring.poll()?,
        }
        self.clock.read();
        self.collect_all()?;
        self.flush();
        self.release_closed();
        self.counters.syscalls += self.ring.calls() - self.counted_calls;
        self.counted_calls = self.ring.calls();
        self.intact()
    }

    fn receive(&mut self, now: Mono, budget: ReceiveBudget, sink: &mut dyn FnMut(Batch<'_>)) -> Received {
        self.recover();
        self.sockets.begin_round();
        let mut left = budget.total;
        for _ in 0..self.inbox.len() {
            let Some(arrival) = self.inbox.pop_front() else { break };
            match self.sockets.turn_of(arrival.socket, budget.per_socket) {
                Turn::Take if left > 0 => left = left.saturating_sub(self.pass_on(arrival, now, sink)),
                Turn::Discard => self.buffers.give_back(arrival.lease),
                // Once around: what stays keeps its order, for each arrival leaves at the front.
                Turn::Take | Turn::Wait => self.inbox.push_back(arrival),
            }
        }
        self.buffers.publish();
        if self.inbox.is_empty() { Received::Drained } else { Received::More }
    }

    fn reserve(&mut self, len: usize) -> &mut [u8] {
        let len = len.min(MAX_RUN_BYTES);
        // The outbox, too, so that `send` never has to make room: it would free the memory of its own run.
        if self.outbox.is_full() || !self.egress.has_room(MAX_RUN_BYTES) {
            self.flush();
        }
        self.egress.reserve(len)
    }

    fn send(&mut self, transmit: Transmit) {
        self.send_run(transmit);
    }

    #[inline]
    fn prefetch(&self, socket: SocketKey) {
        self.sockets.prefetch(socket);
    }

    fn listen(&mut self, listener: Listener) -> io::Result<SocketKey> {
        let key = self.watches.streams.listen(listener)?;
        self.watches.add(key);
        Ok(key)
    }

    fn accept(&mut self, listener: SocketKey) -> Accepted {
        let accepted = self.watches.streams.accept(listener, &mut self.counters);
        if let Accepted::Connection { key, .. } = accepted {
            self.watches.add(key);
        }
        accepted
    }

    fn next_ready(&mut self) -> Option<SocketKey> {
        self.watches.streams.next_ready()
    }

    fn read(&mut self, key: SocketKey, into: &mut [u8]) -> Transfer {
        self.watches.streams.read(key, into, &mut self.counters)
    }

    fn write(&mut self, key: SocketKey, bytes: &[u8]) -> Transfer {
        self.watches.streams.write(key, bytes, &mut self.counters)
    }

    fn part(&mut self, key: SocketKey, farewell: Farewell) {
        self.watches.close(key, farewell);
    }

    fn detach(&mut self, key: SocketKey) -> io::Result<Detached> {
        let detached = self.watches.streams.duplicate(key, &mut self.counters)?;
        self.watches.close(key, Farewell::Orderly);
        Ok(detached)
    }

    fn adopt(&mut self, detached: Detached) -> io::Result<SocketKey> {
        let key = self.watches.streams.adopt(detached)?;
        self.watches.add(key);
        Ok(key)
    }

    fn waker(&self) -> Waker {
        self.sleeper.waker()
    }

    fn counters(&self) -> &DriverCounters {
        &self.counters
    }

    fn name(&self) -> &'static str {
        "uring"
    }
}

/// What every receive asks for besides the payload.
fn receive_header() -> libc::msghdr {
    libc::msghdr {
        msg_name: std::ptr::null_mut(),
        msg_namelen: NAME_BYTES,
        msg_iov: std::ptr::null_mut(),
        msg_iovlen: 0,
        msg_control: std::ptr::null_mut(),
        msg_controllen: CONTROL_BYTES,
        msg_flags: 0,
    }
}

/// All buffers filled, all sends of a batch refused, and a quarter of the receives ended at once. What exceeds it
/// waits in the kernel and is not lost; room for the worst case would only count against the limit on locked memory.
fn usual_completions(config: &UringConfig) -> u32 {
    (u32::from(config.buffers) + u32::from(config.batch) + config.sockets / 4)
        .next_power_of_two()
        .min(1 << 16)
}

impl Default for UringConfig {
    fn default() -> Self {
        Self {
            sockets: 4096,
            buffers: 256,
            batch: 128,
            egress_bytes: 192 << 10,
            gso: true,
            completions: None,
        }
    }
}

/// `POLLIN`, in the width that a poll submission has.
const EVENT_IN: u32 = 1;
const _: () = assert!(EVENT_IN == libc::POLLIN as u32);
/// `POLLOUT`, likewise.
const EVENT_OUT: u32 = 4;
const _: () = assert!(EVENT_OUT == libc::POLLOUT as u32);
/// A socket may hold this part of the receive buffers: enough that a busy main socket seldom has to be stopped,
/// and little enough that one flood leaves most to the others.
const SHARES: usize = 4;
/// As many as a socket may hold buffers by default: empty datagrams, one a pass, then have its share and no more. For
/// others it is an end to it under flood, at twenty completions each far beyond the buffers.
const MOST_PASSES: u32 = 64;
/// Each attempt ends all receives but those that are at work at that moment, at most 32 datagrams each.
const CANCEL_ATTEMPTS: u32 = 64;
