//! What all kinds of transport have in common.

use crate::flat::{Layout, Raw, Str, Table, enums, tables, union};
use crate::schema::{
    common, consumer, data_consumer, data_producer, rtp_parameters, sctp_association, sctp_parameters,
};

enums! {
    Protocol {
        1 Udp,
        2 Tcp,
    }
}

tables! {
    PortRange {
        0 min: u16,
        1 max: u16,
    }

    SocketFlags {
        0 ipv6_only: bool,
        1 udp_reuse_port: bool,
    }

    /// Where to bind. A port range wins over a port; with neither, the worker's own range counts.
    ListenInfo<'a> {
        0 protocol: Protocol,
        1 ip: Str<'a>,
        2 announced_address: Option<Str<'a>>,
        3 expose_internal_ip: bool,
        4 port: u16,
        5 port_range: PortRange,
        6 flags: SocketFlags,
        7 send_buffer_size: u32,
        8 recv_buffer_size: u32,
    }

    RestartIceResponse<'a> {
        0 username_fragment: Str<'a>,
        1 password: Str<'a>,
        2 ice_lite: bool,
    }

    ProduceRequest<'a> {
        0 producer_id: Str<'a>,
        1 kind: rtp_parameters::MediaKind,
        2 rtp_parameters: rtp_parameters::RtpParameters<'a>,
        3 rtp_mapping: rtp_parameters::RtpMapping<'a>,
        4 paused: bool,
        5 key_frame_request_delay: u32,
        6 enable_mediasoup_packet_id_header_extension: bool,
    }

    ProduceResponse {
        0 r#type: rtp_parameters::Type,
    }

    ConsumeRequest<'a> {
        0 consumer_id: Str<'a>,
        1 producer_id: Str<'a>,
        2 kind: rtp_parameters::MediaKind,
        3 rtp_parameters: rtp_parameters::RtpParameters<'a>,
        4 r#type: rtp_parameters::Type,
        5 consumable_rtp_encodings: Vec<rtp_parameters::RtpEncodingParameters<'a>>,
        6 paused: bool,
        7 preferred_layers: Option<consumer::ConsumerLayers>,
        8 ignore_dtx: bool,
    }

    ConsumeResponse {
        0 paused: bool,
        1 producer_paused: bool,
        2 score: consumer::ConsumerScore,
        3 preferred_layers: Option<consumer::ConsumerLayers>,
    }

    ProduceDataRequest<'a> {
        0 data_producer_id: Str<'a>,
        1 r#type: data_producer::Type,
        2 sctp_stream_parameters: Option<sctp_parameters::SctpStreamParameters>,
        3 label: Option<Str<'a>>,
        4 protocol: Option<Str<'a>>,
        5 paused: bool,
    }

    ConsumeDataRequest<'a> {
        0 data_consumer_id: Str<'a>,
        1 data_producer_id: Str<'a>,
        2 r#type: data_consumer::Type,
        3 sctp_stream_parameters: Option<sctp_parameters::SctpStreamParameters>,
        4 label: Option<Str<'a>>,
        5 protocol: Option<Str<'a>>,
        6 paused: bool,
        7 subchannels: Option<Vec<u16>>,
    }

    /// The two ends of a path; the remote one is absent until it is known.
    Tuple<'a> {
        0 local_address: Str<'a>,
        1 local_port: u16,
        2 remote_ip: Option<Str<'a>>,
        3 remote_port: u16,
        4 protocol: Protocol,
    }

    /// How incoming packets find their producer: by SSRC, by MID, by RID.
    RtpListener<'a> {
        0 ssrc_table: Vec<common::Uint32String<'a>>,
        1 mid_table: Vec<common::StringString<'a>>,
        2 rid_table: Vec<common::StringString<'a>>,
    }

    SctpListener<'a> {
        0 stream_id_table: Vec<common::Uint16String<'a>>,
    }

    /// Extension ids in use on packets from the peer.
    RecvRtpHeaderExtensions {
        0 mid: Option<u8>,
        1 rid: Option<u8>,
        2 rrid: Option<u8>,
        3 abs_send_time: Option<u8>,
        4 transport_wide_cc01: Option<u8>,
    }

    /// Settings that every kind of transport takes.
    Options {
        0 direct: bool,
        1 initial_available_outgoing_bitrate: Option<u64>,
        2 enable_sctp: bool,
        3 max_send_message_size: u32,
        4 max_receive_message_size: u32,
        5 sctp_send_buffer_size: u32,
        6 sctp_per_stream_send_queue_limit: u32,
        7 sctp_max_receiver_window_buffer_size: u32,
        8 sctp_default_stream_buffered_amount_low_threshold: u32,
        9 is_data_channel: bool,
    }
}

enums! {
    TraceEventType {
        0 Probation,
        1 Bwe,
    }
}

