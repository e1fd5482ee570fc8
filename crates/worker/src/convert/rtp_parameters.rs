//! The ORTC dictionaries.

use model::Invalid;
use model::id::{PayloadType, Ssrc};
use model::rtp;
use model::rtp::{MediaKind, ParameterValue, Parameters};
use model::score::{ConsumerType, ProducerType};

use super::{given, list, mime_type, try_list, within, words};
use crate::flat::Str;
use crate::schema::rtp_parameters as schema;

words! {
    MediaKind, schema::MediaKind: Audio = Audio, Video = Video;
    ConsumerType, schema::Type: Simple = Simple, Simulcast = Simulcast, Svc = Svc, Pipe = Pipe;
}

impl From<ProducerType> for schema::Type {
    fn from(kind: ProducerType) -> Self {
        match kind {
            ProducerType::Simple => Self::Simple,
            ProducerType::Simulcast => Self::Simulcast,
            ProducerType::Svc => Self::Svc,
        }
    }
}

impl TryFrom<schema::RtpParameters<'_>> for rtp::RtpParameters {
    type Error = Invalid;

    fn try_from(from: schema::RtpParameters<'_>) -> Result<Self, Invalid> {
        Ok(Self {
            mid: given(from.mid),
            codecs: try_list(from.codecs, "codecs")?,
            header_extensions: from.header_extensions.into_iter().map(Into::into).collect(),
            encodings: try_list(from.encodings, "encodings")?,
            rtcp: from.rtcp.into(),
            msid: given(from.msid),
        })
    }
}

impl<'a> From<&'a rtp::RtpParameters> for schema::RtpParameters<'a> {
    fn from(from: &'a rtp::RtpParameters) -> Self {
        Self {
            mid: from.mid.as_deref().map(Into::into),
            codecs: list(&from.codecs),
            header_extensions: from.header_extensions.iter().filter_map(extension).collect(),
            encodings: list(&from.encodings),
            rtcp: (&from.rtcp).into(),
            msid: from.msid.as_deref().map(Into::into),
        }
    }
}

impl TryFrom<schema::RtpCodecParameters<'_>> for rtp::RtpCodecParameters {
    type Error = Invalid;

    fn try_from(from: schema::RtpCodecParameters<'_>) -> Result<Self, Invalid> {
        Ok(Self {
            mime_type: mime_type::known(&from.mime_type)?,
            payload_type: payload_type(from.payload_type, "payloadType")?,
            clock_rate: from.clock_rate,
            channels: several(from.channels),
            parameters: parameters(from.parameters),
            rtcp_feedback: from.rtcp_feedback.into_iter().flatten().map(Into::into).collect(),
        })
    }
}

impl<'a> From<&'a rtp::RtpCodecParameters> for schema::RtpCodecParameters<'a> {
    fn from(from: &'a rtp::RtpCodecParameters) -> Self {
        Self {
            mime_type: from.mime_type.as_str().into(),
            payload_type: from.payload_type.number(),
            clock_rate: from.clock_rate,
            channels: several(from.channels),
            parameters: Some(parameter_tables(&from.parameters)),
            rtcp_feedback: Some(list(&from.rtcp_feedback)),
        }
    }
}

impl From<schema::RtcpFeedback<'_>> for rtp::RtcpFeedback {
    fn from(from: schema::RtcpFeedback<'_>) -> Self {
        Self { kind: from.r#type.into(), parameter: given(from.parameter) }
    }
}

impl<'a> From<&'a rtp::RtcpFeedback> for schema::RtcpFeedback<'a> {
    fn from(from: &'a rtp::RtcpFeedback) -> Self {
        // The package takes a parameter that is there for one that says something.
        let parameter = from.parameter.as_deref().filter(|parameter| !parameter.is_empty());
        Self { r#type: (&*from.kind).into(), parameter: parameter.map(Into::into) }
    }
}

impl From<schema::RtpHeaderExtensionParameters<'_>> for rtp::RtpHeaderExtensionParameters {
    fn from(from: schema::RtpHeaderExtensionParameters<'_>) -> Self {
        Self {
            uri: from.uri.into(),
            id: from.id,
            encrypt: from.encrypt,
            parameters: parameters(from.parameters),
        }
    }
}

