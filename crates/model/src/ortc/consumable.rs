//! From a producer's parameters to what consumers can be offered: the producer as the router sees it.

use super::Error;
use crate::Invalid;
use crate::rtp::{
    MediaKind, RtcpParameters, RtpCapabilities, RtpCodecCapability, RtpCodecParameters,
    RtpEncodingParameters, RtpHeaderExtension, RtpHeaderExtensionParameters, RtpHeaderExtensionUri,
    RtpMapping, RtpParameters,
};

/// The producer with the router's payload types, ssrcs and header extension ids.
pub fn consumable_rtp_parameters(
    kind: MediaKind,
    producer: &RtpParameters,
    router: &RtpCapabilities,
    mapping: &RtpMapping,
) -> Result<RtpParameters, Error> {
    let extensions = router.header_extensions.iter().filter(|known| is_consumable(known, kind, producer));
    Ok(RtpParameters {
        mid: None,
        codecs: codecs(producer, router, mapping)?,
        header_extensions: extensions.map(header_extension).collect(),
        encodings: encodings(producer, mapping)?,
        rtcp: RtcpParameters { cname: producer.rtcp.cname.clone(), reduced_size: true },
        msid: producer.msid.clone(),
    })
}

/// The router's codecs with the producer's parameters; RTX wherever the router has it, because the router answers
/// its consumers' NACKs itself, whether or not the producer retransmits.
fn codecs(
    producer: &RtpParameters,
    router: &RtpCapabilities,
    mapping: &RtpMapping,
) -> Result<Vec<RtpCodecParameters>, Invalid> {
    let mut codecs = Vec::new();
    for (index, codec) in producer.codecs.iter().enumerate().filter(|(_, codec)| !codec.mime_type.is_rtx()) {
        let payload_type = mapping.mapped_payload_type(codec.payload_type);
        let known = payload_type.and_then(|payload_type| {
            router.codecs.iter().find(|known| known.preferred_payload_type == Some(payload_type))
        });
        let (Some(payload_type), Some(known)) = (payload_type, known) else {
            let field = format!("rtpParameters.codecs[{index}].payloadType");
            return Err(Invalid::new(
                field,
                codec.payload_type,
                "a payload type that the mapping maps to a codec",
            ));
        };
        let mut consumable = as_parameters(known, payload_type);
        consumable.parameters = codec.parameters.clone();
        codecs.push(consumable);
        let rtx = router
            .codecs
            .iter()
            .find(|known| known.mime_type.is_rtx() && known.associated_payload_type() == Some(payload_type));
        codecs.extend(rtx.and_then(|rtx| {
            let mut rtx = as_parameters(rtx, rtx.preferred_payload_type?);
            rtx.channels = None;
            Some(rtx)
        }));
    }
    Ok(codecs)
}

fn as_parameters(known: &RtpCodecCapability, payload_type: crate::id::PayloadType) -> RtpCodecParameters {
    RtpCodecParameters {
        mime_type: known.mime_type.clone(),
        payload_type,
        clock_rate: known.clock_rate,
        channels: known.channels,
        parameters: known.parameters.clone(),
        rtcp_feedback: known.rtcp_feedback.clone(),
    }
}

fn is_consumable(known: &RtpHeaderExtension, kind: MediaKind, producer: &RtpParameters) -> bool {
    // The capture time is passed on, never made. Announced by a producer that does not send it, the far end of a
    // pipe would wait for it for ever.
    let arrives = known.uri != RtpHeaderExtensionUri::AbsCaptureTime
        || producer.header_extensions.iter().any(|extension| extension.uri == known.uri);
    known.kind == kind && known.direction.sends() && arrives
}

fn header_extension(known: &RtpHeaderExtension) -> RtpHeaderExtensionParameters {
    RtpHeaderExtensionParameters {
        uri: known.uri.clone(),
        id: known.preferred_id,
        encrypt: known.preferred_encrypt,
        parameters: Default::default(),
    }
}

fn encodings(producer: &RtpParameters, mapping: &RtpMapping) -> Result<Vec<RtpEncodingParameters>, Invalid> {
    if mapping.encodings.len() < producer.encodings.len() {
        let expected = "at least as many as the producer has encodings";
        return Err(Invalid::new("rtpMapping.encodings.length", mapping.encodings.len(), expected));
    }
    let encoding =
        |(encoding, mapped): (&RtpEncodingParameters, &crate::rtp::EncodingMapping)| RtpEncodingParameters {
            ssrc: Some(mapped.mapped_ssrc),
            rid: None,
            rtx: None,
            codec_payload_type: None,
            ..encoding.clone()
        };
    Ok(producer.encodings.iter().zip(&mapping.encodings).map(encoding).collect())
}
