//! The rate controller: up while the path is quiet, down to what arrives when it is not
//! (draft-ietf-rmcat-gcc-02 §5.5).

use core::time::Duration;

use wire::Mono;

use crate::detector::Usage;
use crate::range::Range;

/// The bounds of an estimate. They hold whatever a sender does.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Never below this: a sender that is told less than audio needs cannot be measured any more.
    pub floor_bits_per_second: u64,
    /// Said at least, as long as the path has not once been too narrow.
    pub start_bits_per_second: u64,
    /// Never above this.
    pub ceiling_bits_per_second: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            // A narrow-band voice with its headers.
            floor_bits_per_second: 30_000,
            // What this project and mediasoup begin with in the other direction.
            start_bits_per_second: 600_000,
            // More than any camera sends; far below where arithmetic could saturate.
            ceiling_bits_per_second: 1_000_000_000,
        }
    }
}

/// The estimate and how it moves.
#[derive(Debug)]
pub(crate) struct Control {
    config: Config,
    state: State,
    bits_per_second: u64,
    range: Range,
    round_trip: Duration,
    updated: Mono,
    reduced: Option<Mono>,
}

/// draft-ietf-rmcat-gcc-02 §5.5, the state machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing has shown a limit yet. Not in the draft: with its 8 % a second a call would take half a minute to
    /// reach 2 Mbit/s, and until something is too much there is nothing to be careful about.
    Unlimited,
    Hold,
    Increase,
    Decrease,
}

impl Control {
    pub(crate) const fn new(config: Config, now: Mono) -> Self {
        Self {
            config,
            state: State::Unlimited,
            bits_per_second: 0,
            range: Range::new(),
            round_trip: FIRST_ROUND_TRIP,
            updated: now,
            reduced: None,
        }
    }

    pub(crate) const fn bits_per_second(&self) -> u64 {
        self.bits_per_second
    }

    pub(crate) fn set_round_trip(&mut self, round_trip: Duration) {
        self.round_trip = round_trip.clamp(MIN_ROUND_TRIP, MAX_ROUND_TRIP);
    }

    /// Whether there is something to do at `now`: regularly, and at once when a queue grows.
    pub(crate) fn is_due(&self, now: Mono, usage: Usage) -> bool {
        now.since(self.updated) >= EVERY || usage == Usage::Over && self.may_reduce(now)
    }

    /// Moves the estimate, given what arrives.
    pub(crate) fn update(&mut self, now: Mono, usage: Usage, incoming: u64) {
        self.turn(usage);
        let elapsed = now.since(self.updated).min(MAX_ELAPSED);
        self.updated = now;
        let enough = incoming.saturating_mul(3) / 2;
        let bits_per_second = match self.state {
            State::Unlimited => self.bits_per_second.max(enough).max(self.config.start_bits_per_second),
            State::Hold => self.bits_per_second,
            State::Increase => self.increased(elapsed, incoming).min(enough.saturating_add(HEAD_START)),
            State::Decrease if self.may_reduce(now) => self.reduce(now, incoming),
            State::Decrease => self.bits_per_second,
        };
        // A sender that sends less than it may is no reason to take it back: only over-use lowers the estimate.
        let bits_per_second = match self.state {
            State::Increase => bits_per_second.max(self.bits_per_second),
            _ => bits_per_second,
        };
        self.bits_per_second = self.bounded(bits_per_second);
    }

    fn turn(&mut self, usage: Usage) {
        self.state = match (usage, self.state) {
            (Usage::Over, _) => State::Decrease,
            (Usage::Under | Usage::Normal, State::Unlimited) => State::Unlimited,
            (Usage::Under, _) | (Usage::Normal, State::Decrease) => State::Hold,
            (Usage::Normal, State::Hold | State::Increase) => State::Increase,
        };
    }

    fn increased(&mut self, elapsed: Duration, incoming: u64) -> u64 {
        self.range.took(incoming);
        let per_second = if self.range.is_known() {
            // Near the limit: half a packet per response time.
            let response = self.round_trip.saturating_add(DETECTION);
            (over(packet_bits(self.bits_per_second), response) / 2).max(MIN_STEP)
        } else {
            self.bits_per_second.saturating_mul(GROWTH_PERCENT) / 100
        };
        self.bits_per_second.saturating_add(part(per_second, elapsed).max(1))
    }

    /// To a little below what arrives, so that the queue empties.
    fn reduce(&mut self, now: Mono, incoming: u64) -> u64 {
        self.reduced = Some(now);
        self.range.full_at(incoming);
        let reduced = incoming.saturating_mul(KEPT_PERCENT) / 100;
        // The first over-use may come before there was an estimate.
        if self.bits_per_second == 0 { reduced } else { reduced.min(self.bits_per_second) }
    }

    /// Not twice for one cause: the sender needs a round trip until less arrives.
    fn may_reduce(&self, now: Mono) -> bool {
        let response = self.round_trip.min(MAX_RESPONSE);
        self.reduced.is_none_or(|reduced| now.since(reduced) >= response)
    }

