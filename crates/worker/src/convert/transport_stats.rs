//! Statistics of the four kinds of transport.

use model::stats::{TransportCounters, TransportKindStats, TransportStats};

use crate::schema::response::Body;
use crate::schema::{
    direct_transport, pipe_transport, plain_transport, transport as schema, web_rtc_transport,
};

impl<'a> From<&'a TransportStats> for Body<'a> {
    fn from(from: &'a TransportStats) -> Self {
        let base = base(from.transport_id.as_str(), &from.counters);
        match &from.kind {
            TransportKindStats::WebRtc { ice_role, ice_state, ice_selected_tuple, dtls_state } => {
                Self::WebRtcTransportGetStatsResponse(Box::new(web_rtc_transport::GetStatsResponse {
                    base,
                    ice_role: (*ice_role).into(),
                    ice_state: (*ice_state).into(),
                    ice_selected_tuple: ice_selected_tuple.as_ref().map(Into::into),
                    dtls_state: (*dtls_state).into(),
                }))
            }
            TransportKindStats::Plain { rtcp_mux, comedia, tuple, rtcp_tuple } => {
                Self::PlainTransportGetStatsResponse(Box::new(plain_transport::GetStatsResponse {
                    base,
                    rtcp_mux: *rtcp_mux,
                    comedia: *comedia,
                    tuple: tuple.into(),
                    rtcp_tuple: rtcp_tuple.as_ref().map(Into::into),
                }))
            }
            TransportKindStats::Pipe { tuple } => {
                let stats = pipe_transport::GetStatsResponse { base, tuple: tuple.into() };
                Self::PipeTransportGetStatsResponse(Box::new(stats))
            }
            TransportKindStats::Direct {} => {
                Self::DirectTransportGetStatsResponse(Box::new(direct_transport::GetStatsResponse { base }))
            }
        }
    }
}

fn base<'a>(id: &'a str, from: &TransportCounters) -> schema::Stats<'a> {
    schema::Stats {
        transport_id: id.into(),
        timestamp: from.timestamp,
        sctp_state: from.sctp_state.map(Into::into),
        bytes_received: from.bytes_received,
        recv_bitrate: from.recv_bitrate,
        bytes_sent: from.bytes_sent,
        send_bitrate: from.send_bitrate,
        rtp_bytes_received: from.rtp_bytes_received,
        rtp_recv_bitrate: from.rtp_recv_bitrate,
        rtp_bytes_sent: from.rtp_bytes_sent,
        rtp_send_bitrate: from.rtp_send_bitrate,
        rtx_bytes_received: from.rtx_bytes_received,
        rtx_recv_bitrate: from.rtx_recv_bitrate,
        rtx_bytes_sent: from.rtx_bytes_sent,
        rtx_send_bitrate: from.rtx_send_bitrate,
        probation_bytes_sent: from.probation_bytes_sent,
        probation_send_bitrate: from.probation_send_bitrate,
        available_outgoing_bitrate: from.available_outgoing_bitrate,
        available_incoming_bitrate: from.available_incoming_bitrate,
        max_incoming_bitrate: from.max_incoming_bitrate,
        max_outgoing_bitrate: from.max_outgoing_bitrate,
        min_outgoing_bitrate: from.min_outgoing_bitrate,
        rtp_packet_loss_received: from.rtp_packet_loss_received,
        rtp_packet_loss_sent: from.rtp_packet_loss_sent,
    }
}
