//! Everything there is: by name, and by number for what stands in relation to it.
//!
//! A name is taken when its object is asked for, and nobody finds it any more once the object is asked to close. The row
//! stays until its shard has said that the object is gone, for answers and events that are still on their way.

use std::collections::BTreeMap;

use model::id::{
    ConsumerId, DataConsumerId, DataProducerId, ProducerId, RouterId, RtpObserverId, TransportId,
    WebRtcServerId,
};
use model::reply::Refusal;

use super::objects::{
    Consumer, DataConsumer, DataProducer, Feeds, Head, Object, Producer, Router, RtpObserver, Source,
    Transport, WebRtcServer,
};
use super::refusal;
use super::table::{No, Table};

/// Everything there is.
#[derive(Debug)]
pub(super) struct Registry {
    names: BTreeMap<Box<str>, Object>,
    pub(super) servers: Table<WebRtcServer>,
    pub(super) routers: Table<Router>,
    pub(super) transports: Table<Transport>,
    pub(super) producers: Table<Producer>,
    pub(super) consumers: Table<Consumer>,
    pub(super) data_producers: Table<DataProducer>,
    pub(super) data_consumers: Table<DataConsumer>,
    pub(super) observers: Table<RtpObserver>,
}

impl Registry {
    pub(super) const fn new() -> Self {
        Self {
            names: BTreeMap::new(),
            servers: Table::new(),
            routers: Table::new(),
            transports: Table::new(),
            producers: Table::new(),
            consumers: Table::new(),
            data_producers: Table::new(),
            data_consumers: Table::new(),
            observers: Table::new(),
        }
    }

    /// Whether there is nothing, not even something that is closing.
    pub(super) fn is_empty(&self) -> bool {
        let counts = [
            self.servers.len(),
            self.routers.len(),
            self.transports.len(),
            self.producers.len(),
            self.consumers.len(),
            self.data_producers.len(),
            self.data_consumers.len(),
            self.observers.len(),
        ];
        self.names.is_empty() && counts.iter().all(|count| *count == 0)
    }

    /// Whoever has that name.
    pub(super) fn find(&self, id: &str) -> Option<Object> {
        self.names.get(id).copied()
    }

    /// Names are one flat space over all kinds: who addresses an object says no kind.
    pub(super) fn is_free(&self, id: &str) -> Result<(), Refusal> {
        match self.names.get(id) {
            None => Ok(()),
            Some(object) => {
                let kind = object.kind();
                Err(refusal::failed(format!("id is {id:?}; there is {kind} of that name already")))
            }
        }
    }

    pub(super) fn name(&mut self, id: &str, object: Object) {
        self.names.insert(id.into(), object);
    }

    /// Nobody finds it by its name any more. False if nobody did.
    pub(super) fn unname(&mut self, object: Object) -> bool {
        let Some(head) = self.head_mut(object).filter(|head| !head.closing) else { return false };
        head.closing = true;
        let id = std::mem::take(&mut head.id);
        self.names.remove(&id);
        if let Some(head) = self.head_mut(object) {
            head.id = id;
        }
        true
    }

    /// All names with whose they are, in their order.
    pub(super) fn names(&self) -> impl Iterator<Item = (&str, Object)> {
        self.names.iter().map(|(id, object)| (&**id, *object))
    }

    pub(super) fn head(&self, object: Object) -> Option<&Head> {
        match object {
            Object::WebRtcServer(no) => self.servers.get(no).map(|row| &row.head),
            Object::Router(no) => self.routers.get(no).map(|row| &row.head),
            Object::Transport(no) => self.transports.get(no).map(|row| &row.head),
            Object::Producer(no) => self.producers.get(no).map(|row| &row.head),
            Object::Consumer(no) => self.consumers.get(no).map(|row| &row.head),
            Object::DataProducer(no) => self.data_producers.get(no).map(|row| &row.head),
            Object::DataConsumer(no) => self.data_consumers.get(no).map(|row| &row.head),
            Object::RtpObserver(no) => self.observers.get(no).map(|row| &row.head),
        }
    }

    pub(super) fn head_mut(&mut self, object: Object) -> Option<&mut Head> {
        match object {
            Object::WebRtcServer(no) => self.servers.get_mut(no).map(|row| &mut row.head),
            Object::Router(no) => self.routers.get_mut(no).map(|row| &mut row.head),
            Object::Transport(no) => self.transports.get_mut(no).map(|row| &mut row.head),
            Object::Producer(no) => self.producers.get_mut(no).map(|row| &mut row.head),
            Object::Consumer(no) => self.consumers.get_mut(no).map(|row| &mut row.head),
            Object::DataProducer(no) => self.data_producers.get_mut(no).map(|row| &mut row.head),
            Object::DataConsumer(no) => self.data_consumers.get_mut(no).map(|row| &mut row.head),
            Object::RtpObserver(no) => self.observers.get_mut(no).map(|row| &mut row.head),
        }
    }

