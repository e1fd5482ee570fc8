//! Requests as the npm package puts them on the channel: those that the script says.

use shardcast::request::*;
use shardcast::{Notification, Request};
use worker::flat::Str;
use worker::schema::notification::{self, Event};
use worker::schema::request::{Body, Method};
use worker::schema::worker as tables;
use worker::schema::{
    active_speaker_observer, data_consumer, data_producer, direct_transport, plain_transport, router,
    rtp_observer, rtp_parameters as rtp, transport,
};

use super::driver::OPTIONS;

/// The method, whose it is, and the body.
pub(crate) type Encoded<'a> = (Method, &'a str, Body<'a>);

pub(crate) fn request(request: &Request) -> Encoded<'_> {
    match request {
        Request::Worker(request) => of_worker(request),
        Request::Router(id, request) => of_router(id.as_str(), request),
        Request::Transport(id, request) => of_transport(id.as_str(), request),
        Request::Producer(id, ProducerRequest::Pause) => (Method::ProducerPause, id.as_str(), Body::None),
        Request::Producer(id, ProducerRequest::Resume) => (Method::ProducerResume, id.as_str(), Body::None),
        Request::Consumer(id, ConsumerRequest::Pause) => (Method::ConsumerPause, id.as_str(), Body::None),
        Request::Consumer(id, ConsumerRequest::Resume) => (Method::ConsumerResume, id.as_str(), Body::None),
        Request::DataProducer(id, DataProducerRequest::Pause) => {
            (Method::DataproducerPause, id.as_str(), Body::None)
        }
        Request::DataProducer(id, DataProducerRequest::Resume) => {
            (Method::DataproducerResume, id.as_str(), Body::None)
        }
        Request::DataConsumer(id, DataConsumerRequest::Pause) => {
            (Method::DataconsumerPause, id.as_str(), Body::None)
        }
        Request::DataConsumer(id, DataConsumerRequest::Resume) => {
            (Method::DataconsumerResume, id.as_str(), Body::None)
        }
        Request::RtpObserver(id, request) => of_observer(id.as_str(), request),
        other => unreachable!("the script does not say {other:?}"),
    }
}

pub(crate) fn notification(notification: &Notification) -> (Event, &str, notification::Body<'_>) {
    let Notification::SendData(id, message) = notification else {
        unreachable!("the script does not say {notification:?}")
    };
    let send = data_producer::SendNotification {
        ppid: message.ppid,
        data: vec![1].into(),
        subchannels: None,
        required_subchannel: None,
        ignored_subchannel: None,
    };
    let body = notification::Body::DataProducerSendNotification(Box::new(send));
    (Event::DataproducerSend, id.as_str(), body)
}

fn of_worker(request: &WorkerRequest) -> Encoded<'_> {
    match request {
        WorkerRequest::Dump => (Method::WorkerDump, "", Body::None),
        WorkerRequest::CreateRouter(id) => {
            let body = tables::CreateRouterRequest { router_id: id.as_str().into() };
            (Method::WorkerCreateRouter, "", Body::WorkerCreateRouterRequest(Box::new(body)))
        }
        WorkerRequest::CloseRouter(id) => {
            let body = tables::CloseRouterRequest { router_id: id.as_str().into() };
            (Method::WorkerCloseRouter, "", Body::WorkerCloseRouterRequest(Box::new(body)))
        }
        other => unreachable!("the script does not say {other:?}"),
    }
}

fn of_router<'a>(of: &'a str, request: &'a RouterRequest) -> Encoded<'a> {
    let (method, body) = match request {
        RouterRequest::Dump => (Method::RouterDump, Body::None),
        RouterRequest::CreatePlainTransport(id, options) => {
            let options = plain_options(options);
            let body = router::CreatePlainTransportRequest { transport_id: id.as_str().into(), options };
            (Method::RouterCreatePlaintransport, Body::RouterCreatePlainTransportRequest(Box::new(body)))
        }
        RouterRequest::CreateDirectTransport(id, _) => {
            let options = direct_transport::DirectTransportOptions { base: OPTIONS };
            let body = router::CreateDirectTransportRequest { transport_id: id.as_str().into(), options };
            (Method::RouterCreateDirecttransport, Body::RouterCreateDirectTransportRequest(Box::new(body)))
        }
        RouterRequest::CloseTransport(id) => {
            let body = router::CloseTransportRequest { transport_id: id.as_str().into() };
            (Method::RouterCloseTransport, Body::RouterCloseTransportRequest(Box::new(body)))
        }
        RouterRequest::CreateActiveSpeakerObserver { id, interval_ms } => {
            let options = active_speaker_observer::ActiveSpeakerObserverOptions { interval: *interval_ms };
            let rtp_observer_id = id.as_str().into();
            let body = router::CreateActiveSpeakerObserverRequest { rtp_observer_id, options };
            let body = Body::RouterCreateActiveSpeakerObserverRequest(Box::new(body));
            (Method::RouterCreateActivespeakerobserver, body)
        }
        RouterRequest::CloseRtpObserver(id) => {
            let body = router::CloseRtpObserverRequest { rtp_observer_id: id.as_str().into() };
            (Method::RouterCloseRtpobserver, Body::RouterCloseRtpObserverRequest(Box::new(body)))
        }
        other => unreachable!("the script does not say {other:?}"),
    };
    (method, of, body)
}