    fn bounded(&self, bits_per_second: u64) -> u64 {
        let Config { floor_bits_per_second: floor, ceiling_bits_per_second: ceiling, .. } = self.config;
        // No `clamp`: it panics when somebody configures the floor above the ceiling.
        bits_per_second.max(floor).min(ceiling)
    }
}

/// §5.5: the size of the packets that a frame is cut to, at 30 frames a second.
fn packet_bits(bits_per_second: u64) -> u64 {
    let frame = bits_per_second / 30;
    frame.checked_div(frame.div_ceil(MAX_PACKET_BITS)).unwrap_or(0)
}

/// `per_second` over a part of a second or some.
fn part(per_second: u64, elapsed: Duration) -> u64 {
    let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    per_second.saturating_mul(micros) / MICROS_PER_SECOND
}

/// `bits` per `duration`, as a rate.
fn over(bits: u64, duration: Duration) -> u64 {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).max(1);
    bits.saturating_mul(MICROS_PER_SECOND).checked_div(micros).unwrap_or(0)
}

/// Often enough for steps that nobody sees, and a fiftieth of the packets of a video.
const EVERY: Duration = Duration::from_millis(50);
/// §5.5: 8 % a second, and no more than a second at once.
const GROWTH_PERCENT: u64 = 8;
const MAX_ELAPSED: Duration = Duration::from_secs(1);
/// §5.5: beta is 0.85.
const KEPT_PERCENT: u64 = 85;
/// What may be said beyond one and a half times what arrives (§5.5), so that silence can end.
const HEAD_START: u64 = 10_000;
/// §5.5: the response time is the round trip and 100 ms for the detector.
const DETECTION: Duration = Duration::from_millis(100);
const MAX_PACKET_BITS: u64 = 1_200 * 8;
/// Even over a satellite an estimate climbs by this, per second.
const MIN_STEP: u64 = 4_000;
const FIRST_ROUND_TRIP: Duration = Duration::from_millis(200);
const MIN_ROUND_TRIP: Duration = Duration::from_millis(10);
/// A round trip is computed from a report that the peer wrote: it must not switch the controller off.
const MAX_ROUND_TRIP: Duration = Duration::from_secs(2);
const MAX_RESPONSE: Duration = Duration::from_millis(200);
const MICROS_PER_SECOND: u64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Mono {
        Mono::from_nanos(millis * 1_000_000)
    }

    fn limited(incoming: u64) -> Control {
        let mut control = Control::new(Config::default(), at(0));
        control.update(at(100), Usage::Over, incoming);
        control
    }

    #[test]
    fn an_unlimited_path_is_said_to_take_half_as_much_again() {
        let mut control = Control::new(Config::default(), at(0));
        control.update(at(100), Usage::Normal, 200_000);
        assert_eq!(control.bits_per_second(), 600_000);
        control.update(at(200), Usage::Normal, 2_000_000);
        assert_eq!(control.bits_per_second(), 3_000_000);
        control.update(at(300), Usage::Under, 0);
        assert_eq!(control.bits_per_second(), 3_000_000);
    }

    #[test]
    fn over_use_goes_below_what_arrives_and_then_waits() {
        let mut control = limited(1_000_000);
        assert_eq!(control.bits_per_second(), 850_000);
        assert!(!control.is_due(at(149), Usage::Over));
        control.update(at(150), Usage::Over, 500_000);
        assert_eq!(control.bits_per_second(), 850_000, "the sender has not heard of the first one yet");
        control.update(at(301), Usage::Over, 500_000);
        assert_eq!(control.bits_per_second(), 425_000);
        control.update(at(600), Usage::Over, 2_000_000);
        assert_eq!(control.bits_per_second(), 425_000, "over-use never raises");
    }

    #[test]
    fn it_climbs_slowly_near_the_limit_and_by_8_percent_far_from_it() {
        let mut control = limited(1_000_000);
        control.update(at(1_000), Usage::Normal, 850_000);
        assert_eq!(control.bits_per_second(), 850_000, "the queue empties first");
        control.update(at(2_000), Usage::Normal, 850_000);
        control.update(at(3_000), Usage::Normal, 850_000);
        assert_eq!(control.bits_per_second(), 850_000 + 15_740 + 12_023);
        control.update(at(4_000), Usage::Normal, 1_500_000);
        assert_eq!(control.bits_per_second(), (850_000 + 15_740 + 12_023) * 108 / 100);
    }

    #[test]
    fn what_is_not_used_is_not_raised_and_not_taken_back() {
        let mut control = limited(1_000_000);
        for second in 1..100 {
            control.update(at(second * 1_000), Usage::Normal, 100_000);
        }
        assert_eq!(control.bits_per_second(), 850_000);
    }

    #[test]
    fn bounds_hold() {
        let config = Config { ceiling_bits_per_second: 1_000_000, ..Config::default() };
        let mut control = Control::new(config, at(0));
        control.update(at(100), Usage::Normal, u64::MAX);
        assert_eq!(control.bits_per_second(), 1_000_000);
        control.update(at(200), Usage::Over, 0);
        assert_eq!(control.bits_per_second(), 30_000);
        let config = Config { ceiling_bits_per_second: 10, ..Config::default() };
        Control::new(config, at(0)).update(at(1), Usage::Over, 1);
    }
}
