//! The promise of order: whatever shards take how long for, a door sees what it would see if each of its requests took
//! effect before the next.

use std::collections::{BTreeMap, BTreeSet};

use model::command::DataMessage;
use model::dump::RouterDump;
use shardcast::core::{Output, Tag};
use shardcast::event::{ConsumerEvent, DataConsumerEvent};
use shardcast::request::*;
use shardcast::{Answer, Event, Notification, Request};

use super::build::*;
use super::spec::{Expected, Spec, Told};
use super::world::{Dice, World};

#[test]
fn one_shard_keeps_the_order() {
    for seed in 0..60 {
        Run::new(World::spread(1, seed), seed).play(300);
    }
}

#[test]
fn three_shards_keep_the_order() {
    for seed in 100..220 {
        Run::new(World::spread(3, seed), seed).play(300);
    }
}

/// Hundreds of requests that wait for each other are answered like those that do not.
#[test]
fn a_port_passed_on_without_a_pause_has_one_owner_at_a_time() {
    let mut world = World::spread(3, 7);
    world.ok(create_router("r"));
    let mut tags = Vec::new();
    for round in 0..100 {
        let id = format!("t{}", round % 2);
        tags.push(world.ask(create_plain("r", &id, 5000)));
        tags.push(world.ask(create_plain("r", "second", 5000)));
        tags.push(world.ask(close_transport("r", &id)));
    }
    world.run();
    for (at, tag) in tags.into_iter().enumerate() {
        assert_eq!(world.answered(tag).unwrap().is_ok(), at % 3 != 1, "{at}");
    }
    world.ok(close_router("r"));
    assert!(world.is_empty());
}

/// What does not claim what is being freed is not held back.
#[test]
fn only_what_claims_something_that_is_being_freed_waits() {
    let mut world = World::new();
    world.ok(create_router("r"));
    world.ok(create_plain("r", "t", 5000));
    world.ask(close_transport("r", "t"));
    world.ask(create_plain("r", "u", 5000));
    assert_eq!(world.core.waiting(), 1, "the port is not free yet");
    world.ask(produce("u", "p", 1));
    assert_eq!(world.core.waiting(), 2, "nor is there a transport to produce on");
    world.ask(create_plain("r", "v", 5001));
    world.ask(create_router("s"));
    assert_eq!(world.core.waiting(), 2, "another port and another router are free");
    world.run();
    assert_eq!(world.core.waiting(), 0);
}

/// Nor does anything overtake what it would undo.
#[test]
fn what_waits_is_not_closed_before_its_turn() {
    let mut world = World::new();
    world.ok(create_router("r"));
    world.ok(create_plain("r", "t", 5000));
    world.ask(close_transport("r", "t"));
    let made = world.ask(create_plain("r", "u", 5000));
    let closed = world.ask(close_router("r"));
    world.run();
    assert!(world.answered(made).unwrap().is_ok() && world.answered(closed).unwrap().is_ok());
    assert!(world.is_empty());
}

/// The producer is refused by its shard, when another shard has been asked for a consumer of it.
#[test]
fn nothing_is_left_of_a_consumer_whose_producer_could_not_be_made() {
    for seed in 0..100 {
        let mut world = World::spread(2, seed);
        world.ok(create_router("r"));
        world.ok(create_plain("r", "a", 5000));
        world.ok(create_plain("r", "b", 5001));
        world.ok(produce("a", "p", 1));
        let refused = world.ask(produce("a", "q", 1));
        for _ in 0..seed % 4 {
            world.step();
        }
        let consumer = world.ask(consume("b", "c", "q", 2));
        world.run();
        assert!(world.answered(refused).unwrap().is_err());
        assert_eq!(
            world.answered(consumer).unwrap().unwrap_err().class,
            model::reply::RefusalClass::NotFound
        );
        world.ok(consume("b", "c", "p", 2));
        assert_eq!(world.shards.iter().map(|shard| shard.stand_ins()).sum::<usize>(), 1);
        world.ok(close_router("r"));
        assert!(world.is_empty());
    }
}

