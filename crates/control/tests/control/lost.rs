//! A shard that panics, and one that ends.

use std::collections::BTreeSet;

use model::key::ShardIndex;
use model::reply::RefusalClass;
use model::transport::{DtlsState, IceState};
use shardcast::core::{FromShard, Output, Placement, Policy};
use shardcast::event::{ConsumerEvent, TransportEvent};
use shardcast::request::*;
use shardcast::{Event, Request};

use super::build::*;
use super::world::World;

/// Router r has a part on each of three shards, router s lives on one of them.
fn rooms() -> World {
    let mut world = World::spread(3, 11);
    world.ok(create_router("r"));
    world.ok(create_web_rtc("r", "a", Listen::Individual(vec![udp(5000)])));
    world.ok(create_plain("r", "b", 5001));
    world.ok(create_plain("r", "c", 5002));
    world.ok(produce("a", "p", 1));
    world.ok(consume("b", "q", "p", 2));
    world.ok(consume("c", "s", "p", 3));
    world.ok(create_router("second"));
    world.take_events();
    world
}

fn lost(world: &World) -> Vec<Vec<String>> {
    let routers = world.out.iter().filter_map(|output| match output {
        Output::ShardLost { routers, .. } => Some(routers.iter().map(ToString::to_string).collect()),
        _ => None,
    });
    routers.collect()
}

#[test]
fn a_router_goes_whole_with_any_of_its_shards() {
    for shard in 0..3 {
        let mut world = rooms();
        world.panic(shard);
        world.run();
        let gone = lost(&world);
        assert_eq!(gone.len(), 1);
        assert!(gone[0].contains(&"r".to_owned()));
        let events = world.out.iter().filter_map(|output| match output {
            Output::Event(event) => Some(event.clone()),
            _ => None,
        });
        let events: Vec<_> = events.collect();
        let transport = |event| Event::Transport("a".into(), event);
        assert!(events.contains(&transport(TransportEvent::IceState(IceState::Disconnected))));
        let dtls = TransportEvent::DtlsState { state: DtlsState::Closed, remote_certificate: None };
        assert!(events.contains(&transport(dtls)));
        for consumer in ["q", "s"] {
            assert!(events.contains(&Event::Consumer(consumer.into(), ConsumerEvent::ProducerClosed)));
        }
        let refusal = world.answer(of_transport("a", TransportRequest::Dump)).unwrap_err();
        assert_eq!(refusal.class, RefusalClass::NotFound);
        // All of it can be made again, on the same ports and under the same names.
        world.ok(create_router("r"));
        for (transport, port) in [("a", 5000), ("b", 5001), ("c", 5002)] {
            world.ok(create_plain("r", transport, port));
        }
        world.ok(close_router("r"));
        let second = world.answer(close_router("second"));
        assert_eq!(second.is_ok(), !gone[0].contains(&"second".to_owned()));
        assert!(world.is_empty(), "{:?}", world.core);
    }
}

/// What a server has on other shards goes on, whichever it was that is lost, also if it was the first.
#[test]
fn a_server_goes_on_with_the_parts_that_are_left() {
    for shard in 0..3 {
        let mut world = World::with(Placement { shards: 3, policy: Policy::Home }, 3);
        world.ok(create_server("s", vec![udp(4000)]));
        for (router, transport) in [("r0", "a"), ("r1", "b"), ("r2", "c")] {
            world.ok(create_router(router));
            world.ok(create_web_rtc(router, transport, Listen::Server("s".into())));
        }
        let parts = |world: &World| {
            world.shards.iter().map(|shard| shard.servers_and_transports().0).collect::<Vec<_>>()
        };
        assert_eq!(parts(&world), [1, 1, 1]);
        world.panic(shard);
        world.run();
        assert_eq!(lost(&world).concat().len(), 1, "one router was there, and only its own went");
        assert_eq!(parts(&world).iter().sum::<usize>(), 2);
        // Whoever comes to the shard that lost it joins again.
        let gone = lost(&world).concat();
        world.ok(create_router(&gone[0]));
        world.ok(create_web_rtc(&gone[0], "again", Listen::Server("s".into())));
        assert_eq!(parts(&world), [1, 1, 1]);
        world.ok(Request::Worker(WorkerRequest::CloseWebRtcServer("s".into())));
        for router in ["r0", "r1", "r2"] {
            world.ok(close_router(router));
        }
        // The fake binds a port at the first part only.
        world.ports.clear();
        assert!(world.is_empty(), "{:?}", world.core);
    }
}

/// Parts that are made at the same time are told of each other, whichever is ready first.
#[test]
fn parts_of_a_server_that_are_made_at_once_know_each_other() {
    for seed in 0..40 {
        let mut world = World::with(Placement { shards: 4, policy: Policy::Home }, seed);
        world.ok(create_server("s", vec![udp(4000)]));
        let routers = ["r0", "r1", "r2", "r3"];
        routers.into_iter().for_each(|router| {
            world.ok(create_router(router));
        });
        for router in routers {
            world.ask(create_web_rtc(router, &format!("t{router}"), Listen::Server("s".into())));
        }
        world.run();
        let met: BTreeSet<_> = (0..)
            .zip(&world.shards)
            .flat_map(|(shard, fake)| fake.greeted.iter().map(move |(_, other, _)| (shard, other.0)))
            .collect();
        for a in 0..4 {
            for b in 0..a {
                let times = [(a, b), (b, a)].iter().filter(|pair| met.contains(*pair)).count();
                assert_eq!(times, 1, "{a} and {b} of seed {seed}");
            }
        }
    }
}

