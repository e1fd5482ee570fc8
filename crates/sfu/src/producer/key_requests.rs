//! When the sender of an encoding is asked for a key frame, however many ask and however often.
//!
//! A request is *pending* until a key frame comes. Who asks meanwhile is remembered, and once the request is overdue it is
//! sent again, for it may have been lost or ignored; where nobody asks any more, nothing is. Who asks soon after an answer
//! is remembered too, until the sender may be expected to listen. Where the application chose a delay, requests are that
//! far apart whatever comes of them. So a sender is asked at most twice a second for what it does not answer, and at most
//! thrice for what it does.

use core::time::Duration;

use wire::Mono;

/// The requests for one encoding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyRequests {
    last: Option<Asked>,
}

/// How soon its sender may be asked again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pace {
    /// What the application chose.
    pub(crate) delay: Duration,
    /// To the sender and back, where that is known.
    pub(crate) round_trip: Option<Duration>,
}

/// The last request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    at: Mono,
    /// When the next may follow.
    next: Mono,
    state: State,
    /// Somebody asked since it was sent or answered.
    wanted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Pending,
    Answered,
}

impl KeyRequests {
    /// Somebody wants a key frame. Whether its sender is to be asked now.
    pub(crate) fn want(&mut self, now: Mono, pace: Pace) -> bool {
        match &mut self.last {
            Some(last) if now < last.next => {
                // Who asks in the moment of the request is heard by it.
                last.wanted |= now > last.at;
                false
            }
            _ => {
                let next = now + pace.overdue();
                self.last = Some(Asked { at: now, next, state: State::Pending, wanted: false });
                true
            }
        }
    }

    /// A key frame begins: whoever asked has what they wanted.
    #[inline]
    pub(crate) fn arrived(&mut self, delay: Duration) {
        if let Some(last) = self.last.as_mut().filter(|last| last.wanted || last.state == State::Pending) {
            last.next = last.at + delay.max(APART);
            (last.state, last.wanted) = (State::Answered, false);
        }
    }

    /// Its sender cannot be asked: nothing is pending.
    pub(crate) const fn give_up(&mut self) {
        self.last = None;
    }

    /// When [`Self::expire`] is to be called.
    pub(crate) fn due(&self) -> Option<Mono> {
        self.last.filter(|last| last.wanted).map(|last| last.next)
    }

    /// Time has passed. Whether its sender is to be asked now.
    pub(crate) fn expire(&mut self, now: Mono, pace: Pace) -> bool {
        self.due().is_some_and(|due| due <= now) && self.want(now, pace)
    }
}

impl Pace {
    /// After a request that is not answered.
    fn overdue(&self) -> Duration {
        let answered = self.round_trip.unwrap_or_default().saturating_add(APART);
        self.delay.max(answered.clamp(PATIENCE, LONGEST_PATIENCE))
    }
}

/// Chromium's encoder ignores what it is asked within 300 ms of the last request that it obeyed, by its own clock; this
/// leaves 50 ms for requests that travel faster than the one before. Whoever is ignored is not heard of again before the
/// request is overdue, so that waiting so long is the quicker way. It also bounds what a peer can do that asks all the time.
const APART: Duration = Duration::from_millis(350);
/// How long a request is given to be answered: most senders are less than 150 ms away, and take less than [`APART`] to begin
/// a key frame. The protocol's second (and with a longer round trip it is one) is a second of standing picture for
/// everybody who waits whenever one request is lost.
const PATIENCE: Duration = Duration::from_millis(500);
const LONGEST_PATIENCE: Duration = Duration::from_secs(1);

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

    const QUICK: Pace = Pace { delay: Duration::ZERO, round_trip: None };

    fn delayed(millis: u64) -> Pace {
        Pace { delay: Duration::from_millis(millis), ..QUICK }
    }

    /// When its sender is asked, in milliseconds.
    fn asked(pace: Pace, steps: &[(u64, Step)]) -> Vec<u64> {
        let mut requests = KeyRequests::default();
        let at = |millis| Mono::ZERO + Duration::from_millis(millis);
        let mut asked = Vec::new();
        for (millis, step) in steps.iter().copied() {
            let asks = match step {
                Want => requests.want(at(millis), pace),
                Timer => requests.expire(at(millis), pace),
                KeyFrame => {
                    requests.arrived(pace.delay);
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
    fn a_request_is_repeated_when_it_is_overdue_if_somebody_asked_meanwhile() {
        assert_eq!(
            asked(QUICK, &[(0, Want), (1, Want), (499, Timer), (500, Timer), (1000, Timer)]),
            [0, 500]
        );
        assert_eq!(asked(QUICK, &[(0, Want), (0, Want), (500, Timer), (501, Want)]), [0, 501]);
        assert_eq!(
            asked(QUICK, &[(0, Want), (9, Want), (500, Timer), (600, Want), (1000, Timer), (1500, Timer)]),
            [0, 500, 1000]
        );
    }

    #[test]
    fn who_is_far_away_is_given_time() {
        let far = |millis| Pace { round_trip: Some(Duration::from_millis(millis)), ..QUICK };
        let steps = [(0, Want), (1, Want), (500, Timer), (650, Timer), (1000, Timer)];
        assert_eq!(asked(far(100), &steps), [0, 500]);
        assert_eq!(asked(far(300), &steps), [0, 650]);
        assert_eq!(asked(far(5000), &steps), [0, 1000]);
    }

    #[test]
    fn a_key_frame_ends_what_is_pending() {
        assert_eq!(asked(QUICK, &[(0, Want), (9, Want), (50, KeyFrame), (500, Timer)]), [0]);
        assert_eq!(asked(QUICK, &[(0, Want), (50, KeyFrame), (350, Timer), (360, Want)]), [0, 360]);
    }

    #[test]
    fn who_has_just_answered_is_not_asked_before_it_listens() {
        assert_eq!(
            asked(QUICK, &[(0, Want), (50, KeyFrame), (60, Want), (349, Timer), (350, Timer)]),
            [0, 350]
        );
        // Answered by the second key frame.
        let twice = [(0, Want), (50, KeyFrame), (60, Want), (90, KeyFrame), (350, Timer), (500, Timer)];
        assert_eq!(asked(QUICK, &twice), [0]);
    }

    #[test]
    fn with_a_delay_requests_are_that_far_apart() {
        let early = [(0, Want), (50, KeyFrame), (60, Want), (200, Want), (600, Timer), (1200, Timer)];
        assert_eq!(asked(delayed(600), &early), [0, 600]);
        assert_eq!(asked(delayed(600), &[(0, Want), (50, KeyFrame), (600, Timer), (610, Want)]), [0, 610]);
        // Answered by the key frame.
        assert_eq!(asked(delayed(600), &[(0, Want), (40, Want), (50, KeyFrame), (600, Timer)]), [0]);
        // Repetitions too.
        assert_eq!(asked(delayed(5000), &[(0, Want), (10, Want), (4999, Timer), (5000, Timer)]), [0, 5000]);
    }

    #[test]
    fn nothing_is_due_where_nobody_asked_again() {
        let mut requests = KeyRequests::default();
        assert_eq!(requests.due(), None);
        assert!(requests.want(Mono::ZERO, QUICK));
        assert_eq!(requests.due(), None);
        requests.want(Mono::ZERO + Duration::from_millis(1), QUICK);
        assert_eq!(requests.due(), Some(Mono::ZERO + PATIENCE));
        requests.arrived(Duration::ZERO);
        assert_eq!(requests.due(), None);
    }
}