/// Nothing for an extension that routers do not know; no stream uses one.
fn extension(from: &rtp::RtpHeaderExtensionParameters) -> Option<schema::RtpHeaderExtensionParameters<'_>> {
    Some(schema::RtpHeaderExtensionParameters {
        uri: extension_uri(&from.uri)?,
        id: from.id,
        encrypt: from.encrypt,
        parameters: Some(parameter_tables(&from.parameters)),
    })
}

macro_rules! uris {
    ($($ours:ident = $theirs:ident),+ $(,)?) => {
        impl From<schema::RtpHeaderExtensionUri> for rtp::RtpHeaderExtensionUri {
            fn from(uri: schema::RtpHeaderExtensionUri) -> Self {
                match uri { $(schema::RtpHeaderExtensionUri::$theirs => Self::$ours,)+ }
            }
        }

        fn extension_uri(uri: &rtp::RtpHeaderExtensionUri) -> Option<schema::RtpHeaderExtensionUri> {
            match uri {
                $(rtp::RtpHeaderExtensionUri::$ours => Some(schema::RtpHeaderExtensionUri::$theirs),)+
                rtp::RtpHeaderExtensionUri::Other(_) => None,
            }
        }
    };
}

uris! {
    Mid = Mid, RtpStreamId = RtpStreamId, RepairedRtpStreamId = RepairRtpStreamId, AbsSendTime = AbsSendTime,
    TransportWideCc = TransportWideCcDraft01, SsrcAudioLevel = SsrcAudioLevel,
    DependencyDescriptor = DependencyDescriptor, VideoOrientation = VideoOrientation, TimeOffset = TimeOffset,
    AbsCaptureTime = AbsCaptureTime, PlayoutDelay = PlayoutDelay, MediasoupPacketId = MediasoupPacketId,
}

impl TryFrom<schema::RtpEncodingParameters<'_>> for rtp::RtpEncodingParameters {
    type Error = Invalid;

    fn try_from(from: schema::RtpEncodingParameters<'_>) -> Result<Self, Invalid> {
        let codec = from.codec_payload_type.map(|number| payload_type(number, "codecPayloadType"));
        Ok(Self {
            ssrc: from.ssrc.map(Ssrc),
            rid: given(from.rid),
            codec_payload_type: codec.transpose()?,
            rtx: from.rtx.map(|rtx| rtp::RtxParameters { ssrc: Ssrc(rtx.ssrc) }),
            dtx: Some(from.dtx),
            scalability_mode: given(from.scalability_mode).map(rtp::ScalabilityMode::from),
            max_bitrate: from.max_bitrate,
        })
    }
}

impl<'a> From<&'a rtp::RtpEncodingParameters> for schema::RtpEncodingParameters<'a> {
    fn from(from: &'a rtp::RtpEncodingParameters) -> Self {
        Self {
            ssrc: from.ssrc.map(|ssrc| ssrc.0),
            rid: from.rid.as_deref().map(Into::into),
            codec_payload_type: from.codec_payload_type.map(PayloadType::number),
            rtx: from.rtx.map(|rtx| schema::Rtx { ssrc: rtx.ssrc.0 }),
            dtx: from.dtx.unwrap_or_default(),
            scalability_mode: from.scalability_mode.as_ref().map(|mode| mode.as_str().into()),
            max_bitrate: from.max_bitrate,
        }
    }
}

impl From<schema::RtcpParameters<'_>> for rtp::RtcpParameters {
    fn from(from: schema::RtcpParameters<'_>) -> Self {
        Self { cname: given(from.cname), reduced_size: from.reduced_size }
    }
}

impl<'a> From<&'a rtp::RtcpParameters> for schema::RtcpParameters<'a> {
    fn from(from: &'a rtp::RtcpParameters) -> Self {
        Self { cname: from.cname.as_deref().map(Into::into), reduced_size: from.reduced_size }
    }
}

impl TryFrom<schema::RtpMapping<'_>> for rtp::RtpMapping {
    type Error = Invalid;

    fn try_from(from: schema::RtpMapping<'_>) -> Result<Self, Invalid> {
        let encoding = |from: schema::EncodingMapping<'_>| rtp::EncodingMapping {
            ssrc: from.ssrc.map(Ssrc),
            rid: given(from.rid),
            mapped_ssrc: Ssrc(from.mapped_ssrc),
        };
        Ok(Self {
            codecs: try_list(from.codecs, "codecs")?,
            encodings: from.encodings.into_iter().map(encoding).collect(),
        })
    }
}

