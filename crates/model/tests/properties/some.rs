//! Dictionaries of which something can come.

use model::id::{PayloadType, Ssrc};
use model::ortc::supported_rtp_capabilities;
use model::rtp::{
    MediaKind, MimeType, ParameterValue, Parameters, RtcpFeedback, RtcpParameters, RtpCapabilities,
    RtpCodecCapability, RtpCodecParameters, RtpEncodingParameters, RtpHeaderExtension,
    RtpHeaderExtensionParameters, RtpParameters, RtxParameters,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

pub(crate) fn kind() -> impl Strategy<Value = MediaKind> {
    select(vec![MediaKind::Audio, MediaKind::Video])
}

pub(crate) fn parameter_value() -> impl Strategy<Value = ParameterValue> {
    prop_oneof![
        any::<bool>().prop_map(ParameterValue::Boolean),
        any::<i32>().prop_map(ParameterValue::Integer),
        any::<f64>()
            .prop_filter("JSON has no others", |value| value.is_finite())
            .prop_map(ParameterValue::number),
        ".{0,8}".prop_map(|text| ParameterValue::from(text.as_str())),
        vec(any::<i32>(), 0..4).prop_map(ParameterValue::IntegerArray),
    ]
}

fn parameters() -> impl Strategy<Value = Parameters> {
    let named = ("[a-z-]{1,4}", parameter_value());
    vec(named, 0..4).prop_map(|values| {
        let mut parameters = Parameters::new();
        values.into_iter().for_each(|(name, value)| parameters.set(&name, value));
        parameters
    })
}

fn payload_type() -> impl Strategy<Value = PayloadType> {
    (0_u8..128).prop_map(|number| PayloadType::new(number).unwrap())
}

fn feedback() -> impl Strategy<Value = Vec<RtcpFeedback>> {
    let known =
        [("nack", ""), ("nack", "pli"), ("ccm", "fir"), ("goog-remb", ""), ("transport-cc", ""), ("x", "y")];
    let known = known.map(|(kind, parameter)| RtcpFeedback::new(kind, parameter)).to_vec();
    let length = known.len();
    subsequence(known, 0..=length)
}

/// Codecs for a router: those that are supported, with or without wishes for payload types.
pub(crate) fn media_codecs() -> impl Strategy<Value = Vec<RtpCodecCapability>> {
    let supported = supported_rtp_capabilities().codecs;
    let length = supported.len();
    subsequence(supported, 0..=length).prop_flat_map(|codecs| {
        let wishes = vec(of(payload_type()), codecs.len());
        (Just(codecs), wishes).prop_map(|(mut codecs, wishes)| {
            for (codec, wish) in codecs.iter_mut().zip(wishes) {
                codec.preferred_payload_type = wish.filter(|wish| wish.number() % 16 == 0);
            }
            codecs
        })
    })
}

/// What a client can do: some of what routers can, in its own order, and something else.
pub(crate) fn rtp_capabilities() -> impl Strategy<Value = RtpCapabilities> {
    let supported = supported_rtp_capabilities();
    let rtx = RtpCodecCapability {
        kind: MediaKind::Video,
        mime_type: MimeType::rtx(MediaKind::Video),
        preferred_payload_type: None,
        clock_rate: 90000,
        channels: None,
        parameters: [("apt", 96)].into_iter().collect(),
        rtcp_feedback: Vec::new(),
    };
    let codec = (select([supported.codecs, vec![rtx]].concat()), of(payload_type()), feedback()).prop_map(
        |(mut codec, preferred_payload_type, rtcp_feedback)| {
            codec.preferred_payload_type = preferred_payload_type;
            codec.rtcp_feedback = rtcp_feedback;
            codec
        },
    );
    let extension = (select(supported.header_extensions), prop_oneof![9 => Just(0_u8), 1 => 1_u8..5])
        .prop_map(|(mut extension, off): (RtpHeaderExtension, u8)| {
            extension.preferred_id += off;
            extension
        });
    (vec(codec, 0..12), vec(extension, 0..20))
        .prop_map(|(codecs, header_extensions)| RtpCapabilities { codecs, header_extensions })
}

/// A producer of one or two supported codecs, most with RTX.
pub(crate) fn producer() -> impl Strategy<Value = RtpParameters> {
    let media = vec((select(supported_rtp_capabilities().codecs), any::<bool>()), 1..3);
    (media, vec(encoding(), 1..4)).prop_map(|(media, encodings)| {
        let mut codecs = Vec::new();
        for ((known, rtx), number) in media.into_iter().zip((96..).step_by(2)) {
            let media = codec(&known, PayloadType::new(number).unwrap());
            let mut rtx_codec = media.clone();
            codecs.push(media);
            if rtx && known.kind == MediaKind::Video {
                rtx_codec.mime_type = MimeType::rtx(MediaKind::Video);
                rtx_codec.payload_type = PayloadType::new(number + 1).unwrap();
                rtx_codec.parameters = [("apt", i32::from(number))].into_iter().collect();
                codecs.push(rtx_codec);
            }
        }
        RtpParameters { codecs, encodings, ..RtpParameters::default() }
    })
}

fn codec(known: &RtpCodecCapability, payload_type: PayloadType) -> RtpCodecParameters {
    RtpCodecParameters {
        mime_type: known.mime_type.clone(),
        payload_type,
        clock_rate: known.clock_rate,
        channels: known.channels,
        parameters: known.parameters.clone(),
        rtcp_feedback: Vec::new(),
    }
}

/// Parameters with anything in them that can be said.
pub(crate) fn rtp_parameters() -> impl Strategy<Value = RtpParameters> {
    let codec =
        (select(supported_rtp_capabilities().codecs), payload_type(), parameters(), feedback(), of(0_u8..9))
            .prop_map(|(known, payload_type, parameters, rtcp_feedback, channels)| RtpCodecParameters {
                parameters,
                rtcp_feedback,
                channels,
                ..codec(&known, payload_type)
            });
    let extension =
        (select(supported_rtp_capabilities().header_extensions), any::<u8>(), any::<bool>(), parameters())
            .prop_map(|(known, id, encrypt, parameters)| RtpHeaderExtensionParameters {
                uri: known.uri,
                id,
                encrypt,
                parameters,
            });
    let text = || of("[a-z ]{0,5}".prop_map(|text| Box::<str>::from(text.as_str())));
    let rtcp =
        (text(), any::<bool>()).prop_map(|(cname, reduced_size)| RtcpParameters { cname, reduced_size });
    (text(), vec(codec, 0..4), vec(extension, 0..4), vec(encoding(), 0..4), rtcp, text()).prop_map(
        |(mid, codecs, header_extensions, encodings, rtcp, msid)| RtpParameters {
            mid,
            codecs,
            header_extensions,
            encodings,
            rtcp,
            msid,
        },
    )
}

fn encoding() -> impl Strategy<Value = RtpEncodingParameters> {
    let ssrc = || of(any::<u32>().prop_map(Ssrc));
    let mode = of(prop_oneof![Just("L1T3"), Just("L3T3_KEY"), Just("nonsense")]);
    (ssrc(), of("r[0-9]"), of(payload_type()), ssrc(), of(any::<bool>()), mode, of(any::<u64>())).prop_map(
        |(ssrc, rid, codec_payload_type, rtx, dtx, mode, max_bitrate)| RtpEncodingParameters {
            ssrc,
            rid: rid.map(|rid| rid.as_str().into()),
            codec_payload_type,
            rtx: rtx.map(|ssrc| RtxParameters { ssrc }),
            dtx,
            scalability_mode: mode.map(Into::into),
            max_bitrate,
        },
    )
}
