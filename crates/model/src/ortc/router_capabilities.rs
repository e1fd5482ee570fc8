//! From the codecs an application asks for to the capabilities of its router.

use super::matching::same_family;
use super::supported::supported_rtp_capabilities;
use super::validate::validate_rtp_codec_capability;
use super::{Error, Exhausted, Unsupported};
use crate::Invalid;
use crate::id::PayloadType;
use crate::rtp::{MediaKind, MimeType, Parameters, RtpCapabilities, RtpCodecCapability};

/// The capabilities of a router with these media codecs: each with a payload type of its own, video with RTX.
pub fn router_rtp_capabilities(media_codecs: &[RtpCodecCapability]) -> Result<RtpCapabilities, Error> {
    let supported = supported_rtp_capabilities();
    let mut dynamic = DynamicPayloadTypes::new();
    let mut codecs: Vec<RtpCodecCapability> = Vec::new();
    for (index, media_codec) in media_codecs.iter().enumerate() {
        let asked = validate_rtp_codec_capability(media_codec.clone())?;
        let mut codec = supported
            .codecs
            .iter()
            .find(|supported| same_family(&asked, *supported))
            .ok_or_else(|| Unsupported::media_codec(&asked.mime_type, asked.clock_rate))?
            .clone();
        let payload_type = match (asked.preferred_payload_type, codec.preferred_payload_type) {
            (Some(asked), _) => {
                dynamic.give_away(asked);
                asked
            }
            (None, Some(assigned)) => assigned,
            (None, None) => dynamic.next().ok_or(Exhausted)?,
        };
        if codecs.iter().any(|known| known.preferred_payload_type == Some(payload_type)) {
            let field = format!("mediaCodecs[{index}].preferredPayloadType");
            return Err(Invalid::new(field, payload_type, "a payload type that no other codec has").into());
        }
        codec.preferred_payload_type = Some(payload_type);
        asked.parameters.iter().for_each(|(name, value)| codec.parameters.set(name, value.clone()));
        let rtx = match codec.kind {
            MediaKind::Audio => None,
            MediaKind::Video => Some(rtx_for(&codec, payload_type, dynamic.next().ok_or(Exhausted)?)),
        };
        codecs.push(codec);
        codecs.extend(rtx);
    }
    Ok(RtpCapabilities { codecs, header_extensions: supported.header_extensions })
}

/// The retransmission codec of a media codec (RFC 4588 §8.6).
fn rtx_for(media: &RtpCodecCapability, apt: PayloadType, payload_type: PayloadType) -> RtpCodecCapability {
    RtpCodecCapability {
        kind: media.kind,
        mime_type: MimeType::rtx(media.kind),
        preferred_payload_type: Some(payload_type),
        clock_rate: media.clock_rate,
        channels: None,
        parameters: Parameters::from_iter([("apt", i32::from(apt.number()))]),
        rtcp_feedback: Vec::new(),
    }
}

/// Payload types that nobody has yet, in the order in which they are given away.
struct DynamicPayloadTypes {
    taken: [bool; 128],
}

impl DynamicPayloadTypes {
    fn new() -> Self {
        Self { taken: [false; 128] }
    }

    fn give_away(&mut self, payload_type: PayloadType) {
        if let Some(taken) = self.taken.get_mut(usize::from(payload_type.number())) {
            *taken = true;
        }
    }

    fn next(&mut self) -> Option<PayloadType> {
        // The dynamic range is 96 to 127 (RFC 3551 §6); clients of old know 100 as the first.
        let number =
            (100..128).chain(96..100).find(|number| self.taken.get(usize::from(*number)) == Some(&false))?;
        let payload_type = PayloadType::new(number)?;
        self.give_away(payload_type);
        Some(payload_type)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn codec(value: serde_json::Value) -> RtpCodecCapability {
        RtpCodecCapability::from_json(&value).unwrap()
    }

    fn payload_types(capabilities: &RtpCapabilities) -> Vec<u8> {
        let number = |codec: &RtpCodecCapability| codec.preferred_payload_type.map(PayloadType::number);
        capabilities.codecs.iter().filter_map(number).collect()
    }

    #[test]
    fn payload_types_are_given_in_order_and_video_gets_rtx() {
        let capabilities = router_rtp_capabilities(&[
            codec(json!({ "mimeType": "audio/opus", "clockRate": 48000, "channels": 2 })),
            codec(json!({ "mimeType": "video/vp8", "clockRate": 90000 })),
            codec(json!({ "mimeType": "audio/pcmu", "clockRate": 8000 })),
        ])
        .unwrap();
        assert_eq!(payload_types(&capabilities), [100, 101, 102, 0]);
        assert_eq!(capabilities.codecs[1].mime_type.as_str(), "video/VP8");
        assert_eq!(capabilities.codecs[2].associated_payload_type(), PayloadType::new(101));
    }

    #[test]
    fn a_preferred_payload_type_is_kept_and_not_given_twice() {
        let vp8 = |preferred| {
            codec(json!({ "mimeType": "video/VP8", "clockRate": 90000, "preferredPayloadType": preferred }))
        };
        assert_eq!(payload_types(&router_rtp_capabilities(&[vp8(100)]).unwrap()), [100, 101]);
        let error = router_rtp_capabilities(&[vp8(110), vp8(110)]).unwrap_err();
        assert!(error.to_string().starts_with("mediaCodecs[1].preferredPayloadType is 110;"), "{error}");
    }

    #[test]
    fn payload_types_run_out() {
        let vp8 = codec(json!({ "mimeType": "video/VP8", "clockRate": 90000 }));
        assert!(router_rtp_capabilities(&vec![vp8.clone(); 16]).is_ok());
        assert_eq!(router_rtp_capabilities(&vec![vp8; 17]), Err(Error::Exhausted(Exhausted)));
    }

    #[test]
    fn an_unknown_codec_is_unsupported() {
        let error = router_rtp_capabilities(&[codec(json!({ "mimeType": "audio/opus", "clockRate": 8000 }))]);
        assert!(matches!(error, Err(Error::Unsupported(_))));
    }
}
