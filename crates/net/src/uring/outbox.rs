//! Runs on their way to the kernel: one slot per queued send, holding what its submission points to.
//!
//! Why a slot, and the egress memory its run lies in, may be reused as soon as the batch is submitted and its
//! completions are taken: every send carries MSG_DONTWAIT, for which the kernel marks the request as one that
//! must not wait. Such a request is carried out inside `io_uring_enter`, before that returns; where the socket
//! would block it fails with EAGAIN instead of being armed on a poll or handed to a worker, which is what
//! happens to other sends, reading their memory at some later time. No submission here is linked, drained or
//! forced to be asynchronous, the other ways to be deferred.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::RawFd;

use io_uring::types::Fd;
use io_uring::{opcode, squeue};

use super::token::Token;
use crate::addr::{Family, RawAddr};
use crate::cmsg::SendControl;
use crate::driver::SocketKey;

/// A run of datagrams in egress memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) socket: SocketKey,
    pub(super) to: SocketAddr,
    pub(super) from: Option<IpAddr>,
    pub(super) start: *const u8,
    pub(super) len: usize,
    pub(super) segment_size: usize,
}

impl Run {
    /// Datagrams in it.
    pub(super) fn segments(&self) -> u64 {
        self.len.div_ceil(self.segment_size.max(1)).max(1) as u64
    }

    /// The `n`-th datagram as a run of its own.
    pub(super) fn single(&self, n: usize) -> Option<Self> {
        let offset = n.checked_mul(self.segment_size)?;
        let left = self.len.checked_sub(offset).filter(|&left| left > 0)?;
        let len = left.min(self.segment_size);
        Some(Self { start: self.start.wrapping_add(offset), len, segment_size: len, ..*self })
    }
}

/// What a send has to know about its socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Via {
    pub(super) fd: RawFd,
    pub(super) family: Family,
    pub(super) connected: bool,
    /// No device or route has refused a run of it yet.
    pub(super) runs: bool,
}

/// The slots of the batch being built, and of the one submitted last until its completions are taken.
pub(super) struct Outbox {
    slots: Box<[Slot]>,
    used: usize,
    batch: u32,
}

struct Slot {
    run: Run,
    addr: RawAddr,
    vector: libc::iovec,
    header: libc::msghdr,
    control: SendControl,
    /// What `control` says. Most often the run that used the slot before was of the same kind, and it may stay.
    said: Said,
}

/// What control messages may say of a run.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Said {
    segment_size: Option<u16>,
    from: Option<IpAddr>,
    family: Family,
}

impl Outbox {
    /// Room for batches of up to `capacity` runs.
    pub(super) fn new(capacity: u16) -> Self {
        Self { slots: (0..capacity).map(|_| Slot::empty()).collect(), used: 0, batch: 0 }
    }

    /// Whether the batch has to be submitted before another run fits.
    pub(super) const fn is_full(&self) -> bool {
        self.used == self.slots.len()
    }

    /// Puts a run into the batch: the submission that sends it. It points into this outbox, which therefore must
    /// outlive the ring, and to the run's bytes. `None` when the batch is full or the socket's family has no
    /// such peer.
    #[inline]
    pub(super) fn enter(&mut self, run: &Run, via: Via) -> Option<squeue::Entry> {
        let index = self.used;
        let slot = self.slots.get_mut(index)?;
        let entry = slot.fill(run, via)?;
        self.used += 1;
        let token = Token::Send { slot: u16::try_from(index).ok()?, batch: self.batch };
        Some(entry.flags(squeue::Flags::SKIP_SUCCESS).user_data(token.encode()))
    }

    /// The run that a completion is about. `None` when its slot has been reused, which only a completion that
    /// overflowed the queue can see.
    pub(super) fn run(&self, slot: u16, batch: u32) -> Option<Run> {
        if batch != self.batch {
            return None;
        }
        self.slots.get(usize::from(slot)).map(|slot| slot.run)
    }

    /// The batch was submitted and its completions were taken.
    pub(super) fn clear(&mut self) {
        if self.used > 0 {
            self.used = 0;
            self.batch = self.batch.wrapping_add(1);
        }
    }
}

