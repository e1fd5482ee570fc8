//! Requests at random while shards hang and go on.

use std::collections::BTreeMap;

use shardcast::core::{Output, Tag};
use shardcast::event::{ConsumerEvent, DataConsumerEvent};
use shardcast::request::*;
use shardcast::{Answer, Event, Request};

use super::build::*;
use super::dice::Dice;
use super::script::{Script, Turn};
use super::world::World;

/// Requests at random, shards that hang and go on at any moment: each request has one answer, in order and in time, no event
/// is about what is not there, and nothing is left in the end.
#[test]
fn hanging_at_any_moment_leaves_nothing_behind() {
    for seed in 0..200 {
        let mut chaos = Chaos::new(seed);
        for _ in 0..300 {
            chaos.turn();
        }
        chaos.end();
    }
}

struct Chaos {
    seed: u64,
    world: World,
    dice: Dice,
    script: Script,
    asked: Vec<Request>,
    hung: Option<usize>,
    /// Seconds since then.
    seconds: u32,
}

impl Chaos {
    fn new(seed: u64) -> Self {
        let script = Script::new(seed, [5000, 5001, 5002]);
        let (asked, hung, seconds) = (Vec::new(), None, 0);
        Self { seed, world: World::spread(3, seed), dice: Dice(!seed), script, asked, hung, seconds }
    }

    fn turn(&mut self) {
        match self.script.any() {
            Turn::Ask(_, request) => {
                self.asked.push(request.clone());
                self.world.ask(request);
            }
            Turn::Tell(notification) => self.world.notify(notification),
        }
        for _ in 0..self.dice.roll(6) {
            self.world.step();
        }
        match (self.hung, self.dice.roll(12)) {
            (None, 0) => {
                let shard = self.dice.roll(3);
                self.world.hang(shard);
                (self.hung, self.seconds) = (Some(shard), 0);
            }
            (Some(shard), 0) => {
                self.world.wake(shard);
                self.hung = None;
            }
            (_, 1 | 2) => {
                self.world.second();
                self.seconds += 1;
                if self.seconds >= 2 {
                    assert_eq!(self.world.core.unanswered(), 0, "seed {}", self.seed);
                }
            }
            _ => {}
        }
    }

    fn end(mut self) {
        (0..3).for_each(|shard| self.world.wake(shard));
        self.world.second();
        let dump = Request::Worker(WorkerRequest::Dump);
        self.asked.push(dump.clone());
        let Answer::Worker(dump) = self.world.ok(dump) else { panic!("not a dump") };
        for router in &dump.router_ids {
            let close = close_router(router.as_str());
            self.asked.push(close.clone());
            self.world.ask(close);
            self.world.run();
        }
        assert!(self.world.is_empty(), "seed {}: {:?}", self.seed, self.world.core);
        self.check();
    }

    /// As far as it can be said without knowing what was refused for what: what was made speaks, and nothing does that
    /// was closed, or went with what was.
    fn check(self) {
        let mut alive = Alive::default();
        let mut answers = 0;
        for output in &self.world.out {
            match output {
                Output::Answer { tag, answered, .. } => {
                    assert_eq!(*tag, Tag(answers), "seed {}", self.seed);
                    let request = &self.asked[usize::try_from(answers).unwrap()];
                    answers += 1;
                    if answered.is_ok() {
                        alive.done(request);
                    }
                }
                Output::Event(event) => {
                    assert!(alive.hears(event), "seed {}, after {answers}: {event:?}", self.seed);
                }
                Output::Undelivered { .. } | Output::ShardStuck(_) | Output::ShardGoesOn(_) => {}
                Output::ShardLost { .. } => panic!("{output:?}"),
            }
        }
        assert_eq!(answers, self.asked.len() as u64, "seed {}: each has its answer", self.seed);
    }
}

/// Who may speak: consumers and data consumers. Only they do here.
#[derive(Default)]
struct Alive {
    /// The router of each transport, and the transport of each producer and data producer.
    transports: BTreeMap<String, String>,
    producers: BTreeMap<String, String>,
    /// The transport and the producer of each.
    consumers: BTreeMap<String, (String, String)>,
}

impl Alive {
    /// The request was answered, and not refused.
    fn done(&mut self, request: &Request) {
        match request {
            Request::Worker(WorkerRequest::CloseRouter(id)) => {
                let gone = self.transports.extract_if(.., |_, router| *router == id.as_str());
                let gone: Vec<_> = gone.map(|(transport, _)| transport).collect();
                gone.iter().for_each(|transport| self.close_transport(transport));
            }
            Request::Router(_, RouterRequest::CloseTransport(id)) => self.close_transport(id.as_str()),
            Request::Router(router, RouterRequest::CreatePlainTransport(id, _))
            | Request::Router(router, RouterRequest::CreateDirectTransport(id, _)) => {
                self.transports.insert(id.to_string(), router.to_string());
            }
            Request::Transport(transport, request) => self.done_by(transport.as_str(), request),
            _ => {}
        }
    }

    fn done_by(&mut self, transport: &str, request: &TransportRequest) {
        let transport = || transport.to_owned();
        match request {
            TransportRequest::Produce(produce) => {
                _ = self.producers.insert(produce.id.to_string(), transport())
            }
            TransportRequest::ProduceData(produce) => {
                self.producers.insert(produce.id.to_string(), transport());
            }
            TransportRequest::Consume(consume) => {
                let of = (transport(), consume.producer_id.to_string());
                self.consumers.insert(consume.id.to_string(), of);
            }
            TransportRequest::ConsumeData(consume) => {
                let of = (transport(), consume.data_producer_id.to_string());
                self.consumers.insert(consume.id.to_string(), of);
            }
            TransportRequest::CloseProducer(id) => self.close_producer(id.as_str()),
            TransportRequest::CloseDataProducer(id) => self.close_producer(id.as_str()),
            TransportRequest::CloseConsumer(id) => _ = self.consumers.remove(id.as_str()),
            TransportRequest::CloseDataConsumer(id) => _ = self.consumers.remove(id.as_str()),
            _ => {}
        }
    }

    /// Whether it may be told.
    fn hears(&mut self, event: &Event) -> bool {
        match event {
            Event::Consumer(id, ConsumerEvent::ProducerClosed) => {
                self.consumers.remove(id.as_str()).is_some()
            }
            Event::DataConsumer(id, DataConsumerEvent::DataProducerClosed) => {
                self.consumers.remove(id.as_str()).is_some()
            }
            event => self.consumers.contains_key(event.id()),
        }
    }

    fn close_transport(&mut self, id: &str) {
        self.transports.remove(id);
        let gone: Vec<_> =
            self.producers.extract_if(.., |_, of| of == id).map(|(producer, _)| producer).collect();
        gone.iter().for_each(|producer| self.close_producer(producer));
        self.consumers.retain(|_, (transport, _)| transport != id);
    }

    fn close_producer(&mut self, id: &str) {
        self.producers.remove(id);
        self.consumers.retain(|_, (_, producer)| producer != id);
    }
}
