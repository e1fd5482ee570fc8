//! One consumer: decides about each packet of its producer, and what the copy of it says.
//!
//! Owns the numbers of the streams it sends. A decision is a value; nothing is written before the packet leaves. Of
//! the outgoing index, the low 16 bits are the sequence number and the whole is the index under SRTP; it is never
//! given twice.
//!
//! A stream begins, and goes on after an interruption or with another source, with a key frame where its codec has
//! them; what comes before waits ([`DropReason::AwaitsKeyFrame`]) or is left out. Simulcast sends one encoding: the first
//! it meets, and from its next key frame on the one that [`Consumer::prefer`] named. Svc sends all layers: none is left out
//! yet.
//!
//! On purpose not here: what may be asked for again (`sfu::stored`), reports and scores (the transport's `sender`).
//! Lives on its transport's core, which need not be its producer's.

mod outgoing;
mod parameters;
mod report;
mod sequence_map;
#[cfg(test)]
mod tests;

use core::mem::offset_of;
use core::num::NonZeroU8;

use model::dump::RtpStreamParams;
use model::rtp::{RtpEncodingParameters, RtpParameters};
use model::score::{ConsumerLayers, ConsumerType};
use model::trace::{ConsumerTraceEventType, TraceSet};
use srtp::PacketIndex;
use wire::rtp::Mid;
use wire::{Mono, PayloadType, Ssrc};

pub use parameters::validate;

use crate::content::Codec;
use crate::producer::{carries_media, describe, layers};
use crate::transport::SenderIndex;
use crate::{Packet, Unacceptable};
use outgoing::Outgoing;

/// See the module.
// What every decision reads comes first, together: it is made for hundreds of consumers in turn.
#[derive(Debug)]
#[repr(C)]
pub struct Consumer {
    halts: Halts,
    consumer_type: ConsumerType,
    /// Whether a stream has to begin with a key frame.
    needs_key_frames: bool,
    ignores_dtx: bool,
    trace: TraceSet<ConsumerTraceEventType>,
    preferred: Option<u8>,
    /// Simulcast: the encoding that its user was told of.
    told: Option<u8>,
    clock_rate_hz: u32,
    /// A bit for each payload type that it takes.
    payload_types: [u64; 2],
    /// All but pipes have only this one.
    first: Outgoing,
    mid: Option<Mid>,
    more: Box<[Outgoing]>,
    cold: Box<Cold>,
}

/// What no packet asks for.
#[derive(Debug)]
struct Cold {
    layers: Option<Layers>,
    /// For whoever shares out bandwidth.
    priority: NonZeroU8,
    /// Its streams, in the order of encodings.
    described: Box<[RtpStreamParams]>,
}

/// What there is to choose from, and what was chosen.
#[derive(Clone, Copy, Debug)]
struct Layers {
    spatial: u8,
    temporal: u8,
    preferred: ConsumerLayers,
}

/// Why a consumer sends nothing. Several may hold at once; it is active when none does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The application paused it.
    Paused,
    /// The application paused its producer.
    ProducerPaused,
    /// Its transport is not connected.
    Unconnected,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is sent, saying this.
    Forward(Rewrite),
    /// It is not.
    Drop(DropReason),
}

/// What the consumer's copy of a packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// The index of the packet under SRTP, whose low 16 bits are the sequence number.
    pub index: PacketIndex,
    /// The timestamp.
    pub timestamp: u32,
    /// The stream.
    pub ssrc: Ssrc,
    /// Which of its transport's senders that is.
    pub sender: SenderIndex,
    /// The payload type.
    pub payload_type: PayloadType,
    /// The marker bit.
    pub marker: bool,
    /// Whether other layers are sent from this packet on.
    pub turns: bool,
    /// Whether the stream begins with it, or goes on after an interruption.
    pub begins: bool,
}

/// Why a packet is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// The consumer is not active.
    Inactive,
    /// It sends another encoding.
    OtherEncoding,
    /// The payload type is none of its codecs'.
    PayloadType,
    /// There is nothing in it but padding.
    Padding,
    /// It is a pause in speech, and they are not wanted.
    Dtx,
    /// The stream cannot begin with it. Once a key frame before it comes, it can be sent.
    AwaitsKeyFrame,
    /// It was sent before.
    Duplicate,
    /// It comes so late that its place is forgotten, or was before the stream began.
    TooLate,
    /// Its place was closed up when it or its neighbours were left out.
    ClosedUp,
    /// The stream has used all its indices.
    Exhausted,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Halts(u8);

