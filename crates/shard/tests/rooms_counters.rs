//! What rooms count where that is shown now and then, as in production: when it is seen, and that the end of a shard loses
//! none of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod support;

use std::time::Duration;

use net::Wait;
use shard::rooms::RoomsConfig;
use shard::{Counters, HashKey, ShardConfig, ShardId, Totals};
use support::config;
use support::hall::Hall;
use support::spread::Room;

/// A producer on shard 0 and a consumer on each shard, whose counters were shown a moment ago.
fn room(shards: u16) -> Room {
    let config = |shard| ShardConfig { counters_interval: interval(), ..config(shard) };
    let mut room = Room::in_hall(Hall::with(shards, RoomsConfig::default(), config));
    room.transport(10, 0);
    room.produce(0, 10);
    for number in 0..u32::from(shards) {
        room.transport(number, number as usize);
        room.consume(number, number, 0);
    }
    room.hall.ticks(4);
    room
}

fn counters(room: &Room, shard: usize) -> Counters {
    room.hall.sides[shard].counters.read().unwrap()
}

/// Lets time pass to when the first of the shards wants to wake up.
fn sleep(hall: &mut Hall) {
    let wakes = |hall: &mut Hall, shard| match hall.driver(shard).last_wait {
        Some(Wait::Until(at)) => at,
        _ => hall.now,
    };
    let first = (0..hall.sides.len()).map(|shard| wakes(hall, shard)).min().unwrap();
    hall.now = hall.now.max(first);
    hall.tick();
}

#[test]
fn what_rooms_count_is_seen_within_the_interval_though_nothing_else_happens() {
    let mut room = room(2);
    let shown = [0, 1].map(|shard| counters(&room, shard).totals.forwarded);
    room.play(0, 3);
    let end = room.hall.now + interval();
    room.hall.tick();
    assert_eq!([0, 1].map(|shard| counters(&room, shard).totals.forwarded), shown, "not with each tick");
    let is_seen = |room: &Room| {
        [0, 1].map(|shard| counters(room, shard).totals.forwarded) == shown.map(|shown| shown + 3)
    };
    while !is_seen(&room) && room.hall.now < end {
        sleep(&mut room.hall);
    }
    assert!(is_seen(&room) && room.hall.now <= end, "{:?} by {end:?}", room.hall.now);
}

/// Each way out, where nobody is said goodbye to.
#[test]
fn a_shard_that_ends_shows_what_it_counted_last() {
    type Way = (&'static str, fn(&mut Hall));
    let ways: [Way; 3] = [
        ("it was asked to", |hall| {
            assert!(hall.sides[0].control.stop());
            hall.ticks(4);
            assert!(hall.sides[0].core.as_ref().unwrap().has_stopped());
        }),
        ("its driver broke", |hall| drop(hall.sides[0].core.take())),
        ("it was asked to, and dropped while its sockets were closing", |hall| {
            assert!(hall.sides[0].control.stop());
            hall.tick();
            drop(hall.sides[0].core.take());
        }),
    ];
    for (how, end) in ways {
        let mut room = room(1);
        let before = counters(&room, 0);
        room.play(0, 3);
        assert_eq!(counters(&room, 0), before, "{how}: this is about what was not shown yet");
        end(&mut room.hall);
        let after = counters(&room, 0);
        assert_eq!(after.totals.forwarded, before.totals.forwarded + 3, "{how}");
        assert_eq!(after.driver.sent_datagrams, before.driver.sent_datagrams + 3, "{how}");
        let Totals { transports, timers_armed, pool_in_use, .. } = after.totals;
        assert_eq!([transports, timers_armed, pool_in_use], [0; 3], "{how}: nothing is left");
    }
}

/// That of production.
fn interval() -> Duration {
    ShardConfig::new(ShardId(0), HashKey([1, 2])).counters_interval
}
