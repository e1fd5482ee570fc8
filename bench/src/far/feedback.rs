//! What receivers say while they receive: a report each second, transport-wide feedback each tenth of one, and that one
//! packet in a hundred is missing. Built by hand and sealed with webrtc-srtp, as everything at this end is by code that
//! the forwarder does not use.

use core::fmt;

use webrtc_srtp::context::Context;
use webrtc_srtp::protection_profile::ProtectionProfile;

use crate::case::{Case, PAYLOAD_TYPE_OUT, consumer_ssrc};
use crate::suite::Suite;

/// The receivers of one subject, by peer.
pub(super) struct Feedback {
    receivers: Vec<Option<Receiver>>,
}

struct Receiver {
    /// None where packets are in the clear.
    sealer: Option<Context>,
    /// Its own, and that of the stream it gets.
    ssrc: u32,
    media: u32,
    highest: u32,
    /// Packets since the last transport-wide feedback.
    packets: u16,
    /// The number that it begins with.
    base: u16,
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
                packets: 0,
                base: 0,
                count: 0,
                missing: None,
                // Not all at once.
                next_report_ns: u64::from(number_32) * 5_000_000,
                next_feedback_ns: u64::from(number_32) * 500_000,
            })
        };
        Self { receivers: case.peers().into_iter().enumerate().map(receiver).collect() }
    }

    /// A slice begins at that time.
    pub(super) fn begin(&mut self, now: u64) {
        for (receiver, phase) in self.receivers.iter_mut().flatten().zip(0_u64..) {
            receiver.next_report_ns = now + phase * 5_000_000 % REPORT_NS;
            receiver.next_feedback_ns = now + phase * 500_000 % FEEDBACK_NS;
        }
    }

    /// A datagram came.
    pub(super) fn hear(&mut self, peer: usize, datagram: &[u8]) {
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
        receiver.packets = receiver.packets.saturating_add(1);
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
    fn next(&mut self, now: u64) -> Option<Vec<u8>> {
        if let Some(sequence) = self.missing.take() {
            return Some(self.nack(sequence));
        }
        if now >= self.next_report_ns {
            self.next_report_ns = now + REPORT_NS;
            return Some(self.report());
        }
        if now >= self.next_feedback_ns && self.packets > 0 {
            self.next_feedback_ns = now + FEEDBACK_NS;
            return Some(self.transport_feedback(now));
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

    /// Feedback on so many packets, all of which came, 250 us apart
    /// (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).
    fn transport_feedback(&mut self, now: u64) -> Vec<u8> {
        let count = core::mem::take(&mut self.packets).min(MOST_IN_FEEDBACK);
        let reference = u32::try_from((now / 64_000_000) & 0x7F_FFFF).unwrap_or(0);
        let head = [
            self.ssrc,
            self.media,
            u32::from(self.base) << 16 | u32::from(count),
            reference << 8 | u32::from(self.count),
        ];
        self.base = self.base.wrapping_add(count);
        self.count = self.count.wrapping_add(1);
        // A run of packets with small deltas, and the deltas.
        let mut tail = (0x2000 | count).to_be_bytes().to_vec();
        tail.resize(2 + usize::from(count), 1);
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
/// A datagram's worth.
const MOST_IN_FEEDBACK: u16 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Shape, Sockets, Spread};
    use wire::rtcp::{Compound, Packet};

    /// What was said in so many milliseconds, a packet each, as our own parser reads it.
    #[test]
    fn a_receiver_says_what_ours_would_read_and_as_often_as_it_should() {
        let case = Case {
            shape: Shape::Fan,
            shards: 1,
            rooms: 1,
            consumers: 1,
            bytes: 100,
            burst: 1,
            suite: Suite::Clear,
            sockets: Sockets::Connected,
            spread: Spread::Even,
        };
        let mut feedback = Feedback::new(&case);
        feedback.begin(0);
        let (mut reports, mut nacks, mut transport) = (0, 0, 0);
        for millisecond in 0..2_000_u16 {
            let [high, low] = millisecond.to_be_bytes();
            feedback.hear(1, &[0x80, PAYLOAD_TYPE_OUT, high, low]);
            while let Some(packet) = feedback.next(1, u64::from(millisecond) * 1_000_000) {
                for packet in Compound::parse(&packet).unwrap().packets() {
                    match packet.unwrap() {
                        Packet::ReceiverReport(_) => reports += 1,
                        Packet::Nack(_) => nacks += 1,
                        Packet::TransportCc(_) => transport += 1,
                        other => panic!("{other:?}"),
                    }
                }
            }
        }
        assert_eq!((reports, nacks, transport), (2, 20, 20));
    }
}
