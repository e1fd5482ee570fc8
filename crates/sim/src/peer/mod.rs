//! Scripted peers: who publishes, who subscribes, who misbehaves.
//!
//! A peer is sans-IO like what it talks to: datagrams in the clear come and go, time is an argument. It is written from
//! the RFCs and uses none of our code for streams, reports or repairs, so that an error in ours meets no twin of itself.

mod hostile;
mod missing;
mod publisher;
mod reception;
mod subscriber;

use wire::Mono;

pub use hostile::{Hostile, Malice};
pub use publisher::{Publisher, Publishing};
pub use subscriber::{Subscriber, Subscribing};

/// Any of them.
#[derive(Debug)]
pub enum Peer {
    /// Sends video.
    Publisher(Box<Publisher>),
    /// Receives video.
    Subscriber(Box<Subscriber>),
    /// Receives video, and does its worst.
    Hostile(Box<Hostile>),
}

/// What a peer did in one call.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Datagrams in the clear, in their order.
    pub datagrams: Vec<Vec<u8>>,
    /// What a reader of the timeline should know.
    pub notes: Vec<String>,
}

impl Peer {
    /// Takes a datagram.
    pub fn receive(&mut self, now: Mono, datagram: &[u8], out: &mut Outbox) {
        match self {
            Self::Publisher(peer) => peer.receive(now, datagram, out),
            Self::Subscriber(peer) => peer.receive(now, datagram, out),
            Self::Hostile(peer) => peer.receive(now, datagram, out),
        }
    }

    /// Does what is due. A call that comes early is harmless.
    pub fn wake(&mut self, now: Mono, out: &mut Outbox) {
        match self {
            Self::Publisher(peer) => peer.wake(now, out),
            Self::Subscriber(peer) => peer.wake(now, out),
            Self::Hostile(peer) => peer.wake(now, out),
        }
    }

    /// When it wants to be woken; may change with every call.
    #[must_use]
    pub fn next_wake(&self) -> Mono {
        match self {
            Self::Publisher(peer) => peer.next_wake(),
            Self::Subscriber(peer) => peer.next_wake(),
            Self::Hostile(peer) => peer.next_wake(),
        }
    }
}

/// A peer's own wall clock in NTP's format (RFC 3550 §4), some hours away from everybody else's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WallClock {
    at_zero: u64,
}

impl WallClock {
    pub(crate) const fn of(seed: u64) -> Self {
        Self { at_zero: (3_900_000_000 + seed % 100_000) << 32 }
    }

    pub(crate) fn at(self, now: Mono) -> u64 {
        let ntp = u128::from(now.as_nanos()) * (1 << 32) / 1_000_000_000;
        self.at_zero.wrapping_add(u64::try_from(ntp).unwrap_or(u64::MAX))
    }
}

/// The middle 32 bits of a time in NTP's format.
pub(crate) fn middle(ntp: u64) -> u32 {
    u32::try_from(ntp >> 16 & 0xffff_ffff).unwrap_or(0)
}

/// A span in units of 2^-16 s.
pub(crate) fn sixteenths(span: core::time::Duration) -> u32 {
    u32::try_from(span.as_nanos() * 65_536 / 1_000_000_000).unwrap_or(u32::MAX)
}

/// A span in ticks of a clock.
pub(crate) fn ticks(span: core::time::Duration, clock_rate: u32) -> u32 {
    let ticks = span.as_nanos() * u128::from(clock_rate) / 1_000_000_000;
    u32::try_from(ticks & 0xffff_ffff).unwrap_or(0)
}

/// Ticks per second of video clocks.
pub(crate) const VIDEO_CLOCK: u32 = 90_000;
