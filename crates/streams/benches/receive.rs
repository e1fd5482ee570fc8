//! Nanoseconds of what receiving costs in streams: a packet in order, one of which a neighbour is lost and repaired, the
//! time of capture, a packet in transport-wide feedback.
//!
//! `cargo bench -p streams --bench receive` prints medians of many rounds.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::hint::black_box;
use std::time::Instant;

use streams::receive::{Arrivals, Arrived, ReceiveStream, SenderClock, Setup};
use wire::rtcp::SenderInfo;
use wire::{Mono, Ntp};

fn main() {
    let mut stream = begun();
    let in_order = measure(|number| stream.take(&packet(number)).is_some());
    let mut stream = begun();
    let mut asked = Vec::new();
    let lossy = measure(|number| {
        if number % 20 == 10 {
            return true;
        }
        if number % 20 == 15 {
            asked.clear();
            stream.poll_nacks(moment(number), None, &mut asked);
            stream.take_rtx(&packet(number / 20), asked.first().copied());
        }
        stream.take(&packet(number)).is_some()
    });
    let mut clock = SenderClock::default();
    let info = SenderInfo { ntp: Ntp(7 << 32), rtp_timestamp: 0, ..SenderInfo::default() };
    stream.heard(moment(0), &info);
    clock.heard(info.ntp, Ntp(900 << 32));
    let captured = measure(|number| {
        let timestamp = packet(number).timestamp % 90_000;
        black_box(stream.captured(timestamp, &clock, Ntp(901 << 32))) != Ntp(0)
    });
    let (mut arrivals, mut deltas) = (Arrivals::new(), Vec::new());
    let feedback = measure(|number| {
        arrivals.arrived(packet(number).sequence, moment(number));
        if number % 17 == 0 {
            black_box(arrivals.report(moment(number), &mut deltas));
        }
        true
    });
    println!("{:>12} {:>12} {:>12} {:>12}", "ns in order", "ns at 5 %", "ns captured", "ns feedback");
    println!("{in_order:>12.1} {lossy:>12.1} {captured:>12.1} {feedback:>12.1}");
}

fn begun() -> ReceiveStream {
    let setup = Setup { clock_rate: 90_000, nack: true, dtx: false, watched: true };
    ReceiveStream::new(&setup, &packet(0))
}

fn packet(number: u64) -> Arrived {
    let [_, _, _, _, a, b, c, d] = (number / 5 * 3_000).to_be_bytes();
    let timestamp = u32::from_be_bytes([a, b, c, d]);
    Arrived { at: moment(number), sequence: low(number), timestamp, len: 1_200 }
}

/// A packet each 6 ms: 1.5 Mbit/s.
const fn moment(number: u64) -> Mono {
    Mono::from_nanos(number * 6_000_000)
}

const fn low(number: u64) -> u16 {
    let [.., high, low] = number.to_be_bytes();
    u16::from_be_bytes([high, low])
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
