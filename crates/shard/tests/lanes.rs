//! What crosses between shards: the same packets on one shard and on three, epochs, facts before packets,
//! loans home.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use shard::{ShardId, StreamId};
use support::relay::{Call, Command, Relay, Reply, Trace};
use support::sim::SimDriver;
use support::{Bench, acquaint, config, lanes, peer};

type Sim = Bench<SimDriver>;

const A: ShardId = ShardId(0);
const B: ShardId = ShardId(1);
const STREAM: StreamId = StreamId(5);

/// Shards on drivers in memory, each connected to each.
fn shards(count: u16, trace: &Trace) -> Vec<Sim> {
    let mut shards: Vec<Sim> = Vec::new();
    for shard in 0..count {
        let trace = Arc::clone(trace);
        let mut new = Sim::with(SimDriver::new(), &config(shard), move |_| Relay::traced(&trace));
        for other in &mut shards {
            acquaint(other, &mut new, lanes());
        }
        shards.push(new);
    }
    shards
}

/// Two shards, and a stream from a transport of the first to one of the second.
fn pair() -> (Sim, Sim, shard::TransportKey, net::SocketKey, Trace) {
    let trace: Trace = Arc::new(Mutex::new(Vec::new()));
    let mut both = shards(2, &trace);
    let (mut b, mut a) = (both.pop().unwrap(), both.pop().unwrap());
    let (source, socket) = a.transport(peer(1));
    let (sink, _) = b.transport(peer(2));
    assert_eq!(b.ask(Command::Install(A, STREAM, sink)), Reply::Done);
    assert_eq!(a.ask(Command::Spread(source, B, STREAM)), Reply::Done);
    trace.lock().unwrap().clear();
    (a, b, source, socket, trace)
}

fn nothing_is_held(shards: &mut [&mut Sim]) {
    for _ in 0..3 {
        shards.iter_mut().for_each(|shard| shard.tick());
    }
    for shard in shards {
        let totals = shard.totals();
        assert_eq!((totals.pool_in_use, totals.borrowed), (0, 0), "{:?}", shard.link.shard());
    }
}

/// What each of six consumers gets, when they live on this many shards.
fn forwarded(count: u16, packets: &[Vec<u8>]) -> BTreeMap<u16, Vec<Vec<u8>>> {
    let mut shards = shards(count, &Trace::default());
    let (source, socket) = shards[0].transport(peer(1));
    for consumer in 0..6u16 {
        let home = usize::from(consumer % count);
        let (sink, _) = shards[home].transport(peer(100 + consumer));
        let answer = if home == 0 {
            shards[0].ask(Command::Subscribe(source, sink))
        } else {
            shards[home].ask(Command::Install(A, STREAM, sink))
        };
        assert_eq!(answer, Reply::Done);
    }
    for other in 1..count {
        shards[0].ask(Command::Spread(source, ShardId(other), STREAM));
    }
    for burst in packets.chunks(7) {
        for packet in burst {
            shards[0].core.driver_mut().deliver(socket, peer(1), packet, packet.len());
        }
        shards.iter_mut().for_each(Bench::tick);
    }
    nothing_is_held(&mut shards.iter_mut().collect::<Vec<_>>());
    let mut received: BTreeMap<u16, Vec<Vec<u8>>> = BTreeMap::new();
    for shard in &mut shards {
        for run in &shard.core.driver_mut().sent {
            received.entry(run.to.port()).or_default().extend(run.datagrams.iter().cloned());
        }
    }
    received
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn one_shard_and_three_forward_the_same_packets(
        packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..1400), 1..60)
    ) {
        let one = forwarded(1, &packets);
        prop_assert_eq!(one.len(), 6);
        for received in one.values() {
            prop_assert_eq!(received, &packets);
        }
        prop_assert_eq!(one, forwarded(3, &packets));
    }
}