// With what a table has before it, and its transport's key: two cache lines.
const _: () = assert!(16 + offset_of!(Consumer, first) + Outgoing::IN_ORDER_BYTES <= 2 * 64);

impl Consumer {
    /// An active consumer. `start` says with which index a stream begins; see [`random_start`].
    ///
    /// # Errors
    /// [`Unacceptable`], for which the caller is to blame.
    pub fn new(
        pipe: bool,
        parameters: &RtpParameters,
        consumable: &[RtpEncodingParameters],
        start: &mut dyn FnMut(Ssrc) -> PacketIndex,
    ) -> Result<Self, Unacceptable> {
        let consumer_type = validate(pipe, parameters, consumable)?;
        let mid = parameters.mid.as_deref().filter(|mid| !mid.is_empty());
        // One that is longer than what every packet has room for is not sent; the SSRC tells the stream as well.
        let mid = mid.and_then(|mid| Mid::new(mid.as_bytes()));
        let sent = if pipe { consumable.len() } else { 1 };
        let mut streams = parameters.encodings.iter().take(sent).filter_map(|encoding| {
            let ssrc = Ssrc(encoding.ssrc?.0);
            Some(Outgoing::new(ssrc, encoding.rtx.map(|rtx| Ssrc(rtx.ssrc.0)), start(ssrc)))
        });
        let first = streams.next().ok_or_else(|| {
            Unacceptable::new("rtpParameters.encodings", "empty", "it must have at least one encoding")
        })?;
        let more = streams.collect();
        let media = || parameters.codecs.iter().filter(|codec| !codec.mime_type.is_rtx());
        let codec = media().find(|codec| carries_media(codec));
        let describe = |at| codec.map(|codec| describe(parameters, at, codec));
        Ok(Self {
            first,
            more,
            consumer_type,
            payload_types: media().fold([0; 2], |mut set, codec| {
                let (word, bit) = bit(codec.payload_type.number());
                set.get_mut(word).into_iter().for_each(|bits| *bits |= bit);
                set
            }),
            mid,
            clock_rate_hz: codec.map_or(0, |codec| codec.clock_rate),
            needs_key_frames: codec.is_some_and(|codec| {
                let has_layers = consumer_type == ConsumerType::Svc;
                Codec::of(&codec.mime_type).begins_with_key_frame(has_layers)
            }),
            ignores_dtx: false,
            halts: Halts::default(),
            preferred: None,
            told: None,
            trace: TraceSet::default(),
            cold: Box::new(Cold {
                layers: Layers::new(consumer_type, parameters, consumable.len()),
                priority: NonZeroU8::MIN,
                described: (0..parameters.encodings.len().min(sent)).filter_map(describe).collect(),
            }),
        })
    }

    /// Leaves pauses in speech out.
    pub(crate) const fn ignore_dtx(&mut self) {
        self.ignores_dtx = true;
    }

    /// Decides about a packet.
    #[inline]
    pub fn decide(&mut self, now: Mono, packet: &Packet) -> Decision {
        match self.place(now, packet) {
            Ok(rewrite) => Decision::Forward(rewrite),
            Err(reason) => Decision::Drop(reason),
        }
    }

    /// Stops for a reason. Whether that is a change.
    pub fn halt(&mut self, halt: Halt) -> bool {
        let before = self.halts;
        self.halts.0 |= halt.bit();
        self.halts != before
    }

    /// Takes a reason to stop away. Whether that is a change.
    pub fn lift(&mut self, halt: Halt) -> bool {
        let before = self.halts;
        self.halts.0 &= !halt.bit();
        if self.halts != before && self.is_active() {
            self.first.resume();
            self.more.iter_mut().for_each(Outgoing::resume);
        }
        self.halts != before
    }

    /// Whether this reason to stop holds.
    pub const fn is_halted_by(&self, halt: Halt) -> bool {
        self.halts.0 & halt.bit() != 0
    }

    /// Whether packets are sent.
    #[inline]
    pub const fn is_active(&self) -> bool {
        self.halts.0 == 0
    }

    /// Changes to an encoding with the next packet of it that the stream can go on with, which for most codecs begins a key
    /// frame. For simulcast; the others have no choice.
    pub fn prefer(&mut self, encoding: usize) {
        if self.consumer_type == ConsumerType::Simulcast {
            self.preferred = Some(number(encoding));
        }
    }

