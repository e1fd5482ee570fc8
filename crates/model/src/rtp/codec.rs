//! One codec: as something an end is capable of, and as something a stream uses.

use serde::Serialize;

use super::{MediaKind, MimeType, Parameters};
use crate::Invalid;
use crate::id::PayloadType;
use crate::json::{Place, Read, readable};

/// A codec that an end can send or receive. Also what a router is created with, where the payload type is optional.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RtpCodecCapability {
    /// Always the kind of the MIME type, whatever the JSON said.
    pub kind: MediaKind,
    /// Which codec.
    pub mime_type: MimeType,
    /// The payload type to use if nothing speaks against it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_payload_type: Option<PayloadType>,
    /// Ticks of the RTP clock per second.
    pub clock_rate: u32,
    /// Audio only; 1 if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<u8>,
    /// Parameters of the codec, as `fmtp` has them.
    pub parameters: Parameters,
    /// What the receiver may ask of the sender.
    pub rtcp_feedback: Vec<RtcpFeedback>,
}

/// A codec that a stream uses.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RtpCodecParameters {
    /// Which codec.
    pub mime_type: MimeType,
    /// The payload type in the packets.
    pub payload_type: PayloadType,
    /// Ticks of the RTP clock per second.
    pub clock_rate: u32,
    /// Audio only; 1 if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<u8>,
    /// Parameters of the codec, as `fmtp` has them.
    pub parameters: Parameters,
    /// What the receiver may ask of the sender.
    pub rtcp_feedback: Vec<RtcpFeedback>,
}

/// A kind of RTCP feedback (RFC 4585 §4.2). Open: what we do not know is passed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RtcpFeedback {
    /// `nack`, `ccm`, `transport-cc`, `goog-remb` or another.
    #[serde(rename = "type")]
    pub kind: Box<str>,
    /// What distinguishes feedbacks of one type, as in `nack pli`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<Box<str>>,
}

impl RtpCodecParameters {
    /// The media payload type that an RTX codec retransmits (RFC 4588 §8.6); nothing if it is no payload type.
    pub fn associated_payload_type(&self) -> Option<PayloadType> {
        associated_payload_type(&self.parameters)
    }
}

impl RtpCodecCapability {
    /// The media payload type that an RTX codec retransmits (RFC 4588 §8.6); nothing if it is no payload type.
    pub fn associated_payload_type(&self) -> Option<PayloadType> {
        associated_payload_type(&self.parameters)
    }
}

impl RtcpFeedback {
    /// The feedback of that type and parameter, `""` for none.
    pub fn new(kind: &str, parameter: &str) -> Self {
        Self { kind: kind.into(), parameter: Some(parameter.into()) }
    }

    /// Whether it is the feedback of that type and parameter, `""` for none.
    pub fn is(&self, kind: &str, parameter: &str) -> bool {
        *self.kind == *kind && self.parameter.as_deref().unwrap_or_default() == parameter
    }
}

fn associated_payload_type(parameters: &Parameters) -> Option<PayloadType> {
    let number = parameters.get("apt")?.as_integer()?;
    PayloadType::new(u8::try_from(number).ok()?)
}

impl Read for RtpCodecCapability {
    fn read(place: &Place<'_>) -> Result<Self, Invalid> {
        place.object("an object that describes a codec")?;
        let mime_type = MimeType::read(&place.field("mimeType"))?;
        Ok(Self {
            kind: mime_type.kind(),
            mime_type,
            preferred_payload_type: place.field("preferredPayloadType").optional_integer(PAYLOAD_TYPE)?,
            clock_rate: place.field("clockRate").integer(CLOCK_RATE)?,
            channels: channels(place)?,
            parameters: Parameters::read(&place.field("parameters"))?,
            rtcp_feedback: place.field("rtcpFeedback").list_or_nothing()?,
        })
    }
}

impl Read for RtpCodecParameters {
    fn read(place: &Place<'_>) -> Result<Self, Invalid> {
        place.object("an object that describes a codec")?;
        Ok(Self {
            mime_type: MimeType::read(&place.field("mimeType"))?,
            payload_type: place.field("payloadType").integer(PAYLOAD_TYPE)?,
            clock_rate: place.field("clockRate").integer(CLOCK_RATE)?,
            channels: channels(place)?,
            parameters: Parameters::read(&place.field("parameters"))?,
            rtcp_feedback: place.field("rtcpFeedback").list_or_nothing()?,
        })
    }
}

impl Read for RtcpFeedback {
    fn read(place: &Place<'_>) -> Result<Self, Invalid> {
        let kind = place.field("type");
        let text = kind.text("a non-empty string such as \"nack\"")?;
        if text.is_empty() {
            return Err(kind.invalid("a non-empty string such as \"nack\""));
        }
        // Anything but a text counts as absent, as with the npm package.
        let parameter = place.field("parameter").text("").ok().map(Into::into);
        Ok(Self { kind: text.into(), parameter })
    }
}

// Anything but a number counts as absent, as with the npm package.
fn channels(place: &Place<'_>) -> Result<Option<u8>, Invalid> {
    let place = place.field("channels");
    if place.value().is_some_and(serde_json::Value::is_number) {
        return place.integer("a number of channels from 0 to 255").map(Some);
    }
    Ok(None)
}

readable!(RtpCodecCapability = "codec", RtpCodecParameters = "codec", RtcpFeedback = "rtcpFeedback",);

const PAYLOAD_TYPE: &str = "an integer from 0 to 127";
const CLOCK_RATE: &str = "a clock rate in Hz, such as 48000 or 90000";
