//! What transports do by their timers, on every shard, and what becomes of timers whose transports are gone.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod support;

use std::time::Duration;

use model::command::{Action, RouterCommand};
use shard::rooms::{Fault, FaultKind, RoomsConfig};
use shard::{FromShard, Phase};
use support::config;
use support::hall::Hall;
use support::spread::{ROUTER, Room};

/// A producer on shard 0 and one consumer of it for each of three numbers, on the shards in turn.
fn fill(mut room: Room) -> Room {
    let shards = room.hall.sides.len();
    room.transport(10, 0);
    room.produce(0, 10);
    for number in 0..3 {
        room.transport(number, number as usize % shards);
        room.consume(number, number, 0);
    }
    room
}

/// Time passes in which nothing arrives.
fn pass(room: &mut Room, time: Duration) {
    let step = Duration::from_millis(20);
    for _ in 0..time.as_millis() / step.as_millis() {
        room.hall.now += step;
        room.hall.tick();
    }
}

#[test]
fn reports_are_sent_while_nothing_arrives_and_not_after_the_close() {
    let mut room = fill(Room::new(3));
    room.play(0, 5);
    let peer = room.place(10).peer;
    (0..3).for_each(|shard| drop(room.hall.sent(shard)));
    pass(&mut room, Duration::from_secs(5));
    // RFC 3550 §6.4.2: a receiver report.
    let is_report = |datagram: &&Vec<u8>| datagram[1] == 201;
    let sent = room.hall.sent(0);
    let reports = sent.iter().filter(|run| run.to == peer).flat_map(|run| &run.datagrams).filter(is_report);
    let reports = reports.count();
    assert!((2..=10).contains(&reports), "{reports} reports in five seconds");
    assert!(room.hall.totals(0).timers_armed > 0);
    // Nothing is armed then, which this looks for as well.
    room.close();
    (0..3).for_each(|shard| drop(room.hall.sent(shard)));
    let fired: Vec<_> = (0..3).map(|shard| room.hall.totals(shard).timers_fired).collect();
    pass(&mut room, Duration::from_secs(5));
    for (shard, fired) in fired.into_iter().enumerate() {
        assert_eq!((room.hall.sent(shard), room.hall.totals(shard).timers_fired), (vec![], fired));
    }
}

#[test]
fn timers_go_with_the_rooms_that_a_panic_costs() {
    let fault = Fault { phase: Phase::Timers, after: 0, kind: FaultKind::Panic };
    let hall = Hall::with_each(3, config, |shard| RoomsConfig {
        fault: Some(fault).filter(|_| shard == 0),
        ..RoomsConfig::default()
    });
    let mut room = fill(Room::in_hall(hall));
    room.play(0, 5);
    pass(&mut room, Duration::from_secs(5));
    assert_eq!(room.hall.totals(0).panics, 1);
    let inbox = &room.hall.sides[0].inbox;
    assert!(inbox.iter().any(|said| matches!(said, FromShard::Panicked(of) if of.phase == Phase::Timers)));
    assert_eq!(room.hall.totals(0).timers_armed, 0, "its successor has nothing");
    assert!(room.hall.rooms(0).is_empty());
    room.hall.ask(0, Action::Router(ROUTER, RouterCommand::Open)).unwrap();
    room.close();
}
