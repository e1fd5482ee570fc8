//! The promise of order: whatever shards take how long for, a door sees what it would see if each of its requests took
//! effect before the next.

use std::collections::BTreeSet;

use model::dump::RouterDump;
use shardcast::core::{Output, Tag};
use shardcast::event::{ConsumerEvent, DataConsumerEvent};
use shardcast::request::*;
use shardcast::{Answer, Event, Request};

use super::build::*;
use super::dice::Dice;
use super::script::{Script, Turn};
use super::spec::Told;
use super::world::World;

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

#[test]
fn what_is_asked_all_at_once_keeps_the_order() {
    for seed in 300..304 {
        Run::new(World::spread(3, seed), seed).play_at_once(2000);
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

/// The close waits for the consumer to be made, and the producer's turn for neither.
#[test]
fn a_consumer_that_was_asked_to_close_hears_no_more_of_its_producer() {
    for seed in 0..300 {
        let mut world = World::spread(2, seed);
        world.ok(create_router("r"));
        world.ok(create_plain("r", "a", 5000));
        world.ok(create_plain("r", "b", 5001));
        world.ok(produce("a", "p", 1));
        world.ask(consume("b", "c", "p", 2));
        let closed = world.ask(of_transport("b", TransportRequest::CloseConsumer("c".into())));
        let paused = world.ask(Request::Producer("p".into(), ProducerRequest::Pause));
        world.run();
        let asked = |output: &&Output| matches!(output, Output::Answer { tag, .. } if *tag == closed);
        let after = world.out.iter().skip_while(|output| !asked(output)).skip(1).collect::<Vec<_>>();
        assert!(
            matches!(&after[..], [Output::Answer { tag, .. }] if *tag == paused),
            "seed {seed}: {after:?}"
        );
    }
}

struct Run {
    world: World,
    dice: Dice,
    script: Script,
}

impl Run {
    fn new(world: World, seed: u64) -> Self {
        Self { world, dice: Dice(!seed), script: Script::new(seed, [5000, 5001, 5002]) }
    }

    fn play(mut self, requests: usize) {
        for _ in 0..requests {
            let turn = self.script.any();
            self.take(turn);
            // A burst of requests, or of what follows from them.
            for _ in 0..self.dice.roll(6) {
                self.world.step();
            }
        }
        for turn in self.script.end() {
            self.take(turn);
        }
        self.world.run();
        assert!(self.world.is_empty(), "{:?}", self.world.core);
        self.check();
    }

    /// All at once: hundreds wait for each other.
    fn play_at_once(mut self, requests: usize) {
        for _ in 0..requests {
            let turn = self.script.any();
            self.take(turn);
            while !self.world.core.can_accept() && self.world.step() {}
        }
        for turn in self.script.end() {
            self.take(turn);
        }
        self.world.run();
        assert!(self.world.is_empty(), "{:?}", self.world.core);
        self.check();
    }

    fn take(&mut self, turn: Turn) {
        match turn {
            Turn::Ask(number, request) => assert_eq!(self.world.ask(request), Tag(number)),
            Turn::Tell(notification) => self.world.notify(notification),
        }
    }

    /// Holds what was answered and told against what had to be.
    fn check(self) {
        let is_exact = self.world.shards.len() == 1;
        let mut listener = self.script.listen(is_exact);
        for output in self.world.out {
            match output {
                Output::Answer { tag, answered, .. } => {
                    let refused = answered.as_ref().err().map(|refusal| refusal.class);
                    listener.answered(tag.0, refused, || names_of(&answered.unwrap()));
                }
                Output::Event(event) => {
                    listener.happened(event.id(), told_of(&event));
                    if let Event::DataConsumer(id, DataConsumerEvent::Message(message)) = event {
                        listener.message(id.as_str(), message.ppid);
                    }
                }
                Output::Undelivered { .. } => {}
                Output::ShardLost { .. } | Output::ShardStuck(_) | Output::ShardGoesOn(_) => {
                    panic!("{output:?}")
                }
            }
        }
        listener.end();
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
