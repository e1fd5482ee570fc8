//! Once its queues have been as long as they get, nothing is allocated per packet: not on the way in, not in the
//! decisions, not in the flush, with SRTP and without, to local consumers and to another shard.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use allocation_counter::measure;
use model::command::{SrtpKeys, TransportSetup};
use model::key::{ProducerKey, ShardIndex};
use model::transport::SrtpCryptoSuite;
use sfu::{Feed, Output, Packets, Verdict};
use support::parameters::{bind, bound, connect, consuming, encoding, key, open, plain, producing};
use support::{Host, Keep, consumer, peer, producer, transport, write};

#[test]
fn a_warm_room_allocates_nothing() {
    let mut room = Room::new();
    room.ticks(0..2);
    // Across a rollover of the producer's numbers, and with losses.
    let counted = measure(|| room.ticks(2..8_000));
    assert_eq!(counted.count_total, 0);
    assert!(room.host.sfu.counters().forwarded > 100_000, "{:?}", room.host.sfu.counters());
    assert!(room.handed_over > 10_000);
}

#[test]
fn the_count_sees_an_allocation() {
    let counted = measure(|| Room::new().ticks(0..1));
    assert!(counted.count_total > 0);
}

/// Two producers, ten consumers of each, every other one behind SRTP, and a shard that is fed too.
struct Room {
    host: Host,
    packet: Vec<u8>,
    handed_over: u64,
}

impl Room {
    fn new() -> Self {
        let mut host = Host::default();
        host.wire.keeps = Keep::Nothing;
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
                let open = consuming(transport(number), producer(of), number * 10 + of);
                host.sfu.consume(consumer(number * 2 + of), &open, &mut host.out).unwrap();
            }
        }
        host.out.clear();
        Self { host, packet: Vec::with_capacity(100), handed_over: 0 }
    }

    /// Each tick five packets of each producer, of which a few are missing and one comes again.
    fn ticks(&mut self, ticks: std::ops::Range<u32>) {
        for tick in ticks {
            for number in [0, 1, 3, 2, 2] {
                let sequence = u16::try_from((tick * 9 + number) % 65_536).unwrap();
                for ssrc in [5, 6] {
                    write(&mut self.packet, ssrc, sequence);
                    let verdict = self.host.receive(transport(0), peer(1), &self.packet);
                    assert_eq!(verdict, Verdict::Taken, "the other shard gets even the repetition");
                }
            }
            self.host.finish();
            for output in self.host.out.drain(..) {
                if let Output::HandOver(packet) = output {
                    self.host.memory.release(packet.slot);
                    self.handed_over += 1;
                }
            }
            assert_eq!(self.host.memory.held(), 0);
        }
    }
}

/// 28 bytes.
const KEYS: [&str; 2] =
    ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw==", "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw=="];
