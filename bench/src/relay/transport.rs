//! A transport towards one peer: its queue of this tick, and how that becomes runs.

use core::net::SocketAddr;

use net::driver::{MAX_RUN_BYTES, MAX_RUN_SEGMENTS};
use net::{Driver, SocketKey, Transmit};
use shard::{Context, Egress};
use srtp::{Plaintext, StreamHandle};
use wire::rtp::Stamp;
use wire::{PayloadType, Ssrc};

use super::Relay;
use super::packets::Packets;
use super::seal::Seal;
use crate::case::PAYLOAD_TYPE_OUT;

/// One peer's transport.
#[derive(Debug)]
pub(super) struct Transport {
    socket: SocketKey,
    peer: SocketAddr,
    seal: Seal,
    consumers: Vec<Consumer>,
    queue: Vec<Queued>,
}

#[derive(Clone, Copy, Debug)]
struct Consumer {
    ssrc: u32,
    stream: Option<StreamHandle>,
    /// From the producer's sequence numbers to this consumer's.
    offset: u64,
    /// Longest run: its producer's bursts. Bursts that meet in one tick are not measured as longer ones.
    most_segments: usize,
}

#[derive(Clone, Copy, Debug)]
struct Queued {
    packet: u32,
    consumer: u32,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    packets: usize,
    len: usize,
    segment_size: usize,
}

impl Transport {
    pub(super) fn new(socket: SocketKey, peer: SocketAddr, seal: Seal) -> Self {
        let queue = Vec::with_capacity(QUEUE);
        Self { socket, peer, seal, consumers: Vec::new(), queue }
    }

    /// A consumer more; says its position.
    pub(super) fn add_consumer(&mut self, ssrc: u32, offset: u64, burst: usize) -> Result<u32, String> {
        let stream = self.seal.add_stream(ssrc)?;
        let most_segments = burst.clamp(1, MAX_RUN_SEGMENTS);
        self.consumers.push(Consumer { ssrc, stream, offset, most_segments });
        u32::try_from(self.consumers.len() - 1).map_err(|error| error.to_string())
    }

    #[inline]
    pub(super) fn queue(&mut self, packet: u32, consumer: u32) {
        self.queue.push(Queued { packet, consumer });
    }

    /// Sends everything queued, in order, in as few runs as equal sizes allow.
    pub(super) fn flush<D: Driver>(
        &mut self,
        packets: &mut Packets,
        egress: &mut Egress<'_, D>,
        cx: &mut Context<Relay>,
    ) {
        let mut start = 0;
        while let Some(run) = self.next_run(start, packets) {
            let out = egress.reserve(run.len);
            let len = self.write_run(start..start + run.packets, packets, out, cx);
            let transmit = Transmit {
                socket: self.socket,
                to: self.peer,
                from: None,
                len,
                segment_size: run.segment_size.min(len),
            };
            if len > 0 {
                egress.send(transmit);
            }
            start += run.packets;
        }
        for queued in self.queue.drain(..) {
            if let Some(payload) = packets.done(queued.packet) {
                cx.release(payload);
            }
        }
    }

    /// Packets of one burst. Equal sizes, except that the last may be shorter.
    fn next_run(&self, start: usize, packets: &Packets) -> Option<Run> {
        let overhead = self.seal.overhead();
        let mut run = Run { packets: 0, len: 0, segment_size: 0 };
        let first = self.queue.get(start)?.consumer;
        let most = self.consumers.get(usize::try_from(first).ok()?)?.most_segments;
        let same = self.queue.get(start..)?.iter().take_while(|queued| queued.consumer == first);
        for queued in same.take(most) {
            let size = packets.find(queued.packet)?.rewritten_len() + overhead;
            if run.packets == 0 {
                run.segment_size = size;
            }
            if size > run.segment_size || run.len + size > MAX_RUN_BYTES {
                break;
            }
            run.packets += 1;
            run.len += size;
            if size < run.segment_size {
                break;
            }
        }
        (run.packets > 0).then_some(run)
    }

    /// Stamps and seals the packets of a run, one behind the other. Says where they end.
    fn write_run(
        &mut self,
        range: core::ops::Range<usize>,
        packets: &Packets,
        out: &mut [u8],
        cx: &mut Context<Relay>,
    ) -> usize {
        let mut at = 0;
        for position in range {
            let Some(queued) = self.queue.get(position) else { break };
            let next = self.queue.get(position + 1);
            if let Some(next) = next.and_then(|next| packets.find(next.packet)) {
                cx.prefetch(next.payload);
            }
            let written = packets.find(queued.packet).and_then(|packet| {
                let consumer = self.consumers.get(usize::try_from(queued.consumer).ok()?)?;
                let index = packet.index + consumer.offset;
                let [.., high, low] = index.to_be_bytes();
                let stamp = Stamp {
                    payload_type: PayloadType::from_low_bits(PAYLOAD_TYPE_OUT),
                    marker: packet.marker,
                    sequence: u16::from_be_bytes([high, low]),
                    timestamp: packet.timestamp,
                    ssrc: Ssrc(consumer.ssrc),
                    padding: false,
                    mid: None,
                };
                let out = out.get_mut(at..)?;
                let header_len = packet.plan.stamp(&stamp, out).ok()?;
                let payload = packet.body(cx.bytes(packet.payload)?)?;
                let text = Plaintext { header_len, payload, padding: &[] };
                self.seal.write(consumer.stream, index, out, text)
            });
            // What could not be sealed is missing at the sinks, and no receiver gets half of it.
            at += written.unwrap_or(0);
        }
        at
    }
}

/// Room for what some milliseconds bring; it grows when a shard slept longer than that.
const QUEUE: usize = 256;
