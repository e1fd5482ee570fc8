//! Counts by powers of two: cheap to fill, small to publish, exact enough to see a tail.

/// Bucket `i` counts values below `2^i` that no earlier bucket counts; the last counts the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Histogram<const BUCKETS: usize> {
    /// The counts.
    pub buckets: [u64; BUCKETS],
}

impl<const BUCKETS: usize> Histogram<BUCKETS> {
    /// Counts one value.
    #[inline]
    pub fn record(&mut self, value: u64) {
        let bucket = (u64::BITS - value.leading_zeros()) as usize;
        self.buckets[bucket.min(BUCKETS - 1)] += 1;
    }

    /// How many values were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// A bound that the given share of values (0.5 for the median) stays below, or `None` without values or
    /// when it falls into the last bucket, which has no bound.
    #[must_use]
    pub fn quantile_below(&self, permille: u64) -> Option<u64> {
        let rank = (self.count() * permille).div_ceil(1000).max(1);
        let mut seen = 0;
        let bucket = self.buckets.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        (bucket + 1 < BUCKETS).then(|| 1 << bucket)
    }
}

impl<const BUCKETS: usize> Default for Histogram<BUCKETS> {
    fn default() -> Self {
        Self { buckets: [0; BUCKETS] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fall_into_powers_of_two() {
        let mut histogram = Histogram::<5>::default();
        for value in [0, 1, 2, 3, 4, 7, 8, 1_000] {
            histogram.record(value);
        }
        assert_eq!(histogram.buckets, [1, 1, 2, 2, 2]);
        assert_eq!(histogram.count(), 8);
    }

    #[test]
    fn a_quantile_is_a_bound() {
        let mut histogram = Histogram::<8>::default();
        (0..90).for_each(|_| histogram.record(3));
        (0..10).for_each(|_| histogram.record(1_000));
        assert_eq!(histogram.quantile_below(500), Some(4));
        assert_eq!(histogram.quantile_below(900), Some(4));
        assert_eq!(histogram.quantile_below(990), None, "the last bucket has no bound");
        assert_eq!(Histogram::<8>::default().quantile_below(500), None);
    }
}
