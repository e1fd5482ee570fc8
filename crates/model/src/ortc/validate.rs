//! Validation of what comes from outside, and the defaults.
//!
//! Reading the JSON has already checked the shape; what is checked here needs a look at meaning, and holds as well
//! for dictionaries that never were JSON.

use crate::Invalid;
use crate::data::SctpStreamParameters;
use crate::rtp::{
    MediaKind, ParameterValue, Parameters, RtcpFeedback, RtpCapabilities, RtpCodecCapability, RtpParameters,
};

/// Checks capabilities and fills in the defaults.
pub fn validate_rtp_capabilities(mut capabilities: RtpCapabilities) -> Result<RtpCapabilities, Invalid> {
    for (index, codec) in capabilities.codecs.iter_mut().enumerate() {
        complete_codec_capability(codec, &format!("rtpCapabilities.codecs[{index}]"))?;
    }
    Ok(capabilities)
}

/// Checks one codec, as a router is created with, and fills in the defaults.
pub fn validate_rtp_codec_capability(mut codec: RtpCodecCapability) -> Result<RtpCodecCapability, Invalid> {
    complete_codec_capability(&mut codec, "codec")?;
    Ok(codec)
}

/// Checks parameters of a producer and fills in the defaults.
pub fn validate_rtp_parameters(mut parameters: RtpParameters) -> Result<RtpParameters, Invalid> {
    for (index, codec) in parameters.codecs.iter_mut().enumerate() {
        codec.channels = channels(codec.mime_type.kind(), codec.channels);
        check_codec_parameters(&codec.parameters, || format!("rtpParameters.codecs[{index}].parameters"))?;
        complete_feedback(&mut codec.rtcp_feedback);
    }
    for (index, extension) in parameters.header_extensions.iter().enumerate() {
        check_parameters(&extension.parameters, || {
            format!("rtpParameters.headerExtensions[{index}].parameters")
        })?;
    }
    for encoding in &mut parameters.encodings {
        encoding.dtx.get_or_insert(false);
    }
    // Not our idea: the npm package overrules an explicit false, and the worker sends reduced-size RTCP anyway.
    parameters.rtcp.reduced_size = true;
    Ok(parameters)
}

/// Checks the parameters of an SCTP stream and says whether it is ordered.
pub fn validate_sctp_stream_parameters(
    mut stream: SctpStreamParameters,
) -> Result<SctpStreamParameters, Invalid> {
    let life_time = stream.max_packet_life_time.filter(|milliseconds| *milliseconds != 0);
    let retransmits = stream.max_retransmits.filter(|times| *times != 0);
    if let (Some(_), Some(times)) = (life_time, retransmits) {
        let expected = "absent when maxPacketLifeTime is given";
        return Err(Invalid::new("sctpStreamParameters.maxRetransmits", times, expected));
    }
    let partially_reliable = life_time.is_some() || retransmits.is_some();
    if stream.ordered == Some(true) && partially_reliable {
        let expected = "absent or false when maxPacketLifeTime or maxRetransmits is given";
        return Err(Invalid::new("sctpStreamParameters.ordered", true, expected));
    }
    stream.ordered.get_or_insert(!partially_reliable);
    Ok(stream)
}

fn complete_codec_capability(codec: &mut RtpCodecCapability, field: &str) -> Result<(), Invalid> {
    codec.kind = codec.mime_type.kind();
    codec.channels = channels(codec.kind, codec.channels);
    check_codec_parameters(&codec.parameters, || format!("{field}.parameters"))?;
    complete_feedback(&mut codec.rtcp_feedback);
    Ok(())
}

/// Only sound has channels, and it has at least one.
fn channels(kind: MediaKind, given: Option<u8>) -> Option<u8> {
    match kind {
        MediaKind::Audio => given.or(Some(1)),
        MediaKind::Video => None,
    }
}

fn complete_feedback(feedback: &mut [RtcpFeedback]) {
    for feedback in feedback {
        feedback.parameter.get_or_insert_default();
    }
}

/// `apt` is a payload type (RFC 4588 §8.6); for the rest see [`check_parameters`].
fn check_codec_parameters(parameters: &Parameters, field: impl Fn() -> String) -> Result<(), Invalid> {
    check_parameters(parameters, &field)?;
    match parameters.get("apt") {
        Some(value @ ParameterValue::String(_)) => Err(invalid(&field(), "apt", value, "a payload type")),
        _ => Ok(()),
    }
}

/// Values that come from SDP are texts and numbers.
fn check_parameters(parameters: &Parameters, field: impl Fn() -> String) -> Result<(), Invalid> {
    let is_sdp = |value: &ParameterValue| {
        !matches!(value, ParameterValue::Boolean(_) | ParameterValue::IntegerArray(_))
    };
    match parameters.iter().find(|(_, value)| !is_sdp(value)) {
        Some((name, value)) => Err(invalid(&field(), name, value, "a string or a number")),
        None => Ok(()),
    }
}

fn invalid(field: &str, name: &str, value: &ParameterValue, expected: &'static str) -> Invalid {
    Invalid::new(format!("{field}.{name}"), serde_json::to_string(value).unwrap_or_default(), expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn defaults_are_filled_in() {
        let given = json!({
            "codecs": [
                { "mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "rtcpFeedback": [{ "type": "nack" }] },
                { "mimeType": "video/VP8", "payloadType": 96, "clockRate": 90000, "channels": 2 },
            ],
            "encodings": [{ "ssrc": 1 }],
            "rtcp": { "reducedSize": false },
        });
        let valid = validate_rtp_parameters(RtpParameters::from_json(&given).unwrap()).unwrap();
        assert_eq!(valid.codecs[0].channels, Some(1));
        assert_eq!(valid.codecs[0].rtcp_feedback, [RtcpFeedback::new("nack", "")]);
        assert_eq!(valid.codecs[1].channels, None);
        assert_eq!(valid.encodings[0].dtx, Some(false));
        assert!(valid.rtcp.reduced_size);
    }

    #[test]
    fn an_apt_has_to_be_a_number() {
        let codec = json!({ "mimeType": "video/rtx", "clockRate": 90000, "parameters": { "apt": "96" } });
        let error =
            validate_rtp_codec_capability(RtpCodecCapability::from_json(&codec).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "codec.parameters.apt is \"96\"; it must be a payload type");
    }

    #[test]
    fn an_ordered_stream_is_fully_reliable() {
        let stream = SctpStreamParameters {
            stream_id: 1,
            ordered: None,
            max_packet_life_time: Some(5),
            max_retransmits: None,
        };
        assert_eq!(validate_sctp_stream_parameters(stream).unwrap().ordered, Some(false));
        let ordered = SctpStreamParameters { ordered: Some(true), ..stream };
        assert!(validate_sctp_stream_parameters(ordered).is_err());
        let both = SctpStreamParameters { max_retransmits: Some(1), ..stream };
        assert!(validate_sctp_stream_parameters(both).is_err());
    }
}
