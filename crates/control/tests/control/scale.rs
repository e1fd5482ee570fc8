//! Rooms of the size that somebody may make: control's work grows with what is asked, not with what there is.

use shardcast::request::*;

use super::build::*;
use super::world::World;

/// What it costs is in `cargo bench -p shardcast`.
#[test]
fn ten_thousand_consumers_come_and_go() {
    churn(10_000);
}

fn churn(consumers: u32) {
    let mut world = World::spread(2, 1);
    world.ok(create_router("r"));
    world.ok(create_plain("r", "a", 5000));
    world.ok(create_plain("r", "b", 5001));
    world.ok(produce("a", "p", 1));
    world.out.clear();
    for batch in 0..consumers / 100 {
        for number in 0..100 {
            let number = batch * 100 + number;
            let transport = if number % 2 == 0 { "a" } else { "b" };
            world.ask(consume(transport, &format!("c{number}"), "p", number + 10));
        }
        world.run();
        world.out.clear();
    }
    for number in 0..consumers {
        let transport = if number % 2 == 0 { "a" } else { "b" };
        world.ask(of_transport(
            transport,
            TransportRequest::CloseConsumer(format!("c{number}").as_str().into()),
        ));
        if number % 100 == 99 {
            world.run();
            world.out.clear();
        }
    }
    world.ok(close_router("r"));
    assert!(world.is_empty());
}

#[test]
fn what_is_asked_without_waiting_is_bounded_by_whoever_looks() {
    let mut world = World::new();
    world.ok(create_router("r"));
    let mut asked = 0;
    while world.core.can_accept() {
        // Each waits for the port of the one before it.
        world.ask(create_plain("r", "t", 5000));
        asked += 1;
        assert!(asked < 10_000);
    }
    world.run();
    assert!(world.core.can_accept());
}

/// Looked at anew with each consumer that is made, the close would take a minute here, and control for seconds in
/// production.
#[test]
fn a_router_closes_behind_thousands_that_are_being_made() {
    let mut world = World::new();
    world.ok(create_router("r"));
    world.ok(create_plain("r", "a", 5000));
    world.ok(produce("a", "p", 1));
    for number in 0..4000 {
        world.ask(consume("a", &format!("c{number}"), "p", number + 10));
    }
    world.ask(close_router("r"));
    world.run();
    assert!(world.is_empty());
}
