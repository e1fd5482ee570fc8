//! A WebRtcServer on three shards: whoever calls is heard, wherever the kernel delivers what he says.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop")]

mod caller;
mod server;
#[path = "../support/mod.rs"]
mod support;
mod tuples;

use model::command::{Action, Ports, TransportCommand, WebRtcServerCommand};
use model::event::{Event, TransportEvent};
use model::key::{ShardIndex, TransportKey};
use model::transport::IceState;

use caller::credentials;
use server::{Call, Server, key};
use support::hall::{bind, rtp};

#[test]
fn calls_stand_wherever_their_datagrams_come_in() {
    for mut server in Server::both(3) {
        let mut calls: Vec<_> = (0..9_u16)
            .map(|number| {
                let (home, lands) = (usize::from(number % 3), usize::from(number / 3));
                (number, Call::new(&mut server, number, home, [lands, (lands + 1) % 3]))
            })
            .collect();
        let before = server.sum(|totals| totals.strays_handed_over);
        for (number, call) in &mut calls {
            assert_eq!(call.pass(&mut server.hall, 100 + u32::from(*number), 20), 20, "call {number}");
        }
        // Six senders of nine are not at home where they land.
        let handed_over = server.sum(|totals| totals.strays_handed_over);
        assert_eq!(handed_over - before, 6 * 20);
        assert_eq!(server.sum(|totals| totals.strays_taken), handed_over);
        assert_eq!(server.sum(|totals| totals.dropped_strays + totals.dropped_unknown), 0);
        server.close();
    }
}

#[test]
fn a_flood_of_strangers_ends_where_it_comes_in() {
    for mut server in Server::both(3) {
        let mut call = Call::new(&mut server, 0, 0, [1, 2]);
        let before = server.sum(|totals| totals.strays_handed_over);
        let mut stranger = server.caller(7, 2, 1);
        stranger.ice = credentials("a name that nobody ever gave to.");
        let garbage = [0x80; 900];
        for round in 0..20 {
            for lands in 0..3 {
                stranger.lands = lands;
                stranger.address.set_port(40_000 + round);
                stranger.check(&mut server.hall);
                (0..20).for_each(|_| stranger.say(&mut server.hall, &garbage));
            }
            assert_eq!(call.pass(&mut server.hall, 100, 5), 5, "round {round}");
        }
        assert_eq!(stranger.granted, 0);
        assert_eq!(server.sum(|totals| totals.dropped_unknown_ufrag), 60);
        assert_eq!(server.sum(|totals| totals.dropped_unknown), 20 * 3 * 21);
        // Only what belongs to the call went across.
        assert_eq!(server.sum(|totals| totals.strays_handed_over) - before, 20 * 5);
        server.close();
    }
}

/// From the moment that a part has bound, the kernel gives it datagrams of others.
#[test]
fn a_part_that_joins_loses_nothing_of_calls_that_stand() {
    for mut server in Server::both(2) {
        let mut call = Call::new(&mut server, 0, 0, [0, 0]);
        let mut other = Call::new(&mut server, 1, 1, [1, 1]);
        assert_eq!((call.pass(&mut server.hall, 100, 5), other.pass(&mut server.hall, 101, 5)), (5, 5));
        let others = vec![(ShardIndex(0), key(0)), (ShardIndex(1), key(1))];
        let join = WebRtcServerCommand::Join { binds: vec![bind(Ports::Fixed(server.port))], others };
        server.hall.submit(2, Action::WebRtcServer(key(2), join));
        // It has bound, and nobody has heard of it yet.
        server.hall.tick_only(2);
        for call in [&mut call, &mut other] {
            call.sender.lands = 2;
        }
        for sequence in 6..9 {
            call.sender.send_rtp(&mut server.hall, &rtp(100, sequence, b"in between"));
            other.sender.send_rtp(&mut server.hall, &rtp(101, sequence, b"in between"));
            server.hall.tick_only(2);
        }
        server.hall.ticks(3);
        for call in [&mut call, &mut other] {
            call.receiver.collect(&mut server.hall);
            assert_eq!(std::mem::take(&mut call.receiver.heard).len(), 3);
            call.next = 9;
        }
        let twice = server.sum(|totals| totals.strays_handed_over);
        assert_eq!(twice, 3 + 2 * 3, "those of the second shard by way of the first");
        assert_eq!((call.pass(&mut server.hall, 100, 5), other.pass(&mut server.hall, 101, 5)), (5, 5));
        assert_eq!(server.sum(|totals| totals.strays_handed_over) - twice, 10);
        server.close();
    }
}

