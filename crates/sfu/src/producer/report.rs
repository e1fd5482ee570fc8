//! What a producer's streams are made of, and what they counted.

use core::time::Duration;

use model::dump::{RtpStreamDump, RtpStreamParams, RtxStreamDump, RtxStreamParams};
use model::event::ProducerEvent;
use model::rtp::{MediaKind, MimeType, RtpCodecParameters, RtpParameters};
use model::score::ProducerScore;
use model::stats::{RtpStreamCounters, RtpStreamKindStats, RtpStreamStats};
use wire::{Mono, Ssrc};

use super::Producer;
use super::parameters::{layers, rtx_of};
use super::stream::{Encoding, Stream};

impl Producer {
    /// The streams that were seen.
    pub fn streams(&self) -> Vec<RtpStreamDump> {
        self.seen_streams().map(|(encoding, stream)| encoding.dump(stream)).collect()
    }

    /// What the streams that were seen counted.
    pub fn stats(&self, now: Mono, round_trip: Option<Duration>) -> Vec<RtpStreamStats> {
        let stats = |(encoding, stream): (&Encoding, &Stream)| encoding.stats(stream, now, round_trip);
        self.seen_streams().map(stats).collect()
    }

    /// What the stream of an encoding counted, if it was seen.
    pub(crate) fn stats_of(
        &self,
        encoding: usize,
        now: Mono,
        round_trip: Option<Duration>,
    ) -> Option<RtpStreamStats> {
        let encoding = self.encodings.get(encoding)?;
        Some(encoding.stats(encoding.stream.as_ref()?, now, round_trip))
    }

    /// How the streams that were seen do.
    pub(crate) fn scores(&self) -> ProducerEvent {
        let score = |(encoding, stream): (&Encoding, &Stream)| ProducerScore {
            encoding_idx: encoding.described.encoding_idx,
            ssrc: model_ssrc(stream.ssrc),
            rid: encoding.described.rid.clone(),
            score: stream.receive.score(),
        };
        ProducerEvent::Score(self.seen_streams().map(score).collect())
    }

    fn seen_streams(&self) -> impl Iterator<Item = (&Encoding, &Stream)> {
        self.encodings.iter().filter_map(|encoding| Some((encoding, encoding.stream.as_ref()?)))
    }
}

impl Encoding {
    fn dump(&self, stream: &Stream) -> RtpStreamDump {
        let params = RtpStreamParams {
            ssrc: model_ssrc(stream.ssrc),
            rtx_ssrc: stream.rtx_ssrc.map(model_ssrc),
            ..self.described.clone()
        };
        let rtx_stream = rtx_dump(&params);
        RtpStreamDump { params, score: stream.receive.score(), rtx_stream }
    }

    fn stats(&self, stream: &Stream, now: Mono, round_trip: Option<Duration>) -> RtpStreamStats {
        let rtx_ssrc = stream.rtx_ssrc.map(model_ssrc);
        let params = RtpStreamParams { ssrc: model_ssrc(stream.ssrc), rtx_ssrc, ..self.described.clone() };
        let kind = params.mime_type.kind();
        let counted = stream.receive.counters();
        let counters = RtpStreamCounters {
            packets_lost: i32::try_from(counted.lost).unwrap_or(i32::MAX),
            fraction_lost: stream.receive.fraction_lost(),
            jitter: stream.receive.jitter(),
            packets_discarded: counted.discarded,
            packets_retransmitted: counted.retransmitted,
            packets_repaired: counted.repaired,
            nack_count: counted.nacks,
            nack_packet_count: counted.nacked,
            pli_count: stream.pli_count,
            fir_count: stream.fir_count,
            round_trip_time: round_trip.map_or(0.0, |round_trip| round_trip.as_secs_f32() * 1_000.0),
            rtx_packets_discarded: counted.rtx_discarded,
            score: stream.receive.score(),
            packet_count: counted.packets,
            byte_count: counted.bytes,
            bitrate: stream.receive.bits_per_second(now),
            ..counters(&params, kind, now)
        };
        let layers = stream.layers.as_ref();
        let bitrate_by_layer = layers.map(|layers| layers.bits_per_second(now)).unwrap_or_default();
        RtpStreamStats { counters, kind: RtpStreamKindStats::Inbound { bitrate_by_layer } }
    }
}

