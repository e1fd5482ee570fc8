//! SCTP associations and streams.

use model::data::SctpStreamParameters;
use model::transport::{SctpNegotiatedCapabilities, SctpParameters, SctpState};

use super::words;
use crate::schema::{sctp_association, sctp_parameters};

words! {
    SctpState, sctp_association::SctpState:
        New = New, Connecting = Connecting, Connected = Connected, Failed = Failed, Closed = Closed;
}

impl From<SctpNegotiatedCapabilities> for sctp_association::SctpNegotiatedCapabilities {
    fn from(from: SctpNegotiatedCapabilities) -> Self {
        Self {
            negotiated_max_outbound_streams: from.negotiated_max_outbound_streams,
            negotiated_max_inbound_streams: from.negotiated_max_inbound_streams,
        }
    }
}

impl From<&SctpParameters> for sctp_parameters::SctpParameters {
    fn from(from: &SctpParameters) -> Self {
        Self {
            port: from.port,
            max_send_message_size: from.max_send_message_size,
            max_receive_message_size: from.max_receive_message_size,
            send_buffer_size: from.send_buffer_size,
            per_stream_send_queue_limit: from.per_stream_send_queue_limit,
            max_receiver_window_buffer_size: from.max_receiver_window_buffer_size,
            is_data_channel: from.is_data_channel,
        }
    }
}

impl From<sctp_parameters::SctpStreamParameters> for SctpStreamParameters {
    fn from(from: sctp_parameters::SctpStreamParameters) -> Self {
        Self {
            stream_id: from.stream_id,
            ordered: from.ordered,
            max_packet_life_time: from.max_packet_life_time,
            max_retransmits: from.max_retransmits,
        }
    }
}

impl From<SctpStreamParameters> for sctp_parameters::SctpStreamParameters {
    fn from(from: SctpStreamParameters) -> Self {
        Self {
            stream_id: from.stream_id,
            ordered: from.ordered,
            max_packet_life_time: from.max_packet_life_time,
            max_retransmits: from.max_retransmits,
        }
    }
}
