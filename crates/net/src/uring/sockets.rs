//! The receiving side of each socket: whether a multishot receive of it is in the kernel, and whose turn it is.
//!
//! ```text
//!          add, or nothing left to work off
//!  Idle ------------------------------------> Queued --submitted--> Armed
//!   ^                                           ^                     |  |
//!   |                 ended by itself (ENOBUFS, |                     |  | close, or it holds its
//!   |                 ICMP, empty datagram, ..) +---------------------+  | share of buffers: cancel
//!   |                                                                    v
//!   +------------------------- ended ----------------------------------Ending
//! ```
//!
//! A socket whose arrivals, left over by one budget after the other, add up to its share of the buffers is not
//! armed again before they are worked off: what it holds is bounded, and the kernel's socket queue keeps the rest.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use super::outbox::Via;
use crate::driver::SocketKey;
use crate::socket::Socket;
use crate::table::SocketTable;

/// State of a socket's multishot receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arm {
    /// None in the kernel, and none wanted now.
    Idle,
    /// To be submitted by the next turn.
    Queued,
    /// In the kernel.
    Armed,
    /// In the kernel and being cancelled.
    Ending,
}

/// One socket as this driver sees it.
// What every send looks at comes first.
#[derive(Debug)]
#[repr(C)]
struct Entry {
    arm: Arm,
    /// Whether runs (GSO) may leave through it as such.
    runs: bool,
    socket: Socket,
    /// Its arrivals that wait in the inbox.
    waiting: usize,
    /// The `receive` call that `taken` is about.
    round: u64,
    /// Datagrams passed on in that call.
    taken: usize,
}

/// All sockets of one driver, and which of them have something to submit.
#[derive(Debug)]
pub(super) struct Sockets {
    table: SocketTable<Entry>,
    to_arm: VecDeque<SocketKey>,
    to_cancel: VecDeque<SocketKey>,
    closing: Vec<SocketKey>,
    round: u64,
    most_waiting: usize,
    /// Whether new sockets may send runs as such.
    runs: bool,
}

/// What may be done with an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Pass it on.
    Take,
    /// Its socket had its share of this call.
    Wait,
    /// Its socket is gone.
    Discard,
}

impl Entry {
    /// Wants no more arrivals for now.
    fn stop(&mut self, key: SocketKey, to_cancel: &mut VecDeque<SocketKey>) {
        match self.arm {
            Arm::Armed => {
                self.arm = Arm::Ending;
                to_cancel.push_back(key);
            }
            Arm::Queued => self.arm = Arm::Idle,
            Arm::Idle | Arm::Ending => {}
        }
    }
}

impl Sockets {
    /// Room for `capacity` sockets, each of which may have `most_waiting` arrivals in the inbox, and what a
    /// last call into the kernel adds.
    pub(super) fn new(capacity: u32, most_waiting: usize, runs: bool) -> Self {
        let most = capacity as usize;
        Self {
            table: SocketTable::new(capacity),
            // A socket is listed at most twice: once stale, since what it was listed for is decided by its state.
            to_arm: VecDeque::with_capacity(2 * most),
            to_cancel: VecDeque::with_capacity(2 * most),
            closing: Vec::with_capacity(most),
            round: 0,
            most_waiting: most_waiting.max(1),
            runs,
        }
    }

    /// Takes over a socket and queues its receive.
    pub(super) fn insert(&mut self, socket: Socket) -> io::Result<SocketKey> {
        let entry = Entry { socket, arm: Arm::Queued, runs: self.runs, waiting: 0, round: 0, taken: 0 };
        let key = self.table.insert(entry).map_err(|_| io::Error::other(TABLE_FULL))?;
        self.to_arm.push_back(key);
        Ok(key)
    }

    /// Starts closing, if `key` names an open socket.
    pub(super) fn close(&mut self, key: SocketKey) {
        let Some(entry) = self.table.close(key) else { return };
        entry.stop(key, &mut self.to_cancel);
        self.closing.push(key);
    }

    /// Begins to fetch what `via` looks at.
    #[inline]
    pub(super) fn prefetch(&self, key: SocketKey) {
        self.table.prefetch(key);
    }

    /// What a send has to know.
    #[inline]
    pub(super) fn via(&self, key: SocketKey) -> Option<Via> {
        let Entry { socket, runs, .. } = self.table.get(key)?;
        let fd = socket.as_fd().as_raw_fd();
        Some(Via { fd, family: socket.family(), connected: socket.peer_addr().is_some(), runs: *runs })
    }

    /// Sends no more runs as such through a socket.
    pub(super) fn refuse_runs(&mut self, key: SocketKey) {
        if let Some(entry) = self.table.get_mut(key) {
            entry.runs = false;
        }
    }

    pub(super) fn socket_mut(&mut self, key: SocketKey) -> Option<&mut Socket> {
        self.table.get_mut(key).map(|entry| &mut entry.socket)
    }

    /// How many receives are listed to be submitted, and how many to be cancelled. Some may have become moot.
    pub(super) fn listed(&self) -> (usize, usize) {
        (self.to_arm.len(), self.to_cancel.len())
    }

