//! Nanoseconds per packet of the receive-side estimate, and its size.
//!
//! `cargo bench -p bwe` prints the median of many rounds: a video of 2.5 Mbit/s in bursts of a frame, alone and with an
//! audio stream between its packets.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use bwe::{Config, RemoteEstimate};
use wire::rtp::values::AbsSendTime;
use wire::{Mono, Ssrc};

fn main() {
    println!("bytes of an estimate: {}", size_of::<RemoteEstimate>());
    for streams in [1, 2] {
        println!("{streams} streams: {:.1} ns per packet", measure(streams));
    }
}

fn measure(streams: u32) -> f64 {
    let mut estimate = RemoteEstimate::new(Config::default());
    let mut now = Mono::ZERO;
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for number in 0..PACKETS {
                // Nine packets a frame, of which one is late by a little.
                now += if number % 9 == 0 { Duration::from_millis(33) } else { Duration::from_micros(150) };
                let sent = AbsSendTime::from_mono(now - Duration::from_micros(u64::from(number % 7) * 40));
                black_box(estimate.packet(now, sent, 1_200, Ssrc(number % streams)));
            }
            black_box(estimate.estimate(now));
            start.elapsed().as_secs_f64() * 1e9 / f64::from(PACKETS)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds.get(rounds.len() / 2).copied().unwrap_or(f64::NAN)
}

const ROUNDS: u32 = 200;
const PACKETS: u32 = 10_000;