    /// Takes the row out.
    pub(super) fn remove(&mut self, object: Object) -> Option<Head> {
        match object {
            Object::WebRtcServer(no) => self.servers.remove(no).map(|row| row.head),
            Object::Router(no) => self.routers.remove(no).map(|row| row.head),
            Object::Transport(no) => self.transports.remove(no).map(|row| row.head),
            Object::Producer(no) => self.producers.remove(no).map(|row| row.head),
            Object::Consumer(no) => self.consumers.remove(no).map(|row| row.head),
            Object::DataProducer(no) => self.data_producers.remove(no).map(|row| row.head),
            Object::DataConsumer(no) => self.data_consumers.remove(no).map(|row| row.head),
            Object::RtpObserver(no) => self.observers.remove(no).map(|row| row.head),
        }
    }

    /// Whose part an object is, and theirs, from the inside out.
    pub(super) fn ancestors(&self, object: Object) -> Vec<Object> {
        let mut ancestors = Vec::new();
        let mut inner = object;
        while let Some(outer) = self.parent(inner) {
            if let Object::Transport(no) = outer {
                let server = self.transports.get(no).and_then(Transport::web_rtc).and_then(|web| web.server);
                ancestors.extend(server.map(Object::WebRtcServer));
            }
            ancestors.push(outer);
            inner = outer;
        }
        ancestors
    }

    fn parent(&self, object: Object) -> Option<Object> {
        match object {
            Object::WebRtcServer(_) | Object::Router(_) => None,
            Object::Transport(no) => self.transports.get(no).map(|row| Object::Router(row.router)),
            Object::Producer(no) => self.producers.get(no).map(|row| Object::Transport(row.transport)),
            Object::Consumer(no) => self.consumers.get(no).map(|row| Object::Transport(row.transport)),
            Object::DataProducer(no) => {
                self.data_producers.get(no).map(|row| Object::Transport(row.transport))
            }
            Object::DataConsumer(no) => {
                self.data_consumers.get(no).map(|row| Object::Transport(row.transport))
            }
            Object::RtpObserver(no) => self.observers.get(no).map(|row| Object::Router(row.router)),
        }
    }

    pub(super) fn feeds(&self, source: Source) -> Option<&Feeds> {
        match source {
            Source::Producer(no) => self.producers.get(no).map(|row| &row.feeds),
            Source::DataProducer(no) => self.data_producers.get(no).map(|row| &row.feeds),
        }
    }

    pub(super) fn feeds_mut(&mut self, source: Source) -> Option<&mut Feeds> {
        match source {
            Source::Producer(no) => self.producers.get_mut(no).map(|row| &mut row.feeds),
            Source::DataProducer(no) => self.data_producers.get_mut(no).map(|row| &mut row.feeds),
        }
    }

    /// The router that a transport is in.
    pub(super) fn router_of(&self, transport: No<Transport>) -> Option<No<Router>> {
        self.transports.get(transport).map(|row| row.router)
    }

    fn wrong(&self, id: &str, kind: &str) -> Refusal {
        match self.names.get(id) {
            Some(object) => {
                let other = object.kind();
                refusal::failed(format!(
                    "id is {id:?}; it is the name of {other}, and this is asked of {kind}"
                ))
            }
            None => refusal::not_found(kind, id),
        }
    }
}

macro_rules! find {
    ($($method:ident($id:ident) -> $kind:ident, $words:literal;)+) => {
        impl Registry {$(
            /// By name; or why not.
            pub(super) fn $method(&self, id: &$id) -> Result<No<$kind>, Refusal> {
                match self.names.get(id.as_str()) {
                    Some(Object::$kind(no)) => Ok(*no),
                    _ => Err(self.wrong(id.as_str(), $words)),
                }
            }
        )+}

        impl Object {
            /// What it is, with its article.
            pub(super) const fn kind(self) -> &'static str {
                match self {
                    $(Self::$kind(_) => $words,)+
                }
            }
        }
    };
}

find! {
    server(WebRtcServerId) -> WebRtcServer, "a WebRtcServer";
    router(RouterId) -> Router, "a router";
    transport(TransportId) -> Transport, "a transport";
    producer(ProducerId) -> Producer, "a producer";
    consumer(ConsumerId) -> Consumer, "a consumer";
    data_producer(DataProducerId) -> DataProducer, "a data producer";
    data_consumer(DataConsumerId) -> DataConsumer, "a data consumer";
    observer(RtpObserverId) -> RtpObserver, "an observer";
}