/// What a stream of an encoding is made of. What its packets say comes later.
pub(crate) fn describe(parameters: &RtpParameters, at: usize, codec: &RtpCodecParameters) -> RtpStreamParams {
    let encoding = parameters.encodings.get(at);
    let feedback =
        |kind: &str, parameter: &str| codec.rtcp_feedback.iter().any(|known| known.is(kind, parameter));
    let layers = encoding.map(layers).unwrap_or_default();
    RtpStreamParams {
        encoding_idx: u32::try_from(at).unwrap_or(u32::MAX),
        ssrc: encoding.and_then(|encoding| encoding.ssrc).unwrap_or_default(),
        payload_type: codec.payload_type,
        mime_type: codec.mime_type.clone(),
        clock_rate: codec.clock_rate,
        rid: encoding.and_then(|encoding| encoding.rid.clone()).filter(|rid| !rid.is_empty()),
        cname: parameters.rtcp.cname.clone().unwrap_or_default(),
        rtx_ssrc: encoding.and_then(|encoding| encoding.rtx).map(|rtx| rtx.ssrc),
        rtx_payload_type: rtx_of(parameters, codec.payload_type).map(|rtx| rtx.payload_type),
        use_nack: feedback("nack", ""),
        use_pli: feedback("nack", "pli"),
        use_fir: feedback("ccm", "fir"),
        use_in_band_fec: has_in_band_fec(codec),
        use_dtx: is_set(codec, "usedtx") || encoding.and_then(|encoding| encoding.dtx).unwrap_or_default(),
        spatial_layers: layers.spatial,
        temporal_layers: layers.temporal,
    }
}

/// Whether packets carry what repairs the ones before (RFC 7587 §6.1).
pub(super) fn has_in_band_fec(codec: &RtpCodecParameters) -> bool {
    is_set(codec, "useinbandfec")
}

fn is_set(codec: &RtpCodecParameters, name: &str) -> bool {
    codec.parameters.get(name).is_some_and(|value| value.as_integer() == Some(1))
}

/// The retransmissions of a stream that has them.
pub(crate) fn rtx_dump(params: &RtpStreamParams) -> Option<RtxStreamDump> {
    let params = RtxStreamParams {
        ssrc: params.rtx_ssrc?,
        payload_type: params.rtx_payload_type?,
        mime_type: MimeType::rtx(params.mime_type.kind()),
        clock_rate: params.clock_rate,
        rrid: params.rid.clone(),
        cname: params.cname.clone(),
    };
    Some(RtxStreamDump { params })
}

/// What every stream says; nothing is counted yet.
pub(crate) fn counters(params: &RtpStreamParams, kind: MediaKind, now: Mono) -> RtpStreamCounters {
    RtpStreamCounters {
        timestamp: crate::transport::milliseconds(now),
        ssrc: params.ssrc,
        rtx_ssrc: params.rtx_ssrc,
        rid: params.rid.clone(),
        kind,
        mime_type: params.mime_type.clone(),
        packets_lost: 0,
        fraction_lost: 0,
        jitter: 0,
        packets_discarded: 0,
        packets_retransmitted: 0,
        packets_repaired: 0,
        nack_count: 0,
        nack_packet_count: 0,
        pli_count: 0,
        fir_count: 0,
        round_trip_time: 0.0,
        rtx_packets_discarded: 0,
        score: BEST_SCORE,
        packet_count: 0,
        byte_count: 0,
        bitrate: 0,
    }
}

const fn model_ssrc(ssrc: Ssrc) -> model::id::Ssrc {
    model::id::Ssrc(ssrc.0)
}

/// Of a stream that loses nothing.
pub(crate) const BEST_SCORE: u8 = 10;
