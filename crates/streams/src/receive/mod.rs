//! A stream that packets come to.
//!
//! [`ReceiveStream`] is one encoding's media with its retransmissions: it says which packets to believe, what is
//! missing and when to ask for it, what receiver reports say, and how well the stream does. Of a transport are
//! [`Arrivals`], the transport-wide feedback, and [`SenderClock`], what its streams have in common.
//!
//! A stream learns from the packet that it is given, in the order in which they come; it never looks at a clock. What
//! it wants later it says by a time: [`ReceiveStream::nacks_at`], [`ReceiveStream::silent_at`].

mod arrivals;
mod clock;
mod jitter;
mod losses;
mod missing;
mod order;
mod reception;
#[cfg(test)]
mod tests;

use core::time::Duration;

use wire::rtcp::{ReportBlock, SenderInfo};
use wire::{Mono, Ntp, Ssrc};

pub use arrivals::{Arrivals, Report};
pub use clock::{SenderClock, StreamClock};
pub use losses::Losses;
pub use missing::{Gap, Missing};
pub use order::{Order, Standing};
pub use reception::Reception;

use crate::score::{BEST, Interval, WORST};
use crate::{Rate, Score};
use jitter::Jitter;

/// See the module.
#[derive(Clone, Debug)]
pub struct ReceiveStream {
    // What every packet touches stands together.
    media: Reception,
    jitter: Jitter,
    packets: u64,
    bytes: Rate,
    clock: StreamClock,
    attention: Attention,
    /// Nothing where its receiver does not ask for packets again.
    missing: Option<Box<Missing>>,
    rest: Box<Rest>,
}

/// What few packets touch.
#[derive(Clone, Debug)]
struct Rest {
    /// After how much silence the stream counts as gone, if it ever does.
    patience: Option<Duration>,
    /// Silence from before does not count: when it was resumed, or the last repair came.
    watched_from: Mono,
    score: Score,
    /// At the last sample.
    sampled: Sampled,
    rtx: Option<Reception>,
    retransmitted: u64,
    repaired: u64,
    nacks: u64,
    nacked: u64,
}

/// Counts that samples are the growth of.
#[derive(Clone, Copy, Debug, Default)]
struct Sampled {
    /// Nothing before the first.
    at: Option<Mono>,
    run: u32,
    expected: u64,
    received: u64,
    repaired: u64,
    retransmitted: u64,
}

/// Whether packets are expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attention {
    /// They are.
    Watched,
    /// They were, and none came for long.
    Silent,
    /// Nobody is interested: nothing is asked for, and silence means nothing.
    Paused,
}

/// What a stream is, before its first packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Timestamp units per second.
    pub clock_rate: u32,
    /// Whether its sender sends packets again (RFC 4585 §4.2, `nack`).
    pub nack: bool,
    /// Whether its sender falls silent where there is nothing to hear.
    pub dtx: bool,
    /// Whether silence lowers its score: where others of the producer can stand in for it.
    pub watched: bool,
}

/// A packet that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// When the kernel received it.
    pub at: Mono,
    /// Its sequence number.
    pub sequence: u16,
    /// Its timestamp.
    pub timestamp: u32,
    /// Bytes of the whole packet.
    pub len: usize,
}

/// What became of a packet that was believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Where it stands in its stream.
    pub standing: Standing,
    /// Whether packets are missing before it: [`ReceiveStream::nacks_at`] may be sooner now.
    pub gap: Option<Gap>,
    /// Whether the score changed, because the stream had been silent.
    pub revived: bool,
}

/// What was counted. Nothing here ever falls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets of media, and such that were repaired.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Packets that were lost until the last report, before repair.
    pub lost: u64,
    /// Packets that were not believed.
    pub discarded: u64,
    /// Packets that came after they were asked for, in whichever stream.
    pub retransmitted: u64,
    /// Packets that were missing and came after all.
    pub repaired: u64,
    /// How often packets were asked for.
    pub nacks: u64,
    /// How many.
    pub nacked: u64,
    /// Packets of the RTX stream that were not believed.
    pub rtx_discarded: u64,
}

