//! What objects say about themselves when asked for everything. The JSON is that of the npm package's `dump()`.
//!
//! Control puts dumps together: names and tables from its registry, the state of streams and sockets from the shard's
//! [`crate::reply`].

mod consumer;
mod data;
mod producer;
mod router;
mod rtp_stream;
mod transport;
mod worker;

pub use consumer::{ConsumerDump, ConsumerKindDump, LayersDump};
pub use data::{DataConsumerDump, DataProducerDump};
pub use producer::ProducerDump;
pub use router::RouterDump;
pub use rtp_stream::{RtpStreamDump, RtpStreamParams, RtxStreamDump, RtxStreamParams};
pub use transport::{
    BaseTransportDump, RecvRtpHeaderExtensions, RtpListenerDump, SctpListenerDump, TransportDump,
    TransportKindDump,
};
pub use worker::{
    ChannelMessageHandlers, IceUserNameFragment, IpPort, WebRtcServerDump, WorkerDump, WorkerResourceUsage,
};

use serde::{Deserialize, Serialize};

/// One row of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Entry<K, V> {
    /// What is looked up.
    pub key: K,
    /// What is found.
    pub value: V,
}

/// One row of a table in which several things are found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Entries<K, V> {
    /// What is looked up.
    pub key: K,
    /// What is found, perhaps nothing.
    pub values: Vec<V>,
}
