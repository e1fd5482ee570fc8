//! How well a stream does, from 0 to 10: what share of an interval's packets came through, and how that went lately.
//!
//! One formula for both directions. A receive stream takes a sample at each sender report, a send stream at each
//! receiver report; the score is the mean of the latest samples, of which newer ones weigh more.

/// What became of the packets between two reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// Media packets that were received, or sent.
    packets: u32,
    /// Packets that did not come, before repair.
    lost: u32,
    repaired: u32,
    retransmitted: u32,
}

/// The latest samples and their weighted mean.
#[derive(Clone, Debug)]
pub struct Score {
    current: u8,
    count: u8,
    /// The oldest first.
    samples: [u8; SAMPLES],
}

impl Interval {
    /// Of a stream that comes: by how much the highest sequence number grew, and how many media packets came.
    #[must_use]
    pub const fn received(expected: u32, received: u32) -> Self {
        Self { packets: received, lost: expected.saturating_sub(received), repaired: 0, retransmitted: 0 }
    }

    /// Of a stream that leaves: how many packets were sent, and how many of them its receiver says were lost.
    #[must_use]
    pub const fn sent(sent: u32, lost: u32) -> Self {
        let lost = if lost < sent { lost } else { sent };
        Self { packets: sent, lost, repaired: 0, retransmitted: 0 }
    }

    /// How many lost packets came after all, and how many retransmissions that took.
    #[must_use]
    pub const fn repaired(self, repaired: u32, retransmitted: u32) -> Self {
        Self { repaired, retransmitted, ..self }
    }

    /// From 0 to 10. Repairs make up for losses, the less so the more of them there are and the more retransmissions
    /// each of them took: a stream that lives on repairs is not a good one.
    #[must_use]
    pub fn sample(&self) -> u8 {
        if self.packets == 0 {
            return if self.lost == 0 { BEST } else { WORST };
        }
        let packets = f64::from(self.packets);
        let lost = f64::from(self.lost).min(packets);
        let repaired = f64::from(self.repaired);
        let mut weight = (1.0 / (repaired / packets + 1.0)).powi(4);
        if self.retransmitted > 0 {
            weight *= repaired / f64::from(self.retransmitted);
        }
        let lost = (lost - repaired * weight).max(0.0);
        let delivered = (packets - lost) / packets;
        rounded(f64::from(BEST) * delivered.powi(4))
    }
}

impl Score {
    /// The best, until samples say otherwise.
    #[must_use]
    pub const fn new() -> Self {
        Self { current: BEST, count: 0, samples: [0; SAMPLES] }
    }

    /// What it is now.
    #[must_use]
    pub const fn current(&self) -> u8 {
        self.current
    }

    /// Takes a sample. Whether the score changed by it.
    pub fn add(&mut self, sample: u8) -> bool {
        self.samples.copy_within(1.., 0);
        if let Some(newest) = self.samples.last_mut() {
            *newest = sample.min(BEST);
        }
        self.count = self.count.saturating_add(1).min(COUNT_LIMIT);
        let latest = self.samples.iter().rev().take(usize::from(self.count));
        let (mut sum, mut weights) = (0_u32, 0_u32);
        for (sample, weight) in latest.zip((1..=u32::from(self.count)).rev()) {
            sum = sum.saturating_add(u32::from(*sample).saturating_mul(weight));
            weights = weights.saturating_add(weight);
        }
        let mean = rounded(f64::from(sum) / f64::from(weights.max(1)));
        core::mem::replace(&mut self.current, mean) != mean
    }

    /// Forgets the samples and begins with `score`. Whether that is a change.
    pub fn reset(&mut self, score: u8) -> bool {
        let before = self.current;
        *self = Self { current: score.min(BEST), ..Self::new() };
        before != self.current
    }
}

impl Default for Score {
    fn default() -> Self {
        Self::new()
    }
}