impl ReceiveStream {
    /// Begins with the first packet, which is still to be taken.
    #[must_use]
    pub fn new(setup: &Setup, first: &Arrived) -> Self {
        Self::with(setup, first, Reception::starting_at(first.sequence))
    }

    /// Begins the stream of another sender in the place of this one: its packets are another run.
    #[must_use]
    pub fn succeeded(&self, setup: &Setup, first: &Arrived) -> Self {
        Self::with(setup, first, self.media.restarted(first.sequence))
    }

    /// Takes a packet of media; nothing if it is not to be believed.
    #[inline]
    pub fn take(&mut self, packet: &Arrived) -> Option<Taken> {
        let before = self.media.highest();
        let standing = self.media.take(packet.sequence)?;
        if standing.run == before.run {
            self.jitter.take(packet.at, packet.timestamp);
        } else {
            self.begin_run(packet);
        }
        self.packets = self.packets.saturating_add(1);
        self.bytes.add(packet.at, packet.len);
        // The next number and nothing else to look at is the way of almost all.
        let mut gap = None;
        if standing.run == before.run && standing.sequence != before.sequence.saturating_add(1) {
            gap = self.out_of_turn(&standing, &before, packet.at);
        }
        Some(Taken { standing, gap, revived: self.attention == Attention::Silent && self.revive() })
    }

    /// Takes a packet of the stream's RTX stream. `original` is the number of the packet that it carries, if it carries
    /// one. Nothing if that is not missing: a repetition, a probe, or a number that nobody can believe.
    pub fn take_rtx(&mut self, packet: &Arrived, original: Option<u16>) -> Option<Taken> {
        let rtx = self.rest.rtx.get_or_insert_with(|| Reception::starting_at(packet.sequence));
        rtx.take(packet.sequence)?;
        // Empty packets probe the path (RFC 4588 §4 asks for a payload, senders do without).
        let original = original?;
        self.rest.retransmitted = self.rest.retransmitted.saturating_add(1);
        let missing = self.missing.as_mut()?;
        let before = self.media.highest();
        let standing = self.media.take_repair(original)?;
        let mut gap = None;
        if standing.sequence > before.sequence {
            gap = self.out_of_turn(&standing, &before, packet.at);
        } else {
            missing.arrived(standing.sequence)?;
            self.rest.repaired = self.rest.repaired.saturating_add(1);
        }
        // Who lives on repairs alone is not silent in between.
        self.rest.watched_from = self.rest.watched_from.max(packet.at);
        self.packets = self.packets.saturating_add(1);
        self.bytes.add(packet.at, packet.len);
        Some(Taken { standing, gap, revived: self.attention == Attention::Silent && self.revive() })
    }

    /// Takes note that a key frame begins with the packet of that number: what was lost before it matters less.
    pub fn saw_key_frame(&mut self, standing: &Standing) {
        let is_current = standing.run == self.media.highest().run;
        if let Some(missing) = self.missing.as_mut().filter(|_| is_current) {
            missing.saw_key_frame(standing.sequence);
        }
    }

