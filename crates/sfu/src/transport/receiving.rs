//! What a transport knows of what it receives, over all its streams: how far its peer's clock is from ours and its
//! answers from our questions, when packets arrived by transport-wide number, and who misses packets.

use core::time::Duration;

use bwe::{Rembs, RemoteEstimate};
use model::key::ProducerKey;
use model::rtp::{RtpHeaderExtensionUri as Uri, RtpParameters};
use streams::receive::{Arrivals, SenderClock};
use wire::rtp::values::{AbsSendTime, TransportSequence};
use wire::rtp::{ExtensionId, View};
use wire::{Mono, Ntp, Ssrc};

use crate::chance::mixed;

/// See the module.
#[derive(Debug)]
pub(crate) struct Receiving {
    pub(crate) clock: SenderClock,
    method: Option<Method>,
    /// Where the transport-wide number or the time of sending stands, whichever is used.
    sign_at: Option<ExtensionId>,
    /// Packets since the last feedback.
    unreported: u16,
    /// The stream of the last of them.
    pub(crate) media: Ssrc,
    pub(crate) arrivals: Arrivals,
    /// Under which SSRC it speaks of what it receives.
    pub(crate) ssrc: Ssrc,
    pub(crate) round_trip: Option<Duration>,
    /// Encodings of producers that miss packets.
    pub(crate) lacking: Vec<(ProducerKey, usize)>,
    rembs: Rembs,
    /// What the path takes, where its sender does not find out itself.
    estimate: Option<Box<RemoteEstimate>>,
    /// What it was when it was last asked for.
    available: u64,
}

/// What is due because of a packet, where that is not known already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// Transport-wide feedback, at that time.
    Feedback(Mono),
    /// A REMB, at that time.
    Remb(Mono),
}

/// How a sender's bandwidth is told to it. The first producer that knows a way decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    /// It estimates itself, from transport-wide feedback.
    TransportCc,
    /// It is told a number.
    Remb,
}

impl Receiving {
    pub(crate) fn new(seed: u64) -> Self {
        let [a, b, c, d, ..] = mixed(seed).to_be_bytes();
        Self {
            clock: SenderClock::default(),
            method: None,
            sign_at: None,
            unreported: 0,
            media: Ssrc(0),
            arrivals: Arrivals::new(),
            ssrc: Ssrc(u32::from_be_bytes([a, b, c, d])),
            round_trip: None,
            lacking: Vec::new(),
            rembs: Rembs::new(),
            estimate: None,
            available: 0,
        }
    }

    /// Takes note of a producer's parameters.
    pub(crate) fn meet(&mut self, parameters: &RtpParameters) {
        let id =
            |uri| parameters.header_extensions.iter().find(|known| known.uri == uri).map(|known| known.id);
        let says = |feedback: &str| {
            parameters
                .codecs
                .iter()
                .any(|codec| codec.rtcp_feedback.iter().any(|known| known.is(feedback, "")))
        };
        let method = match (id(Uri::TransportWideCc), id(Uri::AbsSendTime)) {
            (Some(_), _) if says("transport-cc") => Some(Method::TransportCc),
            (_, Some(_)) if says("goog-remb") => Some(Method::Remb),
            _ => None,
        };
        self.method = self.method.or(method);
        let sign = match self.method {
            Some(Method::TransportCc) => id(Uri::TransportWideCc),
            Some(Method::Remb) => {
                self.estimate.get_or_insert_with(|| Box::new(RemoteEstimate::new(bwe::Config::default())));
                id(Uri::AbsSendTime)
            }
            None => None,
        };
        self.sign_at = sign.and_then(ExtensionId::new).or(self.sign_at);
    }

    /// What of it can be sent, and the share of packets that it lost lately; nothing where nobody finds out.
    pub(crate) fn bandwidth(&self) -> Option<(u64, f64)> {
        self.method.map(|_| (self.available, self.arrivals.loss()))
    }

    /// Sets the most that is to be sent to it, 0 for no limit.
    pub(crate) fn set_limit(&mut self, bits_per_second: u64) {
        self.rembs.set_limit(bits_per_second);
    }

