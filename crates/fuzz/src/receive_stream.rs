//! A sender that says whatever it wants, over a transport in the clear: media and retransmissions with any numbers, and
//! compounds with any reports, into one receive stream and what its transport knows.

use core::time::Duration;

use streams::receive::{Arrivals, Arrived, Counters, ReceiveStream, SenderClock, Setup};
use wire::rtcp::{Builder, Compound, Packet, TransportCc};
use wire::rtp::{View, rtx};
use wire::{Mono, Ntp, Ssrc};

use crate::input::Input;

/// Whatever comes, what is counted only grows, what is asked for is bounded and was never received, what is reported can
/// be written, and nothing was captured far from when it came.
pub fn receive_stream(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.u8();
    let setup = Setup {
        clock_rate: [90_000, 48_000, 8_000, 0][usize::from(flags >> 3 & 3)],
        nack: flags & 1 != 0,
        dtx: flags & 2 != 0,
        watched: flags & 4 != 0,
    };
    let mut under_test = UnderTest::new(&setup, input.u16());
    while !input.is_empty() {
        under_test.step(&mut input);
    }
}

struct UnderTest {
    stream: ReceiveStream,
    arrivals: Arrivals,
    clock: SenderClock,
    now: Mono,
    before: Counters,
    asked: Vec<u16>,
    deltas: Vec<Option<i16>>,
}

impl UnderTest {
    fn new(setup: &Setup, sequence: u16) -> Self {
        let now = Mono::ZERO + Duration::from_secs(1);
        let first = Arrived { at: now, sequence, timestamp: 0, len: 100 };
        let mut stream = ReceiveStream::new(setup, &first);
        assert!(stream.take(&first).is_some(), "the first is believed");
        Self {
            before: stream.counters(),
            stream,
            arrivals: Arrivals::new(),
            clock: SenderClock::default(),
            now,
            asked: Vec::new(),
            deltas: Vec::new(),
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let kind = input.u8();
        self.now += Duration::from_millis(u64::from(input.u8()) << (kind >> 5));
        match kind % 8 {
            0 | 1 => self.media(input),
            2 => self.retransmission(input.slice()),
            3 => self.compound(input.slice()),
            4 => self.arrivals.arrived(input.u16(), self.now),
            5 => self.stream.pause(),
            6 => self.stream.resume(self.now),
            _ => drop(self.stream.check_silence(self.now)),
        }
        self.ask();
        self.feed_back();
        self.compare();
    }

    fn media(&mut self, input: &mut Input<'_>) {
        let (sequence, timestamp) = (input.u16(), input.u32());
        let taken = self.stream.take(&Arrived { at: self.now, sequence, timestamp, len: 100 });
        if let Some(taken) = taken {
            if timestamp % 7 == 0 {
                self.stream.saw_key_frame(&taken.standing);
            }
            let arrived = wall_clock(self.now);
            let age = arrived.units_since(self.stream.captured(timestamp, &self.clock, arrived));
            assert!((-SECOND..=10 * SECOND).contains(&age), "{age}");
        }
    }

    fn retransmission(&mut self, packet: &[u8]) {
        let Ok(view) = View::parse(packet) else { return };
        let original = rtx::open(&view).map(|original| original.sequence);
        let (sequence, timestamp) = (view.sequence(), view.timestamp());
        let packet = Arrived { at: self.now, sequence, timestamp, len: packet.len() };
        let taken = self.stream.take_rtx(&packet, original);
        assert!(taken.is_none() || original.is_some(), "nothing was carried");
        if let Some(original) = original.filter(|_| taken.is_some()) {
            // It is missing no more: the same again is of no use.
            let again = Arrived { sequence: sequence.wrapping_add(1), ..packet };
            assert_eq!(self.stream.take_rtx(&again, Some(original)), None);
        }
    }

    fn compound(&mut self, bytes: &[u8]) {
        let Ok(compound) = Compound::parse(bytes) else { return };
        for packet in compound.packets().flatten() {
            if let Packet::SenderReport(report) = packet {
                self.stream.heard(self.now, &report.info);
                self.stream.heard_of_rtx(self.now, &report.info);
                self.clock.heard(report.info.ntp, wall_clock(self.now));
            }
        }
    }

    fn ask(&mut self) {
        let wanted = self.stream.nacks_at().is_some_and(|at| at <= self.now);
        self.asked.clear();
        self.stream.poll_nacks(self.now, None, &mut self.asked);
        assert!(self.asked.len() <= 1_000);
        assert!(wanted || self.asked.is_empty(), "it did not say so");
        assert!(self.stream.nacks_at().is_none_or(|at| at > self.now), "it would be asked for ever");
    }

    fn feed_back(&mut self) {
        let mut reports = 0;
        while let Some(report) = self.arrivals.report(self.now, &mut self.deltas) {
            let feedback = TransportCc {
                sender: Ssrc(1),
                media: Ssrc(2),
                base_sequence: report.base_sequence,
                reference_64_millis: report.reference_64_millis,
                feedback_count: report.count,
                delta_ticks: &self.deltas,
            };
            let mut out = [0; 1_292];
            assert_eq!(Builder::new(&mut out).push(&feedback), Ok(()));
            reports += 1;
            assert!(reports < 5_000, "it never ends");
        }
        assert!((0.0..=1.0).contains(&self.arrivals.loss()));
    }

    fn compare(&mut self) {
        let block = self.stream.report(Ssrc(2), self.now);
        assert_eq!(block.fraction_lost, self.stream.fraction_lost());
        self.stream.rtx_report(Ssrc(3), self.now);
        let (before, after) = (self.before, self.stream.counters());
        let pairs = [
            (before.packets, after.packets),
            (before.bytes, after.bytes),
            (before.lost, after.lost),
            (before.discarded, after.discarded),
            (before.retransmitted, after.retransmitted),
            (before.repaired, after.repaired),
            (before.nacks, after.nacks),
            (before.nacked, after.nacked),
            (before.rtx_discarded, after.rtx_discarded),
        ];
        assert!(pairs.iter().all(|(before, after)| before <= after), "{before:?} {after:?}");
        assert!(after.repaired <= after.packets && self.stream.score() <= 10);
        self.before = after;
    }
}

fn wall_clock(at: Mono) -> Ntp {
    Ntp(3_900_000_000 << 32).after(at.since(Mono::ZERO))
}

const SECOND: i64 = 1 << 32;