#[test]
fn a_packet_crosses_once_and_its_slot_comes_home() {
    let (mut a, mut b, _, socket, _) = pair();
    let (second, _) = b.transport(peer(3));
    b.ask(Command::Install(A, STREAM, second));
    a.core.driver_mut().deliver(socket, peer(1), b"media", 5);
    a.tick();
    assert_eq!((a.totals().handed_over, a.totals().pool_in_use), (1, 1));
    b.tick();
    assert_eq!(b.core.driver_mut().sent.len(), 2, "one crossing, two consumers");
    assert_eq!((b.totals().crossed, b.totals().pool_high_water), (1, 0), "and no copy of the packet");
    nothing_is_held(&mut [&mut a, &mut b]);
}

#[test]
fn a_sleeping_neighbour_is_woken_by_packets_and_not_by_slots_that_come_home() {
    let (mut a, mut b, _, socket, _) = pair();
    assert!(b.core.driver_mut().sleeper.prepare(&mut || true));
    a.tick();
    assert!(!b.core.driver_mut().sleeper.drain());
    a.core.driver_mut().deliver(socket, peer(1), b"media", 5);
    a.tick();
    assert!(b.core.driver_mut().sleeper.drain());
    assert!(a.core.driver_mut().sleeper.prepare(&mut || true));
    b.tick();
    assert!(!a.core.driver_mut().sleeper.drain());
    nothing_is_held(&mut [&mut a, &mut b]);
}

#[test]
fn packets_of_an_ended_epoch_are_discarded() {
    let (mut a, mut b, source, socket, _) = pair();
    for _ in 0..3 {
        a.core.driver_mut().deliver(socket, peer(1), b"old", 3);
    }
    a.tick();
    a.ask(Command::BumpEpoch(source));
    a.core.driver_mut().deliver(socket, peer(1), b"new", 3);
    a.tick();
    b.ticks(2);
    let sent: Vec<_> = b.core.driver_mut().sent.iter().flat_map(|run| run.datagrams.clone()).collect();
    assert_eq!(sent, [b"new"], "the fact overtook the packets before it");
    assert_eq!((b.totals().dropped_epoch, b.totals().crossed), (3, 1));
    nothing_is_held(&mut [&mut a, &mut b]);
}

#[test]
fn packets_of_a_stream_that_nobody_expects_are_discarded() {
    let (mut a, mut b, source, socket, _) = pair();
    a.ask(Command::Spread(source, B, StreamId(6)));
    a.ask(Command::Spread(source, B, StreamId(1_000_000)));
    a.core.driver_mut().deliver(socket, peer(1), b"media", 5);
    a.tick();
    b.tick();
    assert_eq!((b.totals().dropped_epoch, b.totals().crossed), (2, 1));
    nothing_is_held(&mut [&mut a, &mut b]);
}

#[test]
fn facts_come_before_packets_however_many_there_are() {
    let (mut a, mut b, source, socket, trace) = pair();
    // More entities than the fact ring holds, so that some wait at the sender.
    for stream in 10..20 {
        a.ask(Command::Spread(source, B, StreamId(stream)));
    }
    a.submit(Command::BumpEpoch(source));
    a.core.driver_mut().deliver(socket, peer(1), b"media", 5);
    a.tick();
    assert!(a.totals().facts_waiting > 0);
    a.core.wait().unwrap();
    let soon = a.now + std::time::Duration::from_millis(1);
    assert_eq!(
        a.core.driver_mut().last_wait,
        Some(net::Wait::Until(soon)),
        "nobody wakes it when there is room"
    );
    trace.lock().unwrap().clear();
    for _ in 0..6 {
        a.tick();
        b.tick();
    }
    let calls = trace.lock().unwrap().clone();
    let facts = calls.iter().filter(|call| **call == Call::Fact).count();
    let last_fact = calls.iter().rposition(|call| *call == Call::Fact).unwrap();
    let crossed = calls.iter().position(|call| matches!(call, Call::Crossed(_))).unwrap();
    assert_eq!(facts, 11);
    assert!(crossed > last_fact, "{calls:?}");
    assert_eq!(b.totals().dropped_epoch, 0, "each packet found its epoch begun");
    nothing_is_held(&mut [&mut a, &mut b]);
}