    /// Takes a report of its sender. Whether the score changed.
    pub fn heard(&mut self, now: Mono, info: &SenderInfo) -> bool {
        self.media.heard(now, info.ntp);
        self.clock.heard(info);
        // Who reports more often has no more samples by that: everybody is told of a score that changes.
        if self.rest.sampled.at.is_some_and(|at| now.since(at) < SAMPLE_INTERVAL) {
            return false;
        }
        let run = self.media.highest().run;
        let Rest { retransmitted, repaired, .. } = *self.rest;
        let counted = Sampled {
            at: Some(now),
            run,
            expected: self.media.expected(),
            received: self.media.received(),
            repaired,
            retransmitted,
        };
        let before = core::mem::replace(&mut self.rest.sampled, counted);
        if self.attention != Attention::Watched {
            return false;
        }
        // Of another run nothing was counted before.
        let [expected, received] =
            if before.run == run { [before.expected, before.received] } else { [0, 0] };
        let grown = |now: u64, before: u64| u32::try_from(now.saturating_sub(before)).unwrap_or(u32::MAX);
        let interval =
            Interval::received(grown(counted.expected, expected), grown(counted.received, received))
                .repaired(grown(repaired, before.repaired), grown(retransmitted, before.retransmitted));
        self.rest.score.add(interval.sample())
    }

    /// Takes a report of the sender of its retransmissions.
    pub fn heard_of_rtx(&mut self, now: Mono, info: &SenderInfo) {
        if let Some(rtx) = &mut self.rest.rtx {
            rtx.heard(now, info.ntp);
        }
    }

    /// What a receiver report says of its media now, until the next.
    pub fn report(&mut self, ssrc: Ssrc, now: Mono) -> ReportBlock {
        let jitter = self.jitter.units();
        ReportBlock { jitter, ..self.media.report(ssrc, now) }
    }

    /// What a receiver report says of its retransmissions now, until the next; nothing before there were any.
    pub fn rtx_report(&mut self, ssrc: Ssrc, now: Mono) -> Option<ReportBlock> {
        self.rest.rtx.as_mut().map(|rtx| rtx.report(ssrc, now))
    }

    /// Adds to `out` what is to be asked for now. To be called at [`nacks_at`](Self::nacks_at).
    pub fn poll_nacks(&mut self, now: Mono, round_trip: Option<Duration>, out: &mut Vec<u16>) {
        let Some(missing) = &mut self.missing else { return };
        let before = out.len();
        missing.poll(now, round_trip, out);
        let asked = out.len().saturating_sub(before);
        if asked > 0 {
            let asked = u64::try_from(asked).unwrap_or(u64::MAX);
            self.rest.nacks = self.rest.nacks.saturating_add(1);
            self.rest.nacked = self.rest.nacked.saturating_add(asked);
        }
    }

    /// When it wants to ask for packets again.
    #[must_use]
    #[inline]
    pub fn nacks_at(&self) -> Option<Mono> {
        self.missing.as_ref()?.next_at()
    }

    /// Looks whether it fell silent. Whether the score changed. To be called at [`silent_at`](Self::silent_at).
    pub fn check_silence(&mut self, now: Mono) -> bool {
        if self.silent_at().is_none_or(|at| now < at) {
            return false;
        }
        self.attention = Attention::Silent;
        self.rest.score.reset(WORST)
    }

    /// When it counts as silent unless a packet comes.
    #[must_use]
    pub fn silent_at(&self) -> Option<Mono> {
        let patience = self.rest.patience.filter(|_| self.attention == Attention::Watched)?;
        Some(self.jitter.at().max(self.rest.watched_from) + patience)
    }

    /// Stops asking for packets and expecting them.
    pub fn pause(&mut self) {
        self.attention = Attention::Paused;
        if let Some(missing) = &mut self.missing {
            missing.clear();
        }
    }

    /// Expects packets again, from `now`.
    pub fn resume(&mut self, now: Mono) {
        self.rest.watched_from = now;
        // Who was gone before is gone until a packet comes.
        let was_gone = self.rest.patience.is_some() && self.rest.score.current() == WORST;
        self.attention = if was_gone { Attention::Silent } else { Attention::Watched };
    }

    /// When a packet of it was captured, in our own clock, if it came at `arrived`.
    #[must_use]
    #[inline]
    pub fn captured(&self, timestamp: u32, sender: &SenderClock, arrived: Ntp) -> Ntp {
        self.clock.captured(timestamp, sender, arrived)
    }

