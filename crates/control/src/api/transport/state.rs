//! What a transport is at the moment: what it was when it was made, and what happened to it since.

use model::dump::TransportKindDump;
use model::transport::{
    SctpNegotiatedCapabilities, SctpParameters, SctpState, TransportProtocol, TransportTuple,
};

use crate::answer::Answer;
use crate::api::closing::Observed;
use crate::event::TransportEvent;

/// What a transport is at the moment.
#[derive(Clone, Debug)]
pub(crate) struct TransportState {
    pub(super) kind: TransportKindDump,
    pub(super) dtls_remote_certificate: Option<Box<str>>,
    pub(super) sctp_parameters: Option<SctpParameters>,
    pub(super) sctp_state: Option<SctpState>,
    pub(super) sctp_negotiated: Option<SctpNegotiatedCapabilities>,
}

impl Default for TransportState {
    fn default() -> Self {
        Self {
            kind: TransportKindDump::Direct {},
            dtls_remote_certificate: None,
            sctp_parameters: None,
            sctp_state: None,
            sctp_negotiated: None,
        }
    }
}

impl TransportState {
    /// What the answer that made it says.
    pub(super) fn init(answer: &Answer, state: &mut Self) {
        let Answer::Transport(dump) = answer else { return };
        state.kind = dump.kind.clone();
        state.sctp_parameters = dump.base.sctp_parameters.clone();
        state.sctp_state = dump.base.sctp_state;
        state.sctp_negotiated = dump.base.sctp_negotiated_capabilities;
    }

    /// The two ends of a plain or pipe transport, which always has them.
    pub(super) fn tuple(&self) -> TransportTuple {
        match &self.kind {
            TransportKindDump::Plain { tuple, .. } | TransportKindDump::Pipe { tuple, .. } => tuple.clone(),
            TransportKindDump::WebRtc { .. } | TransportKindDump::Direct {} => TransportTuple {
                local_address: "".into(),
                local_port: 0,
                remote_ip: None,
                remote_port: None,
                protocol: TransportProtocol::Udp,
            },
        }
    }
}

impl Observed for TransportEvent {
    type State = TransportState;

    fn apply(&self, state: &mut TransportState) {
        match (self, &mut state.kind) {
            (Self::SctpState(now), _) => state.sctp_state = Some(*now),
            (Self::SctpNegotiated(now), _) => state.sctp_negotiated = Some(*now),
            (Self::IceSelectedTuple(now), TransportKindDump::WebRtc { ice_selected_tuple, .. }) => {
                *ice_selected_tuple = Some((**now).clone());
            }
            (Self::IceState(now), TransportKindDump::WebRtc { ice_state, .. }) => *ice_state = *now,
            (
                Self::DtlsState { state: now, remote_certificate },
                TransportKindDump::WebRtc { dtls_state, .. },
            ) => {
                *dtls_state = *now;
                state.dtls_remote_certificate.clone_from(remote_certificate);
            }
            (Self::Tuple(now), TransportKindDump::Plain { tuple, .. }) => *tuple = (**now).clone(),
            (Self::RtcpTuple(now), TransportKindDump::Plain { rtcp_tuple, .. }) => {
                *rtcp_tuple = Some((**now).clone());
            }
            // What passes by leaves nothing behind.
            _ => {}
        }
    }
}
