//! From what a producer offers and a client can do to what the client is sent.

use super::matching::same_codec;
use super::validate::validate_rtp_capabilities;
use super::{Error, Unsupported};
use crate::Invalid;
use crate::id::Ssrc;
use crate::rtp::{
    LayerCount, RtcpFeedback, RtpCapabilities, RtpCodecParameters, RtpEncodingParameters,
    RtpHeaderExtensionUri, RtpParameters, RtxParameters, ScalabilityMode,
};

/// What a consumer is made from.
#[derive(Clone, Copy, Debug)]
pub struct ConsumerRequest<'a> {
    /// The producer as the router sees it.
    pub consumable: &'a RtpParameters,
    /// What the consuming side can receive.
    pub remote: &'a RtpCapabilities,
    /// Whether lost packets may be sent again.
    pub enable_rtx: bool,
    /// The caller's randomness.
    pub ssrcs: ConsumerSsrcs,
}

/// How many streams a consumer has, and their ssrcs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsumerSsrcs {
    /// One stream, whatever the producer has; its RTX takes the next number.
    One(Ssrc),
    /// As many as the producer has, in a row from the first of each.
    All {
        /// For media.
        first: Ssrc,
        /// For RTX.
        first_rtx: Ssrc,
    },
}

/// Whether a consumer could be made: whether one media codec is common.
pub fn can_consume(consumable: &RtpParameters, remote: &RtpCapabilities) -> Result<bool, Invalid> {
    let remote = validate_rtp_capabilities(remote.clone())?;
    Ok(!common_codecs(consumable, &remote, true).is_empty())
}

/// The parameters of a consumer: the codecs and header extensions that both sides have.
pub fn consumer_rtp_parameters(request: ConsumerRequest<'_>) -> Result<RtpParameters, Error> {
    let ConsumerRequest { consumable, remote, enable_rtx, ssrcs } = request;
    let remote = validate_rtp_capabilities(remote.clone())?;
    let mut codecs = common_codecs(consumable, &remote, enable_rtx);
    if codecs.is_empty() {
        return Err(Unsupported::NoCommonCodec.into());
    }
    let rtx = codecs.iter().any(|codec| codec.mime_type.is_rtx());
    let has = |extension: &crate::rtp::RtpHeaderExtensionParameters| {
        remote
            .header_extensions
            .iter()
            .any(|known| known.preferred_id == extension.id && known.uri == extension.uri)
    };
    let header_extensions: Vec<_> =
        consumable.header_extensions.iter().filter(|known| has(known)).cloned().collect();
    let uses = |uri: RtpHeaderExtensionUri| header_extensions.iter().any(|extension| extension.uri == uri);
    let estimator = match () {
        () if uses(RtpHeaderExtensionUri::TransportWideCc) => Some("transport-cc"),
        () if uses(RtpHeaderExtensionUri::AbsSendTime) => Some("goog-remb"),
        () => None,
    };
    codecs.iter_mut().for_each(|codec| codec.rtcp_feedback.retain(|feedback| is_of_use(feedback, estimator)));
    Ok(RtpParameters {
        mid: None,
        codecs,
        header_extensions,
        encodings: match ssrcs {
            ConsumerSsrcs::One(ssrc) => vec![one_encoding(&consumable.encodings, ssrc, rtx)],
            ConsumerSsrcs::All { first, first_rtx } => {
                all_encodings(&consumable.encodings, first, rtx.then_some(first_rtx))
            }
        },
        rtcp: consumable.rtcp.clone(),
        msid: consumable.msid.clone(),
    })
}

/// The media codecs that the remote side has, with its feedback, and their RTX codecs if it has RTX. Empty or
/// beginning with media.
fn common_codecs(
    consumable: &RtpParameters,
    remote: &RtpCapabilities,
    enable_rtx: bool,
) -> Vec<RtpCodecParameters> {
    let mut codecs = Vec::new();
    for codec in consumable.codecs.iter().filter(|codec| enable_rtx || !codec.mime_type.is_rtx()) {
        let Some(known) = remote.codecs.iter().find(|known| same_codec(*known, codec)) else { continue };
        let mut codec = codec.clone();
        codec.rtcp_feedback = known.rtcp_feedback.clone();
        codec.rtcp_feedback.retain(|feedback| enable_rtx || !feedback.is("nack", ""));
        codecs.push(codec);
    }
    // RTX is one codec to `same_codec`, whatever it retransmits; keep it where that is there.
    let media: Vec<_> =
        codecs.iter().filter(|c| !c.mime_type.is_rtx()).map(|codec| codec.payload_type).collect();
    let retransmits =
        |codec: &RtpCodecParameters| codec.associated_payload_type().is_some_and(|pt| media.contains(&pt));
    codecs.retain(|codec| !codec.mime_type.is_rtx() || retransmits(codec));
    codecs
}

/// Only one way to estimate bandwidth is used, and none without its header extension.
fn is_of_use(feedback: &RtcpFeedback, estimator: Option<&str>) -> bool {
    !matches!(&*feedback.kind, "transport-cc" | "goog-remb") || Some(&*feedback.kind) == estimator
}

/// One stream in which any of the producer's can be sent.
fn one_encoding(consumable: &[RtpEncodingParameters], ssrc: Ssrc, rtx: bool) -> RtpEncodingParameters {
    // All encodings of a simulcast producer have the same mode.
    let given = consumable.iter().find_map(|encoding| given_mode(encoding)).cloned();
    let scalability_mode = if consumable.len() > 1 {
        let LayerCount { temporal, .. } = given.as_ref().map(ScalabilityMode::layers).unwrap_or_default();
        // Every encoding is a spatial layer.
        Some(ScalabilityMode::of(consumable.len(), temporal))
    } else {
        given
    };
    RtpEncodingParameters {
        ssrc: Some(ssrc),
        rtx: rtx.then(|| RtxParameters { ssrc: ssrc.after(1) }),
        scalability_mode,
        max_bitrate: consumable
            .iter()
            .filter_map(|encoding| encoding.max_bitrate)
            .max()
            .filter(|most| *most > 0),
        ..Default::default()
    }
}

fn given_mode(encoding: &RtpEncodingParameters) -> Option<&ScalabilityMode> {
    encoding.scalability_mode.as_ref().filter(|mode| !mode.as_str().is_empty())
}

/// The producer's streams, each with an ssrc of its own.
pub(super) fn all_encodings(
    consumable: &[RtpEncodingParameters],
    first: Ssrc,
    first_rtx: Option<Ssrc>,
) -> Vec<RtpEncodingParameters> {
    let encoding = |(index, encoding): (usize, &RtpEncodingParameters)| RtpEncodingParameters {
        ssrc: Some(first.after(index)),
        rtx: first_rtx.map(|first| RtxParameters { ssrc: first.after(index) }),
        ..encoding.clone()
    };
    consumable.iter().enumerate().map(encoding).collect()
}