fn plain_options(options: &PlainTransportOptions) -> plain_transport::PlainTransportOptions<'_> {
    plain_transport::PlainTransportOptions {
        base: transport::Options { direct: false, ..OPTIONS },
        listen_info: transport::ListenInfo {
            protocol: transport::Protocol::Udp,
            ip: Str::from(&*options.listen_info.ip),
            announced_address: None,
            expose_internal_ip: false,
            port: options.listen_info.port,
            port_range: transport::PortRange { min: 0, max: 0 },
            flags: transport::SocketFlags { ipv6_only: false, udp_reuse_port: false },
            send_buffer_size: 0,
            recv_buffer_size: 0,
        },
        rtcp_listen_info: None,
        rtcp_mux: options.rtcp_mux,
        comedia: options.comedia,
        enable_srtp: false,
        srtp_crypto_suite: None,
    }
}

fn of_transport<'a>(of: &'a str, request: &'a TransportRequest) -> Encoded<'a> {
    let (method, body) = match request {
        TransportRequest::Dump => (Method::TransportDump, Body::None),
        TransportRequest::Produce(request) => (Method::TransportProduce, produce(request)),
        TransportRequest::Consume(request) => (Method::TransportConsume, consume(request)),
        TransportRequest::ProduceData(request) => (Method::TransportProduceData, produce_data(request)),
        TransportRequest::ConsumeData(request) => (Method::TransportConsumeData, consume_data(request)),
        TransportRequest::CloseProducer(id) => {
            let body = transport::CloseProducerRequest { producer_id: id.as_str().into() };
            (Method::TransportCloseProducer, Body::TransportCloseProducerRequest(Box::new(body)))
        }
        TransportRequest::CloseConsumer(id) => {
            let body = transport::CloseConsumerRequest { consumer_id: id.as_str().into() };
            (Method::TransportCloseConsumer, Body::TransportCloseConsumerRequest(Box::new(body)))
        }
        TransportRequest::CloseDataProducer(id) => {
            let body = transport::CloseDataProducerRequest { data_producer_id: id.as_str().into() };
            (Method::TransportCloseDataproducer, Body::TransportCloseDataProducerRequest(Box::new(body)))
        }
        TransportRequest::CloseDataConsumer(id) => {
            let body = transport::CloseDataConsumerRequest { data_consumer_id: id.as_str().into() };
            (Method::TransportCloseDataconsumer, Body::TransportCloseDataConsumerRequest(Box::new(body)))
        }
        other => unreachable!("the script does not say {other:?}"),
    };
    (method, of, body)
}

fn produce(request: &Produce) -> Body<'_> {
    let body = transport::ProduceRequest {
        producer_id: request.id.as_str().into(),
        kind: rtp::MediaKind::Audio,
        rtp_parameters: (&request.rtp_parameters).into(),
        rtp_mapping: (&request.rtp_mapping).into(),
        paused: request.paused,
        key_frame_request_delay: 0,
        enable_mediasoup_packet_id_header_extension: false,
    };
    Body::TransportProduceRequest(Box::new(body))
}

fn consume(request: &Consume) -> Body<'_> {
    let body = transport::ConsumeRequest {
        consumer_id: request.id.as_str().into(),
        producer_id: request.producer_id.as_str().into(),
        kind: rtp::MediaKind::Audio,
        rtp_parameters: (&request.rtp_parameters).into(),
        r#type: rtp::Type::Simple,
        consumable_rtp_encodings: request.consumable_encodings.iter().map(Into::into).collect(),
        paused: request.paused,
        preferred_layers: None,
        ignore_dtx: request.ignore_dtx,
    };
    Body::TransportConsumeRequest(Box::new(body))
}

fn produce_data(request: &ProduceData) -> Body<'_> {
    let body = transport::ProduceDataRequest {
        data_producer_id: request.id.as_str().into(),
        r#type: data_producer::Type::Direct,
        sctp_stream_parameters: None,
        label: Some(Str::from(&*request.label)),
        protocol: Some(Str::from(&*request.protocol)),
        paused: request.paused,
    };
    Body::TransportProduceDataRequest(Box::new(body))
}

fn consume_data(request: &ConsumeData) -> Body<'_> {
    let body = transport::ConsumeDataRequest {
        data_consumer_id: request.id.as_str().into(),
        data_producer_id: request.data_producer_id.as_str().into(),
        r#type: data_consumer::Type::Direct,
        sctp_stream_parameters: None,
        label: Some(Str::from(&*request.label)),
        protocol: Some(Str::from(&*request.protocol)),
        paused: request.paused,
        subchannels: None,
    };
    Body::TransportConsumeDataRequest(Box::new(body))
}

fn of_observer<'a>(of: &'a str, request: &'a RtpObserverRequest) -> Encoded<'a> {
    let (method, body) = match request {
        RtpObserverRequest::AddProducer(id) => {
            let body = rtp_observer::AddProducerRequest { producer_id: id.as_str().into() };
            (Method::RtpobserverAddProducer, Body::RtpObserverAddProducerRequest(Box::new(body)))
        }
        RtpObserverRequest::RemoveProducer(id) => {
            let body = rtp_observer::RemoveProducerRequest { producer_id: id.as_str().into() };
            (Method::RtpobserverRemoveProducer, Body::RtpObserverRemoveProducerRequest(Box::new(body)))
        }
        other => unreachable!("the script does not say {other:?}"),
    };
    (method, of, body)
}
