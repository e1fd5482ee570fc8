//! How a producer's numbers become those that routers use inside.

use serde::{Deserialize, Serialize};

use crate::id::{PayloadType, Ssrc};

/// Payload types and encodings of a producer, and what its packets carry inside the router.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RtpMapping {
    /// One entry per codec; media before RTX.
    pub codecs: Vec<CodecMapping>,
    /// One entry per encoding, in the producer's order.
    pub encodings: Vec<EncodingMapping>,
}

/// A payload type, outside and inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CodecMapping {
    /// In the producer's packets.
    pub payload_type: PayloadType,
    /// Inside the router.
    pub mapped_payload_type: PayloadType,
}

/// An encoding, outside and inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct EncodingMapping {
    /// The ssrc in the producer's packets, if announced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssrc: Option<Ssrc>,
    /// The RID in the producer's packets, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rid: Option<Box<str>>,
    /// The ssrc inside the router.
    pub mapped_ssrc: Ssrc,
}

impl RtpMapping {
    /// What the router calls that payload type.
    pub fn mapped_payload_type(&self, payload_type: PayloadType) -> Option<PayloadType> {
        self.codecs
            .iter()
            .find(|codec| codec.payload_type == payload_type)
            .map(|codec| codec.mapped_payload_type)
    }
}
