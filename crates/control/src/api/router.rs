//! Router: a room. Producers in it can be consumed by any of its transports, on whichever core they are.

use std::sync::Arc;

use model::dump::RouterDump;
use model::id::{DataProducerId, ProducerId, RouterId, RtpObserverId, TransportId};
use model::ortc;
use model::rtp::{RtpCapabilities, RtpCodecCapability};

use super::catalogue::{Catalogue, DataProducerFacts, ProducerFacts};
use super::closing::NoEvent;
use super::error::Error;
use super::naming;
use super::object::{AppData, Object, handle};
use super::observer::{
    ActiveSpeakerObserver, ActiveSpeakerObserverOptions, AudioLevelObserver, AudioLevelObserverOptions,
    RtpObserver,
};
use super::pipe_to_router::Pipes;
use super::transport::{
    DirectTransport, DirectTransportOptions, PipeTransport, PipeTransportOptions, PlainTransport,
    PlainTransportOptions, WebRtcTransport, WebRtcTransportOptions,
};
use crate::answer::Answer;
use crate::request::{self, Request, RouterRequest};

/// A room.
#[derive(Clone, Debug)]
pub struct Router {
    pub(super) inner: Arc<Inner>,
}

/// What a router is made with.
#[derive(Clone, Debug, Default)]
pub struct RouterOptions {
    /// The codecs that may be produced in it. RTX comes by itself.
    pub media_codecs: Vec<RtpCodecCapability>,
    /// Something of the application's own.
    pub app_data: AppData,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) object: Object<NoEvent>,
    capabilities: RtpCapabilities,
    catalogue: Catalogue,
    pub(super) pipes: Pipes,
}

handle!(Router, RouterId, "router");

impl Router {
    pub(super) fn new(object: Object<NoEvent>, capabilities: RtpCapabilities) -> Self {
        Self {
            inner: Arc::new(Inner {
                object,
                capabilities,
                catalogue: Catalogue::default(),
                pipes: Pipes::default(),
            }),
        }
    }

    /// What can be produced in it, and what its consumers are sent.
    #[must_use]
    pub fn rtp_capabilities(&self) -> &RtpCapabilities {
        &self.inner.capabilities
    }

    /// Makes a transport for a browser or another WebRTC endpoint.
    ///
    /// # Errors
    /// [`Error::Failed`] says which socket could not be bound, and why.
    pub async fn create_webrtc_transport(
        &self,
        options: WebRtcTransportOptions,
    ) -> Result<WebRtcTransport, Error> {
        WebRtcTransport::create(self, options).await
    }

    /// Makes a transport for RTP over UDP, with or without SRTP.
    ///
    /// # Errors
    /// [`Error::Failed`] says which socket could not be bound, and why.
    pub async fn create_plain_transport(
        &self,
        options: PlainTransportOptions,
    ) -> Result<PlainTransport, Error> {
        PlainTransport::create(self, options).await
    }

    /// Makes a transport to another router, wherever that is.
    ///
    /// # Errors
    /// [`Error::Failed`] says which socket could not be bound, and why.
    pub async fn create_pipe_transport(&self, options: PipeTransportOptions) -> Result<PipeTransport, Error> {
        PipeTransport::create(self, options).await
    }

    /// Makes a transport to the application itself.
    ///
    /// # Errors
    /// [`Error::Closed`] if the router is.
    pub async fn create_direct_transport(
        &self,
        options: DirectTransportOptions,
    ) -> Result<DirectTransport, Error> {
        DirectTransport::create(self, options).await
    }

    /// Makes an observer of who speaks.
    ///
    /// # Errors
    /// [`Error::Invalid`] names the option that is not right.
    pub async fn create_active_speaker_observer(
        &self,
        options: ActiveSpeakerObserverOptions,
    ) -> Result<ActiveSpeakerObserver, Error> {
        let ActiveSpeakerObserverOptions { interval_ms, app_data } = options;
        let id = RtpObserverId::from(naming::id());
        let create = RouterRequest::CreateActiveSpeakerObserver { id: id.clone(), interval_ms };
        let observer = RtpObserver::create(self, id, create, app_data).await?;
        Ok(ActiveSpeakerObserver::new(observer))
    }

    /// Makes an observer of who is loudest.
    ///
    /// # Errors
    /// [`Error::Invalid`] names the option that is not right.
    pub async fn create_audio_level_observer(
        &self,
        options: AudioLevelObserverOptions,
    ) -> Result<AudioLevelObserver, Error> {
        let AudioLevelObserverOptions { max_entries, threshold_dbov, interval_ms, app_data } = options;
        let id = RtpObserverId::from(naming::id());
        let looks = request::AudioLevelObserverOptions {
            max_entries: max_entries.get(),
            threshold_dbov,
            interval_ms,
        };
        let create = RouterRequest::CreateAudioLevelObserver(id.clone(), looks);
        let observer = RtpObserver::create(self, id, create, app_data).await?;
        Ok(AudioLevelObserver::new(observer))
    }

    /// Whether somebody who can receive that could consume this producer.
    #[must_use]
    pub fn can_consume(&self, producer: &ProducerId, capabilities: &RtpCapabilities) -> bool {
        let facts = self.inner.catalogue.producers.find(producer);
        facts.is_some_and(|facts| ortc::can_consume(&facts.consumable, capabilities).unwrap_or(false))
    }

    /// Who is in it, and who feeds whom.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn dump(&self) -> Result<RouterDump, Error> {
        match self.inner.object.ask(Request::Router(self.id(), RouterRequest::Dump)).await? {
            Answer::Router(dump) => Ok(*dump),
            _ => Err(Error::unexpected("dump")),
        }
    }

    pub(super) fn catalogue(&self) -> &Catalogue {
        &self.inner.catalogue
    }

    pub(super) fn producer(&self, id: &ProducerId) -> Result<Arc<ProducerFacts>, Error> {
        let missing = || Error::NotFound(format!("there is no producer {id} in router {}", self.id()).into());
        self.inner.catalogue.producers.find(id).ok_or_else(missing)
    }

    pub(super) fn data_producer(&self, id: &DataProducerId) -> Result<Arc<DataProducerFacts>, Error> {
        let missing =
            || Error::NotFound(format!("there is no data producer {id} in router {}", self.id()).into());
        self.inner.catalogue.data_producers.find(id).ok_or_else(missing)
    }

    /// A request to this router.
    pub(super) fn request(&self, request: RouterRequest) -> Request {
        Request::Router(self.id(), request)
    }

    /// What closes a transport of it.
    pub(super) fn close_transport(&self, id: &TransportId) -> Request {
        self.request(RouterRequest::CloseTransport(id.clone()))
    }
}
