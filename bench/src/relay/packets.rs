//! Packets that wait for the flush: each once, however many consumers it has.

use shard::Payload;
use wire::rtp::{ExtensionMap, HeaderPlan, View};

/// A table of packets whose places are used again.
#[derive(Debug)]
pub(super) struct Packets {
    entries: Vec<Packet>,
    free: Vec<u32>,
}

/// A packet, ready to be stamped.
#[derive(Debug)]
pub(super) struct Packet {
    pub(super) payload: Payload,
    pub(super) plan: HeaderPlan,
    /// The producer's extended sequence number.
    pub(super) index: u64,
    pub(super) timestamp: u32,
    pub(super) marker: bool,
    body_at: usize,
    body_len: usize,
    /// Queue entries that name it.
    pending: usize,
}

impl Packets {
    pub(super) fn new() -> Self {
        Self { entries: Vec::with_capacity(PACKETS), free: Vec::with_capacity(PACKETS) }
    }

    /// Takes over a payload's reference. `None` when its header cannot be rewritten.
    pub(super) fn insert(
        &mut self,
        payload: Payload,
        view: &View<'_>,
        index: u64,
        extensions: &ExtensionMap,
    ) -> Option<u32> {
        let number = match self.free.pop() {
            Some(number) => number,
            None => self.grow(payload)?,
        };
        let packet = self.entries.get_mut(usize::try_from(number).ok()?)?;
        packet.plan.prepare(view, extensions, &[]).ok()?;
        packet.payload = payload;
        packet.index = index;
        packet.timestamp = view.timestamp();
        packet.marker = view.marker();
        packet.body_at = view.layout().header_len();
        packet.body_len = view.layout().payload_len();
        packet.pending = 0;
        Some(number)
    }

    pub(super) fn find(&self, number: u32) -> Option<&Packet> {
        self.entries.get(usize::try_from(number).ok()?)
    }

    /// Says how many queue entries name a packet. With none, its payload comes back to be released.
    pub(super) fn expect(&mut self, number: u32, pending: usize) -> Option<Payload> {
        let packet = self.entries.get_mut(usize::try_from(number).ok()?)?;
        packet.pending = pending;
        if pending > 0 {
            return None;
        }
        self.free.push(number);
        Some(packet.payload)
    }

    /// A queue entry is done. With the last one, the payload comes back to be released.
    pub(super) fn done(&mut self, number: u32) -> Option<Payload> {
        let left = self.find(number)?.pending.checked_sub(1)?;
        self.expect(number, left)
    }

    fn grow(&mut self, payload: Payload) -> Option<u32> {
        let number = u32::try_from(self.entries.len()).ok()?;
        self.entries.push(Packet {
            payload,
            plan: HeaderPlan::new(),
            index: 0,
            timestamp: 0,
            marker: false,
            body_at: 0,
            body_len: 0,
            pending: 0,
        });
        Some(number)
    }
}

impl Packet {
    /// The payload among the packet's bytes.
    #[inline]
    pub(super) fn body<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        bytes.get(self.body_at..self.body_at + self.body_len)
    }

    /// Bytes of the packet before protection, as every consumer gets it.
    #[inline]
    pub(super) fn rewritten_len(&self) -> usize {
        self.plan.header_len() + self.body_len
    }
}

/// As many as one tick of a shard can bring; more make it grow.
const PACKETS: usize = 2048;
