//! One stream of a producer or consumer: parameters, score, statistics.

use crate::flat::{Layout, Str, Table, tables, union};
use crate::schema::{rtp_parameters, rtx_stream};

tables! {
    /// What is known of a stream. `rid` is written even when empty.
    Params<'a> {
        0 encoding_idx: u32,
        1 ssrc: u32,
        2 payload_type: u8,
        3 mime_type: Str<'a>,
        4 clock_rate: u32,
        5 rid: Option<Str<'a>>,
        6 cname: Str<'a>,
        7 rtx_ssrc: Option<u32>,
        8 rtx_payload_type: Option<u8>,
        9 use_nack: bool,
        10 use_pli: bool,
        11 use_fir: bool,
        12 use_in_band_fec: bool,
        13 use_dtx: bool,
        14 spatial_layers: u8,
        15 temporal_layers: u8,
    }

    Dump<'a> {
        0 params: Params<'a>,
        1 score: u8,
        2 rtx_stream: Option<rtx_stream::RtxDump<'a>>,
    }

    BitrateByLayer<'a> {
        0 layer: Str<'a>,
        1 bitrate: u64,
    }
}

union! {
    /// Statistics nest: the receiving and the sending kind each hold a base of the same union.
    StatsData<'a> {
        1 BaseStats(BaseStats<'a>),
        2 RecvStats(RecvStats<'a>),
        3 SendStats(SendStats<'a>),
    }
}

tables! {
    Stats<'a> {
        0 data: StatsData<'a>,
    }

    BaseStats<'a> {
        0 timestamp: u64,
        1 ssrc: u32,
        2 kind: rtp_parameters::MediaKind,
        3 mime_type: Str<'a>,
        4 packets_lost: i32,
        5 fraction_lost: u8,
        6 jitter: u32,
        7 packets_discarded: u64,
        8 packets_retransmitted: u64,
        9 packets_repaired: u64,
        10 nack_count: u64,
        11 nack_packet_count: u64,
        12 pli_count: u64,
        13 fir_count: u64,
        14 rid: Option<Str<'a>>,
        15 rtx_ssrc: Option<u32>,
        16 rtx_packets_discarded: u64,
        17 round_trip_time: f32,
        18 score: u8,
    }

    RecvStats<'a> {
        0 base: Stats<'a>,
        1 packet_count: u64,
        2 byte_count: u64,
        3 bitrate: u64,
        4 bitrate_by_layer: Vec<BitrateByLayer<'a>>,
    }

    SendStats<'a> {
        0 base: Stats<'a>,
        1 packet_count: u64,
        2 byte_count: u64,
        3 bitrate: u64,
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] = &[
    <Params as Table>::LAYOUT,
    <Dump as Table>::LAYOUT,
    <BitrateByLayer as Table>::LAYOUT,
    StatsData::LAYOUT,
    <Stats as Table>::LAYOUT,
    <BaseStats as Table>::LAYOUT,
    <RecvStats as Table>::LAYOUT,
    <SendStats as Table>::LAYOUT,
];
