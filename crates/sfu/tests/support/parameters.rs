//! What objects are made from.

use std::net::{IpAddr, Ipv4Addr};

use model::command::{
    Bind, ConsumerOpen, PeerAddress, Ports, ProducerOpen, ProducerReplica, SrtpKeys, TransportConnect,
    TransportOpen, TransportSetup,
};
use model::id::{PayloadType, Ssrc};
use model::key::{ProducerKey, RouterKey, ShardIndex, TransportKey};
use model::reply::BoundSocket;
use model::rtp::{
    CodecMapping, EncodingMapping, MediaKind, MimeType, Parameters, RtcpFeedback, RtcpParameters,
    RtpCodecParameters, RtpEncodingParameters, RtpHeaderExtensionParameters, RtpHeaderExtensionUri,
    RtpMapping, RtpParameters, RtxParameters,
};
use model::score::{ConsumerType, ProducerType};
use model::transport::{SocketFlags, SrtpParameters, TransportProtocol};

/// A transport of that setup.
pub(crate) const fn open(setup: TransportSetup) -> TransportOpen {
    TransportOpen {
        router: RouterKey::new(0, 0),
        setup,
        sctp: None,
        max_send_message_size: 262_144,
        max_receive_message_size: 262_144,
        initial_outgoing_bitrate: None,
        seed: 0,
    }
}

/// A plain transport with RTCP on the socket of RTP.
pub(crate) fn plain() -> TransportOpen {
    open(TransportSetup::Plain { bind: bind(), rtcp_bind: None, comedia: false, srtp: None })
}

/// Two sockets of ours.
pub(crate) fn bound() -> [BoundSocket; 2] {
    [40_000, 40_001].map(|port| BoundSocket {
        protocol: TransportProtocol::Udp,
        ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        port,
    })
}

pub(crate) const fn bind() -> Bind {
    Bind {
        protocol: TransportProtocol::Udp,
        ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        ports: Ports::Fixed(40_000),
        flags: SocketFlags { ipv6_only: false, udp_reuse_port: false },
        send_buffer_size: 0,
        recv_buffer_size: 0,
    }
}

/// Tells a plain transport where its peer is.
pub(crate) const fn connect(port: u16, rtcp_port: Option<u16>, srtp: Option<SrtpKeys>) -> TransportConnect {
    let peer = PeerAddress { ip: IpAddr::V4(Ipv4Addr::LOCALHOST), port, rtcp_port };
    TransportConnect::Plain { peer: Some(peer), srtp }
}

/// Keys of one direction.
pub(crate) fn key(suite: model::transport::SrtpCryptoSuite, base64: &str) -> SrtpParameters {
    SrtpParameters { crypto_suite: suite, key_base64: base64.into() }
}

/// A VP8 producer of these encodings; mapped SSRCs count from [`MAPPED_SSRC`].
pub(crate) fn producing(transport: TransportKey, encodings: &[RtpEncodingParameters]) -> ProducerOpen {
    let mut rtp_parameters = vp8(96, encodings);
    rtp_parameters.header_extensions = vec![
        extension("urn:3gpp:video-orientation", 5),
        extension("urn:ietf:params:rtp-hdrext:sdes:mid", 1),
        extension("urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", 2),
    ];
    let codecs =
        vec![CodecMapping { payload_type: payload_type(96), mapped_payload_type: payload_type(101) }];
    let mapped = |(at, encoding): (usize, &RtpEncodingParameters)| EncodingMapping {
        ssrc: encoding.ssrc,
        rid: encoding.rid.clone(),
        mapped_ssrc: MAPPED_SSRC.after(at),
    };
    let encodings: Vec<_> = encodings.iter().enumerate().map(mapped).collect();
    ProducerOpen {
        transport,
        kind: MediaKind::Video,
        producer_type: if encodings.len() > 1 { ProducerType::Simulcast } else { ProducerType::Simple },
        rtp_parameters,
        rtp_mapping: RtpMapping { codecs, encodings },
        paused: false,
        key_frame_request_delay_ms: 0,
        adds_packet_id: false,
    }
}

