//! When a REMB goes out and what it says.
//!
//! Two things have a say: the estimate, for transports that have one, and the limit that the application set, which is told
//! to senders with transport-wide feedback as well (mediasoup's `setMaxIncomingBitrate()`).

use core::time::Duration;

use wire::Mono;

/// The REMBs of one transport.
///
/// The caller arms a timer for [`next`](Self::next) and calls [`poll`](Self::poll) then, and whenever a packet lowered the
/// estimate or the limit changed; a call too many is harmless. A value is to be sent as it is: the rate of the REMB.
#[derive(Debug)]
pub struct Rembs {
    limit_bits_per_second: u64,
    /// REMBs that still have to say that there is no limit any more.
    lifting: u8,
    said: Option<Said>,
}

impl Rembs {
    /// No limit, nothing said.
    #[must_use]
    pub const fn new() -> Self {
        Self { limit_bits_per_second: NO_LIMIT, lifting: 0, said: None }
    }

    /// Sets the most that senders may send, 0 for no limit. [`poll`](Self::poll) tells it at once.
    pub fn set_limit(&mut self, bits_per_second: u64) {
        if bits_per_second == self.limit_bits_per_second {
            return;
        }
        self.lifting = if bits_per_second == NO_LIMIT { LIFTING } else { 0 };
        self.limit_bits_per_second = bits_per_second;
        self.said = None;
    }

    /// The rate to be told to senders now, if it is time for one. With `estimate` the transport estimates, without it
    /// only the limit is told. 0 says that there is no limit.
    pub fn poll(&mut self, now: Mono, estimate: Option<u64>) -> Option<u64> {
        let bits_per_second = self.wanted(estimate)?;
        let due = self
            .said
            .is_none_or(|said| now >= said.at + interval(estimate) || said.is_far_above(bits_per_second));
        if !due {
            return None;
        }
        // An estimate says by itself that the old limit does not hold.
        self.lifting = if estimate.is_some() { 0 } else { self.lifting.saturating_sub(1) };
        self.said = Some(Said { at: now, bits_per_second });
        Some(bits_per_second)
    }

    /// When to poll next if nothing changes; [`Mono::NEVER`] if there is nothing to say.
    #[must_use]
    pub fn next(&self, now: Mono, estimate: Option<u64>) -> Mono {
        match (self.wanted(estimate), self.said) {
            (None, _) => Mono::NEVER,
            (Some(_), None) => now,
            (Some(wanted), Some(said)) if said.is_far_above(wanted) => now,
            (Some(_), Some(said)) => said.at + interval(estimate),
        }
    }

    const fn wanted(&self, estimate: Option<u64>) -> Option<u64> {
        match (estimate, self.limit_bits_per_second) {
            (Some(estimate), NO_LIMIT) => Some(estimate),
            (Some(estimate), limit) => Some(if estimate < limit { estimate } else { limit }),
            (None, NO_LIMIT) if self.lifting == 0 => None,
            (None, limit) => Some(limit),
        }
    }
}

impl Default for Rembs {
    fn default() -> Self {
        Self::new()
    }
}

/// The last REMB.
#[derive(Clone, Copy, Debug)]
struct Said {
    at: Mono,
    bits_per_second: u64,
}

impl Said {
    /// Whether `bits_per_second` is lower by so much that senders should not wait for it.
    const fn is_far_above(self, bits_per_second: u64) -> bool {
        // 0 is "no limit": everything is below that, and it is below nothing.
        bits_per_second != NO_LIMIT
            && (self.bits_per_second == NO_LIMIT
                || bits_per_second < self.bits_per_second.saturating_mul(KEPT_PERCENT) / 100)
    }
}

const fn interval(estimate: Option<u64>) -> Duration {
    if estimate.is_some() { ESTIMATE_INTERVAL } else { LIMIT_INTERVAL }
}

