//! Whether two descriptions of a codec mean the same codec.

use super::h264;
use crate::rtp::{MimeType, ParameterValue, Parameters, RtpCodecCapability, RtpCodecParameters};

/// The part of a codec that decides whether it is the same as another.
pub(super) struct Codec<'a> {
    mime_type: &'a MimeType,
    clock_rate: u32,
    channels: Option<u8>,
    parameters: &'a Parameters,
}

impl<'a> From<&'a RtpCodecCapability> for Codec<'a> {
    fn from(codec: &'a RtpCodecCapability) -> Self {
        let RtpCodecCapability { mime_type, clock_rate, channels, parameters, .. } = codec;
        Self { mime_type, clock_rate: *clock_rate, channels: *channels, parameters }
    }
}

impl<'a> From<&'a RtpCodecParameters> for Codec<'a> {
    fn from(codec: &'a RtpCodecParameters) -> Self {
        let RtpCodecParameters { mime_type, clock_rate, channels, parameters, .. } = codec;
        Self { mime_type, clock_rate: *clock_rate, channels: *channels, parameters }
    }
}

/// Whether a router that supports one supports the other: profiles do not count.
pub(super) fn same_family<'a>(a: impl Into<Codec<'a>>, b: impl Into<Codec<'a>>) -> bool {
    let (a, b) = (a.into(), b.into());
    let same = a.mime_type == b.mime_type && a.clock_rate == b.clock_rate && a.channels == b.channels;
    let of_both = |name| a.parameters.get(name) == b.parameters.get(name);
    same && (!a.mime_type.is("audio/multiopus") || (of_both("num_streams") && of_both("coupled_streams")))
}

/// Whether what one end sends the other can decode: profiles count.
pub(super) fn same_codec<'a>(a: impl Into<Codec<'a>>, b: impl Into<Codec<'a>>) -> bool {
    let (a, b) = (a.into(), b.into());
    let (ours, theirs, mime_type) = (a.parameters, b.parameters, a.mime_type);
    if !same_family(a, b) {
        return false;
    }
    if mime_type.is("video/H264") {
        // RFC 6184 §8.1: absent means mode 0. Modes do not mix.
        let profile = |parameters| h264::profile_level_id(parameters).map(|id| id.profile);
        return same_or_zero(ours, theirs, "packetization-mode")
            && profile(ours).is_some_and(|profile_of_ours| profile(theirs) == Some(profile_of_ours));
    }
    if mime_type.is("video/VP9") {
        // RFC 9628 §6: absent means profile 0.
        return same_or_zero(ours, theirs, "profile-id");
    }
    // AV1 decoders take every profile that is in use; neither end is asked.
    true
}

/// Compares a parameter where what is not given is the integer 0. Texts and numbers differ, as they do in JSON.
fn same_or_zero(a: &Parameters, b: &Parameters, name: &str) -> bool {
    fn or_zero<'a>(parameters: &'a Parameters, name: &str) -> &'a ParameterValue {
        parameters.get(name).filter(|value| !value.is_falsy()).unwrap_or(&ParameterValue::Integer(0))
    }
    or_zero(a, name) == or_zero(b, name)
}
