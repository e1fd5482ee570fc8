//! Transports.

use serde::{Deserialize, Serialize};

use crate::id::TransportId;
use crate::transport::{DtlsState, IceRole, IceState, SctpState, TransportTuple};

/// One transport.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TransportStats {
    /// Its name.
    pub transport_id: TransportId,
    /// What the shard counted.
    #[serde(flatten)]
    pub counters: TransportCounters,
    /// What this kind has.
    #[serde(flatten)]
    pub kind: TransportKindStats,
}

/// What a shard counts for a transport. Rates are in bits per second, losses in percent of packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it all")]
pub struct TransportCounters {
    /// Milliseconds of the monotonic clock.
    pub timestamp: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sctp_state: Option<SctpState>,
    pub bytes_received: u64,
    pub recv_bitrate: u64,
    pub bytes_sent: u64,
    pub send_bitrate: u64,
    pub rtp_bytes_received: u64,
    pub rtp_recv_bitrate: u64,
    pub rtp_bytes_sent: u64,
    pub rtp_send_bitrate: u64,
    pub rtx_bytes_received: u64,
    pub rtx_recv_bitrate: u64,
    pub rtx_bytes_sent: u64,
    pub rtx_send_bitrate: u64,
    pub probation_bytes_sent: u64,
    pub probation_send_bitrate: u64,
    /// Once something is estimated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_outgoing_bitrate: Option<u64>,
    /// Once something is estimated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_incoming_bitrate: Option<u64>,
    /// If set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_incoming_bitrate: Option<u64>,
    /// If set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_outgoing_bitrate: Option<u64>,
    /// If set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_outgoing_bitrate: Option<u64>,
    /// Once a producer's feedback measures it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtp_packet_loss_received: Option<f64>,
    /// Once a consumer's feedback measures it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtp_packet_loss_sent: Option<f64>,
}

/// What a kind of transport has for itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the types say it all")]
pub enum TransportKindStats {
    /// A WebRTC transport.
    #[serde(rename = "webrtc-transport")]
    WebRtc {
        ice_role: IceRole,
        ice_state: IceState,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ice_selected_tuple: Option<TransportTuple>,
        dtls_state: DtlsState,
    },
    /// A plain transport.
    #[serde(rename = "plain-rtp-transport")]
    Plain {
        rtcp_mux: bool,
        comedia: bool,
        tuple: TransportTuple,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rtcp_tuple: Option<TransportTuple>,
    },
    /// A pipe transport.
    #[serde(rename = "pipe-transport")]
    Pipe { tuple: TransportTuple },
    /// A direct transport.
    #[serde(rename = "direct-transport")]
    Direct {},
}
