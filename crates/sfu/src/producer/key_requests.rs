//! When the sender of an encoding is asked for a key frame, however many ask and however often.
//!
//! At most one request is *pending*, for a second: who asks after it is remembered, and then it is sent once more, for
//! the first may have been lost. The key frame ends it. Where the application chose a delay, requests are that far
//! apart: who asks meanwhile is remembered, and asked for when the delay is over, unless a key frame came since.

use core::time::Duration;

use wire::Mono;

/// The requests for one encoding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyRequests {
    pending: Option<Waiting>,
    delayed: Option<Waiting>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Waiting {
    until: Mono,
    /// Somebody asked meanwhile.
    asked: bool,
}

impl KeyRequests {
    /// Somebody wants a key frame. Whether its sender is to be asked now.
    pub(crate) fn want(&mut self, now: Mono, delay: Duration) -> bool {
        if let Some(delayed) = &mut self.delayed {
            delayed.asked |= now + delay > delayed.until;
            return false;
        }
        if !delay.is_zero() {
            self.delayed = Some(Waiting { until: now + delay, asked: false });
        }
        if let Some(pending) = &mut self.pending {
            pending.asked |= now + PATIENCE > pending.until;
            return false;
        }
        self.pending = Some(Waiting { until: now + PATIENCE, asked: false });
        true
    }

    /// A key frame begins: whoever asked has what they wanted.
    #[inline]
    pub(crate) const fn arrived(&mut self) {
        self.pending = None;
        if let Some(delayed) = &mut self.delayed {
            delayed.asked = false;
        }
    }

    /// Its sender cannot be asked: nothing is pending.
    pub(crate) const fn give_up(&mut self) {
        *self = Self { pending: None, delayed: None };
    }

    /// When [`Self::expire`] is to be called.
    pub(crate) fn due(&self) -> Option<Mono> {
        let until = |waiting: &Option<Waiting>| waiting.map(|waiting| waiting.until);
        [until(&self.pending), until(&self.delayed)].into_iter().flatten().min()
    }

    /// Time has passed. Whether its sender is to be asked now.
    pub(crate) fn expire(&mut self, now: Mono, delay: Duration) -> bool {
        let over = |waiting: &mut Option<Waiting>| waiting.take_if(|waiting| waiting.until <= now);
        let repeats = over(&mut self.pending).is_some_and(|pending| pending.asked);
        if repeats {
            self.pending = Some(Waiting { until: now + PATIENCE, asked: false });
        }
        let wanted = over(&mut self.delayed).is_some_and(|delayed| delayed.asked);
        // Not after the other way round: both at once are one request.
        wanted && self.want(now, delay) || repeats
    }
}

/// How long a request is given to be answered: the protocol's second.
const PATIENCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Want,
        KeyFrame,
        Timer,
    }
    use Step::{KeyFrame, Timer, Want};

    /// When its sender is asked, in milliseconds.
    fn asked(delay_ms: u64, steps: &[(u64, Step)]) -> Vec<u64> {
        let delay = Duration::from_millis(delay_ms);
        let mut requests = KeyRequests::default();
        let at = |millis| Mono::ZERO + Duration::from_millis(millis);
        let mut asked = Vec::new();
        for (millis, step) in steps.iter().copied() {
            let asks = match step {
                Want => requests.want(at(millis), delay),
                Timer => requests.expire(at(millis), delay),
                KeyFrame => {
                    requests.arrived();
                    false
                }
            };
            if asks {
                asked.push(millis);
            }
        }
        asked
    }

    #[test]
    fn one_request_is_pending_and_repeated_once_if_somebody_asked_meanwhile() {
        assert_eq!(asked(0, &[(0, Want), (1, Want), (500, Want), (1000, Timer), (2000, Timer)]), [0, 1000]);
        assert_eq!(asked(0, &[(0, Want), (1000, Timer), (1001, Want)]), [0, 1001]);
        assert_eq!(
            asked(0, &[(0, Want), (9, Want), (999, Timer), (1000, Timer), (1500, Want), (2000, Timer)]),
            [0, 1000, 2000]
        );
    }

    #[test]
    fn a_key_frame_ends_what_is_pending() {
        assert_eq!(asked(0, &[(0, Want), (9, Want), (50, KeyFrame), (1000, Timer)]), [0]);
        assert_eq!(asked(0, &[(0, Want), (50, KeyFrame), (60, Want)]), [0, 60]);
    }

    #[test]
    fn with_a_delay_requests_are_that_far_apart() {
        let early = [(0, Want), (50, KeyFrame), (60, Want), (200, Want), (300, Timer), (600, Timer)];
        assert_eq!(asked(300, &early), [0, 300]);
        assert_eq!(asked(300, &[(0, Want), (50, KeyFrame), (300, Timer), (310, Want)]), [0, 310]);
        // Answered by the key frame.
        assert_eq!(asked(300, &[(0, Want), (40, Want), (50, KeyFrame), (300, Timer)]), [0]);
    }

    #[test]
    fn a_delay_longer_than_the_patience_holds_repetitions_back_too() {
        assert_eq!(
            asked(5000, &[(0, Want), (10, Want), (1000, Timer), (4999, Timer), (5000, Timer)]),
            [0, 5000]
        );
    }

    #[test]
    fn both_ending_at_once_are_one_request() {
        let steps = [(0, Want), (100, Timer), (150, Want), (1000, Timer), (2000, Timer), (3000, Timer)];
        assert_eq!(asked(100, &steps), [0, 1000]);
        let mut requests = KeyRequests::default();
        assert_eq!(requests.due(), None);
        requests.want(Mono::ZERO, Duration::from_millis(100));
        assert_eq!(requests.due(), Some(Mono::ZERO + Duration::from_millis(100)));
    }
}
