//! A shard that hangs, and goes on later: what is asked of the others is answered, what is asked of it is refused in time,
//! and nothing is left of what it did when nobody waited any more.

use std::collections::BTreeSet;

use model::command::DataMessage;
use model::key::ShardIndex;
use model::reply::RefusalClass;
use shardcast::answer::Answered;
use shardcast::core::{HangCounters, Output, Placement, Policy};
use shardcast::event::{ConsumerEvent, DataConsumerEvent};
use shardcast::request::*;
use shardcast::{Answer, Event, Notification, Request};

use super::build::*;
use super::world::World;

/// The shard that hangs, in each of these tests.
const HUNG: usize = 1;

/// Routers r0, r1 and r2, each on a shard of its own with a transport, a producer and a consumer of it.
fn rooms() -> World {
    let mut world = World::with(Placement { shards: 3, policy: Policy::Home }, 5);
    for room in 0..3_u16 {
        let [router, a, b] = ["r", "a", "b"].map(|name| format!("{name}{room}"));
        world.ok(create_router(&router));
        world.ok(create_plain(&router, &a, 5000 + room));
        world.ok(create_direct(&router, &b));
        world.ok(produce(&a, &format!("p{room}"), 1));
        world.ok(consume(&b, &format!("c{room}"), &format!("p{room}"), 2));
    }
    let transports = |world: &World| -> Vec<_> {
        world.shards.iter().map(|shard| shard.servers_and_transports().1).collect()
    };
    assert_eq!(transports(&world), [2, 2, 2], "a room on each shard");
    world.take_events();
    world
}

fn stats(transport: &str) -> Request {
    of_transport(transport, TransportRequest::Stats)
}

fn counters(world: &World) -> HangCounters {
    world.core.hang_counters(ShardIndex(HUNG as u16))
}

/// Refused, because that shard hangs.
fn is_stuck(answered: Option<Answered>) -> bool {
    let Some(Err(refusal)) = answered else { return false };
    refusal.class == RefusalClass::Stuck && refusal.reason.starts_with("shard 1 hangs")
}

/// The shard goes on; then everything can be closed, and nothing is left.
fn end(mut world: World, routers: &[&str]) {
    world.wake(HUNG);
    world.second();
    for router in routers {
        let _ = world.answer(close_router(router));
    }
    assert_eq!(world.core.unanswered(), 0);
    assert!(world.is_empty(), "{:?}", world.core);
}

#[test]
fn the_others_are_answered_and_what_is_asked_of_the_one_that_hangs_is_refused() {
    let mut world = rooms();
    world.hang(HUNG);
    let tags = ["a0", "a1", "a2"].map(|transport| world.ask(stats(transport)));
    world.run();
    let is_answered = |world: &World| tags.map(|tag| world.answered(tag).is_some());
    assert_eq!(is_answered(&world), [true, false, false], "in order, and nobody knows yet");
    world.second();
    assert!(is_stuck(world.answered(tags[1])), "{:?}", world.answered(tags[1]));
    assert!(world.answered(tags[2]).unwrap().is_ok());
    assert!(world.out.iter().filter(|output| **output == Output::ShardStuck(ShardIndex(1))).count() == 1);
    // From here on at once, and without anything that would wait for the shard.
    for _ in 0..10_000 {
        let refused = world.ask(stats("a1"));
        assert!(is_stuck(world.answered(refused)));
        world.out.clear();
        assert!(world.core.can_accept());
    }
    world.ok(stats("a0"));
    world.ok(Request::Producer("p2".into(), ProducerRequest::Pause));
    world.ok(create_router("new"));
    world.ok(Request::Worker(WorkerRequest::Dump));
    world.second();
    assert_eq!(counters(&world), HangCounters { refused: 10_001, late: 0 });
    let executed = world.shards[HUNG].executed;
    world.wake(HUNG);
    world.second();
    assert_eq!(world.shards[HUNG].executed - executed, 1, "what was asked before anybody knew");
    assert_eq!(counters(&world), HangCounters { refused: 10_001, late: 1 });
    assert!(world.out.contains(&Output::ShardGoesOn(ShardIndex(1))));
    world.ok(stats("a1"));
    world.ok(Request::Producer("p1".into(), ProducerRequest::Pause));
    end(world, &["r0", "r1", "r2", "new"]);
}

