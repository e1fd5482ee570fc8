//! Whether delay grows: the slope of a line through the last smoothed delays.
//!
//! draft-ietf-rmcat-gcc-02 §5.3 filters the variations with a Kalman filter. libwebrtc has since replaced it by this
//! line, which needs no guess about noise; window, smoothing and gain are its values.

use wire::Mono;

/// The last delays.
#[derive(Debug)]
pub(crate) struct Trend {
    points: [Point; WINDOW],
    filled: usize,
    next: usize,
    first_arrival: Option<Mono>,
    variations: u32,
    delay_millis: f64,
    smoothed_millis: f64,
}

impl Trend {
    pub(crate) const fn new() -> Self {
        Self {
            points: [Point { arrived_millis: 0.0, delay_millis: 0.0 }; WINDOW],
            filled: 0,
            next: 0,
            first_arrival: None,
            variations: 0,
            delay_millis: 0.0,
            smoothed_millis: 0.0,
        }
    }

    /// Takes the variation of the group that ended at `now`, and says how strongly delay grows: positive for a queue
    /// that fills, in the milliseconds that the detector's threshold is in.
    pub(crate) fn add(&mut self, now: Mono, variation_millis: f64) -> f64 {
        let first = *self.first_arrival.get_or_insert(now);
        self.variations = self.variations.saturating_add(1).min(MAX_VARIATIONS);
        self.delay_millis += variation_millis;
        self.smoothed_millis = SMOOTHING.mul_add(self.smoothed_millis, (1.0 - SMOOTHING) * self.delay_millis);
        let arrived_millis = now.since(first).as_secs_f64() * 1_000.0;
        if let Some(point) = self.points.get_mut(self.next) {
            *point = Point { arrived_millis, delay_millis: self.smoothed_millis };
        }
        self.next = self.next.wrapping_add(1) % WINDOW;
        self.filled = self.filled.saturating_add(1).min(WINDOW);
        if self.filled < WINDOW {
            return 0.0;
        }
        self.slope() * f64::from(self.variations) * GAIN
    }

    /// Least squares: milliseconds of delay gained per millisecond.
    fn slope(&self) -> f64 {
        let count = f64::from(WINDOW_POINTS);
        let mean_arrived = self.points.iter().map(|point| point.arrived_millis).sum::<f64>() / count;
        let mean_delay = self.points.iter().map(|point| point.delay_millis).sum::<f64>() / count;
        let (mut over, mut under) = (0.0, 0.0);
        for point in &self.points {
            let from_mean = point.arrived_millis - mean_arrived;
            over += from_mean * (point.delay_millis - mean_delay);
            under += from_mean * from_mean;
        }
        if under > 0.0 { over / under } else { 0.0 }
    }
}

#[derive(Clone, Copy, Debug)]
struct Point {
    arrived_millis: f64,
    delay_millis: f64,
}

const WINDOW: usize = 20;
/// [`WINDOW`] for doubles.
const WINDOW_POINTS: u8 = 20;
const SMOOTHING: f64 = 0.9;
/// A young filter is trusted less: the slope counts as many times as there were variations, up to this.
const MAX_VARIATIONS: u32 = 60;
const GAIN: f64 = 4.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn after(groups: u64, variation_millis: f64) -> f64 {
        let mut trend = Trend::new();
        let arrived = (0..groups).map(|n| Mono::from_nanos(n * 20_000_000));
        arrived.map(|now| trend.add(now, variation_millis)).last().unwrap_or_default()
    }

    #[test]
    fn the_sign_is_that_of_the_queue() {
        assert!(after(60, 0.0).abs() < 1e-9);
        // 2 ms more each 20 ms: a slope of 0.1, 60 variations, gain 4.
        assert!((after(100, 2.0) - 24.0).abs() < 0.1, "{}", after(100, 2.0));
        assert!((after(100, -2.0) + 24.0).abs() < 0.1);
    }

    #[test]
    fn a_young_filter_says_nothing() {
        assert!(after(19, 50.0).abs() < 1e-9);
        assert!(after(20, 50.0) > 1.0);
    }

    #[test]
    fn groups_that_arrive_at_once_have_no_slope() {
        let mut trend = Trend::new();
        assert!((0..100).all(|_| trend.add(Mono::ZERO, 1e3).is_finite()));
    }
}
