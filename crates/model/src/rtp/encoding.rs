//! One encoding: a stream of packets with an ssrc or a RID of its own.

use serde::Serialize;

use super::ScalabilityMode;
use crate::Invalid;
use crate::id::{PayloadType, Ssrc};
use crate::json::{Place, Read, readable};

/// What tells one encoding of a producer or consumer from the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RtpEncodingParameters {
    /// The ssrc of the media stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssrc: Option<Ssrc>,
    /// The RID (RFC 8852) by which packets of an unannounced ssrc are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rid: Option<Box<str>>,
    /// Which of the codecs the encoding uses, if not the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codec_payload_type: Option<PayloadType>,
    /// The retransmission stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtx: Option<RtxParameters>,
    /// Whether the sender falls silent with its source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dtx: Option<bool>,
    /// Spatial and temporal layers within the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scalability_mode: Option<ScalabilityMode>,
    /// The most the sender will use, in bits per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bitrate: Option<u64>,
}

/// The retransmission stream of an encoding (RFC 4588).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RtxParameters {
    /// Its ssrc.
    pub ssrc: Ssrc,
}

impl Read for RtpEncodingParameters {
    fn read(place: &Place<'_>) -> Result<Self, Invalid> {
        place.object("an object that describes an encoding")?;
        Ok(Self {
            ssrc: place.field("ssrc").optional_integer(SSRC)?,
            rid: place.field("rid").optional_text()?,
            codec_payload_type: place
                .field("codecPayloadType")
                .optional_integer("an integer from 0 to 127")?,
            rtx: place.field("rtx").optional()?,
            // Anything but a boolean counts as absent, as with the npm package.
            dtx: place.field("dtx").value().and_then(serde_json::Value::as_bool),
            scalability_mode: place.field("scalabilityMode").optional_text()?.map(ScalabilityMode::from),
            max_bitrate: place.field("maxBitrate").optional_integer("a bitrate in bits per second")?,
        })
    }
}

impl Read for RtxParameters {
    fn read(place: &Place<'_>) -> Result<Self, Invalid> {
        place.object("an object with an ssrc")?;
        Ok(Self { ssrc: place.field("ssrc").integer(SSRC)? })
    }
}

readable!(RtpEncodingParameters = "encoding", RtxParameters = "rtx");

const SSRC: &str = "an ssrc, which is an integer of 32 bits";
