//! Once warm, forwarding allocates nothing, on any thread of the process.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]
#![expect(unsafe_code, reason = "a global allocator that counts is an unsafe trait")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};

use net::probe::HostChoice;
use shard::{ShardId, StreamId};
use support::relay::Command;
use support::running::{HOSTS, Running};
use support::sim::SimDriver;
use support::{Bench, config, peer};

struct Counting;

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

fn allocations() -> u64 {
    ALLOCATIONS.load(Ordering::Relaxed)
}

/// One test, because whatever runs beside it would be counted too.
#[test]
fn forwarding_allocates_nothing() {
    assert_ne!(allocations(), 0, "the allocator counts");
    support::warm::rooms_allocate_nothing(allocations);
    in_memory(1_000_000);
    for &host in HOSTS {
        let per_wait = if Some(host) == ALLOCATES_TO_WAIT { PER_WAIT } else { 0 };
        if let Some(running) = Running::on(host, 2, config) {
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
    let warm = forward(&mut running, goal / 10);
    let (before, waits) = (allocations(), running.waits());
    forward(&mut running, warm + goal);
    let allocated = allocations() - before;
    let waits = running.waits() - waits;
    assert!(allocated <= per_wait * waits, "{allocated} while {goal} packets were forwarded on two shards");
    running.stop();
}

/// glommio allocates for every wait of its own accord; what a shard forwards without waiting is free there too.
#[cfg(feature = "host-glommio")]
const ALLOCATES_TO_WAIT: Option<HostChoice> = Some(HostChoice::Glommio);
#[cfg(not(feature = "host-glommio"))]
const ALLOCATES_TO_WAIT: Option<HostChoice> = None;
/// Seven were counted.
const PER_WAIT: u64 = 12;
