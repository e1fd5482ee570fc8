//! What is lost on the way is repaired while it matters, with no more than it takes.
//!
//! Judges the SFU by what reached it, and not by what the network swallowed: a NACK that arrives for something that was
//! sent is answered at once, unless it was answered within a round trip; nothing is sent or asked for twice within one.
//! What it comes to at each subscriber is measured, and compared with a goal if there is one.

use core::time::Duration;
use std::collections::{BTreeMap, HashMap, HashSet};

use wire::Mono;

use super::{Verdict, Wrong, percent};
use crate::media::{Heard, Piece};
use crate::network::Passage;
use crate::sight::{Packet, Sight};
use sink::Sink;

mod sink;

/// The oracle.
#[derive(Debug, Default)]
pub struct Repair {
    goal: Goal,
    sinks: BTreeMap<usize, Sink>,
    sources: HashMap<usize, Source>,
    hostile: HashSet<usize>,
    wrong: Wrong,
}

/// What is expected of repairs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    /// There and back, of every peer: nothing is done twice within it.
    pub round_trip: Duration,
    /// Of what is lost on a subscriber's way, in percent: how much of it has to be repaired in time at the worst one.
    pub worst: f64,
    /// And on average.
    pub mean: f64,
    /// Retransmissions for each packet lost, at most.
    pub overhead: f64,
}

/// A publisher as the SFU hears it.
#[derive(Debug, Default)]
struct Source {
    ssrc: u32,
    rtx_ssrc: Option<u32>,
    lost: usize,
    repairs: usize,
    /// By number: how often it was asked for, and when last.
    asked: HashMap<u16, (u32, Mono)>,
}

impl Default for Goal {
    /// None, but for what is never right.
    fn default() -> Self {
        Self { round_trip: Duration::ZERO, worst: 0.0, mean: 0.0, overhead: f64::MAX }
    }
}

impl Repair {
    /// An oracle that expects so much.
    #[must_use]
    pub fn expecting(goal: Goal) -> Self {
        Self { goal, ..Self::default() }
    }

    /// Sees something.
    pub fn see(&mut self, now: Mono, sight: &Sight<'_>) {
        match sight {
            Sight::Publishes(who, video) => {
                let source = Source { ssrc: video.ssrc, rtx_ssrc: video.rtx_ssrc, ..Source::default() };
                self.sources.insert(*who, source);
            }
            Sight::Subscribes(who, of, watching) => {
                self.sinks.insert(*who, Sink::new(*of, watching.ssrc, now));
            }
            Sight::Serves(who, is_served) => {
                self.sinks.entry(*who).and_modify(|sink| sink.serve(now, *is_served));
            }
            Sight::Hostile(who) => {
                self.hostile.insert(*who);
            }
            Sight::Up(who, packet, passage) => {
                if let Some((_, piece)) = packet.piece() {
                    self.sent_up(*who, piece, matches!(passage, Passage::Lost(_)), now);
                }
            }
            Sight::In(who, packet) => {
                if let Some(sink) = self.sinks.get_mut(who).filter(|_| !self.hostile.contains(who)) {
                    packet.heard().iter().for_each(|heard| sink.hear(heard, self.goal.round_trip, now));
                }
            }
            Sight::Out(who, packet, passage) => self.sent_down(*who, packet, *passage, now),
            Sight::Down(who, packet) => {
                if let (Some((_, piece)), Some(sink)) = (packet.piece(), self.sinks.get_mut(who)) {
                    sink.delivered.entry(piece.mark.number).or_insert(now);
                }
            }
            _ => {}
        }
    }

