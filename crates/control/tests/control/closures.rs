//! Who is told what when a thing closes: the tables of docs/closures.md, with everything on one shard and with transports
//! on three.

use std::collections::BTreeSet;

use model::command::DataMessage;
use model::transport::TransportProtocol;
use shardcast::event::{ConsumerEvent, DataConsumerEvent};
use shardcast::request::*;
use shardcast::{Answer, Event, Notification, Request};

use super::build::*;
use super::fake::Fake;
use super::world::World;

/// A room in which everybody consumes: transports a and b, a direct one, and one in another router.
fn room(shards: u16) -> World {
    let mut world = World::spread(shards, 3);
    world.ok(create_router("r"));
    world.ok(create_plain("r", "a", 5000));
    world.ok(create_plain("r", "b", 5001));
    world.ok(create_direct("r", "x"));
    world.ok(create_direct("r", "y"));
    world.ok(produce("a", "p", 1));
    world.ok(produce("b", "q", 2));
    world.ok(consume("a", "own", "p", 11));
    world.ok(consume("b", "other", "p", 12));
    world.ok(consume("a", "back", "q", 13));
    world.ok(produce_data("x", "d", None));
    world.ok(consume_data("x", "here", "d", None));
    world.ok(consume_data("y", "there", "d", None));
    world.ok(create_observer("r", "o"));
    world.ok(Request::RtpObserver("o".into(), RtpObserverRequest::AddProducer("p".into())));
    world.take_events();
    world
}

fn each(check: impl Fn(World)) {
    [1, 3].into_iter().for_each(|shards| check(room(shards)));
}

/// What consumers were told of their producers.
fn told(world: &mut World) -> Vec<(String, &'static str)> {
    let word = |event: &Event| match event {
        Event::Consumer(_, ConsumerEvent::ProducerPaused) => Some("paused"),
        Event::Consumer(_, ConsumerEvent::ProducerResumed) => Some("resumed"),
        Event::Consumer(_, ConsumerEvent::ProducerClosed) => Some("closed"),
        Event::DataConsumer(_, DataConsumerEvent::DataProducerPaused) => Some("paused"),
        Event::DataConsumer(_, DataConsumerEvent::DataProducerResumed) => Some("resumed"),
        Event::DataConsumer(_, DataConsumerEvent::DataProducerClosed) => Some("closed"),
        _ => None,
    };
    let mut told: Vec<_> =
        world.take_events().iter().filter_map(|event| Some((event.id().to_owned(), word(event)?))).collect();
    told.sort();
    told
}

fn both(ids: [&str; 2], word: &'static str) -> Vec<(String, &'static str)> {
    ids.map(|id| (id.to_owned(), word)).to_vec()
}

fn handlers(world: &mut World) -> BTreeSet<String> {
    let Answer::Worker(dump) = world.ok(Request::Worker(WorkerRequest::Dump)) else { panic!() };
    dump.channel_message_handlers.channel_request_handlers.iter().map(|id| id.to_string()).collect()
}

fn is_gone(world: &mut World, id: &str) -> bool {
    !handlers(world).contains(id)
}

fn close_everything(mut world: World) {
    world.ok(close_router("r"));
    assert!(told(&mut world).is_empty());
    assert!(handlers(&mut world).is_empty());
    assert!(world.is_empty(), "{:?}", world.core);
}

#[test]
fn a_producer_tells_its_consumers_and_takes_them_along() {
    each(|mut world| {
        world.ok(of_transport("a", TransportRequest::CloseProducer("p".into())));
        assert_eq!(told(&mut world), both(["other", "own"], "closed"));
        for id in ["p", "own", "other"] {
            assert!(is_gone(&mut world, id));
        }
        assert!(!is_gone(&mut world, "back"));
        // What it received and what they sent is free again.
        world.ok(produce("a", "again", 1));
        world.ok(consume("b", "other", "again", 12));
        // Closing what is gone finds nothing.
        let refusal = world.answer(of_transport("a", TransportRequest::CloseConsumer("own".into())));
        assert_eq!(refusal.unwrap_err().class, model::reply::RefusalClass::NotFound);
        close_everything(world);
    });
}