impl Slot {
    fn empty() -> Self {
        let nobody = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        let socket = SocketKey { index: 0, generation: 0 };
        Self {
            run: Run { socket, to: nobody, from: None, start: std::ptr::null(), len: 0, segment_size: 0 },
            addr: RawAddr::EMPTY,
            vector: libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 },
            header: libc::msghdr {
                msg_name: std::ptr::null_mut(),
                msg_namelen: 0,
                msg_iov: std::ptr::null_mut(),
                msg_iovlen: 1,
                msg_control: std::ptr::null_mut(),
                msg_controllen: 0,
                msg_flags: 0,
            },
            control: SendControl::new(),
            said: Said { segment_size: None, from: None, family: Family::V4 },
        }
    }

    #[inline]
    fn fill(&mut self, run: &Run, via: Via) -> Option<squeue::Entry> {
        let file = Fd(via.fd);
        self.run = *run;
        let (name, name_len) = if via.connected {
            (std::ptr::null(), 0)
        } else {
            self.addr = RawAddr::encode(run.to, via.family)?;
            (self.addr.as_ptr(), self.addr.len())
        };
        if run.len <= run.segment_size && run.from.is_none() {
            // Cheaper than SENDMSG by 6 %: no message header, vector and control for the kernel to fetch and check.
            let send = opcode::Send::new(file, run.start, u32::try_from(run.len).ok()?)
                .flags(libc::MSG_DONTWAIT)
                .dest_addr(name.cast())
                .dest_addr_len(name_len);
            return Some(send.build());
        }
        self.say(run, via.family)?;
        self.vector = libc::iovec { iov_base: run.start.cast_mut().cast(), iov_len: run.len };
        self.header.msg_name = name.cast_mut().cast();
        self.header.msg_namelen = name_len;
        self.header.msg_iov = &raw mut self.vector;
        self.header.msg_control = self.control.as_ptr().cast_mut().cast();
        self.header.msg_controllen = self.control.len();
        let flags = libc::MSG_DONTWAIT.cast_unsigned();
        Some(opcode::SendMsg::new(file, &raw const self.header).flags(flags).build())
    }

    /// Makes the control messages right for the run.
    #[inline]
    fn say(&mut self, run: &Run, family: Family) -> Option<()> {
        let is_run = run.len > run.segment_size;
        let segment_size = if is_run { Some(u16::try_from(run.segment_size).ok()?) } else { None };
        let wanted = Said { segment_size, from: run.from, family };
        if self.said != wanted {
            self.control.clear();
            if let Some(from) = run.from {
                self.control.push_source(from, family);
            }
            if let Some(size) = segment_size {
                self.control.push_segment_size(size);
            }
            self.said = wanted;
        }
        Some(())
    }
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbox").field("used", &self.used).field("batch", &self.batch).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(bytes: &[u8], segment_size: usize) -> Run {
        let to = "192.0.2.1:9".parse().unwrap();
        let socket = SocketKey { index: 0, generation: 1 };
        Run { socket, to, from: None, start: bytes.as_ptr(), len: bytes.len(), segment_size }
    }

    #[test]
    fn a_run_falls_apart_into_its_datagrams() {
        let bytes = [0; 25];
        let whole = run(&bytes, 10);
        assert_eq!(whole.segments(), 3);
        let lengths: Vec<usize> = (0..).map_while(|n| whole.single(n)).map(|single| single.len).collect();
        assert_eq!(lengths, [10, 10, 5]);
        assert_eq!(whole.single(2).unwrap().start, bytes[20..].as_ptr());
        assert_eq!(run(&bytes, 25).segments(), 1);
        assert_eq!(run(&[], 0).segments(), 1);
    }

    #[test]
    fn a_slot_answers_for_its_own_batch_only() {
        let bytes = [0; 10];
        let mut outbox = Outbox::new(1);
        let via = Via { fd: 0, family: Family::V4, connected: false, runs: true };
        assert!(outbox.enter(&run(&bytes, 10), via).is_some());
        assert!(outbox.is_full() && outbox.enter(&run(&bytes, 10), via).is_none());
        assert!(outbox.run(0, 0).is_some());
        outbox.clear();
        assert!(outbox.run(0, 0).is_none(), "a completion that came too late");
    }

    #[test]
    fn an_ipv4_socket_takes_no_ipv6_peer() {
        let bytes = [0; 10];
        let mut outbox = Outbox::new(1);
        let v6 = Run { to: "[2001:db8::1]:9".parse().unwrap(), ..run(&bytes, 10) };
        assert!(outbox.enter(&v6, Via { fd: 0, family: Family::V4, connected: false, runs: true }).is_none());
        assert!(!outbox.is_full());
    }
}
