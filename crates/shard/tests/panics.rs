//! A panic costs the engine and nothing else: in each phase, on each driver.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod support;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use net::epoll::{EpollConfig, EpollDriver};
use net::uring::{UringConfig, UringDriver};
use net::{Driver, Wait};
use shard::{FromShard, Phase, ShardId, StreamId};
use support::polling::Polling;
use support::relay::{Command, Relay, Reply};
use support::sim::SimDriver;
use support::{Bench, acquaint, bind, config, lanes, peer};

fn receiver() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = socket.local_addr().unwrap();
    (socket, addr)
}

fn epoll() -> Polling<EpollDriver> {
    Polling(EpollDriver::new(EpollConfig { sockets: 64, ..EpollConfig::default() }).unwrap())
}

/// Nothing where this kernel refuses io_uring: the other drivers are tested then.
fn uring() -> Option<Polling<UringDriver>> {
    UringDriver::new(UringConfig { sockets: 64, ..UringConfig::default() }).ok().map(Polling)
}

/// What is done so that the phase calls the engine.
fn provoke<D: Driver>(
    bench: &mut Bench<D>,
    other: &mut Bench<D>,
    phase: Phase,
    source: &UdpSocket,
    at: SocketAddr,
) {
    bench.ask(Command::PanicIn(phase));
    match phase {
        Phase::Timers => {
            bench.submit(Command::AnswerIn(Duration::ZERO));
        }
        Phase::Commands => {
            bench.submit(Command::Echo);
        }
        _ => {}
    }
    for _ in 0..5 {
        source.send_to(b"media", at).unwrap();
    }
    other.tick();
}

/// One panic in one phase with receives armed, datagrams waiting, sends queued and a command unanswered; then
/// everything is well again.
fn survives<D: Driver>(phase: Phase, make: impl Fn() -> D, deliver: impl Fn(&mut Bench<D>, &Scene)) {
    let mut bench = Bench::new(make());
    let mut other = Bench::with(make(), &config(1), |_| Relay::default());
    acquaint(&mut other, &mut bench, lanes());
    let (source, source_addr) = receiver();
    let (sink, sink_addr) = receiver();
    let (from, from_socket, from_addr) = bench.transport_at(source_addr);
    let (to, _, to_addr) = bench.transport_at(sink_addr);
    bench.ask(Command::Subscribe(from, to));
    bench.ask(Command::Install(ShardId(1), StreamId(1), to));
    let (far, far_socket, far_addr) = other.transport_at(source_addr);
    other.ask(Command::Spread(far, ShardId(0), StreamId(1)));
    let owed = bench.submit(Command::Forget);
    bench.tick();
    let scene = Scene { source: &source, source_addr, from_socket, from_addr, far_socket, far_addr };
    // The engine holds packets of its own and of the other shard, and more are on their way.
    bench.ask(Command::Keep);
    for round in 1..=2 {
        deliver(&mut other, &scene);
        deliver(&mut bench, &scene);
        other.tick_until("handed over", |other| other.totals().handed_over >= round * 10);
        if round == 1 {
            bench.tick_until("held", |bench| bench.totals().borrowed > 0 && bench.totals().pool_in_use > 0);
        }
    }
    provoke(&mut bench, &mut other, phase, &source, from_addr);
    deliver(&mut bench, &scene);

    bench.tick_until("reported", |bench| {
        bench.inbox.iter().any(|message| matches!(message, FromShard::Panicked(_)))
    });
    let report = bench
        .inbox
        .iter()
        .find_map(|message| if let FromShard::Panicked(report) = message { Some(report) } else { None });
    let report = report.unwrap();
    assert_eq!((report.phase, &report.drop_message), (phase, &None));
    assert_eq!(report.message, format!("asked to panic in {phase:?}"));
    assert!(
        bench.inbox.iter().any(|message| matches!(message, FromShard::Lost(request) if *request == owed))
    );
    // Told only once the ports are free.
    drop([bind(from_addr.port()), bind(to_addr.port())]);

    other.tick_until("slots on loan came home", |other| {
        bench.tick();
        other.totals().pool_in_use == 0
    });
    let totals = bench.totals();
    assert_eq!((totals.panics, totals.transports, totals.timers_armed), (1, 0, 0));
    assert_eq!((totals.pool_in_use, totals.borrowed, totals.replies_owed), (0, 0, 0), "{phase:?}");

    // Its successor works.
    assert_eq!(bench.ask(Command::Bind(from, source_addr)), Reply::Failed("no transport".into()));
    let (from, from_socket, from_addr) = bench.transport_at(source_addr);
    let (to, _) = bench.transport(sink_addr);
    bench.ask(Command::Subscribe(from, to));
    let before = bench.core.driver_mut().counters().sent_datagrams;
    source.send_to(b"again", from_addr).unwrap();
    deliver(&mut bench, &Scene { from_socket, from_addr, ..scene });
    bench.tick_until("forwarded", |bench| bench.core.driver_mut().counters().sent_datagrams > before);
    drop(sink);
}

