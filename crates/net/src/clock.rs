//! The one place that reads a clock.
//!
//! A shard reads the monotonic clock once per tick. Kernel receive times come on the wall clock, so the clock also
//! keeps how far that is ahead, and refreshes it often enough that a stepped or slewed wall clock bends no interval
//! for long.

#![expect(unsafe_code, reason = "reading a clock is a libc call")]

use core::time::Duration;
use std::time::Instant;

use wire::{Mono, Ntp};

/// Monotonic time, and the anchor by which wall-clock times are put on the same line.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    now: Mono,
    /// Wall clock minus monotonic clock, in nanoseconds.
    realtime_ahead_nanos: i128,
    anchored: Mono,
}

impl Clock {
    /// Reads both clocks.
    #[must_use]
    pub fn start() -> Self {
        let mut clock = Self { now: Mono::ZERO, realtime_ahead_nanos: 0, anchored: Mono::ZERO };
        clock.anchor();
        clock.now = clock.anchored;
        clock
    }

    /// Reads the monotonic clock: once per tick.
    pub fn read(&mut self) -> Mono {
        self.tick(monotonic());
        self.now
    }

    /// Takes over a time that somebody else on this thread just read.
    pub fn tick(&mut self, now: Mono) {
        if now.since(self.anchored) >= ANCHOR_INTERVAL {
            self.anchor();
        }
        self.now = now;
    }

    /// The time of the last `read` or `tick`.
    #[must_use]
    pub const fn now(&self) -> Mono {
        self.now
    }

    /// A point of the wall clock (nanoseconds since the Unix epoch) on the monotonic line, never later than
    /// `now`. A time further back than [`OLDEST_RECEIVE`] tells of a stepped wall clock rather than of a
    /// packet that waited so long, and becomes `now`.
    #[must_use]
    pub fn from_realtime(&self, realtime_nanos: u64) -> Mono {
        let nanos = i128::from(realtime_nanos) - self.realtime_ahead_nanos;
        let at = u64::try_from(nanos).map_or(Mono::ZERO, Mono::from_nanos);
        if at > self.now || self.now.since(at) > OLDEST_RECEIVE { self.now } else { at }
    }

    /// A point of the monotonic line on the wall clock, in nanoseconds since the Unix epoch (for NTP times in RTCP).
    #[must_use]
    pub fn to_realtime(&self, at: Mono) -> u64 {
        u64::try_from(i128::from(at.as_nanos()) + self.realtime_ahead_nanos).unwrap_or(0)
    }

    /// What the wall clock shows at [`Mono::ZERO`], by this anchor.
    #[must_use]
    pub fn ntp_at_zero(&self) -> Ntp {
        Ntp::from_unix(Duration::from_nanos(self.to_realtime(Mono::ZERO)))
    }

    /// When [`Mono::ZERO`] was, for what measures time in instants.
    #[must_use]
    pub fn instant_at_zero() -> Instant {
        let (instant, now) = (Instant::now(), monotonic());
        instant.checked_sub(Duration::from_nanos(now.as_nanos())).unwrap_or(instant)
    }

    /// Reads the wall clock between two readings of the monotonic one. The tightest of a few attempts counts: a
    /// thread that loses its core in between would be off by as long as it was away.
    fn anchor(&mut self) {
        let mut tightest = u64::MAX;
        for _ in 0..ANCHOR_ATTEMPTS {
            let before = monotonic().as_nanos();
            let realtime = read_nanos(libc::CLOCK_REALTIME);
            let after = monotonic().as_nanos();
            let window = after.saturating_sub(before);
            if window < tightest {
                tightest = window;
                self.realtime_ahead_nanos = i128::from(realtime) - i128::from(before.midpoint(after));
                self.anchored = Mono::from_nanos(after);
            }
            if window < TIGHT_NANOS {
                break;
            }
        }
    }
}

fn monotonic() -> Mono {
    Mono::from_nanos(read_nanos(libc::CLOCK_MONOTONIC))
}

fn read_nanos(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for one timespec; both clocks always exist, so the call cannot fail.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

/// How long an anchor is trusted. NTP slews by at most 500 ppm, so 100 ms bend a receive time by 50 us at most;
/// and re-reading costs 60 ns ten times a second.
const ANCHOR_INTERVAL: Duration = Duration::from_millis(100);
/// An attempt takes 75 ns; more than one is needed only when the thread is interrupted between two readings.
const ANCHOR_ATTEMPTS: u32 = 4;
/// Good enough for receive times, whose own noise is microseconds.
const TIGHT_NANOS: u64 = 1_000;
/// Longest time that a datagram can believably wait in a socket buffer.
pub const OLDEST_RECEIVE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(now: u64, ahead: i128) -> Clock {
        Clock { now: Mono::from_nanos(now), realtime_ahead_nanos: ahead, anchored: Mono::from_nanos(now) }
    }

    #[test]
    fn wall_clock_times_land_on_the_monotonic_line() {
        let clock = clock(5_000_000_000, 1_000);
        assert_eq!(clock.from_realtime(4_900_001_000), Mono::from_nanos(4_900_000_000));
        assert_eq!(clock.to_realtime(Mono::from_nanos(4_900_000_000)), 4_900_001_000);
    }

    #[test]
    fn a_stepped_wall_clock_does_not_move_a_packet() {
        let clock = clock(5_000_000_000, 0);
        assert_eq!(clock.from_realtime(5_000_000_001), clock.now(), "from the future");
        assert_eq!(clock.from_realtime(3_999_999_999), clock.now(), "too long ago");
        assert_eq!(clock.from_realtime(0), clock.now(), "before the origin");
    }

    #[test]
    fn reading_never_goes_back() {
        let mut clock = Clock::start();
        let first = clock.read();
        assert!(clock.read() >= first);
        let wall = clock.to_realtime(clock.now());
        assert_eq!(clock.from_realtime(wall), clock.now());
    }
}
