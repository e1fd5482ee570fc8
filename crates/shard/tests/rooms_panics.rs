//! What a panic costs: the rooms of one shard, and nobody's answer.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod support;

use model::command::{Action, ProducerCommand, RouterCommand};
use model::reply::Outcome;
use shard::rooms::{Fault, FaultKind, RoomsConfig};
use shard::{FromShard, Phase};
use support::config;
use support::hall::Hall;
use support::spread::{ROUTER, Room};

/// A producer on shard 0 with a consumer on each of three, and another on shard 1, which has that fault.
fn room(fault: Option<Fault>) -> Room {
    let hall = Hall::with_each(3, config, |shard| RoomsConfig {
        fault: fault.filter(|_| shard == 1),
        ..RoomsConfig::default()
    });
    let mut room = Room::in_hall(hall);
    room.transport(10, 0);
    room.produce(0, 10);
    for number in 0..3 {
        room.transport(number, number as usize);
        room.consume(number, number, 0);
    }
    room.transport(11, 1);
    room.produce(1, 11);
    room
}

/// The same, and shard 1 panics when it next does this.
fn doomed(phase: Phase) -> Room {
    let totals = room(None).hall.totals(1);
    let after = match phase {
        Phase::Commands => totals.commands,
        Phase::Crossings => totals.facts_received + totals.crossed,
        Phase::Flush => totals.flushes,
        Phase::Publish => totals.ticks,
        _ => 0,
    };
    room(Some(Fault { phase, after, kind: FaultKind::Panic }))
}

#[test]
fn a_panic_costs_one_shards_rooms_and_nobodys_answer() {
    for phase in [Phase::Commands, Phase::Crossings, Phase::Receive, Phase::Flush, Phase::Publish] {
        let mut room = doomed(phase);
        let (key, own) = (room.producer(0).key, room.producer(1).key);
        // Something of everything happens on shard 1, and something waits for it.
        room.arrive(0);
        room.arrive(1);
        if phase == Phase::Flush {
            // Or the pause below leaves nothing to be sent.
            room.hall.tick();
        }
        let paused = room.hall.submit(0, Action::Producer(key, ProducerCommand::Pause));
        let asked = room.hall.submit(1, Action::Producer(own, ProducerCommand::Report));
        room.hall.ticks(6);
        assert_eq!(room.hall.totals(1).panics, 1, "{phase:?}");
        assert!(
            matches!(room.hall.answer(0, paused), Some(Outcome::Done(_))),
            "{phase:?}: nobody waits for it"
        );
        let inbox = &room.hall.sides[1].inbox;
        let answers = inbox.iter().filter(|message| match message {
            FromShard::Reply(of, _) | FromShard::Lost(of) => *of == asked,
            _ => false,
        });
        assert_eq!(answers.count(), 1, "{phase:?}: {inbox:?}");
        assert!(inbox.iter().any(|message| matches!(message, FromShard::Panicked(of) if of.phase == phase)));
        // The others go on, without it.
        room.hall.ask(0, Action::Producer(key, ProducerCommand::Resume)).unwrap();
        room.heard();
        room.play(0, 2);
        let heard: Vec<_> =
            room.heard().into_iter().map(|((peer, _), packets)| (peer.port(), packets.len())).collect();
        assert_eq!(heard, [(20_000, 2), (20_002, 2)], "{phase:?}");
        // Its successor has nothing, and takes commands.
        assert!(room.hall.rooms(1).is_empty(), "{phase:?}");
        room.hall.ask(1, Action::Router(ROUTER, RouterCommand::Open)).unwrap();
        room.close();
    }
}

/// A counter that falls would be read as one that began anew.
#[test]
fn what_was_counted_before_a_panic_is_counted_still() {
    let mut room = doomed(Phase::Commands);
    room.play(0, 5);
    let before = room.hall.totals(1).forwarded;
    assert!(before > 0);
    room.hall.submit(1, Action::Producer(room.producer(1).key, ProducerCommand::Report));
    room.hall.ticks(3);
    let totals = room.hall.totals(1);
    assert_eq!((totals.panics, totals.forwarded), (1, before));
    room.close();
}
