//! When the packets of a transport arrived, as transport-wide feedback says it
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1), and how many of them did not.
//!
//! Numbers are counted by the sender over all its streams. Feedback goes on where the last ended; for a packet that
//! came later than feedback about its neighbours, it begins there again. What came within half a second is kept for that.
//!
//! Bounded: 4096 arrivals, of which the oldest go first.

use core::time::Duration;
use std::collections::VecDeque;

use wire::Mono;
use wire::seq::Serial;

use super::losses::Losses;

/// See the module.
#[derive(Clone, Debug)]
pub struct Arrivals {
    /// By number, with its cycles; each once, with the time at which it came first.
    log: VecDeque<(u64, Mono)>,
    highest: Option<u64>,
    /// The first number that feedback was not given about.
    next: u64,
    /// Numbers below are forgotten.
    floor: u64,
    count: u8,
    losses: Losses,
}

/// One feedback packet, but for its SSRCs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// The first number.
    pub base_sequence: u16,
    /// The base of the first delta, in units of 64 ms.
    pub reference_64_millis: u32,
    /// Counts reports.
    pub count: u8,
}

impl Arrivals {
    /// Nothing arrived.
    #[must_use]
    pub const fn new() -> Self {
        Self { log: VecDeque::new(), highest: None, next: 0, floor: 0, count: 0, losses: Losses::new() }
    }

    /// Takes note of a packet.
    #[inline]
    pub fn arrived(&mut self, sequence: u16, at: Mono) {
        let Some(number) = self.locate(sequence) else { return };
        if self.highest.is_some_and(|highest| number <= highest) {
            self.insert(number, at);
            return;
        }
        self.highest = Some(number);
        self.log.push_back((number, at));
        if self.log.len() > LIMIT {
            self.forget_oldest();
        }
    }

    /// Whether there is something to report.
    #[must_use]
    pub fn has_news(&self) -> bool {
        self.log.back().is_some_and(|(number, _)| *number >= self.next)
    }

    /// The next report, with one entry per packet in `deltas`; nothing when everything was reported. To be called
    /// until then each time: a report holds only so much.
    pub fn report(&mut self, now: Mono, deltas: &mut Vec<Option<i16>>) -> Option<Report> {
        deltas.clear();
        let at = self.log.partition_point(|(number, _)| *number < self.next);
        let Some((first, first_at)) = self.log.get(at).copied() else {
            self.forget_before(now - MEMORY);
            return None;
        };
        // Of a gap wider than a report nothing is said; that no packet of it came is said by that.
        let base = if first.saturating_sub(self.next) < STATUSES { self.next } else { first };
        let reference = ticks(first_at) / TICKS_PER_REFERENCE;
        let mut before = reference.saturating_mul(TICKS_PER_REFERENCE);
        let mut next = base;
        for (number, arrived) in self.log.range(at..).take(ARRIVALS) {
            let delta = i128::from(ticks(*arrived)).saturating_sub(i128::from(before));
            let Ok(delta) = i16::try_from(delta) else { break };
            if number.saturating_sub(base) >= STATUSES {
                break;
            }
            deltas.extend((next..*number).map(|_| None));
            deltas.push(Some(delta));
            before = ticks(*arrived);
            next = number.saturating_add(1);
        }
        self.next = next;
        let arrived = deltas.iter().flatten().count();
        self.losses.add(deltas.len().saturating_sub(arrived), deltas.len());
        let count = self.count;
        self.count = count.wrapping_add(1);
        let reference_64_millis = u32::try_from(reference & 0xff_ffff).unwrap_or_default();
        Some(Report { base_sequence: low(base), reference_64_millis, count })
    }

    /// The share of packets that did not arrive lately, from 0 to 1.
    #[must_use]
    pub fn loss(&self) -> f64 {
        self.losses.mean()
    }

    /// The number with its cycles. A number far off begins anew: nobody sends so many in the time of a report.
    fn locate(&mut self, sequence: u16) -> Option<u64> {
        if let Some(highest) = self.highest {
            let offset = sequence.offset_from(low(highest));
            if offset.unsigned_abs() <= JUMP {
                let number = highest.checked_add_signed(i64::from(offset))?;
                return (number >= self.floor).then_some(number);
            }
        }
        let number = u64::from(sequence) | CYCLE;
        self.log.clear();
        (self.highest, self.next, self.floor) = (None, number, number.saturating_sub(u64::from(JUMP)));
        Some(number)
    }

    #[cold]
    fn insert(&mut self, number: u64, at: Mono) {
        let Err(place) = self.log.binary_search_by_key(&number, |(number, _)| *number) else { return };
        self.log.insert(place, (number, at));
        self.next = self.next.min(number);
        if self.log.len() > LIMIT {
            self.forget_oldest();
        }
    }

    fn forget_before(&mut self, time: Mono) {
        while self.log.front().is_some_and(|(number, at)| *number < self.next && *at < time) {
            self.forget_oldest();
        }
    }

    #[cold]
    fn forget_oldest(&mut self) {
        if let Some((number, _)) = self.log.pop_front() {
            self.floor = number.saturating_add(1);
            self.next = self.next.max(self.floor);
        }
    }
}

impl Default for Arrivals {
    fn default() -> Self {
        Self::new()
    }
}

/// In units of 250 us.
const fn ticks(at: Mono) -> u64 {
    at.as_nanos() / 250_000
}

const fn low(number: u64) -> u16 {
    let [.., high, low] = number.to_be_bytes();
    u16::from_be_bytes([high, low])
}

const CYCLE: u64 = 1 << 16;
const TICKS_PER_REFERENCE: u64 = 256;
/// For how long a packet may come late and still be reported.
const MEMORY: Duration = Duration::from_millis(500);
/// By how much a number may differ from the highest: what a fast sender sends in a second.
const JUMP: u16 = 10_000;
/// More than arrive in the time of a report at 200 Mbit/s.
const LIMIT: usize = 4_096;
/// Packets that a report tells of, and how many of them may have arrived. At two bytes for each that did and two bits
/// for each, 1100 bytes.
const STATUSES: u64 = 1_024;
const ARRIVALS: usize = 400;

#[cfg(test)]
mod tests;