    /// What it says.
    #[must_use]
    pub fn verdict(&self, now: Mono) -> Verdict {
        let mut wrong = self.wrong.clone();
        let mut shares = Vec::new();
        let (mut lost_in_all, mut repairs, mut lost_down, mut times) = (0, 0, 0, Vec::new());
        for (who, sink) in self.sinks.iter().filter(|(who, _)| !self.hostile.contains(who)) {
            sink.unanswered(now).into_iter().for_each(|words| wrong.add(|| format!("peer {who}: {words}")));
            let (in_time, lost) = sink.repaired(now, WITHIN, &mut times);
            lost_in_all += lost;
            repairs += sink.repairs;
            lost_down += sink.lost_down;
            if lost > 0 {
                shares.push((percent(in_time, lost), *who, lost));
            }
        }
        shares.sort_by(|a, b| a.0.total_cmp(&b.0));
        times.sort_unstable();
        let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default().as_millis();
        let mean = mean(shares.iter().map(|(share, ..)| *share));
        let overhead = ratio(repairs, lost_down);
        let mut figures = vec![
            format!("{lost_in_all} losses on the ways of {} subscribers", shares.len()),
            format!(
                "repaired: median after {} ms, 90 % after {} ms, 99 % after {} ms",
                at(50),
                at(90),
                at(99)
            ),
            format!("retransmissions down: {repairs} for {lost_down} lost, {overhead:.3} for each"),
        ];
        if let Some((worst, who, lost)) = shares.first() {
            figures.push(format!(
                "repaired within {} ms: {mean:.2} % on average, {worst:.2} % of {lost} at the worst, peer {who}",
                WITHIN.as_millis()
            ));
            if *worst < self.goal.worst || mean < self.goal.mean {
                let Goal { worst, mean, .. } = self.goal;
                wrong.add_first(format!(
                    "less than {mean} % on average or {worst} % at the worst is repaired"
                ));
            }
        }
        if overhead > self.goal.overhead {
            wrong.add_first(format!("{overhead:.3} retransmissions for each loss"));
        }
        figures.extend(self.sources.iter().map(|(who, source)| {
            let Source { lost, repairs, .. } = source;
            format!(
                "retransmissions up from {who}: {repairs} for {lost} lost, {:.3} for each",
                ratio(*repairs, *lost)
            )
        }));
        Verdict { oracle: "repair", wrong, figures }
    }

    fn sent_up(&mut self, who: usize, piece: &Piece, is_lost: bool, now: Mono) {
        let Some(source) = self.sources.get_mut(&who) else { return };
        source.repairs += usize::from(piece.is_rtx);
        source.lost += usize::from(is_lost && !piece.is_rtx);
        if !piece.is_rtx && is_lost {
            for sink in self.sinks.values_mut().filter(|sink| sink.of == who) {
                sink.lose(piece.mark.number, now);
            }
        }
    }

    fn sent_down(&mut self, who: usize, packet: &Packet<'_>, passage: Passage, now: Mono) {
        let is_lost = matches!(passage, Passage::Lost(_));
        if let (Some((rtp, piece)), Some(sink)) = (packet.piece(), self.sinks.get_mut(&who))
            && let Some(since) = sink.send(rtp, piece, is_lost, now)
            && since + TOLERANCE < self.goal.round_trip
        {
            let number = piece.sequence;
            self.wrong.add(|| format!("peer {who} is sent {number} again after {} ms", since.as_millis()));
        }
        let Some(source) = self.sources.get_mut(&who) else { return };
        for heard in packet.heard() {
            if let Heard::Nack { media, missing } = heard
                && *media == source.ssrc
            {
                for number in missing {
                    if let Err(words) = source.ask(*number, self.goal.round_trip, now) {
                        self.wrong.add(|| format!("peer {who} is asked for {number} {words}"));
                    }
                }
            }
        }
    }
}

impl Source {
    /// The SFU asks for a number.
    fn ask(&mut self, number: u16, round_trip: Duration, now: Mono) -> Result<(), String> {
        if self.rtx_ssrc.is_none() {
            return Err("and has said that it cannot repair".to_owned());
        }
        let (times, last) = self.asked.entry(number).or_insert((0, now));
        // Numbers come round again.
        if now.since(*last) > FORGOTTEN {
            *times = 0;
        }
        let since = now.since(*last);
        let is_again = *times > 0;
        (*times, *last) = (*times + 1, now);
        if *times > MOST_TRIES {
            return Err(format!("more than {MOST_TRIES} times"));
        }
        if is_again && since + TOLERANCE < round_trip {
            return Err(format!("again after {} ms", since.as_millis()));
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "for a reader")]
fn ratio(part: usize, of: usize) -> f64 {
    if of == 0 { 0.0 } else { part as f64 / of as f64 }
}

#[expect(clippy::cast_precision_loss, reason = "for a reader")]
fn mean(shares: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = shares.len();
    if count == 0 { 100.0 } else { shares.sum::<f64>() / count as f64 }
}

/// How long a receiver's buffer waits in a conversation.
const WITHIN: Duration = Duration::from_millis(400);
/// Ticks, there and back.
const TOLERANCE: Duration = Duration::from_millis(3);
const MOST_TRIES: u32 = 10;
/// Ten tries are over by then.
const FORGOTTEN: Duration = Duration::from_secs(20);