/// What stands for such a producer elsewhere.
pub(crate) fn replica(open: &ProducerOpen, shard: ShardIndex, producer: ProducerKey) -> ProducerReplica {
    ProducerReplica {
        router: RouterKey::new(0, 0),
        shard,
        producer,
        kind: open.kind,
        producer_type: open.producer_type,
        codecs: open.rtp_parameters.codecs.clone(),
        mapped_ssrcs: open.rtp_mapping.encodings.iter().map(|encoding| encoding.mapped_ssrc).collect(),
        header_extensions: open.rtp_parameters.header_extensions.clone(),
        paused: open.paused,
    }
}

/// A consumer of one encoding.
pub(crate) fn consuming(transport: TransportKey, producer: ProducerKey, ssrc: u32) -> ConsumerOpen {
    let mut rtp_parameters = vp8(101, &[encoding(ssrc)]);
    rtp_parameters.mid = Some("0".into());
    ConsumerOpen {
        transport,
        producer,
        kind: MediaKind::Video,
        consumer_type: ConsumerType::Simple,
        rtp_parameters,
        consumable_encodings: vec![encoding(MAPPED_SSRC.0)],
        paused: false,
        preferred_layers: None,
        ignore_dtx: false,
        seed: 0,
    }
}

/// Whether a consumer's peer may ask for packets again, and in which stream they go then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repair {
    /// In that of the first time.
    Plain,
    /// In one with that SSRC and payload type 102.
    Rtx(u32),
}

/// A consumer of one encoding whose peer may ask for packets again.
pub(crate) fn repairing(
    transport: TransportKey,
    producer: ProducerKey,
    ssrc: u32,
    repair: Repair,
) -> ConsumerOpen {
    let mut open = consuming(transport, producer, ssrc);
    let parameters = &mut open.rtp_parameters;
    parameters.codecs[0].rtcp_feedback.push(RtcpFeedback::new("nack", ""));
    if let Repair::Rtx(ssrc) = repair {
        let mut rtx = parameters.codecs[0].clone();
        rtx.mime_type = MimeType::new("video/rtx").unwrap();
        rtx.payload_type = payload_type(102);
        rtx.rtcp_feedback.clear();
        rtx.parameters.set("apt", 101);
        parameters.codecs.push(rtx);
        parameters.encodings[0].rtx = Some(RtxParameters { ssrc: Ssrc(ssrc) });
    }
    open
}

pub(crate) fn encoding(ssrc: u32) -> RtpEncodingParameters {
    RtpEncodingParameters { ssrc: Some(Ssrc(ssrc)), ..RtpEncodingParameters::default() }
}

pub(crate) fn with_rid(rid: &str) -> RtpEncodingParameters {
    RtpEncodingParameters { rid: Some(rid.into()), ..RtpEncodingParameters::default() }
}

fn vp8(number: u8, encodings: &[RtpEncodingParameters]) -> RtpParameters {
    let vp8 = RtpCodecParameters {
        mime_type: MimeType::new("video/VP8").unwrap(),
        payload_type: payload_type(number),
        clock_rate: 90_000,
        channels: None,
        parameters: Parameters::new(),
        rtcp_feedback: vec![RtcpFeedback::new("nack", "pli")],
    };
    RtpParameters {
        codecs: vec![vp8],
        encodings: encodings.to_vec(),
        rtcp: RtcpParameters { cname: Some("somebody".into()), reduced_size: true },
        ..RtpParameters::default()
    }
}

pub(crate) fn extension(uri: &str, id: u8) -> RtpHeaderExtensionParameters {
    let uri = RtpHeaderExtensionUri::from(uri);
    RtpHeaderExtensionParameters { uri, id, encrypt: false, parameters: Parameters::new() }
}

fn payload_type(number: u8) -> PayloadType {
    PayloadType::new(number).unwrap()
}

/// Of the first encoding of a producer inside the router.
pub(crate) const MAPPED_SSRC: Ssrc = Ssrc(900);
