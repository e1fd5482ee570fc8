//! The router of one shard: who produces, who consumes whom, and what each transport is to send in this tick.
//!
//! Owns the transports' listener tables and queues, the producers and the consumers. A packet goes down in one pass:
//! the transport's listener names the producer, the producer makes a [`crate::Packet`] of it, and each consumer's
//! decision to forward is an entry in the queue of its transport. Nothing is written and nothing calls back.
//!
//! Invariants: producer and consumers know each other by key, both ways, or not at all; closing leaves neither keys
//! nor queue entries behind (docs/closures.md); slots that were taken are given back, each once.
//!
//! Names, sockets, DTLS and SRTP are elsewhere. One instance per shard serves all rooms of that shard: rooms share
//! nothing but tables. Consumers of producers on other shards are not here yet.

mod closing;
mod fan_out;
mod tick;

use model::rtp::{MediaKind, RtpEncodingParameters, RtpMapping, RtpParameters};
use srtp::PacketIndex;
use wire::Ssrc;

pub use fan_out::{Departure, NotForwarded, Outcome};

use crate::Unacceptable;
use crate::consumer::{Consumer, Halt, Rewrite};
use crate::listener::{Ambiguous, Listener};
use crate::producer::{Activity, Producer, ReceiveIds};
use crate::slots::{ConsumerKey, ProducerKey, Slots, TransportKey};
use tick::Tick;

/// See the module. `P` names the slot that holds a packet.
#[derive(Debug)]
pub struct Router<P> {
    transports: Slots<TransportKey, Transport>,
    producers: Slots<ProducerKey, Producing>,
    consumers: Slots<ConsumerKey, Consuming>,
    tick: Tick<P>,
    /// Transports whose queue is not empty, in the order in which that came about.
    dirty: Vec<TransportKey>,
    counters: Counters,
}

/// What consumers are told of their producer: the events of docs/closures.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It was paused.
    ProducerPaused(ConsumerKey),
    /// It was resumed.
    ProducerResumed(ConsumerKey),
    /// It was closed, and the consumer with it.
    ProducerClosed(ConsumerKey),
}

/// Why there is no producer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProduceError {
    /// The transport is gone.
    #[error("there is no such transport")]
    UnknownTransport,
    /// The parameters make no sense.
    #[error(transparent)]
    Unacceptable(#[from] Unacceptable),
    /// It cannot be told from another producer of the transport.
    #[error(transparent)]
    Ambiguous(#[from] Ambiguous),
}

/// Why there is no consumer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConsumeError {
    /// The transport is gone.
    #[error("there is no such transport")]
    UnknownTransport,
    /// The producer is gone.
    #[error("there is no such producer")]
    UnknownProducer,
    /// Another consumer of the transport sends with that SSRC. The caller is to blame: class `Error`.
    #[error("ssrc {} is already sent with on this transport; take another", .0.0)]
    SsrcTaken(Ssrc),
    /// The parameters make no sense.
    #[error(transparent)]
    Unacceptable(#[from] Unacceptable),
}

/// What a consumer is created from.
#[derive(Clone, Copy, Debug)]
pub struct Consume<'a> {
    /// Whether it takes all encodings.
    pub pipe: bool,
    /// What it sends.
    pub parameters: &'a RtpParameters,
    /// What can be consumed of the producer.
    pub consumable: &'a [RtpEncodingParameters],
}

/// Since the router began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Copies that were queued.
    pub forwarded: u64,
    /// Copies that their consumer did not want, or could not place.
    pub declined: u64,
    /// Copies that found their transport's queue full.
    pub queue_full: u64,
    /// Packets that found too many others in flight.
    pub tick_full: u64,
}

#[derive(Clone, Debug, Default)]
struct Transport {
    connected: bool,
    listener: Listener<ProducerKey>,
    receive_ids: ReceiveIds,
    producers: Vec<ProducerKey>,
    consumers: Vec<ConsumerKey>,
    queue: Vec<Queued>,
}

/// A copy to be sent.
#[derive(Clone, Copy, Debug)]
struct Queued {
    consumer: ConsumerKey,
    /// Its place in the tick.
    packet: usize,
    rewrite: Rewrite,
}

#[derive(Clone, Debug)]
struct Producing {
    producer: Producer,
    transport: TransportKey,
    consumers: Vec<ConsumerKey>,
}

#[derive(Debug)]
struct Consuming {
    consumer: Consumer,
    producer: ProducerKey,
    transport: TransportKey,
    /// Its place in the producer's list, so that it is found there without a walk.
    at_producer: usize,
    at_transport: usize,
}

impl<P: Copy> Router<P> {
    /// Nobody is there.
    pub const fn new() -> Self {
        Self {
            transports: Slots::new(),
            producers: Slots::new(),
            consumers: Slots::new(),
            tick: Tick::new(),
            dirty: Vec::new(),
            counters: Counters { forwarded: 0, declined: 0, queue_full: 0, tick_full: 0 },
        }
    }

    /// A transport that is not connected.
    pub fn add_transport(&mut self) -> TransportKey {
        self.transports.insert(Transport::default())
    }