/// It wants the port of one that is being closed there.
#[test]
fn who_waits_for_what_the_shard_has_is_refused_with_those_who_wait_for_the_shard() {
    let mut world = rooms();
    world.hang(HUNG);
    let closed = world.ask(close_transport("r1", "a1"));
    let wants = world.ask(create_plain("r0", "next", 5001));
    let all = world.ask(Request::Worker(WorkerRequest::Dump));
    assert_eq!(world.core.waiting(), 2);
    world.second();
    assert!(world.answered(closed).unwrap().is_ok() && is_stuck(world.answered(wants)));
    let Some(Ok(Answer::Worker(dump))) = world.answered(all) else { panic!("not a dump") };
    assert_eq!(dump.router_ids.len(), 3);
    end(world, &["r0", "r1", "r2"]);
}

/// What was under way when the shard fell silent is no more than control takes at a time, and does not count from then on.
#[test]
fn a_full_house_behind_one_that_hangs_has_room_again() {
    let mut world = rooms();
    world.hang(HUNG);
    let mut asked = 0;
    while world.core.can_accept() {
        world.ask(stats("a1"));
        asked += 1;
    }
    assert!((1_000..10_000).contains(&asked), "{asked}");
    let other = world.ask(stats("a0"));
    world.second();
    assert!(world.core.can_accept() && world.answered(other).unwrap().is_ok());
    // Whoever closes something is heard, however much waits.
    world.ok(close_router("r1"));
    assert!(world.core.can_accept());
    end(world, &["r0", "r2"]);
}

/// An object of each kind is asked for, nothing is awaited, and the shard makes them all when nobody wants them any more.
#[test]
fn what_was_being_made_is_closed_when_the_shard_goes_on() {
    let mut world = rooms();
    world.ok(produce_data("b1", "d", None));
    let before = world.shards[HUNG].servers_and_transports();
    world.hang(HUNG);
    let made = [
        ("t", create_plain("r1", "t", 6000)),
        ("p", produce("a1", "p", 7)),
        ("inner", produce("t", "inner", 8)),
        ("c", consume("b1", "c", "p1", 9)),
        ("e", consume_data("b1", "e", "d", None)),
        ("f", produce_data("b1", "f", None)),
        ("o", create_observer("r1", "o")),
    ];
    let tags = made.clone().map(|(id, request)| (id, world.ask(request)));
    world.second();
    for (id, tag) in tags {
        assert!(is_stuck(world.answered(tag)), "{id}: {:?}", world.answered(tag));
    }
    let dump = world.ok(Request::Worker(WorkerRequest::Dump));
    let shown = format!("{dump:?}");
    for (id, request) in made {
        assert!(!shown.contains(&format!("{id:?}")), "{id} is there");
        let again = world.ask(request);
        assert!(world.answered(again).unwrap().is_err(), "{id}");
    }
    let elsewhere = world.answer(create_plain("r0", "other", 6000));
    assert!(is_stuck(Some(elsewhere)), "the port is not free, or will not be");
    let elsewhere = world.answer(create_router("t"));
    assert!(is_stuck(Some(elsewhere)), "nor is the name");
    world.take_events();
    world.wake(HUNG);
    world.second();
    assert_eq!(world.shards[HUNG].servers_and_transports(), before);
    assert_eq!(world.take_events(), [], "nobody knows whom it would be about");
    world.ok(create_plain("r0", "other", 6000));
    world.ok(create_router("t"));
    world.ok(consume("b1", "c", "p1", 9));
    end(world, &["r0", "r1", "r2", "t"]);
}