#[test]
fn a_consumer_tells_nobody_and_the_last_one_takes_the_stand_in_along() {
    let mut world = room(3);
    let stand_ins = |world: &World| world.shards.iter().map(|shard| shard.stand_ins()).sum::<usize>();
    let before = stand_ins(&world);
    world.ok(of_transport("b", TransportRequest::CloseConsumer("other".into())));
    assert!(told(&mut world).is_empty());
    assert_eq!(stand_ins(&world), before - 1);
    // It comes back with the next consumer.
    world.ok(consume("b", "other", "p", 12));
    world.ok(consume("b", "one more", "p", 15));
    assert_eq!(stand_ins(&world), before);
    world.ok(of_transport("b", TransportRequest::CloseConsumer("other".into())));
    assert_eq!(stand_ins(&world), before, "somebody still needs it");
    close_everything(world);
}

#[test]
fn an_observer_takes_along_what_it_looked_at_on_other_shards() {
    let mut world = room(3);
    let stand_ins = |world: &World| world.shards.iter().map(|shard| shard.stand_ins()).sum::<usize>();
    let before = stand_ins(&world);
    world.ok(Request::RtpObserver("o".into(), RtpObserverRequest::AddProducer("q".into())));
    world.ok(Request::RtpObserver("o".into(), RtpObserverRequest::RemoveProducer("q".into())));
    assert_eq!(stand_ins(&world), before);
    world.ok(Request::Router("r".into(), RouterRequest::CloseRtpObserver("o".into())));
    assert!(told(&mut world).is_empty());
    close_everything(world);
}

#[test]
fn a_transport_tells_the_consumers_of_its_producers() {
    each(|mut world| {
        world.ok(close_transport("r", "a"));
        assert_eq!(told(&mut world), both(["other", "own"], "closed"));
        assert_eq!(
            handlers(&mut world),
            ["r", "b", "q", "x", "y", "d", "here", "there", "o"].map(String::from).into()
        );
        world.ok(create_plain("r", "a", 5000));
        close_everything(world);
    });
}

#[test]
fn a_router_tells_nobody() {
    each(close_everything);
}

#[test]
fn pausing_is_told_when_it_changes_something() {
    each(|mut world| {
        let producer = |request| Request::Producer("p".into(), request);
        world.ok(producer(ProducerRequest::Resume));
        assert!(told(&mut world).is_empty());
        world.ok(producer(ProducerRequest::Pause));
        assert_eq!(told(&mut world), both(["other", "own"], "paused"));
        world.ok(producer(ProducerRequest::Pause));
        assert!(told(&mut world).is_empty());
        world.ok(producer(ProducerRequest::Resume));
        assert_eq!(told(&mut world), both(["other", "own"], "resumed"));
        let data_producer = |request| Request::DataProducer("d".into(), request);
        world.ok(data_producer(DataProducerRequest::Pause));
        assert_eq!(told(&mut world), both(["here", "there"], "paused"));
        world.ok(data_producer(DataProducerRequest::Resume));
        assert_eq!(told(&mut world), both(["here", "there"], "resumed"));
    });
}

/// Wherever the data consumers are: what was sent before the close is told before it.
#[test]
fn every_message_comes_before_the_end_of_its_data_producer() {
    each(|mut world| {
        for ppid in 0..20 {
            let message = Box::new(DataMessage { ppid, ..DataMessage::default() });
            world.notify(Notification::SendData("d".into(), message));
        }
        world.ask(of_transport("x", TransportRequest::CloseDataProducer("d".into())));
        world.run();
        let events = world.take_events();
        for id in ["here", "there"] {
            let of_it: Vec<_> = events.iter().filter(|event| event.id() == id).collect();
            assert_eq!(of_it.len(), 21, "{id}");
            assert!(matches!(of_it[20], Event::DataConsumer(_, DataConsumerEvent::DataProducerClosed)));
        }
    });
}

