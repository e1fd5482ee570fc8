//! Nanoseconds per copy: a packet through transport, listener, producer and every consumer into the queues, and out of
//! them into runs, in the clear and sealed.
//!
//! `cargo bench -p sfu` prints medians of many ticks. Every consumer has a transport of its own.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]
#![expect(clippy::unwrap_used, reason = "a benchmark may stop")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;
use std::time::Instant;

use model::command::{SrtpKeys, TransportSetup};
use model::transport::SrtpCryptoSuite;
use sfu::Io;
use support::parameters::{bind, bound, connect, consuming, encoding, key, open, plain, producing};
use support::{Host, Keep, consumer, peer, producer, transport, write};
use wire::Mono;

fn main() {
    println!(
        "{:>9} {:>6} {:>14} {:>14} {:>14}",
        "consumers", "burst", "ns per decide", "ns per copy", "ns per seal"
    );
    for consumers in [1, 10, 200, 5_000] {
        for burst in [1, 10] {
            let (decide, copy) = Room::new(consumers, None).measure(burst);
            let (_, seal) = Room::new(consumers, Some(SrtpCryptoSuite::AeadAes128Gcm)).measure(burst);
            println!("{consumers:>9} {burst:>6} {decide:>14.1} {copy:>14.1} {seal:>14.1}");
        }
    }
}

struct Room {
    host: Host,
    consumers: u32,
}

impl Room {
    fn new(consumers: u32, suite: Option<SrtpCryptoSuite>) -> Self {
        let mut host = Host::default();
        host.wire.keeps = Keep::Nothing;
        host.sfu.open_transport(transport(0), &plain(), &bound()).unwrap();
        host.sfu.connect(transport(0), &connect(1, None, None), &mut host.out).unwrap();
        host.sfu.produce(producer(0), &producing(transport(0), &[encoding(5)])).unwrap();
        for number in 1..=consumers {
            let keys = suite.map(|suite| SrtpKeys { local: key(suite, KEY), remote: key(suite, PEERS) });
            let srtp = suite.map(|suite| key(suite, KEY));
            let setup = TransportSetup::Plain { bind: bind(), rtcp_bind: None, comedia: false, srtp };
            host.sfu.open_transport(transport(number), &open(setup), &bound()).unwrap();
            host.sfu.connect(transport(number), &connect(1, None, keys), &mut host.out).unwrap();
            let open = consuming(transport(number), producer(0), 1_000 + number);
            host.sfu.consume(consumer(number), &open, &mut host.out).unwrap();
        }
        Self { host, consumers }
    }

    /// Medians over ticks of `burst` packets: of receiving and deciding, and of flushing.
    fn measure(mut self, burst: u16) -> (f64, f64) {
        let ticks = 2_000_000 / (self.consumers * u32::from(burst)).max(100);
        let (mut decides, mut flushes) = (Vec::new(), Vec::new());
        let mut sequence = 0_u16;
        let mut packets = vec![Vec::new(); usize::from(burst)];
        for tick in 0..ticks {
            for packet in &mut packets {
                write(packet, 5, sequence);
                packet.resize(PACKET_LEN, 7);
                sequence = sequence.wrapping_add(1);
            }
            self.host.now = Mono::from_nanos(u64::from(tick) * 1_000_000);
            let start = Instant::now();
            for packet in &packets {
                black_box(self.host.receive(transport(0), peer(1), packet));
            }
            decides.push(start.elapsed().as_nanos());
            let start = Instant::now();
            let Host { sfu, memory, out, wire, now, .. } = &mut self.host;
            let mut at = 0;
            while let Some(transport) = out.flushes.get(at).copied() {
                sfu.flush(transport, wire, &mut Io { now: *now, packets: memory, out });
                at += 1;
            }
            flushes.push(start.elapsed().as_nanos());
            out.clear();
            sfu.end_tick(&mut Io { now: *now, packets: memory, out });
        }
        let copies = f64::from(self.consumers) * f64::from(burst);
        (median(decides) / copies, median(flushes) / copies)
    }
}

fn median(mut times: Vec<u128>) -> f64 {
    times.sort_unstable();
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    u32::try_from(middle).map_or(f64::INFINITY, f64::from)
}

/// About what a sender of video fills a datagram with.
const PACKET_LEN: usize = 1_200;
/// 28 bytes.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw==";
const PEERS: &str = "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw==";
