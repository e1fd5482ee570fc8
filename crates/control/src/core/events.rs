//! Events: those of shards, translated to names, and those that follow from requests.

use model::event::{
    ConsumerEvent as FromConsumer, DataConsumerEvent as FromDataConsumer, Event as FromShard,
    ProducerEvent as FromProducer, RtpObserverEvent as FromObserver, TransportEvent as FromTransport,
};
use model::id::{ConsumerId, DataConsumerId, ProducerId, TransportId};
use model::key::{ProducerKey, ShardIndex, TransportKey};
use model::reply::Flow;
use model::transport::TransportTuple;

use super::Core;
use super::doors::{Aside, Origin};
use super::flight::{Flight, Turn};
use super::keys::{Key, Voice};
use super::objects::Object;
use super::output::Output;
use super::web_rtc::tuple;
use crate::Event;
use crate::event::{ConsumerEvent, DataConsumerEvent, ProducerEvent, RtpObserverEvent, TransportEvent};

impl Core {
    /// A shard said that something happened.
    pub(super) fn event(&mut self, shard: ShardIndex, event: FromShard) {
        if let FromShard::Transport(key, FromTransport::UfragForgotten(ufrag)) = event {
            return self.forget_ufrag(shard, key, &ufrag);
        }
        let (key, event) = match event {
            FromShard::Transport(key, event) => (key.into(), self.transport_event(shard, key, event)),
            FromShard::Producer(key, event) => {
                let event = match event {
                    FromProducer::Score(scores) => ProducerEvent::Score(scores),
                    FromProducer::VideoOrientation(held) => ProducerEvent::VideoOrientation(held),
                    FromProducer::Trace(trace) => ProducerEvent::Trace(trace),
                };
                let id = self.name_of(shard, key);
                (key.into(), id.map(|id| Event::Producer(id.into(), event)))
            }
            FromShard::Consumer(key, event) => {
                let event = match event {
                    FromConsumer::Layers(layers) => ConsumerEvent::Layers(layers),
                    FromConsumer::Score(score) => ConsumerEvent::Score(score),
                    FromConsumer::Rtp(packet) => ConsumerEvent::Rtp(packet),
                    FromConsumer::Trace(trace) => ConsumerEvent::Trace(trace),
                };
                let id = self.name_of(shard, key);
                (key.into(), id.map(|id| Event::Consumer(id.into(), event)))
            }
            FromShard::DataConsumer(key, event) => {
                let event = match event {
                    FromDataConsumer::BufferedAmountLow(bytes) => DataConsumerEvent::BufferedAmountLow(bytes),
                    FromDataConsumer::SendBufferFull => DataConsumerEvent::SendBufferFull,
                    FromDataConsumer::Message(message) => DataConsumerEvent::Message(message),
                };
                let id = self.name_of(shard, key);
                (key.into(), id.map(|id| Event::DataConsumer(id.into(), event)))
            }
            FromShard::RtpObserver(key, event) => {
                let event = self.observer_event(shard, event);
                let id = self.name_of(shard, key);
                (key.into(), id.zip(event).map(|(id, event)| Event::RtpObserver(id.into(), event)))
            }
        };
        if let Some(event) = event {
            self.let_out(shard, key, event);
        }
    }

    /// Tells consumers, or data consumers, what became of their producer. Those that were never made, and those that
    /// are gone by now, are left out.
    pub(super) fn tell(&mut self, objects: &[Object], turn: Turn, flight: &Flight) -> Vec<Aside> {
        let mut asides = Vec::with_capacity(objects.len());
        for object in objects {
            let Some(head) = self.registry.head(*object).filter(|head| head.confirmed) else { continue };
            let (shard, key) = (head.shard, head.key);
            let event = match object {
                Object::Consumer(_) => Event::Consumer(ConsumerId::from(&*head.id), turn.of_producer()),
                Object::DataConsumer(_) => {
                    Event::DataConsumer(DataConsumerId::from(&*head.id), turn.of_data_producer())
                }
                _ => continue,
            };
            // One that was asked to close may be gone before those are answered that came first. With its producer it
            // goes at once, and is told nevertheless.
            let about = (turn != Turn::Closed).then_some(*object);
            let event = self.sort_out(flight.asker(), shard, key, event);
            asides.extend(event.map(|event| Aside { event, about }));
        }
        asides
    }

