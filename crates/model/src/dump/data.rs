//! Data producers and data consumers.

use serde::{Deserialize, Serialize};

use crate::data::{DataKind, SctpStreamParameters};
use crate::id::{DataConsumerId, DataProducerId};

/// A data producer, all from control's registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DataProducerDump {
    /// Its name.
    pub id: DataProducerId,
    /// Where its messages come from.
    #[serde(rename = "type")]
    pub kind: DataKind,
    /// Its SCTP stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sctp_stream_parameters: Option<SctpStreamParameters>,
    /// Its label (RFC 8832).
    pub label: Box<str>,
    /// Its protocol (RFC 8832).
    pub protocol: Box<str>,
    /// Whether it is paused.
    pub paused: bool,
}

/// A data consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DataConsumerDump {
    /// Its name.
    pub id: DataConsumerId,
    /// Whose messages it forwards.
    pub data_producer_id: DataProducerId,
    /// Where its messages go.
    #[serde(rename = "type")]
    pub kind: DataKind,
    /// Its SCTP stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sctp_stream_parameters: Option<SctpStreamParameters>,
    /// Its label (RFC 8832).
    pub label: Box<str>,
    /// Its protocol (RFC 8832).
    pub protocol: Box<str>,
    /// Bytes that wait to be sent.
    pub buffered_amount: u32,
    /// At or below this many bytes an event says so.
    pub buffered_amount_low_threshold: u32,
    /// Whether it is paused.
    pub paused: bool,
    /// Whether its data producer is paused.
    pub data_producer_paused: bool,
    /// The subchannels it listens to.
    pub subchannels: Vec<u16>,
}
