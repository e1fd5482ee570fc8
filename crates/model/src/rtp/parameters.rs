//! What a sender tells its receiver about a stream.

use serde::Serialize;

use super::{RtpCodecParameters, RtpEncodingParameters, RtpHeaderExtensionParameters};
use crate::Invalid;
use crate::json::{Place, Read, readable};

/// Codecs, header extensions and encodings of one producer or consumer.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RtpParameters {
    /// The m-section (RFC 9143).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mid: Option<Box<str>>,
    /// Media and RTX codecs.
    pub codecs: Vec<RtpCodecParameters>,
    /// Header extensions.
    pub header_extensions: Vec<RtpHeaderExtensionParameters>,
    /// Streams of packets.
    pub encodings: Vec<RtpEncodingParameters>,
    /// How RTCP is used.
    pub rtcp: RtcpParameters,
    /// Stream and track id (RFC 8830).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msid: Option<Box<str>>,
}

/// How RTCP is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RtcpParameters {
    /// The sender's canonical name (RFC 3550 §6.5.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cname: Option<Box<str>>,
    /// Whether reduced-size RTCP is used (RFC 5506).
    pub reduced_size: bool,
}

impl Default for RtcpParameters {
    fn default() -> Self {
        Self { cname: None, reduced_size: true }
    }
}

impl Read for RtpParameters {
    fn read(place: &Place<'_>) -> Result<Self, Invalid> {
        place.object("an object with codecs and encodings")?;
        Ok(Self {
            mid: place.field("mid").optional_text()?,
            codecs: place.field("codecs").list("an array of codecs")?,
            header_extensions: place.field("headerExtensions").optional_list()?,
            encodings: place.field("encodings").optional_list()?,
            rtcp: place.field("rtcp").optional()?.unwrap_or_default(),
            msid: place.field("msid").optional_text()?,
        })
    }
}

impl Read for RtcpParameters {
    fn read(place: &Place<'_>) -> Result<Self, Invalid> {
        // To JavaScript an array is an object without our fields.
        if !place.value().is_some_and(|value| value.is_object() || value.is_array()) {
            return Err(place.invalid("an object with a cname, or absent"));
        }
        Ok(Self {
            cname: place.field("cname").optional_text()?,
            // Anything but a boolean counts as absent, as with the npm package.
            reduced_size: place
                .field("reducedSize")
                .value()
                .and_then(serde_json::Value::as_bool)
                .unwrap_or(true),
        })
    }
}

readable!(RtpParameters = "rtpParameters", RtcpParameters = "rtcp");
