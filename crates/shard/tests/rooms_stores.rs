//! Packets that consumers may ask for again, held on a shard that is not their producer's.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use model::command::{Action, ConsumerCommand};
use model::rtp::{MimeType, RtcpFeedback};
use net::{PoolSizing, Wait};
use shard::ShardConfig;
use shard::rooms::RoomsConfig;
use support::hall::{Hall, producing, rtp};
use support::spread::Room;
use support::usual;

fn hall(pool: &PoolSizing) -> Hall {
    let config = |shard| ShardConfig { pool: pool.clone(), ..usual(shard) };
    Hall::with(2, RoomsConfig::default(), config)
}

/// Producers on shard 0, and on shard 1 a peer that gets all of them and may ask for packets again.
fn room(pool: &PoolSizing) -> Room {
    let mut room = Room::in_hall(hall(pool));
    room.transport(0, 0);
    room.transport(1, 1);
    for stream in 0..STREAMS {
        room.produce(stream, 0);
        let (shard, mut action) = room.consuming(stream, 1, stream);
        if let Action::Consumer(_, ConsumerCommand::Open(open)) = &mut action {
            open.rtp_parameters.codecs[0].rtcp_feedback.push(RtcpFeedback::new("nack", ""));
        }
        room.hall.ask(shard, action).unwrap();
        room.hall.ticks(3);
    }
    room
}

/// One picture of each stream, all at once, and what time it takes until the next.
fn show(room: &mut Room, picture: u16) {
    let place = room.place(0);
    for packet in 0..PER_PICTURE {
        for stream in 0..STREAMS {
            let packet = rtp(stream + 1, picture * PER_PICTURE + packet, &[7; 1_200]);
            room.hall.deliver(place.shard, place.port, place.peer, &packet);
        }
    }
    room.hall.ticks(5);
    room.hall.now += INTERVAL;
}

#[test]
fn two_seconds_of_many_streams_are_held_elsewhere_and_none_of_them_stops() {
    let mut room = room(&ShardConfig::usual_pool());
    let (mut got, mut oldest) = (0, None);
    for picture in 0..10 * RATE {
        show(&mut room, picture);
        for ((_, ssrc), packets) in room.heard() {
            got += packets.len();
            if picture == 8 * RATE + 3 {
                oldest.get_or_insert_with(|| (ssrc, packets[0].clone()));
            }
        }
    }
    let all = u64::from(STREAMS) * u64::from(PER_PICTURE) * u64::from(10 * RATE);
    let (home, away) = (room.hall.totals(0), room.hall.totals(1));
    assert_eq!((home.handed_over, home.dropped_ring_full, home.pool_exhausted), (all, 0, 0));
    assert_eq!((away.crossed, away.dropped_borrowed_full, away.dropped_epoch), (all, 0, 0));
    assert_eq!(got as u64, all);
    let held = all / 5;
    assert!(away.borrowed.abs_diff(held) <= held / 20, "{} are held", away.borrowed);
    // What was sent almost two seconds ago comes again, bit by bit.
    let (ssrc, packet) = oldest.unwrap();
    let place = room.place(1);
    let mut nack = vec![0x81, 205, 0, 3, 0, 0, 0, 1];
    nack.extend(ssrc.to_be_bytes());
    nack.extend([packet[2], packet[3], 0, 0]);
    room.hall.deliver(place.shard, place.port, place.peer, &nack);
    room.hall.ticks(2);
    assert_eq!(room.heard(), BTreeMap::from([((place.peer, ssrc), vec![packet])]));
    room.close();
}

#[test]
fn stores_elsewhere_give_way_before_their_home_runs_out_of_memory() {
    let small = PoolSizing::new().ahead("a tick's receiving", 512, 512).with("everything else", 0, 2_048);
    let mut room = room(&small);
    let mut got = 0;
    for picture in 0..3 * RATE {
        show(&mut room, picture);
        got += room.heard().into_values().map(|packets| packets.len() as u64).sum::<u64>();
    }
    let all = u64::from(STREAMS) * u64::from(PER_PICTURE) * u64::from(3 * RATE);
    let (home, away) = (room.hall.totals(0), room.hall.totals(1));
    assert_eq!((got, away.crossed, home.pool_exhausted), (all, all, 0));
    assert!((512..2_048).contains(&away.borrowed), "{} are held", away.borrowed);
    room.close();
}

#[test]
fn what_is_held_elsewhere_goes_home_when_nothing_comes_any_more() {
    let mut room = room(&ShardConfig::usual_pool());
    (0..10).for_each(|picture| show(&mut room, picture));
    assert!(room.hall.totals(1).borrowed > 0);
    // Nobody wakes the shard but its own timers.
    for _ in 0..50 {
        room.hall.now += Duration::from_millis(100);
        let core = room.hall.sides[1].core.as_mut().unwrap();
        core.wait().unwrap();
        let sleeps = matches!(core.driver_mut().last_wait, Some(Wait::Until(at)) if at > room.hall.now);
        if !sleeps {
            room.hall.tick_only(1);
        }
    }
    room.hall.tick_only(0);
    let held = (room.hall.totals(1).borrowed, room.hall.totals(0).pool_in_use);
    assert_eq!(held, (0, 0));
    room.close();
}

#[test]
fn what_is_held_for_a_key_frame_goes_though_nothing_wakes_the_shard() {
    let vp8 = || MimeType::new("video/VP8").unwrap();
    let mut room = Room::in_hall(hall(&ShardConfig::usual_pool()));
    room.transport(0, 0);
    room.transport(1, 1);
    let mut open = producing(room.place(0).key, 1);
    open.rtp_parameters.codecs[0].mime_type = vp8();
    room.produce_so(0, 0, open);
    let (shard, mut action) = room.consuming(0, 1, 0);
    if let Action::Consumer(_, ConsumerCommand::Open(open)) = &mut action {
        open.rtp_parameters.codecs[0].mime_type = vp8();
    }
    room.hall.ask(shard, action).unwrap();
    room.hall.ticks(3);
    // No picture begins in any of them.
    room.play(0, 5);
    assert_eq!((room.hall.totals(1).borrowed, room.heard().len()), (5, 0));
    let last = room.hall.now;
    while room.hall.totals(1).borrowed > 0 {
        let core = room.hall.sides[1].core.as_mut().unwrap();
        core.wait().unwrap();
        if let Some(Wait::Until(at)) = core.driver_mut().last_wait {
            assert!(at.since(last) < Duration::from_secs(2), "it sleeps until {at:?}");
            room.hall.now = at;
        }
        room.hall.tick_only(1);
    }
    room.close();
}

/// Of 1.5 Mbit/s: 30 pictures a second of five packets of 1200 bytes.
const STREAMS: u32 = 40;
const RATE: u16 = 30;
const PER_PICTURE: u16 = 5;
/// Less the ticks in between.
const INTERVAL: Duration = Duration::from_micros(1_000_000 / 30 - 500);
