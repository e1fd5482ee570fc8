//! What two ends of an RTP stream tell each other about it: capabilities before, parameters once it exists.

mod capabilities;
mod codec;
mod encoding;
mod header_extension;
mod mapping;
mod media_kind;
mod mime_type;
mod parameter;
mod parameters;
mod scalability_mode;

pub use capabilities::RtpCapabilities;
pub use codec::{RtcpFeedback, RtpCodecCapability, RtpCodecParameters};
pub use encoding::{RtpEncodingParameters, RtxParameters};
pub use header_extension::{
    RtpHeaderExtension, RtpHeaderExtensionDirection, RtpHeaderExtensionParameters, RtpHeaderExtensionUri,
};
pub use mapping::{CodecMapping, EncodingMapping, RtpMapping};
pub use media_kind::MediaKind;
pub use mime_type::MimeType;
pub use parameter::{ParameterValue, Parameters};
pub use parameters::{RtcpParameters, RtpParameters};
pub use scalability_mode::{LayerCount, ScalabilityMode};
