//! One stream that a consumer sends: which source it is fed from, and the numbers that make several sources and
//! pauses look like one stream.

use core::mem::offset_of;

use srtp::PacketIndex;
use wire::{Mono, Ssrc};

use super::sequence_map::SequenceMap;
use super::{DropReason, number};
use crate::Packet;
use crate::transport::SenderIndex;

/// See the module.
// What every packet looks at comes first, together.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Outgoing {
    source: Option<Source>,
    pub(super) ssrc: Ssrc,
    /// Which of its transport's senders it is.
    pub(super) sender: SenderIndex,
    /// What is added to the source's timestamps.
    timestamp_offset: u32,
    /// Packets were left out: what follows makes no sense before a key frame.
    interrupted: bool,
    /// The timestamp of the packet with the highest index, and when it came: [`Mono::NEVER`] before the first.
    latest: u32,
    latest_at: Mono,
    sequence: SequenceMap,
    pub(super) rtx_ssrc: Option<Ssrc>,
}

/// A run of one encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Source {
    encoding: u8,
    run: u32,
}

impl Outgoing {
    /// Bytes at the beginning that a packet in order touches.
    pub(super) const IN_ORDER_BYTES: usize =
        offset_of!(Self, sequence).saturating_add(SequenceMap::IN_ORDER_BYTES);

    pub(super) const fn new(ssrc: Ssrc, rtx_ssrc: Option<Ssrc>, start: PacketIndex) -> Self {
        let (sender, sequence) = (SenderIndex::NONE, SequenceMap::starting_at(start));
        Self {
            ssrc,
            rtx_ssrc,
            sender,
            source: None,
            sequence,
            timestamp_offset: 0,
            latest: 0,
            latest_at: Mono::NEVER,
            interrupted: true,
        }
    }

    /// The encoding it is fed from.
    pub(super) fn encoding(&self) -> Option<usize> {
        self.source.map(|source| source.encoding.into())
    }

    /// Packets before the next one were left out.
    pub(super) fn resume(&mut self) {
        self.interrupted = true;
        self.sequence.resume();
    }

    /// Whether the stream begins, or goes on after an interruption, with this packet if it is sent.
    #[inline]
    pub(super) fn begins_with(&self, packet: &Packet) -> bool {
        self.interrupted || self.source != Some(Source::of(packet))
    }

    /// Whether it may begin or go on with a key frame in this packet. One from before the interruption is too late.
    pub(super) fn can_begin_with(&self, packet: &Packet) -> bool {
        packet.key_frame
            && (self.source != Some(Source::of(packet)) || self.sequence.is_ahead(packet.sequence))
    }

    /// Leaves a packet out. One of another source is not part of this stream yet.
    pub(super) fn close(&mut self, packet: &Packet) {
        if self.source == Some(Source::of(packet)) {
            self.sequence.close(packet.sequence);
        }
    }

    /// The packet's index and timestamp in this stream.
    #[inline]
    pub(super) fn place(
        &mut self,
        now: Mono,
        packet: &Packet,
        clock_rate_hz: u32,
    ) -> Result<(PacketIndex, u32), DropReason> {
        if self.source != Some(Source::of(packet)) {
            self.join(now, packet, clock_rate_hz);
        }
        let index = self.sequence.map(packet.sequence)?;
        self.interrupted = false;
        let timestamp = packet.timestamp.wrapping_add(self.timestamp_offset);
        if self.sequence.is_newest(packet.sequence) {
            (self.latest, self.latest_at) = (timestamp, now);
        }
        Ok((index, timestamp))
    }

    /// Goes on with another source. Its timestamps continue where ours would be by now; to align them by capture
    /// time takes sender reports.
    fn join(&mut self, now: Mono, packet: &Packet, clock_rate_hz: u32) {
        if self.latest_at != Mono::NEVER {
            let elapsed = ticks(now.since(self.latest_at).as_nanos(), clock_rate_hz).max(1);
            let timestamp = self.latest.wrapping_add(elapsed);
            self.timestamp_offset = timestamp.wrapping_sub(packet.timestamp);
        }
        self.source = Some(Source::of(packet));
        self.sequence.restart();
    }
}

impl Source {
    #[inline]
    fn of(packet: &Packet) -> Self {
        Self { encoding: number(packet.encoding), run: packet.run }
    }
}

/// A duration in ticks of an RTP clock; the clock wraps, and so does this.
fn ticks(nanos: u128, rate_hz: u32) -> u32 {
    let ticks = nanos.saturating_mul(u128::from(rate_hz)) / 1_000_000_000;
    u32::try_from(ticks & u128::from(u32::MAX)).unwrap_or_default()
}
