//! What is said unasked. Numbers are those of the worker channel's notifications (npm mediasoup 3.27.1).

use model::command::DataMessage;
use model::event::Urgency;
use model::id::{ConsumerId, DataConsumerId, ProducerId, RtpObserverId, TransportId};
use model::score::{ConsumerLayers, ConsumerScore, ProducerScore, VideoOrientation};
use model::trace::{StreamTrace, Trace, TransportTrace};
use model::transport::{DtlsState, IceState, SctpNegotiatedCapabilities, SctpState, TransportTuple};

/// Something happened to an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// To a transport.
    Transport(TransportId, TransportEvent),
    /// To a producer.
    Producer(ProducerId, ProducerEvent),
    /// To a consumer.
    Consumer(ConsumerId, ConsumerEvent),
    /// To a data consumer.
    DataConsumer(DataConsumerId, DataConsumerEvent),
    /// An observer saw something.
    RtpObserver(RtpObserverId, RtpObserverEvent),
}

/// What happens to transports.
#[derive(Clone, Debug, PartialEq)]
pub enum TransportEvent {
    /// 5: SCTP got further, or came to its end.
    SctpState(SctpState),
    /// 6: SCTP agreed on its streams; right before its state says connected.
    SctpNegotiated(SctpNegotiatedCapabilities),
    /// 7: something that is traced.
    Trace(Box<Trace<TransportTrace>>),
    /// 8: ICE selected two ends, or others.
    IceSelectedTuple(Box<TransportTuple>),
    /// 9: ICE got further, or lost its peer.
    IceState(IceState),
    /// 10: DTLS got further, or came to its end.
    DtlsState {
        /// How far.
        state: DtlsState,
        /// The peer's certificate in PEM, once connected.
        remote_certificate: Option<Box<str>>,
    },
    /// 11: the first packet fixed the peer's end; comedia.
    Tuple(Box<TransportTuple>),
    /// 12: the first RTCP packet fixed the peer's end for RTCP; comedia without rtcp-mux.
    RtcpTuple(Box<TransportTuple>),
    /// 13: RTCP that would go to the peer; direct transports.
    Rtcp(Box<[u8]>),
}

/// What happens to producers.
#[derive(Clone, Debug, PartialEq)]
pub enum ProducerEvent {
    /// 14: a stream appeared, or does better or worse; all that appeared so far.
    Score(Vec<ProducerScore>),
    /// 15: something that is traced.
    Trace(Box<Trace<StreamTrace>>),
    /// 16: the camera is held in another way.
    VideoOrientation(VideoOrientation),
}

/// What happens to consumers.
#[derive(Clone, Debug, PartialEq)]
pub enum ConsumerEvent {
    /// 17: its producer was paused.
    ProducerPaused,
    /// 18: its producer was resumed.
    ProducerResumed,
    /// 19: its producer was closed, and so is the consumer.
    ProducerClosed,
    /// 20: other layers are sent, or none.
    Layers(Option<ConsumerLayers>),
    /// 21: a packet; direct transports.
    Rtp(Box<[u8]>),
    /// 22: it does better or worse, or its producer does.
    Score(ConsumerScore),
    /// 23: something that is traced.
    Trace(Box<Trace<StreamTrace>>),
}

/// What happens to data consumers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataConsumerEvent {
    /// 24: so many bytes wait, which is at or below the threshold again.
    BufferedAmountLow(u32),
    /// 25: a message found no room.
    SendBufferFull,
    /// 26: its data producer was paused.
    DataProducerPaused,
    /// 27: its data producer was resumed.
    DataProducerResumed,
    /// 28: its data producer was closed, and so is the data consumer.
    DataProducerClosed,
    /// 29: a message; direct transports.
    Message(Box<DataMessage>),
}

/// What observers see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RtpObserverEvent {
    /// 30: this one speaks now.
    DominantSpeaker(ProducerId),
    /// 31: nobody is loud.
    Silence,
    /// 32: these are loud, the loudest first, in dBov.
    Volumes(Vec<(ProducerId, i8)>),
}

impl Event {
    /// Whose event it is: names are unique over all kinds of object.
    pub fn id(&self) -> &str {
        match self {
            Self::Transport(id, _) => id.as_str(),
            Self::Producer(id, _) => id.as_str(),
            Self::Consumer(id, _) => id.as_str(),
            Self::DataConsumer(id, _) => id.as_str(),
            Self::RtpObserver(id, _) => id.as_str(),
        }
    }

    /// Whether both are of one sort, about objects of one kind.
    pub fn is_like(&self, other: &Self) -> bool {
        use std::mem::discriminant as sort;
        match (self, other) {
            (Self::Transport(_, this), Self::Transport(_, that)) => sort(this) == sort(that),
            (Self::Producer(_, this), Self::Producer(_, that)) => sort(this) == sort(that),
            (Self::Consumer(_, this), Self::Consumer(_, that)) => sort(this) == sort(that),
            (Self::DataConsumer(_, this), Self::DataConsumer(_, that)) => sort(this) == sort(that),
            (Self::RtpObserver(_, this), Self::RtpObserver(_, that)) => sort(this) == sort(that),
            _ => false,
        }
    }

    /// What may become of it when its reader is slow.
    pub const fn urgency(&self) -> Urgency {
        match self {
            // Each trace is about another packet, so none can stand for another.
            Self::Transport(_, TransportEvent::Rtcp(_) | TransportEvent::Trace(_))
            | Self::Producer(_, ProducerEvent::Trace(_))
            | Self::Consumer(_, ConsumerEvent::Rtp(_) | ConsumerEvent::Trace(_)) => Urgency::Lossy,
            Self::Producer(_, ProducerEvent::Score(_))
            | Self::Consumer(_, ConsumerEvent::Score(_))
            | Self::RtpObserver(_, RtpObserverEvent::Volumes(_)) => Urgency::Latest,
            Self::Transport(..)
            | Self::Producer(..)
            | Self::Consumer(..)
            | Self::DataConsumer(..)
            | Self::RtpObserver(..) => Urgency::Lasting,
        }
    }
}
