//! What control promises, as if one thing happened after the other: every request takes effect at once, on no shard.

use std::collections::{BTreeMap, BTreeSet};

use model::reply::RefusalClass;
use shardcast::request::{
    DataConsumerRequest, DataProducerRequest, ProducerRequest, RouterRequest, RtpObserverRequest,
    TransportRequest, WorkerRequest,
};
use shardcast::{Notification, Request};

#[derive(Clone, Debug)]
enum Thing {
    Router,
    Transport { router: String, port: Option<u16> },
    Producer { transport: String, ssrc: u32, paused: bool },
    Consumer { transport: String, producer: String, ssrc: u32 },
    DataProducer { transport: String, paused: bool },
    DataConsumer { transport: String, producer: String, paused: bool },
    Observer { router: String, producers: BTreeSet<String> },
}

/// What is told right before an answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Told {
    Paused(String),
    Resumed(String),
    Closed(String),
}

/// What has to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) refused: Option<RefusalClass>,
    pub(crate) told: BTreeSet<Told>,
    /// Names that a dump lists.
    pub(crate) names: Option<BTreeSet<String>>,
    /// Who begins to speak, and who does no more.
    pub(crate) born: Option<String>,
    pub(crate) gone: BTreeSet<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Spec {
    things: BTreeMap<String, Thing>,
    /// Messages that each data consumer gets, in order: those that say they are of a number.
    pub(crate) messages: BTreeMap<String, Vec<u32>>,
    /// Whose they were.
    sent: BTreeMap<u32, String>,
    /// Data producers that each data consumer has consumed.
    consumed: BTreeMap<String, BTreeSet<String>>,
}

type Outcome = Result<(), RefusalClass>;

impl Spec {
    pub(crate) fn is_empty(&self) -> bool {
        self.things.is_empty()
    }

    /// What there is that can be closed from the outside.
    pub(crate) fn routers(&self) -> Vec<String> {
        self.ids(|thing| matches!(thing, Thing::Router))
    }

    pub(crate) fn apply(&mut self, request: &Request) -> Expected {
        let before: BTreeSet<_> = self.things.keys().cloned().collect();
        let mut told = BTreeSet::new();
        let mut names = None;
        let refused = self.request(request, &mut told, &mut names).err();
        let after: BTreeSet<_> = self.things.keys().cloned().collect();
        Expected {
            refused,
            told,
            names,
            born: after.difference(&before).next().cloned(),
            gone: before.difference(&after).cloned().collect(),
        }
    }

    /// Whether a message may come to a data consumer if it can cross what made that one, and what paused or resumed it.
    pub(crate) fn may_hear(&self, consumer: &str, message: u32) -> bool {
        let producer = self.sent.get(&message);
        self.consumed
            .get(consumer)
            .zip(producer)
            .is_some_and(|(consumed, producer)| consumed.contains(producer))
    }

    /// A message of a data producer.
    pub(crate) fn notify(&mut self, notification: &Notification) {
        let Notification::SendData(id, message) = notification else { return };
        let Some(Thing::DataProducer { paused: false, .. }) = self.things.get(id.as_str()) else { return };
        self.sent.insert(message.ppid, id.as_str().into());
        for (name, thing) in &self.things {
            if let Thing::DataConsumer { producer, paused: false, .. } = thing
                && producer == id.as_str()
            {
                self.messages.entry(name.clone()).or_default().push(message.ppid);
            }
        }
    }

