//! Tuples that go from one transport to another, and what other shards make of what they hear of that.

use model::event::{Event, TransportEvent};
use model::transport::IceState;

use super::caller::Caller;
use super::server::Server;
use super::support::hall::remote;

/// Something that is no check, so that only its tuple says whose it is.
const MEDIA: [u8; 100] = [0x80; 100];

/// How many of five datagrams of a caller that land on that shard are handed to the shard where it is at home.
fn handed_over(server: &mut Server, caller: &mut Caller, lands: usize) -> u64 {
    caller.lands = lands;
    let before = server.sum(|totals| totals.strays_taken);
    for _ in 0..5 {
        caller.say(&mut server.hall, &MEDIA);
        server.hall.ticks(3);
    }
    server.sum(|totals| totals.strays_taken) - before
}

/// What a shard tells of one place may overtake what it tells of another.
#[test]
fn who_takes_a_tuple_from_his_neighbour_is_found_from_elsewhere() {
    for in_one_tick in [false, true] {
        for mut server in Server::both(3) {
            let mut old = server.caller(0, 0, 1);
            old.connect(&mut server.hall);
            let mut new = server.caller(1, 0, 0);
            let check = new.checking();
            new.say(&mut server.hall, &check);
            if !in_one_tick {
                server.hall.ticks(3);
            }
            new.address = old.address;
            new.say(&mut server.hall, &check);
            server.hall.ticks(4);
            for lands in [1, 2] {
                assert_eq!(handed_over(&mut server, &mut new, lands), 5, "{in_one_tick}, {lands}");
            }
            assert_eq!(server.sum(|totals| totals.dropped_unknown), 0);
            server.close();
        }
    }
}

/// Who has lost a tuple and does not know it yet says something else, and all that he had with it.
#[test]
fn what_was_said_before_it_was_known_better_takes_a_tuple_from_nobody() {
    for mut server in Server::both(3) {
        let mut old = server.caller(0, 2, 2);
        old.connect(&mut server.hall);
        let mut new = server.caller(1, 1, 0);
        new.address = old.address;
        server.hall.events(1);
        let (taken, other) = (new.checking(), old.checking());
        new.say(&mut server.hall, &taken);
        old.address = remote(39_000);
        old.say(&mut server.hall, &other);
        // The one is handed the check first, and hears then what the other said, who has heard nothing.
        [0, 2, 1].into_iter().for_each(|shard| server.hall.tick_only(shard));
        server.hall.ticks(6);
        let lost = Event::Transport(new.transport, TransportEvent::IceState(IceState::Disconnected));
        assert!(!server.hall.events(1).contains(&lost));
        for lands in [0, 2] {
            assert_eq!(handed_over(&mut server, &mut new, lands), 5, "{lands}");
        }
        assert_eq!(handed_over(&mut server, &mut old, 0), 5, "the other one is his still");
        server.close();
    }
}

/// Who got a tuple back before anybody heard that it was lost says that it is his once more.
#[test]
fn who_gets_a_tuple_back_unheard_is_found_from_elsewhere() {
    for mut server in Server::both(3) {
        let mut old = server.caller(0, 0, 0);
        old.connect(&mut server.hall);
        let mut new = server.caller(1, 1, 1);
        new.address = old.address;
        let (taken, back) = (new.checking(), old.checking());
        new.say(&mut server.hall, &taken);
        server.hall.tick_only(1);
        // It hears so, and is asked in the same tick.
        old.say(&mut server.hall, &back);
        server.hall.tick_only(0);
        server.hall.ticks(4);
        for lands in [1, 2] {
            assert_eq!(handed_over(&mut server, &mut old, lands), 5, "{lands}");
        }
        server.close();
    }
}
