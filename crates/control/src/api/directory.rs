//! The objects that handles stand for, as the control thread sees them: who is inside whom, and whom to tell.
//!
//! The core tells nobody when a thing goes because what it is in went. Handles are to know, so this follows the tree.

mod ties;

pub(crate) use ties::{Errand, What};

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::closing::{CloseReason, NoEvent, Signals};
use super::data_producer::DataProducerEvent;
use super::link::Token;
use crate::event::{
    ConsumerEvent, DataConsumerEvent, Event, ProducerEvent, RtpObserverEvent, TransportEvent,
};

/// An object that a request makes.
pub(crate) struct Opening {
    pub(crate) id: Box<str>,
    pub(crate) token: Token,
    /// What it goes with, and what that is called when it does: at least the one it is in.
    pub(crate) parents: Vec<Box<str>>,
    pub(crate) seat: Seat,
}

/// What a kind of object hears.
#[derive(Clone, Debug)]
pub(crate) enum Seat {
    WebRtcServer(Arc<Signals<NoEvent>>),
    Router(Arc<Signals<NoEvent>>),
    Transport(Arc<Signals<TransportEvent>>),
    Producer(Arc<Signals<ProducerEvent>>),
    Consumer(Arc<Signals<ConsumerEvent>>),
    DataProducer(Arc<Signals<DataProducerEvent>>),
    DataConsumer(Arc<Signals<DataConsumerEvent>>),
    RtpObserver(Arc<Signals<RtpObserverEvent>>),
}

/// All objects that are open.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    entries: HashMap<Box<str>, Entry>,
    errands: Vec<Errand>,
}

#[derive(Debug)]
struct Entry {
    token: Token,
    parents: Vec<Box<str>>,
    children: HashSet<Box<str>>,
    seat: Seat,
    /// The other end of the pipe, if it is an end of one.
    tied: Option<Box<str>>,
}

impl Directory {
    /// An object was made. If what it is in has gone meanwhile, so has it.
    pub(crate) fn open(&mut self, opening: Opening) {
        let Opening { id, token, parents, seat } = opening;
        for parent in &parents {
            match self.entries.get_mut(parent) {
                Some(parent) => _ = parent.children.insert(id.clone()),
                None => return seat.close(CloseReason::Requested),
            }
        }
        self.entries.insert(id, Entry { token, parents, children: HashSet::new(), seat, tied: None });
    }

    /// Whether the object of that name is the one with that token.
    pub(crate) fn is(&self, id: &str, token: Token) -> bool {
        self.entries.get(id).is_some_and(|entry| entry.token == token)
    }

    /// An object closed, and with it all that is in it.
    pub(crate) fn close(&mut self, id: &str, reason: CloseReason) {
        let Some(entry) = self.entries.remove(id) else { return };
        for parent in &entry.parents {
            if let Some(parent) = self.entries.get_mut(parent) {
                parent.children.remove(id);
            }
        }
        if let Some(other) = entry.tied.filter(|other| self.entries.contains_key(other)) {
            self.errands.push(Errand { id: other, what: What::Close });
        }
        // What is inside goes first, as everywhere.
        let inner = entry.seat.reason_for_children(reason);
        entry.children.iter().for_each(|child| self.close(child, inner));
        entry.seat.close(reason);
    }

    /// Something happened to an object, if a handle may want to know.
    pub(crate) fn tell(&mut self, event: &Event) {
        let Some(entry) = self.entries.get(event.id()) else { return };
        match (&entry.seat, event) {
            (Seat::Transport(signals), Event::Transport(_, event)) => signals.emit(event),
            (Seat::Producer(signals), Event::Producer(_, event)) => signals.emit(event),
            (Seat::Consumer(signals), Event::Consumer(_, event)) => signals.emit(event),
            (Seat::DataConsumer(signals), Event::DataConsumer(_, event)) => signals.emit(event),
            (Seat::RtpObserver(signals), Event::RtpObserver(_, event)) => signals.emit(event),
            // Names are unique over all kinds.
            _ => {}
        }
        if let (Some(paused), Some(other)) = (ties::source_paused(event), entry.tied.clone()) {
            self.errands.push(Errand { id: other, what: What::SetPaused(paused) });
        }
        let closed = matches!(
            event,
            Event::Consumer(_, ConsumerEvent::ProducerClosed)
                | Event::DataConsumer(_, DataConsumerEvent::DataProducerClosed)
        );
        if closed {
            self.close(event.id(), CloseReason::ProducerClosed);
        }
    }
}