    /// Lets consumers of the transport send. Whether it is there.
    pub fn connect(&mut self, transport: TransportKey) -> bool {
        let Self { transports, consumers, .. } = self;
        let Some(transport) = transports.get_mut(transport) else { return false };
        transport.connected = true;
        for key in &transport.consumers {
            if let Some(entry) = consumers.get_mut(*key) {
                entry.consumer.lift(Halt::Unconnected);
            }
        }
        true
    }

    /// Takes up a producer.
    ///
    /// # Errors
    /// [`ProduceError`], and then nothing has changed.
    pub fn produce(
        &mut self,
        transport: TransportKey,
        kind: MediaKind,
        parameters: &RtpParameters,
        mapping: &RtpMapping,
    ) -> Result<ProducerKey, ProduceError> {
        let owner = self.transports.get_mut(transport).ok_or(ProduceError::UnknownTransport)?;
        let producer = Producer::new(kind, parameters, mapping)?;
        let key = self.producers.insert(Producing { producer, transport, consumers: Vec::new() });
        if let Err(ambiguous) = owner.listener.add(key, parameters) {
            self.producers.remove(key);
            return Err(ambiguous.into());
        }
        owner.receive_ids.update(parameters);
        owner.producers.push(key);
        Ok(key)
    }

    /// Takes up a consumer. `start` says with which index a stream begins.
    ///
    /// # Errors
    /// [`ConsumeError`], and then nothing has changed.
    pub fn consume(
        &mut self,
        transport: TransportKey,
        producer: ProducerKey,
        request: Consume<'_>,
        start: &mut dyn FnMut(Ssrc) -> PacketIndex,
    ) -> Result<ConsumerKey, ConsumeError> {
        let owner = self.transports.get_mut(transport).ok_or(ConsumeError::UnknownTransport)?;
        let source = self.producers.get_mut(producer).ok_or(ConsumeError::UnknownProducer)?;
        let mut consumer = Consumer::new(request.pipe, request.parameters, request.consumable, start)?;
        if !owner.connected {
            consumer.halt(Halt::Unconnected);
        }
        if source.producer.activity() == Activity::Paused {
            consumer.halt(Halt::ProducerPaused);
        }
        let others = || owner.consumers.iter().filter_map(|other| self.consumers.get(*other));
        let is_taken = |ssrc: &Ssrc| others().any(|other| other.consumer.ssrcs().any(|taken| taken == *ssrc));
        if let Some(ssrc) = consumer.ssrcs().find(is_taken) {
            return Err(ConsumeError::SsrcTaken(ssrc));
        }
        let (at_producer, at_transport) = (source.consumers.len(), owner.consumers.len());
        let entry = Consuming { consumer, producer, transport, at_producer, at_transport };
        let key = self.consumers.insert(entry);
        source.consumers.push(key);
        owner.consumers.push(key);
        Ok(key)
    }

    /// Pauses a producer and tells its consumers if that is a change. Whether it is there.
    pub fn pause_producer(&mut self, producer: ProducerKey, told: &mut Vec<Told>) -> bool {
        let Self { producers, consumers, .. } = self;
        let Some(entry) = producers.get_mut(producer) else { return false };
        if entry.producer.pause() {
            for key in &entry.consumers {
                if let Some(entry) = consumers.get_mut(*key) {
                    entry.consumer.halt(Halt::ProducerPaused);
                }
                told.push(Told::ProducerPaused(*key));
            }
        }
        true
    }

    /// Resumes a producer and tells its consumers if that is a change. Whether it is there.
    pub fn resume_producer(&mut self, producer: ProducerKey, told: &mut Vec<Told>) -> bool {
        let Self { producers, consumers, .. } = self;
        let Some(entry) = producers.get_mut(producer) else { return false };
        if entry.producer.resume() {
            for key in &entry.consumers {
                if let Some(entry) = consumers.get_mut(*key) {
                    entry.consumer.lift(Halt::ProducerPaused);
                }
                told.push(Told::ProducerResumed(*key));
            }
        }
        true
    }

    /// Pauses a consumer. Whether it is there.
    pub fn pause_consumer(&mut self, consumer: ConsumerKey) -> bool {
        self.consumers.get_mut(consumer).map(|entry| entry.consumer.halt(Halt::Paused)).is_some()
    }

    /// Resumes a consumer. Whether it is there.
    pub fn resume_consumer(&mut self, consumer: ConsumerKey) -> bool {
        self.consumers.get_mut(consumer).map(|entry| entry.consumer.lift(Halt::Paused)).is_some()
    }

    /// A producer.
    pub fn producer(&self, producer: ProducerKey) -> Option<&Producer> {
        self.producers.get(producer).map(|entry| &entry.producer)
    }

    /// A consumer.
    pub fn consumer(&self, consumer: ConsumerKey) -> Option<&Consumer> {
        self.consumers.get(consumer).map(|entry| &entry.consumer)
    }

    /// The consumers of a producer.
    pub fn consumers_of(&self, producer: ProducerKey) -> &[ConsumerKey] {
        self.producers.get(producer).map(|entry| &*entry.consumers).unwrap_or_default()
    }

    /// What happened so far.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Whether nothing is left of anybody.
    pub fn is_empty(&self) -> bool {
        let tables = [self.transports.len(), self.producers.len(), self.consumers.len(), self.dirty.len()];
        tables == [0; 4] && self.tick.is_empty()
    }
}

impl<P: Copy> Default for Router<P> {
    fn default() -> Self {
        Self::new()
    }
}
