//! Rooms that forward, once they are warm: what the test of allocations looks at.

use model::command::{Action, ProducerCommand, RouterCommand};
use model::key::{ConsumerKey, ProducerKey, RouterKey, ShardIndex, TransportKey};
use net::probe::HostChoice;

use super::hall::{consume, consuming, produce, producing, remote, replica, rtp};
use super::house::{House, peer};
use super::spread::Room;

const ROUTER: RouterKey = RouterKey::new(0, 0);
const BURST: u64 = 16;
/// Of what is counted; none has to be free of a queue's growth but one.
pub const PARTS: u64 = 5;
/// What growth of queues may take in all parts: each doubles a few times at most, while a hundred thousand packets pass.
pub const GROWTH_LIMIT: u64 = 200;
/// Two on each of three shards.
const COPIES: u64 = 6;

/// Three shards, in memory and on both drivers. `allocations` counts those of the process.
pub fn rooms_allocate_nothing(allocations: fn() -> u64) {
    in_memory(300_000, allocations);
    for host in [HostChoice::Epoll, HostChoice::Uring] {
        if let Some(house) = House::on(host, 3) {
            forward(house, 100_000, allocations);
        }
    }
}

/// A source on this thread, and on each of three shards two consumers whose peers nobody drains.
fn forward(mut house: House, goal: u64, allocations: fn() -> u64) {
    let (source, source_at) = peer();
    let sinks: Vec<_> = (0..2).map(|_| peer()).collect();
    (0..3).for_each(|shard| house.ask(shard, Action::Router(ROUTER, RouterCommand::Open)));
    let at = house.plain(0, TransportKey::new(9, 0), ROUTER, source_at);
    let producer = ProducerKey::new(0, 0);
    let open = producing(TransportKey::new(9, 0), 1);
    house.ask(0, produce(producer, &open));
    for shard in 0..3_u16 {
        let stands_in = if shard == 0 { producer } else { ProducerKey::new(7, 0) };
        if shard > 0 {
            let opening = ProducerCommand::OpenReplica(Box::new(replica(ROUTER, &open, 0, producer)));
            house.ask(shard, Action::Producer(stands_in, opening));
            let feed = ProducerCommand::OpenFeed { shard: ShardIndex(shard), replica: stands_in };
            house.ask(0, Action::Producer(producer, feed));
        }
        for (index, (_, sink_at)) in (0..).zip(&sinks) {
            house.plain(shard, TransportKey::new(index, 0), ROUTER, *sink_at);
            let consuming = consuming(TransportKey::new(index, 0), stands_in, 1, 11);
            house.ask(shard, consume(ConsumerKey::new(index, 0), consuming));
        }
    }
    source.connect(remote(at)).unwrap();
    let mut packet = rtp(1, 0, &[7; 500]);
    let mut sequence = 0_u16;
    let mut until = |house: &mut House, goal: u64| {
        let mut sent = house.sent();
        while sent < goal {
            for _ in 0..BURST {
                sequence = sequence.wrapping_add(1);
                packet[2..4].copy_from_slice(&sequence.to_be_bytes());
                source.send(&packet).unwrap();
            }
            // One burst at a time, so that no queue is longer than it was when it was warm. What the kernel lost is not
            // waited for.
            let all = sent + BURST * COPIES;
            let mut looks = 0;
            while sent < all && looks < 100_000 {
                std::thread::yield_now();
                (sent, looks) = (house.sent(), looks + 1);
            }
        }
        sent
    };
    let mut sent = until(&mut house, goal / 4);
    let crossed = house.crossed();
    // A shard that was kept waiting finds more at a time than ever before, and a queue grows for that once. What a packet
    // allocates, it allocates in each part.
    let allocated: Vec<_> = (0..PARTS)
        .map(|_| {
            let before = allocations();
            sent = until(&mut house, sent + goal / PARTS);
            allocations() - before
        })
        .collect();
    let seldom = allocated.iter().sum::<u64>() <= GROWTH_LIMIT;
    assert!(
        seldom && allocated.contains(&0),
        "{allocated:?} while {goal} packets were forwarded on three shards"
    );
    assert!(house.crossed() - crossed > goal / 10, "they crossed");
    house.close(ROUTER);
    house.stop();
}

/// The same in virtual time, where every queue is as long in every round.
fn in_memory(goal: usize, allocations: fn() -> u64) {
    let mut room = Room::new(3);
    room.transport(10, 0);
    room.produce(0, 10);
    for number in 0..6 {
        room.transport(number, number as usize % 3);
        room.consume(number, number, 0);
    }
    room.hall.sent(0);
    let port = room.place(10).port;
    let socket = room.hall.driver(0).on_port(port).unwrap();
    (0..3).for_each(|shard| room.hall.driver(shard).keep = false);
    let mut packet = rtp(1, 0, &[7; 1000]);
    let mut sequence = 0_u16;
    let mut round = || {
        for _ in 0..8 {
            sequence = sequence.wrapping_add(1);
            packet[2..4].copy_from_slice(&sequence.to_be_bytes());
            room.hall.driver(0).deliver(socket, remote(20_010), &packet, packet.len());
        }
        room.hall.tick();
    };
    (0..200).for_each(|_| round());
    let before = allocations();
    (0..goal / 48).for_each(|_| round());
    assert_eq!(allocations() - before, 0, "while {goal} packets were forwarded in memory");
    let sent: u64 = (0..3).map(|shard| net::Driver::counters(room.hall.driver(shard)).sent_datagrams).sum();
    assert!(sent > u64::try_from(goal).unwrap(), "{sent}");
}
