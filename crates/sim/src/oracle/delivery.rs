//! Every packet that reaches the SFU while a subscriber is served leaves on that subscriber's path, once; and none does
//! while it is not.

use core::time::Duration;
use std::collections::{BTreeMap, HashMap};

use wire::Mono;

use super::{Verdict, Wrong};
use crate::media::Mark;
use crate::sight::Sight;

/// The oracle.
#[derive(Debug, Default)]
pub struct Delivery {
    /// By publisher.
    sources: HashMap<usize, Source>,
    /// By subscriber.
    sinks: BTreeMap<usize, Sink>,
}

#[derive(Debug, Default)]
struct Source {
    /// Pieces that reached the SFU, and when first.
    arrived: BTreeMap<u32, Arrival>,
    highest: u32,
}

#[derive(Clone, Copy, Debug)]
struct Arrival {
    at: Mono,
    /// How far behind the highest it came.
    behind: u32,
    begins_key_frame: bool,
}

#[derive(Debug, Default)]
struct Sink {
    of: usize,
    spells: Vec<Spell>,
    sent: HashMap<u32, Copies>,
}

/// A time in which a subscriber is served.
#[derive(Clone, Copy, Debug)]
struct Spell {
    from: Mono,
    to: Mono,
    /// The lowest piece that was sent first of all, and when.
    first: Option<(u32, Mono)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Copies {
    media: u32,
    out_of_spell: bool,
}

impl Delivery {
    /// Sees something.
    pub fn see(&mut self, now: Mono, sight: &Sight<'_>) {
        match sight {
            Sight::Subscribes(who, of, _) => {
                let sink = self.sinks.entry(*who).or_default();
                sink.of = *of;
                sink.serve(now, true);
            }
            Sight::Serves(who, is_served) => {
                self.sinks.entry(*who).and_modify(|sink| sink.serve(now, *is_served));
            }
            Sight::In(who, packet) => {
                if let Some((_, piece)) = packet.piece() {
                    let source = self.sources.entry(*who).or_default();
                    let behind = source.highest.saturating_sub(piece.mark.number);
                    source.highest = source.highest.max(piece.mark.number);
                    let begins_key_frame = piece.begins_key_frame;
                    source.arrived.entry(piece.mark.number).or_insert(Arrival {
                        at: now,
                        behind,
                        begins_key_frame,
                    });
                }
            }
            Sight::Out(who, packet, _) => {
                if let Some((_, piece)) = packet.piece().filter(|(_, piece)| !piece.is_rtx)
                    && let Some(sink) = self.sinks.get_mut(who)
                {
                    sink.count(now, piece.mark);
                }
            }
            _ => {}
        }
    }

    /// What it says.
    #[must_use]
    pub fn verdict(&self, now: Mono) -> Verdict {
        let mut wrong = Wrong::default();
        let (mut expected, mut starts) = (0, Vec::new());
        for (who, sink) in &self.sinks {
            let Some(source) = self.sources.get(&sink.of) else { continue };
            for spell in &sink.spells {
                let (number, words) = sink.judge(spell, source, now);
                expected += number;
                words.into_iter().for_each(|words| wrong.add(|| format!("peer {who} {words}")));
                starts.extend(spell.first.map(|(_, at)| at.since(spell.from)));
            }
            let unasked = sink.sent.values().filter(|copies| copies.out_of_spell).count();
            if unasked > 0 {
                wrong.add(|| format!("peer {who} is sent {unasked} packets while it is not served"));
            }
        }
        let slowest = starts.iter().max().copied().unwrap_or_default();
        let figures = vec![
            format!("{expected} copies expected at {} subscribers", self.sinks.len()),
            format!("slowest start of {}: {} ms", starts.len(), slowest.as_millis()),
        ];
        Verdict { oracle: "delivery", wrong, figures }
    }
}

impl Sink {
    fn serve(&mut self, now: Mono, is_served: bool) {
        match self.spells.last_mut().filter(|spell| spell.to == Mono::NEVER) {
            Some(spell) if !is_served => spell.to = now,
            None if is_served => self.spells.push(Spell { from: now, to: Mono::NEVER, first: None }),
            _ => {}
        }
    }

    fn count(&mut self, now: Mono, mark: Mark) {
        let copies = self.sent.entry(mark.number).or_default();
        copies.media += 1;
        match self.spells.last_mut() {
            Some(spell) if now <= spell.to + GRACE => {
                let first = spell.first.get_or_insert((mark.number, now));
                // What is held until a key frame begins leaves together.
                if now == first.1 {
                    first.0 = first.0.min(mark.number);
                }
            }
            _ => copies.out_of_spell = true,
        }
    }
}

impl Sink {
    /// Looks at what was sent in one spell: how many packets it should have been, and what was wrong.
    fn judge(&self, spell: &Spell, source: &Source, now: Mono) -> (usize, Vec<String>) {
        let until = if spell.to == Mono::NEVER { now } else { spell.to };
        let mut wrong = Vec::new();
        let Some((first, first_at)) = spell.first else {
            let missed = source.arrived.values().filter(|arrival| {
                arrival.begins_key_frame && arrival.at > spell.from + GRACE && arrival.at + GRACE < until
            });
            let missed = missed.count();
            if missed > 0 {
                wrong.push(format!("is sent nothing in a spell with {missed} key frames"));
            }
            return (0, wrong);
        };
        if source.arrived.get(&first).is_some_and(|arrival| !arrival.begins_key_frame) {
            wrong.push(format!("is sent piece {first} first, at which no key frame begins"));
        }
        let mut expected = 0;
        for (number, arrival) in source.arrived.range(first..) {
            // A late one may come after a spell or be so late that nobody has its place any more.
            let is_due =
                arrival.at + GRACE >= first_at && arrival.at + GRACE < until && arrival.behind < WINDOW;
            let copies = self.sent.get(number).map_or(0, |copies| copies.media);
            expected += usize::from(is_due);
            if copies > 1 || is_due && copies == 0 {
                let at = arrival.at.as_nanos() / 1_000_000;
                wrong.push(format!("is sent piece {number} of {at} ms {copies} times"));
            }
        }
        (expected, wrong)
    }
}

/// A tick, or two: what happens in the same one has no order.
const GRACE: Duration = Duration::from_millis(2);
/// How far behind the newest a packet still finds its place, less what may be under way.
const WINDOW: u32 = 900;
