//! Everything that was made over HTTP, by its name.
//!
//! Holding a handle keeps its object open, so what stands here stays until somebody closes it or what it is in. One
//! task per object follows what it says until then, tells it on, and takes it out.

mod kind;
mod naming;
mod shelf;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use model::transport::{DtlsState, IceState};
use parking_lot::Mutex;
use serde_json::{Value, json};
use shardcast::api::{
    Consumer, DataConsumer, DataProducer, DirectTransport, Missed, PipeTransport, PlainTransport, Producer,
    Router, RtpObserver, Transport, WebRtcServer, WebRtcTransport,
};
use shardcast::event::{ConsumerEvent, ProducerEvent, TransportEvent};

use crate::events::Events;
use crate::metrics::Metrics;
use crate::quota::Seat;
pub(crate) use kind::Kind;
pub(crate) use shelf::Shelf;

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
    /// Transports of participants, by whose they are. What is on a transport is its owner's.
    owners: Mutex<BTreeMap<Box<str>, Box<str>>>,
    events: Arc<Events>,
}

/// Where an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) router: Option<Box<str>>,
    pub(crate) transport: Option<Box<str>>,
}

/// A transport of any kind.
#[derive(Clone, Debug)]
pub(crate) enum AnyTransport {
    WebRtc(WebRtcTransport),
    Plain(PlainTransport),
    Pipe(PipeTransport),
    Direct(DirectTransport),
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
            owners: Mutex::default(),
            events,
        }
    }

    /// Keeps it until it closes.
    pub(crate) fn keep<T: Kind>(self: &Arc<Self>, object: &T, seat: Option<Seat>) {
        self.keep_and(object, seat, |_, _| {});
    }

    /// Keeps it until it closes, and counts how far it gets.
    pub(crate) fn keep_transport(
        self: &Arc<Self>,
        transport: &AnyTransport,
        seat: Option<Seat>,
        metrics: &Arc<Metrics>,
    ) {
        let mut stage = metrics.transports.stage(transport.word(), transport.state());
        self.keep_and(transport, seat, move |transport, event| {
            match event {
                Ok(TransportEvent::IceState(IceState::Disconnected)) => stage.fail("ice"),
                Ok(TransportEvent::DtlsState { state: DtlsState::Failed, .. }) => stage.fail("dtls"),
                _ => {}
            }
            stage.reach(transport.state(), Instant::now());
        });
    }

    /// Keeps it until it closes, and counts how well it does.
    pub(crate) fn keep_producer(
        self: &Arc<Self>,
        producer: &Producer,
        seat: Option<Seat>,
        metrics: &Arc<Metrics>,
    ) {
        let mut standing = metrics.quality.producer(producer.kind(), producer.producer_type());
        standing.set(best_of(producer));
        self.keep_and(producer, seat, move |producer, event| {
            // Who missed something looks at what holds now.
            if matches!(event, Err(_) | Ok(ProducerEvent::Score(_))) {
                standing.update(best_of(producer));
            }
        });
    }

    /// Keeps it until it closes, and counts how well it does.
    pub(crate) fn keep_consumer(
        self: &Arc<Self>,
        consumer: &Consumer,
        seat: Option<Seat>,
        metrics: &Arc<Metrics>,
    ) {
        let mut standing = metrics.quality.consumer(consumer.kind(), consumer.consumer_type());
        standing.set(consumer.score().score);
        self.keep_and(consumer, seat, move |consumer, event| {
            if matches!(event, Err(_) | Ok(ConsumerEvent::Score(_))) {
                standing.update(consumer.score().score);
            }
        });
    }

    /// Where the object of that name is, on the shelf that is called so in paths.
    pub(crate) fn place(&self, shelf: &str, id: &str) -> Option<Place> {
        match shelf {
            "webrtc-servers" => place_on(&self.servers, id),
            "routers" => place_on(&self.routers, id),
            "transports" => place_on(&self.transports, id),
            "producers" => place_on(&self.producers, id),
            "consumers" => place_on(&self.consumers, id),
            "data-producers" => place_on(&self.data_producers, id),
            "data-consumers" => place_on(&self.data_consumers, id),
            "rtp-observers" => place_on(&self.observers, id),
            _ => None,
        }
    }

    /// From now on this transport is that participant's.
    pub(crate) fn own(&self, transport: &str, participant: &str) {
        self.owners.lock().insert(transport.into(), participant.into());
    }

    /// Whose transport it is.
    pub(crate) fn owner(&self, transport: &str) -> Option<Box<str>> {
        self.owners.lock().get(transport).cloned()
    }

    /// The transports of that participant.
    pub(crate) fn owned_by(&self, participant: &str) -> Vec<AnyTransport> {
        let owners = self.owners.lock();
        let theirs = owners.iter().filter(|(_, owner)| &***owner == participant);
        let theirs: Vec<_> = theirs.map(|(transport, _)| transport.clone()).collect();
        drop(owners);
        theirs.iter().filter_map(|transport| self.transports.get(transport)).collect()
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
        seat: Option<Seat>,
        mut heard: impl FnMut(&T, &Result<T::Event, Missed>) + Send + 'static,
    ) {
        let (this, object) = (Arc::clone(self), object.clone());
        let subject = object.subject();
        T::shelf(&this).put(&subject, object.clone(), seat);
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
            this.owners.lock().remove(&subject.id);
            this.events.tell(now(), &subject, ("close", json!({ "reason": reason.to_string() })));
        });
    }
}

fn place_on<T: Kind>(shelf: &Shelf<T>, id: &str) -> Option<Place> {
    let object = shelf.get(id)?;
    let transport = object.transport().map(|transport| transport.id().as_str().into());
    Some(Place { router: object.subject().router, transport })
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

    /// How far it got: a WebRTC transport in DTLS, others are open.
    fn state(&self) -> &'static str {
        let Self::WebRtc(transport) = self else { return "open" };
        match transport.dtls_state() {
            DtlsState::New => "new",
            DtlsState::Connecting => "connecting",
            DtlsState::Connected => "connected",
            DtlsState::Failed => "failed",
            DtlsState::Closed => "closed",
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
pub(crate) fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// So many events of one object came faster than they could be told.
fn lost(count: u64) -> (&'static str, Value) {
    ("missed", json!({ "count": count }))
}
