//! How runs get out: into the batch, to the kernel, and singly where it refuses a run.

#![expect(unsafe_code, reason = "submissions name memory")]

use std::io;

use io_uring::squeue;

use super::UringDriver;
use crate::driver::Transmit;
use crate::gso::SendFault;
use crate::uring::outbox::{Run, Via};
use crate::uring::ring::{Handed, Ring};

impl UringDriver {
    /// Puts the run in the last reservation into the batch, whole or in datagrams.
    #[inline]
    pub(super) fn send_run(&mut self, transmit: Transmit) {
        let Transmit { socket, to, from, len, segment_size } = transmit;
        if !transmit.is_sound(self.egress.reserved(len).len()) {
            // Misuse: more than was reserved, or the same reservation a second time.
            self.counters.dropped_error += transmit.datagrams();
            return;
        }
        let run = Run { socket, to, from, start: self.egress.hold(len), len, segment_size };
        let Some(via) = self.sockets.via(socket) else {
            self.counters.dropped_no_socket += run.segments();
            return;
        };
        if len > segment_size && !self.takes_runs(&run, via) {
            self.enter_singly(&run, via);
        } else {
            self.enter(&run, via);
        }
    }

    /// Queues a submission, handing over what is queued when there is no room.
    pub(super) fn push(&mut self, entry: &squeue::Entry) {
        // SAFETY: submissions of this driver name its own outbox, egress memory, receive header and eventfd. They
        // outlive the ring, whose field comes first, and are not moved or reused before the kernel is done with
        // them: the header never changes, and slots and egress memory are reused in `flush` only.
        while !unsafe { self.ring.push(entry) } {
            self.hand_over();
            if self.broken.is_some() {
                return;
            }
        }
    }

    /// Hands over everything queued, without waiting.
    fn hand_over(&mut self) {
        while self.broken.is_none() {
            match self.ring.submit() {
                Ok(Handed::All) => {
                    self.collect();
                    if !self.ring.has_overflown() {
                        return;
                    }
                    // A refused send among what overflowed must be heard of while its slot is still its own.
                    self.try_to(Ring::reap);
                }
                Ok(Handed::Congested) => {
                    self.collect();
                    self.try_to(Ring::reap);
                }
                // Nothing is submitted any more: what is queued points to memory that may be reused now.
                Err(error) => self.broken = Some(code_of(&error)),
            }
        }
    }

    fn try_to(&mut self, call: fn(&mut Ring) -> io::Result<()>) {
        if let Err(error) = call(&mut self.ring) {
            self.broken = Some(code_of(&error));
        }
    }

    /// Hands over the batch; afterwards its slots and the egress memory are free.
    pub(super) fn flush(&mut self) {
        self.hand_over();
        self.settle();
    }

    /// After everything is submitted and its completions are taken: sends refused runs datagram by datagram, then
    /// frees slots and egress memory.
    fn settle(&mut self) {
        self.outbox.clear();
        let mut next = 0;
        while let Some(run) = self.refused.get(next).copied() {
            next += 1;
            match self.sockets.via(run.socket) {
                Some(via) => self.enter_singly(&run, via),
                // Closed since.
                None => self.counters.dropped_no_socket += run.segments(),
            }
        }
        if next > 0 {
            self.hand_over();
            self.outbox.clear();
            self.refused.clear();
        }
        self.egress.reset();
    }

    /// Queues a run datagram by datagram. It may hand over a full batch in between, but frees no egress memory.
    fn enter_singly(&mut self, run: &Run, via: Via) {
        for single in (0..).map_while(|n| run.single(n)) {
            if self.outbox.is_full() {
                self.hand_over();
                self.outbox.clear();
            }
            self.enter(&single, via);
        }
    }

    /// Whether nothing is known against sending the run as one.
    #[inline]
    fn takes_runs(&self, run: &Run, via: Via) -> bool {
        via.runs && !self.refused_paths.refuses(run.to.ip(), run.segment_size, self.clock.now())
    }

    /// A send came back: the only ones that do are those that failed.
    pub(super) fn send_failed(&mut self, slot: u16, batch: u32, result: i32) {
        let Some(run) = self.outbox.run(slot, batch) else { return };
        let datagrams = run.segments();
        self.counters.sent_runs -= 1;
        self.counters.sent_datagrams -= datagrams;
        self.counters.sent_bytes -= run.len as u64;
        let fault = SendFault::of(-result, datagrams > 1);
        match fault {
            SendFault::PathRefusesRun => {
                self.refused_paths.remember(run.to.ip(), run.segment_size, self.clock.now());
                self.counters.gso_disabled += 1;
                self.refused.push(run);
            }
            SendFault::SocketRefusesRun => {
                self.sockets.refuse_runs(run.socket);
                self.counters.gso_disabled += 1;
                self.refused.push(run);
            }
            _ => fault.count(&mut self.counters, datagrams),
        }
    }

    /// Queues one send.
    #[inline]
    fn enter(&mut self, run: &Run, via: Via) {
        let datagrams = run.segments();
        let Some(entry) = self.outbox.enter(run, via) else {
            self.counters.dropped_error += datagrams;
            return;
        };
        self.push(&entry);
        self.counters.sent_runs += 1;
        self.counters.sent_datagrams += datagrams;
        self.counters.sent_bytes += run.len as u64;
    }
}

fn code_of(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(libc::EIO)
}
