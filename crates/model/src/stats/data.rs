//! Data producers and data consumers.

use serde::{Deserialize, Serialize};

/// What a shard counts for a data producer or a data consumer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DataCounters {
    /// Milliseconds of the monotonic clock.
    pub timestamp: u64,
    /// Messages, received or accepted for sending.
    pub messages: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Bytes that wait to be sent.
    pub buffered_amount: u32,
}

/// One data producer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", tag = "type", rename = "data-producer")]
pub struct DataProducerStats {
    /// Milliseconds of the monotonic clock.
    pub timestamp: u64,
    /// Its label.
    pub label: Box<str>,
    /// Its protocol.
    pub protocol: Box<str>,
    /// Messages, also those that came while it was paused.
    pub messages_received: u64,
    /// Bytes of them.
    pub bytes_received: u64,
}

/// One data consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", tag = "type", rename = "data-consumer")]
pub struct DataConsumerStats {
    /// Milliseconds of the monotonic clock.
    pub timestamp: u64,
    /// Its label.
    pub label: Box<str>,
    /// Its protocol.
    pub protocol: Box<str>,
    /// Messages that were accepted for sending.
    pub messages_sent: u64,
    /// Bytes of them.
    pub bytes_sent: u64,
    /// Bytes that wait to be sent.
    pub buffered_amount: u32,
}

impl DataProducerStats {
    /// What the shard counted, with what control knows.
    pub fn new(counters: DataCounters, label: &str, protocol: &str) -> Self {
        let DataCounters { timestamp, messages, bytes, .. } = counters;
        Self {
            timestamp,
            label: label.into(),
            protocol: protocol.into(),
            messages_received: messages,
            bytes_received: bytes,
        }
    }
}

impl DataConsumerStats {
    /// What the shard counted, with what control knows.
    pub fn new(counters: DataCounters, label: &str, protocol: &str) -> Self {
        let DataCounters { timestamp, messages, bytes, buffered_amount } = counters;
        Self {
            timestamp,
            label: label.into(),
            protocol: protocol.into(),
            messages_sent: messages,
            bytes_sent: bytes,
            buffered_amount,
        }
    }
}
