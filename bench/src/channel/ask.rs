//! Requests, as the npm package would send them.

use worker::schema::plain_transport::{ConnectRequest, PlainTransportOptions};
use worker::schema::request::{Body, Method};
use worker::schema::router::{
    CloseTransportRequest, CreatePlainTransportRequest, CreateWebRtcTransportRequest,
};
use worker::schema::rtp_parameters::{MediaKind, Type};
use worker::schema::srtp_parameters::{SrtpCryptoSuite, SrtpParameters};
use worker::schema::transport::{
    CloseConsumerRequest, CloseProducerRequest, ConsumeRequest, ListenInfo, Options, PortRange,
    ProduceRequest, Protocol, SocketFlags,
};
use worker::schema::web_rtc_transport::{
    self, DtlsParameters, DtlsRole, Fingerprint, FingerprintAlgorithm, Listen, ListenIndividual,
    ListenServer, WebRtcTransportOptions,
};
use worker::schema::worker::{CloseRouterRequest, CreateRouterRequest, CreateWebRtcServerRequest};

use super::{base64, rtp};
use crate::suite::Suite;

/// A request that has not been sent yet.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(super) method: Method,
    pub(super) handler: String,
    pub(super) body: Body<'static>,
}

/// Names an object: of the length and form that the package's have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Id(pub(crate) Kind, pub(crate) u64);

/// What is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Router = 1,
    Transport,
    Producer,
    Consumer,
    Server,
}

/// What media ask for beside being forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Features {
    /// NACK, PLI and FIR, but no RTX.
    Usual,
    /// Nothing.
    Bare,
    /// RTX and transport-wide numbers and feedback, too.
    All,
}

/// How a plain transport is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlainOptions {
    /// Whether the peer's address is learnt from its first packet.
    pub(crate) comedia: bool,
    pub(crate) suite: Suite,
}

impl Ask {
    pub(crate) fn create_router(router: Id) -> Self {
        let request = CreateRouterRequest { router_id: router.text().into() };
        Self::new(Method::WorkerCreateRouter, None, Body::WorkerCreateRouterRequest(Box::new(request)))
    }

    pub(crate) fn close_router(router: Id) -> Self {
        let request = CloseRouterRequest { router_id: router.text().into() };
        Self::new(Method::WorkerCloseRouter, None, Body::WorkerCloseRouterRequest(Box::new(request)))
    }

    pub(crate) fn create_transport(router: Id, transport: Id, options: PlainOptions) -> Self {
        let request = CreatePlainTransportRequest {
            transport_id: transport.text().into(),
            options: PlainTransportOptions {
                base: BASE,
                listen_info: listen_on_loopback(),
                rtcp_listen_info: None,
                rtcp_mux: true,
                comedia: options.comedia,
                enable_srtp: options.suite != Suite::Clear,
                srtp_crypto_suite: crypto_suite(options.suite),
            },
        };
        let body = Body::RouterCreatePlainTransportRequest(Box::new(request));
        Self::new(Method::RouterCreatePlaintransport, Some(router), body)
    }

    /// `peer` says what the peer seals with: its suite and its number.
    pub(crate) fn connect(transport: Id, port: u16, peer: (Suite, usize)) -> Self {
        let (suite, number) = peer;
        let srtp_parameters = crypto_suite(suite).map(|crypto_suite| {
            let (key, salt) = suite.keys_for(number);
            SrtpParameters { crypto_suite, key_base64: base64::encode(&[key, salt].concat()).into() }
        });
        let request =
            ConnectRequest { ip: Some(LOOPBACK.into()), port: Some(port), rtcp_port: None, srtp_parameters };
        let body = Body::PlainTransportConnectRequest(Box::new(request));
        Self::new(Method::PlaintransportConnect, Some(transport), body)
    }

    /// With sockets of its own, or those of a server; of a peer who is known to be there.
    pub(crate) fn create_web_rtc_transport(router: Id, transport: Id, server: Option<Id>) -> Self {
        let listen = match server {
            None => Listen::ListenIndividual(Box::new(ListenIndividual {
                listen_infos: vec![listen_on_loopback()],
            })),
            Some(server) => {
                Listen::ListenServer(Box::new(ListenServer { web_rtc_server_id: server.text().into() }))
            }
        };
        let request = CreateWebRtcTransportRequest {
            transport_id: transport.text().into(),
            options: WebRtcTransportOptions {
                base: BASE,
                listen,
                enable_udp: true,
                enable_tcp: false,
                prefer_udp: false,
                prefer_tcp: false,
                ice_consent_timeout: 0,
            },
        };
        let body = Body::RouterCreateWebRtcTransportRequest(Box::new(request));
        let method = match server {
            None => Method::RouterCreateWebrtctransport,
            Some(_) => Method::RouterCreateWebrtctransportWithServer,
        };
        Self::new(method, Some(router), body)
    }

    pub(crate) fn create_web_rtc_server(server: Id) -> Self {
        let request = CreateWebRtcServerRequest {
            web_rtc_server_id: server.text().into(),
            listen_infos: Some(vec![listen_on_loopback()]),
        };
        let body = Body::WorkerCreateWebRtcServerRequest(Box::new(request));
        Self::new(Method::WorkerCreateWebrtcserver, None, body)
    }

