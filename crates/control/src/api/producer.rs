//! Producer: a stream that a peer sends, in one or several encodings.

use std::sync::Arc;

use model::id::ProducerId;
use model::rtp::{MediaKind, RtpParameters};
use model::score::{ProducerScore, ProducerType, VideoOrientation};
use model::stats::RtpStreamStats;
use model::trace::ProducerTraceEventType;
use model::{dump::ProducerDump, transport::TransportKind};

use super::closing::Observed;
use super::error::Error;
use super::events::Events;
use super::object::{AppData, Object, handle};
use super::transport::Transport;
use crate::answer::Answer;
use crate::event::ProducerEvent;
use crate::request::{Notification, ProducerRequest, Request};

/// A stream that a peer sends.
#[derive(Clone, Debug)]
pub struct Producer {
    inner: Arc<Inner>,
}

/// What a producer is made with.
#[derive(Clone, Debug)]
pub struct ProducerOptions {
    /// Its name; made up if absent.
    pub id: Option<ProducerId>,
    /// Sound or picture.
    pub kind: MediaKind,
    /// What the client says about its packets.
    pub rtp_parameters: RtpParameters,
    /// Whether it begins paused.
    pub paused: bool,
    /// Milliseconds between two requests for a key frame, at least; 0 is as often as a sender may be expected to listen.
    pub key_frame_request_delay_ms: u32,
    /// Whether packets without a packet id get one.
    pub adds_packet_id: bool,
    /// Something of the application's own.
    pub app_data: AppData,
}

impl ProducerOptions {
    /// The usual options, for such packets.
    #[must_use]
    pub fn new(kind: MediaKind, rtp_parameters: RtpParameters) -> Self {
        Self {
            id: None,
            kind,
            rtp_parameters,
            paused: false,
            key_frame_request_delay_ms: 0,
            adds_packet_id: false,
            app_data: AppData::default(),
        }
    }
}

#[derive(Debug)]
struct Inner {
    object: Object<ProducerEvent>,
    kind: MediaKind,
    producer_type: ProducerType,
    rtp_parameters: RtpParameters,
    transport: Transport,
}

/// What a producer is at the moment.
#[derive(Debug, Default)]
pub(crate) struct ProducerState {
    pub(super) paused: bool,
    score: Vec<ProducerScore>,
    video_orientation: Option<VideoOrientation>,
}

impl Observed for ProducerEvent {
    type State = ProducerState;

    fn apply(&self, state: &mut ProducerState) {
        match self {
            Self::Score(score) => state.score.clone_from(score),
            Self::VideoOrientation(now) => state.video_orientation = Some(*now),
            Self::Trace(_) => {}
        }
    }
}

handle!(Producer, ProducerId, "producer");

impl Producer {
    pub(super) fn new(
        object: Object<ProducerEvent>,
        transport: Transport,
        kind: MediaKind,
        producer_type: ProducerType,
        rtp_parameters: RtpParameters,
    ) -> Self {
        Self { inner: Arc::new(Inner { object, kind, producer_type, rtp_parameters, transport }) }
    }

    /// The transport that it is on.
    #[must_use]
    pub fn transport(&self) -> &Transport {
        &self.inner.transport
    }

    /// Sound or picture.
    #[must_use]
    pub fn kind(&self) -> MediaKind {
        self.inner.kind
    }

    /// How many streams it has, and whether they have layers.
    #[must_use]
    pub fn producer_type(&self) -> ProducerType {
        self.inner.producer_type
    }

    /// How its packets look, with what was left out filled in.
    #[must_use]
    pub fn rtp_parameters(&self) -> &RtpParameters {
        &self.inner.rtp_parameters
    }

    /// Whether nothing of it is forwarded.
    #[must_use]
    pub fn paused(&self) -> bool {
        self.inner.object.signals.state(|state| state.paused)
    }

    /// How well its streams arrive, those that appeared so far.
    #[must_use]
    pub fn score(&self) -> Vec<ProducerScore> {
        self.inner.object.signals.state(|state| state.score.clone())
    }

    /// How the camera is held, once packets said so.
    #[must_use]
    pub fn video_orientation(&self) -> Option<VideoOrientation> {
        self.inner.object.signals.state(|state| state.video_orientation)
    }

    /// What happens to it from now on.
    #[must_use]
    pub fn events(&self) -> Events<ProducerEvent> {
        self.inner.object.signals.subscribe()
    }

    /// Forwards nothing. Its consumers are told.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn pause(&self) -> Result<(), Error> {
        let request = self.request(ProducerRequest::Pause);
        self.inner.object.ask_then(request, |_, state| state.paused = true).await.map(drop)
    }

    /// Forwards again. Its consumers are told.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn resume(&self) -> Result<(), Error> {
        let request = self.request(ProducerRequest::Resume);
        self.inner.object.ask_then(request, |_, state| state.paused = false).await.map(drop)
    }

    /// Traces these and nothing else.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn enable_trace_event(
        &self,
        kinds: impl IntoIterator<Item = ProducerTraceEventType>,
    ) -> Result<(), Error> {
        let request = ProducerRequest::EnableTrace(kinds.into_iter().collect());
        self.inner.object.ask(self.request(request)).await.map(drop)
    }

    /// Everything about it.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn dump(&self) -> Result<ProducerDump, Error> {
        match self.inner.object.ask(self.request(ProducerRequest::Dump)).await? {
            Answer::Producer(dump) => Ok(*dump),
            _ => Err(Error::unexpected("dump")),
        }
    }

    /// What its streams counted.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn get_stats(&self) -> Result<Vec<RtpStreamStats>, Error> {
        match self.inner.object.ask(self.request(ProducerRequest::Stats)).await? {
            Answer::StreamStats(stats) => Ok(stats),
            _ => Err(Error::unexpected("get_stats")),
        }
    }

    /// Takes an RTP packet as if a peer had sent it; on direct transports. Does not wait for it to be dealt with.
    ///
    /// # Errors
    /// [`Error::Invalid`] on a transport of another kind, [`Error::Busy`] if too much waits already,
    /// [`Error::Closed`] if the producer is.
    pub fn send(&self, packet: impl Into<Box<[u8]>>) -> Result<(), Error> {
        let Inner { object, transport, .. } = &*self.inner;
        object.open()?;
        if transport.kind() != TransportKind::Direct {
            let kind = format!("{:?}", transport.kind());
            return Err(Error::field(
                "the producer's transport",
                kind,
                "a direct transport, to send packets",
            ));
        }
        object.link.send(Notification::SendRtp(self.id(), packet.into()))
    }

    fn request(&self, request: ProducerRequest) -> Request {
        Request::Producer(self.id(), request)
    }
}
