//! One RTP stream, received or sent.

use serde::{Deserialize, Serialize};

use crate::id::{PayloadType, Ssrc};
use crate::rtp::MimeType;

/// A stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RtpStreamDump {
    /// What it is made of.
    pub params: RtpStreamParams,
    /// How well it does, 0 to 10.
    pub score: u8,
    /// Its retransmissions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtx_stream: Option<RtxStreamDump>,
}

/// What a stream is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RtpStreamParams {
    /// Which encoding of its producer or consumer.
    pub encoding_idx: u32,
    /// Its ssrc.
    pub ssrc: Ssrc,
    /// Its payload type.
    pub payload_type: PayloadType,
    /// Its codec.
    pub mime_type: MimeType,
    /// Ticks of the RTP clock per second.
    pub clock_rate: u32,
    /// Its RID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rid: Option<Box<str>>,
    /// The canonical name of its source.
    pub cname: Box<str>,
    /// The ssrc of its retransmissions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtx_ssrc: Option<Ssrc>,
    /// The payload type of its retransmissions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtx_payload_type: Option<PayloadType>,
    /// Whether lost packets are asked for.
    pub use_nack: bool,
    /// Whether key frames are asked for by PLI.
    pub use_pli: bool,
    /// Whether key frames are asked for by FIR.
    pub use_fir: bool,
    /// Whether packets carry what is needed to repair others.
    pub use_in_band_fec: bool,
    /// Whether it falls silent with its source.
    pub use_dtx: bool,
    /// How many spatial layers it has.
    pub spatial_layers: u8,
    /// How many temporal layers it has.
    pub temporal_layers: u8,
}

/// The retransmissions of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RtxStreamDump {
    /// What they are made of.
    pub params: RtxStreamParams,
}

/// What retransmissions are made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RtxStreamParams {
    /// Their ssrc.
    pub ssrc: Ssrc,
    /// Their payload type.
    pub payload_type: PayloadType,
    /// Their codec.
    pub mime_type: MimeType,
    /// Ticks of the RTP clock per second.
    pub clock_rate: u32,
    /// The RID of the stream they repair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rrid: Option<Box<str>>,
    /// The canonical name of their source.
    pub cname: Box<str>,
}