    /// To a client of DTLS with this certificate.
    pub(crate) fn connect_web_rtc(transport: Id, fingerprint: &str) -> Self {
        let print =
            Fingerprint { algorithm: FingerprintAlgorithm::Sha256, value: fingerprint.to_owned().into() };
        let dtls_parameters = DtlsParameters { fingerprints: vec![print], role: DtlsRole::Client };
        let body = Body::WebRtcTransportConnectRequest(Box::new(web_rtc_transport::ConnectRequest {
            dtls_parameters,
        }));
        Self::new(Method::WebrtctransportConnect, Some(transport), body)
    }

    pub(crate) fn close_transport(router: Id, transport: Id) -> Self {
        let request = CloseTransportRequest { transport_id: transport.text().into() };
        let body = Body::RouterCloseTransportRequest(Box::new(request));
        Self::new(Method::RouterCloseTransport, Some(router), body)
    }

    pub(crate) fn produce(transport: Id, producer: Id, ssrc: u32) -> Self {
        let request = ProduceRequest {
            producer_id: producer.text().into(),
            kind: MediaKind::Video,
            rtp_parameters: rtp::published(ssrc),
            rtp_mapping: rtp::mapping(ssrc),
            paused: false,
            key_frame_request_delay: 0,
            enable_mediasoup_packet_id_header_extension: false,
        };
        let body = Body::TransportProduceRequest(Box::new(request));
        Self::new(Method::TransportProduce, Some(transport), body)
    }

    pub(crate) fn close_producer(transport: Id, producer: Id) -> Self {
        let request = CloseProducerRequest { producer_id: producer.text().into() };
        let body = Body::TransportCloseProducerRequest(Box::new(request));
        Self::new(Method::TransportCloseProducer, Some(transport), body)
    }

    /// `streams` are the producer's SSRC and the consumer's.
    pub(crate) fn consume(transport: Id, consumer: Id, producer: Id, streams: (u32, u32)) -> Self {
        let (from, to) = streams;
        let request = ConsumeRequest {
            consumer_id: consumer.text().into(),
            producer_id: producer.text().into(),
            kind: MediaKind::Video,
            rtp_parameters: rtp::consumed(to),
            r#type: Type::Simple,
            consumable_rtp_encodings: vec![rtp::consumable(from)],
            paused: false,
            preferred_layers: None,
            ignore_dtx: false,
        };
        let body = Body::TransportConsumeRequest(Box::new(request));
        Self::new(Method::TransportConsume, Some(transport), body)
    }

    pub(crate) fn close_consumer(transport: Id, consumer: Id) -> Self {
        let request = CloseConsumerRequest { consumer_id: consumer.text().into() };
        let body = Body::TransportCloseConsumerRequest(Box::new(request));
        Self::new(Method::TransportCloseConsumer, Some(transport), body)
    }

    /// With media that ask for more or less.
    pub(crate) fn with(mut self, features: Features) -> Self {
        match &mut self.body {
            Body::TransportProduceRequest(request) => rtp::adapt(&mut request.rtp_parameters, features),
            Body::TransportConsumeRequest(request) => rtp::adapt(&mut request.rtp_parameters, features),
            _ => {}
        }
        self
    }

    fn new(method: Method, handler: Option<Id>, body: Body<'static>) -> Self {
        Self { method, handler: handler.map_or_else(String::new, Id::text), body }
    }
}

impl Id {
    pub(crate) fn text(self) -> String {
        let Self(kind, number) = self;
        format!("{:08x}-0000-4000-8000-{number:012x}", kind as u8)
    }
}

fn listen_on_loopback() -> ListenInfo<'static> {
    ListenInfo {
        protocol: Protocol::Udp,
        ip: LOOPBACK.into(),
        announced_address: None,
        expose_internal_ip: false,
        port: 0,
        port_range: PortRange { min: 0, max: 0 },
        flags: SocketFlags { ipv6_only: false, udp_reuse_port: false },
        send_buffer_size: 0,
        recv_buffer_size: RECEIVE_BUFFER_BYTES,
    }
}

fn crypto_suite(suite: Suite) -> Option<SrtpCryptoSuite> {
    match suite {
        Suite::Clear => None,
        Suite::Gcm128 => Some(SrtpCryptoSuite::AeadAes128Gcm),
        Suite::Gcm256 => Some(SrtpCryptoSuite::AeadAes256Gcm),
        Suite::Sha1Tag80 => Some(SrtpCryptoSuite::AesCm128HmacSha180),
    }
}

const LOOPBACK: &str = "127.0.0.1";
/// As in `bench forward`: a burst of everybody at once, were the worker asleep for some milliseconds.
const RECEIVE_BUFFER_BYTES: u32 = 2 << 20;
/// What the package sends where an application says nothing.
const BASE: Options = Options {
    direct: false,
    initial_available_outgoing_bitrate: None,
    enable_sctp: false,
    max_send_message_size: 262_144,
    max_receive_message_size: 262_144,
    sctp_send_buffer_size: 2_000_000,
    sctp_per_stream_send_queue_limit: 2_000_000,
    sctp_max_receiver_window_buffer_size: 5_242_880,
    sctp_default_stream_buffered_amount_low_threshold: 1024,
    is_data_channel: false,
};

#[cfg(test)]
mod tests;
