//! Once warm, forwarding allocates nothing, on any thread of the process.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]
#![expect(unsafe_code, reason = "a global allocator that counts is an unsafe trait")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use net::epoll::{EpollConfig, EpollDriver};
use net::lane::Sleeper;
use net::probe::HostChoice;
use net::uring::{UringConfig, UringDriver};
use net::{Driver, Listener, Pool, Ports, SocketConfig};
use shard::{RequestId, ShardCore, ShardId, StreamId, TransportKey};
use support::gate::{self, Gate};
use support::polling::Polling;
use support::relay::Command;
use support::running::{HOSTS, Running};
use support::sim::SimDriver;
use support::warm::{GROWTH_LIMIT, PARTS};
use support::{Bench, config, peer};
use wire::Mono;

struct Counting;

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static HAS_BEGUN: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// This thread is the one that the process began with: the harness's, which after a minute says that a test is slow.
    static IS_HARNESS: Cell<bool> = const { Cell::new(false) };
}

fn count() {
    if !HAS_BEGUN.swap(true, Ordering::Relaxed) {
        IS_HARNESS.set(true);
    }
    if !IS_HARNESS.get() {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    }
}

fn allocations() -> u64 {
    ALLOCATIONS.load(Ordering::Relaxed)
}

/// One test, because whatever runs beside it would be counted too.
#[test]
fn forwarding_allocates_nothing() {
    // Not on the thread of the harness, wherever that runs its tests.
    std::thread::spawn(play).join().unwrap();
}

fn play() {
    assert_ne!(allocations(), 0, "the allocator counts");
    support::warm::rooms_allocate_nothing(allocations);
    in_memory(1_000_000);
    let config = EpollConfig { sockets: 16, ..EpollConfig::default() };
    over_tcp(Polling(EpollDriver::new(config).unwrap()), 50_000);
    if let Ok(driver) = UringDriver::new(UringConfig { sockets: 16, ..UringConfig::default() }) {
        over_tcp(Polling(driver), 50_000);
    }
    for &host in HOSTS {
        let per_wait = if Some(host) == ALLOCATES_TO_WAIT { PER_WAIT } else { 0 };
        if let Some(running) = Running::on(host, 2, support::config) {
            on_threads(running, 500_000, per_wait);
        }
    }
}

fn in_memory(goal: u64) {
    let mut bench = Bench::new(SimDriver::new());
    let (source, socket) = bench.transport(peer(1));
    for port in 10..20 {
        let (consumer, _) = bench.transport(peer(port));
        bench.ask(Command::Subscribe(source, consumer));
    }
    bench.core.driver_mut().keep = false;
    let mut round = || {
        for _ in 0..8 {
            bench.core.driver_mut().deliver(socket, peer(1), &[7; 1200], 300);
        }
        // And a stranger.
        bench.core.driver_mut().deliver(socket, peer(99), b"noise", 5);
        bench.tick();
    };
    (0..100).for_each(|_| round());
    let before = allocations();
    let rounds = goal / (8 * 4 * 10);
    (0..rounds).for_each(|_| round());
    assert_eq!(allocations() - before, 0, "while {goal} packets were forwarded");
    let sent = net::Driver::counters(bench.core.driver_mut()).sent_datagrams;
    assert_eq!(sent, (rounds + 100) * 8 * 4 * 10);
}

