//! What one sender's path takes, as its receiver sees it.

use core::time::Duration;

use wire::rtp::values::AbsSendTime;
use wire::{Mono, Ssrc};

use crate::control::{Config, Control};
use crate::detector::Detector;
use crate::groups::{Groups, Step};
use crate::incoming::Incoming;
use crate::streams::Streams;
use crate::trend::Trend;

/// The receive-side estimate of one transport, over all its streams with abs-send-time.
///
/// Every packet is told by [`packet`](Self::packet), in order of arrival; [`Rembs`](crate::Rembs) says what to do with
/// [`estimate`](Self::estimate).
#[derive(Debug)]
pub struct RemoteEstimate {
    config: Config,
    control: Control,
    /// Exists once a packet came.
    path: Option<Path>,
    streams: Streams,
}

/// What was measured since the last silence.
#[derive(Debug)]
struct Path {
    latest: Mono,
    groups: Groups,
    trend: Trend,
    detector: Detector,
    incoming: Incoming,
}

impl RemoteEstimate {
    /// An estimate that knows nothing yet.
    #[must_use]
    pub const fn new(config: Config) -> Self {
        Self { config, control: Control::new(config, Mono::ZERO), path: None, streams: Streams::new() }
    }

    /// Takes a packet: when the kernel received it, when it says that it left, its size as a datagram.
    /// True when the estimate fell by it, which should be told soon.
    pub fn packet(&mut self, now: Mono, sent: AbsSendTime, size: usize, ssrc: Ssrc) -> bool {
        let path = self.path.get_or_insert_with(|| Path::new(now));
        // Two sockets' timestamps can be out of order by a little; the filter wants one line of time.
        let now = path.latest.max(now);
        path.latest = now;
        self.streams.heard(now, ssrc);
        path.packet(now, sent, size);
        let before = self.control.bits_per_second();
        let usage = path.detector.usage();
        if self.control.is_due(now, usage)
            && let Some(incoming) = path.incoming.bits_per_second(now)
        {
            self.control.update(now, usage, incoming);
        }
        self.control.bits_per_second() < before
    }

    /// Bits per second that the path takes; `None` before half a second was heard, and when nobody was for two.
    pub fn estimate(&mut self, now: Mono) -> Option<u64> {
        self.streams.expire(now);
        if self.streams.names().is_empty() {
            return None;
        }
        Some(self.control.bits_per_second()).filter(|&known| known > 0)
    }

    /// The streams heard lately, for the REMB; at most [`MAX_STREAMS`](crate::MAX_STREAMS).
    #[must_use]
    pub fn streams(&self) -> &[Ssrc] {
        self.streams.names()
    }

    /// Tells the round-trip time, when somebody measured it: how long until the sender's obedience can be seen.
    pub fn set_round_trip(&mut self, round_trip: Duration) {
        self.control.set_round_trip(round_trip);
    }

    /// Forgets all that was learned: the peer came back on another path.
    pub fn reset(&mut self) {
        *self = Self::new(self.config);
    }
}

impl Path {
    fn new(now: Mono) -> Self {
        Self {
            latest: now,
            groups: Groups::default(),
            trend: Trend::new(),
            detector: Detector::new(),
            incoming: Incoming::new(now),
        }
    }

    fn packet(&mut self, now: Mono, sent: AbsSendTime, size: usize) {
        self.incoming.packet(now, size);
        match self.groups.packet(now, sent) {
            Step::Within => {}
            Step::Delay { variation_millis } => {
                let trend = self.trend.add(now, variation_millis);
                self.detector.trend(now, trend);
            }
            Step::Anew => {
                self.trend = Trend::new();
                self.detector = Detector::new();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> Mono {
        Mono::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn nothing_is_said_before_half_a_second_and_after_silence() {
        let mut estimate = RemoteEstimate::new(Config::default());
        assert_eq!(estimate.estimate(at(0)), None);
        for n in 0..100 {
            estimate.packet(at(n * 10), AbsSendTime::from_mono(at(n * 10)), 1_250, Ssrc(1));
            assert_eq!(estimate.estimate(at(n * 10)).is_some(), n >= 50, "{n}");
        }
        assert_eq!(estimate.streams(), [Ssrc(1)]);
        assert_eq!(estimate.estimate(at(2_989)), Some(1_500_000));
        assert_eq!(estimate.estimate(at(2_990)), None);
    }

    proptest! {
        /// Any clock, any sizes, any order of our own time: the bounds of the configuration hold.
        #[test]
        fn a_hostile_sender_stays_within_the_bounds(
            packets in prop::collection::vec((0u64..40, any::<[u8; 3]>(), 0usize..70_000, any::<bool>()), 1..600),
        ) {
            let config = Config { ceiling_bits_per_second: 5_000_000, ..Config::default() };
            let mut estimate = RemoteEstimate::new(config);
            let mut now = at(1_000);
            for (millis, sent, size, back) in packets {
                let step = Duration::from_millis(millis);
                now = if back { now - step } else { now + step };
                let sent = AbsSendTime::parse(&sent).unwrap();
                estimate.packet(now, sent, size, Ssrc(u32::try_from(size).unwrap()));
                if let Some(said) = estimate.estimate(now) {
                    prop_assert!((30_000..=5_000_000).contains(&said), "{said}");
                }
                prop_assert!(estimate.streams().len() <= crate::MAX_STREAMS);
            }
        }
    }
}
