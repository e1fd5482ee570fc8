//! What is answered to a request that was not refused.

use model::dump::{
    ConsumerDump, DataConsumerDump, DataProducerDump, ProducerDump, RouterDump, TransportDump,
    WebRtcServerDump, WorkerDump,
};
use model::reply::Refusal;
use model::score::{ConsumerLayers, ConsumerScore, ProducerType};
use model::stats::{DataConsumerStats, DataProducerStats, RtpStreamStats, TransportStats};
use model::transport::{DtlsRole, IceParameters, SrtpParameters, TransportTuple};

/// What came of a request: an answer, or why there is none.
pub type Answered = Result<Answer, Refusal>;

/// What is answered. Each request says which of these it gets; where it says nothing, it is [`Self::Done`].
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It is done.
    Done,
    /// Everything there is, by name.
    Worker(Box<WorkerDump>),
    /// A WebRtcServer.
    WebRtcServer(Box<WebRtcServerDump>),
    /// A router.
    Router(Box<RouterDump>),
    /// A transport, made or asked for.
    Transport(Box<TransportDump>),
    /// What a transport counted.
    TransportStats(Box<TransportStats>),
    /// A WebRTC transport was told about its peer: the part that we play in DTLS.
    WebRtcConnected(DtlsRole),
    /// A plain transport was told about its peer.
    PlainConnected(Box<PlainConnected>),
    /// A pipe transport was told about its peer: its two ends.
    PipeConnected(Box<TransportTuple>),
    /// New ICE credentials.
    IceRestarted(Box<IceParameters>),
    /// A producer was made.
    Produced(ProducerType),
    /// A producer.
    Producer(Box<ProducerDump>),
    /// What streams of a producer or consumer counted.
    StreamStats(Vec<RtpStreamStats>),
    /// A consumer was made.
    Consumed(Box<Consumed>),
    /// A consumer.
    Consumer(Box<ConsumerDump>),
    /// Which layers will be aimed at; none for consumers without layers.
    PreferredLayers(Option<ConsumerLayers>),
    /// A consumer's weight when bandwidth is shared out.
    Priority(u8),
    /// A data producer, made or asked for.
    DataProducer(Box<DataProducerDump>),
    /// What a data producer counted.
    DataProducerStats(Box<DataProducerStats>),
    /// A data consumer, made or asked for.
    DataConsumer(Box<DataConsumerDump>),
    /// What a data consumer counted.
    DataConsumerStats(Box<DataConsumerStats>),
    /// How many bytes of a data consumer wait to be sent.
    BufferedAmount(u32),
    /// All subchannels that a data consumer listens to, in ascending order.
    Subchannels(Vec<u16>),
}

/// What a plain transport has once it was told about its peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainConnected {
    /// Its two ends; absent as long as the peer's is not known, which is with comedia.
    pub tuple: Option<TransportTuple>,
    /// Its two ends for RTCP, if it has others for that.
    pub rtcp_tuple: Option<TransportTuple>,
    /// What we encrypt with.
    pub srtp_parameters: Option<SrtpParameters>,
}

/// What is known of a consumer from its first moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumed {
    /// Whether it is paused.
    pub paused: bool,
    /// Whether its producer is paused.
    pub producer_paused: bool,
    /// Its scores.
    pub score: ConsumerScore,
    /// The layers that will be aimed at; none for consumers without layers.
    pub preferred_layers: Option<ConsumerLayers>,
}
