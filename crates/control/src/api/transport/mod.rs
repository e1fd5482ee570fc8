//! Transports: what all four kinds have.

mod data;
mod direct;
mod media;
mod pipe;
mod plain;
mod state;
mod webrtc;

pub use direct::{DirectTransport, DirectTransportOptions};
pub(super) use pipe::WeakPipeTransport;
pub use pipe::{PipeTransport, PipeTransportOptions};
pub use plain::{PlainTransport, PlainTransportOptions};
pub use webrtc::{WebRtcListen, WebRtcTransport, WebRtcTransportOptions};

use std::sync::Arc;

use model::command::BitrateLimit;
use model::dump::{TransportDump, TransportKindDump};
use model::id::TransportId;
use model::stats::TransportStats;
use model::trace::TransportTraceEventType;
use model::transport::{SctpNegotiatedCapabilities, SctpParameters, SctpState, TransportKind};
use parking_lot::Mutex;

use super::directory::Seat;
use super::error::Error;
use super::events::Events;
use super::object::{AppData, Making, Object, handle};
use super::router::Router;
use super::webrtc_server::WebRtcServer;
use crate::answer::Answer;
use crate::event::TransportEvent;
use crate::request::{Request, RouterRequest, TransportRequest};
use data::StreamIds;
use media::Naming;
use state::TransportState;

/// What transports of all kinds have. A handle to any of them leads here.
#[derive(Clone, Debug)]
pub struct Transport {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    object: Object<TransportEvent>,
    kind: TransportKind,
    naming: Mutex<Naming>,
    streams: Mutex<StreamIds>,
    router: Router,
    /// Whose sockets it uses. They live as long as this does.
    _server: Option<WebRtcServer>,
}

/// What a transport is made with.
struct TransportMaking {
    id: TransportId,
    kind: TransportKind,
    create: RouterRequest,
    server: Option<WebRtcServer>,
    app_data: AppData,
}

handle!(Transport, TransportId, "transport");

impl Transport {
    async fn create(router: &Router, making: TransportMaking) -> Result<Self, Error> {
        let TransportMaking { id, kind, create, server, app_data } = making;
        router.inner.object.open()?;
        let server_id = server.iter().map(|server| server.id().as_str().into());
        let (object, _) = Object::make(Making {
            link: &router.inner.object.link,
            id: id.as_str(),
            parents: server_id.chain([router.inner.object.id().into()]).collect(),
            create: router.request(create),
            close: router.close_transport(&id),
            seat: Seat::Transport,
            init: TransportState::init,
            app_data,
        })
        .await?;
        let (naming, streams) = (Mutex::default(), Mutex::default());
        let inner = Inner { object, kind, naming, streams, router: router.clone(), _server: server };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The router that it is in.
    #[must_use]
    pub fn router(&self) -> &Router {
        &self.inner.router
    }

    /// Which of the four kinds.
    #[must_use]
    pub fn kind(&self) -> TransportKind {
        self.inner.kind
    }

    /// What happens to it from now on.
    #[must_use]
    pub fn events(&self) -> Events<TransportEvent> {
        self.inner.object.signals.subscribe()
    }

    /// With SCTP: its limits.
    #[must_use]
    pub fn sctp_parameters(&self) -> Option<SctpParameters> {
        self.state(|state| state.sctp_parameters.clone())
    }

    /// With SCTP: how far it got.
    #[must_use]
    pub fn sctp_state(&self) -> Option<SctpState> {
        self.state(|state| state.sctp_state)
    }

    /// With SCTP: how many streams there are, once that is agreed on.
    #[must_use]
    pub fn sctp_negotiated_capabilities(&self) -> Option<SctpNegotiatedCapabilities> {
        self.state(|state| state.sctp_negotiated)
    }

    /// Everything about it.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn dump(&self) -> Result<TransportDump, Error> {
        match self.ask(TransportRequest::Dump).await? {
            Answer::Transport(dump) => Ok(*dump),
            _ => Err(Error::unexpected("dump")),
        }
    }

    /// What it counted.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn get_stats(&self) -> Result<TransportStats, Error> {
        match self.ask(TransportRequest::Stats).await? {
            Answer::TransportStats(stats) => Ok(*stats),
            _ => Err(Error::unexpected("get_stats")),
        }
    }

    /// Limits what the peer sends, in bits per second; 0 lifts the limit.
    ///
    /// # Errors
    /// [`Error::Invalid`] says which values make sense.
    pub async fn set_max_incoming_bitrate(&self, bitrate: u64) -> Result<(), Error> {
        self.set_bitrate(BitrateLimit::MaxIncoming, bitrate).await
    }

    /// Limits what is sent to the peer, in bits per second; 0 lifts the limit.
    ///
    /// # Errors
    /// [`Error::Invalid`] says which values make sense.
    pub async fn set_max_outgoing_bitrate(&self, bitrate: u64) -> Result<(), Error> {
        self.set_bitrate(BitrateLimit::MaxOutgoing, bitrate).await
    }

    /// Says what the way to the peer bears at least, in bits per second; 0 takes it back.
    ///
    /// # Errors
    /// [`Error::Invalid`] says which values make sense.
    pub async fn set_min_outgoing_bitrate(&self, bitrate: u64) -> Result<(), Error> {
        self.set_bitrate(BitrateLimit::MinOutgoing, bitrate).await
    }

    /// Traces these and nothing else.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn enable_trace_event(
        &self,
        kinds: impl IntoIterator<Item = TransportTraceEventType>,
    ) -> Result<(), Error> {
        self.ask(TransportRequest::EnableTrace(kinds.into_iter().collect())).await.map(drop)
    }

    async fn set_bitrate(&self, limit: BitrateLimit, bitrate: u64) -> Result<(), Error> {
        self.ask(TransportRequest::SetBitrate(limit, bitrate)).await.map(drop)
    }

    async fn ask(&self, request: TransportRequest) -> Result<Answer, Error> {
        self.inner.object.ask(self.request(request)).await
    }

    /// A request to this transport.
    fn request(&self, request: TransportRequest) -> Request {
        Request::Transport(self.id(), request)
    }

    fn state<R>(&self, look: impl FnOnce(&TransportState) -> R) -> R {
        self.inner.object.signals.state(look)
    }

    /// A look at what its kind has.
    fn kind_state<R>(&self, look: impl FnOnce(&TransportKindDump) -> R) -> R {
        self.state(|state| look(&state.kind))
    }
}
