//! What receivers say while they receive: a report each second, transport-wide feedback each tenth of one, and that one
//! packet in a hundred is missing. Feedback is about the transport-wide numbers that came, and about when they came. A
//! subject that keeps the place and writes the same number into every packet gets feedback that receivers count
//! themselves, so that it has as much to read; that it was so is counted. Built by hand and sealed with webrtc-srtp, as everything at this end is by code that
//! the forwarder does not use.

use core::fmt;

use webrtc_srtp::context::Context;
use webrtc_srtp::protection_profile::ProtectionProfile;

use super::numbers::number_of;
use crate::case::{Case, PAYLOAD_TYPE_OUT, consumer_ssrc};
use crate::suite::Suite;

/// The receivers of one subject, by peer.
pub(super) struct Feedback {
    receivers: Vec<Option<Receiver>>,
    /// Packets whose transport-wide number was another than that of the one before, and the same.
    numbered: u64,
    unnumbered: u64,
}

struct Receiver {
    /// None where packets are in the clear.
    sealer: Option<Context>,
    /// Its own, and that of the stream it gets.
    ssrc: u32,
    media: u32,
    highest: u32,
    /// Transport-wide numbers since the last feedback, and when they came.
    arrived: Vec<(u16, u64)>,
    /// The number that the last packet had, and the one that the next has where its own says nothing.
    last_number: Option<u16>,
    next_number: u16,
    /// Feedback so far.
    count: u8,
    missing: Option<u16>,
    next_report_ns: u64,
    next_feedback_ns: u64,
}

impl Feedback {
    pub(super) fn new(case: &Case) -> Self {
        let receiver = |(number, peer): (usize, crate::case::Peer)| {
            let number_32 = u32::try_from(number).unwrap_or(0);
            peer.receives.then(|| Receiver {
                sealer: sealer(case.suite, number),
                ssrc: 1 + number_32,
                media: consumer_ssrc(number, 0),
                highest: 0,
                arrived: Vec::new(),
                last_number: None,
                next_number: 0,
                count: 0,
                missing: None,
                // Not all at once.
                next_report_ns: u64::from(number_32) * 5_000_000,
                next_feedback_ns: u64::from(number_32) * 500_000,
            })
        };
        let receivers = case.peers().into_iter().enumerate().map(receiver).collect();
        Self { receivers, numbered: 0, unnumbered: 0 }
    }

    /// A slice begins at that time.
    pub(super) fn begin(&mut self, now: u64) {
        for (receiver, phase) in self.receivers.iter_mut().flatten().zip(0_u64..) {
            receiver.next_report_ns = now + phase * 5_000_000 % REPORT_NS;
            receiver.next_feedback_ns = now + phase * 500_000 % FEEDBACK_NS;
            // Of a slice that is long over.
            receiver.arrived.clear();
        }
    }

    /// Packets whose transport-wide number said something, and those whose did not, since this was last asked.
    pub(super) fn take_numbered(&mut self) -> (u64, u64) {
        (core::mem::take(&mut self.numbered), core::mem::take(&mut self.unnumbered))
    }

    /// A datagram came.
    pub(super) fn hear(&mut self, peer: usize, datagram: &[u8], now: u64) {
        let Some(Some(receiver)) = self.receivers.get_mut(peer) else { return };
        let Some(&[_, second, high, low]) = datagram.first_chunk() else { return };
        if second & 0x7F != PAYLOAD_TYPE_OUT {
            return;
        }
        let sequence = u16::from_be_bytes([high, low]);
        let [_, _, known_high, known_low] = receiver.highest.to_be_bytes();
        let ahead = sequence.wrapping_sub(u16::from_be_bytes([known_high, known_low]));
        if ahead < 1 << 15 {
            receiver.highest = receiver.highest.wrapping_add(ahead.into());
        }
        if let Some(number) = number_of(datagram) {
            match receiver.arrived(number, now) {
                Some(true) => self.numbered += 1,
                Some(false) => self.unnumbered += 1,
                None => {}
            }
        }
        if sequence.is_multiple_of(MISSING_EVERY) {
            receiver.missing = Some(sequence);
        }
    }

    /// What a peer has to say now, sealed; to be asked until it is nothing.
    pub(super) fn next(&mut self, peer: usize, now: u64) -> Option<Vec<u8>> {
        let receiver = self.receivers.get_mut(peer)?.as_mut()?;
        let packet = receiver.next(now)?;
        match &mut receiver.sealer {
            None => Some(packet),
            Some(context) => context.encrypt_rtcp(&packet).ok().map(|sealed| sealed.to_vec()),
        }
    }
}

impl Receiver {
    /// Takes note of a number. Whether it was another than the one before, where there was one.
    fn arrived(&mut self, number: u16, now: u64) -> Option<bool> {
        let is_new = self.last_number.replace(number).map(|last| last != number);
        let number = if is_new == Some(false) { self.next_number } else { number };
        self.next_number = number.wrapping_add(1);
        if self.arrived.len() < usize::from(MOST_IN_FEEDBACK) {
            self.arrived.push((number, now));
        }
        is_new
    }