#[test]
fn a_restart_of_ice_is_known_everywhere_and_the_old_name_is_forgotten() {
    for mut server in Server::both(3) {
        let mut caller = server.caller(0, 0, 1);
        caller.connect(&mut server.hall);
        let old = std::mem::replace(&mut caller.ice, credentials("another-name-of-a-restart-of-ice"));
        let restart = TransportCommand::RestartIce(Box::new(caller.ice.clone()));
        server.hall.ask(0, Action::Transport(caller.transport, restart)).unwrap();
        server.hall.ticks(2);
        // From another address, which comes in elsewhere.
        (caller.lands, caller.address) = (2, support::hall::remote(31_000));
        caller.check(&mut server.hall);
        assert_eq!(caller.granted, 2);
        let before = server.sum(|totals| totals.dropped_unknown_ufrag);
        (caller.ice, caller.address) = (old, support::hall::remote(31_001));
        caller.check(&mut server.hall);
        assert_eq!(caller.granted, 2);
        assert_eq!(server.sum(|totals| totals.dropped_unknown_ufrag), before + 1);
        server.close();
    }
}

#[test]
fn what_is_closed_is_forgotten_on_all_shards() {
    for mut server in Server::both(3) {
        let mut caller = server.caller(0, 0, 1);
        caller.connect(&mut server.hall);
        server.hall.ask(0, Action::Transport(caller.transport, TransportCommand::Close)).unwrap();
        server.hall.ticks(2);
        let before = server.sum(|totals| totals.strays_handed_over);
        caller.check(&mut server.hall);
        caller.say(&mut server.hall, &[0x80; 100]);
        server.hall.ticks(2);
        assert_eq!((caller.granted, server.sum(|totals| totals.strays_handed_over)), (1, before));
        // Another one comes from the same address.
        let again = TransportKey::new(0, 1);
        let mut next = server.caller(1, 2, 1);
        next.address = caller.address;
        next.connect(&mut server.hall);
        assert_ne!(next.transport, again);
        server.close();
    }
}

/// A NAT gives a port to one peer after another, and a peer leaves one transport for another by the same port.
#[test]
fn a_check_reaches_whom_it_names_although_another_has_its_tuple() {
    for mut server in Server::both(3) {
        let homes = [(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (0, 1, 2)];
        for (number, (first, second, lands)) in (0..).zip(homes) {
            let mut old = server.caller(2 * number, first, lands);
            let mut new = server.caller(2 * number + 1, second, lands);
            new.address = old.address;
            old.connect(&mut server.hall);
            server.hall.events(first);
            new.connect(&mut server.hall);
            let told = server.hall.events(first);
            let is_lost = |event: &Event| {
                let lost = TransportEvent::IceState(IceState::Disconnected);
                *event == Event::Transport(old.transport, lost)
            };
            assert!(told.iter().any(is_lost), "{first}, {second}, {lands}: {told:?}");
            // Who is still there after all takes it back in the same way.
            old.check(&mut server.hall);
            assert_eq!(old.granted, 2, "{first}, {second}, {lands}");
        }
        assert_eq!(server.sum(|totals| totals.tuples_refused), 0);
        server.close();
    }
}

#[test]
fn a_name_without_its_password_takes_nothing_from_who_has_the_tuple() {
    for mut server in Server::both(3) {
        for (number, home, lands) in [(1, 0, 0), (2, 1, 0), (3, 1, 1), (4, 0, 2)] {
            let mut call = Call::new(&mut server, number, 0, [lands, 2]);
            let mut forger = server.caller(20 + number, home, lands);
            (forger.address, forger.ice.password) = (call.sender.address, "q".repeat(32).into());
            let ssrc = 100 + u32::from(number);
            for _ in 0..3 {
                forger.check(&mut server.hall);
                assert_eq!(call.pass(&mut server.hall, ssrc, 10), 10, "{home}, {lands}");
            }
            assert_eq!(forger.granted, 0);
        }
        assert_eq!(server.sum(|totals| totals.ice_unauthenticated), 4 * 3, "they came to whom they named");
        server.close();
    }
}

/// A peer chooses its tuples: a new one with each check, and none of the older ones stays.
#[test]
fn what_waits_for_a_part_that_hears_nothing_does_not_grow() {
    for mut server in Server::both(2) {
        let mut caller = server.caller(0, 0, 0);
        caller.connect(&mut server.hall);
        let check = caller.checking();
        for port in 1..3_000 {
            caller.address.set_port(port);
            caller.say(&mut server.hall, &check);
            server.hall.tick_only(0);
            server.hall.driver(0).sent.clear();
            let waiting = server.hall.totals(0).facts_waiting;
            assert!(waiting <= 1, "{waiting} facts after {port} tuples");
        }
        // It hears again, and knows what there is now.
        server.hall.ticks(3);
        let before = server.sum(|totals| totals.strays_taken);
        caller.lands = 1;
        caller.say(&mut server.hall, &[0x80; 100]);
        server.hall.ticks(3);
        assert_eq!(server.sum(|totals| totals.strays_taken) - before, 1, "of the last tuple");
        caller.address.set_port(1);
        caller.say(&mut server.hall, &[0x80; 100]);
        server.hall.ticks(3);
        assert_eq!(server.sum(|totals| totals.strays_taken) - before, 1, "the first is forgotten");
        server.close();
    }
}
