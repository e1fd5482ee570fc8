//! Messages: what a DataProducer or DataConsumer is made with.

use serde::{Deserialize, Serialize};

use crate::Invalid;
use crate::json::{Place, Read, readable};

/// The SCTP stream of a DataProducer or DataConsumer, and how reliable it is (RFC 8832 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SctpStreamParameters {
    /// The stream; 65535 is none (RFC 8831 §6.2).
    pub stream_id: u16,
    /// Whether messages arrive in the order they were sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ordered: Option<bool>,
    /// Milliseconds after which a message is given up (RFC 3758).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_packet_life_time: Option<u16>,
    /// Retransmissions after which a message is given up (RFC 7496).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_retransmits: Option<u16>,
}

/// Whether messages go over SCTP or to the application itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum DataKind {
    /// Over SCTP.
    Sctp,
    /// To and from the application.
    Direct,
}

impl Read for SctpStreamParameters {
    fn read(place: &Place<'_>) -> Result<Self, Invalid> {
        place.object("an object with a streamId")?;
        Ok(Self {
            stream_id: place.field("streamId").integer("an integer from 0 to 65535")?,
            // Anything but a boolean counts as absent, as with the npm package.
            ordered: place.field("ordered").value().and_then(serde_json::Value::as_bool),
            max_packet_life_time: place
                .field("maxPacketLifeTime")
                .optional_integer("milliseconds, up to 65535")?,
            max_retransmits: place.field("maxRetransmits").optional_integer("an integer up to 65535")?,
        })
    }
}

readable!(SctpStreamParameters = "sctpStreamParameters");
