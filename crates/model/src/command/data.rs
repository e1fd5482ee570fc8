//! Commands to data producers and data consumers.

use crate::data::SctpStreamParameters;
use crate::key::{DataProducerKey, RouterKey, ShardIndex, TransportKey};

/// What can be done with a data producer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataProducerCommand {
    /// Make it.
    Open(DataProducerOpen),
    /// Make what stands for a data producer of another shard. To be told before its data producer is.
    OpenReplica {
        /// The router's part on this shard.
        router: RouterKey,
        /// Where the data producer is.
        shard: ShardIndex,
        /// What it is called there.
        data_producer: DataProducerKey,
    },
    /// Send everything to what stands for it there.
    OpenFeed {
        /// Which shard.
        shard: ShardIndex,
        /// What stands for it.
        replica: DataProducerKey,
    },
    /// Send nothing more there.
    CloseFeed(ShardIndex),
    /// Forward nothing.
    Pause,
    /// Forward again.
    Resume,
    /// Take this message as if it had come from the network.
    Send(Box<DataMessage>),
    /// Say what it counted.
    Stats,
    /// Forget it. The reply says that its stream is free.
    Close,
}

/// What can be done with a data consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataConsumerCommand {
    /// Make it.
    Open(Box<DataConsumerOpen>),
    /// Send nothing.
    Pause,
    /// Send again.
    Resume,
    /// Send a message of the application's own. The reply says how much waits.
    Send(Box<DataMessage>),
    /// At or below how many waiting bytes an event says so.
    SetBufferedAmountLowThreshold(u32),
    /// Listen to these and no others.
    SetSubchannels(Vec<u16>),
    /// Say how much waits.
    BufferedAmount,
    /// Say what it counted.
    Stats,
    /// Forget it. The reply says that its stream is free.
    Close,
}

/// What a data producer is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataProducerOpen {
    /// Whose data producer.
    pub transport: TransportKey,
    /// Its SCTP stream; absent on a direct transport.
    pub stream: Option<SctpStreamParameters>,
    /// Whether it begins paused.
    pub paused: bool,
}

/// What a data consumer is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataConsumerOpen {
    /// Whose data consumer.
    pub transport: TransportKey,
    /// The data producer, or what stands for it on this shard.
    pub data_producer: DataProducerKey,
    /// Its SCTP stream; absent on a direct transport.
    pub stream: Option<SctpStreamParameters>,
    /// Whether it begins paused.
    pub paused: bool,
    /// The subchannels it listens to.
    pub subchannels: Vec<u16>,
}

/// One message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataMessage {
    /// What it is (RFC 8831 §8).
    pub ppid: u32,
    /// Its bytes.
    pub data: Box<[u8]>,
    /// Whoever listens to one of these gets it; all do if there is none.
    pub subchannels: Vec<u16>,
    /// Only who listens to this one gets it.
    pub required_subchannel: Option<u16>,
    /// Who listens to this one does not get it.
    pub ignored_subchannel: Option<u16>,
}
