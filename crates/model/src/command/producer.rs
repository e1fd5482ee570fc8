//! Commands to producers and to what stands for them on other shards.

use crate::id::Ssrc;
use crate::key::{ProducerKey, RouterKey, ShardIndex, TransportKey};
use crate::rtp::{MediaKind, RtpCodecParameters, RtpHeaderExtensionParameters, RtpMapping, RtpParameters};
use crate::score::ProducerType;
use crate::trace::{ProducerTraceEventType, TraceSet};

/// What can be done with a producer.
#[derive(Clone, Debug, PartialEq)]
pub enum ProducerCommand {
    /// Make it.
    Open(Box<ProducerOpen>),
    /// Make what stands for a producer of another shard. To be told before its producer is.
    OpenReplica(Box<ProducerReplica>),
    /// Send everything to what stands for it there, from a new epoch on.
    OpenFeed {
        /// Which shard.
        shard: ShardIndex,
        /// What stands for it.
        replica: ProducerKey,
    },
    /// Send nothing more there. The reply says that nothing is on the way.
    CloseFeed(ShardIndex),
    /// Forward nothing; a new epoch. The reply says that every replica knows.
    Pause,
    /// Forward again; a new epoch. The reply says that every replica knows.
    Resume,
    /// Trace these and nothing else.
    EnableTrace(TraceSet<ProducerTraceEventType>),
    /// Take this RTP packet as if it had come from the network; direct transports.
    Send(Box<[u8]>),
    /// Say which streams there are.
    Report,
    /// Say what it counted.
    Stats,
    /// Forget it. The reply says that its ssrcs, MID and RIDs are free.
    Close,
}

/// What a producer is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct ProducerOpen {
    /// Whose producer.
    pub transport: TransportKey,
    /// Sound or picture.
    pub kind: MediaKind,
    /// Whether several streams, or layers, have to be told apart.
    pub producer_type: ProducerType,
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

/// What stands for a producer on another shard of its router.
#[derive(Clone, Debug, PartialEq)]
pub struct ProducerReplica {
    /// The router's part on this shard.
    pub router: RouterKey,
    /// Where the producer is.
    pub shard: ShardIndex,
    /// What it is called there.
    pub producer: ProducerKey,
    /// Sound or picture.
    pub kind: MediaKind,
    /// Whether several streams, or layers, have to be told apart.
    pub producer_type: ProducerType,
    /// Its codecs, as they are inside the router.
    pub codecs: Vec<RtpCodecParameters>,
    /// Its streams, as they are inside the router, in the order of its encodings.
    pub mapped_ssrcs: Vec<Ssrc>,
    /// What the producer announced: packets cross as they were received, and their headers are laid out here.
    pub header_extensions: Vec<RtpHeaderExtensionParameters>,
    /// Whether it is paused. From the opening of its feed on, the producer's shard says so.
    pub paused: bool,
}

/// Counts what changed for all of a producer's packets at once: pauses, resumptions, its end, its layers. Only shards
/// count them: the producer's shard marks each packet that it hands over and tells the others which epoch holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u32);

impl Epoch {
    /// The one that ends this one.
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}
