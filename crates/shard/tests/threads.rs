//! Shards on threads of their own, on the kernel's loopback: forwarding, waking, answering under flood.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod support;

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use net::PoolSizing;
use net::lane::Sleeper;
use net::probe::{HostChoice, Needs, choose};
use shard::{
    Counters, Cpus, FromShard, Placement, Plan, RequestId, ShardId, Shards, Start, StartError, StreamId,
    spawn,
};
use support::relay::{Command, Relay, Reply};
use support::running::{HOSTS, Running};
use support::sim::SimDriver;
use support::{config, lanes};

/// A socket that fails the test when nothing arrives.
fn peer() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let addr = socket.local_addr().unwrap();
    (socket, addr)
}

fn expect(sink: &UdpSocket, packet: &[u8], from: SocketAddr) {
    let mut buffer = [0; 2048];
    // A thread that tried a ring is interrupted when the kernel takes it apart, after the trial.
    let heard = std::iter::repeat_with(|| sink.recv_from(&mut buffer))
        .find(|heard| !matches!(heard, Err(error) if error.kind() == ErrorKind::Interrupted));
    let (len, sender) = heard.unwrap().unwrap();
    assert_eq!((&buffer[..len], sender), (packet, from));
}

#[test]
fn whom_an_answer_reaches_sees_what_was_counted_before_it() {
    for &host in HOSTS {
        let Some(mut running) = Running::on(host, 4, config) else { continue };
        let (key, _) = running.transport(0, peer().1);
        for shard in 1..4 {
            running.shard(shard);
            assert_eq!(running.ask(0, Command::Spread(key, ShardId(shard), StreamId(1))), Reply::Done);
        }
        let replies = |running: &mut Running| {
            // It sleeps until it is asked again, so that there is something to be read.
            let counters = &running.shard(0).counters;
            std::iter::repeat_with(|| counters.read()).flatten().next().unwrap().totals.replies
        };
        let before = replies(&mut running);
        for asked in 1..=1_000 {
            // The tick that answers this wakes all the others as well, which takes a while.
            assert_eq!(running.ask(0, Command::BumpEpoch(key)), Reply::Done);
            assert_eq!(replies(&mut running), before + asked, "{host:?}");
        }
        running.stop();
    }
}

#[test]
fn packets_reach_consumers_on_every_shard() {
    for &host in HOSTS {
        let Some(mut running) = Running::on(host, 3, config) else { continue };
        let (source, source_addr) = peer();
        let (key, at) = running.transport(0, source_addr);
        let mut sinks = Vec::new();
        for shard in 0..3 {
            let (sink, sink_addr) = peer();
            let (consumer, from) = running.transport(shard, sink_addr);
            let command = match shard {
                0 => Command::Subscribe(key, consumer),
                _ => Command::Install(ShardId(0), StreamId(1), consumer),
            };
            assert_eq!(running.ask(shard, command), Reply::Done);
            sinks.push((sink, from));
        }
        for shard in 1..3 {
            assert_eq!(running.ask(0, Command::Spread(key, ShardId(shard), StreamId(1))), Reply::Done);
        }
        // One at a time, so that every shard falls asleep in between and must be woken.
        for round in 0..200u32 {
            let packet = round.to_be_bytes().repeat(20);
            source.send_to(&packet, at).unwrap();
            for (sink, from) in &sinks {
                expect(sink, &packet, *from);
            }
        }
        for shard in running.shards.iter_mut() {
            let counters = shard.counters.read().unwrap();
            let ticks = counters.totals.ticks;
            assert!(counters.driver.waits > 0 && ticks < 200 * 20, "it ticks when there is work: {ticks}");
        }
        running.stop();
    }
}

#[test]
fn every_command_is_answered_in_order_under_flood() {
    for &host in HOSTS {
        let Some(mut running) = Running::on(host, 1, config) else { continue };
        let (source, source_addr) = peer();
        let (_sink, sink_addr) = peer();
        let (key, at) = running.transport(0, source_addr);
        let (consumer, _) = running.transport(0, sink_addr);
        running.ask(0, Command::Subscribe(key, consumer));
        let done = Arc::new(AtomicBool::new(false));
        let flood = {
            let done = Arc::clone(&done);
            std::thread::spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    // A full socket buffer is what a flood is about.
                    let _ = source.send_to(&[7; 200], at);
                }
            })
        };
        let control = &mut running.shard(0).control;
        let (mut submitted, mut answered) = (0, 0);
        while answered < COMMANDS {
            let next = RequestId(FIRST + submitted);
            if submitted < COMMANDS && control.submit(next, Command::Echo).is_ok() {
                submitted += 1;
            }
            while let Some(message) = control.next_message() {
                let FromShard::Reply(RequestId(request), Reply::Done) = message else {
                    panic!("{message:?}")
                };
                assert_eq!(request, FIRST + answered, "in order, each once");
                answered += 1;
            }
        }
        done.store(true, Ordering::Relaxed);
        flood.join().unwrap();
        running.stop();
    }
}

