//! Pool and timers.

use core::hint::black_box;
use core::time::Duration;
use std::io;

use net::{Pool, PoolSizing};
use shard::Timers;
use wire::Mono;

use super::{Bench, broken};
use crate::case::u64_of;

pub(super) fn all(bench: &mut Bench) -> io::Result<()> {
    pool(bench)?;
    timers(bench)
}

fn pool(bench: &mut Bench) -> io::Result<()> {
    let mut pool = Pool::new(&PoolSizing::new().with("the bench", 64, 64))?;
    for bytes in [1200, 160] {
        let packet = vec![0xA5; bytes];
        bench.each(&format!("pool: fill and release, {bytes} bytes"), || {
            let copy = |slot: &mut [u8]| {
                slot.get_mut(..packet.len())?.copy_from_slice(black_box(&packet));
                Some(packet.len())
            };
            if let Ok(slot) = pool.fill(packet.len(), copy) {
                black_box(pool.bytes(slot).map(<[u8]>::len));
                pool.release(slot);
            }
        })?;
    }
    let slot = pool.fill(1, |_| Some(1)).map_err(broken)?;
    bench.each("pool: retain and release", || {
        black_box(pool.retain(black_box(slot)));
        pool.release(slot);
    })?;
    bench.each("pool: lend and take back", || {
        if let Some(loan) = pool.lend(black_box(slot)) {
            pool.take_back(loan);
        }
    })
}

/// With as many timers armed as a thousand transports have.
fn timers(bench: &mut Bench) -> io::Result<()> {
    let mut timers = Timers::with_capacity(2 * ARMED);
    let far = |index: usize| Mono::from_nanos(3_600_000_000_000 + u64_of(index) * 1_000_003);
    for index in 0..ARMED {
        timers.arm(far(index), index);
    }
    let mut now = Mono::ZERO;
    bench.each("timers: arm and cancel, 4000 armed", || {
        let key = timers.arm(black_box(now + Duration::from_millis(20)), 1);
        black_box(timers.cancel(key));
    })?;
    let key = timers.arm(now + Duration::from_millis(20), 1);
    let mut step = 0;
    bench.each("timers: move, 4000 armed", || {
        step = (step + 7) % 50;
        black_box(timers.rearm(key, now + Duration::from_millis(20 + step)));
    })?;
    timers.cancel(key);
    bench.each("timers: arm and fire 1 ms later, 4000 armed", || {
        timers.arm(now + Duration::from_millis(1), 1);
        now += Duration::from_millis(2);
        black_box(timers.pop_due(now));
    })?;
    bench.each("timers: nothing due, 4000 armed", || {
        now += Duration::from_micros(10);
        black_box(timers.pop_due(now));
        black_box(timers.next_deadline());
    })
}

const ARMED: usize = 4000;
