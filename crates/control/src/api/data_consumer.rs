//! DataConsumer: a data producer's messages on their way to a peer, or to the application on a direct transport.

use std::sync::Arc;

use model::data::SctpStreamParameters;
use model::dump::DataConsumerDump;
use model::id::{DataConsumerId, DataProducerId};
use model::stats::DataConsumerStats;

use super::catalogue::DataProducerFacts;
use super::closing::Observed;
use super::error::Error;
use super::events::Events;
use super::object::{AppData, Object, handle};
use super::transport::Transport;
use crate::answer::Answer;
use crate::event::DataConsumerEvent;
use crate::request::{DataConsumerRequest, Request};

/// A data producer's messages on their way to a peer.
#[derive(Clone, Debug)]
pub struct DataConsumer {
    inner: Arc<Inner>,
}

/// What a data consumer is made with.
#[derive(Clone, Debug)]
pub struct DataConsumerOptions {
    /// Whose messages.
    pub data_producer_id: DataProducerId,
    /// Whether they arrive in order; as the data producer's if absent.
    pub ordered: Option<bool>,
    /// Milliseconds after which a message is given up; as the data producer's if absent.
    pub max_packet_life_time: Option<u16>,
    /// Retransmissions after which a message is given up; as the data producer's if absent.
    pub max_retransmits: Option<u16>,
    /// Whether it begins paused.
    pub paused: bool,
    /// The subchannels it listens to.
    pub subchannels: Vec<u16>,
    /// Something of the application's own.
    pub app_data: AppData,
}

impl DataConsumerOptions {
    /// The usual options, for that data producer.
    #[must_use]
    pub fn new(data_producer_id: DataProducerId) -> Self {
        Self {
            data_producer_id,
            ordered: None,
            max_packet_life_time: None,
            max_retransmits: None,
            paused: false,
            subchannels: Vec::new(),
            app_data: AppData::default(),
        }
    }
}

#[derive(Debug)]
struct Inner {
    object: Object<DataConsumerEvent>,
    data_producer_id: DataProducerId,
    stream: Option<SctpStreamParameters>,
    facts: Arc<DataProducerFacts>,
    transport: Transport,
}

/// What a data consumer is at the moment.
#[derive(Debug, Default)]
pub(crate) struct DataConsumerState {
    paused: bool,
    pub(super) data_producer_paused: bool,
    subchannels: Vec<u16>,
}

impl DataConsumerState {
    /// What the answer that made it says.
    pub(super) fn init(answer: &Answer, state: &mut Self) {
        let Answer::DataConsumer(made) = answer else { return };
        state.paused = made.paused;
        state.data_producer_paused = made.data_producer_paused;
        state.subchannels.clone_from(&made.subchannels);
    }
}

impl Observed for DataConsumerEvent {
    type State = DataConsumerState;

    fn apply(&self, state: &mut DataConsumerState) {
        match self {
            Self::DataProducerPaused => state.data_producer_paused = true,
            Self::DataProducerResumed => state.data_producer_paused = false,
            Self::DataProducerClosed
            | Self::BufferedAmountLow(_)
            | Self::SendBufferFull
            | Self::Message(_) => {}
        }
    }
}

handle!(DataConsumer, DataConsumerId, "data consumer");

impl DataConsumer {
    pub(super) fn new(
        object: Object<DataConsumerEvent>,
        transport: Transport,
        data_producer_id: DataProducerId,
        stream: Option<SctpStreamParameters>,
        facts: Arc<DataProducerFacts>,
    ) -> Self {
        Self { inner: Arc::new(Inner { object, data_producer_id, stream, facts, transport }) }
    }

    /// The transport that it is on.
    #[must_use]
    pub fn transport(&self) -> &Transport {
        &self.inner.transport
    }

    /// Whose messages.
    #[must_use]
    pub fn data_producer_id(&self) -> &DataProducerId {
        &self.inner.data_producer_id
    }

    /// Its SCTP stream: for the client. Absent on a direct transport.
    #[must_use]
    pub fn sctp_stream_parameters(&self) -> Option<SctpStreamParameters> {
        self.inner.stream
    }

