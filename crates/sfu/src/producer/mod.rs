//! One producer: tells its streams apart, and says what its packets are inside the router.
//!
//! Owns the parameters it was created with, the streams seen so far, and whether it is paused. A packet becomes a
//! [`Packet`]: encoding, mapped SSRC and payload type, sequence number with its cycles. Nothing is written: header
//! extensions are laid out by [`Producer::lay_out`] once per packet and stamped when it leaves.
//!
//! What its streams lost, and when they are asked for packets again, is `streams`' business; [`Noted`] says when
//! something follows from a packet. Lives on its transport's core.

mod extensions;
mod key_requests;
mod layers;
mod parameters;
mod received;
mod replica;
mod report;
mod stream;
#[cfg(test)]
mod tests;

use core::time::Duration;

use model::command::Epoch;
use model::rtp::{MediaKind, RtpMapping, RtpParameters};
use model::score::ProducerType;
use model::trace::{ProducerTraceEventType, TraceSet};
use streams::receive::{Arrived, Gap, SenderClock, Standing, Taken};
use wire::rtp::values::VideoOrientation;
use wire::rtp::{HeaderPlan, Layout, PlanError, View, rtx};
use wire::{Mono, Ntp, PayloadType, Ssrc};

pub use extensions::{ReceiveIds, router_id};
pub use parameters::validate;
pub(crate) use parameters::{ENCODINGS_LIMIT, carries_media, layers};
pub(crate) use received::Heard;
pub(crate) use replica::Replica;
pub(crate) use report::{counters, describe, rtx_dump};

use crate::content::{Codec, Content};
use crate::transport::Request;
use crate::{Packet, Unacceptable};
use extensions::Outline;
use key_requests::{KeyRequests, Pace};
use stream::{Encoding, Membership, Signs};

/// See the module.
#[derive(Clone, Debug)]
pub struct Producer {
    kind: MediaKind,
    producer_type: ProducerType,
    encodings: Vec<Encoding>,
    mapped_ssrcs: Vec<Ssrc>,
    /// By the low seven bits of the producer's payload type: what it is inside the router, and what it carries.
    payload_types: [Option<(PayloadType, Codec)>; 128],
    outline: Outline,
    receive_ids: ReceiveIds,
    activity: Activity,
    epoch: Epoch,
    trace: TraceSet<ProducerTraceEventType>,
    /// Whether packets without a packet id get one.
    adds_packet_ids: bool,
    /// How the camera is held, once a packet said so.
    orientation: Option<VideoOrientation>,
    /// Of each encoding.
    key_requests: Box<[KeyRequests]>,
    /// How far apart requests for key frames are, if the application chose that.
    key_request_delay: Duration,
}

/// Whether packets of a producer are passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// They are.
    Running,
    /// They are taken note of and dropped.
    Paused,
}

/// When a packet came.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// When the kernel received it.
    pub received: Mono,
    /// The same by the wall clock.
    pub wall_clock: Ntp,
    /// How far the sender's clock is from that.
    pub clock: SenderClock,
}

/// What a packet is to the producer that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// Media to pass on, and where its parts lie: what was retransmitted has two bytes more before its payload.
    Media(Packet, Layout),
    /// Nothing to pass on.
    Drop(DropReason),
}

/// What follows from a packet for the stream that it is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// Its place among the producer's encodings.
    pub encoding: usize,
    /// It is of the stream's retransmissions.
    pub is_rtx: bool,
    /// The stream was seen for the first time.
    pub appeared: bool,
    /// Packets are missing before it.
    pub gap: bool,
    /// So many are missing that only a key frame helps.
    pub needs_key_frame: bool,
    /// The stream had been silent, and its score is another now.
    pub revived: bool,
}

impl Noted {
    /// Whether anything follows.
    #[inline]
    pub(crate) const fn asks_for_something(&self) -> bool {
        self.appeared || self.gap || self.revived
    }
}

type Sorted = Result<(Packet, Layout), DropReason>;

/// Why a packet goes no further than its producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// No encoding has this SSRC, payload type or RID.
    UnknownStream,
    /// A second SSRC for an encoding that has its stream.
    SecondSsrc,
    /// A retransmission for a stream of which nothing was seen.
    RepairOfUnseen,
    /// The payload type is none of the producer's.
    UnknownPayloadType,
    /// Far from the stream's other sequence numbers.
    OutOfOrder,
    /// A retransmission of nothing that is missing.
    NotMissing,
    /// The producer is paused.
    Paused,
}