/// Somebody on this thread sends frames over TCP, whole and in pieces, and reads the answers.
fn over_tcp<D: Driver>(driver: D, goal: usize) {
    let config = config(0);
    let sleeper = Sleeper::new().unwrap();
    let pool = Pool::new(&config.pool).unwrap();
    let make = Box::new(|_: &mut _| Gate::default());
    let (mut core, mut face) = ShardCore::new(&config, pool, driver, sleeper.waker(), make);
    let listener = SocketConfig::new(Ipv4Addr::LOCALHOST.into(), Ports::Exact(0));
    let listener = Listener::bind(&listener).unwrap();
    let mut peer = TcpStream::connect(listener.local_addr()).unwrap();
    let open = gate::Command::Open(TransportKey::new(1, 0), Some(listener));
    face.control.submit(RequestId(1), open).unwrap();
    face.control.submit(RequestId(2), gate::Command::Mirror).unwrap();
    let mut now = Mono::from_nanos(1);
    let mut tick = || {
        now += Duration::from_micros(100);
        core.wait().unwrap();
        core.tick(now);
    };
    peer.write_all(b"\x00\x0bmine1 hello").unwrap();
    (0..1_000).for_each(|_| tick());
    peer.set_nonblocking(true).unwrap();
    // Its second piece shall not wait for the first to be acknowledged.
    peer.set_nodelay(true).unwrap();
    // Four frames of 200 bytes, and where they are cut.
    let mut frames = [9; 4 * 202];
    frames.chunks_mut(202).for_each(|frame| frame[..2].copy_from_slice(&[0, 200]));
    let mut round = |cut: usize| {
        let mut left = frames.len();
        let (first, second) = frames.split_at(cut);
        for piece in [first, second] {
            peer.write_all(piece).unwrap();
            tick();
        }
        let (mut answers, deadline) = ([0; 1024], Instant::now() + PATIENCE);
        while left > 0 {
            match peer.read(&mut answers) {
                Ok(count) => {
                    assert_ne!(count, 0, "closed");
                    left -= count;
                }
                Err(error) => {
                    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock, "at {cut}");
                    assert!(Instant::now() < deadline, "no answer at {cut}: {left} bytes");
                    std::thread::yield_now();
                    tick();
                }
            }
        }
    };
    (0..frames.len()).for_each(&mut round);
    let before = allocations();
    (0..goal / 4).for_each(|n| round(n % frames.len() / 202 * 202));
    let whole = allocations() - before;
    assert_eq!(whole, 0, "while {goal} frames were answered");
    let before = allocations();
    (0..goal / 4).for_each(|n| round(n % frames.len()));
    let cut = allocations() - before;
    assert_eq!(cut, 0, "while {goal} frames were answered, a quarter of which came in two pieces");
}

/// A source on this thread, a relay on two shards, two sinks each that nobody drains.
fn on_threads(mut running: Running, goal: u64, per_wait: u64) {
    let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (source, sinks) = (bind(), [bind(), bind()]);
    let (key, at) = running.transport(0, source.local_addr().unwrap());
    for sink in sinks.iter().cycle().take(4) {
        let (near, _) = running.transport(0, sink.local_addr().unwrap());
        running.ask(0, Command::Subscribe(key, near));
        let (far, _) = running.transport(1, sink.local_addr().unwrap());
        running.ask(1, Command::Install(ShardId(0), StreamId(1), far));
    }
    running.ask(0, Command::Spread(key, ShardId(1), StreamId(1)));
    source.connect(at).unwrap();
    let forward = |running: &mut Running, until: u64| {
        while running.sent() < until {
            for _ in 0..16 {
                // A full socket buffer only means that the shard is behind.
                let _ = source.send(&[7; 500]);
            }
        }
        running.sent()
    };
    let mut sent = forward(&mut running, goal / 10);
    let allocated: Vec<_> = (0..PARTS)
        .map(|_| {
            let (before, waits) = (allocations(), running.waits());
            sent = forward(&mut running, sent + goal / PARTS);
            let allocated = allocations() - before;
            allocated.saturating_sub(per_wait * (running.waits() - waits))
        })
        .collect();
    let seldom = allocated.iter().sum::<u64>() <= GROWTH_LIMIT;
    assert!(
        seldom && allocated.contains(&0),
        "{allocated:?} while {goal} packets were forwarded on two shards"
    );
    running.stop();
}

/// glommio allocates for every wait of its own accord; what a shard forwards without waiting is free there too.
#[cfg(feature = "host-glommio")]
const ALLOCATES_TO_WAIT: Option<HostChoice> = Some(HostChoice::Glommio);
#[cfg(not(feature = "host-glommio"))]
const ALLOCATES_TO_WAIT: Option<HostChoice> = None;
/// For an answer to come through the kernel, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);
/// Seven were counted.
const PER_WAIT: u64 = 12;