#[test]
fn packets_wait_while_facts_are_taken_in_portions() {
    let mut bounded = config(1);
    bounded.bounds.facts_per_neighbour = 1;
    let mut a = Bench::new(SimDriver::new());
    let mut b = Bench::with(SimDriver::new(), &bounded, |_| Relay::default());
    acquaint(&mut a, &mut b, lanes());
    let (source, socket) = a.transport(peer(1));
    let (sink, _) = b.transport(peer(2));
    for stream in 1..=3 {
        b.ask(Command::Install(A, StreamId(stream), sink));
        a.ask(Command::Spread(source, B, StreamId(stream)));
    }
    a.submit(Command::BumpEpoch(source));
    a.core.driver_mut().deliver(socket, peer(1), b"media", 5);
    a.tick();
    let taken: Vec<_> = (0..3)
        .map(|_| {
            b.tick();
            (b.totals().facts_received, b.totals().crossed)
        })
        .collect();
    assert_eq!(taken, [(1, 0), (2, 0), (3, 3)]);
    assert_eq!(b.totals().dropped_epoch, 0);
    nothing_is_held(&mut [&mut a, &mut b]);
}

#[test]
fn repeated_facts_about_one_entity_become_one() {
    let (mut a, mut b, source, _, trace) = pair();
    for _ in 0..40 {
        a.submit(Command::BumpEpoch(source));
    }
    a.tick();
    b.tick();
    assert_eq!(trace.lock().unwrap().iter().filter(|call| **call == Call::Fact).count(), 1);
    assert_eq!((a.totals().facts_sent, a.totals().facts_coalesced), (1, 39));
}

#[test]
fn a_full_ring_drops_packets_and_keeps_slots() {
    let (mut a, mut b, _, socket, _) = pair();
    for _ in 0..100 {
        a.core.driver_mut().deliver(socket, peer(1), b"media", 5);
        a.tick();
    }
    assert_eq!((a.totals().handed_over, a.totals().dropped_ring_full), (64, 36));
    b.ticks(2);
    assert_eq!(b.totals().crossed, 64);
    nothing_is_held(&mut [&mut a, &mut b]);
}

#[test]
fn a_full_table_of_borrowed_packets_drops_and_returns_them() {
    let mut small = config(1);
    small.capacity.borrowed = 2;
    small.bounds.flushes = 0;
    let mut a = Bench::new(SimDriver::new());
    let mut b = Bench::with(SimDriver::new(), &small, |_| Relay::default());
    acquaint(&mut a, &mut b, lanes());
    let (source, socket) = a.transport(peer(1));
    let (sink, _) = b.transport(peer(2));
    b.ask(Command::Install(A, STREAM, sink));
    a.ask(Command::Spread(source, B, STREAM));
    for _ in 0..5 {
        a.core.driver_mut().deliver(socket, peer(1), b"media", 5);
    }
    a.tick();
    b.tick();
    assert_eq!((b.totals().crossed, b.totals().dropped_borrowed_full, b.totals().borrowed), (2, 3, 2));
    a.tick();
    assert_eq!(a.totals().pool_in_use, 2);
    b.ask(Command::Close(sink));
    nothing_is_held(&mut [&mut a, &mut b]);
}