/// Where what hangs is the home of a router, or of a server, and others have made something of it already.
#[test]
fn what_was_being_made_goes_with_all_that_was_put_into_it() {
    for seed in 0..60 {
        let mut world = World::spread(3, seed);
        // The server is where nothing comes from, or one of these is.
        let routers = ["r0", "r1", "r2"];
        world.hang(HUNG);
        let mut tags = vec![world.ask(create_router("r0")), world.ask(create_server("s", vec![udp(4000)]))];
        tags.extend(["r1", "r2"].map(|router| world.ask(create_router(router))));
        for (at, router) in (0..).zip(routers) {
            for turn in 0..3 {
                let id = format!("t{at}{turn}");
                tags.push(world.ask(create_plain(router, &id, 5000 + at * 3 + turn)));
                tags.push(world.ask(produce(&id, &format!("p{at}{turn}"), 1)));
                let producer = format!("p{at}{}", turn / 2);
                tags.push(world.ask(consume(&id, &format!("c{at}{turn}"), &producer, 20)));
            }
            tags.push(world.ask(create_web_rtc(router, &format!("w{at}"), Listen::Server("s".into()))));
        }
        for _ in 0..seed {
            world.step();
        }
        world.second();
        world.second();
        assert_eq!(world.core.unanswered(), 0, "seed {seed}");
        assert!(tags.iter().any(|tag| is_stuck(world.answered(*tag))));
        let _ = world.answer(Request::Worker(WorkerRequest::CloseWebRtcServer("s".into())));
        world.wake(HUNG);
        world.second();
        let _ = world.answer(Request::Worker(WorkerRequest::CloseWebRtcServer("s".into())));
        for router in routers {
            let _ = world.answer(close_router(router));
        }
        // The fake binds a server's port at the first part only.
        world.ports.remove(&(true, 4000));
        assert!(world.is_empty(), "seed {seed}: {:?}", world.core);
    }
}

/// The consumer is where nothing hangs, and its shard speaks of it before it hears that nobody wants it.
#[test]
fn nothing_is_told_of_what_was_not_made() {
    let mut world = World::spread(2, 3);
    world.ok(create_router("r"));
    for (transport, port) in [("a", 5000), ("b", 5001)] {
        world.ok(create_plain("r", transport, port));
    }
    world.ok(produce("b", "p", 1));
    world.take_events();
    let before = world.shards[0].executed;
    let consumer = world.ask(consume("a", "c", "p", 2));
    world.hang(HUNG);
    world.look();
    assert!(is_stuck(world.answered(consumer)));
    world.take_events();
    world.run();
    assert_eq!(
        world.shards[0].executed - before,
        3,
        "what stands for the producer, the consumer, and its close"
    );
    assert_eq!(world.take_events(), []);
    end(world, &["r"]);
}

#[test]
fn a_close_counts_as_done_and_frees_what_it_held_once_the_shard_goes_on() {
    let mut world = rooms();
    world.ok(produce_data("b1", "d", None));
    world.ok(consume_data("b1", "e", "d", None));
    world.take_events();
    world.hang(HUNG);
    let before = world.ask(close_transport("r1", "a1"));
    world.second();
    assert!(world.answered(before).unwrap().is_ok());
    let told = Event::Consumer("c1".into(), ConsumerEvent::ProducerClosed);
    assert_eq!(world.take_events(), [told], "its consumer is told at once");
    let after = world.ask(of_transport("b1", TransportRequest::CloseDataConsumer("e".into())));
    assert!(world.answered(after).unwrap().is_ok());
    let after = world.ask(close_router("r1"));
    assert!(world.answered(after).unwrap().is_ok());
    assert_eq!(world.answer(close_router("r1")).unwrap_err().class, RefusalClass::NotFound);
    assert!(is_stuck(Some(world.answer(create_plain("r0", "next", 5001)))), "the socket is still there");
    world.take_events();
    world.wake(HUNG);
    world.second();
    assert_eq!(world.take_events(), []);
    world.ok(create_plain("r0", "next", 5001));
    world.ok(create_router("r1"));
    end(world, &["r0", "r1", "r2"]);
}

