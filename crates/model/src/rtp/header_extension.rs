//! RTP header extensions (RFC 8285): the ones that the router knows, and room for the others.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use super::{MediaKind, Parameters};
use crate::Invalid;
use crate::json::{Place, Read, readable};

/// A header extension that an end is capable of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RtpHeaderExtension {
    /// For streams of this kind.
    pub kind: MediaKind,
    /// Which extension.
    pub uri: RtpHeaderExtensionUri,
    /// The id to use if nothing speaks against it. A router's are fixed.
    pub preferred_id: u8,
    /// Whether it should be encrypted (RFC 6904).
    pub preferred_encrypt: bool,
    /// Which way, seen from the end whose capabilities these are.
    pub direction: RtpHeaderExtensionDirection,
}

/// Which way a header extension can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum RtpHeaderExtensionDirection {
    /// Both.
    #[default]
    SendRecv,
    /// In packets that this end sends.
    SendOnly,
    /// In packets that this end receives.
    RecvOnly,
    /// Neither.
    Inactive,
}

/// A header extension that a stream uses.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RtpHeaderExtensionParameters {
    /// Which extension.
    pub uri: RtpHeaderExtensionUri,
    /// Its id in the packets.
    pub id: u8,
    /// Whether it is encrypted (RFC 6904).
    pub encrypt: bool,
    /// Parameters of the extension.
    pub parameters: Parameters,
}

macro_rules! uris {
    ($($(#[$doc:meta])* $name:ident = $uri:literal),+ $(,)?) => {
        /// Which header extension. The order of the known ones is the order of the ids that routers give them.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum RtpHeaderExtensionUri {
            $($(#[$doc])* $name,)+
            /// One that routers do not know. An end may be capable of it; no stream uses it.
            Other(Box<str>),
        }

        impl RtpHeaderExtensionUri {
            /// The URI.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $uri,)+
                    Self::Other(uri) => uri,
                }
            }
        }

        impl From<&str> for RtpHeaderExtensionUri {
            fn from(uri: &str) -> Self {
                match uri {
                    $($uri => Self::$name,)+
                    _ => Self::Other(uri.into()),
                }
            }
        }
    };
}

uris! {
    /// Which m-section the stream belongs to (RFC 9143 §15).
    Mid = "urn:ietf:params:rtp-hdrext:sdes:mid",
    /// Which encoding the packet belongs to (RFC 8852 §3.1).
    RtpStreamId = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    /// Which encoding a retransmitted packet belongs to (RFC 8852 §3.2).
    RepairedRtpStreamId = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    /// When the packet left, in 24 bits.
    AbsSendTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    /// The transport-wide sequence number.
    TransportWideCc = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    /// How loud it is (RFC 6464).
    SsrcAudioLevel = "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    /// Which frames this frame needs (AV1 RTP specification, appendix A).
    DependencyDescriptor =
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
    /// How the camera is held (3GPP TS 26.114 §7.4.5).
    VideoOrientation = "urn:3gpp:video-orientation",
    /// How long the packet waited before it left (RFC 5450).
    TimeOffset = "urn:ietf:params:rtp-hdrext:toffset",
    /// When the frame was captured.
    AbsCaptureTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    /// How long the receiver may hold the frame.
    PlayoutDelay = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    /// A number for the packet that survives all rewriting.
    MediasoupPacketId = "urn:mediasoup:params:rtp-hdrext:packet-id",
}

impl RtpHeaderExtensionDirection {
    /// Whether this end may put it into packets that it sends.
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }
}

impl fmt::Display for RtpHeaderExtensionUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for RtpHeaderExtensionUri {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Read for RtpHeaderExtensionUri {
    fn read(place: &Place<'_>) -> Result<Self, Invalid> {
        let expected = "the URI of an RTP header extension";
        let uri = place.text(expected)?;
        if uri.is_empty() { Err(place.invalid(expected)) } else { Ok(uri.into()) }
    }
}

impl Read for MediaKind {
    fn read(place: &Place<'_>) -> Result<Self, Invalid> {
        match place.value().and_then(serde_json::Value::as_str) {
            Some("audio") => Ok(Self::Audio),
            Some("video") => Ok(Self::Video),
            _ => Err(place.invalid("\"audio\" or \"video\"")),
        }
    }
}

impl Read for RtpHeaderExtensionDirection {
    fn read(place: &Place<'_>) -> Result<Self, Invalid> {
        match place.value().and_then(serde_json::Value::as_str) {
            Some("sendrecv") => Ok(Self::SendRecv),
            Some("sendonly") => Ok(Self::SendOnly),
            Some("recvonly") => Ok(Self::RecvOnly),
            Some("inactive") => Ok(Self::Inactive),
            _ => Err(place.invalid("\"sendrecv\", \"sendonly\", \"recvonly\" or \"inactive\", or absent")),
        }
    }
}

impl Read for RtpHeaderExtension {
    fn read(place: &Place<'_>) -> Result<Self, Invalid> {
        place.object("an object that describes a header extension")?;
        Ok(Self {
            kind: MediaKind::read(&place.field("kind"))?,
            uri: RtpHeaderExtensionUri::read(&place.field("uri"))?,
            preferred_id: place.field("preferredId").integer(ID)?,
            preferred_encrypt: place.field("preferredEncrypt").optional_bool()?.unwrap_or_default(),
            direction: place.field("direction").optional()?.unwrap_or_default(),
        })
    }
}

impl Read for RtpHeaderExtensionParameters {
    fn read(place: &Place<'_>) -> Result<Self, Invalid> {
        place.object("an object that describes a header extension")?;
        Ok(Self {
            uri: RtpHeaderExtensionUri::read(&place.field("uri"))?,
            id: place.field("id").integer(ID)?,
            encrypt: place.field("encrypt").optional_bool()?.unwrap_or_default(),
            parameters: Parameters::read(&place.field("parameters"))?,
        })
    }
}

readable!(
    RtpHeaderExtensionUri = "uri",
    RtpHeaderExtension = "headerExtension",
    RtpHeaderExtensionParameters = "headerExtension",
);

const ID: &str = "an integer from 0 to 255";