/// The last consumer on a shard goes while the next one comes, at any moment of what follows from either.
#[test]
fn what_stands_in_for_a_producer_is_there_for_whoever_comes_next() {
    for seed in 0..300 {
        let mut world = World::spread(2, seed);
        world.ok(create_router("r"));
        world.ok(create_plain("r", "a", 5000));
        world.ok(create_plain("r", "b", 5001));
        world.ok(produce("a", "p", 1));
        world.ok(consume("b", "c", "p", 2));
        world.ask(of_transport("b", TransportRequest::CloseConsumer("c".into())));
        for _ in 0..seed % 12 {
            world.step();
        }
        world.ask(consume("b", "d", "p", 3));
        world.run();
        world.ok(Request::Consumer("d".into(), ConsumerRequest::Pause));
        assert_eq!(world.shards.iter().map(|shard| shard.stand_ins()).sum::<usize>(), 1, "seed {seed}");
        world.ok(close_router("r"));
        assert!(world.is_empty());
    }
}

/// A consumer that was asked for before its producer's close is made, and told.
#[test]
fn a_producer_does_not_close_under_a_consumer_that_is_being_made() {
    for seed in 0..300 {
        let mut world = World::spread(2, seed);
        world.ok(create_router("r"));
        world.ok(create_plain("r", "a", 5000));
        world.ok(create_plain("r", "b", 5001));
        world.ok(produce("a", "p", 1));
        let made = world.ask(consume("b", "c", "p", 2));
        for _ in 0..seed % 6 {
            world.step();
        }
        let closed = world.ask(of_transport("a", TransportRequest::CloseProducer("p".into())));
        world.run();
        assert!(world.answered(made).unwrap().is_ok(), "seed {seed}: {:?}", world.answered(made));
        assert!(world.answered(closed).unwrap().is_ok());
        let told = world.take_events().iter().filter_map(told_of).collect::<Vec<_>>();
        assert_eq!(told, [Told::Closed("c".into())]);
        world.ok(close_router("r"));
        assert!(world.is_empty());
    }
}

struct Run {
    world: World,
    dice: Dice,
    spec: Spec,
    expected: BTreeMap<Tag, Expected>,
    is_exact: bool,
    next_message: u32,
}

impl Run {
    fn new(world: World, seed: u64) -> Self {
        let is_exact = world.shards.len() == 1;
        let (spec, expected) = (Spec::default(), BTreeMap::new());
        Self { world, dice: Dice(seed), spec, expected, is_exact, next_message: 0 }
    }

    fn play(mut self, requests: usize) {
        for _ in 0..requests {
            if self.dice.roll(8) == 0 {
                self.send();
            } else {
                let request = self.any_request();
                self.ask(request);
            }
            // A burst of requests, or of what follows from them.
            for _ in 0..self.dice.roll(6) {
                self.world.step();
            }
        }
        for router in self.spec.routers() {
            self.ask(close_router(&router));
        }
        self.world.run();
        assert!(self.spec.is_empty());
        assert!(self.world.is_empty(), "{:?}", self.world.core);
        self.check();
    }

    fn ask(&mut self, request: Request) {
        let expected = self.spec.apply(&request);
        let tag = self.world.ask(request);
        self.expected.insert(tag, expected);
    }

