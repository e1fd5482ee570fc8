//! Commands to consumers.

use std::num::NonZeroU8;

use crate::key::{ProducerKey, TransportKey};
use crate::rtp::{MediaKind, RtpEncodingParameters, RtpParameters};
use crate::score::{ConsumerLayers, ConsumerType};
use crate::trace::{ConsumerTraceEventType, TraceSet};

/// What can be done with a consumer.
#[derive(Clone, Debug, PartialEq)]
pub enum ConsumerCommand {
    /// Make it.
    Open(Box<ConsumerOpen>),
    /// Send nothing.
    Pause,
    /// Send again, from a key frame on.
    Resume,
    /// The highest layers that are wanted. The reply says which of them there are.
    SetPreferredLayers(ConsumerLayers),
    /// The weight when bandwidth is shared out.
    SetPriority(NonZeroU8),
    /// Ask its producer for a key frame.
    RequestKeyFrame,
    /// Trace these and nothing else.
    EnableTrace(TraceSet<ConsumerTraceEventType>),
    /// Say which streams and layers there are.
    Report,
    /// Say what it counted.
    Stats,
    /// Forget it. The reply says that its ssrcs are free.
    Close,
}

/// What a consumer is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerOpen {
    /// Whose consumer.
    pub transport: TransportKey,
    /// The producer, or what stands for it on this shard.
    pub producer: ProducerKey,
    /// Sound or picture.
    pub kind: MediaKind,
    /// What it does with the producer's streams.
    pub consumer_type: ConsumerType,
    /// How its packets look.
    pub rtp_parameters: RtpParameters,
    /// How the producer's look inside the router.
    pub consumable_encodings: Vec<RtpEncodingParameters>,
    /// Whether it begins paused.
    pub paused: bool,
    /// The highest layers that are wanted.
    pub preferred_layers: Option<ConsumerLayers>,
    /// Whether silence is dropped; Opus.
    pub ignore_dtx: bool,
    /// Its randomness: where its sequence numbers begin.
    pub seed: u64,
}
