//! What can be asked of consumers, and what they are made with.

use model::id::{ConsumerId, ProducerId};
use model::rtp::{MediaKind, RtpEncodingParameters, RtpParameters};
use model::score::{ConsumerLayers, ConsumerType};
use model::trace::{ConsumerTraceEventType, TraceSet};

/// What can be asked of a consumer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ConsumerRequest {
    /// Say what it is. Answer: [`Consumer`](crate::Answer::Consumer).
    Dump,
    /// Say what its streams counted. Answer: [`StreamStats`](crate::Answer::StreamStats).
    Stats,
    /// Send nothing.
    Pause,
    /// Send again.
    Resume,
    /// The highest layers that are wanted. Answer: [`PreferredLayers`](crate::Answer::PreferredLayers).
    SetPreferredLayers(ConsumerLayers),
    /// The weight when bandwidth is shared out, from 1. Answer: [`Priority`](crate::Answer::Priority).
    SetPriority(u8),
    /// Ask the producer for a key frame.
    RequestKeyFrame,
    /// Trace these and nothing else.
    EnableTrace(TraceSet<ConsumerTraceEventType>),
}

/// What a consumer is made with.
#[derive(Clone, Debug, PartialEq)]
pub struct Consume {
    /// Its name.
    pub id: ConsumerId,
    /// Whose streams it forwards.
    pub producer_id: ProducerId,
    /// Sound or picture.
    pub kind: MediaKind,
    /// How its packets look.
    pub rtp_parameters: RtpParameters,
    /// What it does with the producer's streams.
    pub consumer_type: ConsumerType,
    /// How the producer's streams look inside the router.
    pub consumable_encodings: Vec<RtpEncodingParameters>,
    /// Whether it begins paused.
    pub paused: bool,
    /// The highest layers that are wanted.
    pub preferred_layers: Option<ConsumerLayers>,
    /// Whether silence is dropped; Opus.
    pub ignore_dtx: bool,
}
