//! Traces: a look at single packets and requests, for applications that asked for it. Who asked for none pays a test of
//! a flag.
//!
//! Each is an event at the step that it traces. Traces are lossy: who asks for more of them than can be told loses some.

use model::event::{ConsumerEvent, Event, ProducerEvent};
use model::id::{PayloadType, Ssrc as TracedSsrc};
use model::key::{ConsumerKey, ProducerKey, TransportKey};
use model::trace::{
    ConsumerTraceEventType, ProducerTraceEventType, RtpPacketDump, RtpTraceInfo, SrTraceInfo, SsrcTraceInfo,
    StreamTrace, Trace, TraceDirection,
};
use wire::rtcp::SenderInfo;
use wire::rtp::View;
use wire::{Mono, Ssrc};

use super::Sfu;
use crate::consumer::{Consumer, Rewrite};
use crate::io::{Output, Outputs};
use crate::packet::{Packet, Stamp};
use crate::transport::{Request, milliseconds};

impl<S: Copy> Sfu<S> {
    /// A producer's sender is asked for packets.
    pub(super) fn trace_producer_nack(&self, key: ProducerKey, out: &mut Outputs<S>) {
        if self.traces(key, ProducerTraceEventType::Nack) {
            out.push(of_producer(key, self.now, TraceDirection::Out, StreamTrace::Nack));
        }
    }

    /// A consumer's peer asks for packets.
    pub(super) fn trace_consumer_nack(&self, key: ConsumerKey, out: &mut Outputs<S>) {
        let entry = self.consumers.get(key);
        if entry.is_some_and(|entry| entry.consumer.trace().contains(ConsumerTraceEventType::Nack)) {
            out.push(of_consumer(key, self.now, TraceDirection::In, StreamTrace::Nack));
        }
    }

    /// A producer's sender reports about a stream.
    pub(super) fn trace_sender_report(
        &self,
        key: ProducerKey,
        ssrc: Ssrc,
        info: &SenderInfo,
        out: &mut Outputs<S>,
    ) {
        if self.traces(key, ProducerTraceEventType::Sr) {
            let [a, b, c, d, e, f, g, h] = info.ntp.0.to_be_bytes();
            let info = SrTraceInfo {
                ssrc: TracedSsrc(ssrc.0),
                ntp_sec: u32::from_be_bytes([a, b, c, d]),
                ntp_frac: u32::from_be_bytes([e, f, g, h]),
                rtp_ts: info.rtp_timestamp,
                packet_count: info.packet_count,
                octet_count: info.octet_count,
            };
            out.push(of_producer(key, self.now, TraceDirection::In, StreamTrace::Sr(info)));
        }
    }

    /// A producer's sender is asked for a key frame.
    pub(super) fn trace_key_request(&self, key: ProducerKey, request: Request, out: &mut Outputs<S>) {
        let (kind, info) = match request {
            Request::Pli(ssrc) => (ProducerTraceEventType::Pli, StreamTrace::Pli(about(ssrc))),
            Request::Fir(ssrc, _) => (ProducerTraceEventType::Fir, StreamTrace::Fir(about(ssrc))),
        };
        if self.traces(key, kind) {
            out.push(of_producer(key, self.now, TraceDirection::Out, info));
        }
    }

    /// The peer of a consumer in that transport asks for a key frame.
    pub(super) fn trace_peer_request(&self, at: TransportKey, request: Request, out: &mut Outputs<S>) {
        let (ssrc, kind, info) = match request {
            Request::Pli(ssrc) => (ssrc, ConsumerTraceEventType::Pli, StreamTrace::Pli(about(ssrc))),
            Request::Fir(ssrc, _) => (ssrc, ConsumerTraceEventType::Fir, StreamTrace::Fir(about(ssrc))),
        };
        let senders = self.transports.get(at).map(|owner| &owner.senders);
        let sender = self.media_sender(at, ssrc).and_then(|index| senders?.get(index));
        let Some(key) = sender.map(|sender| sender.consumer) else { return };
        if self.consumers.get(key).is_some_and(|entry| entry.consumer.trace().contains(kind)) {
            out.push(of_consumer(key, self.now, TraceDirection::In, info));
        }
    }

