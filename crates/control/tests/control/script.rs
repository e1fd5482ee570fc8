//! Requests and messages at random, nothing awaited, with what has to be answered and told if one took effect after the
//! other. The worker's tests say the same through its channel.

use std::collections::{BTreeMap, BTreeSet};

use model::command::DataMessage;
use model::reply::RefusalClass;
use shardcast::request::*;
use shardcast::{Notification, Request};

use super::build::*;
use super::dice::Dice;
use super::spec::{Expected, Spec, Told};

/// What is said next.
pub(crate) enum Turn {
    /// A request. They are numbered from 0.
    Ask(u64, Request),
    /// What gets no answer.
    Tell(Notification),
}

/// Who says it.
pub(crate) struct Script {
    dice: Dice,
    spec: Spec,
    expected: Vec<Expected>,
    ports: [u16; 3],
    next_message: u32,
}

/// Holds what was answered and told against what had to be.
pub(crate) struct Listener {
    spec: Spec,
    expected: Vec<Expected>,
    is_exact: bool,
    /// The next answer's number.
    next: usize,
    alive: BTreeSet<String>,
    told: BTreeSet<Told>,
    messages: BTreeMap<String, Vec<u32>>,
}

impl Script {
    /// With few names, and few ports, so that most are in use.
    pub(crate) fn new(seed: u64, ports: [u16; 3]) -> Self {
        Self { dice: Dice(seed), spec: Spec::default(), expected: Vec::new(), ports, next_message: 0 }
    }

    /// Something.
    pub(crate) fn any(&mut self) -> Turn {
        if self.dice.roll(8) == 0 {
            return self.send();
        }
        let request = self.any_request();
        self.ask(request)
    }

    /// What leaves nothing behind.
    pub(crate) fn end(&mut self) -> Vec<Turn> {
        let routers = self.spec.routers();
        routers.into_iter().map(|router| self.ask(close_router(&router))).collect()
    }

    /// Listens to what comes of all that. `is_exact`: on one shard, no message and pause can cross.
    pub(crate) fn listen(self, is_exact: bool) -> Listener {
        let Self { spec, expected, .. } = self;
        assert!(spec.is_empty());
        let (alive, told, messages) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
        Listener { spec, expected, is_exact, next: 0, alive, told, messages }
    }

    fn ask(&mut self, request: Request) -> Turn {
        self.expected.push(self.spec.apply(&request));
        Turn::Ask(self.expected.len() as u64 - 1, request)
    }

    fn send(&mut self) -> Turn {
        let message = DataMessage { ppid: self.next_message, ..DataMessage::default() };
        self.next_message += 1;
        let notification = Notification::SendData(self.id('d', 2).as_str().into(), Box::new(message));
        self.spec.notify(&notification);
        Turn::Tell(notification)
    }

    fn id(&mut self, kind: char, of: usize) -> String {
        // Now and then the name of something else.
        let kind = if self.dice.roll(40) == 0 { 't' } else { kind };
        format!("{kind}{}", self.dice.roll(of))
    }

