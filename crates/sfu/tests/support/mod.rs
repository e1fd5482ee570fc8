//! A host in memory for tests of the SFU: where packets are kept, what left, and parameters to make objects from.

#![expect(clippy::unwrap_used, reason = "a test may stop")]
#![allow(dead_code, reason = "each test uses its part")]

pub(crate) mod browser;
pub(crate) mod call;
pub(crate) mod parameters;
pub(crate) mod sender;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use model::key::{ConsumerKey, ProducerKey, TransportKey};
use sfu::{Datagram, Depart, Departing, Io, Local, Output, Outputs, Packets, Sfu, Verdict};
use wire::Mono;
use wire::rtcp::{Builder, WritePacket};

/// Slots in memory, counted.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    slots: Vec<(Vec<u8>, u32)>,
    vacant: Vec<usize>,
    /// Packets written so far.
    pub(crate) filled: usize,
    /// More are not held at a time.
    pub(crate) limit: Option<usize>,
    /// Whether it says that room becomes short.
    pub(crate) short: bool,
}

/// What left, datagram by datagram, with the run it left in.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    memory: Vec<u8>,
    pub(crate) runs: Vec<Departing>,
    pub(crate) datagrams: Vec<Vec<u8>>,
    pub(crate) keeps: Keep,
}

/// Whether what leaves is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Keep {
    #[default]
    All,
    Nothing,
}

/// An SFU and its host.
#[derive(Debug, Default)]
pub(crate) struct Host {
    pub(crate) sfu: Sfu<usize>,
    pub(crate) memory: Memory,
    pub(crate) out: Outputs<usize>,
    pub(crate) wire: Wire,
    pub(crate) now: Mono,
    pub(crate) armed: std::collections::BTreeMap<TransportKey, Mono>,
    /// Of the certificate that DTLS shows.
    pub(crate) fingerprint: Option<dtls::Fingerprint>,
}

impl Packets for Memory {
    type Slot = usize;

    fn fill(&mut self, max_len: usize, filler: impl FnOnce(&mut [u8]) -> Option<usize>) -> Option<usize> {
        if max_len > LARGEST_SLOT || self.limit.is_some_and(|limit| self.held() >= limit) {
            return None;
        }
        let slot = self.vacant.pop().unwrap_or_else(|| {
            self.slots.push((Vec::with_capacity(LARGEST_SLOT), 0));
            self.slots.len() - 1
        });
        let (bytes, references) = self.slots.get_mut(slot).unwrap();
        bytes.clear();
        bytes.resize(max_len, 0);
        match filler(bytes) {
            Some(len) => {
                bytes.truncate(len);
                *references = 1;
                self.filled += 1;
                Some(slot)
            }
            None => {
                self.vacant.push(slot);
                None
            }
        }
    }

    fn bytes(&self, slot: usize) -> Option<&[u8]> {
        self.slots.get(slot).filter(|(_, references)| *references > 0).map(|(bytes, _)| &**bytes)
    }

    fn retain(&mut self, slot: usize) -> bool {
        let (_, references) = self.slots.get_mut(slot).filter(|(_, references)| *references > 0).unwrap();
        *references += 1;
        true
    }

    fn release(&mut self, slot: usize) {
        let (_, references) = self.slots.get_mut(slot).filter(|(_, references)| *references > 0).unwrap();
        *references -= 1;
        if *references == 0 {
            self.vacant.push(slot);
        }
    }

    fn is_short(&self) -> bool {
        self.short
    }
}

impl Memory {
    /// Slots with references.
    pub(crate) fn held(&self) -> usize {
        self.slots.len() - self.vacant.len()
    }
}

impl Depart for Wire {
    fn reserve(&mut self, len: usize) -> &mut [u8] {
        if self.memory.len() < len {
            self.memory.resize(len, 0);
        }
        &mut self.memory[..len]
    }

    fn send(&mut self, departing: Departing) {
        if self.keeps == Keep::All {
            self.runs.push(departing);
            let datagrams = self.memory[..departing.len].chunks(departing.segment_size);
            self.datagrams.extend(datagrams.map(<[u8]>::to_vec));
        }
    }
}

impl Host {
    /// A datagram for RTP or both.
    pub(crate) fn receive(&mut self, transport: TransportKey, from: SocketAddr, bytes: &[u8]) -> Verdict {
        self.receive_on(Local::RTP, transport, from, bytes)
    }

    pub(crate) fn receive_on(
        &mut self,
        local: Local,
        transport: TransportKey,
        from: SocketAddr,
        bytes: &[u8],
    ) -> Verdict {
        let datagram = Datagram { local, from, received: self.now, bytes };
        let Self { sfu, memory, out, now, .. } = self;
        sfu.receive(transport, &datagram, &mut Io { now: *now, packets: memory, out })
    }