#[test]
fn a_neighbours_flood_is_taken_in_portions() {
    let mut bounded = config(1);
    bounded.bounds.packets_per_neighbour = 10;
    let trace: Trace = Trace::default();
    let noted = Arc::clone(&trace);
    let mut a = Bench::new(SimDriver::new());
    let mut b = Bench::with(SimDriver::new(), &bounded, move |_| Relay::traced(&noted));
    acquaint(&mut a, &mut b, lanes());
    let (source, socket) = a.transport(peer(1));
    let (sink, _) = b.transport(peer(2));
    b.ask(Command::Install(A, STREAM, sink));
    a.ask(Command::Spread(source, B, STREAM));
    for _ in 0..25 {
        a.core.driver_mut().deliver(socket, peer(1), b"media", 5);
    }
    a.tick();
    for expected in [10, 20, 25] {
        b.tick();
        assert_eq!(b.totals().crossed, expected);
        assert_eq!(b.core.driver_mut().last_wait, Some(net::Wait::Poll), "it had something to do");
    }
    let stamps: Vec<_> = trace
        .lock()
        .unwrap()
        .iter()
        .filter_map(|call| if let Call::Crossed(stamp) = call { Some(*stamp) } else { None })
        .collect();
    assert_eq!(stamps, (1..=25).collect::<Vec<_>>(), "in order");
}

#[test]
fn an_engine_that_panics_lets_its_loans_go() {
    let (mut a, mut b, _, socket, _) = pair();
    b.ask(Command::PanicIn(shard::Phase::Flush));
    for _ in 0..3 {
        a.core.driver_mut().deliver(socket, peer(1), b"media", 5);
    }
    a.tick();
    b.ticks(4);
    assert_eq!(b.totals().panics, 1);
    // Its successor expects nothing of anybody.
    a.core.driver_mut().deliver(socket, peer(1), b"media", 5);
    a.tick();
    b.tick();
    assert_eq!(b.totals().dropped_epoch, 1);
    nothing_is_held(&mut [&mut a, &mut b]);
}

#[test]
fn an_engine_that_panics_while_its_packets_are_abroad_gets_the_slots_back() {
    let (mut a, mut b, _, socket, _) = pair();
    a.ask(Command::PanicIn(shard::Phase::Timers));
    a.submit(Command::AnswerIn(std::time::Duration::ZERO));
    a.core.driver_mut().deliver(socket, peer(1), b"media", 5);
    a.ticks(4);
    assert_eq!((a.totals().panics, a.totals().pool_in_use), (1, 1), "still read on the other shard");
    b.tick();
    assert_eq!(b.core.driver_mut().sent[0].datagrams, [b"media"]);
    nothing_is_held(&mut [&mut a, &mut b]);
}

#[test]
fn a_packet_of_several_streams_finds_its_way_home_as_often_as_it_went() {
    let mut small = config(0);
    small.pool = net::PoolSizing::new().ahead("tests", 4, 4);
    let mut a = Bench::with(SimDriver::new(), &small, |_| Relay::default());
    let mut b = Bench::with(SimDriver::new(), &config(1), |_| Relay::default());
    acquaint(&mut a, &mut b, lanes());
    let (source, socket) = a.transport(peer(1));
    let (sink, _) = b.transport(peer(2));
    b.ask(Command::Keep);
    for stream in 1..=3 {
        b.ask(Command::Install(A, StreamId(stream), sink));
        a.ask(Command::Spread(source, B, StreamId(stream)));
    }
    for _ in 0..8 {
        a.core.driver_mut().deliver(socket, peer(1), b"media", 5);
        a.tick();
        b.tick();
    }
    assert_eq!((a.totals().handed_over, a.totals().dropped_ring_full), (8, 16), "three ways out, one home");
    b.ask(Command::PanicIn(shard::Phase::Publish));
    b.ticks(4);
    assert_eq!(b.totals().panics, 1);
    nothing_is_held(&mut [&mut a, &mut b]);
    a.core.driver_mut().deliver(socket, peer(1), b"media", 5);
    a.tick();
    assert_eq!(a.totals().handed_over, 11, "there is room again");
}

