//! Pipe transports: to another router, in this process, on this machine or elsewhere.

use std::ops::Deref;
use std::sync::{Arc, Weak};

use model::dump::TransportKindDump;
use model::id::{ProducerId, TransportId};
use model::transport::{ListenInfo, SrtpParameters, TransportKind, TransportTuple};

use super::state::TransportState;
use super::{Inner, Transport, TransportMaking};
use crate::answer::Answer;
use crate::api::consumer::Consumer;
use crate::api::error::Error;
use crate::api::naming;
use crate::api::object::AppData;
use crate::api::router::Router;
use crate::request::{self, RouterRequest, TransportAddress, TransportOptions, TransportRequest};

/// A transport to another router.
#[derive(Clone, Debug)]
pub struct PipeTransport {
    transport: Transport,
    rtx: bool,
}

/// What a pipe transport is made with.
#[derive(Clone, Debug)]
pub struct PipeTransportOptions {
    /// Where it listens.
    pub listen_info: ListenInfo,
    /// Whether lost packets are sent again: useful where packets are lost.
    pub enable_rtx: bool,
    /// Whether packets are encrypted: useful where others listen.
    pub enable_srtp: bool,
    /// What all kinds have.
    pub base: TransportOptions,
    /// Something of the application's own.
    pub app_data: AppData,
}

impl PipeTransportOptions {
    /// The usual options, listening there.
    #[must_use]
    pub fn new(listen_info: ListenInfo) -> Self {
        Self {
            listen_info,
            enable_rtx: false,
            enable_srtp: false,
            base: TransportOptions::default(),
            app_data: AppData::default(),
        }
    }
}

impl PipeTransport {
    pub(in crate::api) async fn create(
        router: &Router,
        options: PipeTransportOptions,
    ) -> Result<Self, Error> {
        let PipeTransportOptions { listen_info, enable_rtx, enable_srtp, base, app_data } = options;
        let create = request::PipeTransportOptions { base, listen_info, enable_rtx, enable_srtp };
        let id = TransportId::from(naming::id());
        let create = RouterRequest::CreatePipeTransport(id.clone(), Box::new(create));
        let making = TransportMaking { id, kind: TransportKind::Pipe, create, server: None, app_data };
        Ok(Self { transport: Transport::create(router, making).await?, rtx: enable_rtx })
    }

    /// Whether what is sent here has RTX, as it was made.
    #[must_use]
    pub const fn has_rtx(&self) -> bool {
        self.rtx
    }

    /// Its two ends; the peer's is not known before it is told.
    #[must_use]
    pub fn tuple(&self) -> TransportTuple {
        self.state(TransportState::tuple)
    }

    /// With SRTP: what we encrypt with, for the peer.
    #[must_use]
    pub fn srtp_parameters(&self) -> Option<SrtpParameters> {
        self.kind_state(|state| match state {
            TransportKindDump::Pipe { srtp_parameters, .. } => srtp_parameters.clone(),
            _ => None,
        })
    }

    pub(in crate::api) fn downgrade(&self) -> WeakPipeTransport {
        WeakPipeTransport { inner: Arc::downgrade(&self.transport.inner), rtx: self.rtx }
    }

    /// Says where the peer is, once.
    ///
    /// # Errors
    /// [`Error::Invalid`] names what is missing or not right; [`Error::Failed`] the second time.
    pub async fn connect(&self, peer: TransportAddress) -> Result<(), Error> {
        let request = self.request(TransportRequest::ConnectPipe(Box::new(peer)));
        let connected = self.transport.inner.object.ask_then(request, |answer, state| {
            if let (Answer::PipeConnected(now), TransportKindDump::Pipe { tuple, .. }) =
                (answer, &mut state.kind)
            {
                tuple.clone_from(now);
            }
        });
        connected.await.map(drop)
    }

    /// Consumes a producer for the router at the other end: all its streams, as they are.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the router has no such producer.
    pub async fn consume(&self, producer: &ProducerId, app_data: AppData) -> Result<Consumer, Error> {
        self.transport.consume_for_pipe(producer, self.rtx, app_data).await
    }
}

/// A pipe transport that somebody else keeps open, or does not.
#[derive(Debug)]
pub(in crate::api) struct WeakPipeTransport {
    inner: Weak<Inner>,
    rtx: bool,
}

impl WeakPipeTransport {
    pub(in crate::api) fn upgrade(&self) -> Option<PipeTransport> {
        let transport = Transport { inner: self.inner.upgrade()? };
        Some(PipeTransport { transport, rtx: self.rtx })
    }
}

impl Deref for PipeTransport {
    type Target = Transport;

    fn deref(&self) -> &Transport {
        &self.transport
    }
}