const COMMANDS: u64 = 10_000;
/// Apart from the numbers that the support code uses.
const FIRST: u64 = 1_000_000;

#[test]
fn shards_start_on_first_use_and_say_what_they_do() {
    let mut running = Running::on(HostChoice::Auto, 2, config).unwrap();
    assert!(running.shards.running(ShardId(1)).is_none());
    running.ask(1, Command::Echo);
    assert!(running.shards.running(ShardId(1)).is_some() && running.shards.running(ShardId(0)).is_none());
    let Err(error) = running.shards.start(ShardId(2)) else { panic!("it was not planned") };
    assert!(matches!(error, StartError::Unplanned { most: 2, .. }));

    let counters = running.shard(1).counters.clone();
    let reader = std::thread::spawn(move || {
        loop {
            match counters.read() {
                Some(counters) if counters.totals.commands > 0 => return counters,
                _ => std::thread::yield_now(),
            }
        }
    });
    let counters = reader.join().unwrap();
    assert!(counters.totals.ticks > 0 && counters.driver.syscalls > 0);
    // A second answer follows a tick that was accounted for.
    running.ask(1, Command::Echo);
    let reader = running.shard(1).counters.clone();
    let is_told = |counters: Counters| counters.totals.busy_nanos > 0 && counters.tick_nanos.count() > 0;
    let deadline = Instant::now() + Duration::from_secs(60);
    // It answers before it publishes.
    while !reader.read().is_some_and(is_told) {
        assert!(Instant::now() < deadline, "a tick took no time");
        std::thread::yield_now();
    }
    running.stop();
}

#[test]
fn a_shard_that_cannot_be_had_names_itself_and_the_cause() {
    let start = || Start::<Relay> {
        config: config(7),
        cpu: None,
        control: Sleeper::new().unwrap().waker(),
        make: Box::new(|_| Relay::default()),
    };
    let pinned = Start { cpu: Some(1_000_000), ..start() };
    let error = spawn(pinned, || Ok(SimDriver::new())).unwrap_err().to_string();
    assert!(error.starts_with("shard 7 cannot be pinned to CPU 1000000: "), "{error}");

    let broken = || Err::<SimDriver, _>(std::io::Error::other("no ring today"));
    let error = spawn(start(), broken).unwrap_err().to_string();
    assert_eq!(error, "no I/O driver for shard 7: no ring today");

    let mut huge = start();
    huge.config.pool = PoolSizing::new().ahead("everything", u32::MAX, u32::MAX);
    let error = spawn(huge, || Ok(SimDriver::new())).unwrap_err().to_string();
    assert!(error.starts_with("no packet memory of ") && error.contains(" bytes for shard 7: "), "{error}");
}

#[test]
fn ports_are_free_when_the_close_is_answered() {
    for &host in HOSTS {
        let Some(mut running) = Running::on(host, 1, config) else { continue };
        let (_peer, peer_addr) = peer();
        let (mut key, at) = running.transport(0, peer_addr);
        let mut seen = BTreeSet::new();
        for _ in 0..200 {
            assert_eq!(running.ask(0, Command::Close(key)), Reply::Done);
            let Reply::Opened(again, _) = running.ask(0, Command::Open(support::bind(at.port()))) else {
                panic!("not opened")
            };
            assert!(seen.insert(key), "no key is given out twice");
            key = again;
        }
        running.stop();
    }
}

#[test]
fn a_shard_that_cannot_meet_the_others_does_not_run_on_alone() {
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let sleeper = Sleeper::new().unwrap();
    let plan = Plan {
        most: 2,
        config: Box::new(|shard| config(shard.0)),
        lanes: lanes(),
        chosen: choose(HostChoice::Epoll, Needs { shards: 2, sockets: 64 }).unwrap(),
        placement: Placement::Floating,
        cpus: Cpus::of_this_process(),
        make: Box::new(move |_| {
            let held = Arc::clone(&held);
            Box::new(move |_: &mut _| {
                let _ = &held;
                Relay::default()
            })
        }),
    };
    let mut shards = Shards::new(plan, sleeper.waker());
    let first = shards.start(ShardId(0)).unwrap();
    let (release, until) = mpsc::sync_channel(0);
    first.control.submit(RequestId(1), Command::Stall(until)).unwrap();
    // Taken only once the shard is at it.
    release.send(()).unwrap();
    while first.control.stop() {}
    let error = shards.start(ShardId(1)).unwrap_err();
    assert!(matches!(error, StartError::Busy { shard: ShardId(0) }), "{error}");
    // The plan, the first shard, and this test.
    while Arc::strong_count(&alive) > 3 {
        std::thread::yield_now();
    }
    drop(release);
    shards.into_running().into_iter().for_each(|shard| shard.join().unwrap());
}