    fn request(
        &mut self,
        request: &Request,
        told: &mut BTreeSet<Told>,
        names: &mut Option<BTreeSet<String>>,
    ) -> Outcome {
        match request {
            Request::Worker(request) => self.worker(request, names),
            Request::Router(id, request) => self.router(id.as_str(), request, told, names),
            Request::Transport(id, request) => self.transport(id.as_str(), request, told, names),
            Request::Producer(id, request) => {
                let pauses = *request == ProducerRequest::Pause;
                let Some(thing) = self.things.get_mut(id.as_str()) else { return NOT_FOUND };
                let Thing::Producer { paused, .. } = thing else { return FAILED };
                if std::mem::replace(paused, pauses) != pauses {
                    told.extend(self.consumers_of(id.as_str()).into_iter().map(turned(pauses)));
                }
                Ok(())
            }
            Request::DataProducer(id, request) => {
                let pauses = *request == DataProducerRequest::Pause;
                let Some(thing) = self.things.get_mut(id.as_str()) else { return NOT_FOUND };
                let Thing::DataProducer { paused, .. } = thing else { return FAILED };
                if std::mem::replace(paused, pauses) != pauses {
                    told.extend(self.consumers_of(id.as_str()).into_iter().map(turned(pauses)));
                }
                Ok(())
            }
            Request::DataConsumer(id, request) => {
                let Some(thing) = self.things.get_mut(id.as_str()) else { return NOT_FOUND };
                let Thing::DataConsumer { paused, .. } = thing else { return FAILED };
                *paused = *request == DataConsumerRequest::Pause;
                Ok(())
            }
            Request::RtpObserver(id, request) => self.observer(id.as_str(), request),
            Request::Consumer(id, _) => match self.things.get(id.as_str()) {
                Some(Thing::Consumer { .. }) => Ok(()),
                Some(_) => FAILED,
                None => NOT_FOUND,
            },
            Request::WebRtcServer(..) => NOT_FOUND,
        }
    }

    fn worker(&mut self, request: &WorkerRequest, names: &mut Option<BTreeSet<String>>) -> Outcome {
        match request {
            WorkerRequest::Dump => *names = Some(self.things.keys().cloned().collect()),
            WorkerRequest::CreateRouter(id) => return self.add(id.as_str(), Thing::Router),
            WorkerRequest::CloseRouter(id) => {
                if !matches!(self.things.get(id.as_str()), Some(Thing::Router)) {
                    return NOT_FOUND;
                }
                self.close_router(id.as_str());
            }
            WorkerRequest::CreateWebRtcServer { .. } | WorkerRequest::CloseWebRtcServer(_) => return FAILED,
        }
        Ok(())
    }

    fn router(
        &mut self,
        id: &str,
        request: &RouterRequest,
        told: &mut BTreeSet<Told>,
        names: &mut Option<BTreeSet<String>>,
    ) -> Outcome {
        match self.things.get(id) {
            Some(Thing::Router) => {}
            Some(_) => return FAILED,
            None => return NOT_FOUND,
        }
        let router = id.to_owned();
        match request {
            RouterRequest::Dump => *names = Some(self.in_router(id)),
            RouterRequest::CreatePlainTransport(id, options) => {
                let port = options.listen_info.port;
                self.untaken(id.as_str())?;
                let taken = |thing: &Thing| matches!(thing, Thing::Transport { port: Some(other), .. } if *other == port);
                if self.things.values().any(taken) {
                    return FAILED;
                }
                return self.add(id.as_str(), Thing::Transport { router, port: Some(port) });
            }
            RouterRequest::CreateDirectTransport(id, _) => {
                return self.add(id.as_str(), Thing::Transport { router, port: None });
            }
            RouterRequest::CloseTransport(id) => match self.things.get(id.as_str()) {
                Some(Thing::Transport { router: of, .. }) if *of == router => {
                    self.close_transport(id.as_str(), told);
                }
                _ => return NOT_FOUND,
            },
            RouterRequest::CreateActiveSpeakerObserver { id, .. } => {
                let producers = BTreeSet::new();
                return self.add(id.as_str(), Thing::Observer { router, producers });
            }
            RouterRequest::CloseRtpObserver(id) => match self.things.get(id.as_str()) {
                Some(Thing::Observer { router: of, .. }) if *of == router => {
                    self.things.remove(id.as_str());
                }
                _ => return NOT_FOUND,
            },
            _ => unreachable!("not asked in these tests"),
        }
        Ok(())
    }

