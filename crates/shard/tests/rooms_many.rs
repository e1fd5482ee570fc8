//! Rooms on several shards: what crosses, what is told, and who waits for whom.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod support;

use std::collections::BTreeMap;

use model::command::{
    Action, ConsumerCommand, DataConsumerCommand, DataConsumerOpen, DataMessage, DataProducerCommand,
    DataProducerOpen, ProducerCommand, RouterCommand, TransportSetup,
};
use model::event::{DataConsumerEvent, Event};
use model::key::{ConsumerKey, DataConsumerKey, DataProducerKey, ProducerKey, ShardIndex, TransportKey};
use model::reply::{Answer, Outcome};
use support::hall::{Hall, consume, consuming, open, producing, replica};
use support::spread::{ROUTER, Room};

/// Producer 0 on shard 0; a consumer of it on every shard, number and transport as the shard.
fn spread(shards: u16) -> Room {
    let mut room = Room::new(shards);
    room.transport(10, 0);
    room.produce(0, 10);
    for shard in 0..shards {
        room.transport(shard.into(), shard.into());
        room.consume(shard.into(), shard.into(), 0);
    }
    room
}

/// How many packets each peer got, by its port.
fn counts(room: &mut Room) -> BTreeMap<u16, usize> {
    room.heard().into_iter().map(|((peer, _), packets)| (peer.port() - 20_000, packets.len())).collect()
}

fn is_done(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Done(_))
}

#[test]
fn packets_cross_once_however_many_consumers_there_are() {
    let mut room = spread(3);
    room.transport(11, 2);
    room.consume(11, 11, 0);
    room.play(0, 5);
    assert_eq!(counts(&mut room), BTreeMap::from([(0, 5), (1, 5), (2, 5), (11, 5)]));
    assert_eq!((room.hall.totals(0).handed_over, room.hall.totals(2).crossed), (10, 5));
    room.close();
}

#[test]
fn a_pause_is_answered_when_all_have_heard_and_nothing_older_is_sent_then() {
    let mut room = spread(3);
    let key = room.producer(0).key;
    // Packets are on their way when the pause comes.
    (0..3).for_each(|_| room.arrive(0));
    room.hall.tick_only(0);
    let request = room.hall.submit(0, Action::Producer(key, ProducerCommand::Pause));
    room.hall.tick_only(0);
    room.hall.tick_only(1);
    room.hall.tick_only(0);
    assert!(room.hall.answer(0, request).is_none(), "shard 2 has not heard");
    assert_eq!(counts(&mut room), BTreeMap::from([(0, 3)]), "shard 1 has discarded what was on its way");
    room.hall.tick_only(2);
    room.hall.tick_only(0);
    assert!(room.hall.answer(0, request).as_ref().is_some_and(is_done));
    room.play(0, 2);
    assert_eq!(counts(&mut room), BTreeMap::new());
    assert_eq!(room.hall.totals(2).dropped_epoch, 3);
    room.producer_command(0, ProducerCommand::Resume);
    room.play(0, 2);
    assert_eq!(counts(&mut room), BTreeMap::from([(0, 2), (1, 2), (2, 2)]));
    room.close();
}

#[test]
fn turning_to_and_fro_without_waiting_ends_where_it_was_told_to() {
    let mut room = spread(3);
    let key = room.producer(0).key;
    let turns = [ProducerCommand::Pause, ProducerCommand::Resume].into_iter().cycle().take(9);
    let requests: Vec<_> = turns.map(|turn| room.hall.submit(0, Action::Producer(key, turn))).collect();
    room.hall.ticks(5);
    assert!(requests.into_iter().all(|request| room.hall.answer(0, request).as_ref().is_some_and(is_done)));
    room.play(0, 1);
    assert_eq!(counts(&mut room), BTreeMap::new(), "the last was a pause");
    room.close();
}

