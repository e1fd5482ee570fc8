//! From a producer's parameters to what its packets carry inside the router.

use super::matching::same_codec;
use super::{Error, Unsupported, h264};
use crate::Invalid;
use crate::id::Ssrc;
use crate::rtp::{CodecMapping, EncodingMapping, RtpCapabilities, RtpMapping, RtpParameters};

/// Maps payload types to those of the router, and encodings to ssrcs in a row from `first_mapped_ssrc`, which is the
/// caller's randomness. Where the router and the producer agree on another H.264 level than the producer offered, its
/// parameters say so afterwards.
pub fn producer_rtp_mapping(
    parameters: &mut RtpParameters,
    router: &RtpCapabilities,
    first_mapped_ssrc: Ssrc,
) -> Result<RtpMapping, Error> {
    // For every codec of the producer the index of the router's.
    let mut matched: Vec<Option<usize>> = vec![None; parameters.codecs.len()];
    for (codec, matched) in parameters.codecs.iter_mut().zip(&mut matched) {
        if codec.mime_type.is_rtx() {
            continue;
        }
        let index = router.codecs.iter().position(|known| same_codec(&*codec, known));
        *matched = index;
        let known = index
            .and_then(|index| router.codecs.get(index))
            .ok_or_else(|| Unsupported::producer_codec(&codec.mime_type, codec.payload_type))?;
        if codec.mime_type.is("video/H264") {
            match h264::answer(&codec.parameters, &known.parameters) {
                Some(id) => codec.parameters.set(h264::PROFILE_LEVEL_ID, id.as_str()),
                None => codec.parameters.remove(h264::PROFILE_LEVEL_ID),
            }
        }
    }
    for index in 0..parameters.codecs.len() {
        let Some(codec) = parameters.codecs.get(index).filter(|codec| codec.mime_type.is_rtx()) else {
            continue;
        };
        let rtx = rtx_of(parameters, router, &matched, index)?
            .ok_or(Unsupported::ProducerRtx { payload_type: codec.payload_type })?;
        matched.iter_mut().skip(index).take(1).for_each(|matched| *matched = Some(rtx));
    }
    Ok(RtpMapping {
        codecs: codec_mappings(parameters, router, &matched),
        encodings: encoding_mappings(parameters, first_mapped_ssrc),
    })
}

/// The router's RTX codec for the media codec that the producer's RTX codec of that index names.
fn rtx_of(
    parameters: &RtpParameters,
    router: &RtpCapabilities,
    matched: &[Option<usize>],
    index: usize,
) -> Result<Option<usize>, Invalid> {
    let apt = parameters.codecs.get(index).and_then(|codec| codec.associated_payload_type());
    let media = parameters.codecs.iter().position(|codec| Some(codec.payload_type) == apt);
    let Some(media) = media.and_then(|media| matched.get(media).copied().flatten()) else {
        let field = format!("rtpParameters.codecs[{index}].parameters.apt");
        let shown = apt.map_or_else(|| "missing".to_owned(), |apt| apt.to_string());
        return Err(Invalid::new(field, shown, "the payload type of a media codec in the same list"));
    };
    let media = router.codecs.get(media).and_then(|codec| codec.preferred_payload_type);
    Ok(router.codecs.iter().position(|known| {
        known.mime_type.is_rtx() && media.is_some() && known.associated_payload_type() == media
    }))
}

/// Media first, then RTX, each in the producer's order.
fn codec_mappings(
    parameters: &RtpParameters,
    router: &RtpCapabilities,
    matched: &[Option<usize>],
) -> Vec<CodecMapping> {
    let mapping = |rtx: bool| {
        parameters
            .codecs
            .iter()
            .zip(matched)
            .filter(move |(codec, _)| codec.mime_type.is_rtx() == rtx)
            .filter_map(|(codec, matched)| {
                let mapped_payload_type = router.codecs.get((*matched)?)?.preferred_payload_type?;
                Some(CodecMapping { payload_type: codec.payload_type, mapped_payload_type })
            })
    };
    mapping(false).chain(mapping(true)).collect()
}

fn encoding_mappings(parameters: &RtpParameters, first: Ssrc) -> Vec<EncodingMapping> {
    let mapping = |(index, encoding): (usize, &crate::rtp::RtpEncodingParameters)| EncodingMapping {
        ssrc: encoding.ssrc,
        rid: encoding.rid.clone(),
        mapped_ssrc: first.after(index),
    };
    parameters.encodings.iter().enumerate().map(mapping).collect()
}
