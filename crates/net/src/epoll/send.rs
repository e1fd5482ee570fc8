//! One run on its way out: as one system call where path and device take it, datagram by datagram where not.
//!
//! The segment size travels with each run, as a control message. Setting it once as an option of a connected
//! socket would save 35 to 70 ns a run, but only while all its runs have one size; frames of video do not, and
//! setting the option anew for each costs 30 to 50 ns more than the control message.

use std::os::fd::AsFd;

use wire::Mono;

use super::Entry;
use crate::addr::RawAddr;
use crate::cmsg::SendControl;
use crate::driver::{DriverCounters, MAX_RUN_SEGMENTS, Transmit};
use crate::gso::{RefusedPaths, SendFault};
use crate::sys;

/// What a send needs of its driver.
pub(super) struct Outgoing<'a> {
    pub(super) entry: &'a mut Entry,
    pub(super) refused: &'a mut RefusedPaths,
    pub(super) counters: &'a mut DriverCounters,
    pub(super) gso: bool,
    pub(super) now: Mono,
}

impl Outgoing<'_> {
    /// Sends `bytes`, which are `segments` datagrams.
    pub(super) fn send(&mut self, transmit: &Transmit, bytes: &[u8], segments: u64) {
        debug_assert!(segments <= MAX_RUN_SEGMENTS as u64, "a run of {segments} datagrams");
        let peer = self.entry.socket.peer_addr();
        debug_assert!(
            peer.is_none_or(|peer| peer == transmit.to),
            "{} is not the socket's peer",
            transmit.to
        );
        let family = self.entry.socket.family();
        let mut name = None;
        let mut control = SendControl::new();
        if peer.is_none() {
            name = RawAddr::encode(transmit.to, family);
            if name.is_none() {
                return SendFault::Other.count(self.counters, segments);
            }
            if let Some(from) = transmit.from {
                control.push_source(from, family);
            }
        }
        if segments == 1 {
            let outcome = self.call(bytes, name.as_ref(), &control);
            return self.book(outcome, bytes.len(), 1);
        }
        if !self.takes_run(transmit) {
            return self.send_singly(transmit, bytes, name.as_ref(), &control);
        }
        let mut run_control = control;
        run_control.push_segment_size(u16::try_from(transmit.segment_size).unwrap_or(u16::MAX));
        match self.call(bytes, name.as_ref(), &run_control) {
            Err(errno) if self.falls_back(errno, transmit) => {
                self.send_singly(transmit, bytes, name.as_ref(), &control);
            }
            outcome => self.book(outcome, bytes.len(), segments),
        }
    }

    fn takes_run(&self, transmit: &Transmit) -> bool {
        let refused = self.refused.refuses(transmit.to.ip(), transmit.segment_size, self.now);
        self.gso && !self.entry.gso_refused && !refused
    }

    /// Whether the error of a run means that its datagrams can still go out one by one; remembers that they must.
    fn falls_back(&mut self, errno: i32, transmit: &Transmit) -> bool {
        match SendFault::of(errno, true) {
            SendFault::PathRefusesRun => {
                self.refused.remember(transmit.to.ip(), transmit.segment_size, self.now)
            }
            SendFault::SocketRefusesRun => self.entry.gso_refused = true,
            SendFault::WouldBlock | SendFault::Refused | SendFault::Other => return false,
        }
        self.counters.gso_disabled += 1;
        true
    }

    #[cold]
    fn send_singly(
        &mut self,
        transmit: &Transmit,
        bytes: &[u8],
        name: Option<&RawAddr>,
        control: &SendControl,
    ) {
        for datagram in bytes.chunks(transmit.segment_size.max(1)) {
            let outcome = self.call(datagram, name, control);
            self.book(outcome, datagram.len(), 1);
        }
    }

    fn call(&mut self, bytes: &[u8], name: Option<&RawAddr>, control: &SendControl) -> Result<(), i32> {
        loop {
            self.counters.syscalls += 1;
            match sys::send(self.entry.socket.as_fd(), bytes, name, control) {
                Err(libc::EINTR) => {}
                outcome => return outcome,
            }
        }
    }

    fn book(&mut self, outcome: Result<(), i32>, len: usize, segments: u64) {
        match outcome {
            Ok(()) => {
                self.counters.sent_datagrams += segments;
                self.counters.sent_bytes += len as u64;
                self.counters.sent_runs += 1;
            }
            Err(errno) => SendFault::of(errno, segments > 1).count(self.counters, segments),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::driver::SocketKey;
    use crate::socket::{Ports, Socket, SocketConfig};

    /// No device refuses runs on demand (Linux since 6.11 computes the checksums itself), so the error is made up.
    #[test]
    fn a_device_without_the_offload_costs_the_socket_its_runs_and_nobody_else() {
        let config = SocketConfig::new(IpAddr::V4(Ipv4Addr::LOCALHOST), Ports::Exact(0));
        let entry =
            || Entry { socket: Socket::bind(&config).unwrap(), queued: false, gso_refused: false, train: 1 };
        let to = "127.0.0.1:9".parse().unwrap();
        let transmit = Transmit { socket: SocketKey::new(0, 1), to, from: None, len: 20, segment_size: 10 };
        let (mut refused, mut counters) = (RefusedPaths::new(), DriverCounters::default());
        let now = Mono::ZERO;
        let (mut one, mut other) = (entry(), entry());
        let mut outgoing =
            Outgoing { entry: &mut one, refused: &mut refused, counters: &mut counters, gso: true, now };
        assert!(!outgoing.falls_back(libc::EAGAIN, &transmit) && outgoing.takes_run(&transmit));
        assert!(outgoing.falls_back(libc::EIO, &transmit));
        assert!(!outgoing.takes_run(&transmit));
        let outgoing =
            Outgoing { entry: &mut other, refused: &mut refused, counters: &mut counters, gso: true, now };
        assert!(outgoing.takes_run(&transmit));
        assert_eq!(counters.gso_disabled, 1);
    }
}