#[test]
fn a_server_closes_its_transports_in_all_routers_before_its_sockets() {
    let mut world = World::spread(3, 5);
    world.ok(create_server("s", vec![udp(4000)]));
    for (router, transport) in [("r", "a"), ("r2", "b")] {
        world.ok(create_router(router));
        world.ok(create_web_rtc(router, transport, Listen::Server("s".into())));
    }
    world.ok(create_direct("r", "x"));
    world.ok(produce("a", "p", 1));
    world.ok(consume("x", "c", "p", 2));
    world.take_events();
    world.ok(Request::Worker(WorkerRequest::CloseWebRtcServer("s".into())));
    assert_eq!(told(&mut world), [("c".to_owned(), "closed")]);
    assert_eq!(handlers(&mut world), ["r", "r2", "x"].map(String::from).into());
    world.ok(create_server("s", vec![udp(4000)]));
    world.ok(Request::Worker(WorkerRequest::CloseWebRtcServer("s".into())));
    world.ok(close_router("r"));
    world.ok(close_router("r2"));
    assert!(world.is_empty());
}

/// Transports of a server go where those of their router go, and each shard gets its part of the server with the first.
#[test]
fn a_server_has_parts_where_its_transports_are_and_all_close_with_it() {
    for seed in 0..20 {
        let mut world = World::spread(3, seed);
        world.ok(create_server("s", vec![udp(4000)]));
        world.ok(create_router("r"));
        // All asked for at once: parts are being made while the next are asked for.
        let created: Vec<_> = (0..7)
            .map(|number| world.ask(create_web_rtc("r", &format!("t{number}"), Listen::Server("s".into()))))
            .collect();
        world.run();
        created.iter().for_each(|tag| drop(world.answered(*tag).unwrap().unwrap()));
        let held = |world: &World| world.shards.iter().map(Fake::servers_and_transports).collect::<Vec<_>>();
        assert_eq!(held(&world), [(1, 3), (1, 2), (1, 2)]);
        let Answer::WebRtcServer(dump) =
            world.ok(Request::WebRtcServer("s".into(), WebRtcServerRequest::Dump))
        else {
            panic!("not a dump")
        };
        let named = dump.local_ice_username_fragments.iter().map(|of| of.web_rtc_transport_id.as_str());
        assert_eq!(named.collect::<Vec<_>>(), ["t0", "t1", "t2", "t3", "t4", "t5", "t6"]);
        assert_eq!((dump.udp_sockets.len(), dump.udp_sockets[0].port), (1, 4000));
        // Parts stay until the server goes.
        for number in 0..7 {
            world.ok(close_transport("r", &format!("t{number}")));
        }
        assert_eq!(held(&world), [(1, 0); 3]);
        world.ok(create_web_rtc("r", "again", Listen::Server("s".into())));
        world.ok(Request::Worker(WorkerRequest::CloseWebRtcServer("s".into())));
        assert_eq!(held(&world), [(0, 0); 3]);
        world.ok(create_server("s", vec![udp(4000)]));
        world.ok(Request::Worker(WorkerRequest::CloseWebRtcServer("s".into())));
        world.ok(close_router("r"));
        assert!(world.is_empty(), "{:?}", world.core);
    }
}

