//! One stream that a consumer sends: which source it is fed from, and the numbers that make several sources and
//! pauses look like one stream.

use srtp::PacketIndex;
use wire::{Mono, Ssrc};

use super::DropReason;
use super::sequence_map::SequenceMap;
use crate::Packet;
use crate::transport::SenderIndex;

/// See the module.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) ssrc: Ssrc,
    pub(super) rtx_ssrc: Option<Ssrc>,
    /// Which of its transport's senders it is.
    pub(super) sender: SenderIndex,
    source: Option<Source>,
    sequence: SequenceMap,
    /// What is added to the source's timestamps.
    timestamp_offset: u32,
    latest: Option<Latest>,
    /// Packets were left out: what follows makes no sense before a key frame.
    interrupted: bool,
}

/// A run of one encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Source {
    encoding: usize,
    run: u32,
}

/// The packet with the highest index so far.
#[derive(Clone, Copy, Debug)]
struct Latest {
    index: PacketIndex,
    timestamp: u32,
    at: Mono,
}

impl Outgoing {
    pub(super) const fn new(ssrc: Ssrc, rtx_ssrc: Option<Ssrc>, start: PacketIndex) -> Self {
        let (sender, sequence) = (SenderIndex::NONE, SequenceMap::starting_at(start));
        Self {
            ssrc,
            rtx_ssrc,
            sender,
            source: None,
            sequence,
            timestamp_offset: 0,
            latest: None,
            interrupted: true,
        }
    }

    /// The encoding it is fed from.
    pub(super) fn encoding(&self) -> Option<usize> {
        self.source.map(|source| source.encoding)
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
        if self.latest.is_none_or(|latest| index > latest.index) {
            self.latest = Some(Latest { index, timestamp, at: now });
        }
        Ok((index, timestamp))
    }

    /// Goes on with another source. Its timestamps continue where ours would be by now; to align them by capture
    /// time takes sender reports.
    fn join(&mut self, now: Mono, packet: &Packet, clock_rate_hz: u32) {
        if let Some(latest) = self.latest {
            let elapsed = ticks(now.since(latest.at).as_nanos(), clock_rate_hz).max(1);
            let timestamp = latest.timestamp.wrapping_add(elapsed);
            self.timestamp_offset = timestamp.wrapping_sub(packet.timestamp);
        }
        self.source = Some(Source::of(packet));
        self.sequence.restart();
    }
}

impl Source {
    #[inline]
    const fn of(packet: &Packet) -> Self {
        Self { encoding: packet.encoding, run: packet.run }
    }
}

/// A duration in ticks of an RTP clock; the clock wraps, and so does this.
fn ticks(nanos: u128, rate_hz: u32) -> u32 {
    let ticks = nanos.saturating_mul(u128::from(rate_hz)) / 1_000_000_000;
    u32::try_from(ticks & u128::from(u32::MAX)).unwrap_or_default()
}
