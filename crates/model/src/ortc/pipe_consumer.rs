//! From what a producer offers to what another router is sent: everything.

use super::consumer::all_encodings;
use crate::id::Ssrc;
use crate::rtp::{
    RtcpFeedback, RtpHeaderExtensionDirection, RtpHeaderExtensionParameters, RtpHeaderExtensionUri,
    RtpParameters,
};

use super::supported::supported_rtp_capabilities;

/// What a consumer on a pipe transport is made from.
#[derive(Clone, Copy, Debug)]
pub struct PipeConsumerRequest<'a> {
    /// The producer as the router sees it.
    pub consumable: &'a RtpParameters,
    /// Whether lost packets may be sent again.
    pub enable_rtx: bool,
    /// The caller's randomness: the first ssrc for media.
    pub first: Ssrc,
    /// The caller's randomness: the first ssrc for RTX.
    pub first_rtx: Ssrc,
}

/// The parameters of a pipe consumer: all codecs and encodings, but no bandwidth estimation, for which pipes have
/// no use, and no MID, because there the ssrc is enough.
pub fn pipe_consumer_rtp_parameters(request: PipeConsumerRequest<'_>) -> RtpParameters {
    let PipeConsumerRequest { consumable, enable_rtx, first, first_rtx } = request;
    let mut codecs = consumable.codecs.clone();
    codecs.retain(|codec| enable_rtx || !codec.mime_type.is_rtx());
    codecs
        .iter_mut()
        .for_each(|codec| codec.rtcp_feedback.retain(|feedback| is_for_pipes(feedback, enable_rtx)));
    let mut header_extensions = consumable.header_extensions.clone();
    header_extensions.retain(|extension| !NOT_FOR_PIPES.contains(&extension.uri));
    header_extensions.extend(dependency_descriptor());
    header_extensions.sort_by_key(|extension| extension.id);
    RtpParameters {
        mid: None,
        codecs,
        header_extensions,
        encodings: all_encodings(&consumable.encodings, first, enable_rtx.then_some(first_rtx)),
        rtcp: consumable.rtcp.clone(),
        msid: consumable.msid.clone(),
    }
}

fn is_for_pipes(feedback: &RtcpFeedback, enable_rtx: bool) -> bool {
    feedback.is("nack", "pli") || feedback.is("ccm", "fir") || (enable_rtx && feedback.is("nack", ""))
}

/// Consumable parameters lack it as long as routers only receive it; the router at the far end needs it to find
/// layers.
fn dependency_descriptor() -> Option<RtpHeaderExtensionParameters> {
    let known = supported_rtp_capabilities().header_extensions.into_iter().find(|known| {
        known.uri == RtpHeaderExtensionUri::DependencyDescriptor
            && known.direction != RtpHeaderExtensionDirection::SendRecv
    })?;
    Some(RtpHeaderExtensionParameters {
        uri: known.uri,
        id: known.preferred_id,
        encrypt: known.preferred_encrypt,
        parameters: Default::default(),
    })
}

const NOT_FOR_PIPES: [RtpHeaderExtensionUri; 3] =
    [RtpHeaderExtensionUri::Mid, RtpHeaderExtensionUri::AbsSendTime, RtpHeaderExtensionUri::TransportWideCc];
