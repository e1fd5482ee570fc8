//! Parameters of producers and consumers, and packets, for tests of the router.

#![expect(clippy::unwrap_used, reason = "a test may stop")]
#![allow(dead_code, reason = "each test uses its part")]

use model::id::{PayloadType, Ssrc};
use model::rtp::{
    CodecMapping, EncodingMapping, MediaKind, MimeType, Parameters, RtcpParameters, RtpCodecParameters,
    RtpEncodingParameters, RtpHeaderExtensionParameters, RtpHeaderExtensionUri, RtpMapping, RtpParameters,
};
use sfu::consumer::random_start;
use sfu::router::{Consume, ConsumeError, ProduceError};
use sfu::{ConsumerKey, ProducerKey, Router, TransportKey};

/// A VP8 producer of one encoding.
pub(crate) fn produce<P: Copy>(
    router: &mut Router<P>,
    transport: TransportKey,
    ssrc: u32,
) -> Result<ProducerKey, ProduceError> {
    let mut parameters = parameters(96, ssrc);
    let uri = RtpHeaderExtensionUri::from("urn:3gpp:video-orientation");
    parameters.header_extensions =
        vec![RtpHeaderExtensionParameters { uri, id: 5, encrypt: false, parameters: Parameters::new() }];
    let codecs =
        vec![CodecMapping { payload_type: payload_type(96), mapped_payload_type: payload_type(101) }];
    let encodings =
        vec![EncodingMapping { ssrc: Some(Ssrc(ssrc)), rid: None, mapped_ssrc: Ssrc(MAPPED_SSRC) }];
    router.produce(transport, MediaKind::Video, &parameters, &RtpMapping { codecs, encodings })
}

/// A consumer of one encoding, whose numbers begin at 1000.
pub(crate) fn consume<P: Copy>(
    router: &mut Router<P>,
    transport: TransportKey,
    producer: ProducerKey,
    ssrc: u32,
) -> Result<ConsumerKey, ConsumeError> {
    let parameters = parameters(101, ssrc);
    let consumable = [encoding(MAPPED_SSRC)];
    let request = Consume { pipe: false, parameters: &parameters, consumable: &consumable };
    router.consume(transport, producer, request, &mut |_| random_start(0))
}

/// Writes a packet of a producer.
pub(crate) fn write(packet: &mut Vec<u8>, ssrc: u32, sequence: u16) {
    packet.clear();
    packet.extend([0x90, 96]);
    packet.extend(sequence.to_be_bytes());
    packet.extend(u32::from(sequence).wrapping_mul(3_000).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend([0xbe, 0xde, 0, 1, 0x50, 1, 0, 0]);
    packet.extend([7; 20]);
}

fn parameters(number: u8, ssrc: u32) -> RtpParameters {
    let vp8 = RtpCodecParameters {
        mime_type: MimeType::new("video/VP8").unwrap(),
        payload_type: payload_type(number),
        clock_rate: 90_000,
        channels: None,
        parameters: Parameters::new(),
        rtcp_feedback: Vec::new(),
    };
    RtpParameters {
        mid: (number == 101).then(|| "0".into()),
        codecs: vec![vp8],
        encodings: vec![encoding(ssrc)],
        rtcp: RtcpParameters { cname: Some("somebody".into()), reduced_size: true },
        ..RtpParameters::default()
    }
}

fn encoding(ssrc: u32) -> RtpEncodingParameters {
    RtpEncodingParameters { ssrc: Some(Ssrc(ssrc)), ..RtpEncodingParameters::default() }
}

fn payload_type(number: u8) -> PayloadType {
    PayloadType::new(number).unwrap()
}

const MAPPED_SSRC: u32 = 900;
