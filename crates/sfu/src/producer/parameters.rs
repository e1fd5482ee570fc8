//! Whether a producer's parameters and mapping make sense together, and what kind of producer they make.
//!
//! Control and the front doors have read the dictionaries; here is checked what no dictionary can know alone.

use model::id::PayloadType;
use model::rtp::{
    LayerCount, MediaKind, RtpCodecParameters, RtpEncodingParameters, RtpMapping, RtpParameters,
};
use model::score::ProducerType;

use crate::Unacceptable;

/// Checks `parameters` of a producer of `kind` against themselves and against `mapping`.
///
/// # Errors
/// [`Unacceptable`] names the first field that is wrong.
pub fn validate(
    kind: MediaKind,
    parameters: &RtpParameters,
    mapping: &RtpMapping,
) -> Result<ProducerType, Unacceptable> {
    codecs(kind, parameters)?;
    encodings(parameters)?;
    if let Some(at) = parameters.header_extensions.iter().position(|extension| extension.id == 0) {
        let field = format!("rtpParameters.headerExtensions[{at}].id");
        return Err(Unacceptable::new(field, 0, "it must be at least 1 (RFC 8285 §4.2)"));
    }
    if parameters.rtcp.cname.as_deref().is_none_or(str::is_empty) {
        return Err(Unacceptable::new(
            "rtpParameters.rtcp.cname",
            "missing",
            "it must be a non-empty string",
        ));
    }
    consistent(parameters, mapping)?;
    producer_type(parameters)
}

/// The codec of an encoding: the one it names, else the first that carries media.
pub(super) fn codec_of<'a>(
    parameters: &'a RtpParameters,
    encoding: &RtpEncodingParameters,
) -> Option<&'a RtpCodecParameters> {
    parameters.codecs.iter().find(|codec| match encoding.codec_payload_type {
        Some(payload_type) => codec.payload_type == payload_type,
        None => carries_media(codec),
    })
}

/// The RTX codec that retransmits `media`.
pub(super) fn rtx_of(parameters: &RtpParameters, media: PayloadType) -> Option<&RtpCodecParameters> {
    let mut codecs = parameters.codecs.iter();
    codecs.find(|codec| codec.mime_type.is_rtx() && codec.associated_payload_type() == Some(media))
}

fn codecs(kind: MediaKind, parameters: &RtpParameters) -> Result<(), Unacceptable> {
    let codecs = &parameters.codecs;
    if !codecs.iter().any(carries_media) {
        let expected = "it must have a codec that carries media";
        return Err(Unacceptable::new(
            "rtpParameters.codecs",
            format_args!("{} codecs", codecs.len()),
            expected,
        ));
    }
    for (at, codec) in codecs.iter().enumerate() {
        let field = |name: &str| format!("rtpParameters.codecs[{at}].{name}");
        if codec.mime_type.kind() != kind || !KNOWN.iter().any(|known| codec.mime_type.is(known)) {
            let expected = "it must be a codec of the producer's kind that routers know";
            return Err(Unacceptable::new(field("mimeType"), &codec.mime_type, expected));
        }
        if codecs.iter().take(at).any(|other| other.payload_type == codec.payload_type) {
            let expected = "each codec must have a payload type of its own";
            return Err(Unacceptable::new(field("payloadType"), codec.payload_type, expected));
        }
        if codec.mime_type.is_rtx() {
            // RFC 4588 §8.6.
            let apt = codec.associated_payload_type();
            let media = |other: &RtpCodecParameters| carries_media(other) && Some(other.payload_type) == apt;
            if !codecs.iter().any(media) {
                let value = apt.map_or_else(|| "missing".to_owned(), |apt| apt.to_string());
                let expected = "it must be the payload type of a media codec of these parameters";
                return Err(Unacceptable::new(field("parameters.apt"), value, expected));
            }
        }
    }
    Ok(())
}

fn encodings(parameters: &RtpParameters) -> Result<(), Unacceptable> {
    if parameters.encodings.is_empty() {
        return Err(Unacceptable::new(
            "rtpParameters.encodings",
            "empty",
            "it must have at least one encoding",
        ));
    }
    if parameters.encodings.len() > ENCODINGS_LIMIT {
        let value = format_args!("{} encodings", parameters.encodings.len());
        return Err(Unacceptable::new("rtpParameters.encodings", value, "it must have at most 64 encodings"));
    }
    for (at, encoding) in parameters.encodings.iter().enumerate() {
        if !codec_of(parameters, encoding).is_some_and(carries_media) {
            let value = encoding.codec_payload_type.map(PayloadType::number).unwrap_or_default();
            let field = format!("rtpParameters.encodings[{at}].codecPayloadType");
            return Err(Unacceptable::new(field, value, "it must be the payload type of a media codec"));
        }
        let is_named = |name: Option<&str>| name.is_some_and(|name| !name.is_empty());
        let is_known = encoding.ssrc.is_some() || is_named(encoding.rid.as_deref());
        if !is_known && !is_named(parameters.mid.as_deref()) {
            let field = format!("rtpParameters.encodings[{at}]");
            let expected = "its packets must be known by an ssrc or a rid, or all of the producer's by a mid";
            return Err(Unacceptable::new(field, "without ssrc and rid", expected));
        }
    }
    Ok(())
}

