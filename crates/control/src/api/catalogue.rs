//! What a router's transports know of its producers, so that whoever consumes need not ask.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use model::data::SctpStreamParameters;
use model::id::{DataProducerId, ProducerId};
use model::rtp::{MediaKind, RtpParameters};
use model::score::ProducerType;
use parking_lot::Mutex;

use super::closing::Signals;
use super::data_producer::DataProducerEvent;
use crate::event::ProducerEvent;

/// The producers and data producers of a router.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    pub(crate) producers: Shelf<ProducerId, ProducerFacts>,
    pub(crate) data_producers: Shelf<DataProducerId, DataProducerFacts>,
}

/// What consuming a producer takes.
#[derive(Debug)]
pub(crate) struct ProducerFacts {
    pub(crate) kind: MediaKind,
    pub(crate) producer_type: ProducerType,
    /// The producer as the router sees it.
    pub(crate) consumable: RtpParameters,
    pub(crate) signals: Arc<Signals<ProducerEvent>>,
}

/// What consuming a data producer takes.
#[derive(Debug)]
pub(crate) struct DataProducerFacts {
    pub(crate) sctp_stream_parameters: Option<SctpStreamParameters>,
    pub(crate) label: Box<str>,
    pub(crate) protocol: Box<str>,
    pub(crate) signals: Arc<Signals<DataProducerEvent>>,
}

/// Things that go by themselves when they close.
pub(crate) trait Goes {
    fn is_gone(&self) -> bool;
}

/// Things of one kind by name. Those that are gone are not found, and make room when room is needed.
#[derive(Debug)]
pub(crate) struct Shelf<K, T> {
    things: Mutex<HashMap<K, Arc<T>>>,
}

impl<K: Eq + Hash, T: Goes> Shelf<K, T> {
    pub(crate) fn put(&self, id: K, thing: Arc<T>) {
        let mut things = self.things.lock();
        if things.len() == things.capacity() {
            things.retain(|_, thing| !thing.is_gone());
        }
        things.insert(id, thing);
    }

    pub(crate) fn find(&self, id: &K) -> Option<Arc<T>> {
        let thing = self.things.lock().get(id).cloned()?;
        (!thing.is_gone()).then_some(thing)
    }
}

impl<K, T> Default for Shelf<K, T> {
    fn default() -> Self {
        Self { things: Mutex::default() }
    }
}

impl Goes for ProducerFacts {
    fn is_gone(&self) -> bool {
        self.signals.is_closed()
    }
}

impl Goes for DataProducerFacts {
    fn is_gone(&self) -> bool {
        self.signals.is_closed()
    }
}