/// To the nearest of 0 to 10, halves upwards.
fn rounded(value: f64) -> u8 {
    (WORST..BEST)
        .rev()
        .find(|below| value >= f64::from(*below) + 0.5)
        .map_or(WORST, |below| below.saturating_add(1))
}

/// Of a stream of which everything comes through, and of one that begins.
pub const BEST: u8 = 10;
/// Of a stream of which nothing comes.
pub const WORST: u8 = 0;

/// The protocol's: with a report a second, what was 24 seconds ago is forgotten.
const SAMPLES: usize = 24;
const COUNT_LIMIT: u8 = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_what_the_formula_says() {
        // Packets received of those expected; what the fourth power leaves of it.
        let received = [(0, 0, 10), (0, 7, 10), (100, 0, 0), (100, 100, 10), (100, 110, 10), (100, 1, 0)];
        // 95 of 100: (90 / 95)^4 = 0.805. 90 of 100: (80 / 90)^4 = 0.624. 80: (60 / 80)^4 = 0.316.
        let lossy = [(100, 99, 10), (100, 97, 9), (100, 95, 8), (100, 90, 6), (100, 80, 3), (100, 50, 0)];
        for (expected, received, sample) in received.into_iter().chain(lossy) {
            assert_eq!(Interval::received(expected, received).sample(), sample, "{received} of {expected}");
        }
        let sent =
            [(0, 0, 10), (0, 5, 10), (100, 0, 10), (100, 5, 8), (100, 10, 7), (100, 100, 0), (100, 400, 0)];
        for (sent, lost, sample) in sent {
            assert_eq!(Interval::sent(sent, lost).sample(), sample, "{lost} of {sent} lost");
        }
    }

    #[test]
    fn repairs_make_up_for_losses_the_less_the_more_there_are() {
        // 10 of 100 lost, all repaired at once: the weight is (1 / (1 + 10/90))^4 = 0.656; 3.44 of 90 stay lost,
        // (86.56 / 90)^4 = 0.856.
        assert_eq!(Interval::received(100, 90).repaired(10, 10).sample(), 9);
        // Each took two retransmissions: half the weight, 6.72 stay lost, (83.28 / 90)^4 = 0.733.
        assert_eq!(Interval::received(100, 90).repaired(10, 20).sample(), 7);
        // Without RTX nobody counts what it took.
        assert_eq!(Interval::received(100, 90).repaired(10, 0).sample(), 9);
        // Half of everything repaired: (1 / 2)^4 = 0.06 of the losses, and little is left.
        assert_eq!(Interval::received(100, 50).repaired(50, 50).sample(), 0);
        // More repaired than lost, as when packets were only late.
        assert_eq!(Interval::received(100, 100).repaired(3, 3).sample(), 10);
        assert_eq!(Interval::sent(100, 5).repaired(5, 5).sample(), 10);
    }

    #[test]
    fn newer_samples_weigh_more_and_old_ones_are_forgotten() {
        let mut score = Score::new();
        assert_eq!(score.current(), 10);
        assert!(!score.add(10));
        // (10 * 1 + 0 * 2) / 3.
        assert!(score.add(0));
        assert_eq!(score.current(), 3);
        // (10 * 1 + 0 * 2 + 10 * 3) / 6 = 6.67.
        assert!(score.add(10));
        assert_eq!(score.current(), 7);
        (0..24).for_each(|_| {
            score.add(4);
        });
        assert_eq!(score.current(), 4);
        // 24 samples of 4 with one of 10 behind them: 4 + 6 * 24 / 300 = 4.48.
        assert!(!score.add(10));
        // Another: 4 + 6 * (23 + 24) / 300 = 4.94.
        assert!(score.add(10));
        assert_eq!(score.current(), 5);
    }

    #[test]
    fn a_reset_forgets() {
        let mut score = Score::new();
        (0..9).for_each(|_| {
            score.add(2);
        });
        assert!(score.reset(0));
        assert!(!score.reset(0));
        assert!(score.add(7));
        assert_eq!(score.current(), 7);
        assert!(score.reset(200));
        assert_eq!(score.current(), 10);
    }
}
