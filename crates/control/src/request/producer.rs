//! What can be asked of producers, and what they are made with.

use model::id::ProducerId;
use model::rtp::{MediaKind, RtpMapping, RtpParameters};
use model::trace::{ProducerTraceEventType, TraceSet};

/// What can be asked of a producer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ProducerRequest {
    /// Say what it is. Answer: [`Producer`](crate::Answer::Producer).
    Dump,
    /// Say what its streams counted. Answer: [`StreamStats`](crate::Answer::StreamStats).
    Stats,
    /// Forward nothing.
    Pause,
    /// Forward again.
    Resume,
    /// Trace these and nothing else.
    EnableTrace(TraceSet<ProducerTraceEventType>),
}

/// What a producer is made with.
#[derive(Clone, Debug, PartialEq)]
pub struct Produce {
    /// Its name.
    pub id: ProducerId,
    /// Sound or picture.
    pub kind: MediaKind,
    /// How its packets look.
    pub rtp_parameters: RtpParameters,
    /// How they look inside the router.
    pub rtp_mapping: RtpMapping,
    /// Whether it begins paused.
    pub paused: bool,
    /// Milliseconds between two requests for a key frame; 0 is as often as asked.
    pub key_frame_request_delay_ms: u32,
    /// Whether packets without a packet id get one.
    pub adds_packet_id: bool,
}
