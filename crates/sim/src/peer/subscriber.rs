//! A subscriber to one stream of VP8: asks at once for what is missing and again later, reports each second, and wants a
//! key frame when nothing else helps.

use core::time::Duration;

use wire::Mono;

use super::Outbox;
use super::missing::Missing;
use super::reception::Reception;
use crate::media::{CONSUMED, CONSUMED_RTX, Compound, Heard, Piece, Rtp, is_rtcp};

/// What a subscriber expects and how it behaves.
#[derive(Clone, Copy, Debug)]
pub struct Subscribing {
    /// The video's.
    pub ssrc: u32,
    /// The retransmissions'.
    pub rtx_ssrc: u32,
    /// Its own, in reports.
    pub own_ssrc: u32,
    /// Whether it asks for what is missing.
    pub asks_again: bool,
    /// How long it waits for an answer before it asks again.
    pub again_after: Duration,
}

/// The subscriber.
#[derive(Debug)]
pub struct Subscriber {
    subscribing: Subscribing,
    reception: Option<Reception>,
    missing: Missing,
    next_report: Mono,
    /// When to ask for a key frame, unless one comes before.
    next_pli: Mono,
}

impl Subscriber {
    /// A subscriber that begins to listen now.
    #[must_use]
    pub fn new(subscribing: Subscribing, now: Mono) -> Self {
        // Not all on the same beat.
        let offset = Duration::from_millis(u64::from(subscribing.own_ssrc) * 37 % 1_000);
        Self {
            subscribing,
            reception: None,
            missing: Missing::default(),
            next_report: now + offset + REPORT_EVERY / 2,
            next_pli: now + PATIENCE,
        }
    }

    /// Takes video, retransmissions and reports.
    pub fn receive(&mut self, now: Mono, datagram: &[u8], out: &mut Outbox) {
        if is_rtcp(datagram) {
            for heard in Heard::read(datagram).unwrap_or_default() {
                if let (Heard::SenderReport(report), Some(reception)) = (heard, &mut self.reception) {
                    reception.heard(&report, now);
                }
            }
            return;
        }
        let Some(rtp) = Rtp::read(datagram) else { return };
        if Piece::of(&rtp).is_some_and(|piece| piece.begins_key_frame) {
            self.next_pli = Mono::NEVER;
        }
        match rtp.payload_type {
            CONSUMED if rtp.ssrc == self.subscribing.ssrc => self.take(&rtp, now, out),
            CONSUMED_RTX if rtp.ssrc == self.subscribing.rtx_ssrc => {
                if let (Some((sequence, _)), Some(reception)) = (rtp.original(), &self.reception) {
                    self.missing.found(reception.place(sequence).number);
                }
            }
            _ => out.notes.push(format!("gets what it knows nothing of: {rtp:?}")),
        }
    }

    /// Sends the reports and requests that are due.
    pub fn wake(&mut self, now: Mono, out: &mut Outbox) {
        let Subscribing { ssrc, own_ssrc, again_after, .. } = self.subscribing;
        let (again, given_up) = self.missing.due(now, again_after);
        if !again.is_empty() {
            self.ask(&again, out);
        }
        if given_up > 0 {
            out.notes.push(format!("gives up {given_up} packets"));
            self.next_pli = self.next_pli.min(now);
        }
        if self.next_pli <= now {
            self.next_pli = now + PATIENCE;
            out.notes.push("asks for a key frame".to_owned());
            out.datagrams.push(reporting(own_ssrc).pli(own_ssrc, ssrc).into_bytes());
        }
        if self.next_report <= now {
            self.next_report = now + REPORT_EVERY;
            let blocks: Vec<_> = self.reception.iter_mut().map(|reception| reception.report(now)).collect();
            let report = Compound::default().receiver_report(own_ssrc, &blocks);
            out.datagrams.push(report.cname(own_ssrc, "subscriber").into_bytes());
        }
    }

    /// See [`super::Peer::next_wake`].
    #[must_use]
    pub fn next_wake(&self) -> Mono {
        self.next_report.min(self.next_pli).min(self.missing.next_due(self.subscribing.again_after))
    }

    fn take(&mut self, rtp: &Rtp<'_>, now: Mono, out: &mut Outbox) {
        let Some(reception) = &mut self.reception else {
            self.reception = Some(Reception::beginning(rtp, now));
            return;
        };
        let highest = reception.highest();
        let numbered = reception.count(rtp, now);
        self.missing.found(numbered.number);
        if !self.subscribing.asks_again || numbered.skipped == 0 {
            return;
        }
        if numbered.skipped > MOST_MISSING {
            self.missing.clear();
            self.next_pli = self.next_pli.min(now);
            return;
        }
        let missing = highest + 1..numbered.number;
        missing.clone().for_each(|number| self.missing.add(number, now));
        let numbers: Vec<_> = missing.map(|number| u16::try_from(number & 0xffff).unwrap_or(0)).collect();
        self.ask(&numbers, out);
    }

    fn ask(&self, numbers: &[u16], out: &mut Outbox) {
        let Subscribing { ssrc, own_ssrc, .. } = self.subscribing;
        out.notes.push(format!("asks for {numbers:?}"));
        out.datagrams.push(reporting(own_ssrc).nack(own_ssrc, ssrc, numbers).into_bytes());
    }
}

/// How a compound packet begins that only asks for something (RFC 3550 §6.1).
fn reporting(own_ssrc: u32) -> Compound {
    Compound::default().receiver_report(own_ssrc, &[])
}

const REPORT_EVERY: Duration = Duration::from_secs(1);
/// How long nothing that can be shown is borne.
const PATIENCE: Duration = Duration::from_secs(1);
/// Beyond that a key frame is cheaper.
const MOST_MISSING: u64 = 400;