impl Producer {
    /// A running producer.
    ///
    /// # Errors
    /// [`Unacceptable`], for which the caller is to blame.
    pub fn new(
        kind: MediaKind,
        parameters: &RtpParameters,
        mapping: &RtpMapping,
    ) -> Result<Self, Unacceptable> {
        let producer_type = validate(kind, parameters, mapping)?;
        let mut payload_types = [None; 128];
        for mapped in &mapping.codecs {
            let codec = parameters.codecs.iter().find(|codec| codec.payload_type == mapped.payload_type);
            let carries = codec.map(|codec| Codec::of(&codec.mime_type)).unwrap_or_default();
            if let Some(place) = payload_types.get_mut(usize::from(mapped.payload_type.number())) {
                *place = Some((PayloadType::from_low_bits(mapped.mapped_payload_type.number()), carries));
            }
        }
        Ok(Self {
            kind,
            producer_type,
            encodings: stream::encodings(parameters),
            receive_ids: ReceiveIds::of(parameters),
            mapped_ssrcs: mapping.encodings.iter().map(|encoding| Ssrc(encoding.mapped_ssrc.0)).collect(),
            payload_types,
            outline: Outline::new(kind, &parameters.header_extensions),
            activity: Activity::Running,
            epoch: Epoch(0),
            trace: TraceSet::default(),
            adds_packet_ids: false,
            orientation: None,
            key_requests: parameters.encodings.iter().map(|_| KeyRequests::default()).collect(),
            key_request_delay: Duration::ZERO,
        })
    }

    /// Takes a packet that the listener found to be this producer's. `rid` is its RID or repaired RID.
    #[inline]
    pub fn receive(&mut self, arrival: &Arrival, packet: &View<'_>, rid: Option<&[u8]>) -> (Received, Noted) {
        let mut noted = Noted::default();
        let received = match self.sort(arrival, packet, rid, &mut noted) {
            Ok((packet, layout)) => Received::Media(packet, layout),
            Err(reason) => Received::Drop(reason),
        };
        (received, noted)
    }

    /// Lays out the header that the packet's consumers share.
    ///
    /// # Errors
    /// [`PlanError`], for which the sender is to blame.
    #[inline]
    pub fn lay_out(&self, packet: &Packet, view: &View<'_>, plan: &mut HeaderPlan) -> Result<(), PlanError> {
        self.outline.lay_out(packet, view, plan)
    }

    /// Stops passing packets on. Whether that is a change.
    pub fn pause(&mut self, now: Mono) -> bool {
        self.turn(now, Activity::Paused)
    }

    /// Passes packets on again. Whether that is a change.
    pub fn resume(&mut self, now: Mono) -> bool {
        self.turn(now, Activity::Running)
    }

    /// Audio or video.
    pub const fn kind(&self) -> MediaKind {
        self.kind
    }

    /// Simple, simulcast or svc.
    pub const fn producer_type(&self) -> ProducerType {
        self.producer_type
    }

    /// Whether packets are passed on.
    pub const fn activity(&self) -> Activity {
        self.activity
    }

    /// The current epoch.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The SSRCs seen so far, by encoding: of the media and of its retransmissions.
    pub fn seen(&self) -> impl Iterator<Item = Option<(Ssrc, Option<Ssrc>)>> {
        let streams = self.encodings.iter().map(|encoding| encoding.stream.as_ref());
        streams.map(|stream| stream.map(|stream| (stream.ssrc, stream.rtx_ssrc)))
    }

    /// Whether its packets carry what repairs the ones before.
    pub(crate) fn has_in_band_fec(&self) -> bool {
        self.encodings.iter().any(|encoding| encoding.described.use_in_band_fec)
    }

    /// Where its packets say whose they are.
    pub(crate) const fn receive_ids(&self) -> &ReceiveIds {
        &self.receive_ids
    }

    /// Gives a packet id to packets that come without.
    pub(crate) const fn add_packet_ids(&mut self) {
        self.adds_packet_ids = true;
    }

    /// Whether there is more to a packet of it than to pass it on.
    #[inline]
    pub(crate) fn is_attended(&self) -> bool {
        self.adds_packet_ids || !self.trace.is_empty() || self.receive_ids.video_orientation.is_some()
    }

    /// Whether a packet is to get a packet id.
    pub(crate) fn wants_packet_id(&self, view: &View<'_>) -> bool {
        self.adds_packet_ids && !self.outline.names(view)
    }

