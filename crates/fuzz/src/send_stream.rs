//! A receiver that says whatever it wants: NACKs for anything and report blocks about anything, into one send stream.

use core::time::Duration;

use std::collections::BTreeMap;

use streams::send::{At, Keeping, Origin, Reception, SentLog, Store, Tally, Written};
use wire::rtcp::{Compound, Packet};
use wire::{Mono, Ntp};

use crate::input::Input;

/// Whatever is said, only what was sent goes again, the very packet that was meant, not twice in a row, and not more than
/// was sent; what is kept is bounded and given back; round trips and scores stay within what they can be.
pub fn send_stream(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.u8();
    let keeping = if flags & 1 == 0 { Keeping::Video } else { Keeping::Audio };
    let mut under_test = UnderTest::new(keeping, u64::from(input.u16()) | u64::from(flags >> 1) << 16);
    while !input.is_empty() {
        under_test.step(&mut input);
    }
    under_test.end();
}

struct UnderTest {
    store: Store<u64, ()>,
    log: SentLog,
    tally: Tally,
    reception: Reception,
    now: Mono,
    /// Of the source, and of the stream.
    at: At,
    index: u64,
    /// By index, the packet of the source that was sent under it.
    sent: BTreeMap<u64, At>,
    /// References that went in and did not come out.
    held: usize,
}

impl UnderTest {
    fn new(keeping: Keeping, index: u64) -> Self {
        Self {
            store: Store::new(keeping),
            log: SentLog::new(keeping),
            tally: Tally::default(),
            reception: Reception::new(),
            now: Mono::ZERO + Duration::from_secs(1),
            at: At { run: 0, sequence: 1 << 16 },
            index,
            sent: BTreeMap::new(),
            held: 0,
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let kind = input.u8();
        self.now += Duration::from_millis(u64::from(input.u8()) << (kind >> 5));
        match kind % 6 {
            0..=2 => self.send(u64::from(kind >> 6)),
            3 => self.send(u64::from(input.u16() % 3_000)),
            4 => (self.at.run, self.at.sequence) = (self.at.run.wrapping_add(1), 1 << 16),
            _ => self.hear(input.slice()),
        }
        assert!(self.store.len() == self.held && self.held <= 2_500);
        assert!(self.log.memory() <= 4_096 * 24 && self.store.memory() <= 1 << 18);
    }

    /// The next packet but so many.
    fn send(&mut self, missing: u64) {
        self.at.sequence += missing + 1;
        self.index += missing + 1;
        let Self { store, held, .. } = self;
        let before = *held;
        let mut left = 0;
        let kept = store.insert(self.now, self.at, (self.index, ()), &mut |_| left += 1);
        assert!(kept.is_ok(), "it is the newest");
        *held = before + 1 - left;
        self.log.record(
            self.now,
            (self.index, 7),
            origin(self.at),
            Written { transport_sequence: 0, abs_send_time: [0; 3], padding: 0 },
        );
        self.tally.send(100);
        self.sent.insert(self.index, self.at);
    }

    fn hear(&mut self, bytes: &[u8]) {
        let Ok(compound) = Compound::parse(bytes) else { return };
        for packet in compound.packets().flatten() {
            match packet {
                Packet::Nack(nack) => nack.sequences().take(1_000).for_each(|number| self.asked(number)),
                Packet::ReceiverReport(report) => {
                    let now = Ntp(3_900_000_000 << 32).after(self.now.since(Mono::ZERO));
                    for block in report.reports.iter() {
                        self.reception.hear(now, &block, self.tally.packets);
                    }
                }
                _ => {}
            }
        }
        assert!(self.reception.score() <= 10);
        assert!(self.reception.round_trip().is_none_or(|time| time <= Duration::from_secs(10)));
    }

    fn asked(&mut self, number: u16) {
        let round_trip = self.reception.round_trip();
        let Ok(sent) = self.log.ask(self.now, round_trip, number) else { return };
        let Some(index) = self.log.index(number) else { unreachable!("it was sent") };
        let meant = self.sent[&index];
        assert_eq!(sent.origin(), origin(meant));
        if let Some(kept) = self.store.get(sent.origin().run, sent.origin().sequence) {
            assert_eq!((kept.sequence, kept.slot), (meant.sequence, index));
            let first = self.log.repeat(self.now, number);
            self.reception.repeats.repeat(first);
            assert!(self.log.ask(self.now, round_trip, number).is_err(), "it has just gone");
            assert!(self.reception.repeats.repaired <= self.tally.packets, "each counts once");
            assert!(self.reception.repeats.retransmitted <= self.tally.packets + 64);
        }
    }

    fn end(&mut self) {
        let mut left = 0;
        self.store.clear(&mut |_| left += 1);
        assert_eq!((left, self.store.len()), (self.held, 0));
    }
}

fn origin(at: At) -> Origin {
    let [.., a, b] = at.sequence.to_be_bytes();
    let [.., c, d] = at.run.to_be_bytes();
    Origin { sequence: u16::from_be_bytes([a, b]), run: u16::from_be_bytes([c, d]), encoding: 0 }
}
