//! A histogram of bounded size: percentiles of millions of values without keeping them.

/// Counts values in buckets that are a 64th of their value wide, so a percentile is at most 1.6 % too high. What lies
/// above [`Histogram::LIMIT`] is counted in the last bucket; the largest value is kept exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Histogram {
    counts: Box<[u64]>,
    total: u64,
    largest: u64,
}

/// What is read out of a histogram, in its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Percentiles {
    pub(crate) count: u64,
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    pub(crate) max: u64,
}

impl Histogram {
    /// Above it values are no longer told apart: 36 minutes, where they are nanoseconds.
    pub(crate) const LIMIT: u64 = (1 << (LAST_POWER + 1)) - 1;

    pub(crate) fn new() -> Self {
        Self { counts: vec![0; BUCKETS].into_boxed_slice(), total: 0, largest: 0 }
    }

    pub(crate) fn record(&mut self, value: u64) {
        if let Some(count) = self.counts.get_mut(bucket_of(value)) {
            *count += 1;
        }
        self.total += 1;
        self.largest = self.largest.max(value);
    }

    /// Takes in what another one counted.
    pub(crate) fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
        self.largest = self.largest.max(other.largest);
    }

    /// The smallest value that at least so many of a hundred values do not exceed; nothing if there are no values.
    pub(crate) fn percentile(&self, percent: u64) -> Option<u64> {
        let rank = (self.total * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Some(upper_end(bucket).min(self.largest));
            }
        }
        None
    }

    /// Nothing if there are no values.
    pub(crate) fn percentiles(&self) -> Option<Percentiles> {
        Some(Percentiles {
            count: self.total,
            p50: self.percentile(50)?,
            p90: self.percentile(90)?,
            p99: self.percentile(99)?,
            max: self.largest,
        })
    }
}

impl FromIterator<u64> for Histogram {
    fn from_iter<I: IntoIterator<Item = u64>>(values: I) -> Self {
        let mut histogram = Self::new();
        values.into_iter().for_each(|value| histogram.record(value));
        histogram
    }
}

/// Values below `EXACT` have a bucket each; above, each power of two is cut into `PARTS`.
fn bucket_of(value: u64) -> usize {
    let value = value.min(Histogram::LIMIT);
    let bucket = if value < EXACT {
        value
    } else {
        let power = u64::from(value.ilog2());
        let part = (value >> (power - u64::from(PARTS.ilog2()))) - PARTS;
        EXACT + (power - FIRST_POWER) * PARTS + part
    };
    usize::try_from(bucket).unwrap_or(usize::MAX)
}

/// The largest value of a bucket.
fn upper_end(bucket: usize) -> u64 {
    let bucket = u64::try_from(bucket).unwrap_or(u64::MAX);
    if bucket < EXACT {
        return bucket;
    }
    let (power, part) = ((bucket - EXACT) / PARTS + FIRST_POWER, (bucket - EXACT) % PARTS);
    ((PARTS + part + 1) << (power - u64::from(PARTS.ilog2()))) - 1
}

/// Buckets of each power of two: 64 make the error 1.6 %, below what differs between two runs.
const PARTS: u64 = 64;
/// Values below it have a bucket each.
const EXACT: u64 = 2 * PARTS;
const FIRST_POWER: u64 = EXACT.ilog2() as u64;
/// 2^41 nanoseconds are 36 minutes; nothing that is measured here takes longer.
const LAST_POWER: u64 = 40;
/// 2,304: 18 KB a histogram.
const BUCKETS: usize = 2_304;
const _: () = assert!(EXACT + (LAST_POWER - FIRST_POWER + 1) * PARTS == BUCKETS as u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_few_values_are_the_values() {
        let histogram: Histogram = (1..=100).collect();
        let expected = Percentiles { count: 100, p50: 50, p90: 90, p99: 99, max: 100 };
        assert_eq!(histogram.percentiles(), Some(expected));
        assert_eq!(Histogram::from_iter([7]).percentile(50), Some(7));
        assert_eq!(Histogram::new().percentiles(), None);
    }

    #[test]
    fn percentiles_are_those_of_a_sorted_list_within_a_64th() {
        // Spread over all magnitudes, and repeatable.
        let mut values: Vec<u64> =
            (0..20_000_u64).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24) >> (n % 40)).collect();
        let histogram: Histogram = values.iter().copied().collect();
        values.sort_unstable();
        for percent in [1, 10, 50, 90, 99, 100] {
            let exact = values[(values.len() * percent).div_ceil(100) - 1];
            let found = histogram.percentile(percent as u64).unwrap();
            assert!(found >= exact && found <= exact + exact / 64 + 1, "{percent}: {found} for {exact}");
        }
    }

    #[test]
    fn every_value_lies_in_its_bucket() {
        let mut last = 0;
        for power in 1..=LAST_POWER {
            for value in [1 << power, (1 << power) + 1, (2 << power) - 1] {
                let bucket = bucket_of(value);
                assert!(bucket >= last && bucket < BUCKETS);
                assert!(upper_end(bucket) >= value && upper_end(bucket) - value <= value / PARTS, "{value}");
                last = bucket;
            }
        }
        assert_eq!(upper_end(BUCKETS - 1), Histogram::LIMIT);
    }

    #[test]
    fn what_is_too_large_is_counted_and_the_largest_is_known() {
        let histogram = Histogram::from_iter([1, u64::MAX]);
        assert_eq!(histogram.percentile(100), Some(Histogram::LIMIT));
        assert_eq!(histogram.percentiles().unwrap().max, u64::MAX);
    }

    #[test]
    fn two_halves_make_the_whole() {
        let (mut odd, even): (Histogram, Histogram) =
            ((1..9_999).step_by(2).collect(), (2..9_999).step_by(2).collect());
        odd.add(&even);
        assert_eq!(odd, (1..9_999).collect());
    }
}
