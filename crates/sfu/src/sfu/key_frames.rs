//! Who asks whom for key frames: a consumer's peer or its user, a consumer that begins to send or waits to, and shards
//! with consumers. Whoever asks, and however often, it is the producer that decides when its sender is asked.

use model::key::{ConsumerKey, ProducerKey, TransportKey};
use model::rtp::MediaKind;
use wire::rtcp::{FirView, Pli};
use wire::{Mono, Ssrc};

use super::Sfu;
use super::rtcp::Heard;
use super::source::Origin;
use crate::Error;
use crate::io::{Output, Outputs};
use crate::producer::Producer;
use crate::transport::{Due, Request, Sender};

impl<S: Copy> Sfu<S> {
    /// Asks a producer of this shard for a key frame, in the name of another shard.
    pub fn request_key_frame(&mut self, producer: ProducerKey, encoding: u8, out: &mut Outputs<S>) {
        self.ask(producer, usize::from(encoding), out);
    }

    /// Asks a consumer's producer for a key frame of what it sends.
    ///
    /// # Errors
    /// When it is gone.
    pub fn request_key_frame_for(
        &mut self,
        consumer: ConsumerKey,
        out: &mut Outputs<S>,
    ) -> Result<(), Error> {
        let entry = self.consumers.get(consumer).ok_or(Error::UnknownConsumer)?;
        if entry.consumer.is_active() {
            self.ask_for(consumer, out);
        }
        Ok(())
    }

    /// Asks for key frames of all that leaves through a transport: its peer has missed something that no report will name.
    pub fn request_key_frames_of(&mut self, transport: TransportKey, out: &mut Outputs<S>) {
        for at in 0..self.consumers_of_transport(transport).len() {
            if let Some(consumer) = self.consumers_of_transport(transport).get(at).copied() {
                // It is there.
                let _ = self.request_key_frame_for(consumer, out);
            }
        }
    }

    /// A consumer's peer lost a picture (RFC 4585 §6.3.1).
    pub(super) fn heard_pli(&mut self, heard: Heard, pli: &Pli, out: &mut Outputs<S>) {
        self.trace_peer_request(heard.at, Request::Pli(pli.media), out);
        let counted = self.asked_by_peer(heard, pli.media, out);
        if let Some(count) = counted.map(|sender| &mut sender.pli_count) {
            *count = count.saturating_add(1);
        }
    }

    /// A consumer's peer has to begin anew (RFC 5104 §4.3.1).
    pub(super) fn heard_fir(&mut self, heard: Heard, fir: &FirView<'_>, out: &mut Outputs<S>) {
        for item in fir.items.iter() {
            self.trace_peer_request(heard.at, Request::Fir(item.ssrc, item.sequence), out);
            let counted = self.asked_by_peer(heard, item.ssrc, out);
            if let Some(count) = counted.map(|sender| &mut sender.fir_count) {
                *count = count.saturating_add(1);
            }
        }
    }

    /// Asks the producer of the stream that is meant. The stream, to be counted.
    fn asked_by_peer(&mut self, heard: Heard, media: Ssrc, out: &mut Outputs<S>) -> Option<&mut Sender> {
        let index = self.media_sender(heard.at, media)?;
        let sender = self.transports.get(heard.at)?.senders.get(index)?;
        let (consumer, encoding) = (sender.consumer, sender.encoding);
        self.counters.key_frames_wanted = self.counters.key_frames_wanted.saturating_add(1);
        if let Some(entry) = self.consumers.get(consumer).filter(|entry| entry.consumer.is_active()) {
            // A stream of a pipe is one encoding; who has only one stream means what it sends now.
            let encoding = entry.consumer.source_of(encoding);
            self.ask(entry.producer, encoding, out);
        }
        self.transports.get_mut(heard.at)?.senders.get_mut(index)
    }

    /// For everything that the consumer sends or is about to.
    pub(super) fn ask_for(&mut self, consumer: ConsumerKey, out: &mut Outputs<S>) {
        let Some(entry) = self.consumers.get(consumer) else { return };
        let (producer, encodings) = (entry.producer, entry.consumer.encodings());
        encodings.for_each(|encoding| self.ask(producer, encoding, out));
    }

    /// Somebody wants a key frame of a producer's encoding.
    pub(super) fn ask(&mut self, key: ProducerKey, encoding: usize, out: &mut Outputs<S>) {
        let now = self.now;
        let Some(source) = self.sources.get_mut(key) else { return };
        match &mut source.origin {
            Origin::Elsewhere(replica) => {
                if replica.kind() == MediaKind::Video
                    && let Ok(number) = u8::try_from(encoding)
                    && replica.want_key_frame(now, encoding)
                {
                    let (shard, producer) = replica.home();
                    out.push(Output::RequestKeyFrame { shard, producer, encoding: number });
                }
            }
            Origin::Here { transport, producer } => {
                let at = *transport;
                let Some(owner) = self.transports.get_mut(at).filter(|owner| owner.is_connected()) else {
                    return;
                };
                let request = producer.want_key_frame(now, encoding, owner.receiving.round_trip);
                if let Some(due) = producer.key_requests_due() {
                    owner.agenda.hasten(Due::KeyFrames, due);
                }
                self.request(at, key, request, out);
                self.rearm(at, out);
            }
        }
    }

    /// Asks the senders of a transport's producers again where that is due.
    pub(super) fn repeat_key_requests(&mut self, at: TransportKey, out: &mut Outputs<S>) {
        let now = self.now;
        let round_trip = self.transports.get(at).and_then(|owner| owner.receiving.round_trip);
        let mut next = Mono::NEVER;
        for place in 0..self.producers_of(at).len() {
            let Some(key) = self.producers_of(at).get(place).copied() else { continue };
            for encoding in 0..self.producer(key).map_or(0, Producer::encodings) {
                let producer = self.local_mut(key).ok();
                let request = producer.and_then(|known| known.repeat_key_request(now, encoding, round_trip));
                self.request(at, key, request, out);
            }
            next = next.min(self.producer(key).and_then(Producer::key_requests_due).unwrap_or(Mono::NEVER));
        }
        if let Some(owner) = self.transports.get_mut(at) {
            owner.agenda.set(Due::KeyFrames, next);
        }
    }

    fn request(
        &mut self,
        at: TransportKey,
        key: ProducerKey,
        request: Option<Request>,
        out: &mut Outputs<S>,
    ) {
        let Some(request) = request else { return };
        let Some(owner) = self.transports.get_mut(at) else { return };
        owner.want(request);
        self.counters.key_frames_asked = self.counters.key_frames_asked.saturating_add(1);
        self.list(at, out);
        self.trace_key_request(key, request, out);
    }
}
