//! DataProducer: messages that a peer sends, or the application on a direct transport.

use std::sync::Arc;

use model::command::DataMessage;
use model::data::SctpStreamParameters;
use model::dump::DataProducerDump;
use model::id::DataProducerId;
use model::stats::DataProducerStats;

use super::catalogue::DataProducerFacts;
use super::closing::Observed;
use super::error::Error;
use super::object::{AppData, Object, handle};
use super::transport::Transport;
use crate::answer::Answer;
use crate::request::{DataProducerRequest, Notification, Request};

/// Messages that a peer sends.
#[derive(Clone, Debug)]
pub struct DataProducer {
    inner: Arc<Inner>,
}

/// What a data producer is made with.
#[derive(Clone, Debug, Default)]
pub struct DataProducerOptions {
    /// Its name; made up if absent.
    pub id: Option<DataProducerId>,
    /// Its SCTP stream; absent on a direct transport.
    pub sctp_stream_parameters: Option<SctpStreamParameters>,
    /// Its label (RFC 8832).
    pub label: Box<str>,
    /// Its protocol (RFC 8832).
    pub protocol: Box<str>,
    /// Whether it begins paused.
    pub paused: bool,
    /// Something of the application's own.
    pub app_data: AppData,
}

#[derive(Debug)]
struct Inner {
    object: Object<DataProducerEvent>,
    facts: Arc<DataProducerFacts>,
    transport: Transport,
}

/// What happens to data producers: nothing that they would not be asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataProducerEvent {}

/// What a data producer is at the moment.
#[derive(Debug, Default)]
pub(crate) struct DataProducerState {
    pub(super) paused: bool,
}

impl DataProducerState {
    /// What the answer that made it says.
    pub(super) fn init(answer: &Answer, state: &mut Self) {
        let Answer::DataProducer(made) = answer else { return };
        state.paused = made.paused;
    }
}

impl Observed for DataProducerEvent {
    type State = DataProducerState;

    fn apply(&self, _: &mut DataProducerState) {
        match *self {}
    }
}

handle!(DataProducer, DataProducerId, "data producer");

impl DataProducer {
    pub(super) fn new(
        object: Object<DataProducerEvent>,
        transport: Transport,
        facts: Arc<DataProducerFacts>,
    ) -> Self {
        Self { inner: Arc::new(Inner { object, facts, transport }) }
    }

    /// The transport that it is on.
    #[must_use]
    pub fn transport(&self) -> &Transport {
        &self.inner.transport
    }

    /// Its SCTP stream; absent on a direct transport.
    #[must_use]
    pub fn sctp_stream_parameters(&self) -> Option<SctpStreamParameters> {
        self.inner.facts.sctp_stream_parameters
    }

    /// Its label.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.inner.facts.label
    }

    /// Its protocol.
    #[must_use]
    pub fn protocol(&self) -> &str {
        &self.inner.facts.protocol
    }

    /// Whether nothing of it is forwarded.
    #[must_use]
    pub fn paused(&self) -> bool {
        self.inner.object.signals.state(|state| state.paused)
    }

    /// Forwards nothing. Its data consumers are told.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn pause(&self) -> Result<(), Error> {
        self.set_paused(DataProducerRequest::Pause, true).await
    }

    /// Forwards again. Its data consumers are told.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn resume(&self) -> Result<(), Error> {
        self.set_paused(DataProducerRequest::Resume, false).await
    }

    /// Takes a message as if the peer had sent it. Does not wait for it to be dealt with.
    ///
    /// # Errors
    /// [`Error::Busy`] if too much waits already, [`Error::Closed`] if the data producer is.
    pub fn send(&self, message: DataMessage) -> Result<(), Error> {
        self.inner.object.open()?;
        self.inner.object.link.send(Notification::SendData(self.id(), Box::new(message)))
    }

    /// Everything about it.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn dump(&self) -> Result<DataProducerDump, Error> {
        match self.inner.object.ask(self.request(DataProducerRequest::Dump)).await? {
            Answer::DataProducer(dump) => Ok(*dump),
            _ => Err(Error::unexpected("dump")),
        }
    }

    /// What it counted.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn get_stats(&self) -> Result<DataProducerStats, Error> {
        match self.inner.object.ask(self.request(DataProducerRequest::Stats)).await? {
            Answer::DataProducerStats(stats) => Ok(*stats),
            _ => Err(Error::unexpected("get_stats")),
        }
    }

    async fn set_paused(&self, request: DataProducerRequest, to: bool) -> Result<(), Error> {
        self.inner.object.ask_then(self.request(request), move |_, state| state.paused = to).await.map(drop)
    }

    fn request(&self, request: DataProducerRequest) -> Request {
        Request::DataProducer(self.id(), request)
    }
}
