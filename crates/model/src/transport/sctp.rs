//! SCTP: limits of an association and how far it got (RFC 9260, RFC 8831).

use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};

/// The limits that a transport works with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SctpParameters {
    /// The port, which is 5000 on both sides.
    pub port: u16,
    /// Bytes of the longest message that may be sent.
    pub max_send_message_size: u32,
    /// Bytes of the longest message that is taken.
    pub max_receive_message_size: u32,
    /// Bytes that may wait to be sent, over all streams.
    pub send_buffer_size: u32,
    /// Bytes that may wait to be sent on one stream.
    pub per_stream_send_queue_limit: u32,
    /// Bytes of the receive window.
    pub max_receiver_window_buffer_size: u32,
    /// Whether this is WebRTC's use of SCTP, over DTLS (RFC 8831).
    pub is_data_channel: bool,
}

/// How many streams both sides agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SctpNegotiatedCapabilities {
    /// Streams from here.
    pub negotiated_max_outbound_streams: u16,
    /// Streams to here.
    pub negotiated_max_inbound_streams: u16,
}

/// How far the association got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum SctpState {
    /// Not begun.
    #[default]
    New,
    /// INIT is out.
    Connecting,
    /// Established.
    Connected,
    /// It could not be established.
    Failed,
    /// It is over.
    Closed,
}

// By hand, because the JSON has three fields more than there are facts: clients of older versions read them.
impl Serialize for SctpParameters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("SctpParameters", 10)?;
        out.serialize_field("port", &self.port)?;
        out.serialize_field("maxSendMessageSize", &self.max_send_message_size)?;
        out.serialize_field("maxReceiveMessageSize", &self.max_receive_message_size)?;
        out.serialize_field("sendBufferSize", &self.send_buffer_size)?;
        out.serialize_field("perStreamSendQueueLimit", &self.per_stream_send_queue_limit)?;
        out.serialize_field("maxReceiverWindowBufferSize", &self.max_receiver_window_buffer_size)?;
        out.serialize_field("isDataChannel", &self.is_data_channel)?;
        out.serialize_field("OS", &u16::MAX)?;
        out.serialize_field("MIS", &u16::MAX)?;
        out.serialize_field("maxMessageSize", &self.max_receive_message_size)?;
        out.end()
    }
}
