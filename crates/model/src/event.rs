//! What a shard says unasked.
//!
//! Events about an object come after the reply that made it and none comes after the reply that closed it; control
//! sees to both. That a producer was paused, resumed or closed is no event: control ordered it, and tells whom it
//! concerns.

use crate::command::DataMessage;
use crate::key::{ConsumerKey, DataConsumerKey, ProducerKey, RtpObserverKey, TransportKey};
use crate::reply::Flow;
use crate::score::{ConsumerLayers, ConsumerScore, ProducerScore, VideoOrientation};
use crate::trace::{StreamTrace, Trace, TransportTrace};
use crate::transport::{DtlsState, IceState, SctpNegotiatedCapabilities, SctpState};

/// Something happened to an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// To a transport.
    Transport(TransportKey, TransportEvent),
    /// To a producer.
    Producer(ProducerKey, ProducerEvent),
    /// To a consumer.
    Consumer(ConsumerKey, ConsumerEvent),
    /// To a data consumer.
    DataConsumer(DataConsumerKey, DataConsumerEvent),
    /// An observer saw something.
    RtpObserver(RtpObserverKey, RtpObserverEvent),
}

/// What happens to transports.
#[derive(Clone, Debug, PartialEq)]
pub enum TransportEvent {
    /// ICE selected a flow, or another one.
    IceSelectedFlow(Box<Flow>),
    /// ICE got further, or lost its peer.
    IceState(IceState),
    /// The peer has used the credentials of a restart of ICE, or there was another restart: this ufrag means the
    /// transport no more.
    UfragForgotten(Box<str>),
    /// DTLS got further, or came to its end.
    DtlsState {
        /// How far.
        state: DtlsState,
        /// The peer's certificate in PEM, once connected.
        remote_certificate: Option<Box<str>>,
    },
    /// SCTP agreed on its streams; comes before the state says connected.
    SctpNegotiated(SctpNegotiatedCapabilities),
    /// SCTP got further, or came to its end.
    SctpState(SctpState),
    /// The first packet fixed the flow; comedia.
    Flow(Box<Flow>),
    /// The first RTCP packet fixed its flow; comedia without rtcp-mux.
    RtcpFlow(Box<Flow>),
    /// RTCP that would go to the peer; direct transports.
    Rtcp(Box<[u8]>),
    /// Something that is traced.
    Trace(Box<Trace<TransportTrace>>),
}

/// What happens to producers.
#[derive(Clone, Debug, PartialEq)]
pub enum ProducerEvent {
    /// A stream appeared, or does better or worse; all that appeared so far.
    Score(Vec<ProducerScore>),
    /// The camera is held in another way.
    VideoOrientation(VideoOrientation),
    /// Something that is traced.
    Trace(Box<Trace<StreamTrace>>),
}

/// What happens to consumers.
#[derive(Clone, Debug, PartialEq)]
pub enum ConsumerEvent {
    /// Other layers are sent, or none.
    Layers(Option<ConsumerLayers>),
    /// It does better or worse, or its producer does.
    Score(ConsumerScore),
    /// A packet; direct transports.
    Rtp(Box<[u8]>),
    /// Something that is traced.
    Trace(Box<Trace<StreamTrace>>),
}

/// What happens to data consumers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataConsumerEvent {
    /// So many bytes wait, which is at or below the threshold again.
    BufferedAmountLow(u32),
    /// A message found no room.
    SendBufferFull,
    /// A message; direct transports.
    Message(Box<DataMessage>),
}

/// What observers see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RtpObserverEvent {
    /// This one speaks now.
    DominantSpeaker(ProducerKey),
    /// These are loud, the loudest first, in dBov.
    Volumes(Vec<(ProducerKey, i8)>),
    /// Nobody is loud.
    Silence,
}

/// What may become of an event when its reader is slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Urgency {
    /// It is delivered, whatever it takes.
    Lasting,
    /// The next one of its sort about the same object takes its place.
    Latest,
    /// It is dropped and counted.
    Lossy,
}

impl Event {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_small_enough_to_be_moved() {
        assert!(size_of::<Event>() <= 56, "{}", size_of::<Event>());
    }

    #[test]
    fn states_and_messages_are_never_lost() {
        let transport = TransportKey::new(0, 0);
        assert_eq!(
            Event::Transport(transport, TransportEvent::IceState(IceState::New)).urgency(),
            Urgency::Lasting
        );
        let message = DataConsumerEvent::Message(Box::default());
        assert_eq!(Event::DataConsumer(DataConsumerKey::new(0, 0), message).urgency(), Urgency::Lasting);
        let packet = Event::Consumer(ConsumerKey::new(0, 0), ConsumerEvent::Rtp(Box::default()));
        assert_eq!(packet.urgency(), Urgency::Lossy);
    }
}
