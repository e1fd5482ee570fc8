//! The tick: order of phases, bounds, fairness, demultiplexing, stale keys. On a driver in memory.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use net::{PoolSizing, ReceiveBudget, Wait};
use shard::{FromShard, Phase, RequestId};
use support::relay::{Call, Command, Relay, Reply, Trace};
use support::sim::SimDriver;
use support::{Bench, bind, config, peer};

fn traced(config: &shard::ShardConfig) -> (Bench<SimDriver>, Trace) {
    let trace: Trace = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&trace);
    let make = move |_| Relay::traced(&noted);
    (Bench::with(SimDriver::new(), config, make), trace)
}

fn take(trace: &Trace) -> Vec<Call> {
    std::mem::take(&mut *trace.lock().unwrap())
}

#[test]
fn phases_run_in_their_order() {
    let (mut bench, trace) = traced(&config(0));
    let (a, socket) = bench.transport(peer(1));
    let (b, _) = bench.transport(peer(2));
    bench.ask(Command::Subscribe(a, b));
    bench.submit(Command::AnswerIn(Duration::from_micros(1)));
    bench.tick();
    take(&trace);
    bench.now += Duration::from_millis(1);
    bench.submit(Command::Echo);
    bench.core.driver_mut().deliver(socket, peer(1), b"media", 5);
    bench.core.driver_mut().deliver(socket, peer(9), b"noise", 5);
    bench.tick();
    let (a, b) = (a.place(), b.place());
    let expected = [
        Call::Command,
        Call::Timer,
        Call::Receive(a, 1),
        Call::Unknown(Some(a)),
        Call::Flush(b),
        Call::Publish,
    ];
    assert_eq!(take(&trace), expected);
    assert_eq!(bench.core.driver_mut().sent[0].datagrams, [b"media"]);
}

#[test]
fn what_a_bound_leaves_over_waits_for_a_tick_that_does_not_wait() {
    let mut config = config(0);
    config.bounds.commands = 2;
    config.bounds.timers = 1;
    let (mut bench, trace) = traced(&config);
    for _ in 0..3 {
        bench.submit(Command::AnswerIn(Duration::from_micros(1)));
    }
    bench.tick();
    assert_eq!(take(&trace), [Call::Command, Call::Command, Call::Publish]);
    bench.now += Duration::from_millis(1);
    for _ in 0..3 {
        bench.tick();
        assert_eq!(bench.core.driver_mut().last_wait, Some(Wait::Poll), "work was left");
    }
    assert_eq!(take(&trace).iter().filter(|call| **call == Call::Timer).count(), 3);
    bench.ticks(2);
    assert_eq!(bench.core.driver_mut().last_wait, Some(Wait::Until(wire::Mono::NEVER)));
}

#[test]
fn what_is_counted_is_shown_now_and_then_and_what_control_asked_for_at_once() {
    let mut config = config(0);
    config.counters_interval = Duration::from_millis(10);
    let mut bench = Bench::with(SimDriver::new(), &config, |_| Relay::default());
    let (_, socket) = bench.transport(peer(1));
    let receive = |bench: &mut Bench<SimDriver>| {
        bench.core.driver_mut().deliver(socket, peer(1), b"media", 5);
        bench.tick();
    };
    bench.tick();
    let before = bench.totals();
    assert_eq!(bench.core.driver_mut().last_wait, Some(Wait::Until(wire::Mono::NEVER)), "it owes nothing");
    receive(&mut bench);
    receive(&mut bench);
    assert_eq!(bench.totals(), before, "it was shown a moment ago");
    // Nothing else happens, and it is not forgotten.
    bench.tick();
    let Some(Wait::Until(by)) = bench.core.driver_mut().last_wait else { panic!("it did not wait") };
    assert!(by <= bench.now + config.counters_interval, "{by:?}");
    bench.now = by;
    bench.tick();
    assert_eq!(bench.totals().datagrams, before.datagrams + 2);
    receive(&mut bench);
    assert_eq!(bench.totals().datagrams, before.datagrams + 2);
    assert_eq!(bench.ask(Command::Echo), Reply::Done);
    assert_eq!(bench.totals().datagrams, before.datagrams + 3, "who is answered sees what was before");
}