    /// Takes note of a packet, which came `at` that time.
    #[inline]
    pub(crate) fn arrived(&mut self, packet: &View<'_>, at: Mono) -> Option<Prompt> {
        self.media = packet.ssrc();
        self.sign_at.and_then(|id| self.note(packet.element(id)?, packet, at))
    }

    /// The rate of the REMB that is due, if one is.
    pub(crate) fn poll_remb(&mut self, now: Mono) -> Option<u64> {
        self.method?;
        let estimate = self.estimate(now);
        self.rembs.poll(now, estimate)
    }

    /// When a REMB will be due, unless something changes.
    pub(crate) fn remb_at(&mut self, now: Mono) -> Mono {
        if self.method.is_none() {
            return Mono::NEVER;
        }
        let estimate = self.estimate(now);
        self.rembs.next(now, estimate)
    }

    /// The streams that a REMB is about.
    pub(crate) fn remb_streams(&self) -> &[Ssrc] {
        let media = core::slice::from_ref(&self.media);
        self.estimate
            .as_ref()
            .map(|estimate| estimate.streams())
            .filter(|heard| !heard.is_empty())
            .unwrap_or(media)
    }

    fn note(&mut self, sign: &[u8], packet: &View<'_>, at: Mono) -> Option<Prompt> {
        if let Some(estimate) = &mut self.estimate {
            let knew_nothing = self.available == 0;
            let fell = estimate.packet(at, AbsSendTime::parse(sign)?, packet.bytes().len(), packet.ssrc());
            return (fell || knew_nothing).then(|| Prompt::Remb(self.remb_at(at)));
        }
        self.arrivals.arrived(TransportSequence::parse(sign)?.0, at);
        self.unreported = self.unreported.saturating_add(1);
        match self.unreported {
            1 => Some(Prompt::Feedback(at + FEEDBACK_INTERVAL)),
            UNREPORTED_LIMIT => Some(Prompt::Feedback(at)),
            _ => None,
        }
    }

    fn estimate(&mut self, now: Mono) -> Option<u64> {
        let estimate = self.estimate.as_mut()?;
        if let Some(round_trip) = self.round_trip {
            estimate.set_round_trip(round_trip);
        }
        let known = estimate.estimate(now);
        self.available = known.unwrap_or_default();
        known
    }

    /// Everything was reported.
    pub(crate) const fn reported(&mut self) {
        self.unreported = 0;
    }

    /// Our question when it is there was answered (RFC 3611 §4.5): `last` is the middle of when we asked, `delay` how
    /// long the answer was held back.
    pub(crate) fn answered(&mut self, now: Ntp, last: u32, delay: u32) {
        // Zero from who was not asked; less than nothing from who lies.
        let units = now.middle().wrapping_sub(last).wrapping_sub(delay);
        if last != 0 && units < i32::MAX.unsigned_abs() {
            let nanos = u64::from(units).saturating_mul(1_000_000_000) >> 16;
            self.round_trip = Some(Duration::from_nanos(nanos).min(LONGEST_ROUND_TRIP));
        }
    }
}

/// The protocol's.
pub(crate) const FEEDBACK_INTERVAL: Duration = Duration::from_millis(100);
/// As many as one report holds.
const UNREPORTED_LIMIT: u16 = 400;
/// No conversation is held over a longer one; who claims it is asked again for what it does not send.
const LONGEST_ROUND_TRIP: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn middle(millis: u64) -> Ntp {
        Ntp((7 << 32) + (millis << 32) / 1_000)
    }

    #[test]
    fn the_round_trip_is_what_is_left_of_the_time_without_the_delay() {
        let mut receiving = Receiving::new(1);
        let delay = 65_536 / 10;
        receiving.answered(middle(180), middle(0).middle(), delay);
        assert!(receiving.round_trip.unwrap().as_millis().abs_diff(80) <= 1);
        // From nobody, and from who claims to have answered before the question.
        receiving.answered(middle(180), 0, delay);
        receiving.answered(middle(180), middle(170).middle(), delay);
        assert!(receiving.round_trip.unwrap().as_millis().abs_diff(80) <= 1);
        receiving.answered(middle(60_000), middle(0).middle(), 0);
        assert_eq!(receiving.round_trip, Some(LONGEST_ROUND_TRIP));
    }
}
