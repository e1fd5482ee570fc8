//! One stream of a producer or consumer.

use model::dump::{RtpStreamDump, RtpStreamParams, RtxStreamDump};
use model::id::PayloadType;
use model::stats::{RtpStreamCounters, RtpStreamKindStats, RtpStreamStats};

use crate::schema::{rtp_stream, rtx_stream};

impl<'a> From<&'a RtpStreamDump> for rtp_stream::Dump<'a> {
    fn from(from: &'a RtpStreamDump) -> Self {
        Self {
            params: (&from.params).into(),
            score: from.score,
            rtx_stream: from.rtx_stream.as_ref().map(Into::into),
        }
    }
}

impl<'a> From<&'a RtpStreamParams> for rtp_stream::Params<'a> {
    fn from(from: &'a RtpStreamParams) -> Self {
        Self {
            encoding_idx: from.encoding_idx,
            ssrc: from.ssrc.0,
            payload_type: from.payload_type.number(),
            mime_type: from.mime_type.as_str().into(),
            clock_rate: from.clock_rate,
            // The package asks for its length without asking whether it is there.
            rid: Some(from.rid.as_deref().unwrap_or_default().into()),
            cname: (&*from.cname).into(),
            rtx_ssrc: from.rtx_ssrc.map(|ssrc| ssrc.0),
            rtx_payload_type: from.rtx_payload_type.map(PayloadType::number),
            use_nack: from.use_nack,
            use_pli: from.use_pli,
            use_fir: from.use_fir,
            use_in_band_fec: from.use_in_band_fec,
            use_dtx: from.use_dtx,
            spatial_layers: from.spatial_layers,
            temporal_layers: from.temporal_layers,
        }
    }
}

impl<'a> From<&'a RtxStreamDump> for rtx_stream::RtxDump<'a> {
    fn from(from: &'a RtxStreamDump) -> Self {
        let from = &from.params;
        let params = rtx_stream::Params {
            ssrc: from.ssrc.0,
            payload_type: from.payload_type.number(),
            mime_type: from.mime_type.as_str().into(),
            clock_rate: from.clock_rate,
            // As with the RID of a stream.
            rrid: Some(from.rrid.as_deref().unwrap_or_default().into()),
            cname: (&*from.cname).into(),
        };
        Self { params }
    }
}

impl<'a> From<&'a RtpStreamStats> for rtp_stream::Stats<'a> {
    fn from(from: &'a RtpStreamStats) -> Self {
        let base = Self { data: rtp_stream::StatsData::BaseStats(Box::new((&from.counters).into())) };
        let RtpStreamCounters { packet_count, byte_count, bitrate, .. } = from.counters;
        let data = match &from.kind {
            RtpStreamKindStats::Inbound { bitrate_by_layer } => {
                let layers = bitrate_by_layer.iter();
                let bitrate_by_layer = layers
                    .map(|(layer, &bitrate)| rtp_stream::BitrateByLayer { layer: (&**layer).into(), bitrate })
                    .collect();
                let stats =
                    rtp_stream::RecvStats { base, packet_count, byte_count, bitrate, bitrate_by_layer };
                rtp_stream::StatsData::RecvStats(Box::new(stats))
            }
            RtpStreamKindStats::Outbound {} => {
                let stats = rtp_stream::SendStats { base, packet_count, byte_count, bitrate };
                rtp_stream::StatsData::SendStats(Box::new(stats))
            }
        };
        Self { data }
    }
}

impl<'a> From<&'a RtpStreamCounters> for rtp_stream::BaseStats<'a> {
    fn from(from: &'a RtpStreamCounters) -> Self {
        Self {
            timestamp: from.timestamp,
            ssrc: from.ssrc.0,
            kind: from.kind.into(),
            mime_type: from.mime_type.as_str().into(),
            packets_lost: from.packets_lost,
            fraction_lost: from.fraction_lost,
            jitter: from.jitter,
            packets_discarded: from.packets_discarded,
            packets_retransmitted: from.packets_retransmitted,
            packets_repaired: from.packets_repaired,
            nack_count: from.nack_count,
            nack_packet_count: from.nack_packet_count,
            pli_count: from.pli_count,
            fir_count: from.fir_count,
            rid: from.rid.as_deref().map(Into::into),
            rtx_ssrc: from.rtx_ssrc.map(|ssrc| ssrc.0),
            rtx_packets_discarded: from.rtx_packets_discarded,
            round_trip_time: from.round_trip_time,
            score: from.score,
        }
    }
}