    /// Sets the highest layers that are wanted, as far as there are such; nothing for who has no layers. Without an
    /// answer to what fits, simulcast sends the encoding of the spatial layer, and svc everything.
    pub fn set_preferred_layers(&mut self, wanted: ConsumerLayers) -> Option<ConsumerLayers> {
        let layers = self.cold.layers.as_mut()?;
        let preferred = layers.prefer(wanted);
        self.prefer(usize::from(preferred.spatial_layer));
        Some(preferred)
    }

    /// The highest layers that are wanted; nothing for who has no layers.
    pub fn preferred_layers(&self) -> Option<ConsumerLayers> {
        self.cold.layers.map(|layers| layers.preferred)
    }

    /// The layers that are sent; of the spatial layer all that there is.
    pub(crate) fn layers(&self) -> Option<ConsumerLayers> {
        let layers = self.cold.layers?;
        let spatial_layer = self.told?;
        Some(ConsumerLayers { spatial_layer, temporal_layer: Some(layers.temporal.saturating_sub(1)) })
    }

    /// Nothing is sent any more. Whether its user is to be told.
    pub(crate) const fn fall_silent(&mut self) -> bool {
        self.told.take().is_some()
    }

    /// The encodings that it sends or is about to.
    pub(crate) fn encodings(&self) -> core::ops::Range<usize> {
        let one = |at: usize| at..at.saturating_add(1);
        match self.consumer_type {
            ConsumerType::Simple | ConsumerType::Svc => one(0),
            ConsumerType::Simulcast => {
                one(self.preferred.map(usize::from).or(self.first.encoding()).unwrap_or_default())
            }
            ConsumerType::Pipe => 0..self.more.len().saturating_add(1),
        }
    }

    /// Which of its producer's encodings feeds a stream.
    pub(crate) fn source_of(&self, stream: u8) -> usize {
        if self.consumer_type == ConsumerType::Pipe { usize::from(stream) } else { self.encodings().start }
    }

    pub(crate) const fn set_priority(&mut self, priority: NonZeroU8) {
        self.cold.priority = priority;
    }

    pub(crate) const fn set_trace(&mut self, trace: TraceSet<ConsumerTraceEventType>) {
        self.trace = trace;
    }

    /// What is traced.
    #[inline]
    pub(crate) const fn trace(&self) -> TraceSet<ConsumerTraceEventType> {
        self.trace
    }

    /// The encoding that it sends, if it sends one.
    pub(crate) fn current(&self) -> Option<usize> {
        self.first.encoding()
    }

    /// Says which of its transport's senders each of its streams is, in the order of encodings.
    pub(crate) fn assign(&mut self, senders: &[SenderIndex]) {
        for (stream, sender) in core::iter::once(&mut self.first).chain(&mut self.more).zip(senders) {
            stream.sender = *sender;
        }
    }

    /// Which of its transport's senders its streams are.
    pub(crate) fn senders(&self) -> impl Iterator<Item = SenderIndex> {
        core::iter::once(&self.first).chain(&self.more).map(|stream| stream.sender)
    }

    /// What its streams are made of, in the order of encodings.
    pub(crate) fn described(&self) -> &[RtpStreamParams] {
        &self.cold.described
    }

    /// Whether its peer may ask for packets again.
    pub(crate) fn may_ask(&self) -> bool {
        self.cold.described.iter().any(|stream| stream.use_nack)
    }

    /// The MID that its packets carry, if it has one that fits.
    pub(crate) const fn mid(&self) -> Option<Mid> {
        self.mid
    }

    /// Ticks a second of its streams' timestamps.
    pub(crate) const fn clock_rate_hz(&self) -> u32 {
        self.clock_rate_hz
    }

    /// What it makes of its producer's streams.
    pub const fn consumer_type(&self) -> ConsumerType {
        self.consumer_type
    }

    /// The SSRCs it sends with, in the order of encodings.
    pub fn ssrcs(&self) -> impl Iterator<Item = Ssrc> {
        core::iter::once(&self.first).chain(&self.more).map(|stream| stream.ssrc)
    }

    /// The SSRCs it retransmits with, where it does, in the order of encodings.
    pub fn rtx_ssrcs(&self) -> impl Iterator<Item = Option<Ssrc>> {
        core::iter::once(&self.first).chain(&self.more).map(|stream| stream.rtx_ssrc)
    }

