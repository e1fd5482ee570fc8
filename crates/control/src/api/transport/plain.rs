//! Plain transports: RTP over UDP, with or without SRTP; for encoders, recorders and phones.

use std::ops::Deref;

use model::dump::TransportKindDump;
use model::id::TransportId;
use model::transport::{ListenInfo, SrtpCryptoSuite, SrtpParameters, TransportKind, TransportTuple};

use super::state::TransportState;
use super::{Transport, TransportMaking};
use crate::answer::Answer;
use crate::api::error::Error;
use crate::api::naming;
use crate::api::object::AppData;
use crate::api::router::Router;
use crate::request::{self, RouterRequest, TransportAddress, TransportOptions, TransportRequest};

/// A transport for RTP over UDP.
#[derive(Clone, Debug)]
pub struct PlainTransport {
    transport: Transport,
}

/// What a plain transport is made with.
#[derive(Clone, Debug)]
pub struct PlainTransportOptions {
    /// Where it listens.
    pub listen_info: ListenInfo,
    /// Where it listens for RTCP, without rtcp-mux; as `listen_info`, on another port, if absent.
    pub rtcp_listen_info: Option<ListenInfo>,
    /// Whether RTP and RTCP share a port.
    pub rtcp_mux: bool,
    /// Whether the peer's address is learned from its first packet.
    pub comedia: bool,
    /// With SRTP: our suite.
    pub srtp: Option<SrtpCryptoSuite>,
    /// What all kinds have.
    pub base: TransportOptions,
    /// Something of the application's own.
    pub app_data: AppData,
}

impl PlainTransportOptions {
    /// The usual options, listening there.
    #[must_use]
    pub fn new(listen_info: ListenInfo) -> Self {
        Self {
            listen_info,
            rtcp_listen_info: None,
            rtcp_mux: true,
            comedia: false,
            srtp: None,
            base: TransportOptions::default(),
            app_data: AppData::default(),
        }
    }
}

impl PlainTransport {
    pub(in crate::api) async fn create(
        router: &Router,
        options: PlainTransportOptions,
    ) -> Result<Self, Error> {
        let PlainTransportOptions { listen_info, rtcp_listen_info, rtcp_mux, comedia, srtp, base, app_data } =
            options;
        let create =
            request::PlainTransportOptions { base, listen_info, rtcp_listen_info, rtcp_mux, comedia, srtp };
        let id = TransportId::from(naming::id());
        let create = RouterRequest::CreatePlainTransport(id.clone(), Box::new(create));
        let making = TransportMaking { id, kind: TransportKind::Plain, create, server: None, app_data };
        Ok(Self { transport: Transport::create(router, making).await? })
    }

    /// Its two ends; the peer's is not known before it is told or, with comedia, seen.
    #[must_use]
    pub fn tuple(&self) -> TransportTuple {
        self.state(TransportState::tuple)
    }

    /// Its two ends for RTCP, if it has others for that.
    #[must_use]
    pub fn rtcp_tuple(&self) -> Option<TransportTuple> {
        self.kind_state(|state| match state {
            TransportKindDump::Plain { rtcp_tuple, .. } => rtcp_tuple.clone(),
            _ => None,
        })
    }

    /// With SRTP: what we encrypt with, for the peer.
    #[must_use]
    pub fn srtp_parameters(&self) -> Option<SrtpParameters> {
        self.kind_state(|state| match state {
            TransportKindDump::Plain { srtp_parameters, .. } => srtp_parameters.clone(),
            _ => None,
        })
    }

    /// Says where the peer is, once. With comedia only its SRTP key is to be told, and nothing without SRTP.
    ///
    /// # Errors
    /// [`Error::Invalid`] names what is missing or not right; [`Error::Failed`] the second time.
    pub async fn connect(&self, peer: TransportAddress) -> Result<(), Error> {
        let request = self.request(TransportRequest::ConnectPlain(Box::new(peer)));
        let connected = self.transport.inner.object.ask_then(request, |answer, state| {
            let Answer::PlainConnected(now) = answer else { return };
            let TransportKindDump::Plain { tuple, rtcp_tuple, srtp_parameters, .. } = &mut state.kind else {
                return;
            };
            if let Some(now) = &now.tuple {
                tuple.clone_from(now);
            }
            if now.rtcp_tuple.is_some() {
                rtcp_tuple.clone_from(&now.rtcp_tuple);
            }
            srtp_parameters.clone_from(&now.srtp_parameters);
        });
        connected.await.map(drop)
    }
}

impl Deref for PlainTransport {
    type Target = Transport;

    fn deref(&self) -> &Transport {
        &self.transport
    }
}