fn consistent(parameters: &RtpParameters, mapping: &RtpMapping) -> Result<(), Unacceptable> {
    let (count, mapped) = (parameters.encodings.len(), mapping.encodings.len());
    if count != mapped {
        let expected = "it must have one entry per encoding of rtpParameters";
        return Err(Unacceptable::new("rtpMapping.encodings", format_args!("{mapped} entries"), expected));
    }
    for (at, (encoding, mapped)) in parameters.encodings.iter().zip(&mapping.encodings).enumerate() {
        let field = |name: &str| format!("rtpMapping.encodings[{at}].{name}");
        // The channel cannot tell zero from absent.
        let taken = mapping.encodings.iter().take(at).any(|other| other.mapped_ssrc == mapped.mapped_ssrc);
        if mapped.mapped_ssrc.0 == 0 || taken {
            let expected = "each encoding must have a mapped ssrc of its own, other than 0";
            return Err(Unacceptable::new(field("mappedSsrc"), mapped.mapped_ssrc, expected));
        }
        if let Some(ssrc) = mapped.ssrc.filter(|ssrc| encoding.ssrc.is_some_and(|given| given != *ssrc)) {
            let expected = "it must be the ssrc of the encoding at the same place";
            return Err(Unacceptable::new(field("ssrc"), ssrc, expected));
        }
        let rid = mapped.rid.as_deref().filter(|rid| !rid.is_empty());
        if let Some(rid) = rid.filter(|rid| encoding.rid.as_deref().is_some_and(|given| given != *rid)) {
            let expected = "it must be the rid of the encoding at the same place";
            return Err(Unacceptable::new(field("rid"), format_args!("{rid:?}"), expected));
        }
    }
    Ok(())
}

fn producer_type(parameters: &RtpParameters) -> Result<ProducerType, Unacceptable> {
    let (producer_type, able) = match &*parameters.encodings {
        [encoding] if layers(encoding).is_layered() => (ProducerType::Svc, SVC),
        [_] | [] => return Ok(ProducerType::Simple),
        [..] => (ProducerType::Simulcast, SIMULCAST),
    };
    for (at, encoding) in parameters.encodings.iter().enumerate() {
        if producer_type == ProducerType::Simulcast && layers(encoding).spatial > 1 {
            let field = format!("rtpParameters.encodings[{at}].scalabilityMode");
            let value = encoding.scalability_mode.as_ref().map(|mode| mode.as_str()).unwrap_or_default();
            return Err(Unacceptable::new(field, value, "simulcast allows one spatial layer per encoding"));
        }
        let codec = codec_of(parameters, encoding);
        if let Some(codec) = codec.filter(|codec| !able.iter().any(|able| codec.mime_type.is(able))) {
            let expected = match producer_type {
                ProducerType::Simulcast => "several encodings are for VP8 and H264",
                ProducerType::Simple | ProducerType::Svc => "layers are for VP8, VP9, H264 and AV1",
            };
            let field = format!("the codec of rtpParameters.encodings[{at}]");
            return Err(Unacceptable::new(field, &codec.mime_type, expected));
        }
    }
    Ok(producer_type)
}

pub(crate) fn layers(encoding: &RtpEncodingParameters) -> LayerCount {
    encoding.scalability_mode.as_ref().map(|mode| mode.layers()).unwrap_or_default()
}

pub(crate) fn carries_media(codec: &RtpCodecParameters) -> bool {
    let subtype = codec.mime_type.subtype();
    !REPAIR.iter().any(|repair| subtype.eq_ignore_ascii_case(repair))
}

/// Nobody sends so many; who is asked for key frames is kept in as many bits.
pub(crate) const ENCODINGS_LIMIT: usize = 64;

/// What repairs or accompanies media rather than being it.
const REPAIR: &[&str] = &["rtx", "ulpfec", "flexfec", "x-ulpfecuc", "red", "CN", "telephone-event"];

const SIMULCAST: &[&str] = &["video/VP8", "video/H264"];
const SVC: &[&str] = &["video/VP8", "video/VP9", "video/H264", "video/AV1"];

/// MIME types that the worker's protocol accepts.
const KNOWN: &[&str] = &[
    "audio/opus",
    "audio/multiopus",
    "audio/PCMA",
    "audio/PCMU",
    "audio/ISAC",
    "audio/G722",
    "audio/iLBC",
    "audio/SILK",
    "audio/CN",
    "audio/telephone-event",
    "audio/rtx",
    "audio/ulpfec",
    "audio/flexfec",
    "audio/red",
    "video/VP8",
    "video/VP9",
    "video/H264",
    "video/X-H264UC",
    "video/H265",
    "video/AV1",
    "video/rtx",
    "video/ulpfec",
    "video/flexfec",
    "video/x-ulpfecuc",
    "video/red",
];
