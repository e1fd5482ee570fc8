//! Resident memory over time.

use serde::Serialize;

use crate::case::{float, u64_of};

/// Samples at even intervals, and what they come to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Memory {
    samples_kib: Vec<u64>,
    seconds_apart: f64,
}

/// What a course of samples comes to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Course {
    pub(super) first_kib: u64,
    pub(super) last_kib: u64,
    pub(super) max_kib: u64,
    /// Of the line that fits the samples best, and the standard error of that.
    pub(super) slope_kib_per_minute: f64,
    pub(super) error_kib_per_minute: f64,
}

impl Memory {
    pub(super) fn new(seconds_apart: f64) -> Self {
        Self { samples_kib: Vec::new(), seconds_apart }
    }

    pub(super) fn add(&mut self, kib: u64) {
        self.samples_kib.push(kib);
    }

    /// Leaves out what came before the worker had seen everything once: tables grow to their size then.
    pub(super) fn course(&self) -> Option<Course> {
        let samples = self.samples_kib.get(self.samples_kib.len() / WARM_UP_PART..)?;
        let (slope, error) = slope(samples);
        let per_minute = 60.0 / self.seconds_apart;
        Some(Course {
            first_kib: *samples.first()?,
            last_kib: *samples.last()?,
            max_kib: *samples.iter().max()?,
            slope_kib_per_minute: slope * per_minute,
            error_kib_per_minute: error * per_minute,
        })
    }
}

/// Least squares, per sample, with the standard error. Memory goes up in steps, so that samples are like those before
/// them and say less than as many independent ones would: the error is larger by that.
fn slope(samples: &[u64]) -> (f64, f64) {
    let count = float(u64_of(samples.len()));
    let points = || samples.iter().enumerate().map(|(place, &kib)| (float(u64_of(place)), float(kib)));
    let mean = |sum: f64| sum / count;
    let (x, y) = (mean(points().map(|(x, _)| x).sum()), mean(points().map(|(_, y)| y).sum()));
    let spread: f64 = points().map(|(at, _)| (at - x) * (at - x)).sum();
    let together: f64 = points().map(|(at, kib)| (at - x) * (kib - y)).sum();
    if spread <= 0.0 || samples.len() < FEWEST {
        return (0.0, f64::INFINITY);
    }
    let slope = together / spread;
    let left: Vec<f64> = points().map(|(at, kib)| kib - y - slope * (at - x)).collect();
    let squares: f64 = left.iter().map(|left| left * left).sum();
    let neighbours: f64 = left.iter().zip(left.iter().skip(1)).map(|(one, next)| one * next).sum();
    let alike = if squares > 0.0 { (neighbours / squares).clamp(0.0, MOST_ALIKE) } else { 0.0 };
    let error = (squares / (count - 2.0) / spread).sqrt() * ((1.0 + alike) / (1.0 - alike)).sqrt();
    (slope, error)
}

impl Course {
    /// The slope of which nineteen in twenty such runs stay below, where the truth is what this one found.
    pub(super) fn most_kib_per_minute(&self) -> f64 {
        self.slope_kib_per_minute + CONFIDENCE * self.error_kib_per_minute
    }

    /// The same from the other side.
    pub(super) fn least_kib_per_minute(&self) -> f64 {
        self.slope_kib_per_minute - CONFIDENCE * self.error_kib_per_minute
    }
}

/// One part in so many is warming up.
const WARM_UP_PART: usize = 5;
/// Samples below which a line says nothing.
const FEWEST: usize = 8;
/// Samples that are hardly anything but the one before make no finite error.
const MOST_ALIKE: f64 = 0.99;
/// Standard errors, one-sided, of 95 %.
const CONFIDENCE: f64 = 1.645;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_shows_as_slope_and_the_beginning_does_not_count() {
        let mut memory = Memory::new(0.5);
        assert_eq!(memory.course(), None);
        for kib in [1, 5, 1000, 1010, 1020, 1030, 1040, 1050, 1060, 1070] {
            memory.add(kib);
        }
        let course = memory.course().unwrap();
        assert_eq!((course.first_kib, course.last_kib, course.max_kib), (1000, 1070, 1070));
        assert!((course.slope_kib_per_minute - 1200.0).abs() < 1e-6);
        assert!(course.error_kib_per_minute < 1e-6, "a line is sure: {course:?}");
    }

    #[test]
    fn noise_and_steps_make_a_slope_less_sure_and_few_samples_say_nothing() {
        let course = |samples: &mut dyn Iterator<Item = u64>| {
            let mut memory = Memory::new(1.0);
            samples.for_each(|kib| memory.add(kib));
            memory.course().unwrap()
        };
        let noise = |place: u64| place.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 57;
        let flat = course(&mut (0..600).map(|place| 60_000 + noise(place)));
        assert!(flat.least_kib_per_minute() < 0.0 && flat.most_kib_per_minute() > 0.0, "{flat:?}");
        assert!(flat.most_kib_per_minute() < 10.0, "{flat:?}");
        let grows = course(&mut (0..600).map(|place| 60_000 + noise(place) + place));
        assert!(grows.least_kib_per_minute() > 50.0, "{grows:?}");
        // The same noise, each value for a minute.
        let steps = course(&mut (0..600).map(|place| 60_000 + noise(place / 60)));
        assert!(steps.error_kib_per_minute > 3.0 * flat.error_kib_per_minute, "{steps:?} {flat:?}");
        let few = course(&mut (0..7));
        assert_eq!(few.most_kib_per_minute(), f64::INFINITY);
    }
}
