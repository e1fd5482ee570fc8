//! Once its queues have been as long as they get, a router allocates nothing per packet.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use allocation_counter::measure;
use sfu::router::Outcome;
use sfu::{Router, TransportKey};
use support::{consume, produce, write};
use wire::Mono;
use wire::rtp::View;

#[test]
fn a_warm_router_allocates_nothing() {
    let mut room = Room::new();
    room.ticks(0..2);
    // Across a rollover of the producer's numbers, and with losses.
    let counted = measure(|| room.ticks(2..8_000));
    assert_eq!(counted.count_total, 0);
    assert!(room.copies > 100_000, "{} copies", room.copies);
}

#[test]
fn the_count_sees_an_allocation() {
    let counted = measure(|| Room::new().ticks(0..1));
    assert!(counted.count_total > 0);
}

/// Two producers, ten consumers of each, and the buffers of who drives it.
struct Room {
    router: Router<u32>,
    from: TransportKey,
    packet: Vec<u8>,
    dirty: Vec<TransportKey>,
    released: Vec<u32>,
    copies: u64,
}

impl Room {
    fn new() -> Self {
        let mut router = Router::new();
        let from = router.add_transport();
        let producers = [5, 6].map(|ssrc| produce(&mut router, from, ssrc).unwrap());
        for number in 0..10 {
            let to = router.add_transport();
            router.connect(to);
            for (producer, kind) in producers.into_iter().zip(1..) {
                consume(&mut router, to, producer, number * 10 + kind).unwrap();
            }
        }
        let (packet, dirty, released) = (Vec::with_capacity(100), Vec::new(), Vec::new());
        Self { router, from, packet, dirty, released, copies: 0 }
    }

    /// Each tick five packets of each producer, of which a few are missing and one comes again.
    fn ticks(&mut self, ticks: std::ops::Range<u32>) {
        for tick in ticks {
            for number in [0, 1, 3, 2, 2] {
                let sequence = u16::try_from((tick * 9 + number) % 65_536).unwrap();
                for ssrc in [5, 6] {
                    write(&mut self.packet, ssrc, sequence);
                    let view = View::parse(&self.packet).unwrap();
                    let outcome = self.router.receive(Mono::ZERO, self.from, tick, &view);
                    assert!(matches!(outcome, Outcome::Forwarded(10) | Outcome::Not(_)));
                }
            }
            self.router.take_dirty(&mut self.dirty);
            for transport in self.dirty.drain(..) {
                self.router.flush(transport, &mut |_| self.copies += 1);
            }
            self.router.finish(&mut self.released);
            self.released.clear();
        }
    }
}