    /// Lets time pass up to then, with every timer that the SFU set firing in its time.
    pub(crate) fn elapse(&mut self, until: Mono) {
        loop {
            let armed = &mut self.armed;
            self.out.others.retain(|output| match output {
                Output::Arm { transport, at } => {
                    armed.insert(*transport, *at);
                    false
                }
                _ => true,
            });
            let due = armed.iter().filter(|(_, at)| **at <= until).min_by_key(|(_, at)| **at);
            let Some((transport, at)) = due.map(|(transport, at)| (*transport, *at)) else { break };
            self.armed.remove(&transport);
            self.now = self.now.max(at);
            let Self { sfu, memory, out, now, .. } = self;
            sfu.timeout(transport, &mut Io { now: *now, packets: memory, out });
            self.finish();
        }
        self.now = self.now.max(until);
        self.sfu.begin_tick(self.now);
    }

    /// RTCP of a peer.
    pub(crate) fn hear(
        &mut self,
        transport: TransportKey,
        from: SocketAddr,
        packet: &impl WritePacket,
    ) -> Verdict {
        let bytes = rtcp(packet);
        self.receive(transport, from, &bytes)
    }

    /// The timer of a transport fires.
    pub(crate) fn timeout(&mut self, transport: TransportKey) {
        let Self { sfu, memory, out, now, .. } = self;
        sfu.timeout(transport, &mut Io { now: *now, packets: memory, out });
    }

    /// Flushes whom the SFU wants flushed, and ends the tick. What else it wanted stays.
    pub(crate) fn finish(&mut self) {
        let Self { sfu, memory, out, wire, now, .. } = self;
        while !out.flushes.is_empty() {
            let transport = out.flushes.remove(0);
            sfu.flush(transport, wire, &mut Io { now: *now, packets: memory, out });
        }
        sfu.end_tick(&mut Io { now: *now, packets: memory, out });
    }

    /// Hands over to `other` what is for it, and gives back what is not taken.
    pub(crate) fn hand_over(&mut self, other: &mut Self) {
        let mut kept = Vec::new();
        for output in self.out.others.drain(..) {
            let Output::HandOver(mut packet) = output else {
                kept.push(output);
                continue;
            };
            let bytes = self.memory.bytes(packet.slot).unwrap().to_vec();
            self.memory.release(packet.slot);
            let slot = other.memory.fill(bytes.len(), |out| {
                out.copy_from_slice(&bytes);
                Some(bytes.len())
            });
            packet.slot = slot.unwrap();
            let Self { sfu, memory, out, now, .. } = other;
            sfu.crossed(&packet, &mut Io { now: *now, packets: memory, out });
        }
        self.out.others = kept;
    }

    /// What left since the last time.
    pub(crate) fn left(&mut self) -> Vec<Vec<u8>> {
        self.wire.runs.clear();
        std::mem::take(&mut self.wire.datagrams)
    }
}

pub(crate) const fn transport(index: u32) -> TransportKey {
    TransportKey::new(index, 0)
}

pub(crate) const fn producer(index: u32) -> ProducerKey {
    ProducerKey::new(index, 0)
}

pub(crate) const fn consumer(index: u32) -> ConsumerKey {
    ConsumerKey::new(index, 0)
}

/// A peer's address.
pub(crate) const fn peer(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// Writes a packet of a producer of VP8, in which a key frame begins, so that consumers can begin with any.
pub(crate) fn write(packet: &mut Vec<u8>, ssrc: u32, sequence: u16) {
    packet.clear();
    packet.extend([0x90, 96]);
    packet.extend(sequence.to_be_bytes());
    packet.extend(u32::from(sequence).wrapping_mul(3_000).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend([0xbe, 0xde, 0, 1, 0x50, 1, 0, 0]);
    packet.extend(PAYLOAD);
}

/// A packet of a producer.
pub(crate) fn rtp(ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut packet = Vec::new();
    write(&mut packet, ssrc, sequence);
    packet
}

/// A packet of a producer in which no key frame begins.
pub(crate) fn delta(ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut packet = rtp(ssrc, sequence);
    let tag = packet.len() - PAYLOAD.len() + 1;
    // RFC 7741 §4.3: P.
    packet[tag] |= 1;
    packet
}

/// One packet of RTCP.
pub(crate) fn rtcp(packet: &impl WritePacket) -> Vec<u8> {
    let mut bytes = vec![0; 1_500];
    let mut builder = Builder::new(&mut bytes);
    builder.push(packet).unwrap();
    let len = builder.len();
    bytes.truncate(len);
    bytes
}

/// A request for a key frame of that stream, from somebody (RFC 4585 §6.3.1).
pub(crate) fn pli(media: u32) -> Vec<u8> {
    let mut packet = vec![0x81, 206, 0, 2, 0, 0, 0, 99];
    packet.extend(media.to_be_bytes());
    packet
}

const LARGEST_SLOT: usize = 1_536;
/// What [`write`] puts in: VP8, the start of a partition, with the tag of a key frame (RFC 7741 §4.2 and §4.3).
pub(crate) const PAYLOAD: [u8; 20] = [0x10, 0, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7];