    fn send(&mut self) {
        let message = DataMessage { ppid: self.next_message, ..DataMessage::default() };
        self.next_message += 1;
        let notification = Notification::SendData(self.id('d', 2).as_str().into(), Box::new(message));
        self.spec.notify(&notification);
        self.world.notify(notification);
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
            4..8 => create_plain(&router, &transport, 5000 + self.dice.roll(3) as u16),
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

    /// Holds what was answered and told against what had to be.
    fn check(&mut self) {
        let out = std::mem::take(&mut self.world.out);
        let (mut alive, mut told) = (BTreeSet::new(), BTreeSet::new());
        let mut messages: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        let mut next = Tag(0);
        for output in out {
            match output {
                Output::Answer { tag, answered, .. } => {
                    assert_eq!(tag, next, "answers come in the order of the requests");
                    next = Tag(tag.0 + 1);
                    let expected = &self.expected[&tag];
                    let refused = answered.as_ref().err().map(|refusal| refusal.class);
                    assert_eq!(refused, expected.refused, "{tag:?}: {answered:?}");
                    if let (Some(names), Ok(answer)) = (&expected.names, &answered) {
                        assert_eq!(names_of(answer), *names, "{tag:?}");
                    }
                    self.check_told(tag, &std::mem::take(&mut told));
                    alive.extend(expected.born.clone());
                    expected.gone.iter().for_each(|gone| {
                        alive.remove(gone);
                    });
                }
                Output::Event(event) => {
                    assert!(alive.contains(event.id()), "{event:?}");
                    told.extend(told_of(&event));
                    if let Event::DataConsumer(id, DataConsumerEvent::Message(message)) = event {
                        messages.entry(id.as_str().to_owned()).or_default().push(message.ppid);
                    }
                }
                Output::Undelivered { .. } => {}
                Output::ShardLost { .. } => panic!("{output:?}"),
            }
        }
        assert_eq!(next.0 as usize, self.expected.len(), "every request has its answer");
        assert!(told.is_empty());
        if self.is_exact {
            assert_eq!(messages, self.spec.messages);
        } else {
            // Between shards a message and a pause may cross; none comes twice or to the wrong one.
            for (id, got) in messages {
                let allowed = &self.spec.messages[&id];
                assert!(got.iter().all(|message| allowed.contains(message)), "{id}: {got:?} of {allowed:?}");
                assert!(got.windows(2).all(|pair| pair[0] < pair[1]), "{id}: {got:?}");
            }
        }
    }

    /// Closed is told to everybody; paused and resumed not to those that were asked to close meanwhile.
    fn check_told(&self, tag: Tag, told: &BTreeSet<Told>) {
        let expected = &self.expected[&tag].told;
        assert!(told.is_subset(expected), "{tag:?}: {told:?} of {expected:?}");
        for missing in expected.difference(told) {
            let (Told::Paused(id) | Told::Resumed(id)) = missing else { panic!("{tag:?}: {missing:?}") };
            let closes = |(_, later): (&Tag, &Expected)| later.gone.contains(id);
            assert!(self.expected.range(tag..).any(closes), "{tag:?}: {missing:?}");
        }
    }
}

fn told_of(event: &Event) -> Option<Told> {
    let id = || event.id().to_owned();
    Some(match event {
        Event::Consumer(_, ConsumerEvent::ProducerPaused)
        | Event::DataConsumer(_, DataConsumerEvent::DataProducerPaused) => Told::Paused(id()),
        Event::Consumer(_, ConsumerEvent::ProducerResumed)
        | Event::DataConsumer(_, DataConsumerEvent::DataProducerResumed) => Told::Resumed(id()),
        Event::Consumer(_, ConsumerEvent::ProducerClosed)
        | Event::DataConsumer(_, DataConsumerEvent::DataProducerClosed) => Told::Closed(id()),
        _ => return None,
    })
}

fn names_of(answer: &Answer) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    match answer {
        Answer::Worker(dump) => {
            names.extend(
                dump.channel_message_handlers.channel_request_handlers.iter().map(|id| id.to_string()),
            );
        }
        Answer::Router(dump) => {
            let RouterDump { transport_ids, rtp_observer_ids, .. } = &**dump;
            names.extend(transport_ids.iter().map(ToString::to_string));
            names.extend(rtp_observer_ids.iter().map(ToString::to_string));
            names.extend(dump.map_producer_id_consumer_ids.iter().map(|row| row.key.to_string()));
            names.extend(dump.map_consumer_id_producer_id.iter().map(|row| row.key.to_string()));
            names.extend(dump.map_data_producer_id_data_consumer_ids.iter().map(|row| row.key.to_string()));
            names.extend(dump.map_data_consumer_id_data_producer_id.iter().map(|row| row.key.to_string()));
        }
        Answer::Transport(dump) => {
            let base = &dump.base;
            names.extend(base.producer_ids.iter().map(ToString::to_string));
            names.extend(base.consumer_ids.iter().map(ToString::to_string));
            names.extend(base.data_producer_ids.iter().map(ToString::to_string));
            names.extend(base.data_consumer_ids.iter().map(ToString::to_string));
        }
        _ => panic!("{answer:?}"),
    }
    names
}