    /// How a packet says that the camera is held, if that is news.
    pub(crate) fn turn_camera(&mut self, view: &View<'_>) -> Option<VideoOrientation> {
        let id = self.receive_ids.video_orientation.filter(|_| self.kind == MediaKind::Video)?;
        let orientation = VideoOrientation::parse(view.element(id)?)?;
        (self.orientation.replace(orientation) != Some(orientation)).then_some(orientation)
    }

    /// Has requests for key frames be that far apart.
    pub(crate) const fn delay_key_requests(&mut self, delay: Duration) {
        self.key_request_delay = delay;
    }

    /// Somebody wants a key frame of an encoding. How its sender is asked for one; nothing if it is not now, cannot be,
    /// or need not.
    pub(crate) fn want_key_frame(
        &mut self,
        now: Mono,
        encoding: usize,
        round_trip: Option<Duration>,
    ) -> Option<Request> {
        if self.activity == Activity::Paused || self.kind == MediaKind::Audio {
            return None;
        }
        let asked = self.encodings.get_mut(encoding).filter(|asked| asked.can_be_asked())?;
        let pace = Pace { delay: self.key_request_delay, round_trip };
        let asks = self.key_requests.get_mut(encoding)?.want(now, pace);
        if asks { asked.request_key_frame() } else { None }
    }

    /// Time has passed for an encoding's requests for key frames. How its sender is asked again, if it is.
    pub(crate) fn repeat_key_request(
        &mut self,
        now: Mono,
        encoding: usize,
        round_trip: Option<Duration>,
    ) -> Option<Request> {
        let pace = Pace { delay: self.key_request_delay, round_trip };
        let asks = self.key_requests.get_mut(encoding)?.expire(now, pace);
        if asks { self.encodings.get_mut(encoding)?.request_key_frame() } else { None }
    }

    /// When [`Self::repeat_key_request`] is to be called.
    pub(crate) fn key_requests_due(&self) -> Option<Mono> {
        self.key_requests.iter().filter_map(KeyRequests::due).min()
    }

    pub(crate) const fn set_trace(&mut self, trace: TraceSet<ProducerTraceEventType>) {
        self.trace = trace;
    }

    /// What is traced.
    #[inline]
    pub(crate) const fn trace(&self) -> TraceSet<ProducerTraceEventType> {
        self.trace
    }

    /// The SSRC and payload type that its sender gave a packet, or the one that it restores.
    pub(crate) fn numbers_of(&self, packet: &Packet) -> Option<(Ssrc, PayloadType)> {
        let (ssrc, _) = self.seen().nth(packet.encoding)??;
        let is = |mapped: &Option<(PayloadType, _)>| {
            mapped.is_some_and(|(mapped, _)| mapped == packet.payload_type)
        };
        let number = u8::try_from(self.payload_types.iter().position(is)?).ok()?;
        Some((ssrc, PayloadType::from_low_bits(number)))
    }

    /// How many encodings it has.
    pub(crate) const fn encodings(&self) -> usize {
        self.encodings.len()
    }

    /// Whether an SSRC is of a stream that was seen.
    #[inline]
    pub(crate) fn knows(&self, ssrc: Ssrc) -> bool {
        stream::known(&self.encodings, ssrc).is_some()
    }

    fn sort(
        &mut self,
        arrival: &Arrival,
        packet: &View<'_>,
        rid: Option<&[u8]>,
        noted: &mut Noted,
    ) -> Sorted {
        let (ssrc, payload_type) = (packet.ssrc(), packet.payload_type());
        let arrived = Arrived {
            at: arrival.received,
            sequence: packet.sequence(),
            timestamp: packet.timestamp(),
            len: packet.bytes().len(),
        };
        let membership = match stream::known(&self.encodings, ssrc) {
            Some(known) => known,
            None => {
                let met = self.meet(&Signs { arrived, ssrc, payload_type, rid })?;
                noted.appeared = true;
                met
            }
        };
        let (at, taken, view, payload_type) = match membership {
            Membership::Media(at) => (at, self.take(at, &arrived, payload_type)?, *packet, payload_type),
            Membership::Rtx(at) => {
                noted.is_rtx = true;
                let (taken, view, payload_type) = self.restore(at, &arrived, packet)?;
                (at, taken, view, payload_type)
            }
        };
        (noted.encoding, noted.gap, noted.revived) = (at, taken.gap.is_some(), taken.revived);
        noted.needs_key_frame = taken.gap == Some(Gap::NeedsKeyFrame);
        let described = self.describe(arrival, &view, (at, payload_type, taken.standing))?;
        if self.activity == Activity::Paused {
            return Err(DropReason::Paused);
        }
        // It is here.
        noted.needs_key_frame &= !described.key_frame;
        Ok((described, view.layout()))
    }