/// On the wire too: a REMB of 0 lifts the limit that another one set.
const NO_LIMIT: u64 = 0;
/// Any of them may be lost.
const LIFTING: u8 = 4;
/// libwebrtc's: a drop of 3 % at once, all else each second.
const KEPT_PERCENT: u64 = 97;
const ESTIMATE_INTERVAL: Duration = Duration::from_secs(1);
/// As often as mediasoup's worker tells a limit.
const LIMIT_INTERVAL: Duration = Duration::from_millis(1_500);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Mono {
        Mono::from_nanos(millis * 1_000_000)
    }

    /// What is said when polled each 100 ms: (milliseconds, rate).
    fn said(rembs: &mut Rembs, from: u64, to: u64, estimate: Option<u64>) -> Vec<(u64, u64)> {
        let polled = (from..to).step_by(100);
        polled.filter_map(|millis| Some((millis, rembs.poll(at(millis), estimate)?))).collect()
    }

    #[test]
    fn an_estimate_is_told_each_second_and_a_drop_at_once() {
        let mut rembs = Rembs::new();
        assert_eq!(said(&mut rembs, 0, 1_100, Some(1_000_000)), [(0, 1_000_000), (1_000, 1_000_000)]);
        assert_eq!(said(&mut rembs, 1_100, 1_200, Some(975_000)), []);
        assert_eq!(rembs.next(at(1_150), Some(975_000)), at(2_000));
        assert_eq!(rembs.next(at(1_150), Some(960_000)), at(1_150));
        assert_eq!(said(&mut rembs, 1_200, 2_200, Some(960_000)), [(1_200, 960_000)]);
        assert_eq!(said(&mut rembs, 2_200, 2_300, Some(2_000_000)), [(2_200, 2_000_000)]);
    }

    #[test]
    fn a_limit_is_told_without_an_estimate_and_lifted_four_times() {
        let mut rembs = Rembs::new();
        assert_eq!(rembs.next(at(0), None), Mono::NEVER);
        assert_eq!(said(&mut rembs, 0, 1_000, None), []);
        rembs.set_limit(500_000);
        assert_eq!(said(&mut rembs, 1_000, 4_000, None), [(1_000, 500_000), (2_500, 500_000)]);
        rembs.set_limit(300_000);
        assert_eq!(said(&mut rembs, 4_000, 5_000, None), [(4_000, 300_000)]);
        assert_eq!(rembs.next(at(5_000), None), at(5_500));
        rembs.set_limit(0);
        assert_eq!(rembs.next(at(5_000), None), at(5_000));
        assert_eq!(said(&mut rembs, 5_000, 60_000, None), [(5_000, 0), (6_500, 0), (8_000, 0), (9_500, 0)]);
        assert_eq!(rembs.next(at(60_000), None), Mono::NEVER);
    }

    #[test]
    fn a_limit_caps_the_estimate_and_is_lifted_by_the_next_one() {
        let mut rembs = Rembs::new();
        assert_eq!(said(&mut rembs, 0, 100, Some(900_000)), [(0, 900_000)]);
        rembs.set_limit(500_000);
        assert_eq!(said(&mut rembs, 100, 200, Some(900_000)), [(100, 500_000)]);
        rembs.set_limit(500_000);
        assert_eq!(said(&mut rembs, 200, 300, Some(900_000)), []);
        assert_eq!(said(&mut rembs, 300, 400, Some(400_000)), [(300, 400_000)]);
        rembs.set_limit(0);
        assert_eq!(said(&mut rembs, 400, 500, Some(900_000)), [(400, 900_000)]);
        // The senders fell silent: nothing is limited, nothing needs lifting.
        assert_eq!(said(&mut rembs, 500, 9_000, None), []);
    }

    #[test]
    fn an_estimate_after_a_lifted_limit_is_told_at_once() {
        let mut rembs = Rembs::new();
        rembs.set_limit(500_000);
        rembs.set_limit(0);
        assert_eq!(said(&mut rembs, 0, 100, None), [(0, 0)]);
        assert_eq!(said(&mut rembs, 100, 200, Some(900_000)), [(100, 900_000)]);
    }
}
