//! The kinds of object that stand in the catalogue: where, in which router, and what they say.

use std::convert::Infallible;
use std::future::Future;

use serde_json::{Value, json};
use shardcast::api::{
    CloseReason, Consumer, DataConsumer, DataProducer, Events, Missed, Producer, Router, RtpObserver,
    Transport, WebRtcServer,
};
use shardcast::event::{ConsumerEvent, DataConsumerEvent, ProducerEvent, RtpObserverEvent, TransportEvent};

use super::naming::{self, Named};
use super::{AnyTransport, Catalogue, Shelf};
use crate::events::{ObjectKind, Subject};

/// A kind of object.
pub(crate) trait Kind: Clone + Send + Sync + 'static {
    const KIND: ObjectKind;
    /// What happens to one.
    type Event: Send + 'static;

    /// Where they stand.
    fn shelf(catalogue: &Catalogue) -> &Shelf<Self>;
    /// Who it is, to those who hear of it.
    fn subject(&self) -> Subject;
    /// The transport that it is on, if it is on one.
    fn transport(&self) -> Option<&Transport>;
    /// What happens to it from now on.
    fn events(&self) -> Told<Self::Event>;
    /// What that is called outside; nothing for what is no news.
    fn named(event: &Self::Event) -> Option<Named>;
    /// Once it is closed: why.
    fn closed(&self) -> impl Future<Output = CloseReason> + Send;

    /// What is said of where it was made.
    fn made_in(&self) -> Value {
        self.transport().map_or(Value::Null, |transport| json!({ "transportId": transport.id() }))
    }
}

/// The events of an object, of which some kinds have none.
#[derive(Debug)]
pub(crate) struct Told<E>(Option<Events<E>>);

impl<E> Told<E> {
    pub(crate) async fn next(&mut self) -> Option<Result<E, Missed>> {
        self.0.as_mut()?.next().await
    }
}

/// Those that say nothing but that they are closed.
macro_rules! silent {
    () => {
        type Event = Infallible;

        fn events(&self) -> Told<Infallible> {
            Told(None)
        }

        fn named(event: &Infallible) -> Option<Named> {
            match *event {}
        }
    };
}

/// Those that say something, and what that is called.
macro_rules! telling {
    ($event:ty as $name:path, $self:ident => $events:expr) => {
        type Event = $event;

        fn events(&$self) -> Told<$event> {
            Told(Some($events))
        }

        fn named(event: &$event) -> Option<Named> {
            $name(event)
        }
    };
}

/// What stands on a transport.
macro_rules! on_a_transport {
    ($kind:ident, $object:ident on $shelf:ident: { $($events:tt)* }) => {
        impl Kind for $kind {
            const KIND: ObjectKind = ObjectKind::$object;
            $($events)*

            fn shelf(catalogue: &Catalogue) -> &Shelf<Self> {
                &catalogue.$shelf
            }

            fn subject(&self) -> Subject {
                subject(Some(Self::transport(self).router()), Self::KIND, self.id().as_str())
            }

            fn transport(&self) -> Option<&Transport> {
                Some(Self::transport(self))
            }

            fn closed(&self) -> impl Future<Output = CloseReason> + Send {
                Self::closed(self)
            }
        }
    };
}

on_a_transport!(Producer, Producer on producers: {
    telling!(ProducerEvent as naming::producer, self => Self::events(self));
});
on_a_transport!(Consumer, Consumer on consumers: {
    telling!(ConsumerEvent as naming::consumer, self => Self::events(self));
});
on_a_transport!(DataProducer, DataProducer on data_producers: {
    silent!();
});
on_a_transport!(DataConsumer, DataConsumer on data_consumers: {
    telling!(DataConsumerEvent as naming::data_consumer, self => Self::events(self));
});

impl Kind for WebRtcServer {
    const KIND: ObjectKind = ObjectKind::WebRtcServer;
    silent!();

    fn shelf(catalogue: &Catalogue) -> &Shelf<Self> {
        &catalogue.servers
    }

    fn subject(&self) -> Subject {
        subject(None, Self::KIND, self.id().as_str())
    }

    fn transport(&self) -> Option<&Transport> {
        None
    }

    fn closed(&self) -> impl Future<Output = CloseReason> + Send {
        Self::closed(self)
    }
}

impl Kind for Router {
    const KIND: ObjectKind = ObjectKind::Router;
    silent!();

    fn shelf(catalogue: &Catalogue) -> &Shelf<Self> {
        &catalogue.routers
    }

    fn subject(&self) -> Subject {
        subject(Some(self), Self::KIND, self.id().as_str())
    }

    fn transport(&self) -> Option<&Transport> {
        None
    }

    fn closed(&self) -> impl Future<Output = CloseReason> + Send {
        Self::closed(self)
    }
}

impl Kind for AnyTransport {
    const KIND: ObjectKind = ObjectKind::Transport;
    telling!(TransportEvent as naming::transport, self => self.base().events());

    fn shelf(catalogue: &Catalogue) -> &Shelf<Self> {
        &catalogue.transports
    }

    fn subject(&self) -> Subject {
        subject(Some(self.base().router()), Self::KIND, self.base().id().as_str())
    }

    fn transport(&self) -> Option<&Transport> {
        Some(self.base())
    }

    fn made_in(&self) -> Value {
        json!({ "type": self.word() })
    }

    fn closed(&self) -> impl Future<Output = CloseReason> + Send {
        self.base().closed()
    }
}

impl Kind for RtpObserver {
    const KIND: ObjectKind = ObjectKind::RtpObserver;
    telling!(RtpObserverEvent as naming::observer, self => Self::events(self));

    fn shelf(catalogue: &Catalogue) -> &Shelf<Self> {
        &catalogue.observers
    }

    fn subject(&self) -> Subject {
        subject(Some(self.router()), Self::KIND, self.id().as_str())
    }

    fn transport(&self) -> Option<&Transport> {
        None
    }

    fn closed(&self) -> impl Future<Output = CloseReason> + Send {
        Self::closed(self)
    }
}

fn subject(router: Option<&Router>, object: ObjectKind, id: &str) -> Subject {
    Subject { router: router.map(|router| router.id().as_str().into()), object, id: id.into() }
}
