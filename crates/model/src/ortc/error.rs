//! What can be wrong in a negotiation, by blame.

use crate::Invalid;
use crate::id::PayloadType;
use crate::rtp::MimeType;

/// Why a negotiation came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A field is not what it has to be. Node's class: `TypeError`.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// All is well formed, but it is more than the other side can do. Node's class: `UnsupportedError`.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// More codecs than there are payload types. Node's class: `Error`.
    #[error(transparent)]
    Exhausted(#[from] Exhausted),
}

/// What the other side can not do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// No router knows the codec.
    #[error("codec {mime_type} ({clock_rate} Hz) is not supported; see the router's supported codecs")]
    MediaCodec {
        /// The codec.
        mime_type: Box<str>,
        /// Its clock rate.
        clock_rate: u32,
    },
    /// This router does not have the codec.
    #[error(
        "codec {mime_type} of payload type {payload_type} is none of the router's; create the router with it, \
         or send another"
    )]
    ProducerCodec {
        /// The codec.
        mime_type: Box<str>,
        /// Its payload type in the producer's parameters.
        payload_type: PayloadType,
    },
    /// The router has the codec, but no RTX for it.
    #[error("payload type {payload_type} retransmits a codec for which the router has no RTX codec")]
    ProducerRtx {
        /// The payload type of the RTX codec in the producer's parameters.
        payload_type: PayloadType,
    },
    /// The consuming side shares no media codec with the producer.
    #[error("the consuming side has none of the producer's media codecs")]
    NoCommonCodec,
}

/// All dynamic payload types are given away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no dynamic payload type is left for another codec; 96 to 127 are given away")]
pub struct Exhausted;

impl Unsupported {
    pub(super) fn media_codec(mime_type: &MimeType, clock_rate: u32) -> Self {
        Self::MediaCodec { mime_type: mime_type.as_str().into(), clock_rate }
    }

    pub(super) fn producer_codec(mime_type: &MimeType, payload_type: PayloadType) -> Self {
        Self::ProducerCodec { mime_type: mime_type.as_str().into(), payload_type }
    }
}