tables! {
    /// Everything in a transport, as ids and tables.
    Dump<'a> {
        0 id: Str<'a>,
        1 direct: bool,
        2 producer_ids: Vec<Str<'a>>,
        3 consumer_ids: Vec<Str<'a>>,
        4 map_ssrc_consumer_id: Vec<common::Uint32String<'a>>,
        5 map_rtx_ssrc_consumer_id: Vec<common::Uint32String<'a>>,
        6 data_producer_ids: Vec<Str<'a>>,
        7 data_consumer_ids: Vec<Str<'a>>,
        8 recv_rtp_header_extensions: RecvRtpHeaderExtensions,
        9 rtp_listener: RtpListener<'a>,
        10 max_send_message_size: u32,
        11 max_receive_message_size: u32,
        12 sctp_parameters: Option<sctp_parameters::SctpParameters>,
        13 sctp_state: Option<sctp_association::SctpState>,
        14 sctp_negotiated_capabilities: Option<sctp_association::SctpNegotiatedCapabilities>,
        15 sctp_listener: Option<SctpListener<'a>>,
        16 trace_event_types: Vec<TraceEventType>,
    }

    /// Totals in bytes, rates in bits per second, limits and estimates where there are any.
    Stats<'a> {
        0 transport_id: Str<'a>,
        1 timestamp: u64,
        2 sctp_state: Option<sctp_association::SctpState>,
        3 bytes_received: u64,
        4 recv_bitrate: u64,
        5 bytes_sent: u64,
        6 send_bitrate: u64,
        7 rtp_bytes_received: u64,
        8 rtp_recv_bitrate: u64,
        9 rtp_bytes_sent: u64,
        10 rtp_send_bitrate: u64,
        11 rtx_bytes_received: u64,
        12 rtx_recv_bitrate: u64,
        13 rtx_bytes_sent: u64,
        14 rtx_send_bitrate: u64,
        15 probation_bytes_sent: u64,
        16 probation_send_bitrate: u64,
        17 available_outgoing_bitrate: Option<u64>,
        18 available_incoming_bitrate: Option<u64>,
        19 max_incoming_bitrate: Option<u64>,
        20 max_outgoing_bitrate: Option<u64>,
        21 min_outgoing_bitrate: Option<u64>,
        22 rtp_packet_loss_received: Option<f64>,
        23 rtp_packet_loss_sent: Option<f64>,
    }

    SetMaxIncomingBitrateRequest {
        0 max_incoming_bitrate: u64,
    }

    SetMaxOutgoingBitrateRequest {
        0 max_outgoing_bitrate: u64,
    }

    SetMinOutgoingBitrateRequest {
        0 min_outgoing_bitrate: u64,
    }

    EnableTraceEventRequest {
        0 events: Vec<TraceEventType>,
    }

    CloseProducerRequest<'a> {
        0 producer_id: Str<'a>,
    }

    CloseConsumerRequest<'a> {
        0 consumer_id: Str<'a>,
    }

    CloseDataProducerRequest<'a> {
        0 data_producer_id: Str<'a>,
    }

    CloseDataConsumerRequest<'a> {
        0 data_consumer_id: Str<'a>,
    }

    SendRtcpNotification<'a> {
        0 data: Raw<'a>,
    }

    SctpStateChangeNotification {
        0 sctp_state: sctp_association::SctpState,
    }

    SctpNegotiatedCapabilitiesNotification {
        0 negotiated_capabilities: Option<sctp_association::SctpNegotiatedCapabilities>,
    }
}

union! {
    TraceInfo {
        1 BweTraceInfo(BweTraceInfo),
    }
}

enums! {
    BweType {
        0 TransportCc,
        1 Remb,
    }
}

tables! {
    /// The numbers behind one announcement of the bandwidth estimator.
    BweTraceInfo {
        0 bwe_type: BweType,
        1 desired_bitrate: u64,
        2 effective_desired_bitrate: u64,
        3 min_bitrate: u64,
        4 max_bitrate: u64,
        5 start_bitrate: u64,
        6 max_padding_bitrate: u64,
        7 available_bitrate: u64,
    }

    TraceNotification {
        0 r#type: TraceEventType,
        1 timestamp: u64,
        2 direction: common::TraceDirection,
        3 info: TraceInfo,
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] = &[
    Protocol::LAYOUT,
    <PortRange as Table>::LAYOUT,
    <SocketFlags as Table>::LAYOUT,
    <ListenInfo as Table>::LAYOUT,
    <RestartIceResponse as Table>::LAYOUT,
    <ProduceRequest as Table>::LAYOUT,
    <ProduceResponse as Table>::LAYOUT,
    <ConsumeRequest as Table>::LAYOUT,
    <ConsumeResponse as Table>::LAYOUT,
    <ProduceDataRequest as Table>::LAYOUT,
    <ConsumeDataRequest as Table>::LAYOUT,
    <Tuple as Table>::LAYOUT,
    <RtpListener as Table>::LAYOUT,
    <SctpListener as Table>::LAYOUT,
    <RecvRtpHeaderExtensions as Table>::LAYOUT,
    <Options as Table>::LAYOUT,
    TraceEventType::LAYOUT,
    <Dump as Table>::LAYOUT,
    <Stats as Table>::LAYOUT,
    <SetMaxIncomingBitrateRequest as Table>::LAYOUT,
    <SetMaxOutgoingBitrateRequest as Table>::LAYOUT,
    <SetMinOutgoingBitrateRequest as Table>::LAYOUT,
    <EnableTraceEventRequest as Table>::LAYOUT,
    <CloseProducerRequest as Table>::LAYOUT,
    <CloseConsumerRequest as Table>::LAYOUT,
    <CloseDataProducerRequest as Table>::LAYOUT,
    <CloseDataConsumerRequest as Table>::LAYOUT,
    <SendRtcpNotification as Table>::LAYOUT,
    <SctpStateChangeNotification as Table>::LAYOUT,
    <SctpNegotiatedCapabilitiesNotification as Table>::LAYOUT,
    TraceInfo::LAYOUT,
    BweType::LAYOUT,
    <BweTraceInfo as Table>::LAYOUT,
    <TraceNotification as Table>::LAYOUT,
];