#[test]
fn who_wants_what_a_shard_still_has_waits_once_that_goes_on() {
    for again in [None, Some(HUNG), Some(2)] {
        let mut world = rooms();
        world.hang(HUNG);
        world.second();
        world.ok(close_transport("r1", "a1"));
        world.wake(HUNG);
        world.look();
        assert!(world.out.contains(&Output::ShardGoesOn(ShardIndex(HUNG as u16))));
        let wants = world.ask(create_plain("r0", "next", 5001));
        assert_eq!(world.answered(wants), None);
        if let Some(shard) = again {
            world.hang(shard);
            world.look();
            let refused = world.answered(wants).unwrap().unwrap_err();
            assert_eq!(refused.class, RefusalClass::Stuck, "it could wait for that one, too");
            world.wake(shard);
        }
        world.run();
        assert_eq!(world.answered(wants).unwrap().is_ok(), again.is_none());
        end(world, &["r0", "r1", "r2"]);
    }
}

/// What stood for it there was just being taken down.
#[test]
fn a_producer_that_was_consumed_on_the_shard_can_be_consumed_elsewhere() {
    let mut world = World::spread(3, 3);
    world.ok(create_router("r"));
    for (transport, port) in [("a", 5000), ("b", 5001), ("c", 5002), ("a2", 5003)] {
        world.ok(create_plain("r", transport, port));
    }
    world.ok(produce("a", "p", 1));
    world.ok(consume("b", "far", "p", 2));
    assert_eq!(world.shards[HUNG].stand_ins(), 1);
    let executed = world.shards[HUNG].executed;
    world.ask(of_transport("b", TransportRequest::CloseConsumer("far".into())));
    while world.shards[HUNG].executed == executed {
        world.step();
    }
    world.hang(HUNG);
    world.second();
    world.second();
    assert_eq!(world.shards[HUNG].stand_ins(), 1);
    assert!(is_stuck(Some(world.answer(consume("b", "far", "p", 2)))));
    world.ok(consume("a2", "near", "p", 3));
    world.ok(consume("c", "other", "p", 4));
    world.ok(of_transport("a", TransportRequest::CloseProducer("p".into())));
    end(world, &["r"]);
}

/// Of a producer that is consumed on the shard that hangs: its own shard waits for an acknowledgement.
#[test]
fn what_waits_by_way_of_another_shard_does_not_wait_either() {
    let mut world = World::spread(2, 3);
    world.ok(create_router("r"));
    for (transport, port) in [("a", 5000), ("b", 5001), ("a2", 5002)] {
        world.ok(create_plain("r", transport, port));
    }
    world.ok(produce("a", "p", 1));
    world.ok(consume("b", "far", "p", 2));
    world.ok(consume("a2", "near", "p", 3));
    let stand_ins = |world: &World| world.shards.iter().map(|shard| shard.stand_ins()).collect::<Vec<_>>();
    assert_eq!(stand_ins(&world), [0, 1]);
    world.take_events();
    world.hang(HUNG);
    let pause = world.ask(Request::Producer("p".into(), ProducerRequest::Pause));
    let behind = world.ask(stats("a"));
    world.second();
    world.second();
    assert!(is_stuck(world.answered(pause)) && world.answered(behind).unwrap().is_ok());
    assert!(is_stuck(Some(world.answer(Request::Producer("p".into(), ProducerRequest::Resume)))));
    world.ok(stats("a"));
    world.ok(produce("a", "p2", 4));
    world.ok(consume("a2", "c2", "p2", 5));
    assert!(is_stuck(Some(world.answer(consume("b", "c3", "p2", 6)))));
    world.take_events();
    let closed = world.ask(of_transport("a", TransportRequest::CloseProducer("p".into())));
    assert!(world.answered(closed).unwrap().is_ok(), "at once");
    let told: BTreeSet<_> = world.take_events().iter().map(|event| event.id().to_owned()).collect();
    assert_eq!(told, ["far", "near"].map(str::to_owned).into());
    world.wake(HUNG);
    world.second();
    // What was done when nobody waited for it is told to nobody who is gone.
    assert_eq!(world.take_events(), []);
    world.ok(consume("b", "c3", "p2", 6));
    assert_eq!(stand_ins(&world), [0, 1]);
    end(world, &["r"]);
}