#[test]
fn a_shard_sleeps_no_longer_than_to_its_next_timer() {
    let mut bench = Bench::new(SimDriver::new());
    bench.submit(Command::AnswerIn(Duration::from_micros(300)));
    bench.tick();
    let armed = bench.now;
    bench.ticks(1);
    let Some(Wait::Until(until)) = bench.core.driver_mut().last_wait else { panic!("it did not sleep") };
    assert!(until <= armed + Duration::from_micros(300) + shard::RESOLUTION, "{until:?}");
}

#[test]
fn a_flooded_socket_takes_no_more_than_its_share() {
    let mut config = config(0);
    config.bounds.receive = ReceiveBudget { total: 64, per_socket: 8 };
    let (mut bench, trace) = traced(&config);
    let (flooded, flood) = bench.transport(peer(1));
    let (calm, quiet) = bench.transport(peer(2));
    for _ in 0..100 {
        bench.core.driver_mut().deliver(flood, peer(1), b"x", 1);
    }
    bench.core.driver_mut().deliver(quiet, peer(2), b"y", 1);
    take(&trace);
    bench.tick();
    let calls = take(&trace);
    assert!(calls.contains(&Call::Receive(calm.place(), 1)), "behind a flood, and in the same tick");
    assert_eq!(calls.iter().filter(|call| **call == Call::Receive(flooded.place(), 1)).count(), 8);
    bench.ticks(12);
    assert_eq!(bench.core.driver_mut().waiting(), 0, "and nothing of the flood is lost to the bound");
}

#[test]
fn transports_are_flushed_once_each_in_order_of_arrival() {
    let mut config = config(0);
    config.bounds.flushes = 2;
    let (mut bench, trace) = traced(&config);
    let (source, socket) = bench.transport(peer(1));
    let consumers: Vec<_> = (2..6).map(|port| bench.transport(peer(port)).0).collect();
    for index in [2, 0, 3, 1] {
        bench.ask(Command::Subscribe(source, consumers[index]));
    }
    take(&trace);
    bench.core.driver_mut().deliver(socket, peer(1), b"aabbc", 2);
    bench.ticks(2);
    let flushed: Vec<_> = take(&trace)
        .iter()
        .filter_map(|call| if let Call::Flush(index) = call { Some(*index) } else { None })
        .collect();
    assert_eq!(flushed, [2, 0, 3, 1].map(|index| consumers[index].place()));
    // Equal sizes leave as one run, the shorter one after them.
    let sent = &bench.core.driver_mut().sent;
    assert_eq!(sent.len(), 8);
    assert_eq!((sent[0].datagrams.len(), sent[1].datagrams.len()), (2, 1));
}

#[test]
fn a_tuple_decides_and_unknown_peers_cost_a_counter() {
    let (mut bench, trace) = traced(&config(0));
    let (a, socket_a) = bench.transport(peer(1));
    let (b, socket_b) = bench.transport(peer(2));
    take(&trace);
    let driver = bench.core.driver_mut();
    driver.deliver(socket_a, peer(2), b"strange", 7);
    driver.deliver(socket_b, peer(2), b"known", 5);
    driver.deliver(socket_a, peer(7), b"hello", 5);
    driver.deliver(socket_a, peer(8), b"noisenoise", 5);
    bench.tick();
    let expected = [
        Call::Unknown(Some(a.place())),
        Call::Receive(b.place(), 1),
        Call::Unknown(Some(a.place())),
        Call::Unknown(Some(a.place())),
        Call::Publish,
    ];
    assert_eq!(take(&trace), expected);
    let totals = bench.totals();
    assert_eq!((totals.batches, totals.datagrams, totals.dropped_unknown), (4, 5, 3));
}

