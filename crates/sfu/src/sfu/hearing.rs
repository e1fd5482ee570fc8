//! What the peers of consumers say of the streams that they get: report blocks, and requests for the round-trip time.

use model::event::{ConsumerEvent, Event};
use model::key::{ConsumerKey, ProducerKey};
use model::score::ConsumerType;
use wire::rtcp::{ReportBlock, XrBlockView, XrView};
use wire::{Mono, Ntp};

use super::Sfu;
use super::report::score_of;
use super::rtcp::Heard;
use super::source::{Origin, Source};
use crate::io::{Output, Outputs};

impl<S: Copy> Sfu<S> {
    /// A consumer's peer says how it receives a stream (RFC 3550 §6.4.1).
    pub(super) fn heard_report_block(&mut self, heard: Heard, block: &ReportBlock, out: &mut Outputs<S>) {
        let Some(index) = self.media_sender(heard.at, block.ssrc) else { return };
        let received = self.wall_clock(heard.received);
        let Some(owner) = self.transports.get_mut(heard.at) else { return };
        let Some(sender) = owner.senders.get_mut(index) else { return };
        let change = sender.reception.hear(received, block, sender.tally.packets);
        let (consumer, fraction) = (sender.consumer, sender.reception.fraction_lost());
        if change.score {
            self.tell_score(consumer, out);
        }
        if let Some(producer) = self.producer_of(consumer) {
            self.heard_loss(heard.received, producer, fraction, out);
        }
    }

    /// A consumer's peer wants to know how far we are (RFC 3611 §4.4). It is answered with the next report.
    pub(super) fn heard_reference_time(&mut self, heard: Heard, xr: &XrView<'_>) {
        let Some(owner) = self.transports.get_mut(heard.at) else { return };
        for block in xr.blocks() {
            if let XrBlockView::ReceiverReferenceTime(ntp) = block {
                owner.asking.note(xr.ssrc, ntp, heard.received);
            }
        }
    }

    /// Our wall clock at a moment.
    pub(super) fn wall_clock(&self, at: Mono) -> Ntp {
        self.ntp_at_zero.after(at.since(Mono::ZERO))
    }

    /// Tells a consumer's user how it does. Pipes have no score of interest.
    pub(super) fn tell_score(&self, key: ConsumerKey, out: &mut Outputs<S>) {
        let Some(entry) = self.consumers.get(key) else { return };
        if entry.consumer.consumer_type() != ConsumerType::Pipe {
            let producer_scores = self.sources.get(entry.producer).map(Source::scores).unwrap_or_default();
            let score = score_of(&entry.consumer, self.own_score(entry), producer_scores);
            out.push(Output::Event(Event::Consumer(key, ConsumerEvent::Score(score))));
        }
    }

    /// A consumer lost so much, of 256. Matters to producers whose packets repair each other.
    fn heard_loss(&mut self, now: Mono, producer: ProducerKey, fraction: u8, out: &mut Outputs<S>) {
        let Some(source) = self.sources.get_mut(producer) else { return };
        if !source.has_in_band_fec() || !source.losses.hear(now, fraction) {
            return;
        }
        if let Origin::Elsewhere(replica) = &source.origin {
            let (shard, producer) = replica.home();
            out.push(Output::Loss { shard, producer, fraction: source.losses.worst(now) });
        }
    }
}
