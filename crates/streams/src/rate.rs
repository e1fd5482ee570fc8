//! How many bytes, and how fast: a total and the bits per second over a window.
//!
//! Buckets of equal length. The current one is not over, so a rate is taken over the window and as much of the
//! current bucket as has passed: neither a lone packet nor the bucket's edge makes it jump.

use core::time::Duration;

use wire::Mono;

/// See the module. `N` buckets are the window: 2.5 seconds, unless told otherwise.
// What every packet touches is all there is in place, and no packet but a bucket's first divides.
#[derive(Clone, Debug)]
pub struct Rate<const N: usize = 25> {
    total: u64,
    /// Where the current bucket ends, and what is in it.
    end_nanos: u64,
    current: u32,
    bucket_nanos: u32,
    /// The ones before, the oldest first.
    buckets: Box<[u32; N]>,
}

impl<const N: usize> Rate<N> {
    /// With buckets of a tenth of a second.
    #[must_use]
    pub fn new() -> Self {
        Self::with_buckets(BUCKET_NANOS)
    }

    /// Over a window of that length.
    #[must_use]
    pub fn over(window: Duration) -> Self {
        let nanos = window.as_nanos().checked_div(u128::from(buckets::<N>())).unwrap_or_default();
        Self::with_buckets(u32::try_from(nanos).unwrap_or(u32::MAX).max(1))
    }

    fn with_buckets(bucket_nanos: u32) -> Self {
        Self { total: 0, end_nanos: bucket_nanos.into(), current: 0, bucket_nanos, buckets: Box::new([0; N]) }
    }

    /// All bytes so far.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Counts a packet of that many bytes.
    #[inline]
    pub fn add(&mut self, now: Mono, bytes: usize) {
        if now.as_nanos() >= self.end_nanos {
            self.advance(now);
        }
        self.current = self.current.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        self.total = self.total.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// Over the window.
    #[must_use]
    pub fn bits_per_second(&self, now: Mono) -> u64 {
        Self::sum([self], now).1
    }

    /// Of all that count over buckets of the same length: the bytes so far, and bits per second over the window. The
    /// buckets end at the same times, so this is what one had that counted for all.
    #[must_use]
    pub fn sum<'a>(rates: impl IntoIterator<Item = &'a Self>, now: Mono) -> (u64, u64) {
        let (mut total, mut bytes, mut nanos) = (0_u64, 0_u64, 0);
        for rate in rates {
            total = total.saturating_add(rate.total);
            bytes = bytes.saturating_add(rate.bytes_in_window(now));
            nanos = rate.window_nanos(now);
        }
        let bits = u128::from(bytes).saturating_mul(8_000_000_000);
        let rate = bits.checked_div(u128::from(nanos)).unwrap_or_default();
        (total, u64::try_from(rate).unwrap_or(u64::MAX))
    }

    fn bytes_in_window(&self, now: Mono) -> u64 {
        let gone = usize::try_from(self.buckets_until(now)).unwrap_or(usize::MAX);
        let newest = if gone <= N { u64::from(self.current) } else { 0 };
        let before = self.buckets.iter().skip(gone);
        before.map(|bytes| u64::from(*bytes)).fold(newest, u64::saturating_add)
    }

    /// The buckets that are over, and what has passed of the current one.
    fn window_nanos(&self, now: Mono) -> u64 {
        let bucket_nanos = u64::from(self.bucket_nanos);
        let ahead = self.buckets_until(now).saturating_mul(bucket_nanos);
        // Where the current bucket begins. A clock that went back stands there.
        let begin = self.end_nanos.saturating_add(ahead).saturating_sub(bucket_nanos);
        let passed = now.as_nanos().saturating_sub(begin);
        buckets::<N>().saturating_mul(bucket_nanos).saturating_add(passed)
    }

    /// Takes in what another one counted, over buckets of the same length.
    pub fn absorb(&mut self, mut other: Self) {
        debug_assert_eq!(self.bucket_nanos, other.bucket_nanos);
        let newest = Mono::from_nanos(self.end_nanos.max(other.end_nanos).saturating_sub(1));
        self.advance(newest);
        other.advance(newest);
        self.total = self.total.saturating_add(other.total);
        self.current = self.current.saturating_add(other.current);
        for (bytes, more) in self.buckets.iter_mut().zip(*other.buckets) {
            *bytes = bytes.saturating_add(more);
        }
    }

    /// Makes the bucket that `now` is in the current one.
    #[cold]
    fn advance(&mut self, now: Mono) {
        let by = self.buckets_until(now);
        if by == 0 {
            return;
        }
        self.end_nanos = self.end_nanos.saturating_add(by.saturating_mul(self.bucket_nanos.into()));
        let by = usize::try_from(by).unwrap_or(usize::MAX);
        self.buckets.copy_within(by.min(N).., 0);
        self.buckets.iter_mut().rev().take(by).for_each(|bytes| *bytes = 0);
        let ended = core::mem::take(&mut self.current);
        if let Some(bytes) = N.checked_sub(by).and_then(|at| self.buckets.get_mut(at)) {
            *bytes = ended;
        }
    }

    /// How many buckets the one that `now` is in is ahead of the current one.
    fn buckets_until(&self, now: Mono) -> u64 {
        let Some(over) = now.as_nanos().checked_sub(self.end_nanos) else { return 0 };
        over.checked_div(self.bucket_nanos.into()).unwrap_or_default().saturating_add(1)
    }
}

impl<const N: usize> Default for Rate<N> {
    fn default() -> Self {
        Self::new()
    }
}

fn buckets<const N: usize>() -> u64 {
    u64::try_from(N).unwrap_or(u64::MAX)
}

const BUCKET_NANOS: u32 = 100_000_000;

#[cfg(test)]
mod tests {
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
    fn two_that_became_one_are_as_one_that_counted_both() {
        let at = |ms| Mono::ZERO + Duration::from_millis(ms);
        let (mut one, mut other, mut both) = (Rate::<10>::new(), Rate::<10>::new(), Rate::<10>::new());
        for ms in (0..2_950).step_by(7) {
            // The other one ends half a second before.
            let rate = if ms % 2 == 0 || ms > 2_400 { &mut one } else { &mut other };
            rate.add(at(ms), 100);
            both.add(at(ms), 100);
        }
        let (mut newer, mut older) = (one.clone(), other.clone());
        newer.absorb(other.clone());
        older.absorb(one.clone());
        for rate in [newer, older] {
            assert_eq!(rate.total(), both.total());
            for ms in [2_950, 3_300, 3_949, 4_100] {
                assert_eq!(rate.bits_per_second(at(ms)), both.bits_per_second(at(ms)), "{ms} ms");
            }
        }
        for ms in [2_950, 3_300, 3_949, 4_100] {
            let expected = (both.total(), both.bits_per_second(at(ms)));
            assert_eq!(Rate::sum([&other, &one], at(ms)), expected, "{ms} ms");
        }
        assert!(other.total() > 0 && one.total() > other.total());
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

    #[test]
    fn a_longer_window_remembers_longer() {
        let mut rate = Rate::<25>::over(Duration::from_secs(6));
        let start = Mono::ZERO + Duration::from_secs(60);
        rate.add(start, 750);
        assert_eq!(rate.bits_per_second(start), 1_000);
        assert_eq!(rate.bits_per_second(start + Duration::from_secs(6)), 1_000);
        assert_eq!(rate.bits_per_second(start + Duration::from_millis(6_240)), 0);
        let back = start - Duration::from_secs(50);
        rate.add(back, 750);
        assert_eq!((rate.bits_per_second(back), rate.total()), (2_000, 1_500));
    }
}
