//! Commands to consumers.

use core::num::NonZeroU8;

use model::command::ConsumerOpen;
use model::event::{ConsumerEvent, Event};
use model::key::{ConsumerKey, ProducerKey};
use model::rtp::RtpHeaderExtensionUri;
use model::score::{ConsumerLayers, ConsumerType};
use model::trace::{ConsumerTraceEventType, TraceSet};
use srtp::PacketIndex;
use wire::Ssrc;

use super::{Consuming, Sfu};
use crate::Error;
use crate::chance::mixed;
use crate::consumer::{Consumer, Halt, random_start};
use crate::io::{Output, Outputs};
use crate::producer::Activity;
use crate::transport::{Sender, SenderIndex, Transport};

impl<S: Copy> Sfu<S> {
    /// Makes a consumer of a producer, or of what stands for one.
    ///
    /// # Errors
    /// [`Error`], and then nothing has changed.
    pub fn consume(
        &mut self,
        key: ConsumerKey,
        open: &ConsumerOpen,
        out: &mut Outputs<S>,
    ) -> Result<(), Error> {
        let ConsumerOpen { transport, producer, rtp_parameters: parameters, .. } = open;
        self.consumers.vacant(key).map_err(|why| Error::NoPlace { what: "consumer", why })?;
        let owner = self.transports.get_mut(*transport).ok_or(Error::UnknownTransport)?;
        let source = self.sources.get_mut(*producer).ok_or(Error::UnknownProducer)?;
        let pipe = open.consumer_type == ConsumerType::Pipe;
        let mut start = |ssrc| owner.next_index(ssrc).unwrap_or_else(|| start_of(open.seed, ssrc));
        let mut consumer = Consumer::new(pipe, parameters, &open.consumable_encodings, &mut start)?;
        let senders = begin(owner, key, open, &consumer)?;
        consumer.assign(&senders);
        if open.ignore_dtx {
            consumer.ignore_dtx();
        }
        if let Some(preferred) = open.preferred_layers.or_else(|| consumer.preferred_layers()) {
            consumer.set_preferred_layers(preferred);
        }
        let halts = [
            (Halt::Paused, open.paused),
            (Halt::ProducerPaused, source.activity() == Activity::Paused),
            (Halt::Unconnected, !owner.is_connected()),
        ];
        for (halt, _) in halts.into_iter().filter(|(_, holds)| *holds) {
            consumer.halt(halt);
        }
        let (is_active, may_ask) = (consumer.is_active(), consumer.may_ask());
        let (at_producer, at_transport) = (source.consumers.len(), owner.inside.consumers.len());
        source.consumers.push(key);
        owner.inside.consumers.push(key);
        let entry =
            Consuming { consumer, producer: *producer, transport: *transport, at_producer, at_transport };
        self.consumers.insert(key, entry).map_err(|why| Error::NoPlace { what: "consumer", why })?;
        if may_ask {
            self.stored.open(*producer, open.kind);
        }
        if is_active {
            self.ask_for(key, out);
        }
        Ok(())
    }

    /// Pauses a consumer.
    ///
    /// # Errors
    /// When it is gone.
    pub fn pause_consumer(&mut self, key: ConsumerKey, out: &mut Outputs<S>) -> Result<(), Error> {
        self.consumer_mut(key)?;
        self.halt(key, Halt::Paused, out);
        Ok(())
    }

    /// Resumes a consumer, and asks its producer for a key frame if it sends again.
    ///
    /// # Errors
    /// When it is gone.
    pub fn resume_consumer(&mut self, key: ConsumerKey, out: &mut Outputs<S>) -> Result<(), Error> {
        self.consumer_mut(key)?;
        self.lift(key, Halt::Paused, out);
        Ok(())
    }

    /// Sets the highest layers that are wanted. Those that will be aimed at; nothing for consumers without layers.
    ///
    /// # Errors
    /// When it is gone.
    pub fn set_preferred_layers(
        &mut self,
        key: ConsumerKey,
        wanted: ConsumerLayers,
        out: &mut Outputs<S>,
    ) -> Result<Option<ConsumerLayers>, Error> {
        let consumer = self.consumer_mut(key)?;
        let before = consumer.current();
        let layers = consumer.set_preferred_layers(wanted);
        // What changes to another encoding can only be seen from a key frame of it on.
        if layers.is_some() && before.is_none_or(|before| !consumer.encodings().contains(&before)) {
            self.ask_for(key, out);
        }
        Ok(layers)
    }

