//! Consumers: layers, scores, dumps, statistics, traces.

use crate::flat::{Layout, Raw, Str, Table, enums, tables, union};
use crate::schema::{common, rtp_packet, rtp_parameters, rtp_stream};

tables! {
    ConsumerLayers {
        0 spatial_layer: u8,
        1 temporal_layer: Option<u8>,
    }

    /// The consumer's own score, that of the stream it forwards, and those of all the producer's streams.
    ConsumerScore {
        0 score: u8,
        1 producer_score: u8,
        2 producer_scores: Vec<u8>,
    }

    SetPreferredLayersRequest {
        0 preferred_layers: ConsumerLayers,
    }

    SetPreferredLayersResponse {
        0 preferred_layers: Option<ConsumerLayers>,
    }

    SetPriorityRequest {
        0 priority: u8,
    }

    SetPriorityResponse {
        0 priority: u8,
    }
}

enums! {
    TraceEventType {
        0 Keyframe,
        1 Fir,
        2 Nack,
        3 Pli,
        4 Rtp,
    }
}

tables! {
    EnableTraceEventRequest {
        0 events: Vec<TraceEventType>,
    }

    DumpResponse<'a> {
        0 data: ConsumerDump<'a>,
    }

    BaseConsumerDump<'a> {
        0 id: Str<'a>,
        1 r#type: rtp_parameters::Type,
        2 producer_id: Str<'a>,
        3 kind: rtp_parameters::MediaKind,
        4 rtp_parameters: rtp_parameters::RtpParameters<'a>,
        5 consumable_rtp_encodings: Vec<rtp_parameters::RtpEncodingParameters<'a>>,
        6 supported_codec_payload_types: Vec<u8>,
        7 trace_event_types: Vec<TraceEventType>,
        8 paused: bool,
        9 producer_paused: bool,
        10 priority: u8,
    }

    /// A consumer; the layer numbers are always present, −1 for none.
    ConsumerDump<'a> {
        0 base: BaseConsumerDump<'a>,
        1 rtp_streams: Vec<rtp_stream::Dump<'a>>,
        2 preferred_spatial_layer: Option<i16>,
        3 target_spatial_layer: Option<i16>,
        4 current_spatial_layer: Option<i16>,
        5 preferred_temporal_layer: Option<i16>,
        6 target_temporal_layer: Option<i16>,
        7 current_temporal_layer: Option<i16>,
    }

    GetStatsResponse<'a> {
        0 stats: Vec<rtp_stream::Stats<'a>>,
    }

    LayersChangeNotification {
        0 layers: Option<ConsumerLayers>,
    }

    RtpNotification<'a> {
        0 data: Raw<'a>,
    }

    ScoreNotification {
        0 score: ConsumerScore,
    }
}

union! {
    TraceInfo<'a> {
        1 KeyFrameTraceInfo(KeyFrameTraceInfo<'a>),
        2 FirTraceInfo(FirTraceInfo),
        3 PliTraceInfo(PliTraceInfo),
        4 RtpTraceInfo(RtpTraceInfo<'a>),
    }
}

tables! {
    KeyFrameTraceInfo<'a> {
        0 rtp_packet: rtp_packet::Dump<'a>,
        1 is_rtx: bool,
    }

    FirTraceInfo {
        0 ssrc: u32,
    }

    PliTraceInfo {
        0 ssrc: u32,
    }

    RtpTraceInfo<'a> {
        0 rtp_packet: rtp_packet::Dump<'a>,
        1 is_rtx: bool,
    }

    TraceNotification<'a> {
        0 r#type: TraceEventType,
        1 timestamp: u64,
        2 direction: common::TraceDirection,
        3 info: TraceInfo<'a>,
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] = &[
    <ConsumerLayers as Table>::LAYOUT,
    <ConsumerScore as Table>::LAYOUT,
    <SetPreferredLayersRequest as Table>::LAYOUT,
    <SetPreferredLayersResponse as Table>::LAYOUT,
    <SetPriorityRequest as Table>::LAYOUT,
    <SetPriorityResponse as Table>::LAYOUT,
    TraceEventType::LAYOUT,
    <EnableTraceEventRequest as Table>::LAYOUT,
    <DumpResponse as Table>::LAYOUT,
    <BaseConsumerDump as Table>::LAYOUT,
    <ConsumerDump as Table>::LAYOUT,
    <GetStatsResponse as Table>::LAYOUT,
    <LayersChangeNotification as Table>::LAYOUT,
    <RtpNotification as Table>::LAYOUT,
    <ScoreNotification as Table>::LAYOUT,
    TraceInfo::LAYOUT,
    <KeyFrameTraceInfo as Table>::LAYOUT,
    <FirTraceInfo as Table>::LAYOUT,
    <PliTraceInfo as Table>::LAYOUT,
    <RtpTraceInfo as Table>::LAYOUT,
    <TraceNotification as Table>::LAYOUT,
];