    fn transport_event(&self, shard: ShardIndex, key: TransportKey, event: FromTransport) -> Option<Event> {
        let id = self.name_of(shard, key)?;
        let event = match event {
            FromTransport::IceSelectedFlow(flow) => {
                TransportEvent::IceSelectedTuple(Box::new(self.announced(id, &flow)?))
            }
            FromTransport::IceState(state) => TransportEvent::IceState(state),
            // Of no interest to users.
            FromTransport::UfragForgotten(_) => return None,
            FromTransport::DtlsState { state, remote_certificate } => {
                TransportEvent::DtlsState { state, remote_certificate }
            }
            FromTransport::SctpNegotiated(capabilities) => TransportEvent::SctpNegotiated(capabilities),
            FromTransport::SctpState(state) => TransportEvent::SctpState(state),
            FromTransport::Flow(flow) => TransportEvent::Tuple(Box::new(self.announced(id, &flow)?)),
            FromTransport::RtcpFlow(flow) => TransportEvent::RtcpTuple(Box::new(self.announced(id, &flow)?)),
            FromTransport::Rtcp(packet) => TransportEvent::Rtcp(packet),
            FromTransport::Trace(trace) => TransportEvent::Trace(trace),
        };
        Some(Event::Transport(TransportId::from(id), event))
    }

    /// A restart of ICE is over: dumps name the old ufrag no more.
    fn forget_ufrag(&mut self, shard: ShardIndex, key: TransportKey, ufrag: &str) {
        let found = self.name_of(shard, key).and_then(|id| self.registry.find(id));
        let Some(Object::Transport(no)) = found else { return };
        let web_rtc = self.registry.transports.get_mut(no).and_then(|row| row.web_rtc_mut());
        if let Some(web_rtc) = web_rtc.filter(|web_rtc| web_rtc.old_ufrag.as_deref() == Some(ufrag)) {
            web_rtc.old_ufrag = None;
        }
    }

    /// Two ends as the transport's user wants them named; nothing if the transport is closing.
    fn announced(&self, id: &str, flow: &Flow) -> Option<TransportTuple> {
        match self.registry.find(id)? {
            Object::Transport(no) => Some(tuple(self.sockets_of(no), flow)),
            _ => None,
        }
    }

    fn observer_event(&self, shard: ShardIndex, event: FromObserver) -> Option<RtpObserverEvent> {
        let name = |key: ProducerKey| self.name_of(shard, key).map(ProducerId::from);
        Some(match event {
            FromObserver::DominantSpeaker(key) => RtpObserverEvent::DominantSpeaker(name(key)?),
            FromObserver::Volumes(volumes) => {
                let volumes = volumes.into_iter().filter_map(|(key, dbov)| Some((name(key)?, dbov)));
                RtpObserverEvent::Volumes(volumes.collect())
            }
            FromObserver::Silence => RtpObserverEvent::Silence,
        })
    }

    fn name_of(&self, shard: ShardIndex, key: impl Into<Key>) -> Option<&str> {
        let keys = self.keys.get(usize::from(shard.0))?;
        let occupant = keys.occupant(key.into()).filter(|occupant| occupant.voice != Voice::Silent);
        occupant.map(|occupant| &*occupant.id)
    }

    /// Tells an event of a shard, or keeps it until after the answer that makes it understood.
    fn let_out(&mut self, shard: ShardIndex, key: Key, event: Event) {
        let occupant = self.keys.get(usize::from(shard.0)).and_then(|keys| keys.occupant(key));
        match occupant.map(|occupant| occupant.voice) {
            None | Some(Voice::Silent) => {}
            Some(Voice::Speaking) => self.out.push_back(Output::Event(event)),
            Some(Voice::Unborn(door, number)) => {
                let rest = self.doors.keep(Origin { door, number }, event);
                self.out.extend(rest.err().map(Output::Event));
            }
        }
    }
}

impl Turn {
    const fn of_producer(self) -> ConsumerEvent {
        match self {
            Self::Paused => ConsumerEvent::ProducerPaused,
            Self::Resumed => ConsumerEvent::ProducerResumed,
            Self::Closed => ConsumerEvent::ProducerClosed,
        }
    }

    const fn of_data_producer(self) -> DataConsumerEvent {
        match self {
            Self::Paused => DataConsumerEvent::DataProducerPaused,
            Self::Resumed => DataConsumerEvent::DataProducerResumed,
            Self::Closed => DataConsumerEvent::DataProducerClosed,
        }
    }
}