    fn transport(
        &mut self,
        id: &str,
        request: &TransportRequest,
        told: &mut BTreeSet<Told>,
        names: &mut Option<BTreeSet<String>>,
    ) -> Outcome {
        let (router, is_direct) = match self.things.get(id) {
            Some(Thing::Transport { router, port }) => (router.clone(), port.is_none()),
            Some(_) => return FAILED,
            None => return NOT_FOUND,
        };
        let transport = id.to_owned();
        match request {
            TransportRequest::Dump => *names = Some(self.in_transport(id)),
            TransportRequest::Produce(produce) => {
                self.untaken(produce.id.as_str())?;
                let ssrc = produce.rtp_parameters.encodings[0].ssrc.unwrap().0;
                let taken = |thing: &Thing| matches!(thing, Thing::Producer { transport, ssrc: other, .. } if transport == id && *other == ssrc);
                if self.things.values().any(taken) {
                    return FAILED;
                }
                return self.add(produce.id.as_str(), Thing::Producer { transport, ssrc, paused: false });
            }
            TransportRequest::Consume(consume) => {
                self.untaken(consume.id.as_str())?;
                let producer = consume.producer_id.as_str().to_owned();
                self.find_source(&producer, &router, false)?;
                let ssrc = consume.rtp_parameters.encodings[0].ssrc.unwrap().0;
                let taken = |thing: &Thing| matches!(thing, Thing::Consumer { transport, ssrc: other, .. } if transport == id && *other == ssrc);
                if self.things.values().any(taken) {
                    return FAILED;
                }
                return self.add(consume.id.as_str(), Thing::Consumer { transport, producer, ssrc });
            }
            TransportRequest::ProduceData(produce) => {
                if !is_direct {
                    return FAILED;
                }
                return self.add(produce.id.as_str(), Thing::DataProducer { transport, paused: false });
            }
            TransportRequest::ConsumeData(consume) => {
                if !is_direct {
                    return FAILED;
                }
                self.untaken(consume.id.as_str())?;
                let producer = consume.data_producer_id.as_str().to_owned();
                self.find_source(&producer, &router, true)?;
                self.consumed.entry(consume.id.as_str().into()).or_default().insert(producer.clone());
                let thing = Thing::DataConsumer { transport, producer, paused: false };
                return self.add(consume.id.as_str(), thing);
            }
            _ => return self.close_in_transport(transport, is_direct, request, told),
        }
        Ok(())
    }

    fn close_in_transport(
        &mut self,
        transport: String,
        is_direct: bool,
        request: &TransportRequest,
        told: &mut BTreeSet<Told>,
    ) -> Outcome {
        match request {
            TransportRequest::CloseProducer(id) => match self.things.get(id.as_str()) {
                Some(Thing::Producer { transport: of, .. }) if *of == transport => {
                    self.close_source(id.as_str(), told);
                }
                _ => return NOT_FOUND,
            },
            TransportRequest::CloseConsumer(id) => match self.things.get(id.as_str()) {
                Some(Thing::Consumer { transport: of, .. }) if *of == transport => {
                    self.things.remove(id.as_str());
                }
                _ => return NOT_FOUND,
            },
            TransportRequest::CloseDataProducer(_) | TransportRequest::CloseDataConsumer(_) if !is_direct => {
                return FAILED;
            }
            TransportRequest::CloseDataProducer(id) => match self.things.get(id.as_str()) {
                Some(Thing::DataProducer { transport: of, .. }) if *of == transport => {
                    self.close_source(id.as_str(), told);
                }
                _ => return NOT_FOUND,
            },
            TransportRequest::CloseDataConsumer(id) => match self.things.get(id.as_str()) {
                Some(Thing::DataConsumer { transport: of, .. }) if *of == transport => {
                    self.things.remove(id.as_str());
                }
                _ => return NOT_FOUND,
            },
            _ => unreachable!("not asked in these tests"),
        }
        Ok(())
    }

    fn observer(&mut self, id: &str, request: &RtpObserverRequest) -> Outcome {
        let router = match self.things.get(id) {
            Some(Thing::Observer { router, .. }) => router.clone(),
            Some(_) => return FAILED,
            None => return NOT_FOUND,
        };
        let (producer, adds) = match request {
            RtpObserverRequest::AddProducer(producer) => (producer.as_str().to_owned(), true),
            RtpObserverRequest::RemoveProducer(producer) => (producer.as_str().to_owned(), false),
            RtpObserverRequest::Pause | RtpObserverRequest::Resume => return Ok(()),
        };
        self.find_source(&producer, &router, false)?;
        let Some(Thing::Observer { producers, .. }) = self.things.get_mut(id) else { return NOT_FOUND };
        match (adds, producers.contains(&producer)) {
            (true, true) => FAILED,
            (false, false) => NOT_FOUND,
            (true, false) => {
                producers.insert(producer);
                Ok(())
            }
            (false, true) => {
                producers.remove(&producer);
                Ok(())
            }
        }
    }