/// However the control thread ends, by a panic too, everything ends with it, and handles are to know.
impl Drop for Directory {
    fn drop(&mut self) {
        self.entries.drain().for_each(|(_, entry)| entry.seat.close(CloseReason::SfuEnded));
    }
}

impl Seat {
    fn close(&self, reason: CloseReason) {
        match self {
            Self::WebRtcServer(signals) | Self::Router(signals) => signals.close(reason),
            Self::DataProducer(signals) => signals.close(reason),
            Self::Transport(signals) => signals.close(reason),
            Self::Producer(signals) => signals.close(reason),
            Self::Consumer(signals) => signals.close(reason),
            Self::DataConsumer(signals) => signals.close(reason),
            Self::RtpObserver(signals) => signals.close(reason),
        }
    }

    /// Why what is inside closes, when this closes for that reason.
    const fn reason_for_children(&self, own: CloseReason) -> CloseReason {
        match (self, own) {
            (_, CloseReason::ShardLost | CloseReason::SfuEnded) => own,
            (Self::WebRtcServer(_), _) => CloseReason::WebRtcServerClosed,
            (Self::Router(_), _) => CloseReason::RouterClosed,
            // All the way down it is the router that went.
            (Self::Transport(_), CloseReason::RouterClosed) => CloseReason::RouterClosed,
            _ => CloseReason::TransportClosed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::link::Link;

    /// A router with a transport with a producer; and a consumer of it on another transport.
    struct Room {
        directory: Directory,
        router: Arc<Signals<NoEvent>>,
        transport: Arc<Signals<TransportEvent>>,
        producer: Arc<Signals<ProducerEvent>>,
        consumer: Arc<Signals<ConsumerEvent>>,
    }

    fn open(directory: &mut Directory, id: &str, parent: &[&str], seat: Seat) {
        let token = Link::new().0.token();
        let parents = parent.iter().map(|id| (*id).into()).collect();
        directory.open(Opening { id: id.into(), token, parents, seat });
    }

    fn room() -> Room {
        let mut directory = Directory::default();
        let (router, transport) = (Arc::default(), Arc::default());
        let (producer, consumer) = (Arc::default(), Arc::default());
        open(&mut directory, "router", &[], Seat::Router(Arc::clone(&router)));
        open(&mut directory, "transport", &["router"], Seat::Transport(Arc::clone(&transport)));
        open(&mut directory, "other", &["router"], Seat::Transport(Arc::default()));
        open(&mut directory, "producer", &["transport"], Seat::Producer(Arc::clone(&producer)));
        open(&mut directory, "consumer", &["other"], Seat::Consumer(Arc::clone(&consumer)));
        Room { directory, router, transport, producer, consumer }
    }

    #[test]
    fn what_is_inside_closes_too_and_says_because_of_what() {
        let mut room = room();
        room.directory.close("transport", CloseReason::Requested);
        assert_eq!(room.transport.closed_reason(), Some(CloseReason::Requested));
        assert_eq!(room.producer.closed_reason(), Some(CloseReason::TransportClosed));
        assert_eq!((room.router.closed_reason(), room.consumer.closed_reason()), (None, None));
        room.directory.close("router", CloseReason::Requested);
        assert_eq!(room.consumer.closed_reason(), Some(CloseReason::RouterClosed));
        assert!(room.directory.entries.is_empty());
    }

    #[test]
    fn a_lost_shard_is_the_reason_all_the_way_down() {
        let mut room = room();
        room.directory.close("router", CloseReason::ShardLost);
        assert_eq!(room.producer.closed_reason(), Some(CloseReason::ShardLost));
    }

    #[test]
    fn a_consumer_goes_with_its_producer() {
        let mut room = room();
        let mut events = room.consumer.subscribe();
        room.directory.tell(&Event::Consumer("consumer".into(), ConsumerEvent::ProducerClosed));
        assert_eq!(room.consumer.closed_reason(), Some(CloseReason::ProducerClosed));
        let mut poll = || {
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            futures_core::Stream::poll_next(std::pin::Pin::new(&mut events), &mut cx)
        };
        assert_eq!(poll(), std::task::Poll::Ready(Some(Ok(ConsumerEvent::ProducerClosed))));
        assert_eq!(poll(), std::task::Poll::Ready(None));
        assert!(!room.directory.entries["other"].children.contains("consumer"));
    }

    #[test]
    fn what_is_made_in_something_that_is_gone_is_closed() {
        let mut room = room();
        room.directory.close("transport", CloseReason::Requested);
        let late = Arc::<Signals<ProducerEvent>>::default();
        open(&mut room.directory, "late", &["transport"], Seat::Producer(Arc::clone(&late)));
        assert!(late.is_closed());
    }
}
