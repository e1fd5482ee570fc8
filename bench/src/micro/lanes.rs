//! Rings between shards, and waking.

use core::hint::black_box;
use std::io;
use std::thread;

use net::lane::{Sleeper, ring};

use super::{Bench, broken, cpu_ns_of};
use crate::os;

pub(super) fn all(bench: &mut Bench, cores: Option<(usize, usize)>) -> io::Result<()> {
    let (mut producer, mut consumer) = ring::<Item>(CAPACITY);
    bench.batches("ring: push and pop, batches of 64, one thread", ROUNDS * 64, || {
        cpu_ns_of(|| {
            for round in 0..ROUNDS {
                for _ in 0..64 {
                    black_box(producer.push([round; 3]).is_ok());
                }
                producer.publish();
                black_box(consumer.batch(64).map(|[first, ..]| first).sum::<usize>());
            }
        })
    })?;
    bench.batches("ring: two threads, with their waiting", CROSSED, || crossing(cores))?;
    let sleeper = Sleeper::new()?;
    let waker = sleeper.waker();
    bench.each("wake: nobody sleeps", || {
        black_box(waker.wake());
    })
}

/// Items through a ring between two threads. CPU of both ends, most of which is that of asking for a turn while the ring
/// is full or empty: what a hand-over costs, `forward cross` says.
fn crossing(cores: Option<(usize, usize)>) -> io::Result<u64> {
    let (mut producer, mut consumer) = ring::<Item>(CAPACITY);
    let sender = thread::spawn(move || {
        if let Some((_, core)) = cores {
            os::pin_to_core(core)?;
        }
        cpu_ns_of(|| {
            let mut sent = 0;
            while sent < CROSSED {
                for _ in 0..64 {
                    sent += usize::from(sent < CROSSED && producer.push([sent; 3]).is_ok());
                }
                producer.publish();
                if producer.len() == CAPACITY {
                    // Full: whoever shares this core may be the other end.
                    thread::yield_now();
                }
            }
        })
    });
    let mut taken = 0;
    let received = cpu_ns_of(|| {
        while taken < CROSSED && !(consumer.is_abandoned() && consumer.is_empty()) {
            let batch = consumer.batch(64).map(black_box).count();
            taken += batch;
            if batch == 0 {
                thread::yield_now();
            }
        }
    })?;
    let sent = sender.join().map_err(|_| broken("the sending thread panicked"))??;
    Ok(sent + received)
}

/// As large as a hand-over.
type Item = [usize; 3];
const CAPACITY: usize = 1024;
const ROUNDS: usize = 2000;
const CROSSED: usize = 20_000;
