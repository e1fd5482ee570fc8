//! Where the path's limit was the last times it was met (draft-ietf-rmcat-gcc-02 §5.5): near it the rate climbs slowly.

/// A smoothed mean of what arrived when a queue grew, and how far that wandered.
#[derive(Debug)]
pub(crate) struct Range {
    met: Option<Met>,
}

impl Range {
    /// No limit known.
    pub(crate) const fn new() -> Self {
        Self { met: None }
    }

    /// Whether a limit is known.
    pub(crate) const fn is_known(&self) -> bool {
        self.met.is_some()
    }

    /// What arrived when the path was full.
    pub(crate) fn full_at(&mut self, bits_per_second: u64) {
        let sample = kilobits(bits_per_second);
        self.met = Some(match self.met {
            // Far below what was known: the path is another one.
            Some(met) if sample >= met.mean - met.spread() => met.with(sample),
            _ => Met { mean: sample, variance: FIRST_VARIANCE },
        });
    }

    /// What arrives while the path takes it: far above the known limit there is none known any more.
    pub(crate) fn took(&mut self, bits_per_second: u64) {
        if self.met.is_some_and(|met| kilobits(bits_per_second) > met.mean + met.spread()) {
            self.met = None;
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Met {
    mean: f64,
    /// Relative to the mean, so that it is of one size for all rates.
    variance: f64,
}

impl Met {
    fn with(self, sample: f64) -> Self {
        let mean = WEIGHT.mul_add(sample, (1.0 - WEIGHT) * self.mean);
        let error = mean - sample;
        let relative = error * error / mean.max(1.0);
        let variance = WEIGHT.mul_add(relative, (1.0 - WEIGHT) * self.variance);
        Self { mean, variance: variance.clamp(MIN_VARIANCE, MAX_VARIANCE) }
    }

    /// Three standard deviations.
    fn spread(self) -> f64 {
        3.0 * (self.variance * self.mean).sqrt()
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate that a double cannot hold exactly is beyond every ceiling"
)]
fn kilobits(bits_per_second: u64) -> f64 {
    bits_per_second as f64 / 1_000.0
}

/// §5.5 recommends 0.95 for the old value.
const WEIGHT: f64 = 0.05;
const FIRST_VARIANCE: f64 = 0.4;
/// At 1 Mbit/s these are 20 and 50 kbit/s of deviation, as libwebrtc bounds them.
const MIN_VARIANCE: f64 = 0.4;
const MAX_VARIANCE: f64 = 2.5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_left_upwards_and_replaced_downwards() {
        let mut range = Range::new();
        range.took(9_000_000);
        assert!(!range.is_known());
        range.full_at(1_000_000);
        range.took(1_050_000);
        assert!(range.is_known());
        range.full_at(400_000);
        range.took(500_000);
        assert!(!range.is_known(), "500 kbit/s are far above the limit of 400 that replaced 1000");
    }
}
