#![expect(unsafe_code, reason = "counts allocations")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Read, Write};
use std::time::Duration;

use net::{Driver, Transfer, Transmit, Wait};

use crate::bed::{Bed, LOOPBACK, UNBOUNDED, peer};

/// Counts what this thread allocates; tests run beside each other.
struct Counting;

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

pub(crate) fn a_warm_loop_allocates_nothing<D: Driver>(mut bed: Bed<D>) {
    let (inlet, inlet_addr) = bed.socket();
    let (outlet, outlet_addr) = bed.socket();
    let (_, sink_addr) = bed.socket();
    let (source, _) = peer();
    bed.driver.connect(outlet, Some(sink_addr)).unwrap();
    // glommio allocates for every wait, and nobody can help it: what it forwards without waiting is free.
    let never_waits = bed.driver.name() == "glommio";
    let round = |bed: &mut Bed<D>| {
        for n in 0..4_u8 {
            source.send_to(&[n; 200], inlet_addr).unwrap();
        }
        let mut heard = 0;
        // Four from the source, and what they make: a run of four and four lone ones to the sink.
        while heard < 12 {
            let deadline = bed.clock.read() + Duration::from_secs(5);
            let wait = if never_waits { Wait::Poll } else { Wait::Until(deadline) };
            bed.driver.turn(wait, &mut || true).unwrap();
            let mut from_source = 0;
            bed.driver.receive(bed.clock.read(), UNBOUNDED, &mut |batch| {
                heard += batch.datagrams().len();
                from_source += if batch.socket == inlet { batch.datagrams().len() } else { 0 };
            });
            for _ in 0..from_source {
                bed.driver.reserve(200).fill(7);
                bed.driver.send(transmit(inlet, sink_addr, 200, 200));
                bed.driver.reserve(200).fill(8);
                bed.driver.send(transmit(outlet, sink_addr, 200, 100));
            }
            heard -= from_source;
        }
    };
    for _ in 0..20 {
        round(&mut bed);
    }
    let before = ALLOCATIONS.get();
    for _ in 0..200 {
        round(&mut bed);
    }
    assert_eq!(ALLOCATIONS.get() - before, 0);
    // The oracle can fail.
    drop(Box::new(outlet_addr));
    assert_ne!(ALLOCATIONS.get() - before, 0);
    assert_eq!(outlet_addr.ip(), LOOPBACK);
}

pub(crate) fn a_warm_connection_allocates_nothing<D: Driver>(mut bed: Bed<D>) {
    let listener = crate::stream::listen(&mut bed, LOOPBACK);
    let (key, mut peer) = crate::stream::connected(&mut bed, listener);
    let never_waits = bed.driver.name() == "glommio";
    let mut buffer = [0; 4096];
    let mut round = |bed: &mut Bed<D>| {
        peer.write_all(&[7; 1200]).unwrap();
        let mut heard = 0;
        while heard < 1200 {
            let deadline = bed.clock.read() + Duration::from_secs(5);
            let wait = if never_waits { Wait::Poll } else { Wait::Until(deadline) };
            bed.driver.turn(wait, &mut || true).unwrap();
            while let Some(ready) = bed.driver.next_ready() {
                while let Transfer::Bytes(count) = bed.driver.read(ready, &mut buffer) {
                    heard += count;
                }
            }
        }
        assert_eq!(bed.driver.write(key, &buffer[..1200]), Transfer::Bytes(1200));
        peer.read_exact(&mut buffer[..1200]).unwrap();
    };
    (0..20).for_each(|_| round(&mut bed));
    let before = ALLOCATIONS.get();
    (0..200).for_each(|_| round(&mut bed));
    assert_eq!(ALLOCATIONS.get() - before, 0);
}

const fn transmit(
    socket: net::SocketKey,
    to: std::net::SocketAddr,
    len: usize,
    segment_size: usize,
) -> Transmit {
    Transmit { socket, to, from: None, len, segment_size }
}
