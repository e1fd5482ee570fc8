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
    /// Of the line that fits the samples best.
    pub(super) slope_kib_per_minute: f64,
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
        Some(Course {
            first_kib: *samples.first()?,
            last_kib: *samples.last()?,
            max_kib: *samples.iter().max()?,
            slope_kib_per_minute: slope(samples) / self.seconds_apart * 60.0,
        })
    }
}

/// Least squares, per sample.
fn slope(samples: &[u64]) -> f64 {
    let count = float(u64_of(samples.len()));
    let points = || samples.iter().enumerate().map(|(place, &kib)| (float(u64_of(place)), float(kib)));
    let mean = |sum: f64| sum / count;
    let (x, y) = (mean(points().map(|(x, _)| x).sum()), mean(points().map(|(_, y)| y).sum()));
    let spread: f64 = points().map(|(at, _)| (at - x) * (at - x)).sum();
    let together: f64 = points().map(|(at, kib)| (at - x) * (kib - y)).sum();
    if spread > 0.0 { together / spread } else { 0.0 }
}

/// One part in so many is warming up.
const WARM_UP_PART: usize = 5;

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
    }
}
