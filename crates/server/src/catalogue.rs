//! Everything that was made over HTTP, by its name.
//!
//! Holding a handle keeps its object open, so what stands here stays until somebody closes it or what it is in. One
//! task per object waits for that, follows what it says meanwhile, and takes it out.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use shardcast::api::{
    Consumer, DirectTransport, PipeTransport, PlainTransport, Producer, Router, Transport, WebRtcServer,
    WebRtcTransport,
};
use shardcast::event::{ConsumerEvent, ProducerEvent};

use crate::metrics::Metrics;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    pub(crate) servers: Shelf<WebRtcServer>,
    pub(crate) routers: Shelf<Router>,
    pub(crate) transports: Shelf<AnyTransport>,
    pub(crate) producers: Shelf<Producer>,
    pub(crate) consumers: Shelf<Consumer>,
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
        this.routers.put(router.id().as_str(), router.clone());
        tokio::spawn(async move {
            router.closed().await;
            this.routers.take(router.id().as_str());
        });
    }

    pub(crate) fn keep_transport(self: &Arc<Self>, transport: AnyTransport) {
        let this = Arc::clone(self);
        this.transports.put(transport.base().id().as_str(), transport.clone());
        tokio::spawn(async move {
            transport.base().closed().await;
            this.transports.take(transport.base().id().as_str());
        });
    }

    pub(crate) fn keep_producer(self: &Arc<Self>, producer: &Producer, metrics: &Arc<Metrics>) {
        let (this, producer, metrics) = (Arc::clone(self), producer.clone(), Arc::clone(metrics));
        this.producers.put(producer.id().as_str(), producer.clone());
        let mut events = producer.events();
        let mut standing = metrics.quality.producer(producer.kind(), producer.producer_type());
        standing.set(best_of(&producer));
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                // Who missed something looks at what holds now.
                if matches!(event, Err(_) | Ok(ProducerEvent::Score(_))) {
                    standing.update(best_of(&producer));
                }
            }
            this.producers.take(producer.id().as_str());
        });
    }

    pub(crate) fn keep_consumer(self: &Arc<Self>, consumer: &Consumer, metrics: &Arc<Metrics>) {
        let (this, consumer, metrics) = (Arc::clone(self), consumer.clone(), Arc::clone(metrics));
        this.consumers.put(consumer.id().as_str(), consumer.clone());
        let mut events = consumer.events();
        let mut standing = metrics.quality.consumer(consumer.kind(), consumer.consumer_type());
        standing.set(consumer.score().score);
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                if matches!(event, Err(_) | Ok(ConsumerEvent::Score(_))) {
                    standing.update(consumer.score().score);
                }
            }
            this.consumers.take(consumer.id().as_str());
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
}