    #[inline]
    fn place(&mut self, now: Mono, packet: &Packet) -> Result<Rewrite, DropReason> {
        if !self.is_active() {
            return Err(DropReason::Inactive);
        }
        let (word, bit) = bit(packet.payload_type.value());
        let takes = self.payload_types.get(word).is_some_and(|bits| bits & bit != 0);
        let clock_rate_hz = self.clock_rate_hz;
        let (needs_key_frames, leaves_out) = (self.needs_key_frames, self.ignores_dtx && packet.dtx);
        let stream = self.stream_for(packet.encoding).ok_or(DropReason::OtherEncoding)?;
        if !takes {
            stream.close(packet);
            return Err(DropReason::PayloadType);
        }
        if packet.payload_len == 0 {
            stream.close(packet);
            return Err(DropReason::Padding);
        }
        if leaves_out {
            stream.close(packet);
            return Err(DropReason::Dtx);
        }
        let begins = stream.begins_with(packet);
        if begins && needs_key_frames && !stream.can_begin_with(packet) {
            return Err(DropReason::AwaitsKeyFrame);
        }
        let (index, timestamp) = stream.place(now, packet, clock_rate_hz)?;
        let Packet { payload_type, marker, .. } = *packet;
        let (ssrc, sender) = (stream.ssrc, stream.sender);
        let encoding = Some(number(packet.encoding));
        let turns = self.consumer_type == ConsumerType::Simulcast && self.told != encoding;
        let rewrite = Rewrite { index, timestamp, ssrc, sender, payload_type, marker, turns, begins };
        if turns {
            self.told = encoding;
        }
        if self.preferred == encoding {
            self.preferred = None;
        }
        Ok(rewrite)
    }

    #[inline]
    fn stream_for(&mut self, encoding: usize) -> Option<&mut Outgoing> {
        if self.consumer_type == ConsumerType::Pipe {
            return match encoding.checked_sub(1) {
                None => Some(&mut self.first),
                Some(at) => self.more.get_mut(at),
            };
        }
        let current = self.first.encoding().is_none_or(|current| current == encoding);
        (current || self.preferred == Some(number(encoding))).then_some(&mut self.first)
    }
}

impl Layers {
    /// All of them are wanted at first.
    fn new(consumer_type: ConsumerType, parameters: &RtpParameters, encodings: usize) -> Option<Self> {
        let inside = parameters.encodings.first().map(layers).unwrap_or_default();
        let spatial = match consumer_type {
            ConsumerType::Simple | ConsumerType::Pipe => return None,
            ConsumerType::Simulcast => u8::try_from(encodings).unwrap_or(u8::MAX),
            ConsumerType::Svc => inside.spatial,
        };
        let mut layers = Self {
            spatial,
            temporal: inside.temporal,
            preferred: ConsumerLayers { spatial_layer: 0, temporal_layer: None },
        };
        layers.prefer(ConsumerLayers { spatial_layer: u8::MAX, temporal_layer: None });
        Some(layers)
    }

    fn prefer(&mut self, wanted: ConsumerLayers) -> ConsumerLayers {
        let highest = |count: u8| count.saturating_sub(1);
        let temporal = wanted.temporal_layer.unwrap_or(u8::MAX).min(highest(self.temporal));
        let spatial_layer = wanted.spatial_layer.min(highest(self.spatial));
        self.preferred = ConsumerLayers { spatial_layer, temporal_layer: Some(temporal) };
        self.preferred
    }
}

impl Halt {
    const fn bit(self) -> u8 {
        match self {
            Self::Paused => 1,
            Self::ProducerPaused => 2,
            Self::Unconnected => 4,
        }
    }
}

/// An encoding in a byte: no producer has so many.
#[inline]
fn number(encoding: usize) -> u8 {
    u8::try_from(encoding).unwrap_or(u8::MAX)
}

/// The first index of a stream whose SSRC its key has not seen: from 1000 to 32767, so that what is reordered around
/// the first packet does not look like a rollover. An SSRC that its key has seen begins above its highest index.
pub fn random_start(random: u16) -> PacketIndex {
    PacketIndex::from_parts(0, 1_000_u16.saturating_add(random % 31_768))
}

/// Where a payload type stands among 128 bits: the word, and the bit in it.
#[inline]
fn bit(payload_type: u8) -> (usize, u64) {
    (usize::from(payload_type >> 6 & 1), 1 << (payload_type & 63))
}
