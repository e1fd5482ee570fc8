//! How shards end: without control, with commands on the way, and how one is started anew.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod support;

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use net::lane::Sleeper;
use net::probe::AnyDriver;
use net::probe::{Needs, choose};
use shard::{FromShard, Start, StartError, spawn};
use support::relay::{Command, Relay, Reply};
use support::running::{HOSTS, Running};
use support::sim::SimDriver;
use support::{Bench, config, peer};

#[test]
fn a_shard_whose_control_is_gone_ends() {
    for &host in HOSTS {
        let Ok(chosen) = choose(host, Needs { shards: 1, sockets: 8 }) else { continue };
        let sleeper = Sleeper::new().unwrap();
        let (alive, ended) = mpsc::channel::<()>();
        let make = Box::new(move |_: &mut _| {
            let _ = &alive;
            Relay::default()
        });
        let start = Start { config: config(0), cpu: None, control: sleeper.waker(), make };
        let mut shard = spawn(start, move || AnyDriver::new(&chosen)).unwrap();
        // An answer proves that it was awake; by the time control goes it may sleep or not.
        assert!(shard.control.submit(shard::RequestId(1), Command::Echo).is_ok());
        while shard.control.next_message().is_none() {
            std::thread::yield_now();
        }
        drop(shard);
        assert_eq!(ended.recv_timeout(DEADLINE), Err(RecvTimeoutError::Disconnected));
    }
}

#[test]
fn a_shard_that_panics_without_control_ends_too() {
    let mut bench = Bench::new(SimDriver::new());
    bench.transport(peer(1));
    bench.ask(Command::PanicIn(shard::Phase::Timers));
    bench.submit(Command::AnswerIn(Duration::ZERO));
    let Bench { mut core, control, mut now, .. } = bench;
    drop(control);
    for _ in 0..10 {
        now += Duration::from_millis(1);
        core.wait().unwrap();
        core.tick(now);
    }
    assert!(core.has_stopped());
    assert_eq!(core.driver_mut().occupied(), 0, "its sockets are closed");
}

#[test]
fn goodbyes_leave_before_sockets_close_however_many_there_are() {
    let mut config = config(0);
    config.bounds.flushes = 2;
    let mut bench = Bench::with(SimDriver::new(), &config, |_| Relay::default());
    let peers = [1, 2, 3, 4, 5].map(peer);
    let keys = peers.map(|peer| bench.transport(peer).0);
    assert_eq!(bench.ask(Command::Part(b"bye")), Reply::Done);
    // Others have something to send already.
    bench.submit(Command::Mark(keys[3..].to_vec()));
    assert!(bench.control.stop());
    let late = bench.submit(Command::Echo);
    bench.ticks(6);
    assert!(bench.core.has_stopped());
    let driver = bench.core.driver_mut();
    let mut told: Vec<_> = driver.sent.iter().map(|sent| (sent.to, sent.datagrams.concat())).collect();
    told.sort();
    assert_eq!(told, peers.map(|peer| (peer, b"bye".to_vec())));
    assert_eq!(driver.occupied(), 0, "its sockets are closed");
    let is_late = |message: &FromShard<_, _>| matches!(message, FromShard::Lost(of) if *of == late);
    assert!(bench.inbox.iter().any(is_late), "{:?}", bench.inbox);
}

#[test]
fn a_goodbye_that_panics_holds_up_no_end() {
    let mut bench = Bench::new(SimDriver::new());
    bench.transport(peer(1));
    bench.ask(Command::PanicIn(shard::Phase::Commands));
    assert!(bench.control.stop());
    bench.ticks(3);
    assert!(bench.core.has_stopped());
    let [FromShard::Stopped { drop_message: Some(said) }] = &bench.inbox[..] else {
        panic!("{:?}", bench.inbox)
    };
    assert_eq!(said, "asked to panic in Commands");
    assert_eq!(bench.core.driver_mut().occupied(), 0, "its sockets are closed");
}

#[test]
fn commands_that_come_too_late_are_answered() {
    let mut bench = Bench::new(SimDriver::new());
    assert!(bench.control.stop());
    bench.ticks(3);
    assert!(bench.core.has_stopped());
    let before = bench.submit(Command::Echo);
    assert!(bench.control.is_quiet(), "it is still there");
    let Bench { core, mut control, .. } = bench;
    drop(core);
    let after = shard::RequestId(99);
    assert!(control.submit(after, Command::Echo).is_ok());
    let lost: Vec<_> = std::iter::from_fn(|| {
        assert_eq!(control.is_quiet(), control.unanswered() == 0);
        control.next_message()
    })
    .collect();
    let [FromShard::Lost(first), FromShard::Lost(second)] = lost[..] else { panic!("{lost:?}") };
    assert_eq!(([first, second], control.unanswered()), ([before, after], 0));
}

#[test]
fn a_shard_that_ended_is_started_anew_once_it_was_heard() {
    for &host in HOSTS {
        let Some(mut running) = Running::on(host, 2, config) else { continue };
        running.ask(1, Command::Echo);
        running.ask(0, Command::Echo);
        assert!(running.shard(0).control.stop());
        let deadline = Instant::now() + DEADLINE;
        while !running.shards.running(shard::ShardId(0)).unwrap().has_ended() {
            assert!(Instant::now() < deadline);
            std::thread::yield_now();
        }
        assert!(matches!(running.shards.start(shard::ShardId(0)), Err(StartError::Unheard { .. })));
        let ended = running.shards.running(shard::ShardId(0)).unwrap();
        assert!(matches!(ended.control.next_message(), Some(FromShard::Stopped { .. })));
        assert_eq!(running.ask(0, Command::Echo), Reply::Done);
        running.stop();
    }
}

/// Far beyond what any of this takes.
const DEADLINE: Duration = Duration::from_secs(20);