#[test]
fn a_closed_transport_hears_nothing_and_its_key_is_harmless() {
    let (mut bench, trace) = traced(&config(0));
    let (source, socket) = bench.transport(peer(1));
    let (sink, sink_socket) = bench.transport(peer(2));
    bench.ask(Command::Subscribe(source, sink));
    bench.core.driver_mut().reaping_turns = 3;
    let close = bench.submit(Command::Close(sink));
    bench.core.driver_mut().deliver(socket, peer(1), b"media", 5);
    bench.core.driver_mut().deliver(sink_socket, peer(2), b"late", 4);
    bench.tick();
    let before = bench.totals();
    assert_eq!(bench.core.driver_mut().sent, []);
    assert!(bench.inbox.is_empty(), "not answered before the port is free");
    bench.ticks(4);
    assert!(matches!(bench.inbox[..], [FromShard::Reply(request, Reply::Done)] if request == close));
    assert_eq!(bench.core.driver_mut().occupied(), 1);

    // The next transport takes its place; the old key still names nothing.
    take(&trace);
    let (next, next_socket) = bench.transport(peer(2));
    assert_eq!((next.place(), next_socket.index()), (sink.place(), sink_socket.index()));
    bench.core.driver_mut().deliver(socket, peer(1), b"media", 5);
    bench.tick();
    assert!(!take(&trace).contains(&Call::Flush(next.place())));
    assert_eq!(bench.ask(Command::Bind(sink, peer(5))), Reply::Failed("no transport".into()));
    assert_eq!(bench.totals().pool_in_use, 0);
    assert_eq!(before.transports, 1);
}

#[test]
fn a_transport_that_closed_while_it_waited_is_not_flushed() {
    let mut config = config(0);
    config.bounds.flushes = 1;
    let (mut bench, trace) = traced(&config);
    let (source, socket) = bench.transport(peer(1));
    let [first, second] = [2, 3].map(|port| bench.transport(peer(port)).0);
    bench.ask(Command::Subscribe(source, first));
    bench.ask(Command::Subscribe(source, second));
    take(&trace);
    bench.core.driver_mut().deliver(socket, peer(1), b"media", 5);
    bench.tick();
    assert!(take(&trace).contains(&Call::Flush(first.place())));
    bench.ask(Command::Close(second));
    assert!(!take(&trace).contains(&Call::Flush(second.place())));
    assert_eq!(bench.totals().pool_in_use, 0);
}

#[test]
fn a_shard_whose_events_are_refused_looks_again_soon() {
    let mut bench = Bench::new(SimDriver::new());
    bench.submit(Command::Emit(100));
    for _ in 0..3 {
        bench.core.tick(bench.now);
        bench.core.wait().unwrap();
    }
    let soon = bench.now + Duration::from_millis(1);
    assert_eq!(
        bench.core.driver_mut().last_wait,
        Some(Wait::Until(soon)),
        "control does not wake it for room"
    );
}

#[test]
fn a_peer_that_nobody_owns_costs_nothing_but_a_counter() {
    let (mut bench, trace) = traced(&config(0));
    let Reply::Opened(key, socket) = bench.ask(Command::Open(bind(0))) else { panic!("not opened") };
    bench.ask(Command::Bind(key, peer(1)));
    take(&trace);
    for port in 1_000..2_000 {
        bench.core.driver_mut().deliver(socket, peer(port), b"noise", 5);
    }
    bench.ticks(17);
    assert_eq!(bench.totals().dropped_unknown, 1_000);
    assert_eq!((bench.totals().pool_high_water, bench.totals().transports), (0, 1));
}

