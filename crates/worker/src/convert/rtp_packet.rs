//! A packet as traces show it.

use model::trace::RtpPacketDump;

use crate::schema::rtp_packet;

impl<'a> From<&'a RtpPacketDump> for rtp_packet::Dump<'a> {
    fn from(from: &'a RtpPacketDump) -> Self {
        Self {
            payload_type: from.payload_type.number(),
            sequence_number: from.sequence_number,
            timestamp: from.timestamp,
            marker: from.marker,
            ssrc: from.ssrc.0,
            is_key_frame: from.is_key_frame,
            size: from.size,
            payload_size: from.payload_size,
            spatial_layer: from.spatial_layer,
            temporal_layer: from.temporal_layer,
            mid: from.mid.as_deref().map(Into::into),
            rid: from.rid.as_deref().map(Into::into),
            rrid: from.rrid.as_deref().map(Into::into),
            wide_sequence_number: from.wide_sequence_number,
        }
    }
}