/// A connection finds its transport on any of them.
#[test]
fn transports_that_may_be_reached_over_tcp_are_placed_like_all_others() {
    let mut world = World::spread(3, 1);
    world.ok(create_server("s", vec![udp(4000), listen(TransportProtocol::Tcp, 4001)]));
    world.ok(create_router("r"));
    let held = |world: &World| world.shards.iter().map(Fake::servers_and_transports).collect::<Vec<_>>();
    for (number, enable_tcp) in [true, true, false, false].into_iter().enumerate() {
        let options = WebRtcTransportOptions { enable_tcp, ..web_rtc_options(Listen::Server("s".into())) };
        let create =
            RouterRequest::CreateWebRtcTransport(format!("t{number}").as_str().into(), Box::new(options));
        world.ok(Request::Router("r".into(), create));
    }
    let mut transports: Vec<_> = held(&world).into_iter().map(|(_, transports)| transports).collect();
    transports.sort_unstable();
    assert_eq!(transports, [1, 1, 2], "each in its turn");
    world.ok(Request::Worker(WorkerRequest::CloseWebRtcServer("s".into())));
    world.ok(close_router("r"));
    assert!(world.is_empty(), "{:?}", world.core);
}

/// Before its ports are known, nobody could join it.
#[test]
fn transports_of_a_server_that_does_not_stand_yet_are_beside_it() {
    let mut world = World::spread(3, 1);
    world.ok(create_router("r"));
    world.ok(create_direct("r", "x"));
    world.ask(create_server("s", vec![udp(4000)]));
    let created: Vec<_> =
        ["a", "b", "c"].map(|id| world.ask(create_web_rtc("r", id, Listen::Server("s".into())))).into();
    world.run();
    created.iter().for_each(|tag| drop(world.answered(*tag).unwrap().unwrap()));
    let servers: Vec<_> = world.shards.iter().map(|shard| shard.servers_and_transports().0).collect();
    assert_eq!(servers.iter().sum::<usize>(), 1, "{servers:?}");
    world.ok(Request::Worker(WorkerRequest::CloseWebRtcServer("s".into())));
    world.ok(close_router("r"));
    assert!(world.is_empty(), "{:?}", world.core);
}

/// A consumer that a door has not heard of yet is told nothing before it has.
#[test]
fn another_door_does_not_speak_of_what_is_not_known_yet() {
    let mut world = World::new();
    world.ok(create_router("r"));
    world.ok(create_direct("r", "x"));
    world.ok(create_plain("r", "a", 5000));
    world.ok(produce("a", "p", 1));
    // This door's next answer waits for a port, and with it the answer that makes its consumer known.
    world.ask(close_transport("r", "x"));
    world.ask(consume("a", "c", "p", 2));
    let other = world.core.open_door();
    world.core.request(
        other,
        shardcast::core::Tag(900),
        Request::Producer("p".into(), ProducerRequest::Pause),
    );
    world.run();
    let place = |found: &dyn Fn(&shardcast::core::Output) -> bool| world.out.iter().position(found).unwrap();
    use shardcast::core::Output;
    let made = place(&|output| matches!(output, Output::Answer { answered: Ok(Answer::Consumed(_)), .. }));
    let paused =
        place(&|output| matches!(output, Output::Event(Event::Consumer(_, ConsumerEvent::ProducerPaused))));
    let score = place(&|output| matches!(output, Output::Event(Event::Consumer(_, ConsumerEvent::Score(_)))));
    assert!(made < paused && made < score);
}

/// Whoever left gets no answers; what it made is there for the others, and tells what it has to tell.
#[test]
fn what_a_door_made_outlives_it() {
    let mut world = World::new();
    let leaving = world.core.open_door();
    for request in
        [create_router("r"), create_direct("r", "x"), produce("x", "p", 1), consume("x", "c", "p", 2)]
    {
        world.core.request(leaving, shardcast::core::Tag(0), request);
    }
    world.core.close_door(leaving);
    world.run();
    assert!(
        world.out.iter().all(|output| matches!(output, shardcast::core::Output::Event(_))),
        "{:?}",
        world.out
    );
    world.ok(Request::Producer("p".into(), ProducerRequest::Pause));
    assert_eq!(told(&mut world), [("c".to_owned(), "paused")]);
    close_everything(world);
}
