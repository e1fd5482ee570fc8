//! What an end can send or receive.

use serde::Serialize;

use super::{RtpCodecCapability, RtpHeaderExtension};
use crate::Invalid;
use crate::json::{Place, Read, readable};

/// Codecs and header extensions of a router, or of a client's device.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RtpCapabilities {
    /// Media and RTX codecs.
    pub codecs: Vec<RtpCodecCapability>,
    /// Header extensions.
    pub header_extensions: Vec<RtpHeaderExtension>,
}

impl Read for RtpCapabilities {
    fn read(place: &Place<'_>) -> Result<Self, Invalid> {
        place.object("an object with codecs and headerExtensions")?;
        Ok(Self {
            codecs: place.field("codecs").optional_list()?,
            header_extensions: place.field("headerExtensions").optional_list()?,
        })
    }
}

readable!(RtpCapabilities = "rtpCapabilities");
