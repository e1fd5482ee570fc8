//! The score of a stream as the protocol defines it, reckoned apart from the code that is judged.

use std::collections::VecDeque;

/// What happened to a stream between two reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// By how much the highest number grew.
    pub expected: u32,
    /// Packets that came as themselves.
    pub received: u32,
    /// Lost packets that a retransmission brought.
    pub repaired: u32,
    /// Retransmissions that came.
    pub retransmitted: u32,
}

/// The last samples.
#[derive(Clone, Debug, Default)]
pub struct Scorer {
    samples: VecDeque<f64>,
}

/// The score of one interval, 0 to 10.
#[must_use]
pub fn sample(interval: &Interval) -> f64 {
    let Interval { expected, received, repaired, retransmitted } = *interval;
    if expected == 0 {
        return 10.0;
    }
    if received == 0 {
        return 0.0;
    }
    let (received, repaired, retransmitted) =
        (f64::from(received), f64::from(repaired), f64::from(retransmitted));
    let mut lost = (f64::from(expected) - received).clamp(0.0, received);
    let mut weight = (1.0 / (repaired / received + 1.0)).powi(4);
    if retransmitted > 0.0 {
        weight *= repaired / retransmitted;
    }
    // What was lost before the interval may be repaired in it.
    lost = (lost - repaired * weight).max(0.0);
    let delivered = (received - lost) / received;
    (10.0 * delivered.powi(4)).round()
}

impl Scorer {
    /// The score after one interval more: the mean of the last 24, the newest weighing most.
    pub fn add(&mut self, interval: &Interval) -> f64 {
        self.samples.push_back(sample(interval));
        if self.samples.len() > SAMPLES {
            self.samples.pop_front();
        }
        let weighted = (1_u32..).zip(&self.samples).map(|(weight, sample)| f64::from(weight) * sample);
        let weights = (1_u32..).zip(&self.samples).map(|(weight, _)| f64::from(weight));
        (weighted.sum::<f64>() / weights.sum::<f64>()).round()
    }
}

const SAMPLES: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formula_by_hand() {
        let of = |expected, received, repaired, retransmitted| {
            sample(&Interval { expected, received, repaired, retransmitted })
        };
        assert_eq!(of(0, 0, 0, 0), 10.0);
        assert_eq!(of(100, 0, 0, 0), 0.0);
        assert_eq!(of(100, 100, 0, 0), 10.0);
        // 10 lost of 90 received: (80 / 90)^4 = 0.624.
        assert_eq!(of(100, 90, 0, 0), 6.0);
        // All ten repaired: the weight is (90 / 100)^4 = 0.656, so that 3.44 count: (86.56 / 90)^4 = 0.856.
        assert_eq!(of(100, 90, 10, 10), 9.0);
        // With every second repair in vain the weight is half: 6.72 count, (83.28 / 90)^4 = 0.733.
        assert_eq!(of(100, 90, 10, 20), 7.0);
        // Repairs of what was lost before make nothing better than good.
        assert_eq!(of(100, 100, 10, 10), 10.0);
        // More lost than received counts as all of it.
        assert_eq!(of(100, 20, 0, 0), 0.0);
        let mut scorer = Scorer::default();
        assert_eq!(scorer.add(&Interval { expected: 100, received: 100, ..Interval::default() }), 10.0);
        // (1 * 10 + 2 * 6) / 3 = 7.33.
        assert_eq!(scorer.add(&Interval { expected: 100, received: 90, ..Interval::default() }), 7.0);
    }
}
