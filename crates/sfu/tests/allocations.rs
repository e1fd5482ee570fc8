//! Once its queues have been as long as they get, nothing is allocated per packet: not on the way in, not in the
//! decisions, not in the flush, with SRTP and without, to local consumers and to another shard; nor for what is kept
//! for being asked for again, what goes again, and reports.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use core::time::Duration;

use allocation_counter::measure;
use model::command::{SrtpKeys, TransportSetup};
use model::key::{ProducerKey, ShardIndex};
use model::transport::SrtpCryptoSuite;
use sfu::{Feed, Output, Packets, Verdict};
use support::parameters::{Repair, bind, bound, connect, encoding, key, open, plain, producing, repairing};
use support::{Host, Keep, consumer, peer, producer, transport, write};

#[test]
fn a_warm_room_allocates_nothing() {
    let mut room = Room::new();
    // Until as much is kept as ever will be.
    room.ticks(0..500);
    // Across a rollover of the producer's numbers, and with losses.
    let counted = measure(|| room.ticks(500..8_000));
    assert_eq!(counted.count_total, 0);
    assert!(room.host.sfu.counters().forwarded > 100_000, "{:?}", room.host.sfu.counters());
    assert!(room.host.sfu.counters().repeated > 10_000, "{:?}", room.host.sfu.counters());
    assert!(room.handed_over > 10_000);
}

#[test]
fn the_count_sees_an_allocation() {
    let counted = measure(|| Room::new().ticks(0..1));
    assert!(counted.count_total > 0);
}

/// Two producers, ten consumers of each, every other one behind SRTP, and a shard that is fed too. Half of them have
/// RTX, and those without SRTP ask for packets again.
struct Room {
    host: Host,
    packet: Vec<u8>,
    /// Which number each stream began with.
    first: [u16; 256],
    handed_over: u64,
}

impl Room {
    fn new() -> Self {
        let mut host = Host::default();
        host.sfu.open_transport(transport(0), &plain(), &bound()).unwrap();
        host.sfu.connect(transport(0), &connect(1, None, None), &mut host.out).unwrap();
        for number in [0, 1] {
            host.sfu.produce(producer(number), &producing(transport(0), &[encoding(5 + number)])).unwrap();
            let feed = Feed { shard: ShardIndex(1), replica: ProducerKey::new(number, 0) };
            host.sfu.open_feed(producer(number), feed, &mut host.out).unwrap();
        }
        for number in 1..=10 {
            let [local, remote] = KEYS.map(|text| key(SrtpCryptoSuite::AeadAes128Gcm, text));
            let keys = (number % 2 == 0).then_some(SrtpKeys { local, remote });
            let srtp = keys.as_ref().map(|keys| keys.local.clone());
            let setup = TransportSetup::Plain { bind: bind(), rtcp_bind: None, comedia: false, srtp };
            host.sfu.open_transport(transport(number), &open(setup), &bound()).unwrap();
            host.sfu.connect(transport(number), &connect(1, None, keys), &mut host.out).unwrap();
            for of in [0, 1] {
                let ssrc = number * 10 + of;
                let repair = if number % 4 < 2 { Repair::Rtx(ssrc + 1_000) } else { Repair::Plain };
                let open = repairing(transport(number), producer(of), ssrc, repair);
                host.sfu.consume(consumer(number * 2 + of), &open, &mut host.out).unwrap();
            }
        }
        host.out.clear();
        Self { host, packet: Vec::with_capacity(100), first: [0; 256], handed_over: 0 }
    }

    /// Each peer without SRTP misses two packets of this tick.
    fn ask(&mut self, tick: u32) {
        for (number, of) in (1..=10).step_by(2).flat_map(|number| [(number, 0), (number, 1)]) {
            let ssrc = u8::try_from(number * 10 + of).unwrap();
            let sent = u16::try_from(tick * 9 % 65_536).unwrap();
            let [high, low] = self.first[usize::from(ssrc)].wrapping_add(sent).to_be_bytes();
            let nack = [0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, ssrc, high, low, 0, 0b10];
            assert_eq!(self.host.receive(transport(number), peer(1), &nack), Verdict::Taken);
            if tick.is_multiple_of(100) {
                self.host.timeout(transport(number));
            }
        }
    }

    /// Learns from the first packets which numbers the streams begin with.
    fn learn(&mut self) {
        for packet in self.host.left().iter().rev().filter(|packet| packet[1] & 0x7f == 101) {
            self.first[usize::from(packet[11])] = u16::from_be_bytes([packet[2], packet[3]]);
        }
        self.host.wire.keeps = Keep::Nothing;
    }

    /// Each tick five packets of each producer, of which a few are missing and one comes again.
    fn ticks(&mut self, ticks: std::ops::Range<u32>) {
        for tick in ticks {
            self.host.now += Duration::from_millis(5);
            for number in [0, 1, 3, 2, 2] {
                let sequence = u16::try_from((tick * 9 + number) % 65_536).unwrap();
                for ssrc in [5, 6] {
                    write(&mut self.packet, ssrc, sequence);
                    let verdict = self.host.receive(transport(0), peer(1), &self.packet);
                    assert_eq!(verdict, Verdict::Taken, "the other shard gets even the repetition");
                }
            }
            self.host.finish();
            if tick == 0 {
                self.learn();
            }
            self.ask(tick);
            self.host.finish();
            for output in self.host.out.others.drain(..) {
                if let Output::HandOver(packet) = output {
                    self.host.memory.release(packet.slot);
                    self.handed_over += 1;
                }
            }
            assert_eq!(self.host.memory.held(), self.host.sfu.stored());
        }
    }
}

/// 28 bytes.
const KEYS: [&str; 2] =
    ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw==", "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw=="];