/// Who sends what where, for drivers that are told instead of sent to.
#[derive(Clone, Copy)]
struct Scene<'a> {
    source: &'a UdpSocket,
    source_addr: SocketAddr,
    from_socket: net::SocketKey,
    from_addr: SocketAddr,
    far_socket: net::SocketKey,
    far_addr: SocketAddr,
}

const PHASES: [Phase; 6] =
    [Phase::Commands, Phase::Crossings, Phase::Timers, Phase::Receive, Phase::Flush, Phase::Publish];

#[test]
fn in_memory() {
    for phase in PHASES {
        survives(phase, SimDriver::new, |bench, scene| {
            let socket = if bench.link.shard() == ShardId(1) { scene.far_socket } else { scene.from_socket };
            bench.core.driver_mut().reaping_turns = 3;
            for _ in 0..5 {
                bench.core.driver_mut().deliver(socket, scene.source_addr, b"mediamedia", 5);
            }
        });
    }
}

fn send<D: Driver>(bench: &mut Bench<D>, scene: &Scene<'_>) {
    let to = if bench.link.shard() == ShardId(1) { scene.far_addr } else { scene.from_addr };
    for _ in 0..20 {
        scene.source.send_to(b"media", to).unwrap();
    }
}

#[test]
fn on_epoll() {
    for phase in PHASES {
        survives(phase, epoll, send);
    }
}

#[test]
fn on_uring() {
    if uring().is_none() {
        return;
    }
    for phase in PHASES {
        survives(phase, || uring().unwrap(), send);
    }
}

#[cfg(feature = "host-glommio")]
#[test]
fn on_glommio() {
    use net::glommio::GlommioDriver;
    let config = EpollConfig { sockets: 64, ..EpollConfig::default() };
    if GlommioDriver::new(config).is_err() {
        return;
    }
    for phase in PHASES {
        survives(phase, || Polling(GlommioDriver::new(config).unwrap()), send);
    }
}

#[test]
fn an_engine_that_panics_while_being_dropped_is_replaced_too() {
    let make = |made| if made == 1 { Relay::fragile() } else { Relay::default() };
    let mut bench = Bench::with(SimDriver::new(), &config(0), make);
    bench.transport(peer(1));
    bench.submit(Command::PanicIn(Phase::Publish));
    bench.ticks(4);
    let [FromShard::Reply(..), FromShard::Panicked(report)] = &bench.inbox[..] else {
        panic!("{:?}", bench.inbox)
    };
    assert_eq!(report.drop_message.as_deref(), Some("asked to panic when dropped"));
    assert_eq!(bench.ask(Command::Echo), Reply::Done);
    assert_eq!(bench.core.driver_mut().occupied(), 0);
}

#[test]
fn commands_that_come_while_sockets_are_reaped_wait_for_the_next_engine() {
    let mut bench = Bench::new(SimDriver::new());
    bench.core.driver_mut().reaping_turns = 5;
    bench.transport(peer(1));
    bench.submit(Command::PanicIn(Phase::Commands));
    let lost = bench.submit(Command::Echo);
    let answered = bench.submit(Command::Echo);
    bench.ticks(2);
    assert!(
        !bench.inbox.iter().any(|message| matches!(message, FromShard::Panicked(_))),
        "before the port is free"
    );
    bench.ticks(10);
    let position =
        |wanted: &dyn Fn(&FromShard<Reply, u32>) -> bool| bench.inbox.iter().position(wanted).unwrap();
    let lost = position(&|message| matches!(message, FromShard::Lost(request) if *request == lost));
    let panicked = position(&|message| matches!(message, FromShard::Panicked(_)));
    let answered = position(
        &|message| matches!(message, FromShard::Reply(request, Reply::Done) if *request == answered),
    );
    assert!(lost < panicked && panicked < answered);
}

