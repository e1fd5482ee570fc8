//! What can be asked of data producers and data consumers, and what they are made with.

use model::data::{DataKind, SctpStreamParameters};
use model::id::{DataConsumerId, DataProducerId};

/// What can be asked of a data producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataProducerRequest {
    /// Say what it is. Answer: [`DataProducer`](crate::Answer::DataProducer).
    Dump,
    /// Say what it counted. Answer: [`DataProducerStats`](crate::Answer::DataProducerStats).
    Stats,
    /// Forward nothing.
    Pause,
    /// Forward again.
    Resume,
}

/// What can be asked of a data consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataConsumerRequest {
    /// Say what it is. Answer: [`DataConsumer`](crate::Answer::DataConsumer).
    Dump,
    /// Say what it counted. Answer: [`DataConsumerStats`](crate::Answer::DataConsumerStats).
    Stats,
    /// Send nothing.
    Pause,
    /// Send again.
    Resume,
    /// Say how many bytes wait. Answer: [`BufferedAmount`](crate::Answer::BufferedAmount).
    BufferedAmount,
    /// At or below how many waiting bytes an event says so.
    SetBufferedAmountLowThreshold(u32),
    /// Send a message of the application's own. Answer: [`BufferedAmount`](crate::Answer::BufferedAmount).
    Send {
        /// What it is (RFC 8831 §8).
        ppid: u32,
        /// Its bytes.
        data: Box<[u8]>,
    },
    /// Listen to these and no others. Answer: [`Subchannels`](crate::Answer::Subchannels), as of the next two.
    SetSubchannels(Vec<u16>),
    /// Listen to this one too.
    AddSubchannel(u16),
    /// Listen to this one no more.
    RemoveSubchannel(u16),
}

/// What a data producer is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProduceData {
    /// Its name.
    pub id: DataProducerId,
    /// Where its messages come from.
    pub kind: DataKind,
    /// Its SCTP stream.
    pub sctp_stream_parameters: Option<SctpStreamParameters>,
    /// Its label (RFC 8832).
    pub label: Box<str>,
    /// Its protocol (RFC 8832).
    pub protocol: Box<str>,
    /// Whether it begins paused.
    pub paused: bool,
}

/// What a data consumer is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumeData {
    /// Its name.
    pub id: DataConsumerId,
    /// Whose messages it forwards.
    pub data_producer_id: DataProducerId,
    /// Where its messages go.
    pub kind: DataKind,
    /// Its SCTP stream.
    pub sctp_stream_parameters: Option<SctpStreamParameters>,
    /// Its label (RFC 8832).
    pub label: Box<str>,
    /// Its protocol (RFC 8832).
    pub protocol: Box<str>,
    /// Whether it begins paused.
    pub paused: bool,
    /// The subchannels it listens to.
    pub subchannels: Vec<u16>,
}
