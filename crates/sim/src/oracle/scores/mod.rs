//! Scores are what the protocol's formula makes of what reached the SFU, and control hears of a change with the report that
//! makes it.

mod formula;

use core::time::Duration;
use std::collections::{BTreeMap, HashSet};

use model::event::{ConsumerEvent, Event, ProducerEvent};
use wire::Mono;

pub use formula::{Interval, Scorer, sample};

use super::{Verdict, Wrong};
use crate::media::{Block, Heard, Piece};
use crate::sight::Sight;

/// The oracle.
#[derive(Debug, Default)]
pub struct Scores {
    /// By publisher.
    sources: BTreeMap<usize, Source>,
    /// By subscriber.
    sinks: BTreeMap<usize, Sink>,
    hostile: HashSet<usize>,
    wrong: Wrong,
}

/// A publisher's video as it reaches the SFU.
#[derive(Debug, Default)]
struct Source {
    ssrc: u32,
    seen: HashSet<u32>,
    /// The numbers of pieces begin anywhere, and grow as those of packets do.
    first: Option<u32>,
    highest: u32,
    expected_before: u32,
    interval: Interval,
    /// Whether anything came late: that may count as itself or as a repair of itself.
    has_late: bool,
    judged: Judged,
}

/// A subscriber's video as it leaves the SFU.
#[derive(Debug, Default)]
struct Sink {
    ssrc: u32,
    repaired: HashSet<u32>,
    lost_before: i32,
    interval: Interval,
    judged: Judged,
}

/// A score as it should be and as it was told.
#[derive(Debug)]
struct Judged {
    scorer: Scorer,
    expected: f64,
    told: u8,
    /// When they must agree.
    due: Mono,
    reports: usize,
    lowest: u8,
}

impl Default for Judged {
    fn default() -> Self {
        Self { scorer: Scorer::default(), expected: 10.0, told: 10, due: Mono::NEVER, reports: 0, lowest: 10 }
    }
}

impl Scores {
    /// Sees something.
    pub fn see(&mut self, now: Mono, sight: &Sight<'_>) {
        self.settle(now);
        match sight {
            Sight::Publishes(who, video) => {
                self.sources.insert(*who, Source { ssrc: video.ssrc, ..Source::default() });
            }
            Sight::Subscribes(who, _, watching) => {
                self.sinks.insert(*who, Sink { ssrc: watching.ssrc, ..Sink::default() });
            }
            Sight::Hostile(who) => {
                self.hostile.insert(*who);
            }
            Sight::In(who, packet) => {
                if let (Some((_, piece)), Some(source)) = (packet.piece(), self.sources.get_mut(who)) {
                    source.take(piece);
                }
                packet.heard().iter().for_each(|heard| self.heard(*who, heard, now));
            }
            Sight::Out(who, packet, _) => {
                if let (Some((_, piece)), Some(sink)) = (packet.piece(), self.sinks.get_mut(who)) {
                    sink.send(piece);
                }
            }
            Sight::Event(Some(who), event) => self.told(*who, event),
            _ => {}
        }
    }