    /// The next receive to submit; it counts as submitted.
    pub(super) fn next_to_arm(&mut self) -> Option<(SocketKey, RawFd)> {
        while let Some(key) = self.to_arm.pop_front() {
            match self.table.get_mut(key) {
                Some(entry) if entry.arm == Arm::Queued => {
                    entry.arm = Arm::Armed;
                    return Some((key, entry.socket.as_fd().as_raw_fd()));
                }
                _ => {}
            }
        }
        None
    }

    /// The next receive to cancel.
    pub(super) fn next_to_cancel(&mut self) -> Option<SocketKey> {
        while let Some(key) = self.to_cancel.pop_front() {
            if self.either(key).is_some_and(|entry| entry.arm == Arm::Ending) {
                return Some(key);
            }
        }
        None
    }

    /// A cancellation found nothing to cancel: either the receive has ended and says so, or it was just at work,
    /// where it cannot be found (its completion work was put back in the queue). Then it has to be tried again.
    pub(super) fn cancel_missed(&mut self, key: SocketKey) {
        if self.either(key).is_some_and(|entry| entry.arm == Arm::Ending) {
            self.to_cancel.push_back(key);
        }
    }

    /// A receive has ended, for whatever reason.
    pub(super) fn ended(&mut self, key: SocketKey) {
        if let Some(entry) = self.table.get_mut(key) {
            if entry.arm == Arm::Armed || entry.waiting == 0 {
                entry.arm = Arm::Queued;
                self.to_arm.push_back(key);
            } else {
                entry.arm = Arm::Idle;
            }
        } else if let Some(entry) = self.table.closing_mut(key) {
            entry.arm = Arm::Idle;
        }
    }

    /// Something arrived on the socket and waits in the inbox. A socket that holds its share of the buffers is
    /// stopped at once: the next call into the kernel would give it more.
    pub(super) fn arrived(&mut self, key: SocketKey) {
        let Self { table, to_cancel, most_waiting, .. } = self;
        let Some(entry) = table.get_mut(key) else { return };
        entry.waiting += 1;
        if entry.waiting >= *most_waiting {
            entry.stop(key, to_cancel);
        }
    }

    /// Begins a `receive` call.
    pub(super) fn begin_round(&mut self) {
        self.round += 1;
    }

    /// Whether an arrival of the socket may be passed on in this call.
    #[inline]
    pub(super) fn turn_of(&mut self, key: SocketKey, per_socket: usize) -> Turn {
        let Some(entry) = self.table.get_mut(key) else { return Turn::Discard };
        if entry.round != self.round {
            entry.round = self.round;
            entry.taken = 0;
        }
        if entry.taken < per_socket {
            return Turn::Take;
        }
        Turn::Wait
    }

    /// An arrival of the socket left the inbox, with so many datagrams.
    #[inline]
    pub(super) fn took(&mut self, key: SocketKey, datagrams: usize) {
        let Some(entry) = self.table.get_mut(key) else { return };
        entry.taken = entry.taken.saturating_add(datagrams);
        entry.waiting = entry.waiting.saturating_sub(1);
        if entry.waiting == 0 && entry.arm == Arm::Idle {
            entry.arm = Arm::Queued;
            self.to_arm.push_back(key);
        }
    }

    /// Whether a closing socket only waits for being released.
    pub(super) fn has_releasable(&mut self) -> bool {
        let Self { table, closing, .. } = self;
        closing.iter().any(|&key| table.closing_mut(key).is_some_and(|entry| entry.arm == Arm::Idle))
    }

    /// A closing socket of which the kernel has no request left; nothing that was queued before its close may be
    /// unsubmitted, for submissions name descriptors. Its place in the table is free for another now.
    pub(super) fn next_released(&mut self) -> Option<(SocketKey, Socket)> {
        let Self { table, closing, .. } = self;
        let is_idle = |key: &SocketKey| table.closing_mut(*key).is_none_or(|entry| entry.arm == Arm::Idle);
        let position = closing.iter().position(is_idle)?;
        let key = closing.swap_remove(position);
        Some((key, table.release(key)?.socket))
    }

    /// Whether any receive is in the kernel.
    pub(super) fn any_armed(&mut self) -> bool {
        self.table.iter_mut().any(|(_, entry)| matches!(entry.arm, Arm::Armed | Arm::Ending))
    }

    /// Takes back what is queued, for good: the driver is going away.
    pub(super) fn arm_no_more(&mut self) {
        self.to_arm.clear();
        self.to_cancel.clear();
        for (_, entry) in self.table.iter_mut() {
            match entry.arm {
                Arm::Queued => entry.arm = Arm::Idle,
                Arm::Armed => entry.arm = Arm::Ending,
                Arm::Idle | Arm::Ending => {}
            }
            // Keeps `ended` from queueing it again.
            entry.waiting = entry.waiting.max(1);
        }
    }

    fn either(&mut self, key: SocketKey) -> Option<&mut Entry> {
        if self.table.get(key).is_some() { self.table.get_mut(key) } else { self.table.closing_mut(key) }
    }
}

const TABLE_FULL: &str = "the driver's socket table is full";