#[test]
fn what_control_knows_itself_is_answered_of_what_hangs() {
    let mut world = rooms();
    world.ok(produce_data("b1", "d", None));
    world.hang(HUNG);
    world.second();
    world.ok(Request::DataProducer("d".into(), DataProducerRequest::Dump));
    assert!(is_stuck(Some(world.answer(Request::DataProducer("d".into(), DataProducerRequest::Stats)))));
    end(world, &["r0", "r1", "r2"]);
}

/// It is looked at twice: as long as the server may turn out not to be, that could be why.
#[test]
fn what_is_refused_is_counted_once() {
    let mut world = rooms();
    world.hang(HUNG);
    world.second();
    let server = world.ask(create_server("s", vec![udp(4000)]));
    let refused = world.ask(create_web_rtc("r1", "w", Listen::Server("s".into())));
    assert_eq!(world.core.waiting(), 1);
    world.run();
    assert!(world.answered(server).unwrap().is_ok());
    assert!(is_stuck(world.answered(refused)));
    assert_eq!(counters(&world).refused, 1);
    world.ok(Request::Worker(WorkerRequest::CloseWebRtcServer("s".into())));
    end(world, &["r0", "r1", "r2"]);
}

#[test]
fn what_the_application_sends_to_one_that_hangs_is_dropped_and_counted() {
    let mut world = rooms();
    world.ok(produce_data("b1", "d", None));
    world.ok(consume_data("b1", "e", "d", None));
    world.take_events();
    let send = |world: &mut World| {
        world.notify(Notification::SendData("d".into(), Box::<DataMessage>::default()));
    };
    world.hang(HUNG);
    (0..10).for_each(|_| send(&mut world));
    world.second();
    (0..10).for_each(|_| send(&mut world));
    assert_eq!(counters(&world).refused, 20);
    assert!(!world.out.iter().any(|output| matches!(output, Output::Undelivered { .. })), "a line for each");
    world.wake(HUNG);
    world.second();
    send(&mut world);
    world.run();
    let is_message = |event: &Event| matches!(event, Event::DataConsumer(_, DataConsumerEvent::Message(_)));
    assert_eq!(world.take_events().iter().filter(|event| is_message(event)).count(), 1);
    end(world, &["r0", "r1", "r2"]);
}

#[test]
fn where_all_hang_nothing_new_is_taken_and_one_that_is_lost_goes_on_empty() {
    let mut world = World::new();
    world.ok(create_router("r"));
    world.ok(create_plain("r", "t", 5000));
    world.hang(0);
    let waits = world.ask(stats("t"));
    world.second();
    assert_eq!(world.answered(waits).unwrap().unwrap_err().class, RefusalClass::Stuck);
    assert_eq!(world.answer(create_router("s")).unwrap_err().class, RefusalClass::Stuck);
    world.ok(close_transport("r", "t"));
    world.wake(0);
    world.panic(0);
    world.run();
    world.ok(create_router("s"));
    world.second();
    assert!(!world.out.contains(&Output::ShardGoesOn(ShardIndex(0))), "not with all that was on it");
    world.ok(create_plain("s", "t", 5000));
    world.ok(close_router("s"));
    assert!(world.is_empty(), "{:?}", world.core);
}
