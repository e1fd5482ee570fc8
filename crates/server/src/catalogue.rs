//! Everything that was made over HTTP, by its name.
//!
//! Holding a handle keeps its object open, so what stands here stays until somebody closes it or what it is in. One
//! task per object follows what it says until then, tells it on, and takes it out.

mod naming;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};
use shardcast::api::{
    Consumer, DirectTransport, PipeTransport, PlainTransport, Producer, Router, Transport, WebRtcServer,
    WebRtcTransport,
};
use shardcast::event::{ConsumerEvent, ProducerEvent};

use crate::events::{Events, ObjectKind, Subject};
use crate::metrics::Metrics;

/// See the module.
#[derive(Debug)]
pub(crate) struct Catalogue {
    pub(crate) servers: Shelf<WebRtcServer>,
    pub(crate) routers: Shelf<Router>,
    pub(crate) transports: Shelf<AnyTransport>,
    pub(crate) producers: Shelf<Producer>,
    pub(crate) consumers: Shelf<Consumer>,
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
            events,
        }
    }

    pub(crate) fn keep_server(self: &Arc<Self>, server: &WebRtcServer) {
        let (this, server) = (Arc::clone(self), server.clone());
        this.servers.put(server.id().as_str(), server.clone());
        tokio::spawn(async move {
            server.closed().await;
            this.servers.take(server.id().as_str());
        });
    }

    pub(crate) fn keep_router(self: &Arc<Self>, router: &Router) {
        let (this, router) = (Arc::clone(self), router.clone());
        let subject = subject(&router, ObjectKind::Router, router.id().as_str());
        this.routers.put(&subject.id, router.clone());
        tokio::spawn(async move {
            let reason = router.closed().await;
            this.routers.take(&subject.id);
            this.tell(&subject, closed(reason));
        });
    }

    pub(crate) fn keep_transport(self: &Arc<Self>, transport: AnyTransport) {
        let this = Arc::clone(self);
        let base = transport.base().clone();
        let subject = subject(base.router(), ObjectKind::Transport, base.id().as_str());
        this.transports.put(&subject.id, transport);
        let mut events = base.events();
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                match event {
                    Ok(event) => this.tell(&subject, naming::transport(&event)),
                    Err(missed) => this.tell(&subject, lost(missed.0)),
                }
            }
            let reason = base.closed().await;
            this.transports.take(&subject.id);
            this.tell(&subject, closed(reason));
        });
    }

    pub(crate) fn keep_producer(self: &Arc<Self>, producer: &Producer, metrics: &Arc<Metrics>) {
        let (this, producer) = (Arc::clone(self), producer.clone());
        let router = producer.transport().router();
        let subject = subject(router, ObjectKind::Producer, producer.id().as_str());
        this.producers.put(&subject.id, producer.clone());
        let mut events = producer.events();
        let mut standing = metrics.quality.producer(producer.kind(), producer.producer_type());
        standing.set(best_of(&producer));
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                // Who missed something looks at what holds now.
                if matches!(event, Err(_) | Ok(ProducerEvent::Score(_))) {
                    standing.update(best_of(&producer));
                }
                match event {
                    Ok(event) => this.tell(&subject, naming::producer(&event)),
                    Err(missed) => this.tell(&subject, lost(missed.0)),
                }
            }
            let reason = producer.closed().await;
            this.producers.take(&subject.id);
            this.tell(&subject, closed(reason));
        });
    }

    pub(crate) fn keep_consumer(self: &Arc<Self>, consumer: &Consumer, metrics: &Arc<Metrics>) {
        let (this, consumer) = (Arc::clone(self), consumer.clone());
        let router = consumer.transport().router();
        let subject = subject(router, ObjectKind::Consumer, consumer.id().as_str());
        this.consumers.put(&subject.id, consumer.clone());
        let mut events = consumer.events();
        let mut standing = metrics.quality.consumer(consumer.kind(), consumer.consumer_type());
        standing.set(consumer.score().score);
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                if matches!(event, Err(_) | Ok(ConsumerEvent::Score(_))) {
                    standing.update(consumer.score().score);
                }
                match event {
                    // Packets of direct transports are no news.
                    Ok(ConsumerEvent::Rtp(_)) => {}
                    Ok(event) => this.tell(&subject, naming::consumer(&event)),
                    Err(missed) => this.tell(&subject, lost(missed.0)),
                }
            }
            let reason = consumer.closed().await;
            this.consumers.take(&subject.id);
            this.tell(&subject, closed(reason));
        });
    }

    fn tell(&self, subject: &Subject, said: (&'static str, Value)) {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        self.events.tell(u64::try_from(since.as_millis()).unwrap_or(u64::MAX), subject, said);
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
}

fn subject(router: &Router, object: ObjectKind, id: &str) -> Subject {
    Subject { router: router.id().as_str().into(), object, id: id.into() }
}

fn closed(reason: shardcast::api::CloseReason) -> (&'static str, Value) {
    ("close", json!({ "reason": reason.to_string() }))
}

/// So many events of one object came faster than they could be told.
fn lost(count: u64) -> (&'static str, Value) {
    ("missed", json!({ "count": count }))
}
