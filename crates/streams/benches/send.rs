//! Nanoseconds of what sending costs in streams: a packet kept, a copy recorded, a number asked for.
//!
//! `cargo bench -p streams --bench send` prints medians of many rounds.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::hint::black_box;
use std::time::Instant;

use streams::send::{At, Keeping, Origin, SentLog, Store, Written};
use wire::Mono;

fn main() {
    let mut store: Store<u64, [u64; 8]> = Store::new(Keeping::Video);
    let mut left = 0_u64;
    let keep = measure(|sequence| {
        let at = At { run: 0, sequence };
        let kept = store.insert(moment(sequence), at, (sequence, [sequence; 8]), &mut |slot| left += slot);
        black_box(kept).is_ok()
    });
    let mut log = SentLog::new(Keeping::Video);
    let record = measure(|index| {
        log.record(
            moment(index),
            (index, 7),
            origin(index),
            Written { abs_send_time: [1, 2, 3], ..Written::default() },
        );
        true
    });
    let newest = ROUNDS * BATCH - 1;
    let ask = measure(|number| {
        let sequence = origin(newest - number % 250).sequence;
        black_box(log.ask(moment(newest), None, sequence)).is_ok() && store.get(0, sequence).is_some()
    });
    println!("{:>12} {:>12} {:>12}", "ns per keep", "ns per copy", "ns per ask");
    println!("{keep:>12.1} {record:>12.1} {ask:>12.1}   ({left} left)");
}

/// A packet each 6 ms: 1.5 Mbit/s.
const fn moment(number: u64) -> Mono {
    Mono::from_nanos(number * 6_000_000)
}

const fn origin(index: u64) -> Origin {
    let [.., high, low] = index.to_be_bytes();
    Origin { sequence: u16::from_be_bytes([high, low]), run: 0, encoding: 0 }
}

/// The median over rounds, of one call.
fn measure(mut call: impl FnMut(u64) -> bool) -> f64 {
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let start = Instant::now();
        for at in 0..BATCH {
            assert!(call(round * BATCH + at));
        }
        times.push(start.elapsed().as_nanos());
    }
    times.sort_unstable();
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    f64::from(u32::try_from(middle).unwrap_or(u32::MAX)) / 1_000.0
}

const ROUNDS: u64 = 500;
const BATCH: u64 = 1_000;