    /// From 0 to 10.
    #[must_use]
    pub const fn score(&self) -> u8 {
        self.rest.score.current()
    }

    /// When its last packet of media came.
    #[must_use]
    pub const fn last_at(&self) -> Mono {
        self.jitter.at()
    }

    /// In timestamp units.
    #[must_use]
    pub fn jitter(&self) -> u32 {
        self.jitter.units()
    }

    /// The share of packets that was lost between the last two reports, of 256.
    #[must_use]
    pub const fn fraction_lost(&self) -> u8 {
        self.media.fraction_lost()
    }

    /// Over its window.
    #[must_use]
    pub fn bits_per_second(&self, now: Mono) -> u64 {
        self.bytes.bits_per_second(now)
    }

    /// What was counted.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters {
            packets: self.packets,
            bytes: self.bytes.total(),
            lost: self.media.lost(),
            discarded: self.media.discarded(),
            retransmitted: self.rest.retransmitted,
            repaired: self.rest.repaired,
            nacks: self.rest.nacks,
            nacked: self.rest.nacked,
            rtx_discarded: self.rest.rtx.as_ref().map_or(0, Reception::discarded),
        }
    }

    fn with(setup: &Setup, first: &Arrived, media: Reception) -> Self {
        let Setup { clock_rate, nack, dtx, watched } = *setup;
        Self {
            media,
            jitter: Jitter::starting_at(clock_rate, first.at, first.timestamp),
            packets: 0,
            bytes: if dtx { Rate::over(DTX_WINDOW) } else { Rate::new() },
            clock: StreamClock::new(clock_rate),
            attention: Attention::Watched,
            missing: nack.then(|| Box::new(Missing::new())),
            rest: Box::new(Rest {
                patience: watched.then_some(if dtx { DTX_PATIENCE } else { PATIENCE }),
                watched_from: Mono::ZERO,
                score: Score::new(),
                sampled: Sampled::default(),
                rtx: None,
                retransmitted: 0,
                repaired: 0,
                nacks: 0,
                nacked: 0,
            }),
        }
    }

    /// A packet that is not the one after the last.
    #[cold]
    fn out_of_turn(&mut self, standing: &Standing, before: &Standing, at: Mono) -> Option<Gap> {
        let missing = self.missing.as_mut().filter(|_| self.attention != Attention::Paused)?;
        let next = before.sequence.saturating_add(1);
        if standing.sequence > next {
            return Some(missing.jumped(next, standing.sequence, at));
        }
        // Asked for, it was sent again in the stream itself; else it was only late, as it was if there is RTX.
        let was_asked_for = standing.sequence <= before.sequence && missing.arrived(standing.sequence)? > 0;
        if was_asked_for && self.rest.rtx.is_none() {
            self.rest.retransmitted = self.rest.retransmitted.saturating_add(1);
            self.rest.repaired = self.rest.repaired.saturating_add(1);
        }
        None
    }

    #[cold]
    fn begin_run(&mut self, packet: &Arrived) {
        self.jitter.restart(packet.at, packet.timestamp);
        self.clock.restart();
        if let Some(missing) = &mut self.missing {
            missing.clear();
        }
    }

    #[cold]
    fn revive(&mut self) -> bool {
        self.attention = Attention::Watched;
        self.rest.score.reset(BEST)
    }
}

/// The protocol's: bit rates are those of 2.5 seconds, or of 6 where the sender may fall silent.
const DTX_WINDOW: Duration = Duration::from_secs(6);
/// The protocol's: after how much silence a stream counts as gone, and where the sender may fall silent.
const PATIENCE: Duration = Duration::from_millis(1_500);
const DTX_PATIENCE: Duration = Duration::from_secs(5);
/// Half of what senders of video leave between reports (RFC 3550 §6.2 asks for five seconds).
const SAMPLE_INTERVAL: Duration = Duration::from_millis(500);
