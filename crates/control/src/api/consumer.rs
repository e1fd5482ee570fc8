//! Consumer: a producer's stream on its way to a peer.

use std::num::NonZeroU8;
use std::sync::Arc;

use model::dump::ConsumerDump;
use model::id::{ConsumerId, ProducerId};
use model::rtp::{MediaKind, RtpCapabilities, RtpParameters};
use model::score::{ConsumerLayers, ConsumerScore, ConsumerType, ProducerType};
use model::stats::RtpStreamStats;
use model::trace::ConsumerTraceEventType;

use super::catalogue::ProducerFacts;
use super::closing::Observed;
use super::error::Error;
use super::events::Events;
use super::object::{AppData, Object, handle};
use super::transport::Transport;
use crate::answer::Answer;
use crate::event::ConsumerEvent;
use crate::request::{ConsumerRequest, Request};

/// A producer's stream on its way to a peer.
#[derive(Clone, Debug)]
pub struct Consumer {
    inner: Arc<Inner>,
}

/// What a consumer is made with.
#[derive(Clone, Debug)]
pub struct ConsumerOptions {
    /// Whose stream.
    pub producer_id: ProducerId,
    /// What the client can receive.
    pub rtp_capabilities: RtpCapabilities,
    /// Whether it begins paused. Video does best to, until the client is ready for its first key frame.
    pub paused: bool,
    /// The m-section it has at the client; counted if absent.
    pub mid: Option<Box<str>>,
    /// The highest layers that are wanted.
    pub preferred_layers: Option<ConsumerLayers>,
    /// Whether silence is dropped; Opus.
    pub ignore_dtx: bool,
    /// Whether lost packets are sent again; if absent, those of video.
    pub enable_rtx: Option<bool>,
    /// Whether all the producer's streams are forwarded as they are, and not one of them.
    pub pipe: bool,
    /// Something of the application's own.
    pub app_data: AppData,
}

impl ConsumerOptions {
    /// The usual options, for that producer and a client that can receive that.
    #[must_use]
    pub fn new(producer_id: ProducerId, rtp_capabilities: RtpCapabilities) -> Self {
        Self {
            producer_id,
            rtp_capabilities,
            paused: false,
            mid: None,
            preferred_layers: None,
            ignore_dtx: false,
            enable_rtx: None,
            pipe: false,
            app_data: AppData::default(),
        }
    }
}

#[derive(Debug)]
struct Inner {
    object: Object<ConsumerEvent>,
    is: Is,
    transport: Transport,
}

/// What about a consumer never changes.
#[derive(Debug)]
pub(super) struct Is {
    pub(super) producer_id: ProducerId,
    pub(super) kind: MediaKind,
    pub(super) consumer_type: ConsumerType,
    pub(super) rtp_parameters: RtpParameters,
}

/// What a consumer is at the moment.
#[derive(Debug)]
pub(crate) struct ConsumerState {
    paused: bool,
    pub(super) producer_paused: bool,
    score: ConsumerScore,
    preferred_layers: Option<ConsumerLayers>,
    current_layers: Option<ConsumerLayers>,
    priority: NonZeroU8,
}

impl Default for ConsumerState {
    fn default() -> Self {
        Self {
            paused: false,
            producer_paused: false,
            score: ConsumerScore { score: 0, producer_score: 0, producer_scores: Vec::new() },
            preferred_layers: None,
            current_layers: None,
            priority: NonZeroU8::MIN,
        }
    }
}

impl ConsumerState {
    /// What the answer that made it says.
    pub(super) fn init(answer: &Answer, state: &mut Self) {
        let Answer::Consumed(made) = answer else { return };
        state.paused = made.paused;
        state.producer_paused = made.producer_paused;
        state.score = made.score.clone();
        state.preferred_layers = made.preferred_layers;
    }
}

impl Observed for ConsumerEvent {
    type State = ConsumerState;

    fn apply(&self, state: &mut ConsumerState) {
        match self {
            Self::ProducerPaused => state.producer_paused = true,
            Self::ProducerResumed => state.producer_paused = false,
            Self::Layers(now) => state.current_layers = *now,
            Self::Score(now) => state.score.clone_from(now),
            Self::ProducerClosed | Self::Rtp(_) | Self::Trace(_) => {}
        }
    }
}

impl ProducerFacts {
    /// What a consumer for one client does with the producer's streams.
    pub(super) const fn consumer_type(&self) -> ConsumerType {
        match self.producer_type {
            ProducerType::Simple => ConsumerType::Simple,
            ProducerType::Simulcast => ConsumerType::Simulcast,
            ProducerType::Svc => ConsumerType::Svc,
        }
    }
}

handle!(Consumer, ConsumerId, "consumer");

impl Consumer {
    pub(super) fn new(object: Object<ConsumerEvent>, transport: Transport, is: Is) -> Self {
        Self { inner: Arc::new(Inner { object, is, transport }) }
    }

