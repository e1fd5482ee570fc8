//! WebRTC transports: ICE, DTLS and SRTP, for browsers and other WebRTC endpoints.

use std::ops::Deref;

use model::dump::TransportKindDump;
use model::id::TransportId;
use model::transport::{
    DtlsParameters, DtlsState, IceCandidate, IceParameters, IceState, ListenInfo, TransportKind,
    TransportTuple,
};

use super::{Transport, TransportMaking};
use crate::answer::Answer;
use crate::api::error::Error;
use crate::api::naming;
use crate::api::object::AppData;
use crate::api::router::Router;
use crate::api::webrtc_server::WebRtcServer;
use crate::request::{self, Listen, RouterRequest, TransportOptions, TransportRequest};

/// A transport for a browser or another WebRTC endpoint.
#[derive(Clone, Debug)]
pub struct WebRtcTransport {
    transport: Transport,
}

/// What a WebRTC transport is made with.
#[derive(Clone, Debug)]
pub struct WebRtcTransportOptions {
    /// Where it listens.
    pub listen: WebRtcListen,
    /// Whether there are UDP candidates.
    pub enable_udp: bool,
    /// Whether there are TCP candidates.
    pub enable_tcp: bool,
    /// Whether UDP is tried first.
    pub prefer_udp: bool,
    /// Whether TCP is tried first.
    pub prefer_tcp: bool,
    /// Seconds of silence after which the peer is gone; 0 is never.
    pub ice_consent_timeout_s: u8,
    /// What all kinds have.
    pub base: TransportOptions,
    /// Something of the application's own.
    pub app_data: AppData,
}

/// Where a WebRTC transport listens.
#[derive(Clone, Debug)]
pub enum WebRtcListen {
    /// On sockets of its own.
    Individual(Vec<ListenInfo>),
    /// On those of a server, which stays open as long as the transport does.
    Server(WebRtcServer),
}

impl WebRtcTransportOptions {
    /// The usual options, listening there.
    #[must_use]
    pub fn new(listen: WebRtcListen) -> Self {
        Self {
            listen,
            enable_udp: true,
            enable_tcp: true,
            prefer_udp: false,
            prefer_tcp: false,
            ice_consent_timeout_s: 30,
            base: TransportOptions {
                initial_available_outgoing_bitrate: Some(600_000),
                ..TransportOptions::default()
            },
            app_data: AppData::default(),
        }
    }
}

impl WebRtcTransport {
    pub(in crate::api) async fn create(
        router: &Router,
        options: WebRtcTransportOptions,
    ) -> Result<Self, Error> {
        let WebRtcTransportOptions { listen, mut base, app_data, .. } = options;
        base.sctp.is_data_channel = true;
        let (listen, server) = match listen {
            WebRtcListen::Individual(infos) => (Listen::Individual(infos), None),
            WebRtcListen::Server(server) => (Listen::Server(server.id()), Some(server)),
        };
        let id = TransportId::from(naming::id());
        let create = request::WebRtcTransportOptions {
            base,
            listen,
            enable_udp: options.enable_udp,
            enable_tcp: options.enable_tcp,
            prefer_udp: options.prefer_udp,
            prefer_tcp: options.prefer_tcp,
            ice_consent_timeout_s: options.ice_consent_timeout_s,
        };
        let create = RouterRequest::CreateWebRtcTransport(id.clone(), Box::new(create));
        let making = TransportMaking { id, kind: TransportKind::WebRtc, create, server, app_data };
        Ok(Self { transport: Transport::create(router, making).await? })
    }

    /// Our side of ICE: for the client.
    #[must_use]
    pub fn ice_parameters(&self) -> IceParameters {
        let none = || IceParameters { username_fragment: "".into(), password: "".into(), ice_lite: None };
        self.look(|state| match state {
            TransportKindDump::WebRtc { ice_parameters, .. } => Some(ice_parameters.clone()),
            _ => None,
        })
        .unwrap_or_else(none)
    }

    /// Where it can be reached: for the client.
    #[must_use]
    pub fn ice_candidates(&self) -> Vec<IceCandidate> {
        self.look(|state| match state {
            TransportKindDump::WebRtc { ice_candidates, .. } => Some(ice_candidates.clone()),
            _ => None,
        })
        .unwrap_or_default()
    }

    /// Our certificate's fingerprints, and the part we play: for the client.
    #[must_use]
    pub fn dtls_parameters(&self) -> DtlsParameters {
        let none = || DtlsParameters { role: Default::default(), fingerprints: Vec::new() };
        self.look(|state| match state {
            TransportKindDump::WebRtc { dtls_parameters, .. } => Some(dtls_parameters.clone()),
            _ => None,
        })
        .unwrap_or_else(none)
    }

    /// How far ICE got.
    #[must_use]
    pub fn ice_state(&self) -> IceState {
        if self.is_closed() {
            return IceState::Closed;
        }
        self.look(|state| match state {
            TransportKindDump::WebRtc { ice_state, .. } => Some(*ice_state),
            _ => None,
        })
        .unwrap_or_default()
    }

    /// The two ends that ICE selected.
    #[must_use]
    pub fn ice_selected_tuple(&self) -> Option<TransportTuple> {
        self.look(|state| match state {
            TransportKindDump::WebRtc { ice_selected_tuple, .. } => ice_selected_tuple.clone(),
            _ => None,
        })
    }

    /// How far DTLS got.
    #[must_use]
    pub fn dtls_state(&self) -> DtlsState {
        if self.is_closed() {
            return DtlsState::Closed;
        }
        self.look(|state| match state {
            TransportKindDump::WebRtc { dtls_state, .. } => Some(*dtls_state),
            _ => None,
        })
        .unwrap_or_default()
    }

    /// The peer's certificate in PEM, once DTLS is connected.
    #[must_use]
    pub fn dtls_remote_certificate(&self) -> Option<Box<str>> {
        self.state(|state| state.dtls_remote_certificate.clone())
    }

    /// Says what the peer's certificate is, once. Media flows when ICE and DTLS have done their part.
    ///
    /// # Errors
    /// [`Error::Invalid`] names the parameter that is not right; [`Error::Failed`] the second time.
    pub async fn connect(&self, dtls_parameters: DtlsParameters) -> Result<(), Error> {
        let request = self.request(TransportRequest::ConnectWebRtc(dtls_parameters));
        let connected = self.transport.inner.object.ask_then(request, |answer, state| {
            if let (Answer::WebRtcConnected(role), TransportKindDump::WebRtc { dtls_parameters, .. }) =
                (answer, &mut state.kind)
            {
                dtls_parameters.role = *role;
            }
        });
        connected.await.map(drop)
    }

    /// New ICE credentials, for the client. The old ones hold until it uses these.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn restart_ice(&self) -> Result<IceParameters, Error> {
        let request = self.request(TransportRequest::RestartIce);
        let restarted = self.transport.inner.object.ask_then(request, |answer, state| {
            if let (Answer::IceRestarted(new), TransportKindDump::WebRtc { ice_parameters, .. }) =
                (answer, &mut state.kind)
            {
                ice_parameters.clone_from(new);
            }
        });
        match restarted.await? {
            Answer::IceRestarted(parameters) => Ok(*parameters),
            _ => Err(Error::unexpected("restart_ice")),
        }
    }

    fn look<R>(&self, look: impl FnOnce(&TransportKindDump) -> Option<R>) -> Option<R> {
        self.kind_state(look)
    }
}

impl Deref for WebRtcTransport {
    type Target = Transport;

    fn deref(&self) -> &Transport {
        &self.transport
    }
}