#[test]
fn a_shard_without_an_engine_answers_every_command() {
    let make = |made: u32| if made < 2 { Relay::default() } else { panic!("no more engines") };
    let mut bench = Bench::with(SimDriver::new(), &config(0), make);
    bench.submit(Command::PanicIn(Phase::Publish));
    bench.ticks(5);
    let phases: Vec<_> = bench
        .inbox
        .iter()
        .filter_map(
            |message| if let FromShard::Panicked(report) = message { Some(report.phase) } else { None },
        )
        .collect();
    assert_eq!(phases, [Phase::Publish, Phase::Start], "said once each");
    let request = bench.submit(Command::Echo);
    bench.ticks(2);
    assert!(bench.inbox.iter().any(|message| matches!(message, FromShard::Lost(lost) if *lost == request)));
}

#[test]
fn stopping_closes_everything_and_says_so() {
    let mut bench = Bench::new(SimDriver::new());
    bench.core.driver_mut().reaping_turns = 3;
    bench.transport(peer(1));
    let owed = bench.submit(Command::Forget);
    bench.tick();
    assert!(bench.control.stop());
    bench.tick_until("stopped", |bench| bench.core.has_stopped());
    let [FromShard::Lost(request), FromShard::Stopped { drop_message: None }] = &bench.inbox[..] else {
        panic!("{:?}", bench.inbox)
    };
    assert_eq!((*request, bench.core.driver_mut().occupied()), (owed, 0));
    let _: io::Result<()> = bench.core.wait();
    let late = bench.submit(Command::Echo);
    drop(bench.core);
    let last: Vec<_> = std::iter::from_fn(|| bench.control.next_message()).collect();
    assert!(matches!(last[..], [FromShard::Lost(request)] if request == late), "{last:?}");
}

#[test]
fn a_shard_that_control_does_not_listen_to_sleeps_over_the_commands_that_wait() {
    let mut config = config(0);
    config.queues.events = 1;
    let mut bench = Bench::with(SimDriver::new(), &config, |_| Relay::default());
    let tick = |bench: &mut Bench<SimDriver>| {
        bench.now += Duration::from_micros(100);
        bench.core.wait().unwrap();
        bench.core.tick(bench.now);
    };
    // One event, and the queue has no room left for the report.
    bench.submit(Command::Emit(1));
    tick(&mut bench);
    bench.submit(Command::PanicIn(Phase::Commands));
    bench.submit(Command::Echo);
    bench.submit(Command::Echo);
    (0..4).for_each(|_| tick(&mut bench));
    let retry = bench.now + Duration::from_millis(1) - Duration::from_micros(100);
    assert_eq!(bench.core.driver_mut().last_wait, Some(Wait::Until(retry)));
    bench.ticks(4);
    let last = bench.inbox.last();
    assert!(matches!(last, Some(FromShard::Reply(_, Reply::Done))), "the next engine answers: {last:?}");
}

#[test]
fn a_second_stop_changes_nothing() {
    let mut bench = Bench::with(SimDriver::new(), &config(0), |_| Relay::fragile());
    assert!(bench.control.stop() && bench.control.stop());
    bench.tick_until("stopped", |bench| bench.core.has_stopped());
    let [FromShard::Stopped { drop_message }] = &bench.inbox[..] else { panic!("{:?}", bench.inbox) };
    assert_eq!(drop_message.as_deref(), Some("asked to panic when dropped"));
}

#[test]
fn a_shard_that_breaks_tells_control_and_owes_nothing() {
    let mut config = config(0);
    config.queues.events = 1;
    let mut bench = Bench::with(SimDriver::new(), &config, |_| Relay::fragile());
    bench.submit(Command::Emit(1));
    let owed = bench.submit(Command::Forget);
    bench.core.wait().unwrap();
    bench.core.tick(bench.now);
    let waiting = bench.submit(Command::Echo);
    assert!(bench.sleeper.prepare(&mut || true));
    drop(bench.core);
    assert!(bench.sleeper.drain(), "woken");
    let mut messages = std::iter::from_fn(|| bench.control.next_message()).skip(1);
    let Some(FromShard::Lost(first)) = messages.next() else { panic!("no answer") };
    let Some(FromShard::Lost(second)) = messages.next() else { panic!("no answer") };
    assert_eq!((first, second), (owed, waiting));
    assert!(matches!(messages.next(), Some(FromShard::Broken)), "though no event had room");
    assert!(messages.next().is_none());
    drop(messages);
    assert_eq!(bench.control.unanswered(), 0);
}
