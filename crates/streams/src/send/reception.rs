//! What the receiver of a stream says of it in its report blocks (RFC 3550 §6.4.1): loss, jitter, how long the way there
//! and back takes, and from all that how well the stream does.
//!
//! A receiver may say anything. Losses are believed up to what was sent; a round trip longer than [`LONGEST`] is none.

use core::time::Duration;

use wire::Ntp;
use wire::rtcp::ReportBlock;

use super::Repeats;
use crate::Score;
use crate::score::{BEST, Interval};

/// See the module.
#[derive(Clone, Debug)]
pub struct Reception {
    lost: i32,
    fraction_lost: u8,
    jitter: u32,
    round_trip: Option<Duration>,
    score: Score,
    /// What it asked for, and was sent again.
    pub repeats: Repeats,
    /// What was counted when the last sample was taken.
    prior: Prior,
    /// When that was.
    sampled: Option<Ntp>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Prior {
    packets: u64,
    lost: i32,
    repaired: u64,
    retransmitted: u64,
}

/// What a report changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Whether the score is another.
    pub score: bool,
    /// Whether the share of lost packets is.
    pub fraction_lost: bool,
}

impl Reception {
    /// Nothing was reported yet: the best is hoped for.
    #[must_use]
    pub fn new() -> Self {
        Self {
            lost: 0,
            fraction_lost: 0,
            jitter: 0,
            round_trip: None,
            score: Score::new(),
            repeats: Repeats::default(),
            prior: Prior::default(),
            sampled: None,
        }
    }

    /// Takes a report block about the stream, of which so many packets were sent so far. `now` is the clock of our sender
    /// reports. What follows a report sooner than honest receivers say something is counted with the next: whoever talks
    /// all the time neither moves the score as often nor drowns what was said before.
    pub fn hear(&mut self, now: Ntp, block: &ReportBlock, packets: u64) -> Change {
        let before = self.fraction_lost;
        self.lost = block.cumulative_lost;
        self.fraction_lost = block.fraction_lost;
        self.jitter = block.jitter;
        let delay = (block.last_sender_report, block.delay_since_last_sender_report);
        self.round_trip = round_trip(now, delay).or(self.round_trip);
        Change { score: self.sample(now, packets), fraction_lost: self.fraction_lost != before }
    }

    /// Another source feeds the stream: what was said of the one before means nothing. Whether the score is another.
    pub fn reset_score(&mut self) -> bool {
        self.score.reset(BEST)
    }

    /// Packets lost since the beginning.
    #[must_use]
    pub const fn lost(&self) -> i32 {
        self.lost
    }

    /// The share of packets lost since the report before, in units of 1/256.
    #[must_use]
    pub const fn fraction_lost(&self) -> u8 {
        self.fraction_lost
    }

    /// In units of the stream's clock.
    #[must_use]
    pub const fn jitter(&self) -> u32 {
        self.jitter
    }

    /// Nothing while it is unknown.
    #[must_use]
    pub const fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// From 0 to 10.
    #[must_use]
    pub const fn score(&self) -> u8 {
        self.score.current()
    }

    /// Takes a sample of what has happened since the last one, if that was long enough ago. Whether the score is another.
    fn sample(&mut self, now: Ntp, packets: u64) -> bool {
        if self.sampled.is_some_and(|sampled| now.units_since(sampled) < LEAST_UNITS) {
            return false;
        }
        self.sampled = Some(now);
        let Repeats { repaired, retransmitted, .. } = self.repeats;
        let counted = Prior { packets, lost: self.lost, repaired, retransmitted };
        let prior = core::mem::replace(&mut self.prior, counted);
        // Less than before is said by who received duplicates or began anew.
        let lost = u32::try_from(self.lost.saturating_sub(prior.lost)).unwrap_or_default();
        let interval = Interval::sent(growth(prior.packets, packets), lost)
            .repaired(growth(prior.repaired, repaired), growth(prior.retransmitted, retransmitted));
        self.score.add(interval.sample())
    }
}

impl Default for Reception {
    fn default() -> Self {
        Self::new()
    }
}

/// RFC 3550 §6.4.1, figure 2: what has passed since the report that the receiver names, less the time that it kept it.
/// Nothing if it names none, or what comes out is no round trip.
fn round_trip(now: Ntp, (last_report, delay): (u32, u32)) -> Option<Duration> {
    if last_report == 0 {
        return None;
    }
    // Wraps every 18 hours, and so does a negative one, to far above what is believed.
    let units = now.middle().wrapping_sub(last_report).wrapping_sub(delay);
    let nanos = u64::from(units).saturating_mul(1_000_000_000) >> 16;
    Some(Duration::from_nanos(nanos)).filter(|round_trip| *round_trip <= LONGEST)
}

fn growth(before: u64, now: u64) -> u32 {
    u32::try_from(now.saturating_sub(before)).unwrap_or(u32::MAX)
}

/// Ten times what a link over two satellites takes; beyond, a clock or a peer is wrong.
const LONGEST: Duration = Duration::from_secs(10);
/// Half a second, in units of 2^-32 s: receivers report once a second, and at random up to twice as often.
const LEAST_UNITS: i64 = 1 << 31;

