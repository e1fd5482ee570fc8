//! How producers and consumers fare: types, layers, scores.

use serde::{Deserialize, Serialize};

use crate::id::Ssrc;

/// How many streams a producer has, and whether they have layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ProducerType {
    /// One stream without layers.
    Simple,
    /// Several streams of one source.
    Simulcast,
    /// One stream with layers.
    Svc,
}

/// What a consumer does with its producer's streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ConsumerType {
    /// Forwards the one there is.
    Simple,
    /// Forwards one of several, as one.
    Simulcast,
    /// Forwards layers of one.
    Svc,
    /// Forwards all of them.
    Pipe,
}

/// A pair of layers: the highest of each that is wanted, or sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ConsumerLayers {
    /// The resolution, 0 being the smallest.
    pub spatial_layer: u8,
    /// The frame rate, 0 being the lowest; the highest there is if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temporal_layer: Option<u8>,
}

/// How well a consumer is served, 0 to 10 each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ConsumerScore {
    /// Of its own stream.
    pub score: u8,
    /// Of the producer's stream that it gets.
    pub producer_score: u8,
    /// Of every stream of the producer, 0 for one that has not appeared.
    pub producer_scores: Vec<u8>,
}

/// How well one stream of a producer arrives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProducerScore {
    /// Which encoding.
    pub encoding_idx: u32,
    /// Its ssrc.
    pub ssrc: Ssrc,
    /// Its RID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rid: Option<Box<str>>,
    /// 0 to 10.
    pub score: u8,
}

/// How the camera is held (3GPP TS 26.114 §7.4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VideoOrientation {
    /// Whether it looks away from the user.
    pub camera: bool,
    /// Whether the picture is mirrored.
    pub flip: bool,
    /// Degrees, clockwise: 0, 90, 180 or 270.
    pub rotation: u16,
}
