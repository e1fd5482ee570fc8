//! Who asks whom for key frames: a consumer's peer or its user, a consumer that begins to send, and shards with
//! consumers. Whoever asks, a producer is asked once in a tick for each encoding.
//!
//! A request is not repeated and not delayed; that comes with the streams' statistics.

use model::key::{ConsumerKey, ProducerKey};
use wire::Ssrc;
use wire::rtcp::{FirView, Pli};

use super::Sfu;
use super::rtcp::Heard;
use super::source::Origin;
use crate::Error;
use crate::io::{Output, Outputs};
use crate::transport::Sender;

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

    /// A consumer's peer lost a picture (RFC 4585 §6.3.1).
    pub(super) fn heard_pli(&mut self, heard: Heard, pli: &Pli, out: &mut Outputs<S>) {
        let counted = self.asked_by_peer(heard, pli.media, out);
        if let Some(count) = counted.map(|sender| &mut sender.pli_count) {
            *count = count.saturating_add(1);
        }
    }

    /// A consumer's peer has to begin anew (RFC 5104 §4.3.1).
    pub(super) fn heard_fir(&mut self, heard: Heard, fir: &FirView<'_>, out: &mut Outputs<S>) {
        for item in fir.items.iter() {
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

    pub(super) fn ask(&mut self, producer: ProducerKey, encoding: usize, out: &mut Outputs<S>) {
        let Ok(number) = u8::try_from(encoding) else { return };
        let tick = self.now_tick;
        let Some(source) = self.sources.get_mut(producer) else { return };
        if source.kind() == model::rtp::MediaKind::Audio || !source.asked.first(tick, number) {
            return;
        }
        match &mut source.origin {
            Origin::Elsewhere(replica) => {
                let (shard, producer) = replica.home();
                out.push(Output::RequestKeyFrame { shard, producer, encoding: number });
            }
            Origin::Here { transport, producer } => {
                let key = *transport;
                let Some(transport) =
                    self.transports.get_mut(key).filter(|transport| transport.is_connected())
                else {
                    return;
                };
                if let Some(request) = producer.request_key_frame(encoding) {
                    transport.want(request);
                    self.list(key, out);
                }
            }
        }
    }
}