    fn any_request(&mut self) -> Request {
        let (router, transport) = (self.id('r', 2), self.id('t', 4));
        let (producer, consumer) = (self.id('p', 3), self.id('c', 5));
        let (data_producer, data_consumer) = (self.id('d', 2), self.id('e', 3));
        let observer = self.id('o', 2);
        let ssrc = 1 + self.dice.roll(3) as u32;
        match self.dice.roll(42) {
            0..3 => create_router(&router),
            3 => close_router(&router),
            4..8 => {
                let port = self.ports[self.dice.roll(3)];
                create_plain(&router, &transport, port)
            }
            8..11 => create_direct(&router, &transport),
            11..13 => close_transport(&router, &transport),
            13..17 => produce(&transport, &producer, ssrc),
            17..19 => of_transport(&transport, TransportRequest::CloseProducer(producer.into())),
            19..24 => consume(&transport, &consumer, &producer, ssrc),
            24..26 => of_transport(&transport, TransportRequest::CloseConsumer(consumer.into())),
            26 => Request::Producer(producer.into(), ProducerRequest::Pause),
            27 => Request::Producer(producer.into(), ProducerRequest::Resume),
            28 => produce_data(&transport, &data_producer, None),
            29..31 => consume_data(&transport, &data_consumer, &data_producer, None),
            31 => of_transport(&transport, TransportRequest::CloseDataProducer(data_producer.into())),
            32 => of_transport(&transport, TransportRequest::CloseDataConsumer(data_consumer.into())),
            33 => self.any_data_turn(data_producer, data_consumer),
            34 => Request::Worker(WorkerRequest::Dump),
            35 => Request::Router(router.into(), RouterRequest::Dump),
            36 => of_transport(&transport, TransportRequest::Dump),
            37 => create_observer(&router, &observer),
            38 => Request::Consumer(consumer.into(), ConsumerRequest::Pause),
            39 => Request::Consumer(consumer.into(), ConsumerRequest::Resume),
            40 => {
                let request = if self.dice.roll(2) == 0 {
                    RtpObserverRequest::AddProducer(producer.into())
                } else {
                    RtpObserverRequest::RemoveProducer(producer.into())
                };
                Request::RtpObserver(observer.into(), request)
            }
            _ => Request::Router(router.into(), RouterRequest::CloseRtpObserver(observer.into())),
        }
    }

    fn any_data_turn(&mut self, data_producer: String, data_consumer: String) -> Request {
        match self.dice.roll(4) {
            0 => Request::DataProducer(data_producer.into(), DataProducerRequest::Pause),
            1 => Request::DataProducer(data_producer.into(), DataProducerRequest::Resume),
            2 => Request::DataConsumer(data_consumer.into(), DataConsumerRequest::Pause),
            _ => Request::DataConsumer(data_consumer.into(), DataConsumerRequest::Resume),
        }
    }
}

impl Listener {
    /// An answer; `names` are those of a dump.
    pub(crate) fn answered(
        &mut self,
        number: u64,
        refused: Option<RefusalClass>,
        names: impl FnOnce() -> BTreeSet<String>,
    ) {
        assert_eq!(number, self.next as u64, "answers come in the order of the requests");
        let expected = &self.expected[self.next];
        assert_eq!(refused, expected.refused, "{number}");
        if let Some(expected) = &expected.names
            && refused.is_none()
        {
            assert_eq!(names(), *expected, "{number}");
        }
        self.check_told();
        self.alive.extend(expected.born.clone());
        expected.gone.iter().for_each(|gone| {
            self.alive.remove(gone);
        });
        self.next += 1;
        self.told.clear();
    }

    /// An event.
    pub(crate) fn happened(&mut self, id: &str, told: Option<Told>) {
        assert!(
            self.alive.contains(id),
            "{}, {:?}: {told:?} of {id}",
            self.next,
            self.expected.get(self.next)
        );
        self.told.extend(told);
    }

    /// A message that came to a data consumer.
    pub(crate) fn message(&mut self, id: &str, number: u32) {
        self.messages.entry(id.to_owned()).or_default().push(number);
    }

    /// Nothing more comes.
    pub(crate) fn end(self) {
        assert_eq!(self.next, self.expected.len(), "every request has its answer");
        assert!(self.told.is_empty());
        if self.is_exact {
            return assert_eq!(self.messages, self.spec.messages);
        }
        // Between shards a message may cross what made, paused or resumed a data consumer; none comes twice or to the wrong one.
        for (id, got) in self.messages {
            assert!(got.iter().all(|message| self.spec.may_hear(&id, *message)), "{id}: {got:?}");
            assert!(got.windows(2).all(|pair| pair[0] < pair[1]), "{id}: {got:?}");
        }
    }

    /// Closed is told to everybody; paused and resumed not to those that were asked to close meanwhile.
    fn check_told(&self) {
        let (at, told) = (self.next, &self.told);
        let expected = &self.expected[at].told;
        assert!(told.is_subset(expected), "{at}: {told:?} of {expected:?}");
        for missing in expected.difference(told) {
            let (Told::Paused(id) | Told::Resumed(id)) = missing else { panic!("{at}: {missing:?}") };
            let closes = |later: &Expected| later.gone.contains(id);
            assert!(self.expected[at..].iter().any(closes), "{at}: {missing:?}");
        }
    }
}
