//! The RTP parameters of the bench's streams, as the npm package would negotiate them for VP8 without header
//! extensions: the worker has to keep packets for retransmission and to ask for key frames.

use worker::schema::rtp_parameters::{
    CodecMapping, EncodingMapping, RtcpFeedback, RtcpParameters, RtpCodecParameters, RtpEncodingParameters,
    RtpMapping, RtpParameters,
};

use crate::case::{PAYLOAD_TYPE_IN, PAYLOAD_TYPE_OUT};

/// What a publisher sends.
pub(super) fn published(ssrc: u32) -> RtpParameters<'static> {
    parameters(PAYLOAD_TYPE_IN, ssrc)
}

/// What a subscriber gets.
pub(super) fn consumed(ssrc: u32) -> RtpParameters<'static> {
    parameters(PAYLOAD_TYPE_OUT, ssrc)
}

/// From what is published to what the router has.
pub(super) fn mapping(ssrc: u32) -> RtpMapping<'static> {
    RtpMapping {
        codecs: vec![CodecMapping { payload_type: PAYLOAD_TYPE_IN, mapped_payload_type: PAYLOAD_TYPE_OUT }],
        encodings: vec![EncodingMapping { rid: None, ssrc: Some(ssrc), mapped_ssrc: mapped(ssrc) }],
    }
}

/// The encoding that consumers choose from.
pub(super) fn consumable(producer_ssrc: u32) -> RtpEncodingParameters<'static> {
    encoding(mapped(producer_ssrc))
}

fn parameters(payload_type: u8, ssrc: u32) -> RtpParameters<'static> {
    let feedback = |r#type: &'static str, parameter: Option<&'static str>| RtcpFeedback {
        r#type: r#type.into(),
        parameter: parameter.map(Into::into),
    };
    RtpParameters {
        mid: None,
        codecs: vec![RtpCodecParameters {
            mime_type: "video/VP8".into(),
            payload_type,
            clock_rate: 90_000,
            channels: None,
            parameters: Some(Vec::new()),
            rtcp_feedback: Some(vec![
                feedback("nack", None),
                feedback("nack", Some("pli")),
                feedback("ccm", Some("fir")),
            ]),
        }],
        header_extensions: Vec::new(),
        encodings: vec![encoding(ssrc)],
        rtcp: RtcpParameters { cname: Some("bench".into()), reduced_size: true },
        msid: None,
    }
}

fn encoding(ssrc: u32) -> RtpEncodingParameters<'static> {
    RtpEncodingParameters {
        ssrc: Some(ssrc),
        rid: None,
        codec_payload_type: None,
        rtx: None,
        dtx: false,
        scalability_mode: None,
        max_bitrate: None,
    }
}

/// The router's own SSRC of a stream: any that nobody else uses.
fn mapped(ssrc: u32) -> u32 {
    ssrc ^ 0x8000_0000
}