impl TryFrom<schema::CodecMapping> for rtp::CodecMapping {
    type Error = Invalid;

    fn try_from(from: schema::CodecMapping) -> Result<Self, Invalid> {
        Ok(Self {
            payload_type: payload_type(from.payload_type, "payloadType")?,
            mapped_payload_type: payload_type(from.mapped_payload_type, "mappedPayloadType")?,
        })
    }
}

impl<'a> From<&'a rtp::RtpMapping> for schema::RtpMapping<'a> {
    fn from(from: &'a rtp::RtpMapping) -> Self {
        let codec = |from: &rtp::CodecMapping| schema::CodecMapping {
            payload_type: from.payload_type.number(),
            mapped_payload_type: from.mapped_payload_type.number(),
        };
        let encoding = |from: &'a rtp::EncodingMapping| schema::EncodingMapping {
            rid: from.rid.as_deref().map(Into::into),
            ssrc: from.ssrc.map(|ssrc| ssrc.0),
            mapped_ssrc: from.mapped_ssrc.0,
        };
        Self {
            codecs: from.codecs.iter().map(codec).collect(),
            encodings: from.encodings.iter().map(encoding).collect(),
        }
    }
}

/// The parameters and mapping of a producer; errors name the field from the top.
pub(crate) fn produced(
    rtp_parameters: schema::RtpParameters<'_>,
    rtp_mapping: schema::RtpMapping<'_>,
) -> Result<(rtp::RtpParameters, rtp::RtpMapping), Invalid> {
    let rtp_parameters = rtp_parameters.try_into().map_err(|why| within("rtpParameters", why))?;
    let rtp_mapping = rtp_mapping.try_into().map_err(|why| within("rtpMapping", why))?;
    Ok((rtp_parameters, rtp_mapping))
}

fn payload_type(number: u8, field: &str) -> Result<PayloadType, Invalid> {
    PayloadType::new(number).ok_or_else(|| Invalid::new(field, number, "an integer from 0 to 127"))
}

/// One channel goes without saying; the package writes 0 for it.
fn several(channels: Option<u8>) -> Option<u8> {
    channels.filter(|&channels| channels > 1)
}

fn parameters(from: Option<Vec<schema::Parameter<'_>>>) -> Parameters {
    let mut to = Parameters::new();
    for parameter in from.into_iter().flatten() {
        if let Some(value) = value(parameter.value) {
            to.set(&parameter.name, value);
        }
    }
    to
}

fn value(from: schema::Value<'_>) -> Option<ParameterValue> {
    Some(match from {
        schema::Value::None => return None,
        schema::Value::Boolean(value) => ParameterValue::Boolean(value.value != 0),
        schema::Value::Integer32(value) => ParameterValue::Integer(value.value),
        schema::Value::Double(value) => ParameterValue::number(value.value),
        schema::Value::String(value) => ParameterValue::String(value.value.into()),
        schema::Value::Integer32Array(value) => ParameterValue::IntegerArray(value.value.unwrap_or_default()),
    })
}

fn parameter_tables(from: &Parameters) -> Vec<schema::Parameter<'_>> {
    from.iter()
        .map(|(name, value)| schema::Parameter { name: name.into(), value: value_table(value) })
        .collect()
}

fn value_table(from: &ParameterValue) -> schema::Value<'_> {
    match from {
        ParameterValue::Boolean(value) => {
            schema::Value::Boolean(Box::new(schema::Boolean { value: (*value).into() }))
        }
        ParameterValue::Integer(value) => {
            schema::Value::Integer32(Box::new(schema::Integer32 { value: *value }))
        }
        ParameterValue::Double(value) => schema::Value::Double(Box::new(schema::Double { value: *value })),
        ParameterValue::String(value) => {
            schema::Value::String(Box::new(schema::String { value: Str::from(&**value) }))
        }
        ParameterValue::IntegerArray(value) => {
            schema::Value::Integer32Array(Box::new(schema::Integer32Array { value: Some(value.clone()) }))
        }
    }
}
