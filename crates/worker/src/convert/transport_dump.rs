//! Dumps of the four kinds of transport, which are answers to their creation too.

use model::dump::{
    BaseTransportDump, RecvRtpHeaderExtensions, RtpListenerDump, SctpListenerDump, TransportDump,
    TransportKindDump,
};

use super::list;
use crate::flat::Str;
use crate::schema::response::Body;
use crate::schema::{
    direct_transport, pipe_transport, plain_transport, transport as schema, web_rtc_transport,
};

impl<'a> From<&'a TransportDump> for Body<'a> {
    fn from(from: &'a TransportDump) -> Self {
        let mut base = schema::Dump::from(&from.base);
        match &from.kind {
            TransportKindDump::WebRtc {
                ice_role,
                ice_parameters,
                ice_candidates,
                ice_state,
                ice_selected_tuple,
                dtls_parameters,
                dtls_state,
            } => Self::WebRtcTransportDumpResponse(Box::new(web_rtc_transport::DumpResponse {
                base,
                ice_role: (*ice_role).into(),
                ice_parameters: ice_parameters.into(),
                ice_candidates: list(ice_candidates),
                ice_state: (*ice_state).into(),
                ice_selected_tuple: ice_selected_tuple.as_ref().map(Into::into),
                dtls_parameters: dtls_parameters.into(),
                dtls_state: (*dtls_state).into(),
            })),
            TransportKindDump::Plain { rtcp_mux, comedia, tuple, rtcp_tuple, srtp_parameters } => {
                Self::PlainTransportDumpResponse(Box::new(plain_transport::DumpResponse {
                    base,
                    rtcp_mux: *rtcp_mux,
                    comedia: *comedia,
                    tuple: tuple.into(),
                    rtcp_tuple: rtcp_tuple.as_ref().map(Into::into),
                    srtp_parameters: srtp_parameters.as_ref().map(Into::into),
                }))
            }
            TransportKindDump::Pipe { tuple, rtx, srtp_parameters } => {
                Self::PipeTransportDumpResponse(Box::new(pipe_transport::DumpResponse {
                    base,
                    tuple: tuple.into(),
                    rtx: *rtx,
                    srtp_parameters: srtp_parameters.as_ref().map(Into::into),
                }))
            }
            TransportKindDump::Direct {} => {
                base.direct = true;
                Self::DirectTransportDumpResponse(Box::new(direct_transport::DumpResponse { base }))
            }
        }
    }
}

impl<'a> From<&'a BaseTransportDump> for schema::Dump<'a> {
    fn from(from: &'a BaseTransportDump) -> Self {
        Self {
            id: from.id.as_str().into(),
            direct: false,
            producer_ids: from.producer_ids.iter().map(|id| Str::from(id.as_str())).collect(),
            consumer_ids: from.consumer_ids.iter().map(|id| Str::from(id.as_str())).collect(),
            map_ssrc_consumer_id: list(&from.map_ssrc_consumer_id),
            map_rtx_ssrc_consumer_id: list(&from.map_rtx_ssrc_consumer_id),
            data_producer_ids: from.data_producer_ids.iter().map(|id| Str::from(id.as_str())).collect(),
            data_consumer_ids: from.data_consumer_ids.iter().map(|id| Str::from(id.as_str())).collect(),
            recv_rtp_header_extensions: from.recv_rtp_header_extensions.into(),
            rtp_listener: (&from.rtp_listener).into(),
            max_send_message_size: from.max_send_message_size,
            max_receive_message_size: from.max_receive_message_size,
            sctp_parameters: from.sctp_parameters.as_ref().map(Into::into),
            sctp_state: from.sctp_state.map(Into::into),
            sctp_negotiated_capabilities: from.sctp_negotiated_capabilities.map(Into::into),
            sctp_listener: from.sctp_listener.as_ref().map(Into::into),
            trace_event_types: from.trace_event_types.iter().map(Into::into).collect(),
        }
    }
}

impl From<RecvRtpHeaderExtensions> for schema::RecvRtpHeaderExtensions {
    fn from(from: RecvRtpHeaderExtensions) -> Self {
        Self {
            mid: from.mid,
            rid: from.rid,
            rrid: from.rrid,
            abs_send_time: from.abs_send_time,
            transport_wide_cc01: from.transport_wide_cc01,
        }
    }
}

impl<'a> From<&'a RtpListenerDump> for schema::RtpListener<'a> {
    fn from(from: &'a RtpListenerDump) -> Self {
        Self {
            ssrc_table: list(&from.ssrc_table),
            mid_table: list(&from.mid_table),
            rid_table: list(&from.rid_table),
        }
    }
}

impl<'a> From<&'a SctpListenerDump> for schema::SctpListener<'a> {
    fn from(from: &'a SctpListenerDump) -> Self {
        Self { stream_id_table: list(&from.stream_id_table) }
    }
}