    /// What it says.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let told = |(who, judged): (&usize, &Judged)| {
            format!(
                "{who}: {} after {} reports, {} at the lowest",
                judged.told, judged.reports, judged.lowest
            )
        };
        let sources = self.sources.iter().map(|(who, source)| told((who, &source.judged)));
        let sinks = self.sinks.iter().map(|(who, sink)| told((who, &sink.judged))).take(SHOWN);
        let figures = sources
            .map(|told| format!("of publisher {told}"))
            .chain(sinks.map(|told| format!("of subscriber {told}")));
        Verdict { oracle: "scores", wrong: self.wrong.clone(), figures: figures.collect() }
    }

    /// What was told last of a publisher's or subscriber's video.
    #[must_use]
    pub fn told_of(&self, who: usize) -> Option<u8> {
        let source = self.sources.get(&who).map(|source| source.judged.told);
        source.or_else(|| self.sinks.get(&who).map(|sink| sink.judged.told))
    }

    fn heard(&mut self, who: usize, heard: &Heard, now: Mono) {
        match heard {
            Heard::SenderReport(report) => {
                if let Some(source) = self.sources.get_mut(&who).filter(|source| source.ssrc == report.ssrc) {
                    source.report(now);
                }
            }
            Heard::Block { block, .. } => {
                if let Some(sink) = self.sinks.get_mut(&who).filter(|sink| sink.ssrc == block.ssrc) {
                    sink.report(block, now);
                }
            }
            _ => {}
        }
    }

    fn told(&mut self, who: usize, event: &Event) {
        match event {
            Event::Producer(_, ProducerEvent::Score(scores)) => {
                if let (Some(source), Some(score)) = (self.sources.get_mut(&who), scores.first()) {
                    source.judged.tell(score.score);
                }
            }
            Event::Consumer(_, ConsumerEvent::Score(score)) => {
                if let Some(sink) = self.sinks.get_mut(&who) {
                    sink.judged.tell(score.score);
                }
            }
            _ => {}
        }
    }

    /// Compares what is due to agree.
    fn settle(&mut self, now: Mono) {
        for (who, source) in &mut self.sources {
            let tolerance = f64::from(u8::from(source.has_late));
            if let Some(words) = source.judged.settle(now, tolerance) {
                self.wrong.add(|| format!("publisher {who}: {words}"));
            }
        }
        for (who, sink) in &mut self.sinks {
            // What leaves in the tick of a report belongs before it or behind it.
            if let Some(words) = sink.judged.settle(now, 1.0)
                && !self.hostile.contains(who)
            {
                self.wrong.add(|| format!("subscriber {who}: {words}"));
            }
        }
    }
}

impl Source {
    fn take(&mut self, piece: &Piece) {
        let number = piece.mark.number;
        let is_new = self.seen.insert(number);
        if piece.is_rtx {
            self.interval.retransmitted += 1;
            self.interval.repaired += u32::from(is_new);
            return;
        }
        self.interval.received += 1;
        self.first.get_or_insert(number);
        self.has_late |= number < self.highest;
        self.highest = self.highest.max(number);
    }

    fn report(&mut self, now: Mono) {
        let Some(first) = self.first else { return };
        let expected = self.highest - first + 1;
        let interval =
            Interval { expected: expected - self.expected_before, ..core::mem::take(&mut self.interval) };
        self.expected_before = expected;
        self.judged.add(&interval, now);
    }
}

impl Sink {
    fn send(&mut self, piece: &Piece) {
        if piece.is_rtx {
            self.interval.retransmitted += 1;
            self.interval.repaired += u32::from(self.repaired.insert(piece.mark.number));
        } else {
            self.interval.received += 1;
        }
    }

    fn report(&mut self, block: &Block, now: Mono) {
        let lost = u32::try_from(block.lost - self.lost_before).unwrap_or(0);
        self.lost_before = block.lost;
        let sent = self.interval.received;
        // Where the formula says received, a sender says sent.
        let interval = Interval { expected: sent + lost, ..core::mem::take(&mut self.interval) };
        self.judged.add(&interval, now);
    }
}

impl Judged {
    fn add(&mut self, interval: &Interval, now: Mono) {
        self.expected = self.scorer.add(interval);
        self.due = now + AT_ONCE;
        self.reports += 1;
    }

    fn tell(&mut self, score: u8) {
        self.told = score;
        self.lowest = self.lowest.min(score);
    }

    fn settle(&mut self, now: Mono, tolerance: f64) -> Option<String> {
        if now < self.due {
            return None;
        }
        self.due = Mono::NEVER;
        let is_off = (f64::from(self.told) - self.expected).abs() > tolerance;
        let at = now.as_nanos() / 1_000_000;
        is_off.then(|| format!("at {at} ms it is told {}, and {} is right", self.told, self.expected))
    }
}

/// A few ticks.
const AT_ONCE: Duration = Duration::from_millis(5);
/// Subscribers whose scores are listed.
const SHOWN: usize = 8;