/// They are, too, when a shard is lost meanwhile, the first part's own among them, and has a part made anew.
#[test]
fn parts_of_a_server_know_each_other_whoever_is_lost_while_they_are_made() {
    for (seed, doomed) in (0..100).flat_map(|seed| (0..3).map(move |doomed| (seed, doomed))) {
        let mut world = World::with(Placement { shards: 3, policy: Policy::Home }, seed);
        world.ok(create_server("s", vec![udp(4000)]));
        let enter = |world: &mut World, router: &str| {
            world.ask(create_web_rtc(router, &format!("in {router}"), Listen::Server("s".into())))
        };
        let routers = ["r0", "r1", "r2"];
        routers.into_iter().for_each(|router| {
            world.ok(create_router(router));
        });
        let mut tags = routers.map(|router| (router, enter(&mut world, router))).to_vec();
        for _ in 0..seed % 12 {
            world.step();
        }
        world.panic(doomed);
        for _ in 0..seed % 7 {
            world.step();
        }
        world.ask(create_router("again"));
        tags.push(("again", enter(&mut world, "again")));
        world.run();
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            let [a, b] = [&world.shards[a], &world.shards[b]];
            let pairs = a.servers_and_transports().0 * b.servers_and_transports().0;
            let times = a.times_greeted(b) + b.times_greeted(a);
            assert_eq!(times, pairs, "{} and {}, {doomed} lost, seed {seed}", a.index, b.index);
        }
        // What was said to be there is, unless its router went with the shard; and nothing else is.
        let gone = lost(&world).concat();
        for (router, tag) in tags {
            let is_there = world.answered(tag).unwrap().is_ok() && !gone.iter().any(|id| id == router);
            let dump = world.answer(of_transport(&format!("in {router}"), TransportRequest::Dump));
            assert_eq!(dump.is_ok(), is_there, "{router}, {doomed} lost, seed {seed}: {dump:?}");
        }
        let _ = world.answer(Request::Worker(WorkerRequest::CloseWebRtcServer("s".into())));
        for router in ["r0", "r1", "r2", "again"] {
            let _ = world.answer(close_router(router));
        }
        // The fake binds a port at the first part only.
        world.ports.clear();
        assert!(world.is_empty(), "{doomed} lost, seed {seed}: {:?}", world.core);
    }
}

/// A command that the shard has not executed yet is executed by what took over.
#[test]
fn what_is_being_made_is_left_to_its_own_answer() {
    let mut world = World::spread(1, 1);
    let tag = world.ask(create_router("r"));
    world.panic(0);
    world.run();
    assert!(world.answered(tag).unwrap().is_ok());
    world.ok(create_direct("r", "x"));
}

/// Panics at any moment: every request is answered, and everything can be closed.
#[test]
fn a_panic_under_load_leaves_nothing_behind() {
    for seed in 0..60 {
        let mut world = World::spread(3, seed);
        let mut tags = Vec::new();
        for round in 0..60_u16 {
            let (router, transport) = (format!("r{}", round % 3), format!("t{}", round % 7));
            tags.push(world.ask(create_router(&router)));
            tags.push(world.ask(create_plain(&router, &transport, 5000 + round % 5)));
            tags.push(world.ask(produce(&transport, &format!("p{}", round % 4), 1)));
            let other = format!("t{}", (round + 3) % 7);
            let consumer = format!("c{round}");
            tags.push(world.ask(consume(
                &other,
                &consumer,
                &format!("p{}", round % 4),
                u32::from(round) + 10,
            )));
            if world.chance(6) {
                tags.push(world.ask(close_transport(&router, &transport)));
            }
            for _ in 0..6 {
                world.step();
            }
            if world.chance(12) {
                world.panic(usize::from(round) % 3);
            }
        }
        world.run();
        for tag in tags {
            assert!(world.answered(tag).is_some(), "seed {seed}: {tag:?} was not answered");
        }
        for router in ["r0", "r1", "r2"] {
            let _ = world.answer(close_router(router));
        }
        assert!(world.is_empty(), "seed {seed}: {:?}", world.core);
    }
}

#[test]
fn a_shard_that_ends_answers_for_what_it_owed_and_is_not_used_again() {
    let mut world = rooms();
    let tag = world.ask(of_transport("b", TransportRequest::Stats));
    for shard in [0, 1] {
        world.core.from_shard(ShardIndex(shard), FromShard::Broken("a test said so".into()));
    }
    world.run();
    assert_eq!(world.answered(tag).unwrap().unwrap_err().class, RefusalClass::Failed);
    assert_eq!(lost(&world).len(), 2);
    for number in 0..6 {
        world.ok(create_router(&format!("new {number}")));
        world.ok(create_direct(&format!("new {number}"), &format!("t {number}")));
    }
    assert!(world.core.next_command(ShardIndex(0)).is_none());
    world.core.from_shard(ShardIndex(2), FromShard::Broken("likewise".into()));
    let refusal = world.answer(create_router("nowhere")).unwrap_err();
    assert_eq!(refusal.class, RefusalClass::Failed);
    assert!(world.core.is_empty(), "{:?}", world.core);
}
