//! What follows from received packets for those who sent them: requests for what is missing (RFC 4585 §6.2.1),
//! transport-wide feedback, and scores that change with silence.

use model::key::{ProducerKey, TransportKey};
use wire::rtcp::{Nack, NackItem, TransportCc};
use wire::{Mono, Ssrc};

use super::Sfu;
use crate::io::{Io, Outputs, Packets};
use crate::producer::{Noted, Producer};
use crate::transport::{Due, FEEDBACK_INTERVAL, Prompt};

impl<S: Copy> Sfu<S> {
    /// Something follows from a packet of a producer in that transport.
    #[cold]
    pub(super) fn note(&mut self, at: TransportKey, key: ProducerKey, noted: Noted, out: &mut Outputs<S>) {
        if noted.appeared || noted.revived {
            self.tell_scores(key, out);
            self.watch(at, key, out);
        }
        if noted.appeared {
            self.expect_report(at, self.now, out);
        }
        if noted.needs_key_frame {
            self.ask(key, noted.encoding, out);
        }
        let due = self.producer(key).and_then(|producer| producer.nacks_at(noted.encoding));
        if let Some((owner, due)) = self.transports.get_mut(at).zip(due) {
            let lacking = (key, noted.encoding);
            if !owner.receiving.lacking.contains(&lacking) {
                owner.receiving.lacking.push(lacking);
            }
            owner.agenda.hasten(Due::Nacks, due);
            self.rearm(at, out);
        }
    }

    /// Something is due because of a packet.
    #[cold]
    pub(super) fn prompted(&mut self, at: TransportKey, prompt: Prompt, out: &mut Outputs<S>) {
        if let Some(owner) = self.transports.get_mut(at) {
            match prompt {
                Prompt::Feedback(due) => owner.agenda.hasten(Due::Feedback, due),
                Prompt::Remb(due) => owner.agenda.hasten(Due::Remb, due),
            }
            self.rearm(at, out);
        }
    }

    /// A stream of a producer appeared, or came back: it is to be noticed when it falls silent.
    pub(super) fn watch(&mut self, at: TransportKey, key: ProducerKey, out: &mut Outputs<S>) {
        let silent_at = self.producer(key).and_then(Producer::silent_at);
        if let Some((owner, silent_at)) = self.transports.get_mut(at).zip(silent_at) {
            owner.agenda.hasten(Due::Scores, silent_at);
            self.rearm(at, out);
        }
    }

    /// Asks the peer of a transport for what its streams miss.
    pub(super) fn ask_for_missing<P>(&mut self, at: TransportKey, io: &mut Io<'_, P>)
    where
        P: Packets<Slot = S>,
    {
        let Some(owner) = self.transports.get_mut(at) else { return };
        let round_trip = owner.receiving.round_trip;
        let mut lacking = core::mem::take(&mut owner.receiving.lacking);
        let mut numbers = core::mem::take(&mut self.numbers);
        let mut next = Mono::NEVER;
        lacking.retain(|(key, encoding)| {
            let Ok(producer) = self.local_mut(*key) else { return false };
            numbers.clear();
            let media = producer.poll_nacks(*encoding, (io.now, round_trip), &mut numbers);
            let due = producer.nacks_at(*encoding);
            if let Some(media) = media.filter(|_| !numbers.is_empty()) {
                self.nack(at, media, &numbers);
                self.trace_producer_nack(*key, io.out);
            }
            next = next.min(due.unwrap_or(Mono::NEVER));
            due.is_some()
        });
        self.numbers = numbers;
        if let Some(owner) = self.transports.get_mut(at) {
            owner.receiving.lacking = lacking;
            owner.agenda.set(Due::Nacks, next);
            if !owner.rtcp.is_empty() {
                self.list(at, io.out);
            }
        }
    }

    /// Tells the peer of a transport when its packets arrived.
    pub(super) fn give_feedback<P>(&mut self, at: TransportKey, io: &mut Io<'_, P>)
    where
        P: Packets<Slot = S>,
    {
        let Some(owner) = self.transports.get_mut(at) else { return };
        let mut any = false;
        while let Some(report) = owner.receiving.arrivals.report(io.now, &mut self.deltas) {
            let feedback = TransportCc {
                sender: owner.receiving.ssrc,
                media: owner.receiving.media,
                base_sequence: report.base_sequence,
                reference_64_millis: report.reference_64_millis,
                feedback_count: report.count,
                delta_ticks: &self.deltas,
            };
            any |= owner.rtcp.compound(|out| out.push(&feedback));
        }
        owner.receiving.reported();
        if any {
            owner.agenda.hasten(Due::Feedback, io.now + FEEDBACK_INTERVAL);
            self.list(at, io.out);
            // A limit that was set while there was nobody to tell.
            self.expect_remb(at, io.now, io.out);
        }
    }

    /// Looks which streams of a transport fell silent.
    pub(super) fn look_for_silence(&mut self, at: TransportKey, out: &mut Outputs<S>) {
        let now = self.now;
        for place in 0..self.producers_of(at).len() {
            let Some(key) = self.producers_of(at).get(place).copied() else { continue };
            if self.local_mut(key).is_ok_and(|producer| producer.check_silence(now)) {
                self.tell_scores(key, out);
            }
            self.watch(at, key, out);
        }
    }

    fn nack(&mut self, at: TransportKey, media: Ssrc, numbers: &[u16]) {
        let Some(owner) = self.transports.get_mut(at).filter(|owner| owner.is_connected()) else { return };
        let missing = u64::try_from(numbers.len()).unwrap_or(u64::MAX);
        self.counters.missing = self.counters.missing.saturating_add(missing);
        let sender = owner.receiving.ssrc;
        let mut items = [NackItem::default(); ITEMS_LIMIT];
        let mut rest = numbers;
        while !rest.is_empty() {
            let packed = NackItem::pack(rest, &mut items);
            let items = items.get(..packed.items).unwrap_or_default();
            owner.rtcp.compound(|out| out.push(&Nack { sender, media, items }));
            rest = rest.get(packed.sequences.max(1)..).unwrap_or_default();
        }
    }
}

/// Four bytes each, in one compound.
const ITEMS_LIMIT: usize = 256;
