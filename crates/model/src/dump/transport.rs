//! Transports of the four kinds.

use serde::{Deserialize, Serialize};

use super::Entry;
use crate::id::{ConsumerId, DataConsumerId, DataProducerId, ProducerId, Ssrc, TransportId};
use crate::trace::{TraceSet, TransportTraceEventType};
use crate::transport::{
    DtlsParameters, DtlsState, IceCandidate, IceParameters, IceRole, IceState, SctpNegotiatedCapabilities,
    SctpParameters, SctpState, SrtpParameters, TransportTuple,
};

/// A transport.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TransportDump {
    /// What all kinds have.
    #[serde(flatten)]
    pub base: BaseTransportDump,
    /// What this kind has.
    #[serde(flatten)]
    pub kind: TransportKindDump,
}

/// What all kinds of transport have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct BaseTransportDump {
    /// Its name.
    pub id: TransportId,
    /// Its producers.
    pub producer_ids: Vec<ProducerId>,
    /// Its consumers.
    pub consumer_ids: Vec<ConsumerId>,
    /// Whose media each outgoing ssrc is.
    pub map_ssrc_consumer_id: Vec<Entry<Ssrc, ConsumerId>>,
    /// Whose retransmissions each outgoing ssrc is.
    pub map_rtx_ssrc_consumer_id: Vec<Entry<Ssrc, ConsumerId>>,
    /// Its data producers.
    pub data_producer_ids: Vec<DataProducerId>,
    /// Its data consumers.
    pub data_consumer_ids: Vec<DataConsumerId>,
    /// Ids of the header extensions that matter to the transport.
    pub recv_rtp_header_extensions: RecvRtpHeaderExtensions,
    /// How packets find their producer.
    pub rtp_listener: RtpListenerDump,
    /// Bytes of the longest message that may be sent.
    pub max_send_message_size: u32,
    /// Bytes of the longest message that is taken.
    pub max_receive_message_size: u32,
    /// With SCTP: its limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sctp_parameters: Option<SctpParameters>,
    /// With SCTP: how far it got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sctp_state: Option<SctpState>,
    /// With SCTP, once established: how many streams there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sctp_negotiated_capabilities: Option<SctpNegotiatedCapabilities>,
    /// With SCTP: how messages find their data producer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sctp_listener: Option<SctpListenerDump>,
    /// What is traced.
    pub trace_event_types: TraceSet<TransportTraceEventType>,
}

/// What a kind of transport has for itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged, rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the types say it all")]
pub enum TransportKindDump {
    /// A WebRTC transport.
    WebRtc {
        ice_role: IceRole,
        ice_parameters: IceParameters,
        ice_candidates: Vec<IceCandidate>,
        ice_state: IceState,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ice_selected_tuple: Option<TransportTuple>,
        dtls_parameters: DtlsParameters,
        dtls_state: DtlsState,
    },
    /// A plain transport.
    Plain {
        rtcp_mux: bool,
        comedia: bool,
        tuple: TransportTuple,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rtcp_tuple: Option<TransportTuple>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        srtp_parameters: Option<SrtpParameters>,
    },
    /// A pipe transport.
    Pipe {
        tuple: TransportTuple,
        rtx: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        srtp_parameters: Option<SrtpParameters>,
    },
    /// A direct transport.
    Direct {},
}

/// Ids of header extensions, as the producers of a transport announced them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "named after the extensions")]
pub struct RecvRtpHeaderExtensions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mid: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rid: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rrid: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abs_send_time: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport_wide_cc01: Option<u8>,
}

/// How packets find their producer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RtpListenerDump {
    /// By ssrc.
    pub ssrc_table: Vec<Entry<Ssrc, ProducerId>>,
    /// By MID.
    pub mid_table: Vec<Entry<Box<str>, ProducerId>>,
    /// By RID.
    pub rid_table: Vec<Entry<Box<str>, ProducerId>>,
}

/// How messages find their data producer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SctpListenerDump {
    /// By stream.
    pub stream_id_table: Vec<Entry<u16, DataProducerId>>,
}
