//! From a trend to a signal: more than the path takes, less, or neither (draft-ietf-rmcat-gcc-02 §5.4).

use core::time::Duration;

use wire::Mono;

/// How the path is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Usage {
    /// Delay is stable.
    #[default]
    Normal,
    /// A queue grows.
    Over,
    /// A queue empties.
    Under,
}

/// Compares the trend with a threshold that adapts, so that a flow that fills queues does not starve this one.
#[derive(Debug)]
pub(crate) struct Detector {
    threshold_millis: f64,
    adapted: Option<Mono>,
    over_since: Option<Over>,
    last_trend: f64,
    usage: Usage,
}

impl Detector {
    pub(crate) const fn new() -> Self {
        Self {
            threshold_millis: FIRST_THRESHOLD_MILLIS,
            adapted: None,
            over_since: None,
            last_trend: 0.0,
            usage: Usage::Normal,
        }
    }

    pub(crate) const fn usage(&self) -> Usage {
        self.usage
    }

    /// Takes the trend after the group that ended at `now`.
    pub(crate) fn trend(&mut self, now: Mono, trend: f64) {
        if trend > self.threshold_millis {
            let over = self.over_since.get_or_insert(Over { since: now, groups: 0 });
            over.groups = over.groups.saturating_add(1);
            // Delay that has stopped growing is a queue that somebody else left.
            if now.since(over.since) >= OVER_FOR && over.groups > 1 && trend >= self.last_trend {
                self.usage = Usage::Over;
                self.over_since = None;
            }
        } else {
            self.over_since = None;
            self.usage = if trend < -self.threshold_millis { Usage::Under } else { Usage::Normal };
        }
        self.last_trend = trend;
        self.adapt(now, trend);
    }

    fn adapt(&mut self, now: Mono, trend: f64) {
        let elapsed = now.since(self.adapted.unwrap_or(now)).min(MAX_ADAPTED);
        self.adapted = Some(now);
        let beyond = trend.abs() - self.threshold_millis;
        // §5.4: a sudden rise, of a route that changed say, must not lift the threshold over what it has to see.
        if beyond > MAX_BEYOND_MILLIS {
            return;
        }
        let speed = if beyond < 0.0 { SPEED_DOWN } else { SPEED_UP };
        let threshold = (elapsed.as_secs_f64() * 1_000.0 * speed).mul_add(beyond, self.threshold_millis);
        self.threshold_millis = threshold.clamp(MIN_THRESHOLD_MILLIS, MAX_THRESHOLD_MILLIS);
    }
}

/// A trend above the threshold that lasts.
#[derive(Clone, Copy, Debug)]
struct Over {
    since: Mono,
    groups: u32,
}

/// §5.4: over-use is told when it lasted 10 ms.
const OVER_FOR: Duration = Duration::from_millis(10);
const FIRST_THRESHOLD_MILLIS: f64 = 12.5;
const MIN_THRESHOLD_MILLIS: f64 = 6.0;
const MAX_THRESHOLD_MILLIS: f64 = 600.0;
const MAX_BEYOND_MILLIS: f64 = 15.0;
/// Per millisecond, as libwebrtc has them; the draft's Table 1 names a quicker rise and a slower fall.
const SPEED_UP: f64 = 0.0087;
const SPEED_DOWN: f64 = 0.039;
/// A pause adapts no more than this does.
const MAX_ADAPTED: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    /// The usage after trends 20 ms apart.
    fn after(detector: &mut Detector, from_millis: u64, trends: &[f64]) -> Usage {
        for (millis, &trend) in (from_millis..).step_by(20).zip(trends) {
            detector.trend(Mono::from_nanos(millis * 1_000_000), trend);
        }
        detector.usage()
    }

    #[test]
    fn over_use_must_last_and_grow() {
        assert_eq!(after(&mut Detector::new(), 0, &[13.0]), Usage::Normal);
        assert_eq!(after(&mut Detector::new(), 0, &[13.0, 14.0]), Usage::Over);
        assert_eq!(after(&mut Detector::new(), 0, &[20.0, 14.0]), Usage::Normal);
        assert_eq!(after(&mut Detector::new(), 0, &[13.0, 14.0, 0.0]), Usage::Normal);
        assert_eq!(after(&mut Detector::new(), 0, &[-13.0]), Usage::Under);
    }

    #[test]
    fn the_threshold_follows_what_is_usual() {
        // A path that always wobbles by 20 is not over-used by 20, and a quiet one is seen at 7.
        let mut detector = Detector::new();
        let wobble: Vec<f64> = (0..400).map(|n| if n % 2 == 0 { 20.0 } else { -20.0 }).collect();
        after(&mut detector, 0, &wobble);
        assert!(detector.threshold_millis > 18.0, "{}", detector.threshold_millis);
        let mut detector = Detector::new();
        after(&mut detector, 0, &[0.0; 100]);
        assert!(detector.threshold_millis <= 6.0);
        assert_eq!(after(&mut detector, 2_000, &[6.5, 7.0]), Usage::Over);
    }

    #[test]
    fn a_spike_does_not_lift_the_threshold() {
        let mut detector = Detector::new();
        after(&mut detector, 0, &[0.0, 500.0, 900.0, 700.0]);
        assert!(detector.threshold_millis < 13.0);
    }
}