    fn next(&mut self, now: u64) -> Option<Vec<u8>> {
        if let Some(sequence) = self.missing.take() {
            return Some(self.nack(sequence));
        }
        if now >= self.next_report_ns {
            self.next_report_ns = now + REPORT_NS;
            return Some(self.report());
        }
        if now >= self.next_feedback_ns && !self.arrived.is_empty() {
            self.next_feedback_ns = now + FEEDBACK_NS;
            return Some(self.transport_feedback());
        }
        None
    }

    /// A receiver report with one block (RFC 3550 §6.4.2), of a path without loss.
    fn report(&self) -> Vec<u8> {
        words(0x81, 201, &[self.ssrc, self.media, 0, self.highest, 90, 0, 0])
    }

    /// A generic NACK of one packet (RFC 4585 §6.2.1).
    fn nack(&self, sequence: u16) -> Vec<u8> {
        words(0x81, 205, &[self.ssrc, self.media, u32::from(sequence) << 16])
    }

    /// Feedback on the packets that came since the last (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1), in
    /// runs alone: numbers that did not come between those that did count as missing.
    fn transport_feedback(&mut self) -> Vec<u8> {
        let mut arrived = core::mem::take(&mut self.arrived);
        let origin = arrived.first().map_or(0, |(number, _)| number.wrapping_sub(1 << 15));
        arrived.sort_by_key(|(number, _)| number.wrapping_sub(origin));
        arrived.dedup_by_key(|(number, _)| *number);
        let (base, first_at) = arrived.first().copied().unwrap_or_default();
        arrived.retain(|(number, _)| number.wrapping_sub(base) < MOST_IN_FEEDBACK);
        let last = arrived.last().map_or(base, |(number, _)| *number);
        let reference = first_at / TICK_NS / TICKS_IN_REFERENCE;
        let (mut runs, mut deltas): (Vec<(u16, u16)>, Vec<u8>) = (Vec::new(), Vec::new());
        let mut at_tick = reference * TICKS_IN_REFERENCE;
        let mut note = |symbol, count| match runs.last_mut() {
            Some((last, run)) if *last == symbol => *run += count,
            _ => runs.push((symbol, count)),
        };
        let mut expected = base;
        for (number, at) in arrived {
            if number != expected {
                note(MISSING, number.wrapping_sub(expected));
            }
            expected = number.wrapping_add(1);
            let delta = (at / TICK_NS).cast_signed() - at_tick.cast_signed();
            at_tick = at / TICK_NS;
            if let Ok(delta) = u8::try_from(delta) {
                note(SMALL_DELTA, 1);
                deltas.push(delta);
            } else {
                note(LARGE_DELTA, 1);
                let delta = i16::try_from(delta).unwrap_or(if delta < 0 { i16::MIN } else { i16::MAX });
                deltas.extend(delta.to_be_bytes());
            }
        }
        let statuses = u32::from(last.wrapping_sub(base)) + 1;
        let reference = u32::try_from(reference & 0xFF_FFFF).unwrap_or(0);
        let head =
            [self.ssrc, self.media, u32::from(base) << 16 | statuses, reference << 8 | u32::from(self.count)];
        self.count = self.count.wrapping_add(1);
        let chunks = runs.into_iter().flat_map(|(symbol, run)| (symbol << 13 | run).to_be_bytes());
        let mut tail: Vec<u8> = chunks.chain(deltas).collect();
        tail.resize(tail.len().next_multiple_of(4), 0);
        let tail = tail.chunks(4).map(|word| word.iter().fold(0, |word, byte| word << 8 | u32::from(*byte)));
        words(0x8F, 205, &head.into_iter().chain(tail).collect::<Vec<_>>())
    }
}

fn words(first: u8, kind: u8, words: &[u32]) -> Vec<u8> {
    let mut packet = vec![first, kind];
    packet.extend(u16::try_from(words.len()).unwrap_or(0).to_be_bytes());
    packet.extend(words.iter().flat_map(|word| word.to_be_bytes()));
    packet
}

fn sealer(suite: Suite, peer: usize) -> Option<Context> {
    let profile = match suite {
        Suite::Clear => return None,
        Suite::Gcm128 => ProtectionProfile::AeadAes128Gcm,
        Suite::Gcm256 => ProtectionProfile::AeadAes256Gcm,
        Suite::Sha1Tag80 => ProtectionProfile::Aes128CmHmacSha1_80,
    };
    let (key, salt) = suite.keys_for(peer);
    Context::new(&key, &salt, profile, None, None).ok()
}

impl fmt::Debug for Feedback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feedback").field("receivers", &self.receivers.len()).finish_non_exhaustive()
    }
}

const REPORT_NS: u64 = 1_000_000_000;
const FEEDBACK_NS: u64 = 100_000_000;
/// One packet in so many is said to be missing.
const MISSING_EVERY: u16 = 100;
/// A datagram's worth, and no more than a run can say.
const MOST_IN_FEEDBACK: u16 = 1_000;
const TICK_NS: u64 = 250_000;
const TICKS_IN_REFERENCE: u64 = 256;
/// What a run can say of its packets.
const MISSING: u16 = 0;
const SMALL_DELTA: u16 = 1;
const LARGE_DELTA: u16 = 2;

#[cfg(test)]
mod tests;
