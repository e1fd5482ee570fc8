//! Parameters of producers and consumers of VP8, as control would have negotiated them.

use model::command::{ConsumerOpen, ProducerOpen, ProducerReplica};
use model::id::{PayloadType, Ssrc};
use model::key::{ProducerKey, RouterKey, ShardIndex, TransportKey};
use model::rtp::{
    CodecMapping, EncodingMapping, MediaKind, MimeType, Parameters, RtcpFeedback, RtcpParameters,
    RtpCodecParameters, RtpEncodingParameters, RtpMapping, RtpParameters, RtxParameters,
};
use model::score::{ConsumerType, ProducerType};

use crate::media::{CONSUMED, CONSUMED_RTX, PUBLISHED, PUBLISHED_RTX};

/// A publisher's video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Video {
    /// Its SSRC.
    pub ssrc: u32,
    /// That of its retransmissions; without, it is not asked for any.
    pub rtx_ssrc: Option<u32>,
}

/// How a subscriber gets such a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watching {
    /// Its SSRC there.
    pub ssrc: u32,
    /// That of its retransmissions; without, NACKs are not negotiated.
    pub rtx_ssrc: Option<u32>,
    /// Where its numbers begin.
    pub seed: u64,
}

impl Video {
    /// The producer.
    pub(super) fn producing(self, transport: TransportKey) -> ProducerOpen {
        let mapping = |from, to| CodecMapping { payload_type: pt(from), mapped_payload_type: pt(to) };
        let codecs = vec![mapping(PUBLISHED, CONSUMED), mapping(PUBLISHED_RTX, CONSUMED_RTX)];
        let encodings =
            vec![EncodingMapping { ssrc: Some(Ssrc(self.ssrc)), rid: None, mapped_ssrc: self.mapped() }];
        ProducerOpen {
            transport,
            kind: MediaKind::Video,
            producer_type: ProducerType::Simple,
            rtp_parameters: vp8((PUBLISHED, PUBLISHED_RTX), self.ssrc, self.rtx_ssrc),
            rtp_mapping: RtpMapping { codecs, encodings },
            paused: false,
            key_frame_request_delay_ms: 0,
            adds_packet_id: false,
        }
    }

    /// What stands for it on another shard.
    pub(super) fn replica(self, router: RouterKey, shard: usize, producer: ProducerKey) -> ProducerReplica {
        ProducerReplica {
            router,
            shard: ShardIndex(u16::try_from(shard).unwrap_or(u16::MAX)),
            producer,
            kind: MediaKind::Video,
            producer_type: ProducerType::Simple,
            codecs: vp8((CONSUMED, CONSUMED_RTX), self.ssrc, self.rtx_ssrc).codecs,
            mapped_ssrcs: vec![self.mapped()],
            header_extensions: Vec::new(),
            paused: false,
        }
    }

    /// A consumer of it, or of what stands for it.
    pub(super) fn consuming(
        self,
        transport: TransportKey,
        producer: ProducerKey,
        watching: Watching,
    ) -> ConsumerOpen {
        let consumable =
            RtpEncodingParameters { ssrc: Some(self.mapped()), ..RtpEncodingParameters::default() };
        ConsumerOpen {
            transport,
            producer,
            kind: MediaKind::Video,
            consumer_type: ConsumerType::Simple,
            rtp_parameters: vp8((CONSUMED, CONSUMED_RTX), watching.ssrc, watching.rtx_ssrc),
            consumable_encodings: vec![consumable],
            paused: false,
            preferred_layers: None,
            ignore_dtx: false,
            seed: watching.seed,
        }
    }

    const fn mapped(self) -> Ssrc {
        Ssrc(self.ssrc + MAPPED)
    }
}

/// With retransmissions if they have an SSRC.
fn vp8((media, rtx): (u8, u8), ssrc: u32, rtx_ssrc: Option<u32>) -> RtpParameters {
    let codec = |name: &str, number, parameters, rtcp_feedback| RtpCodecParameters {
        mime_type: MimeType::new(name).expect("a MIME type"),
        payload_type: pt(number),
        clock_rate: 90_000,
        channels: None,
        parameters,
        rtcp_feedback,
    };
    let mut feedback = vec![RtcpFeedback::new("nack", "pli"), RtcpFeedback::new("ccm", "fir")];
    if rtx_ssrc.is_some() {
        feedback.push(RtcpFeedback::new("nack", ""));
    }
    let mut apt = Parameters::new();
    apt.set("apt", i32::from(media));
    let codecs = vec![
        codec("video/VP8", media, Parameters::new(), feedback),
        codec("video/rtx", rtx, apt, Vec::new()),
    ];
    let encoding = RtpEncodingParameters {
        ssrc: Some(Ssrc(ssrc)),
        rtx: rtx_ssrc.map(|ssrc| RtxParameters { ssrc: Ssrc(ssrc) }),
        ..RtpEncodingParameters::default()
    };
    RtpParameters {
        codecs,
        encodings: vec![encoding],
        rtcp: RtcpParameters { cname: Some("somebody".into()), reduced_size: true },
        ..RtpParameters::default()
    }
}

fn pt(number: u8) -> PayloadType {
    PayloadType::new(number).expect("a payload type has seven bits")
}

/// What tells a producer's SSRC inside the router from its own.
const MAPPED: u32 = 1_000_000;
