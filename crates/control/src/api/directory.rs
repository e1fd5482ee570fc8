//! The objects that handles stand for, as the control thread sees them: who is inside whom, and whom to tell.
//!
//! The core tells nobody when a thing goes because what it is in went. Handles are to know, so this follows the tree.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::closing::{CloseReason, NoEvent, Signals};
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
    DataProducer(Arc<Signals<NoEvent>>),
    DataConsumer(Arc<Signals<DataConsumerEvent>>),
    RtpObserver(Arc<Signals<RtpObserverEvent>>),
}

/// All objects that are open.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    entries: HashMap<Box<str>, Entry>,
}

#[derive(Debug)]
struct Entry {
    token: Token,
    parents: Vec<Box<str>>,
    children: HashSet<Box<str>>,
    seat: Seat,
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
        self.entries.insert(id, Entry { token, parents, children: HashSet::new(), seat });
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
        // What is inside goes first, as everywhere.
        let inner = entry.seat.reason_for_children(reason);
        entry.children.iter().for_each(|child| self.close(child, inner));
        entry.seat.close(reason);
    }

    /// Everything closed.
    pub(crate) fn close_all(&mut self, reason: CloseReason) {
        self.entries.drain().for_each(|(_, entry)| entry.seat.close(reason));
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

impl Seat {
    fn close(&self, reason: CloseReason) {
        match self {
            Self::WebRtcServer(signals) | Self::Router(signals) | Self::DataProducer(signals) => {
                signals.close(reason);
            }
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
