//! Everything that was made over HTTP, by its name.
//!
//! Holding a handle keeps its object open, so what stands here stays until somebody closes it or what it is in. One
//! task per object follows what it says until then, tells it on, and takes it out.

mod kind;
mod naming;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};
use shardcast::api::{
    Consumer, DataConsumer, DataProducer, DirectTransport, Missed, PipeTransport, PlainTransport, Producer,
    Router, RtpObserver, Transport, WebRtcServer, WebRtcTransport,
};
use shardcast::event::{ConsumerEvent, ProducerEvent};

use crate::events::Events;
use crate::metrics::Metrics;
pub(crate) use kind::Kind;

/// See the module.
#[derive(Debug)]
pub(crate) struct Catalogue {
    pub(crate) servers: Shelf<WebRtcServer>,
    pub(crate) routers: Shelf<Router>,
    pub(crate) transports: Shelf<AnyTransport>,
    pub(crate) producers: Shelf<Producer>,
    pub(crate) consumers: Shelf<Consumer>,
    pub(crate) data_producers: Shelf<DataProducer>,
    pub(crate) data_consumers: Shelf<DataConsumer>,
    pub(crate) observers: Shelf<RtpObserver>,
    events: Arc<Events>,
}

/// Objects of one kind, in the order of their names.
#[derive(Debug)]
pub(crate) struct Shelf<T>(Mutex<BTreeMap<Box<str>, T>>);

/// A transport of any kind.
#[derive(Clone, Debug)]
pub(crate) enum AnyTransport {
    WebRtc(WebRtcTransport),
    Plain(PlainTransport),
    Pipe(PipeTransport),
    Direct(DirectTransport),
}

impl<T: Clone> Shelf<T> {
    pub(crate) fn get(&self, id: &str) -> Option<T> {
        self.0.lock().get(id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<T> {
        self.0.lock().values().cloned().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().len()
    }

    fn put(&self, id: &str, object: T) {
        self.0.lock().insert(id.into(), object);
    }

    /// The object leaves the lock before it is dropped: that may close it.
    fn take(&self, id: &str) -> Option<T> {
        self.0.lock().remove(id)
    }
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }
}

impl Catalogue {
    pub(crate) fn new(events: Arc<Events>) -> Self {
        Self {
            servers: Shelf::default(),
            routers: Shelf::default(),
            transports: Shelf::default(),
            producers: Shelf::default(),
            consumers: Shelf::default(),
            data_producers: Shelf::default(),
            data_consumers: Shelf::default(),
            observers: Shelf::default(),
            events,
        }
    }

    /// Keeps it until it closes.
    pub(crate) fn keep<T: Kind>(self: &Arc<Self>, object: &T) {
        self.keep_and(object, |_, _| {});
    }

    /// Keeps it until it closes, and counts how well it does.
    pub(crate) fn keep_producer(self: &Arc<Self>, producer: &Producer, metrics: &Arc<Metrics>) {
        let mut standing = metrics.quality.producer(producer.kind(), producer.producer_type());
        standing.set(best_of(producer));
        self.keep_and(producer, move |producer, event| {
            // Who missed something looks at what holds now.
            if matches!(event, Err(_) | Ok(ProducerEvent::Score(_))) {
                standing.update(best_of(producer));
            }
        });
    }

    /// Keeps it until it closes, and counts how well it does.
    pub(crate) fn keep_consumer(self: &Arc<Self>, consumer: &Consumer, metrics: &Arc<Metrics>) {
        let mut standing = metrics.quality.consumer(consumer.kind(), consumer.consumer_type());
        standing.set(consumer.score().score);
        self.keep_and(consumer, move |consumer, event| {
            if matches!(event, Err(_) | Ok(ConsumerEvent::Score(_))) {
                standing.update(consumer.score().score);
            }
        });
    }

    /// It is closed and found no more, whether or not its end was heard of yet.
    pub(crate) fn forget<T: Kind>(&self, object: &T) {
        T::shelf(self).take(&object.subject().id);
    }

    /// Something was done with it that it does not say itself.
    pub(crate) fn tell<T: Kind>(&self, object: &T, event: &'static str, data: Value) {
        self.events.tell(now(), &object.subject(), (event, data));
    }

    fn keep_and<T: Kind>(
        self: &Arc<Self>,
        object: &T,
        mut heard: impl FnMut(&T, &Result<T::Event, Missed>) + Send + 'static,
    ) {
        let (this, object) = (Arc::clone(self), object.clone());
        let subject = object.subject();
        T::shelf(&this).put(&subject.id, object.clone());
        let mut events = object.events();
        this.events.tell(now(), &subject, ("new", object.made_in()));
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                heard(&object, &event);
                let said = match event {
                    Ok(event) => T::named(&event),
                    Err(missed) => Some(lost(missed.0)),
                };
                if let Some(said) = said {
                    this.events.tell(now(), &subject, said);
                }
            }
            let reason = object.closed().await;
            T::shelf(&this).take(&subject.id);
            this.events.tell(now(), &subject, ("close", json!({ "reason": reason.to_string() })));
        });
    }
}

/// A producer does as well as the best of its streams: those that its sender turned off say nothing about it. 0 until
/// one appeared.
pub(crate) fn best_of(producer: &Producer) -> u8 {
    producer.score().iter().map(|stream| stream.score).max().unwrap_or_default()
}

impl AnyTransport {
    /// What all kinds have.
    pub(crate) fn base(&self) -> &Transport {
        match self {
            Self::WebRtc(transport) => transport,
            Self::Plain(transport) => transport,
            Self::Pipe(transport) => transport,
            Self::Direct(transport) => transport,
        }
    }

    /// Which of the four.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::WebRtc(_) => "webrtc",
            Self::Plain(_) => "plain",
            Self::Pipe(_) => "pipe",
            Self::Direct(_) => "direct",
        }
    }
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// So many events of one object came faster than they could be told.
fn lost(count: u64) -> (&'static str, Value) {
    ("missed", json!({ "count": count }))
}
