//! A subscriber: what was lost on its way, what it asked for, and when it got it after all.

use core::time::Duration;
use std::collections::HashMap;

use wire::Mono;

use super::TOLERANCE;
use crate::media::{Heard, Piece, Rtp};

/// A subscriber.
#[derive(Debug)]
pub(super) struct Sink {
    pub(super) of: usize,
    ssrc: u32,
    served: Option<Mono>,
    /// The first piece of the present spell.
    first: Option<u32>,
    /// Pieces by when they were lost first, on either leg.
    lost: HashMap<u32, Mono>,
    pub(super) delivered: HashMap<u32, Mono>,
    /// What was sent under a number last, and when.
    sent: HashMap<u16, (u32, Mono)>,
    again: HashMap<u32, Mono>,
    /// Numbers asked for and not answered yet, and since when.
    pending: HashMap<u16, Mono>,
    pub(super) repairs: usize,
    pub(super) lost_down: usize,
    overdue: Vec<String>,
}

impl Sink {
    pub(super) fn new(of: usize, ssrc: u32, now: Mono) -> Self {
        Self {
            of,
            ssrc,
            served: Some(now),
            first: None,
            lost: HashMap::new(),
            delivered: HashMap::new(),
            sent: HashMap::new(),
            again: HashMap::new(),
            pending: HashMap::new(),
            repairs: 0,
            lost_down: 0,
            overdue: Vec::new(),
        }
    }

    pub(super) fn serve(&mut self, now: Mono, is_served: bool) {
        if !is_served {
            // What was under way when the service ended is nobody's fault.
            let open = |at: &Mono| *at + DEADLINE < now;
            let delivered = &self.delivered;
            self.lost.retain(|number, at| delivered.contains_key(number) || open(at));
        }
        self.served = is_served.then_some(now);
        self.first = None;
        self.pending.clear();
    }

    /// A piece is lost on one leg.
    pub(super) fn lose(&mut self, number: u32, now: Mono) {
        if self.served.is_some() && self.first.is_some_and(|first| number > first) {
            self.lost.entry(number).or_insert(now);
        }
    }

    /// The SFU sends a piece; how long ago it was sent again before, if this is again.
    pub(super) fn send(
        &mut self,
        rtp: &Rtp<'_>,
        piece: &Piece,
        is_lost: bool,
        now: Mono,
    ) -> Option<Duration> {
        let number = piece.mark.number;
        if piece.is_rtx {
            self.repairs += 1;
            self.pending.remove(&piece.sequence);
            return self.again.insert(number, now).map(|before| now.since(before));
        }
        self.sent.insert(rtp.sequence, (number, now));
        let first = *self.first.get_or_insert(number);
        if is_lost {
            self.lost_down += 1;
            if number > first {
                self.lost.entry(number).or_insert(now);
            }
        }
        None
    }

    /// The subscriber's words reach the SFU.
    pub(super) fn hear(&mut self, heard: &Heard, round_trip: Duration, now: Mono) {
        let Heard::Nack { media, missing } = heard else { return };
        self.settle(now);
        if *media != self.ssrc || self.served.is_none() {
            return;
        }
        for number in missing {
            let Some((piece, at)) = self.sent.get(number) else { continue };
            let recently = self.again.get(piece).is_some_and(|again| now.since(*again) < round_trip * 2);
            // Who asks sooner than a round trip after a packet left does not know of it yet.
            let is_due = now.since(*at) + TOLERANCE >= round_trip && now.since(*at) < KEPT;
            if is_due && !recently {
                self.pending.entry(*number).or_insert(now);
            }
        }
    }

    /// Requests that the SFU left unanswered, in words.
    pub(super) fn unanswered(&self, now: Mono) -> Vec<String> {
        let late = self.pending.iter().filter(|(_, at)| now.since(**at) > AT_ONCE);
        self.overdue.iter().cloned().chain(late.map(|(number, at)| words(*number, *at))).collect()
    }

    /// How many of the losses that are old enough were repaired in time, of how many; adds how long it took.
    pub(super) fn repaired(&self, now: Mono, within: Duration, times: &mut Vec<Duration>) -> (usize, usize) {
        let (mut in_time, mut lost) = (0, 0);
        for (number, at) in self.lost.iter().filter(|(_, at)| **at + within < now) {
            lost += 1;
            if let Some(delivered) = self.delivered.get(number) {
                let took = delivered.since(*at);
                times.push(took);
                in_time += usize::from(took <= within);
            }
        }
        (in_time, lost)
    }

    /// Puts down what has waited too long.
    fn settle(&mut self, now: Mono) {
        let late = self.pending.extract_if(|_, at| now.since(*at) > AT_ONCE);
        let late: Vec<_> = late.map(|(number, at)| words(number, at)).collect();
        self.overdue.extend(late);
    }
}

fn words(number: u16, at: Mono) -> String {
    format!("its NACK of {number} at {} ms is not answered", at.as_nanos() / 1_000_000)
}

const DEADLINE: Duration = Duration::from_millis(400);
/// A few ticks.
const AT_ONCE: Duration = Duration::from_millis(5);
/// What a store keeps of video, less what is between us.
const KEPT: Duration = Duration::from_millis(1_500);
