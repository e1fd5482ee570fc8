//! What transports and their peers tell each other: addresses, ICE, DTLS, SRTP, SCTP.

mod dtls;
mod ice;
mod listen_info;
mod sctp;
mod srtp;
mod tuple;

pub use dtls::{DtlsFingerprint, DtlsParameters, DtlsRole, DtlsState, FingerprintAlgorithm};
pub use ice::{IceCandidate, IceCandidateTcpType, IceCandidateType, IceParameters, IceRole, IceState};
pub use listen_info::{ListenInfo, PortRange, SocketFlags};
pub use sctp::{SctpNegotiatedCapabilities, SctpParameters, SctpState};
pub use srtp::{SrtpCryptoSuite, SrtpParameters};
pub use tuple::{TransportProtocol, TransportTuple};

use serde::{Deserialize, Serialize};

/// The four kinds of transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum TransportKind {
    /// ICE, DTLS and SRTP: browsers and other WebRTC endpoints.
    WebRtc,
    /// RTP over UDP, with or without SRTP: encoders, recorders, phones.
    Plain,
    /// To another router, wherever it is.
    Pipe,
    /// To the application itself.
    Direct,
}
