//! Producers: dumps, statistics, scores, traces.

use crate::flat::{Layout, Raw, Str, Table, enums, tables, union};
use crate::schema::{common, rtp_packet, rtp_parameters, rtp_stream};

enums! {
    TraceEventType {
        0 Keyframe,
        1 Fir,
        2 Nack,
        3 Pli,
        4 Rtp,
        5 Sr,
    }
}

tables! {
    EnableTraceEventRequest {
        0 events: Vec<TraceEventType>,
    }

    DumpResponse<'a> {
        0 id: Str<'a>,
        1 kind: rtp_parameters::MediaKind,
        2 r#type: rtp_parameters::Type,
        3 rtp_parameters: rtp_parameters::RtpParameters<'a>,
        4 rtp_mapping: rtp_parameters::RtpMapping<'a>,
        5 rtp_streams: Vec<rtp_stream::Dump<'a>>,
        6 trace_event_types: Vec<TraceEventType>,
        7 paused: bool,
    }

    GetStatsResponse<'a> {
        0 stats: Vec<rtp_stream::Stats<'a>>,
    }

    SendNotification<'a> {
        0 data: Raw<'a>,
    }

    Score<'a> {
        0 encoding_idx: u32,
        1 ssrc: u32,
        2 rid: Option<Str<'a>>,
        3 score: u8,
    }

    ScoreNotification<'a> {
        0 scores: Vec<Score<'a>>,
    }

    VideoOrientationChangeNotification {
        0 camera: bool,
        1 flip: bool,
        2 rotation: u16,
    }
}

union! {
    TraceInfo<'a> {
        1 KeyFrameTraceInfo(KeyFrameTraceInfo<'a>),
        2 FirTraceInfo(FirTraceInfo),
        3 PliTraceInfo(PliTraceInfo),
        4 RtpTraceInfo(RtpTraceInfo<'a>),
        5 SrTraceInfo(SrTraceInfo),
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

    SrTraceInfo {
        0 ssrc: u32,
        1 ntp_sec: u32,
        2 ntp_frac: u32,
        3 rtp_ts: u32,
        4 packet_count: u32,
        5 octet_count: u32,
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
    TraceEventType::LAYOUT,
    <EnableTraceEventRequest as Table>::LAYOUT,
    <DumpResponse as Table>::LAYOUT,
    <GetStatsResponse as Table>::LAYOUT,
    <SendNotification as Table>::LAYOUT,
    <Score as Table>::LAYOUT,
    <ScoreNotification as Table>::LAYOUT,
    <VideoOrientationChangeNotification as Table>::LAYOUT,
    TraceInfo::LAYOUT,
    <KeyFrameTraceInfo as Table>::LAYOUT,
    <FirTraceInfo as Table>::LAYOUT,
    <PliTraceInfo as Table>::LAYOUT,
    <RtpTraceInfo as Table>::LAYOUT,
    <SrTraceInfo as Table>::LAYOUT,
    <TraceNotification as Table>::LAYOUT,
];
