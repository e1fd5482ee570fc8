//! Nanoseconds per fan-out decision: a packet through listener, producer and every consumer into the queues, and the
//! header of each copy stamped out of them.
//!
//! `cargo bench -p sfu` prints medians of many ticks. Every consumer has a transport of its own.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]
#![expect(clippy::unwrap_used, reason = "a benchmark may stop")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;
use std::time::Instant;

use sfu::{Router, TransportKey};
use support::{consume, produce, write};
use wire::Mono;
use wire::rtp::View;

fn main() {
    println!("{:>9} {:>6} {:>14} {:>14}", "consumers", "burst", "ns per decide", "ns per stamp");
    for consumers in [1, 10, 200, 5_000] {
        for burst in [1, 10] {
            let (decide, stamp) = Room::new(consumers).measure(burst);
            println!("{consumers:>9} {burst:>6} {decide:>14.1} {stamp:>14.1}");
        }
    }
}

struct Room {
    router: Router<u32>,
    from: TransportKey,
    consumers: u32,
}

impl Room {
    fn new(consumers: u32) -> Self {
        let mut router = Router::new();
        let from = router.add_transport();
        let producer = produce(&mut router, from, 5).unwrap();
        for number in 0..consumers {
            let to = router.add_transport();
            router.connect(to);
            consume(&mut router, to, producer, 1_000 + number).unwrap();
        }
        Self { router, from, consumers }
    }

    /// Medians over ticks of `burst` packets: of deciding, and of flushing with a stamp each.
    fn measure(mut self, burst: u16) -> (f64, f64) {
        let ticks = 2_000_000 / (self.consumers * u32::from(burst)).max(100);
        let (mut decides, mut stamps) = (Vec::new(), Vec::new());
        let (mut dirty, mut released, mut header) = (Vec::new(), Vec::new(), [0; 128]);
        let mut sequence = 0_u16;
        let mut packets = vec![Vec::new(); usize::from(burst)];
        for tick in 0..ticks {
            for packet in &mut packets {
                write(packet, 5, sequence);
                sequence = sequence.wrapping_add(1);
            }
            let start = Instant::now();
            for packet in &packets {
                let view = View::parse(packet).unwrap();
                black_box(self.router.receive(Mono::ZERO, self.from, tick, &view));
            }
            decides.push(start.elapsed().as_nanos());
            let start = Instant::now();
            self.router.take_dirty(&mut dirty);
            for transport in dirty.drain(..) {
                self.router.flush(transport, &mut |copy| {
                    copy.plan.stamp(&copy.rewrite.stamp(false), black_box(&mut header)).unwrap();
                });
            }
            stamps.push(start.elapsed().as_nanos());
            self.router.finish(&mut released);
            released.clear();
        }
        let copies = f64::from(self.consumers) * f64::from(burst);
        (median(decides) / copies, median(stamps) / copies)
    }
}

fn median(mut times: Vec<u128>) -> f64 {
    times.sort_unstable();
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    u32::try_from(middle).map_or(f64::INFINITY, f64::from)
}
