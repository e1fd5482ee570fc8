//! One stream that a peer sends.

use std::time::{Duration, Instant};

use str0m::change::DirectApi;
use str0m::media::{Mid, Pt};
use str0m::rtp::{RtpWrite, Ssrc};

use crate::source::{Source, Stamps};

/// What to send, and as what the server was told of it.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    /// Of the run.
    pub(crate) stream: u32,
    pub(crate) ssrc: u32,
    pub(crate) rtx_ssrc: Option<u32>,
    pub(crate) mid: Box<str>,
    pub(crate) payload_type: u8,
    pub(crate) source: Source,
}

#[derive(Debug)]
pub(super) struct Publication {
    pub(super) mid: Mid,
    ssrc: Ssrc,
    payload_type: Pt,
    source: Source,
    stamps: Stamps,
    clock: Option<Clock>,
    key_frame: KeyFrame,
    sent: Sent,
}

/// What a publication did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) stream: u32,
    pub(crate) packets: u64,
    /// When the first of them was, and the last.
    pub(crate) first_at: Option<Instant>,
    pub(crate) last_at: Option<Instant>,
    pub(crate) bytes: u64,
    pub(crate) key_frames: u64,
    /// How many times somebody asked for one.
    pub(crate) key_frame_requests: u64,
    /// Frames that were not sent because we were too late.
    pub(crate) skipped_frames: u64,
}

impl Sent {
    /// About how many of its packets were sent after that time: they are evenly spread.
    pub(crate) fn packets_after(&self, at: Instant) -> u64 {
        let Some((first, last)) = self.first_at.zip(self.last_at) else { return 0 };
        let whole = last.saturating_duration_since(first).as_nanos().max(1);
        let after = last.saturating_duration_since(at.max(first)).as_nanos();
        u64::try_from(u128::from(self.packets) * after / whole).unwrap_or(u64::MAX)
    }
}

/// When frames are due.
#[derive(Clone, Copy, Debug)]
struct Clock {
    began: Instant,
    next: Instant,
}

/// Whether the next frame is to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyFrame {
    Wanted { last: Option<Instant> },
    Sent { at: Instant },
}

impl Publication {
    pub(super) fn new(track: Track, run: u32) -> Self {
        Self {
            mid: Mid::from(&*track.mid),
            ssrc: track.ssrc.into(),
            payload_type: track.payload_type.into(),
            source: track.source,
            stamps: Stamps { run, stream: track.stream, next: 0 },
            clock: None,
            key_frame: KeyFrame::Wanted { last: None },
            sent: Sent { stream: track.stream, ..Sent::default() },
        }
    }

    /// The transport is connected. Streams begin at different moments of a frame, so that they do not come in one burst.
    pub(super) fn begin(&mut self, now: Instant) {
        let share = self.stamps.stream.wrapping_mul(GOLDEN) >> 16;
        let next = now + self.source.interval() * share / (1 << 16);
        self.clock.get_or_insert(Clock { began: next, next });
    }

    pub(super) fn stop(&mut self) {
        self.clock = None;
    }

    pub(super) fn next_frame_at(&self) -> Option<Instant> {
        self.clock.map(|clock| clock.next)
    }

    pub(super) fn want_key_frame(&mut self) {
        self.sent.key_frame_requests += 1;
        if let KeyFrame::Sent { at } = self.key_frame {
            self.key_frame = KeyFrame::Wanted { last: Some(at) };
        }
    }

    pub(super) const fn sent(&self) -> Sent {
        self.sent
    }

    /// Writes the frames that are due. Whether there were any.
    pub(super) fn write(&mut self, now: Instant, epoch: Instant, api: &mut DirectApi<'_>) -> bool {
        let Some(mut clock) = self.clock else { return false };
        let interval = self.source.interval();
        if now.saturating_duration_since(clock.next) > TOO_LATE {
            // A camera does not make up for frames either.
            let missed = now.duration_since(clock.next).as_nanos() / interval.as_nanos().max(1);
            self.sent.skipped_frames += u64::try_from(missed).unwrap_or(u64::MAX);
            clock.next += interval * u32::try_from(missed).unwrap_or(u32::MAX);
        }
        let mut written = false;
        while clock.next <= now {
            self.frame(now, epoch, clock, api);
            clock.next += interval;
            written = true;
        }
        self.clock = Some(clock);
        written
    }

    fn frame(&mut self, now: Instant, epoch: Instant, clock: Clock, api: &mut DirectApi<'_>) {
        let key = self.takes_key_frame(now);
        let first = self.stamps.next;
        let payloads = self.source.frame(key, now.saturating_duration_since(epoch), &mut self.stamps);
        let ticks =
            (clock.next - clock.began).as_nanos() * u128::from(self.source.clock_rate()) / 1_000_000_000;
        // The RTP clock wraps.
        let time = u32::try_from(ticks & u128::from(u32::MAX)).unwrap_or_default();
        let Some(stream) = api.stream_tx(&self.ssrc) else { return };
        self.sent.first_at.get_or_insert(now);
        self.sent.last_at = Some(now);
        for (payload, number) in payloads.into_iter().zip(first..) {
            self.sent.packets += 1;
            self.sent.bytes += u64::try_from(payload.bytes.len()).unwrap_or_default();
            let sequence = (FIRST_SEQUENCE + number).into();
            let packet = RtpWrite::new(self.payload_type, sequence, time, now, payload.bytes);
            stream.write_rtp(packet.marker(payload.marker).nackable(true));
        }
        self.sent.key_frames += u64::from(key);
    }

    fn takes_key_frame(&mut self, now: Instant) -> bool {
        if !matches!(self.source, Source::Video(_)) {
            return false;
        }
        match self.key_frame {
            KeyFrame::Wanted { last } if last.is_none_or(|last| now - last >= KEY_FRAME_DISTANCE) => {
                self.key_frame = KeyFrame::Sent { at: now };
                true
            }
            _ => false,
        }
    }
}

/// 2^32 by the golden ratio: numbers that follow each other end up far apart.
const GOLDEN: u32 = 0x9e37_79b9;
/// Any number that leaves room before it wraps.
const FIRST_SEQUENCE: u64 = 1_000;
/// What libwebrtc allows its encoders.
const KEY_FRAME_DISTANCE: Duration = Duration::from_millis(300);
/// Frames that are later than this are not sent at all.
const TOO_LATE: Duration = Duration::from_secs(1);
