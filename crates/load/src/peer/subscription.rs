//! One stream that a peer receives.

use std::time::{Duration, Instant};

use model::rtp::MediaKind;

use super::tracker::Tracker;
use crate::meter::Meter;
use crate::stamp::Stamp;

/// What to expect, and when it was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    /// Of the run: who sends it.
    pub(crate) stream: u32,
    pub(crate) kind: MediaKind,
    pub(crate) ssrc: u32,
    pub(crate) rtx_ssrc: Option<u32>,
    pub(crate) mid: Box<str>,
}

/// What became of it.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) stream: u32,
    pub(crate) kind: MediaKind,
    pub(crate) asked_at: Instant,
    /// When the server said that it comes from now on.
    pub(crate) resumed_at: Option<Instant>,
    pub(crate) first_at: Option<Instant>,
    /// When the first key frame began to come.
    pub(crate) key_frame_at: Option<Instant>,
    pub(crate) tracker: Tracker,
    pub(crate) bytes: u64,
    /// The longest time between two packets.
    pub(crate) silence: Duration,
    last_at: Option<Instant>,
}

impl Subscription {
    pub(crate) fn new(expected: &Expected, now: Instant) -> Self {
        Self {
            stream: expected.stream,
            kind: expected.kind,
            asked_at: now,
            resumed_at: None,
            first_at: None,
            key_frame_at: None,
            tracker: Tracker::new(),
            bytes: 0,
            silence: Duration::ZERO,
            last_at: None,
        }
    }

    /// The server has resumed it.
    pub(crate) fn resume(&mut self, now: Instant) {
        self.resumed_at.get_or_insert(now);
    }

    /// Nothing more is sent: a silence that lasts until now is one, whether it began with a packet or without any.
    pub(crate) fn close(&mut self, now: Instant) {
        if let Some(since) = self.last_at.or(self.resumed_at) {
            self.silence = self.silence.max(now.saturating_duration_since(since));
        }
    }

    pub(crate) fn packet(&mut self, now: Instant, payload: &[u8], meter: &mut Meter) {
        let stamp = Stamp::of(payload).filter(|stamp| stamp.run == meter.run && stamp.stream == self.stream);
        let Some(stamp) = stamp else {
            // Padding has nothing in it; anything else is a stream in the wrong place.
            meter.strange += u64::from(!payload.is_empty());
            return;
        };
        self.first_at.get_or_insert(now);
        if stamp.begins_key_frame {
            self.key_frame_at.get_or_insert(now);
        }
        self.bytes += u64::try_from(payload.len()).unwrap_or_default();
        if let Some(last) = self.last_at.replace(now) {
            self.silence = self.silence.max(now.saturating_duration_since(last));
        }
        let before = self.tracker.came();
        self.tracker.arrive(stamp.number);
        // A packet that was sent again has waited for that; a copy says nothing.
        if self.tracker.came() > before {
            meter.latency(now, stamp.sent_at);
        }
    }
}
