//! How many bytes, and how fast: a total and the bits per second over a window.
//!
//! Buckets of a tenth of a second. The current one is not over, so a rate is taken over the window and as much of the
//! current bucket as has passed: neither a lone packet nor the bucket's edge makes it jump.

use wire::Mono;

/// See the module. `N` buckets are the window.
// What every packet touches stands together.
#[derive(Clone, Debug)]
#[repr(C)]
pub(crate) struct Rate<const N: usize = 25> {
    total: u64,
    /// Which bucket is the current one, and what is in it.
    newest: u64,
    current: u64,
    /// The ones before, the oldest first.
    buckets: [u32; N],
}

impl<const N: usize> Rate<N> {
    pub(crate) const fn new() -> Self {
        Self { total: 0, newest: 0, current: 0, buckets: [0; N] }
    }

    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    #[inline]
    pub(crate) fn add(&mut self, now: Mono, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let bucket = bucket_of(now);
        if bucket > self.newest {
            self.advance(bucket);
        }
        self.current = self.current.saturating_add(bytes);
        self.total = self.total.saturating_add(bytes);
    }

    /// Over the window.
    pub(crate) fn bits_per_second(&self, now: Mono) -> u64 {
        let mut at_now = self.clone();
        at_now.advance(bucket_of(now).max(self.newest));
        let buckets = at_now.buckets.iter().map(|bytes| u64::from(*bytes));
        let bytes = buckets.fold(at_now.current, u64::saturating_add);
        let buckets = u64::try_from(N).unwrap_or(u64::MAX);
        let nanos = buckets.saturating_mul(BUCKET_NANOS).saturating_add(now.as_nanos() % BUCKET_NANOS);
        let bits = u128::from(bytes).saturating_mul(8_000_000_000);
        u64::try_from(bits.checked_div(u128::from(nanos)).unwrap_or_default()).unwrap_or(u64::MAX)
    }

    #[cold]
    fn advance(&mut self, bucket: u64) {
        let by = usize::try_from(bucket.saturating_sub(self.newest)).unwrap_or(usize::MAX);
        if by == 0 {
            return;
        }
        self.buckets.copy_within(by.min(N).., 0);
        self.buckets.iter_mut().rev().take(by).for_each(|bytes| *bytes = 0);
        if let Some(bytes) = N.checked_sub(by).and_then(|at| self.buckets.get_mut(at)) {
            *bytes = u32::try_from(self.current).unwrap_or(u32::MAX);
        }
        (self.current, self.newest) = (0, bucket);
    }
}

#[inline]
const fn bucket_of(now: Mono) -> u64 {
    now.as_nanos() / BUCKET_NANOS
}

const BUCKET_NANOS: u64 = 100_000_000;

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn a_steady_stream_has_its_rate_whenever_one_looks() {
        let mut rate = Rate::<10>::new();
        let start = Mono::ZERO + Duration::from_secs(1_000);
        for ms in 0..3_000 {
            let now = start + Duration::from_millis(ms);
            rate.add(now, 125);
            if ms > 1_200 {
                let error = rate.bits_per_second(now).abs_diff(1_000_000);
                assert!(error < 2_000, "{error} at {ms} ms");
            }
        }
        assert_eq!(rate.total(), 375_000);
    }

    #[test]
    fn silence_empties_the_window() {
        let mut rate = Rate::<10>::new();
        let start = Mono::ZERO + Duration::from_secs(7);
        rate.add(start, 1_000);
        assert_eq!(rate.bits_per_second(start), 8_000);
        assert_eq!(rate.bits_per_second(start + Duration::from_millis(1_000)), 8_000);
        assert_eq!(rate.bits_per_second(start + Duration::from_millis(1_100)), 0);
        assert_eq!(rate.bits_per_second(start + Duration::from_secs(100)), 0);
        rate.add(start + Duration::from_secs(100), 500);
        assert_eq!(rate.bits_per_second(start + Duration::from_secs(100)), 4_000);
        assert_eq!(rate.total(), 1_500);
    }
}