#[test]
fn a_closed_producer_takes_its_consumers_with_it_everywhere() {
    let mut room = spread(3);
    let consumer = room.consumer(2).key;
    let key = room.producer(0).key;
    let request = room.hall.submit(0, Action::Producer(key, ProducerCommand::Close));
    room.hall.tick_only(0);
    room.hall.tick_only(1);
    room.hall.tick_only(0);
    assert!(room.hall.answer(0, request).is_none(), "shard 2 has not heard");
    // Control could not know; it is answered as if it had come in time, and the ssrc is free.
    room.hall.tick_only(2);
    room.hall.tick_only(2);
    assert!(room.hall.ask(2, Action::Consumer(consumer, ConsumerCommand::Pause)).is_ok());
    let layers = model::score::ConsumerLayers { spatial_layer: 0, temporal_layer: None };
    let asked = room.hall.ask(2, Action::Consumer(consumer, ConsumerCommand::SetPreferredLayers(layers)));
    assert_eq!(asked, Ok(Answer::PreferredLayers(None)));
    assert!(room.hall.answer(0, request).as_ref().is_some_and(is_done));
    room.close();
}

#[test]
fn facts_that_overtake_commands_lead_to_the_same_state() {
    for closes in [false, true] {
        let mut room = Room::new(2);
        room.transport(0, 0);
        room.transport(1, 1);
        room.produce(0, 0);
        let (key, stand_in, consumer) =
            (room.producer(0).key, ProducerKey::new(5, 0), ConsumerKey::new(5, 0));
        let feed = ProducerCommand::OpenFeed { shard: ShardIndex(1), replica: stand_in };
        let turn = if closes { ProducerCommand::Close } else { ProducerCommand::Pause };
        room.hall.submit(0, Action::Producer(key, feed));
        let turned = room.hall.submit(0, Action::Producer(key, turn));
        // Control's commands to shard 1 were given before these, and are seen after their consequences.
        room.hall.ticks(3);
        assert!(room.hall.answer(0, turned).as_ref().is_some_and(is_done));
        let open = producing(room.place(0).key, 1);
        let opening = ProducerCommand::OpenReplica(Box::new(replica(ROUTER, &open, 0, key)));
        room.hall.submit(1, Action::Producer(stand_in, opening));
        let consuming = consuming(room.place(1).key, stand_in, 1, 11);
        assert!(room.hall.ask(1, consume(consumer, consuming)).is_ok(), "it was there when control asked");
        room.hall.ask(1, Action::Consumer(consumer, ConsumerCommand::Resume)).unwrap();
        if !closes {
            room.play(0, 1);
            assert_eq!(counts(&mut room), BTreeMap::new());
            room.producer_command(0, ProducerCommand::Resume);
            room.play(0, 1);
            assert_eq!(counts(&mut room), BTreeMap::from([(1, 1)]));
        }
        room.close();
    }
}

#[test]
fn a_feed_that_ends_leaves_the_replica_to_control() {
    let mut room = spread(2);
    room.close_consumer(1);
    room.play(0, 2);
    assert_eq!(counts(&mut room), BTreeMap::from([(0, 2)]));
    assert_eq!(room.hall.totals(0).handed_over, 0);
    room.consume(5, 1, 0);
    room.play(0, 2);
    assert_eq!(counts(&mut room), BTreeMap::from([(0, 2), (1, 2)]));
    room.close();
}

#[test]
fn nobody_waits_for_a_shard_that_ended() {
    let mut room = spread(3);
    let key = room.producer(0).key;
    let request = room.hall.submit(0, Action::Producer(key, ProducerCommand::Pause));
    room.hall.tick_only(0);
    room.hall.tick_only(1);
    room.hall.tick_only(0);
    assert!(room.hall.answer(0, request).is_none());
    room.hall.sides[2].core = None;
    room.hall.tick_only(0);
    assert!(room.hall.answer(0, request).as_ref().is_some_and(is_done));
    let request = room.hall.submit(0, Action::Producer(key, ProducerCommand::Close));
    room.hall.ticks(3);
    assert!(room.hall.answer(0, request).as_ref().is_some_and(is_done));
}

