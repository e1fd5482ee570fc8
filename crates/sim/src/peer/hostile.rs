//! A subscriber that does its worst: it asks for everything, for what is not its own, and lies about time.

use core::time::Duration;

use wire::Mono;

use super::Outbox;
use crate::media::{Block, CONSUMED, CONSUMED_RTX, Compound, Report, Rtp, is_rtcp};
use crate::random::Random;

/// What it knows of the others, so that it can get at them.
#[derive(Clone, Debug)]
pub struct Malice {
    /// The video that it gets itself.
    pub ssrc: u32,
    /// Its own, in what it says.
    pub own_ssrc: u32,
    /// SSRCs of others: of subscribers' video and publishers'.
    pub of_others: Vec<u32>,
    /// Its chance.
    pub seed: u64,
}

/// The peer.
#[derive(Debug)]
pub struct Hostile {
    malice: Malice,
    random: Random,
    next: Mono,
    round: u32,
    /// The last number of its video.
    last: u16,
}

impl Hostile {
    /// A peer that begins now.
    #[must_use]
    pub fn new(malice: Malice, now: Mono) -> Self {
        let random = Random::of(malice.seed, u64::from(malice.own_ssrc));
        Self { malice, random, next: now, round: 0, last: 0 }
    }

    /// Sends back what it gets, as if it were repairs, and remembers what it can ask for.
    pub fn receive(&mut self, _now: Mono, datagram: &[u8], out: &mut Outbox) {
        if is_rtcp(datagram) {
            out.datagrams.push(datagram.to_vec());
            return;
        }
        let Some(rtp) = Rtp::read(datagram) else { return };
        if rtp.payload_type == CONSUMED {
            self.last = rtp.sequence;
        }
        // A loop: what was repaired comes back as a repair of the same, under its own name and another's.
        if rtp.payload_type == CONSUMED_RTX {
            out.datagrams.push(datagram.to_vec());
            if let Some(ssrc) = self.malice.of_others.first() {
                out.datagrams.push(Rtp { ssrc: *ssrc, ..rtp }.write());
            }
        }
    }

    /// Does something bad.
    pub fn wake(&mut self, now: Mono, out: &mut Outbox) {
        if self.next > now {
            return;
        }
        self.next = now + EVERY;
        self.round = self.round.wrapping_add(1);
        let Malice { ssrc, own_ssrc, .. } = self.malice;
        let others = self.malice.of_others.clone();
        // All that it ever got, newest last.
        let everything: Vec<u16> = (0..EVERYTHING).rev().map(|back| self.last.wrapping_sub(back)).collect();
        for numbers in everything.chunks(NUMBERS_PER_PACKET) {
            out.datagrams.push(self.lying(now).nack(own_ssrc, ssrc, numbers).into_bytes());
        }
        for other in others {
            let numbers: Vec<u16> = (0..40).map(|_| self.any_number()).collect();
            let wrong = Block {
                ssrc: other,
                fraction_lost: 255,
                lost: 0x7f_ffff,
                highest: u32::MAX,
                jitter: u32::MAX,
                last_report: self.any(),
                since_last_report: self.any(),
            };
            let said = Compound::default()
                .receiver_report(own_ssrc, &[wrong])
                .nack(own_ssrc, other, &numbers)
                .pli(own_ssrc, other)
                .fir(own_ssrc, other, u8::try_from(self.round & 0xff).unwrap_or(0));
            out.datagrams.push(said.into_bytes());
        }
        out.datagrams.push(self.lying(now).remb(own_ssrc, 0, ssrc).pli(own_ssrc, ssrc).into_bytes());
        if self.round.is_multiple_of(50) {
            out.notes.push("has asked for everything, fifty times more".to_owned());
        }
    }

    /// See [`super::Peer::next_wake`].
    #[must_use]
    pub const fn next_wake(&self) -> Mono {
        self.next
    }

    /// Reports of a stream that it does not send, from a clock that jumps, and of one that it gets, from nowhere.
    fn lying(&mut self, now: Mono) -> Compound {
        let report = Report {
            ssrc: self.malice.own_ssrc,
            ntp: self.random.next() ^ now.as_nanos(),
            timestamp: self.any(),
            packets: self.any(),
            octets: self.any(),
        };
        let wrong = Block {
            ssrc: self.malice.ssrc,
            fraction_lost: 255,
            lost: -1,
            highest: self.any(),
            jitter: self.any(),
            last_report: self.any(),
            since_last_report: self.any(),
        };
        Compound::default().sender_report(&report).receiver_report(self.malice.own_ssrc, &[wrong])
    }

    fn any(&mut self) -> u32 {
        u32::try_from(self.random.next() >> 32).unwrap_or(0)
    }

    fn any_number(&mut self) -> u16 {
        u16::try_from(self.random.next() >> 48).unwrap_or(0)
    }
}

const EVERY: Duration = Duration::from_millis(20);
/// More than any store holds.
const EVERYTHING: u16 = 4_000;
/// What fits into a datagram when each is next to its neighbour.
const NUMBERS_PER_PACKET: usize = 2_000;