    /// A stream that is seen for the first time.
    #[cold]
    fn meet(&mut self, signs: &Signs<'_>) -> Result<Membership, DropReason> {
        let membership = stream::belongs(&mut self.encodings, signs)?;
        if let Membership::Media(at) = membership {
            // Who was here before was asked, and answers no more.
            if let Some(requests) = self.key_requests.get_mut(at) {
                requests.give_up();
            }
            if self.activity == Activity::Paused
                && let Some(stream) = self.stream_mut(at)
            {
                stream.receive.pause();
            }
        }
        Ok(membership)
    }

    #[inline]
    fn take(&mut self, at: usize, arrived: &Arrived, payload_type: PayloadType) -> Result<Taken, DropReason> {
        self.mapped(payload_type)?;
        let stream = self.stream_mut(at).ok_or(DropReason::UnknownStream)?;
        stream.receive.take(arrived).ok_or(DropReason::OutOfOrder)
    }

    /// The packet that a retransmission carries, if it was missing, with the payload type that it had.
    fn restore<'a>(
        &mut self,
        at: usize,
        arrived: &Arrived,
        packet: &View<'a>,
    ) -> Result<(Taken, View<'a>, PayloadType), DropReason> {
        let original = rtx::open(packet);
        let encoding = self.encodings.get_mut(at).ok_or(DropReason::UnknownStream)?;
        let stream = encoding.stream.as_mut().ok_or(DropReason::UnknownStream)?;
        let len = arrived.len.saturating_sub(rtx::PREFIX_LEN);
        let number = original.map(|original| original.sequence);
        let taken = stream.receive.take_rtx(&Arrived { len, ..*arrived }, number);
        let (original, taken) = original.zip(taken).ok_or(DropReason::NotMissing)?;
        let view = View::new(packet.bytes(), original.layout).ok_or(DropReason::NotMissing)?;
        Ok((taken, view, encoding.media))
    }

    /// What consumers are to know of a packet.
    #[inline]
    fn describe(
        &mut self,
        arrival: &Arrival,
        packet: &View<'_>,
        (at, payload_type, standing): (usize, PayloadType, Standing),
    ) -> Result<Packet, DropReason> {
        let (payload_type, codec) = self.mapped(payload_type)?;
        let descriptor = self.receive_ids.dependency_descriptor;
        let ssrc = self.mapped_ssrcs.get(at).copied().ok_or(DropReason::UnknownStream)?;
        let stream = self.stream_mut(at).ok_or(DropReason::UnknownStream)?;
        let Content { key_frame, dtx, spatial_layer, temporal_layer } =
            stream.read(codec, packet, descriptor);
        if let Some(layers) = &mut stream.layers {
            layers.add(arrival.received, (spatial_layer, temporal_layer), packet.bytes().len());
        }
        let captured = stream.receive.captured(packet.timestamp(), &arrival.clock, arrival.wall_clock);
        if key_frame {
            stream.receive.saw_key_frame(&standing);
            if let Some(requests) = self.key_requests.get_mut(at) {
                requests.arrived(self.key_request_delay);
            }
        }
        Ok(Packet {
            encoding: at,
            ssrc,
            payload_type,
            run: standing.run,
            sequence: standing.sequence,
            timestamp: packet.timestamp(),
            captured,
            marker: packet.marker(),
            payload_len: packet.layout().payload_len(),
            key_frame,
            dtx,
            spatial_layer,
            temporal_layer,
            packet_id: None,
        })
    }

    #[inline]
    fn mapped(&self, payload_type: PayloadType) -> Result<(PayloadType, Codec), DropReason> {
        let mapped = self.payload_types.get(usize::from(payload_type.value())).copied().flatten();
        mapped.ok_or(DropReason::UnknownPayloadType)
    }

    fn turn(&mut self, now: Mono, activity: Activity) -> bool {
        let changed = self.activity != activity;
        if changed {
            for stream in self.encodings.iter_mut().filter_map(|encoding| encoding.stream.as_mut()) {
                match activity {
                    Activity::Paused => stream.receive.pause(),
                    Activity::Running => stream.receive.resume(now),
                }
            }
            // Whoever resumes asks anew.
            self.key_requests.iter_mut().for_each(KeyRequests::give_up);
            self.activity = activity;
            self.epoch = self.epoch.next();
        }
        changed
    }
}