#[test]
fn a_consumers_request_for_a_key_frame_reaches_the_producers_peer() {
    let mut room = spread(3);
    room.play(0, 1);
    room.hall.sent(0);
    for shard in [1, 2] {
        room.consumer_command(shard, ConsumerCommand::RequestKeyFrame);
    }
    room.hall.ticks(3);
    let peer = room.place(10).peer;
    let sent = room.hall.sent(0);
    // RFC 4585 §6.1: payload-specific feedback.
    let is_request = |datagram: &Vec<u8>| datagram[1] == 206;
    assert!(sent.iter().any(|run| run.to == peer && run.datagrams.iter().any(is_request)), "{sent:?}");
    room.close();
}

#[test]
fn messages_cross_in_order_and_none_is_lost() {
    let mut hall = Hall::new(2);
    let direct = TransportKey::new(0, 0);
    for shard in 0..2 {
        hall.open_router(shard, ROUTER);
        hall.open_transport(shard, direct, open(ROUTER, TransportSetup::Direct)).unwrap();
    }
    let (producer, replica) = (DataProducerKey::new(0, 0), DataProducerKey::new(3, 0));
    let consumer = DataConsumerKey::new(0, 0);
    let command = |key, command| Action::DataProducer(key, command);
    let opening = DataProducerOpen { transport: direct, stream: None, paused: false };
    hall.ask(0, command(producer, DataProducerCommand::Open(opening))).unwrap();
    let (router, shard, data_producer) = (ROUTER, ShardIndex(0), producer);
    hall.ask(1, command(replica, DataProducerCommand::OpenReplica { router, shard, data_producer })).unwrap();
    let feed = DataProducerCommand::OpenFeed { shard: ShardIndex(1), replica };
    hall.ask(0, command(producer, feed)).unwrap();
    let (stream, subchannels) = (None, vec![]);
    let opening =
        DataConsumerOpen { transport: direct, data_producer: replica, stream, paused: false, subchannels };
    hall.ask(1, Action::DataConsumer(consumer, DataConsumerCommand::Open(Box::new(opening)))).unwrap();
    hall.ticks(2);
    // Shard 1 stands still while more is sent than the lane holds; what is accepted is delivered.
    let mut accepted = Vec::new();
    for number in 0..600_u16 {
        let message = DataMessage { data: number.to_be_bytes().into(), ..DataMessage::default() };
        let request = hall.submit(0, command(producer, DataProducerCommand::Send(Box::new(message))));
        hall.tick_only(0);
        match hall.answer(0, request) {
            Some(Outcome::Done(_)) => accepted.push(number),
            Some(Outcome::Refused(refusal)) => assert!(refusal.reason.starts_with("too many messages wait")),
            other => panic!("{other:?}"),
        }
    }
    assert!((500..600).contains(&accepted.len()), "{} of 600", accepted.len());
    let request = hall.submit(0, command(producer, DataProducerCommand::Close));
    let mut delivered = Vec::new();
    while hall.answer(0, request).is_none() {
        hall.tick();
        delivered.extend(hall.events(1).into_iter().filter_map(number));
        assert!(delivered.len() <= accepted.len());
    }
    assert_eq!(delivered, accepted, "and all of them before the answer to the close");
    let closing = (0..2).map(|shard| hall.submit(shard, Action::Router(ROUTER, RouterCommand::Close)));
    closing.for_each(drop);
    hall.ticks(5);
    hall.assert_empty();
}

fn number(event: Event) -> Option<u16> {
    match event {
        Event::DataConsumer(_, DataConsumerEvent::Message(message)) => {
            Some(u16::from_be_bytes(message.data[..].try_into().unwrap()))
        }
        _ => None,
    }
}