#[cfg(test)]
mod tests {
    use super::*;

    fn losing(lost: i32) -> ReportBlock {
        ReportBlock { cumulative_lost: lost, ..ReportBlock::default() }
    }

    #[test]
    fn a_round_trip_is_that_of_the_rfc() {
        // RFC 3550 §6.4.1, figure 2: 0xb710_8000 - 0xb705_2000 - 0x0005_4000 = 6.125 s.
        let now = Ntp(0xb44d_b710_8000_0000);
        let round_trip = round_trip(now, (0xb705_2000, 0x0005_4000));
        assert_eq!(round_trip, Some(Duration::from_millis(6_125)));
    }

    #[test]
    fn a_round_trip_that_cannot_be_is_none_and_the_last_one_stays() {
        let now = Ntp(0xb44d_b710_8000_0000);
        let block = |last: u32, delay: u32| ReportBlock {
            last_sender_report: last,
            delay_since_last_sender_report: delay,
            ..ReportBlock::default()
        };
        let mut reception = Reception::new();
        let mut hear = |last, delay| {
            reception.hear(now, &block(last, delay), 0);
            reception.round_trip().map(|round_trip| round_trip.as_micros())
        };
        assert_eq!(hear(0, 0), None);
        assert_eq!(hear(0xb710_8001, 0), None, "in the future");
        assert_eq!(hear(0xb705_2000, 0x000c_0000), None, "kept longer than it took");
        assert_eq!(hear(0xb705_2000, 0), None, "11.4 s");
        assert_eq!(hear(0xb710_6000, 0x1000), Some(62_500));
        assert_eq!(hear(0, 0), Some(62_500));
        assert_eq!(hear(1, u32::MAX), Some(62_500));
        assert_eq!(hear(0xb710_8000, 0), Some(0));
    }

    #[test]
    fn scores_are_those_of_the_formula() {
        // Sent, lost, repaired and retransmitted so far; the score after that report.
        let reports = [
            (100, 0, (0, 0), 10),
            // (95 / 100)^4 is 8.1; (10 * 1 + 8 * 2) / 3.
            (200, 5, (0, 0), 9),
            // All lost: (10 + 16 + 0) / 6.
            (300, 900, (0, 0), 4),
            // The receiver began anew, and nothing counts as lost: (10 + 16 + 40) / 10.
            (400, 1, (0, 0), 7),
            // Five lost and repaired at once: weight (1 / 1.05)^4 = 0.823, lost 0.89, 9.65: a 10. (66 + 50) / 15.
            (500, 6, (5, 5), 8),
            // Nothing sent since: (116 + 60) / 21.
            (500, 9, (5, 5), 8),
        ];
        let mut reception = Reception::new();
        for (second, (packets, lost, (repaired, retransmitted), score)) in (0..).zip(reports) {
            let before = reception.score();
            reception.repeats = Repeats { repaired, retransmitted, ..Repeats::default() };
            let change = reception.hear(Ntp(second << 32), &losing(lost), packets);
            assert_eq!((reception.score(), change.score), (score, score != before), "after {packets}");
        }
        assert!(reception.reset_score());
        assert_eq!(reception.score(), 10);
    }

    #[test]
    fn who_reports_all_the_time_moves_the_score_no_more_often_than_others() {
        let mut reception = Reception::new();
        let mut changes = 0;
        // A second of a report each millisecond, which say that all is lost and that all came after all, in turn.
        for ms in 0..1_000_u64 {
            let lost = if ms % 2 == 0 { 0 } else { 1_000_000 };
            let now = Ntp(0).after(Duration::from_millis(ms));
            let change = reception.hear(now, &losing(lost), ms * 100);
            changes += u32::from(change.score);
            assert_eq!(reception.lost(), lost, "what is said last is known all the same");
        }
        assert!(changes <= 2, "{changes} changes");
        // Nothing of what came in between is left out of the next sample.
        let mut reception = Reception::new();
        for (ms, packets, lost) in [(0, 100, 0), (400, 200, 50), (600, 300, 50)] {
            reception.hear(Ntp(0).after(Duration::from_millis(ms)), &losing(lost), packets);
        }
        // 50 of 200 lost: (150 / 200)^4 is 3.2; (10 * 1 + 3 * 2) / 3.
        assert_eq!(reception.score(), 5);
    }

    #[test]
    fn what_was_said_is_repeated() {
        let mut reception = Reception::new();
        let block = ReportBlock { fraction_lost: 7, cumulative_lost: -3, jitter: 40, ..losing(0) };
        let change = reception.hear(Ntp(0), &ReportBlock { cumulative_lost: -3, ..block }, 9);
        assert_eq!(change, Change { score: false, fraction_lost: true });
        assert_eq!((reception.lost(), reception.fraction_lost(), reception.jitter()), (-3, 7, 40));
        assert!(!reception.hear(Ntp(0), &block, 9).fraction_lost);
    }
}