    /// A packet of a producer, as it came. A retransmission is shown as what it restores.
    pub(super) fn trace_received(
        &self,
        key: ProducerKey,
        packet: &Packet,
        view: &View<'_>,
        out: &mut Outputs<S>,
    ) {
        let Some(producer) = self.producer(key) else { return };
        let traces_key_frames = producer.trace().contains(ProducerTraceEventType::KeyFrame);
        if !(packet.key_frame && traces_key_frames || producer.trace().contains(ProducerTraceEventType::Rtp))
        {
            return;
        }
        let (ssrc, payload_type) = producer.numbers_of(packet).unwrap_or((view.ssrc(), view.payload_type()));
        let ids = producer.receive_ids();
        let value = |id: Option<_>| id.and_then(|id| view.element(id));
        let text = |id| value(id).map(|data| String::from_utf8_lossy(data).into_owned().into_boxed_str());
        let wide = value(ids.transport_sequence).and_then(wire::rtp::values::TransportSequence::parse);
        let rtp_packet = RtpPacketDump {
            payload_type: traced(payload_type),
            ssrc: TracedSsrc(ssrc.0),
            sequence_number: sequence_of(packet),
            timestamp: packet.timestamp,
            marker: packet.marker,
            size: length(view.bytes().len()),
            mid: text(ids.mid),
            rid: text(ids.rid),
            rrid: text(ids.repaired_rid),
            wide_sequence_number: wide.map(|sequence| sequence.0),
            ..dump(packet)
        };
        let info = RtpTraceInfo { rtp_packet, is_rtx: view.ssrc() != ssrc };
        let info = if packet.key_frame && traces_key_frames {
            StreamTrace::KeyFrame(info)
        } else {
            StreamTrace::Rtp(info)
        };
        out.push(of_producer(key, self.now, TraceDirection::In, info));
    }

    fn traces(&self, key: ProducerKey, kind: ProducerTraceEventType) -> bool {
        self.producer(key).is_some_and(|producer| producer.trace().contains(kind))
    }
}

/// A copy of a packet, as it leaves. What is written when it does, and not before, is not in it.
#[cold]
pub(super) fn sent<S>(
    key: ConsumerKey,
    consumer: &Consumer,
    now: Mono,
    (stamp, rewrite, len): (&Stamp, &Rewrite, usize),
) -> Option<Output<S>> {
    let packet = &stamp.packet;
    let traces_key_frames = consumer.trace().contains(ConsumerTraceEventType::KeyFrame);
    if !(packet.key_frame && traces_key_frames || consumer.trace().contains(ConsumerTraceEventType::Rtp)) {
        return None;
    }
    let mid = consumer.mid().map(|mid| String::from_utf8_lossy(mid.as_bytes()).into_owned().into_boxed_str());
    let rtp_packet = RtpPacketDump {
        payload_type: traced(rewrite.payload_type),
        ssrc: TracedSsrc(rewrite.ssrc.0),
        sequence_number: rewrite.index.sequence(),
        timestamp: rewrite.timestamp,
        marker: rewrite.marker,
        size: length(len),
        mid,
        ..dump(packet)
    };
    let info = RtpTraceInfo { rtp_packet, is_rtx: false };
    let info = if packet.key_frame && traces_key_frames {
        StreamTrace::KeyFrame(info)
    } else {
        StreamTrace::Rtp(info)
    };
    Some(of_consumer(key, now, TraceDirection::Out, info))
}

/// What is the same on either side.
fn dump(packet: &Packet) -> RtpPacketDump {
    RtpPacketDump {
        is_key_frame: packet.key_frame,
        payload_size: length(packet.payload_len),
        spatial_layer: packet.spatial_layer,
        temporal_layer: packet.temporal_layer,
        ..RtpPacketDump::default()
    }
}

fn of_producer<S>(key: ProducerKey, now: Mono, direction: TraceDirection, info: StreamTrace) -> Output<S> {
    let trace = Box::new(Trace { info, timestamp: milliseconds(now), direction });
    Output::Event(Event::Producer(key, ProducerEvent::Trace(trace)))
}

fn of_consumer<S>(key: ConsumerKey, now: Mono, direction: TraceDirection, info: StreamTrace) -> Output<S> {
    let trace = Box::new(Trace { info, timestamp: milliseconds(now), direction });
    Output::Event(Event::Consumer(key, ConsumerEvent::Trace(trace)))
}

const fn about(ssrc: Ssrc) -> SsrcTraceInfo {
    SsrcTraceInfo { ssrc: TracedSsrc(ssrc.0) }
}

/// The producer's own number: the low 16 bits.
const fn sequence_of(packet: &Packet) -> u16 {
    let [.., high, low] = packet.sequence.to_be_bytes();
    u16::from_be_bytes([high, low])
}

fn traced(payload_type: wire::PayloadType) -> PayloadType {
    PayloadType::new(payload_type.value()).unwrap_or_default()
}

fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