    fn find_source(&self, id: &str, router: &str, is_data: bool) -> Outcome {
        let transport = match (self.things.get(id), is_data) {
            (Some(Thing::Producer { transport, .. }), false) => transport,
            (Some(Thing::DataProducer { transport, .. }), true) => transport,
            _ => return NOT_FOUND,
        };
        match self.things.get(transport) {
            Some(Thing::Transport { router: of, .. }) if of == router => Ok(()),
            _ => NOT_FOUND,
        }
    }

    fn untaken(&self, id: &str) -> Outcome {
        if self.things.contains_key(id) { FAILED } else { Ok(()) }
    }

    fn add(&mut self, id: &str, thing: Thing) -> Outcome {
        self.untaken(id)?;
        self.things.insert(id.into(), thing);
        Ok(())
    }

    fn close_router(&mut self, id: &str) {
        let mut nobody = BTreeSet::new();
        let inside = |thing: &Thing| matches!(thing, Thing::Transport { router, .. } | Thing::Observer { router, .. } if router == id);
        for inner in self.ids(inside) {
            self.close_transport(&inner, &mut nobody);
        }
        self.things.remove(id);
    }

    fn close_transport(&mut self, id: &str, told: &mut BTreeSet<Told>) {
        let own = |thing: &Thing| matches!(thing, Thing::Producer { transport, .. } | Thing::DataProducer { transport, .. } if transport == id);
        for source in self.ids(own) {
            self.close_source(&source, told);
        }
        self.things.retain(|_, thing| {
            !matches!(thing, Thing::Consumer { transport, .. } | Thing::DataConsumer { transport, .. } if transport == id)
        });
        self.things.remove(id);
    }

    fn close_source(&mut self, id: &str, told: &mut BTreeSet<Told>) {
        for consumer in self.consumers_of(id) {
            self.things.remove(&consumer);
            told.insert(Told::Closed(consumer));
        }
        for thing in self.things.values_mut() {
            if let Thing::Observer { producers, .. } = thing {
                producers.remove(id);
            }
        }
        self.things.remove(id);
    }

    fn consumers_of(&self, id: &str) -> Vec<String> {
        self.ids(|thing| {
            matches!(thing, Thing::Consumer { producer, .. } | Thing::DataConsumer { producer, .. } if producer == id)
        })
    }

    /// Names in a router's dump.
    fn in_router(&self, id: &str) -> BTreeSet<String> {
        let transports =
            self.ids(|thing| matches!(thing, Thing::Transport { router, .. } | Thing::Observer { router, .. } if router == id));
        let inside = transports.iter().flat_map(|transport| self.in_transport(transport));
        inside.chain(transports.iter().cloned()).collect()
    }

    /// Names in a transport's dump.
    fn in_transport(&self, id: &str) -> BTreeSet<String> {
        let inside = |thing: &Thing| match thing {
            Thing::Producer { transport, .. }
            | Thing::Consumer { transport, .. }
            | Thing::DataProducer { transport, .. }
            | Thing::DataConsumer { transport, .. } => transport == id,
            _ => false,
        };
        self.ids(inside).into_iter().collect()
    }

    fn ids(&self, which: impl Fn(&Thing) -> bool) -> Vec<String> {
        self.things.iter().filter(|(_, thing)| which(thing)).map(|(id, _)| id.clone()).collect()
    }
}

fn turned(paused: bool) -> fn(String) -> Told {
    if paused { Told::Paused } else { Told::Resumed }
}

const NOT_FOUND: Outcome = Err(RefusalClass::NotFound);
const FAILED: Outcome = Err(RefusalClass::Failed);