#[test]
fn events_give_way_to_answers() {
    let mut bench = Bench::new(SimDriver::new());
    bench.ask(Command::Emit(100));
    // Control does not look: events stop at their share, and are not lost.
    let submit = |bench: &mut Bench<SimDriver>, request| {
        bench.control.submit(RequestId(request), Command::Echo).is_ok()
    };
    let accepted = (1_000..2_000).take_while(|request| submit(&mut bench, *request)).count();
    assert_eq!(accepted, 64);
    for _ in 0..10 {
        bench.now += Duration::from_micros(100);
        bench.core.wait().unwrap();
        bench.core.tick(bench.now);
    }
    assert!(bench.totals().events_refused > 0);
    bench.ticks(10);
    let answers = bench.inbox.iter().filter(|message| matches!(message, FromShard::Reply(..))).count();
    let events: Vec<_> = bench
        .inbox
        .iter()
        .filter_map(|message| if let FromShard::Event(event) = message { Some(*event) } else { None })
        .collect();
    assert_eq!(answers, 64);
    assert_eq!(events, (0..100).collect::<Vec<_>>());
    assert_eq!(bench.control.unanswered(), 0);
}

#[test]
fn control_and_shard_wake_each_other_only_when_there_is_something() {
    let mut bench = Bench::new(SimDriver::new());
    bench.ticks(2);
    // Both asleep: nothing to do, nobody is woken.
    let Bench { core, control, sleeper, .. } = &mut bench;
    assert!(sleeper.prepare(&mut || control.is_quiet()));
    assert!(core.driver_mut().sleeper.prepare(&mut || true));
    bench.core.tick(bench.now);
    assert!(!bench.sleeper.drain() && !bench.core.driver_mut().sleeper.drain());

    bench.submit(Command::Echo);
    assert!(bench.core.driver_mut().sleeper.drain(), "a command wakes the shard");
    bench.core.tick(bench.now);
    assert!(bench.sleeper.drain(), "an answer wakes control");
}

#[test]
fn a_stale_key_marks_nobody_and_lists_nobody_twice() {
    let (mut bench, trace) = traced(&config(0));
    let (stale, _) = bench.transport(peer(1));
    bench.ask(Command::Close(stale));
    let (live, _) = bench.transport(peer(1));
    assert_eq!(stale.place(), live.place());
    take(&trace);
    bench.ask(Command::Mark(vec![stale, live, stale, live, stale]));
    bench.tick();
    assert_eq!(take(&trace).iter().filter(|call| **call == Call::Flush(live.place())).count(), 1);
}

#[test]
fn a_pool_grows_between_ticks_and_an_idle_shard_gives_back_what_a_rush_took() {
    let mut growing = config(0);
    growing.pool = PoolSizing::new().ahead("a tick", 64, 0).with("stores", 4_000, 0);
    let mut bench = Bench::with(SimDriver::new(), &growing, |_| Relay::default());
    let (_, socket) = bench.transport(peer(1));
    let at_start = bench.totals().pool_present;
    bench.ask(Command::Keep);
    for _ in 0..40 {
        (0..64).for_each(|_| bench.core.driver_mut().deliver(socket, peer(1), b"media", 5));
        bench.tick();
        assert!(bench.totals().pool_present >= bench.totals().pool_in_use);
    }
    bench.tick();
    let totals = bench.totals();
    assert_eq!((totals.pool_in_use, totals.pool_late, totals.pool_exhausted), (2_560, 0, 0));
    assert!(totals.pool_present >= 2_560 + 64);
    // Whoever kept them is gone.
    bench.ask(Command::PanicIn(Phase::Publish));
    bench.ticks(3);
    assert_eq!(bench.totals().pool_in_use, 0);
    bench.tick_until("waits", |bench| bench.core.driver_mut().last_wait != Some(Wait::Poll));
    let mut looks = 0;
    while let Some(Wait::Until(at)) = bench.core.driver_mut().last_wait.filter(|wait| *wait != SLEEP) {
        bench.now = at;
        bench.core.tick(at);
        bench.core.wait().unwrap();
        looks += 1;
        assert!(looks < 30, "it never comes to rest");
    }
    bench.core.tick(bench.now);
    assert_eq!((bench.core.driver_mut().last_wait, bench.totals().pool_present), (Some(SLEEP), at_start));
    assert!(looks > 10, "not at once");
}

/// Nothing to wait for but others.
const SLEEP: Wait = Wait::Until(wire::Mono::NEVER);
