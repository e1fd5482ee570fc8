//! What can be asked of transports, and what they are made with.

use model::command::BitrateLimit;
use model::id::{ConsumerId, DataConsumerId, DataProducerId, ProducerId, WebRtcServerId};
use model::trace::{TraceSet, TransportTraceEventType};
use model::transport::{DtlsParameters, ListenInfo, SrtpCryptoSuite, SrtpParameters};

use super::{Consume, ConsumeData, Produce, ProduceData};

/// What can be asked of a transport.
#[derive(Clone, Debug, PartialEq)]
pub enum TransportRequest {
    /// Say what it is. Answer: [`Transport`](crate::Answer::Transport).
    Dump,
    /// Say what it counted. Answer: [`TransportStats`](crate::Answer::TransportStats).
    Stats,
    /// Tell a WebRTC transport about its peer. Answer: [`WebRtcConnected`](crate::Answer::WebRtcConnected).
    ConnectWebRtc(DtlsParameters),
    /// Tell a plain transport about its peer. Answer: [`PlainConnected`](crate::Answer::PlainConnected).
    ConnectPlain(Box<TransportAddress>),
    /// Tell a pipe transport about its peer. Answer: [`PipeConnected`](crate::Answer::PipeConnected).
    ConnectPipe(Box<TransportAddress>),
    /// Set a limit in bits per second; 0 lifts it.
    SetBitrate(BitrateLimit, u64),
    /// New ICE credentials. Answer: [`IceRestarted`](crate::Answer::IceRestarted).
    RestartIce,
    /// Make a producer. Answer: [`Produced`](crate::Answer::Produced).
    Produce(Box<Produce>),
    /// Make a consumer. Answer: [`Consumed`](crate::Answer::Consumed).
    Consume(Box<Consume>),
    /// Make a data producer. Answer: [`DataProducer`](crate::Answer::DataProducer).
    ProduceData(Box<ProduceData>),
    /// Make a data consumer. Answer: [`DataConsumer`](crate::Answer::DataConsumer).
    ConsumeData(Box<ConsumeData>),
    /// Trace these and nothing else.
    EnableTrace(TraceSet<TransportTraceEventType>),
    /// Close a producer. Its consumers are told, and are gone.
    CloseProducer(ProducerId),
    /// Close a consumer.
    CloseConsumer(ConsumerId),
    /// Close a data producer. Its data consumers are told, and are gone.
    CloseDataProducer(DataProducerId),
    /// Close a data consumer.
    CloseDataConsumer(DataConsumerId),
}

/// What all kinds of transport are made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportOptions {
    /// What bandwidth estimation begins with, in bits per second.
    pub initial_available_outgoing_bitrate: Option<u64>,
    /// Whether messages can be sent over SCTP.
    pub enable_sctp: bool,
    /// Bytes of the longest message that may be sent.
    pub max_send_message_size: u32,
    /// Bytes of the longest message that is taken.
    pub max_receive_message_size: u32,
    /// What SCTP is made with.
    pub sctp: SctpOptions,
}

/// What SCTP is made with, where it is enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SctpOptions {
    /// Bytes that may wait to be sent, over all streams.
    pub send_buffer_size: u32,
    /// Bytes that may wait to be sent on one stream.
    pub per_stream_send_queue_limit: u32,
    /// Bytes of the receive window.
    pub max_receiver_window_buffer_size: u32,
    /// At or below how many waiting bytes a data consumer says so, until it is told another number.
    pub default_stream_buffered_amount_low_threshold: u32,
    /// Whether this is WebRTC's use of SCTP (RFC 8831).
    pub is_data_channel: bool,
}

/// What a WebRTC transport is made with.
#[derive(Clone, Debug, PartialEq)]
pub struct WebRtcTransportOptions {
    /// What all kinds have.
    pub base: TransportOptions,
    /// Where it listens.
    pub listen: Listen,
    /// Whether there are UDP candidates.
    pub enable_udp: bool,
    /// Whether there are TCP candidates.
    pub enable_tcp: bool,
    /// Whether UDP is tried first.
    pub prefer_udp: bool,
    /// Whether TCP is tried first.
    pub prefer_tcp: bool,
    /// Seconds of silence after which the peer is gone; 0 is never.
    pub ice_consent_timeout_s: u8,
}

/// Where a WebRTC transport listens.
#[derive(Clone, Debug, PartialEq)]
pub enum Listen {
    /// On sockets of its own: all of them or none.
    Individual(Vec<ListenInfo>),
    /// On those of a server.
    Server(WebRtcServerId),
}

/// What a plain transport is made with.
#[derive(Clone, Debug, PartialEq)]
pub struct PlainTransportOptions {
    /// What all kinds have.
    pub base: TransportOptions,
    /// Where it listens.
    pub listen_info: ListenInfo,
    /// Where it listens for RTCP, without rtcp-mux; as `listen_info`, on another port, if absent.
    pub rtcp_listen_info: Option<ListenInfo>,
    /// Whether RTP and RTCP share a port.
    pub rtcp_mux: bool,
    /// Whether the peer's address is learned from its first packet.
    pub comedia: bool,
    /// With SRTP: our suite.
    pub srtp: Option<SrtpCryptoSuite>,
}

/// What a pipe transport is made with.
#[derive(Clone, Debug, PartialEq)]
pub struct PipeTransportOptions {
    /// What all kinds have.
    pub base: TransportOptions,
    /// Where it listens.
    pub listen_info: ListenInfo,
    /// Whether lost packets are sent again.
    pub enable_rtx: bool,
    /// Whether packets are encrypted.
    pub enable_srtp: bool,
}

/// Where the peer of a plain or pipe transport is, as far as it is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransportAddress {
    /// Its address.
    pub ip: Option<Box<str>>,
    /// Its port.
    pub port: Option<u16>,
    /// Its port for RTCP; plain transports without rtcp-mux.
    pub rtcp_port: Option<u16>,
    /// What it encrypts with.
    pub srtp_parameters: Option<SrtpParameters>,
}

// What the npm package sends where its user says nothing.
impl Default for TransportOptions {
    fn default() -> Self {
        Self {
            initial_available_outgoing_bitrate: None,
            enable_sctp: false,
            max_send_message_size: 262_144,
            max_receive_message_size: 262_144,
            sctp: SctpOptions::default(),
        }
    }
}

// Likewise.
impl Default for SctpOptions {
    fn default() -> Self {
        Self {
            send_buffer_size: 2_000_000,
            per_stream_send_queue_limit: 2_000_000,
            max_receiver_window_buffer_size: 5_242_880,
            default_stream_buffered_amount_low_threshold: 1_024,
            is_data_channel: false,
        }
    }
}
