//! Commands to transports.

use std::net::IpAddr;

use super::Bind;
use crate::key::{RouterKey, WebRtcServerKey};
use crate::trace::{TraceSet, TransportTraceEventType};
use crate::transport::{DtlsFingerprint, DtlsRole, IceParameters, SctpParameters, SrtpParameters};

/// What can be done with a transport.
#[derive(Clone, Debug, PartialEq)]
pub enum TransportCommand {
    /// Make it.
    Open(Box<TransportOpen>),
    /// Tell it about its peer.
    Connect(Box<TransportConnect>),
    /// New ICE credentials; the old ones hold until the peer uses these.
    RestartIce(Box<IceParameters>),
    /// Set or, with 0, lift a limit, in bits per second.
    SetBitrate(BitrateLimit, u64),
    /// Trace these and nothing else.
    EnableTrace(TraceSet<TransportTraceEventType>),
    /// Take this compound RTCP packet as if it had come from the network; direct transports.
    SendRtcp(Box<[u8]>),
    /// Say where it stands.
    Report,
    /// Say what it counted.
    Stats,
    /// Close it with everything in it, in parts over several ticks. The reply says that its ports are free.
    Close,
}

/// What a transport is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct TransportOpen {
    /// Whose transport.
    pub router: RouterKey,
    /// What kind.
    pub setup: TransportSetup,
    /// With SCTP: its limits.
    pub sctp: Option<SctpSetup>,
    /// Bytes of the longest message that may be sent.
    pub max_send_message_size: u32,
    /// Bytes of the longest message that is taken.
    pub max_receive_message_size: u32,
    /// What bandwidth estimation begins with, in bits per second.
    pub initial_outgoing_bitrate: Option<u64>,
    /// Its randomness, which is that of its streams too. Keys and passwords are not made of it: control gives them.
    pub seed: u64,
}

/// What a kind of transport is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum TransportSetup {
    /// A WebRTC transport.
    WebRtc {
        /// Its sockets.
        listen: WebRtcListen,
        /// Its side of ICE.
        ice: IceSetup,
    },
    /// A plain transport.
    Plain {
        /// Its socket.
        bind: Bind,
        /// Its socket for RTCP, unless both share one.
        rtcp_bind: Option<Bind>,
        /// Whether the peer's address is learned from its first packet.
        comedia: bool,
        /// Its own key, if it uses SRTP.
        srtp: Option<SrtpParameters>,
    },
    /// A pipe transport.
    Pipe {
        /// Its socket.
        bind: Bind,
        /// Whether lost packets are sent again.
        rtx: bool,
        /// Its own key, if it uses SRTP.
        srtp: Option<SrtpParameters>,
    },
    /// A direct transport.
    Direct,
}

/// Where a WebRTC transport listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebRtcListen {
    /// On sockets of its own, all of them or none.
    Own(Vec<Bind>),
    /// On the sockets of a server on the same shard.
    Server(WebRtcServerKey),
}

/// Our side of ICE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceSetup {
    /// Our credentials.
    pub local: IceParameters,
    /// Seconds of silence after which the peer is gone; 0 is never.
    pub consent_timeout_s: u8,
}

/// The limits of an SCTP association.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SctpSetup {
    /// As announced.
    pub parameters: SctpParameters,
    /// What data consumers begin with.
    pub default_buffered_amount_low_threshold: u32,
}

/// What a transport is told about its peer, once.
#[derive(Clone, Debug, PartialEq)]
pub enum TransportConnect {
    /// To a WebRTC transport.
    WebRtc {
        /// Which part we play; control has answered the peer's wish.
        role: DtlsRole,
        /// The hash of the certificate that the peer has to show.
        fingerprint: DtlsFingerprint,
    },
    /// To a plain transport.
    Plain {
        /// Where the peer is; absent with comedia.
        peer: Option<PeerAddress>,
        /// Keys, with SRTP.
        srtp: Option<SrtpKeys>,
    },
    /// To a pipe transport.
    Pipe {
        /// Where the peer is.
        peer: PeerAddress,
        /// Keys, with SRTP.
        srtp: Option<SrtpKeys>,
    },
}

/// Where a peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress {
    /// Its address.
    pub ip: IpAddr,
    /// Its port.
    pub port: u16,
    /// Its port for RTCP, unless both share one.
    pub rtcp_port: Option<u16>,
}

/// Keys of both directions, of the suite that the peer chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SrtpKeys {
    /// What we seal with.
    pub local: SrtpParameters,
    /// What we open with.
    pub remote: SrtpParameters,
}

/// A limit that a transport keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BitrateLimit {
    /// The most the peer is allowed.
    MaxIncoming,
    /// The most we send.
    MaxOutgoing,
    /// The least we take the path to bear.
    MinOutgoing,
}
