//! Sinks, which are visited in turn, and what their peers say about what they got.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::Far;
use crate::os::{self, ReceiveBatch};

impl Far {
    /// Drains one sink of the pass that is due. False when none is.
    pub(super) fn visit_next_sink(&mut self, subject: usize, now: u64) -> io::Result<bool> {
        if !self.setup.drains {
            self.next_pass_ns = u64::MAX;
            return Ok(false);
        }
        if self.cursor == 0 && now < self.next_pass_ns {
            return Ok(false);
        }
        if self.cursor == 0 {
            self.next_pass_ns = now + PASS_NS;
        }
        let sinks = &mut self.sinks[subject];
        while let Some(socket) = self.sockets.get(self.cursor) {
            let peer = self.cursor;
            if !sinks.receives(peer) {
                self.cursor += 1;
                continue;
            }
            let mut feedback = self.feedback[subject].as_mut();
            let mut take = |datagram: &[u8]| {
                // RFC 7983: an answer to a check.
                if datagram.first().is_some_and(|first| *first < 4) {
                    return false;
                }
                if let Some(feedback) = &mut feedback {
                    feedback.hear(peer, datagram, now);
                }
                sinks.take(peer, datagram)
            };
            let is_empty = if self.witnesses.contains(&peer) {
                let mut packets = 0;
                let more = self.trains.receive(socket, |datagram| {
                    packets += u64::from(take(datagram));
                })?;
                sinks.take_train(packets);
                !more
            } else {
                self.batch.receive(socket, |datagram| _ = take(datagram))? < ReceiveBatch::capacity()
            };
            if is_empty {
                self.say(subject, peer, now)?;
                self.cursor += 1;
            }
            return Ok(true);
        }
        self.cursor = 0;
        Ok(false)
    }

    /// Sends what a peer says about what it got.
    fn say(&mut self, subject: usize, peer: usize, now: u64) -> io::Result<()> {
        let (Some(Some(feedback)), Some(port)) = (self.feedback.get_mut(subject), self.feedback_to.get(peer))
        else {
            return Ok(());
        };
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, *port)).into();
        while let Some(packet) = feedback.next(peer, now) {
            match self.sockets[peer].send_to(&packet, &to) {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes what the last packets of a slice still bring: until as many came as must and then nothing for a
    /// moment, or nothing for so long that the rest is lost. A forwarder that others keep from its core is late, and
    /// what it still sends must not be counted as the next subject's.
    pub(super) fn drain_until_quiet(&mut self, subject: usize, expected: u64) -> io::Result<()> {
        if !self.setup.drains {
            return Ok(());
        }
        let mut quiet = 0;
        loop {
            let before = self.sinks[subject].received();
            self.next_pass_ns = 0;
            // What receivers have to say they say when it is due, now as before.
            let now = os::monotonic_ns()?;
            while self.visit_next_sink(subject, now)? {}
            let after = self.sinks[subject].received();
            quiet = if after == before { quiet + 1 } else { 0 };
            if quiet >= if after >= expected { QUIET_PASSES } else { LOST_PASSES } {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        self.next_pass_ns = 0;
        Ok(())
    }

    /// How many times sources were told when their packets arrived. Only what is in the clear can be read.
    pub(super) fn hear_sources(&mut self) -> io::Result<u64> {
        let mut told = 0;
        if self.setup.drains && self.setup.foreign {
            for stream in self.setup.case.streams(1) {
                while self.batch.receive(&self.sockets[stream.peer], |datagram| {
                    told += transport_feedback_in(datagram);
                })? > 0
                {}
            }
        }
        Ok(told)
    }

    /// Throws away what an earlier slice left behind.
    pub(super) fn discard(&mut self) -> io::Result<()> {
        for socket in &self.sockets {
            while self.setup.drains && self.batch.receive(socket, |_| {})? > 0 {}
        }
        self.cursor = 0;
        Ok(())
    }
}

/// RFC 3550 §6.1: a datagram is a chain of packets that each say how long they are.
fn transport_feedback_in(mut datagram: &[u8]) -> u64 {
    let mut count = 0;
    while let Some(&[first, kind, high, low]) = datagram.first_chunk() {
        count += u64::from((first, kind) == TRANSPORT_FEEDBACK);
        let bytes = (usize::from(u16::from_be_bytes([high, low])) + 1) * 4;
        datagram = datagram.get(bytes..).unwrap_or_default();
    }
    count
}

/// Version 2 and format 15; RTPFB.
const TRANSPORT_FEEDBACK: (u8, u8) = (0x8F, 205);
/// Between two visits to a sink: long enough that a visit finds something, short enough to hold it.
const PASS_NS: u64 = 1_000_000;
/// Rounds of silence, 2 ms each, that end a slice when nothing is missing.
const QUIET_PASSES: u32 = 2;
/// The same when something is.
const LOST_PASSES: u32 = 150;