    /// The data producer's label.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.inner.facts.label
    }

    /// The data producer's protocol.
    #[must_use]
    pub fn protocol(&self) -> &str {
        &self.inner.facts.protocol
    }

    /// Whether it is paused.
    #[must_use]
    pub fn paused(&self) -> bool {
        self.inner.object.signals.state(|state| state.paused)
    }

    /// Whether its data producer is paused.
    #[must_use]
    pub fn data_producer_paused(&self) -> bool {
        self.inner.object.signals.state(|state| state.data_producer_paused)
    }

    /// The subchannels it listens to.
    #[must_use]
    pub fn subchannels(&self) -> Vec<u16> {
        self.inner.object.signals.state(|state| state.subchannels.clone())
    }

    /// What happens to it from now on; on a direct transport also the messages.
    #[must_use]
    pub fn events(&self) -> Events<DataConsumerEvent> {
        self.inner.object.signals.subscribe()
    }

    /// Sends nothing.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn pause(&self) -> Result<(), Error> {
        let request = self.request(DataConsumerRequest::Pause);
        self.inner.object.ask_then(request, |_, state| state.paused = true).await.map(drop)
    }

    /// Sends again.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn resume(&self) -> Result<(), Error> {
        let request = self.request(DataConsumerRequest::Resume);
        self.inner.object.ask_then(request, |_, state| state.paused = false).await.map(drop)
    }

    /// Sends a message of the application's own over SCTP. Says how many bytes wait now.
    ///
    /// # Errors
    /// [`Error::Failed`] if the buffer is full, or the peer is not there; [`Error::Invalid`] if the message is too
    /// long, or the transport is direct.
    pub async fn send(&self, ppid: u32, data: impl Into<Box<[u8]>>) -> Result<u32, Error> {
        self.buffered(DataConsumerRequest::Send { ppid, data: data.into() }).await
    }

    /// How many bytes wait to be sent.
    ///
    /// # Errors
    /// [`Error::Invalid`] on a direct transport.
    pub async fn get_buffered_amount(&self) -> Result<u32, Error> {
        self.buffered(DataConsumerRequest::BufferedAmount).await
    }

    /// Sets at or below how many waiting bytes an event says so.
    ///
    /// # Errors
    /// [`Error::Invalid`] on a direct transport.
    pub async fn set_buffered_amount_low_threshold(&self, threshold: u32) -> Result<(), Error> {
        let request = DataConsumerRequest::SetBufferedAmountLowThreshold(threshold);
        self.inner.object.ask(self.request(request)).await.map(drop)
    }

    /// Listens to these subchannels and no others. Says which these are now.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn set_subchannels(&self, subchannels: Vec<u16>) -> Result<Vec<u16>, Error> {
        self.change_subchannels(DataConsumerRequest::SetSubchannels(subchannels)).await
    }

    /// Listens to this subchannel too.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn add_subchannel(&self, subchannel: u16) -> Result<Vec<u16>, Error> {
        self.change_subchannels(DataConsumerRequest::AddSubchannel(subchannel)).await
    }

    /// Listens to this subchannel no more.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn remove_subchannel(&self, subchannel: u16) -> Result<Vec<u16>, Error> {
        self.change_subchannels(DataConsumerRequest::RemoveSubchannel(subchannel)).await
    }

    /// Everything about it.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn dump(&self) -> Result<DataConsumerDump, Error> {
        match self.inner.object.ask(self.request(DataConsumerRequest::Dump)).await? {
            Answer::DataConsumer(dump) => Ok(*dump),
            _ => Err(Error::unexpected("dump")),
        }
    }

    /// What it counted.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn get_stats(&self) -> Result<DataConsumerStats, Error> {
        match self.inner.object.ask(self.request(DataConsumerRequest::Stats)).await? {
            Answer::DataConsumerStats(stats) => Ok(*stats),
            _ => Err(Error::unexpected("get_stats")),
        }
    }

    async fn buffered(&self, request: DataConsumerRequest) -> Result<u32, Error> {
        match self.inner.object.ask(self.request(request)).await? {
            Answer::BufferedAmount(bytes) => Ok(bytes),
            _ => Err(Error::unexpected("a question about buffers")),
        }
    }

    async fn change_subchannels(&self, request: DataConsumerRequest) -> Result<Vec<u16>, Error> {
        let changed = self.inner.object.ask_then(self.request(request), |answer, state| {
            if let Answer::Subchannels(now) = answer {
                state.subchannels.clone_from(now);
            }
        });
        match changed.await? {
            Answer::Subchannels(now) => Ok(now),
            _ => Err(Error::unexpected("a change of subchannels")),
        }
    }

    fn request(&self, request: DataConsumerRequest) -> Request {
        Request::DataConsumer(self.id(), request)
    }
}
