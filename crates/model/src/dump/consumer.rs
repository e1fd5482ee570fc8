//! A consumer.

use serde::{Deserialize, Serialize};

use super::RtpStreamDump;
use crate::id::{ConsumerId, PayloadType, ProducerId};
use crate::rtp::{MediaKind, RtpEncodingParameters, RtpParameters};
use crate::trace::{ConsumerTraceEventType, TraceSet};

/// A consumer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ConsumerDump {
    /// Its name.
    pub id: ConsumerId,
    /// Whose streams it forwards.
    pub producer_id: ProducerId,
    /// Sound or picture.
    pub kind: MediaKind,
    /// Its parameters as they were given.
    pub rtp_parameters: RtpParameters,
    /// The producer's streams inside the router.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consumable_rtp_encodings: Vec<RtpEncodingParameters>,
    /// Payload types of the media codecs it forwards.
    pub supported_codec_payload_types: Vec<PayloadType>,
    /// What is traced.
    pub trace_event_types: TraceSet<ConsumerTraceEventType>,
    /// Whether it is paused.
    pub paused: bool,
    /// Whether its producer is paused.
    pub producer_paused: bool,
    /// Its weight when bandwidth is shared out; 1 at first.
    pub priority: u8,
    /// What this type of consumer has.
    #[serde(flatten)]
    pub kind_dump: ConsumerKindDump,
}

/// What a type of consumer has for itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the types say it all")]
pub enum ConsumerKindDump {
    /// One stream as it is.
    Simple { rtp_stream: RtpStreamDump },
    /// One stream out of several.
    Simulcast {
        rtp_stream: RtpStreamDump,
        #[serde(flatten)]
        layers: LayersDump,
    },
    /// Some layers of one stream.
    Svc {
        rtp_stream: RtpStreamDump,
        #[serde(flatten)]
        layers: LayersDump,
    },
    /// All streams.
    Pipe { rtp_streams: Vec<RtpStreamDump> },
}

/// Layers that are wanted, aimed at and sent; -1 is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the type says it all")]
pub struct LayersDump {
    pub preferred_spatial_layer: i16,
    pub target_spatial_layer: i16,
    pub current_spatial_layer: i16,
    pub preferred_temporal_layer: i16,
    pub target_temporal_layer: i16,
    pub current_temporal_layer: i16,
}
