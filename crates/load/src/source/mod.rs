//! What publishers send: streams that a forwarder takes for Opus and VP8, of a given rate, every packet with a stamp.
//!
//! Nothing is encoded. What a forwarder looks at is valid - table of contents, payload descriptor, the header of a frame -
//! and the rest is filling.

mod opus;
mod vp8;

pub(crate) use opus::Opus;
pub(crate) use vp8::Vp8;

use std::time::Duration;

use crate::stamp::Stamp;

/// One stream's content.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Audio(Opus),
    Video(Vp8),
}

/// One packet to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payload {
    pub(crate) bytes: Vec<u8>,
    /// The marker bit of its header.
    pub(crate) marker: bool,
}

/// The stamps of a stream, one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamps {
    pub(crate) run: u32,
    pub(crate) stream: u32,
    /// Of the next one; and so how many there were.
    pub(crate) next: u64,
}

impl Source {
    /// Between two frames.
    pub(crate) fn interval(&self) -> Duration {
        match self {
            Self::Audio(audio) => audio.interval(),
            Self::Video(video) => video.interval(),
        }
    }

    /// Ticks of the RTP clock a second.
    pub(crate) const fn clock_rate(&self) -> u32 {
        match self {
            Self::Audio(_) => 48_000,
            Self::Video(_) => 90_000,
        }
    }

    /// The packets of one frame that leaves now, with the time since the run began.
    pub(crate) fn frame(&mut self, key: bool, at: Duration, stamps: &mut Stamps) -> Vec<Payload> {
        match self {
            Self::Audio(audio) => vec![audio.frame(at, stamps)],
            Self::Video(video) => video.frame(key, at, stamps),
        }
    }
}

impl Stamps {
    fn stamp(&mut self, sent_at: Duration, begins_key_frame: bool) -> Stamp {
        let number = self.next;
        self.next += 1;
        Stamp { run: self.run, stream: self.stream, number, sent_at, begins_key_frame }
    }
}

/// A payload of so many bytes with its beginning, filling, and the stamp.
fn filled(beginning: &[u8], len: usize, stamp: Stamp) -> Vec<u8> {
    let filling = len.saturating_sub(beginning.len() + Stamp::LEN);
    let mut bytes = Vec::with_capacity(beginning.len() + filling + Stamp::LEN);
    bytes.extend_from_slice(beginning);
    bytes.resize(beginning.len() + filling, FILLING);
    bytes.extend_from_slice(&stamp.to_bytes());
    bytes
}

/// Bytes that a stream of this rate has in so much time.
fn bytes_in(bits_per_second: u64, time: Duration) -> usize {
    let bits = u128::from(bits_per_second) * time.as_nanos() / 1_000_000_000;
    usize::try_from(bits / 8).unwrap_or(usize::MAX)
}

/// Any byte would do.
const FILLING: u8 = 0x5a;
