//! Consumers: layers, scores, dumps, traces.

use model::dump::{ConsumerDump, ConsumerKindDump, LayersDump, RtpStreamDump};
use model::id::PayloadType;
use model::score::{ConsumerLayers, ConsumerScore};
use model::trace::{ConsumerTraceEventType, StreamTrace, Trace, TraceSet};

use super::{list, words};
use crate::schema::consumer as schema;
use crate::schema::rtp_parameters::Type;

words! {
    ConsumerTraceEventType, schema::TraceEventType:
        KeyFrame = Keyframe, Fir = Fir, Nack = Nack, Pli = Pli, Rtp = Rtp;
}

impl From<schema::EnableTraceEventRequest> for TraceSet<ConsumerTraceEventType> {
    fn from(from: schema::EnableTraceEventRequest) -> Self {
        from.events.into_iter().map(ConsumerTraceEventType::from).collect()
    }
}

impl From<schema::ConsumerLayers> for ConsumerLayers {
    fn from(from: schema::ConsumerLayers) -> Self {
        Self { spatial_layer: from.spatial_layer, temporal_layer: from.temporal_layer }
    }
}

impl From<ConsumerLayers> for schema::ConsumerLayers {
    fn from(from: ConsumerLayers) -> Self {
        Self { spatial_layer: from.spatial_layer, temporal_layer: from.temporal_layer }
    }
}

impl From<&ConsumerScore> for schema::ConsumerScore {
    fn from(from: &ConsumerScore) -> Self {
        Self {
            score: from.score,
            producer_score: from.producer_score,
            producer_scores: from.producer_scores.clone(),
        }
    }
}

impl<'a> From<&'a ConsumerDump> for schema::DumpResponse<'a> {
    fn from(from: &'a ConsumerDump) -> Self {
        let (r#type, streams, layers) = match &from.kind_dump {
            ConsumerKindDump::Simple { rtp_stream } => (Type::Simple, one(rtp_stream), None),
            ConsumerKindDump::Simulcast { rtp_stream, layers } => {
                (Type::Simulcast, one(rtp_stream), Some(layers))
            }
            ConsumerKindDump::Svc { rtp_stream, layers } => (Type::Svc, one(rtp_stream), Some(layers)),
            ConsumerKindDump::Pipe { rtp_streams } => (Type::Pipe, rtp_streams.as_slice(), None),
        };
        let base = schema::BaseConsumerDump {
            id: from.id.as_str().into(),
            r#type,
            producer_id: from.producer_id.as_str().into(),
            kind: from.kind.into(),
            rtp_parameters: (&from.rtp_parameters).into(),
            consumable_rtp_encodings: list(&from.consumable_rtp_encodings),
            supported_codec_payload_types: numbers(&from.supported_codec_payload_types),
            trace_event_types: from.trace_event_types.iter().map(Into::into).collect(),
            paused: from.paused,
            producer_paused: from.producer_paused,
            priority: from.priority,
        };
        let layers = layers.unwrap_or(&NO_LAYERS);
        let data = schema::ConsumerDump {
            base,
            rtp_streams: list(streams),
            preferred_spatial_layer: Some(layers.preferred_spatial_layer),
            target_spatial_layer: Some(layers.target_spatial_layer),
            current_spatial_layer: Some(layers.current_spatial_layer),
            preferred_temporal_layer: Some(layers.preferred_temporal_layer),
            target_temporal_layer: Some(layers.target_temporal_layer),
            current_temporal_layer: Some(layers.current_temporal_layer),
        };
        Self { data }
    }
}

fn one(stream: &RtpStreamDump) -> &[RtpStreamDump] {
    std::slice::from_ref(stream)
}

fn numbers(payload_types: &[PayloadType]) -> Vec<u8> {
    payload_types.iter().map(|payload_type| payload_type.number()).collect()
}

impl<'a> From<&'a Trace<StreamTrace>> for schema::TraceNotification<'a> {
    fn from(from: &'a Trace<StreamTrace>) -> Self {
        use schema::{TraceEventType, TraceInfo};
        let (r#type, info) = match &from.info {
            StreamTrace::Rtp(info) => {
                let info =
                    schema::RtpTraceInfo { rtp_packet: (&info.rtp_packet).into(), is_rtx: info.is_rtx };
                (TraceEventType::Rtp, TraceInfo::RtpTraceInfo(Box::new(info)))
            }
            StreamTrace::KeyFrame(info) => {
                let info =
                    schema::KeyFrameTraceInfo { rtp_packet: (&info.rtp_packet).into(), is_rtx: info.is_rtx };
                (TraceEventType::Keyframe, TraceInfo::KeyFrameTraceInfo(Box::new(info)))
            }
            // Consumers send reports and get none, so they trace none.
            StreamTrace::Nack | StreamTrace::Sr(_) => (TraceEventType::Nack, TraceInfo::None),
            StreamTrace::Pli(info) => {
                let info = schema::PliTraceInfo { ssrc: info.ssrc.0 };
                (TraceEventType::Pli, TraceInfo::PliTraceInfo(Box::new(info)))
            }
            StreamTrace::Fir(info) => {
                let info = schema::FirTraceInfo { ssrc: info.ssrc.0 };
                (TraceEventType::Fir, TraceInfo::FirTraceInfo(Box::new(info)))
            }
        };
        Self { r#type, timestamp: from.timestamp, direction: from.direction.into(), info }
    }
}

/// What a consumer without layers says of them.
const NO_LAYERS: LayersDump = LayersDump {
    preferred_spatial_layer: -1,
    target_spatial_layer: -1,
    current_spatial_layer: -1,
    preferred_temporal_layer: -1,
    target_temporal_layer: -1,
    current_temporal_layer: -1,
};