    /// Sets the weight when bandwidth is shared out. Nobody shares it out yet.
    ///
    /// # Errors
    /// When it is gone.
    pub fn set_priority(&mut self, key: ConsumerKey, priority: NonZeroU8) -> Result<(), Error> {
        self.consumer_mut(key)?.set_priority(priority);
        Ok(())
    }

    /// Says what is traced.
    ///
    /// # Errors
    /// When it is gone.
    pub fn trace_consumer(
        &mut self,
        key: ConsumerKey,
        trace: TraceSet<ConsumerTraceEventType>,
    ) -> Result<(), Error> {
        self.consumer_mut(key)?.set_trace(trace);
        Ok(())
    }

    /// A consumer.
    pub fn consumer(&self, key: ConsumerKey) -> Option<&Consumer> {
        self.consumers.get(key).map(|entry| &entry.consumer)
    }

    /// Whose packets a consumer gets.
    pub fn producer_of(&self, key: ConsumerKey) -> Option<ProducerKey> {
        self.consumers.get(key).map(|entry| entry.producer)
    }

    /// Stops a consumer for a reason.
    pub(super) fn halt(&mut self, key: ConsumerKey, halt: Halt, out: &mut Outputs<S>) {
        let Some(entry) = self.consumers.get_mut(key) else { return };
        if entry.consumer.halt(halt) && entry.consumer.fall_silent() {
            out.push(Output::Event(Event::Consumer(key, ConsumerEvent::Layers(None))));
        }
    }

    /// Takes a reason to be silent away, and asks for key frames if it was the last.
    pub(super) fn lift(&mut self, key: ConsumerKey, halt: Halt, out: &mut Outputs<S>) {
        let Some(entry) = self.consumers.get_mut(key) else { return };
        if entry.consumer.lift(halt) && entry.consumer.is_active() {
            self.ask_for(key, out);
        }
    }

    fn consumer_mut(&mut self, key: ConsumerKey) -> Result<&mut Consumer, Error> {
        self.consumers.get_mut(key).map(|entry| &mut entry.consumer).ok_or(Error::UnknownConsumer)
    }
}

/// Takes up the streams of a consumer, all or none.
fn begin(
    owner: &mut Transport,
    key: ConsumerKey,
    open: &ConsumerOpen,
    consumer: &Consumer,
) -> Result<Vec<SenderIndex>, Error> {
    if let Some(ssrc) = owner.senders.taken(consumer.ssrcs().chain(consumer.rtx_ssrcs().flatten())) {
        return Err(Error::SsrcTaken(ssrc));
    }
    let extensions = &open.rtp_parameters.header_extensions;
    let is_numbered = extensions.iter().any(|known| known.uri == RtpHeaderExtensionUri::TransportWideCc);
    let mut senders = Vec::new();
    for (encoding, (ssrc, rtx)) in (0_u8..).zip(consumer.ssrcs().zip(consumer.rtx_ssrcs())) {
        let described = consumer.described().get(usize::from(encoding));
        let mut start = |ssrc| owner.next_index(ssrc).unwrap_or_else(|| start_of(open.seed, ssrc));
        let mut sender =
            Sender::new(key, (open.kind, encoding), (ssrc, rtx), (consumer.mid(), described), &mut start);
        sender.is_numbered = is_numbered;
        match owner.begin(sender) {
            Ok(index) => senders.push(index),
            Err(_) => {
                senders.into_iter().for_each(|index| owner.end(index));
                return Err(Error::KeyExhausted);
            }
        }
    }
    Ok(senders)
}

/// Where the numbers of a stream begin: anywhere, and for each stream of a consumer elsewhere.
fn start_of(seed: u64, ssrc: Ssrc) -> PacketIndex {
    let [.., high, low] = mixed(seed ^ u64::from(ssrc.0)).to_be_bytes();
    random_start(u16::from_be_bytes([high, low]))
}