    /// The transport that it is on.
    #[must_use]
    pub fn transport(&self) -> &Transport {
        &self.inner.transport
    }

    /// Whose stream.
    #[must_use]
    pub fn producer_id(&self) -> &ProducerId {
        &self.inner.is.producer_id
    }

    /// Sound or picture.
    #[must_use]
    pub fn kind(&self) -> MediaKind {
        self.inner.is.kind
    }

    /// What it does with the producer's streams.
    #[must_use]
    pub fn consumer_type(&self) -> ConsumerType {
        self.inner.is.consumer_type
    }

    /// How its packets look: for the client.
    #[must_use]
    pub fn rtp_parameters(&self) -> &RtpParameters {
        &self.inner.is.rtp_parameters
    }

    /// Whether it is paused.
    #[must_use]
    pub fn paused(&self) -> bool {
        self.inner.object.signals.state(|state| state.paused)
    }

    /// Whether its producer is paused.
    #[must_use]
    pub fn producer_paused(&self) -> bool {
        self.inner.object.signals.state(|state| state.producer_paused)
    }

    /// How well it is served.
    #[must_use]
    pub fn score(&self) -> ConsumerScore {
        self.inner.object.signals.state(|state| state.score.clone())
    }

    /// The layers that are aimed at; none for consumers without layers.
    #[must_use]
    pub fn preferred_layers(&self) -> Option<ConsumerLayers> {
        self.inner.object.signals.state(|state| state.preferred_layers)
    }

    /// The layers that are sent, if any.
    #[must_use]
    pub fn current_layers(&self) -> Option<ConsumerLayers> {
        self.inner.object.signals.state(|state| state.current_layers)
    }

    /// Its weight when bandwidth is shared out.
    #[must_use]
    pub fn priority(&self) -> NonZeroU8 {
        self.inner.object.signals.state(|state| state.priority)
    }

    /// What happens to it from now on.
    #[must_use]
    pub fn events(&self) -> Events<ConsumerEvent> {
        self.inner.object.signals.subscribe()
    }

    /// Sends nothing.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn pause(&self) -> Result<(), Error> {
        let request = self.request(ConsumerRequest::Pause);
        self.inner.object.ask_then(request, |_, state| state.paused = true).await.map(drop)
    }

    /// Sends again, video from a key frame on.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn resume(&self) -> Result<(), Error> {
        let request = self.request(ConsumerRequest::Resume);
        self.inner.object.ask_then(request, |_, state| state.paused = false).await.map(drop)
    }

    /// Sets the highest layers that are wanted. Says which will be aimed at: none for consumers without layers.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn set_preferred_layers(
        &self,
        layers: ConsumerLayers,
    ) -> Result<Option<ConsumerLayers>, Error> {
        let request = self.request(ConsumerRequest::SetPreferredLayers(layers));
        let answer = self.inner.object.ask_then(request, |answer, state| {
            if let Answer::PreferredLayers(layers) = answer {
                state.preferred_layers = *layers;
            }
        });
        match answer.await? {
            Answer::PreferredLayers(layers) => Ok(layers),
            _ => Err(Error::unexpected("set_preferred_layers")),
        }
    }

    /// Sets its weight when bandwidth is shared out; 1 is that of everybody.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn set_priority(&self, priority: NonZeroU8) -> Result<(), Error> {
        let request = self.request(ConsumerRequest::SetPriority(priority.get()));
        self.inner.object.ask_then(request, move |_, state| state.priority = priority).await.map(drop)
    }

    /// Asks the producer for a key frame.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn request_key_frame(&self) -> Result<(), Error> {
        self.inner.object.ask(self.request(ConsumerRequest::RequestKeyFrame)).await.map(drop)
    }

    /// Traces these and nothing else.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn enable_trace_event(
        &self,
        kinds: impl IntoIterator<Item = ConsumerTraceEventType>,
    ) -> Result<(), Error> {
        let request = ConsumerRequest::EnableTrace(kinds.into_iter().collect());
        self.inner.object.ask(self.request(request)).await.map(drop)
    }

    /// Everything about it.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn dump(&self) -> Result<ConsumerDump, Error> {
        match self.inner.object.ask(self.request(ConsumerRequest::Dump)).await? {
            Answer::Consumer(dump) => Ok(*dump),
            _ => Err(Error::unexpected("dump")),
        }
    }

    /// What its streams counted, and then what the producer's stream counted that it gets.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn get_stats(&self) -> Result<Vec<RtpStreamStats>, Error> {
        match self.inner.object.ask(self.request(ConsumerRequest::Stats)).await? {
            Answer::StreamStats(stats) => Ok(stats),
            _ => Err(Error::unexpected("get_stats")),
        }
    }

    fn request(&self, request: ConsumerRequest) -> Request {
        Request::Consumer(self.id(), request)
    }
}
