//! What control itself costs per object, with shards that move no packet: `cargo bench -p shardcast`.
//!
//! Prints microseconds per consumer that was made and closed, of the core and the pretended shards together, for rooms of
//! several sizes: a number that does not grow with the room is what to look for.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench prints, and fails by panicking"
)]
#![allow(clippy::cast_possible_truncation, reason = "numbers of a bench are small")]
#![allow(dead_code, reason = "shared with the tests, which use more of it")]

#[path = "../tests/control/build.rs"]
mod build;
#[path = "../tests/control/dice.rs"]
mod dice;
#[path = "../tests/control/fake.rs"]
mod fake;
#[path = "../tests/control/world.rs"]
mod world;

use std::time::{Duration, Instant};

use build::*;
use shardcast::request::TransportRequest;
use world::World;

fn main() {
    for shards in [1, 2] {
        for consumers in [100, 1_000, 10_000] {
            let (made, closed, left) = churn(shards, consumers);
            let each = |took: Duration| took.as_secs_f64() * 1e6 / f64::from(consumers);
            println!(
                "{shards} shard(s), {consumers:>6} consumers: made in {:.2} us, closed in {:.2} us each; the router then in {:.2} ms",
                each(made),
                each(closed),
                left.as_secs_f64() * 1e3,
            );
        }
    }
}

/// Makes so many, closes half of them one by one and the rest with their router.
fn churn(shards: u16, consumers: u32) -> (Duration, Duration, Duration) {
    let mut world = World::spread(shards, 1);
    world.ok(create_router("r"));
    world.ok(create_plain("r", "a", 5000));
    world.ok(create_plain("r", "b", 5001));
    world.ok(produce("a", "p", 1));
    let transport = |number: u32| if number.is_multiple_of(2) { "a" } else { "b" };
    let began = Instant::now();
    for number in 0..consumers {
        world.ask(consume(transport(number), &format!("c{number}"), "p", number + 10));
        settle(&mut world, number);
    }
    let made = began.elapsed();
    let began = Instant::now();
    for number in 0..consumers / 2 {
        let close = TransportRequest::CloseConsumer(format!("c{number}").as_str().into());
        world.ask(of_transport(transport(number), close));
        settle(&mut world, number);
    }
    let closed = began.elapsed() * 2;
    let began = Instant::now();
    world.ok(close_router("r"));
    let left = began.elapsed();
    assert!(world.is_empty());
    (made, closed, left)
}

/// 64 requests are under way at a time.
fn settle(world: &mut World, number: u32) {
    if number % 64 == 63 {
        world.run();
        world.out.clear();
    }
}
