//! Requests with as little in them as they need.

use model::data::{DataKind, SctpStreamParameters};
use model::rtp::{MediaKind, RtpMapping, RtpParameters};
use model::score::ConsumerType;
use model::transport::{ListenInfo, TransportProtocol};
use shardcast::Request;
use shardcast::request::*;

pub(crate) fn create_router(id: &str) -> Request {
    Request::Worker(WorkerRequest::CreateRouter(id.into()))
}

pub(crate) fn close_router(id: &str) -> Request {
    Request::Worker(WorkerRequest::CloseRouter(id.into()))
}

pub(crate) fn create_server(id: &str, listen_infos: Vec<ListenInfo>) -> Request {
    Request::Worker(WorkerRequest::CreateWebRtcServer { id: id.into(), listen_infos })
}

pub(crate) fn listen(protocol: TransportProtocol, port: u16) -> ListenInfo {
    ListenInfo {
        protocol,
        ip: "127.0.0.1".into(),
        announced_address: None,
        expose_internal_ip: false,
        port,
        port_range: Default::default(),
        flags: Default::default(),
        send_buffer_size: 0,
        recv_buffer_size: 0,
    }
}

pub(crate) fn udp(port: u16) -> ListenInfo {
    listen(TransportProtocol::Udp, port)
}

pub(crate) fn plain_options(port: u16) -> PlainTransportOptions {
    PlainTransportOptions {
        base: TransportOptions::default(),
        listen_info: udp(port),
        rtcp_listen_info: None,
        rtcp_mux: true,
        comedia: false,
        srtp: None,
    }
}

pub(crate) fn create_plain(router: &str, id: &str, port: u16) -> Request {
    let options = Box::new(plain_options(port));
    Request::Router(router.into(), RouterRequest::CreatePlainTransport(id.into(), options))
}

pub(crate) fn create_direct(router: &str, id: &str) -> Request {
    let options = Box::default();
    Request::Router(router.into(), RouterRequest::CreateDirectTransport(id.into(), options))
}

pub(crate) fn web_rtc_options(listen: Listen) -> WebRtcTransportOptions {
    WebRtcTransportOptions {
        base: TransportOptions::default(),
        listen,
        enable_udp: true,
        enable_tcp: true,
        prefer_udp: false,
        prefer_tcp: false,
        ice_consent_timeout_s: 30,
    }
}

pub(crate) fn create_web_rtc(router: &str, id: &str, listen: Listen) -> Request {
    let options = Box::new(web_rtc_options(listen));
    Request::Router(router.into(), RouterRequest::CreateWebRtcTransport(id.into(), options))
}

pub(crate) fn close_transport(router: &str, id: &str) -> Request {
    Request::Router(router.into(), RouterRequest::CloseTransport(id.into()))
}

pub(crate) fn create_observer(router: &str, id: &str) -> Request {
    let (id, interval_ms) = (id.into(), 300);
    Request::Router(router.into(), RouterRequest::CreateActiveSpeakerObserver { id, interval_ms })
}

pub(crate) fn parameters(ssrc: u32) -> RtpParameters {
    let json = serde_json::json!({
        "codecs": [{ "mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2 }],
        "encodings": [{ "ssrc": ssrc }],
        "rtcp": { "cname": "c" },
    });
    serde_json::from_value(json).unwrap()
}

fn mapping(ssrc: u32) -> RtpMapping {
    let json = serde_json::json!({
        "codecs": [{ "payloadType": 111, "mappedPayloadType": 100 }],
        "encodings": [{ "mappedSsrc": ssrc + 1000 }],
    });
    serde_json::from_value(json).unwrap()
}

pub(crate) fn produce(transport: &str, id: &str, ssrc: u32) -> Request {
    let produce = Produce {
        id: id.into(),
        kind: MediaKind::Audio,
        rtp_parameters: parameters(ssrc),
        rtp_mapping: mapping(ssrc),
        paused: false,
        key_frame_request_delay_ms: 0,
        adds_packet_id: false,
    };
    of_transport(transport, TransportRequest::Produce(Box::new(produce)))
}

pub(crate) fn consume(transport: &str, id: &str, producer: &str, ssrc: u32) -> Request {
    let consume = Consume {
        id: id.into(),
        producer_id: producer.into(),
        kind: MediaKind::Audio,
        rtp_parameters: parameters(ssrc),
        consumer_type: ConsumerType::Simple,
        consumable_encodings: parameters(1000).encodings,
        paused: false,
        preferred_layers: None,
        ignore_dtx: false,
    };
    of_transport(transport, TransportRequest::Consume(Box::new(consume)))
}

pub(crate) fn produce_data(transport: &str, id: &str, stream: Option<u16>) -> Request {
    let produce = ProduceData {
        id: id.into(),
        kind: if stream.is_some() { DataKind::Sctp } else { DataKind::Direct },
        sctp_stream_parameters: stream.map(sctp_stream),
        label: "label".into(),
        protocol: "protocol".into(),
        paused: false,
    };
    of_transport(transport, TransportRequest::ProduceData(Box::new(produce)))
}

pub(crate) fn consume_data(transport: &str, id: &str, producer: &str, stream: Option<u16>) -> Request {
    let consume = ConsumeData {
        id: id.into(),
        data_producer_id: producer.into(),
        kind: if stream.is_some() { DataKind::Sctp } else { DataKind::Direct },
        sctp_stream_parameters: stream.map(sctp_stream),
        label: "label".into(),
        protocol: "protocol".into(),
        paused: false,
        subchannels: Vec::new(),
    };
    of_transport(transport, TransportRequest::ConsumeData(Box::new(consume)))
}

pub(crate) fn sctp_stream(stream_id: u16) -> SctpStreamParameters {
    SctpStreamParameters { stream_id, ordered: None, max_packet_life_time: None, max_retransmits: None }
}

pub(crate) fn of_transport(id: &str, request: TransportRequest) -> Request {
    Request::Transport(id.into(), request)
}
