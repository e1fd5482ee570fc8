//! What every router could do, if asked to: the facts of mediasoup 3.27.1.

use crate::id::PayloadType;
use crate::rtp::{
    MediaKind, MimeType, ParameterValue, Parameters, RtcpFeedback, RtpCapabilities, RtpCodecCapability,
    RtpHeaderExtension, RtpHeaderExtensionDirection, RtpHeaderExtensionUri,
};

/// All codecs and header extensions there are. The codecs have no payload types but the static ones.
pub fn supported_rtp_capabilities() -> RtpCapabilities {
    let plain = AUDIO.iter().map(|&(subtype, clock_rate, channels, payload_type, feedback)| {
        let mut codec = audio(subtype, clock_rate, channels, feedback);
        codec.preferred_payload_type = payload_type.and_then(PayloadType::new);
        codec
    });
    let mut codecs: Vec<_> = plain.collect();
    // After opus, where it is looked for.
    codecs.splice(1..1, MULTIOPUS.iter().map(multiopus));
    codecs.extend(VIDEO.iter().map(|subtype| video(subtype)));
    let header_extensions = HEADER_EXTENSIONS.iter().flat_map(header_extensions).collect();
    RtpCapabilities { codecs, header_extensions }
}

fn audio(subtype: &str, clock_rate: u32, channels: u8, feedback: &[&str]) -> RtpCodecCapability {
    RtpCodecCapability {
        kind: MediaKind::Audio,
        mime_type: mime_type(MediaKind::Audio, subtype),
        preferred_payload_type: None,
        clock_rate,
        channels: Some(channels),
        parameters: Parameters::new(),
        rtcp_feedback: feedback.iter().map(|kind| RtcpFeedback::new(kind, "")).collect(),
    }
}

fn multiopus(&(channels, mapping, streams, coupled): &(u8, &str, i32, i32)) -> RtpCodecCapability {
    let mut codec = audio("multiopus", 48000, channels, NACK_AND_CC);
    codec.parameters = [
        ("channel_mapping", ParameterValue::from(mapping)),
        ("num_streams", streams.into()),
        ("coupled_streams", coupled.into()),
    ]
    .into_iter()
    .collect();
    codec
}

fn video(subtype: &str) -> RtpCodecCapability {
    let mut parameters = Parameters::new();
    if subtype == "H264" {
        parameters.set("level-asymmetry-allowed", 1);
    }
    let feedback = [("nack", ""), ("nack", "pli"), ("ccm", "fir"), ("goog-remb", ""), ("transport-cc", "")];
    RtpCodecCapability {
        kind: MediaKind::Video,
        mime_type: mime_type(MediaKind::Video, subtype),
        preferred_payload_type: None,
        clock_rate: 90000,
        channels: None,
        parameters,
        rtcp_feedback: feedback.iter().map(|(kind, parameter)| RtcpFeedback::new(kind, parameter)).collect(),
    }
}

fn mime_type(kind: MediaKind, subtype: &str) -> MimeType {
    MimeType::new(&format!("{kind}/{subtype}")).unwrap_or_else(|| MimeType::rtx(kind))
}

fn header_extensions(known: &KnownExtension) -> impl Iterator<Item = RtpHeaderExtension> {
    let (id, uri, audio, video) = known;
    [(MediaKind::Audio, *audio), (MediaKind::Video, *video)].into_iter().filter_map(
        move |(kind, direction)| {
            Some(RtpHeaderExtension {
                kind,
                uri: uri.clone(),
                preferred_id: *id,
                preferred_encrypt: false,
                direction: direction?,
            })
        },
    )
}

/// Subtype, clock rate, channels, static payload type (RFC 3551 Table 4), feedback.
type KnownAudio = (&'static str, u32, u8, Option<u8>, &'static [&'static str]);

const NACK_AND_CC: &[&str] = &["nack", "transport-cc"];
const CC: &[&str] = &["transport-cc"];

const AUDIO: [KnownAudio; 18] = [
    ("opus", 48000, 2, None, NACK_AND_CC),
    ("PCMU", 8000, 1, Some(0), CC),
    ("PCMA", 8000, 1, Some(8), CC),
    ("ISAC", 32000, 1, None, CC),
    ("ISAC", 16000, 1, None, CC),
    ("G722", 8000, 1, Some(9), CC),
    ("iLBC", 8000, 1, None, CC),
    ("SILK", 24000, 1, None, CC),
    ("SILK", 16000, 1, None, CC),
    ("SILK", 12000, 1, None, CC),
    ("SILK", 8000, 1, None, CC),
    ("CN", 32000, 1, Some(13), &[]),
    ("CN", 16000, 1, Some(13), &[]),
    ("CN", 8000, 1, Some(13), &[]),
    ("telephone-event", 48000, 1, None, &[]),
    ("telephone-event", 32000, 1, None, &[]),
    ("telephone-event", 16000, 1, None, &[]),
    ("telephone-event", 8000, 1, None, &[]),
];

/// Channels, their mapping, streams, coupled streams: quadraphonic, 5.1 and 7.1.
const MULTIOPUS: [(u8, &str, i32, i32); 3] =
    [(4, "0,1,2,3", 2, 2), (6, "0,4,1,2,3,5", 4, 2), (8, "0,6,1,2,3,4,5,7", 5, 3)];

const VIDEO: [&str; 4] = ["VP8", "VP9", "H264", "AV1"];

/// Id, URI, direction for audio, direction for video. The ids are contract: consumers use no others.
type KnownExtension =
    (u8, RtpHeaderExtensionUri, Option<RtpHeaderExtensionDirection>, Option<RtpHeaderExtensionDirection>);

const HEADER_EXTENSIONS: [KnownExtension; 12] = {
    use RtpHeaderExtensionDirection::{RecvOnly, SendRecv};
    use RtpHeaderExtensionUri::*;
    [
        (1, Mid, Some(SendRecv), Some(SendRecv)),
        (2, RtpStreamId, None, Some(RecvOnly)),
        (3, RepairedRtpStreamId, None, Some(RecvOnly)),
        (4, AbsSendTime, Some(SendRecv), Some(SendRecv)),
        // Sound is not paced by us, so its consumers are not asked for feedback.
        (5, TransportWideCc, Some(RecvOnly), Some(SendRecv)),
        (6, SsrcAudioLevel, Some(SendRecv), None),
        (7, DependencyDescriptor, None, Some(RecvOnly)),
        (8, VideoOrientation, None, Some(SendRecv)),
        (9, TimeOffset, None, Some(SendRecv)),
        (10, AbsCaptureTime, Some(SendRecv), Some(SendRecv)),
        (11, PlayoutDelay, Some(SendRecv), Some(SendRecv)),
        (12, MediasoupPacketId, Some(SendRecv), Some(SendRecv)),
    ]
};
