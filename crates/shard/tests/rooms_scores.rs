//! How the streams of a producer do, told to its consumers on every shard.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod support;

use std::time::Duration;

use model::command::{Action, ProducerCommand};
use model::event::{ConsumerEvent, Event};
use model::key::{ConsumerKey, ProducerKey, ShardIndex};
use model::reply::Answer;
use model::score::ConsumerScore;
use support::hall::{consume, consuming, producing, replica};
use support::spread::{ROUTER, Room};

/// What a consumer was told of scores meanwhile.
fn scores(room: &mut Room, number: u32) -> Vec<ConsumerScore> {
    let consumer = room.consumer(number);
    let shard = room.place(consumer.transport).shard;
    let of_it = |event| match event {
        Event::Consumer(key, ConsumerEvent::Score(score)) if key == consumer.key => Some(score),
        _ => None,
    };
    room.hall.events(shard).into_iter().filter_map(of_it).collect()
}

fn score(producer_score: u8) -> ConsumerScore {
    ConsumerScore { score: 10, producer_score, producer_scores: vec![producer_score] }
}

#[test]
fn consumers_hear_of_a_stream_that_appears_wherever_they_are() {
    for shards in [1, 3] {
        let mut room = Room::new(shards);
        room.transport(10, 0);
        room.produce(0, 10);
        for number in 0..3 {
            room.transport(number, number as usize % usize::from(shards));
            room.consume(number, number, 0);
        }
        let before: Vec<_> = (0..3).flat_map(|number| scores(&mut room, number)).collect();
        assert!(before.iter().all(|told| *told == score(0)), "{before:?}");
        room.arrive(0);
        room.hall.ticks(4);
        assert_eq!(producer_scores(&mut room), [10; 3], "once to each, with {shards} shards");
        room.close();
    }
}

/// The same loss is the same score, wherever it is heard of.
#[test]
fn consumers_hear_of_losses_wherever_they_are() {
    for shards in [1, 3] {
        let mut room = Room::new(shards);
        room.transport(10, 0);
        room.produce(0, 10);
        for number in 0..3 {
            room.transport(number, number as usize % usize::from(shards));
            room.consume(number, number, 0);
        }
        let mut told = Vec::new();
        for lost in [0, 30, 0] {
            room.play(0, 40);
            room.lose(0, lost);
            room.play(0, 40);
            // About how often senders report.
            room.hall.now += Duration::from_secs(1);
            room.report(0);
            room.hall.ticks(4);
            told.push(producer_scores(&mut room));
        }
        assert_eq!(told[0], [10; 3], "the stream appeared");
        assert!(told[1][0] < 10 && told[1] == [told[1][0]; 3], "{told:?} with {shards} shards");
        assert!(told[2][0] > told[1][0] && told[2] == [told[2][0]; 3], "{told:?} with {shards} shards");
        room.close();
    }
}

/// Scores of the producer that consumers were told, over all shards.
fn producer_scores(room: &mut Room) -> Vec<u8> {
    let mut told = Vec::new();
    for shard in 0..room.hall.sides.len() {
        told.extend(room.hall.events(shard).into_iter().filter_map(|event| match event {
            Event::Consumer(_, ConsumerEvent::Score(score)) => Some(score.producer_score),
            _ => None,
        }));
    }
    told
}

#[test]
fn whoever_comes_late_is_told_at_once() {
    let mut room = Room::new(2);
    room.transport(0, 0);
    room.transport(1, 1);
    room.produce(0, 0);
    room.play(0, 1);
    room.consume(1, 1, 0);
    assert_eq!(scores(&mut room, 1).last(), Some(&score(10)));
    room.close();
}

/// Control gave the replica's command before the feed's, and another shard was faster.
#[test]
fn scores_that_overtake_what_they_are_for_are_kept_for_it() {
    let mut room = Room::new(2);
    room.transport(0, 0);
    room.transport(1, 1);
    room.produce(0, 0);
    room.play(0, 1);
    let (key, stand_in) = (room.producer(0).key, ProducerKey::new(5, 0));
    let feed = ProducerCommand::OpenFeed { shard: ShardIndex(1), replica: stand_in };
    room.hall.submit(0, Action::Producer(key, feed));
    room.hall.ticks(3);
    let open = producing(room.place(0).key, 1);
    let opening = ProducerCommand::OpenReplica(Box::new(replica(ROUTER, &open, 0, key)));
    room.hall.submit(1, Action::Producer(stand_in, opening));
    let consuming = consuming(room.place(1).key, stand_in, 1, 11);
    match room.hall.ask(1, consume(ConsumerKey::new(5, 0), consuming)) {
        Ok(Answer::ConsumerOpened(opened)) => assert_eq!(opened.score, score(10)),
        other => panic!("{other:?}"),
    }
    room.close();
}
