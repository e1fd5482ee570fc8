//! The RTP parameters of the bench's streams, as the npm package would negotiate them for VP8: the worker has to keep
//! packets for retransmission and to ask for key frames. Packets have no header extension, but for their transport-wide
//! number where all features are asked for.

use worker::schema::rtp_parameters::{
    CodecMapping, EncodingMapping, Integer32, Parameter, RtcpFeedback, RtcpParameters, RtpCodecParameters,
    RtpEncodingParameters, RtpHeaderExtensionParameters, RtpHeaderExtensionUri, RtpMapping, RtpParameters,
    Rtx, Value,
};

use super::Features;
use crate::case::{PAYLOAD_TYPE_IN, PAYLOAD_TYPE_OUT, PAYLOAD_TYPE_RTX, TRANSPORT_NUMBER_ID};

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

/// Asks for more or less than [`published`] and [`consumed`] do.
pub(super) fn adapt(parameters: &mut RtpParameters<'static>, features: Features) {
    match features {
        Features::Usual => {}
        Features::Bare => parameters.codecs.iter_mut().for_each(|codec| codec.rtcp_feedback = None),
        Features::All => {
            let [codec, ..] = parameters.codecs.as_mut_slice() else { return };
            let feedback = RtcpFeedback { r#type: "transport-cc".into(), parameter: None };
            codec.rtcp_feedback.get_or_insert_default().push(feedback);
            parameters.header_extensions.push(RtpHeaderExtensionParameters {
                uri: RtpHeaderExtensionUri::TransportWideCcDraft01,
                id: TRANSPORT_NUMBER_ID,
                encrypt: false,
                parameters: None,
            });
            let media = codec.payload_type;
            let apt = Parameter {
                name: "apt".into(),
                value: Value::Integer32(Box::new(Integer32 { value: media.into() })),
            };
            parameters.codecs.push(RtpCodecParameters {
                mime_type: "video/rtx".into(),
                payload_type: PAYLOAD_TYPE_RTX,
                clock_rate: 90_000,
                channels: None,
                parameters: Some(vec![apt]),
                rtcp_feedback: None,
            });
            for encoding in &mut parameters.encodings {
                encoding.rtx = encoding.ssrc.map(|ssrc| Rtx { ssrc: rtx_ssrc(ssrc) });
            }
        }
    }
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

/// Under which a stream's packets are sent again.
const fn rtx_ssrc(ssrc: u32) -> u32 {
    ssrc ^ 0x4000_0000
}

/// The router's own SSRC of a stream: any that nobody else uses.
fn mapped(ssrc: u32) -> u32 {
    ssrc ^ 0x8000_0000
}