#[test]
fn a_shard_that_ends_without_a_word_keeps_no_slot_and_its_last_facts_are_heard() {
    let mut bounded = config(1);
    bounded.bounds.packets_per_neighbour = 3;
    let mut a = Bench::new(SimDriver::new());
    let mut b = Bench::with(SimDriver::new(), &bounded, |_| Relay::default());
    acquaint(&mut a, &mut b, lanes());
    let (source, socket) = a.transport(peer(1));
    let (back, _) = b.transport(peer(2));
    b.ask(Command::Install(A, STREAM, back));
    b.ask(Command::Keep);
    b.ask(Command::Spread(back, A, STREAM));
    a.ask(Command::Spread(source, B, STREAM));
    let deliver = |a: &mut Sim| {
        a.core.driver_mut().deliver(socket, peer(1), b"media", 5);
        a.tick();
    };
    (0..5).for_each(|_| deliver(&mut a));
    b.submit(Command::BumpEpoch(back));
    b.tick();
    assert_eq!((b.totals().borrowed, a.totals().facts_received), (3, 0));
    assert!(a.core.driver_mut().sleeper.prepare(&mut || true));
    drop(b.core);
    assert!(a.core.driver_mut().sleeper.drain(), "woken");
    deliver(&mut a);
    assert_eq!((a.totals().facts_received, a.totals().handed_over), (1, 6), "it was heard to the end");
    a.tick();
    assert_eq!(a.totals().pool_in_use, 0, "kept there, waiting there, and on the way");
    deliver(&mut a);
    assert_eq!((a.totals().handed_over, a.totals().dropped_no_neighbour), (6, 1));
    a.tick();
    assert_eq!(a.core.driver_mut().last_wait, Some(net::Wait::Until(wire::Mono::NEVER)), "and it sleeps");
    assert_eq!(a.totals().pool_in_use, 0);
}

#[test]
fn facts_for_a_shard_that_ended_keep_nobody_awake() {
    let (mut a, b, source, _, _) = pair();
    for stream in 10..20 {
        a.ask(Command::Spread(source, B, StreamId(stream)));
    }
    a.submit(Command::BumpEpoch(source));
    a.tick();
    let sent = a.totals().facts_sent;
    assert!(sent > 0 && a.totals().facts_waiting > 0);
    drop(b.core);
    a.ticks(3);
    assert_eq!(a.core.driver_mut().last_wait, Some(net::Wait::Until(wire::Mono::NEVER)));
    assert_eq!((a.totals().facts_waiting, a.totals().facts_sent), (0, sent));
}

#[test]
fn what_a_shard_lent_before_it_ended_does_not_go_home_to_its_successor() {
    let (mut a, mut b, _, socket, _) = pair();
    b.ask(Command::Keep);
    for _ in 0..3 {
        a.core.driver_mut().deliver(socket, peer(1), b"media", 5);
    }
    a.tick();
    b.tick();
    assert_eq!(b.totals().borrowed, 3);
    drop(a.core);
    let mut successor = Bench::new(SimDriver::new());
    acquaint(&mut successor, &mut b, lanes());
    b.ask(Command::PanicIn(shard::Phase::Publish));
    b.ticks(4);
    assert_eq!((b.totals().panics, b.totals().borrowed), (1, 0));
    successor.tick();
    let (source, socket) = successor.transport(peer(1));
    let (sink, _) = b.transport(peer(2));
    b.ask(Command::Install(A, STREAM, sink));
    successor.ask(Command::Spread(source, B, STREAM));
    successor.core.driver_mut().deliver(socket, peer(1), b"media", 5);
    successor.tick();
    assert_eq!((successor.totals().handed_over, successor.totals().dropped_ring_full), (1, 0));
    b.core.driver_mut().sent.clear();
    b.tick();
    assert_eq!(b.core.driver_mut().sent[0].datagrams, [b"media"]);
    nothing_is_held(&mut [&mut successor, &mut b]);
}
