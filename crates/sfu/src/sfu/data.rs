//! Commands to data producers and data consumers, and messages between them.

use model::command::{DataConsumerOpen, DataMessage, DataProducerOpen, Epoch};
use model::event::{DataConsumerEvent, Event};
use model::key::{DataConsumerKey, DataProducerKey, ShardIndex, TransportKey};
use model::stats::DataCounters;
use wire::Mono;

use super::Sfu;
use crate::Error;
use crate::data::{DataConsumer, DataFeed, DataOrigin, DataSource};
use crate::io::{Output, Outputs};
use crate::producer::Activity;
use crate::slots::{KEPT, give_back};

impl<S: Copy> Sfu<S> {
    /// Makes a data producer.
    ///
    /// # Errors
    /// [`Error`], and then nothing has changed.
    pub fn produce_data(&mut self, key: DataProducerKey, open: &DataProducerOpen) -> Result<(), Error> {
        self.data_sources.vacant(key).map_err(|why| Error::NoPlace { what: "data producer", why })?;
        let transport = self.transports.get(open.transport).ok_or(Error::UnknownTransport)?;
        if transport.is_direct() != open.stream.is_none() {
            return Err(Error::DataKind);
        }
        if let Some(stream) = open.stream.map(|stream| stream.stream_id) {
            let origin = DataOrigin::Here { transport: open.transport, stream: Some(stream) };
            let taken = |key: &DataProducerKey| {
                self.data_sources.get(*key).is_some_and(|known| known.origin == origin)
            };
            if transport.inside.data_producers.iter().any(taken) {
                return Err(Error::StreamTaken(stream));
            }
        }
        if let Some(transport) = self.transports.get_mut(open.transport) {
            transport.inside.data_producers.push(key);
        }
        let placed = self.data_sources.insert(key, DataSource::new(open));
        placed.map_err(|why| Error::NoPlace { what: "data producer", why })
    }

    /// Makes what stands for a data producer of another shard.
    ///
    /// # Errors
    /// When the key cannot be used.
    pub fn open_data_replica(&mut self, key: DataProducerKey) -> Result<(), Error> {
        let placed = self.data_sources.insert(key, DataSource::replica());
        placed.map_err(|why| Error::NoPlace { what: "data replica", why })
    }

    /// Hands every message of a data producer to what stands for it on another shard, from now on.
    ///
    /// # Errors
    /// When the data producer is gone.
    pub fn open_data_feed(&mut self, key: DataProducerKey, feed: DataFeed) -> Result<(), Error> {
        let source = self.data_sources.get_mut(key).ok_or(Error::UnknownDataProducer)?;
        source.feeds.retain(|known| known.shard != feed.shard);
        source.feeds.push(feed);
        Ok(())
    }

    /// Hands no more to that shard. What stood for the data producer there, if anything did.
    pub fn close_data_feed(&mut self, key: DataProducerKey, shard: ShardIndex) -> Option<DataFeed> {
        let feeds = &mut self.data_sources.get_mut(key)?.feeds;
        let at = feeds.iter().position(|feed| feed.shard == shard)?;
        Some(feeds.swap_remove(at))
    }

    /// Pauses or resumes a data producer, or what stands for one. The epoch that begins
    /// thereby, if that is a change; [`data_feeds`](Self::data_feeds) are to be told.
    ///
    /// # Errors
    /// When it is gone.
    pub fn turn_data_producer(
        &mut self,
        key: DataProducerKey,
        activity: Activity,
    ) -> Result<Option<Epoch>, Error> {
        let source = self.data_sources.get_mut(key).ok_or(Error::UnknownDataProducer)?;
        let paused = activity == Activity::Paused;
        if source.paused == paused {
            return Ok(None);
        }
        source.paused = paused;
        source.epoch = source.epoch.next();
        Ok(Some(source.epoch))
    }

    /// Whether a data producer is paused, and in which epoch that is so.
    pub fn data_epoch(&self, key: DataProducerKey) -> Option<(Epoch, Activity)> {
        let source = self.data_sources.get(key)?;
        Some((source.epoch, if source.paused { Activity::Paused } else { Activity::Running }))
    }

    /// The other shards that get a data producer's messages.
    pub fn data_feeds(&self, key: DataProducerKey) -> &[DataFeed] {
        self.data_sources.get(key).map(|source| &*source.feeds).unwrap_or_default()
    }

    /// Which data producer of a transport the messages of an SCTP stream belong to.
    pub fn sctp_streams(&self, key: TransportKey) -> impl Iterator<Item = (u16, DataProducerKey)> {
        let stream = |key: &DataProducerKey| match self.data_sources.get(*key)?.origin {
            DataOrigin::Here { stream, .. } => Some((stream?, *key)),
            DataOrigin::Elsewhere => None,
        };
        self.data_producers_of(key).iter().filter_map(stream)
    }

    /// The data consumers of a data producer, or of what stands for one.
    pub fn data_consumers_of(&self, key: DataProducerKey) -> &[DataConsumerKey] {
        self.data_sources.get(key).map(|source| &*source.consumers).unwrap_or_default()
    }

    /// Takes a message of a data producer: of the application, or from another shard. What is longer than the
    /// transport takes, and what comes while it is paused, goes no further.
    ///
    /// # Errors
    /// When the data producer is gone.
    pub fn send_data(
        &mut self,
        key: DataProducerKey,
        message: &DataMessage,
        out: &mut Outputs<S>,
    ) -> Result<(), Error> {
        let source = self.data_sources.get_mut(key).ok_or(Error::UnknownDataProducer)?;
        if let DataOrigin::Here { transport, .. } = source.origin {
            let limit =
                self.transports.get(transport).map_or(0, |transport| transport.max_receive_message_size());
            if u32::try_from(message.data.len()).is_ok_and(|len| len > limit) {
                return Ok(());
            }
        }
        source.count(message);
        if source.paused {
            return Ok(());
        }
        for feed in &source.feeds {
            let (shard, replica) = (feed.shard, feed.replica);
            out.push(Output::HandOverMessage { shard, replica, message: Box::new(message.clone()) });
        }
        for key in &source.consumers {
            let Some(consumer) = self.data_consumers.get_mut(*key).filter(|consumer| consumer.takes(message))
            else {
                continue;
            };
            consumer.count(message);
            let event = DataConsumerEvent::Message(Box::new(message.clone()));
            out.push(Output::Event(Event::DataConsumer(*key, event)));
        }
        Ok(())
    }

    /// Makes a data consumer.
    ///
    /// # Errors
    /// [`Error`], and then nothing has changed.
    pub fn consume_data(&mut self, key: DataConsumerKey, open: &DataConsumerOpen) -> Result<(), Error> {
        self.data_consumers.vacant(key).map_err(|why| Error::NoPlace { what: "data consumer", why })?;
        let transport = self.transports.get_mut(open.transport).ok_or(Error::UnknownTransport)?;
        let source = self.data_sources.get_mut(open.data_producer).ok_or(Error::UnknownDataProducer)?;
        if transport.is_direct() != open.stream.is_none() {
            return Err(Error::DataKind);
        }
        if let Some(stream) = open.stream.map(|stream| stream.stream_id) {
            let taken = |key: &DataConsumerKey| {
                self.data_consumers.get(*key).is_some_and(|known| known.stream_id() == Some(stream))
            };
            if transport.inside.data_consumers.iter().any(taken) {
                return Err(Error::StreamTaken(stream));
            }
        }
        let mut consumer = DataConsumer::new(open);
        consumer.threshold = transport.low_threshold();
        source.consumers.push(key);
        transport.inside.data_consumers.push(key);
        let placed = self.data_consumers.insert(key, consumer);
        placed.map_err(|why| Error::NoPlace { what: "data consumer", why })
    }

    /// Pauses or resumes a data consumer.
    ///
    /// # Errors
    /// When it is gone.
    pub fn turn_data_consumer(&mut self, key: DataConsumerKey, activity: Activity) -> Result<(), Error> {
        self.data_consumer_mut(key)?.set_paused(activity == Activity::Paused);
        Ok(())
    }

    /// Sends a message of the application's own. How much waits then.
    ///
    /// # Errors
    /// When it is gone, is on a direct transport, or sends nothing now.
    pub fn send_from_data_consumer(
        &mut self,
        key: DataConsumerKey,
        _message: &DataMessage,
    ) -> Result<u32, Error> {
        self.over_sctp(key, "send")?;
        // There is no association yet.
        Err(Error::InactiveDataConsumer)
    }

    /// Sets at or below how many waiting bytes an event says so.
    ///
    /// # Errors
    /// When it is gone or is on a direct transport.
    pub fn set_low_threshold(&mut self, key: DataConsumerKey, bytes: u32) -> Result<(), Error> {
        self.over_sctp(key, "set a threshold")?.threshold = bytes;
        Ok(())
    }

    /// How many bytes wait.
    ///
    /// # Errors
    /// When it is gone or is on a direct transport.
    pub fn buffered_amount(&mut self, key: DataConsumerKey) -> Result<u32, Error> {
        self.over_sctp(key, "buffer").map(|_| 0)
    }

    /// Sets the subchannels that it listens to.
    ///
    /// # Errors
    /// When it is gone.
    pub fn set_subchannels(&mut self, key: DataConsumerKey, subchannels: &[u16]) -> Result<(), Error> {
        self.data_consumer_mut(key)?.set_subchannels(subchannels);
        Ok(())
    }

    /// What a data producer counted.
    ///
    /// # Errors
    /// When it is gone.
    pub fn data_producer_counters(&self, key: DataProducerKey, now: Mono) -> Result<DataCounters, Error> {
        self.data_sources.get(key).map(|source| source.counters(now)).ok_or(Error::UnknownDataProducer)
    }

    /// What a data consumer counted.
    ///
    /// # Errors
    /// When it is gone.
    pub fn data_consumer_counters(&self, key: DataConsumerKey, now: Mono) -> Result<DataCounters, Error> {
        self.data_consumers.get(key).map(|consumer| consumer.counters(now)).ok_or(Error::UnknownDataConsumer)
    }

    /// Closes a data producer, or what stands for one, and its data consumers. The other shards that are to be told.
    ///
    /// # Errors
    /// When it is gone.
    pub fn close_data_producer(&mut self, key: DataProducerKey) -> Result<Vec<DataFeed>, Error> {
        self.data_sources.get(key).ok_or(Error::UnknownDataProducer)?;
        while let Some(consumer) = self.data_consumers_of(key).last().copied() {
            self.close_data_consumer(consumer)?;
        }
        let source = self.data_sources.remove(key).ok_or(Error::UnknownDataProducer)?;
        if let DataOrigin::Here { transport, .. } = source.origin
            && let Some(owner) = self.transports.get_mut(transport)
        {
            owner.inside.data_producers.retain(|other| *other != key);
        }
        Ok(source.feeds)
    }

    /// Closes a data consumer.
    ///
    /// # Errors
    /// When it is gone.
    pub fn close_data_consumer(&mut self, key: DataConsumerKey) -> Result<(), Error> {
        let consumer = self.data_consumers.remove(key).ok_or(Error::UnknownDataConsumer)?;
        if let Some(source) = self.data_sources.get_mut(consumer.source) {
            source.consumers.retain(|other| *other != key);
            give_back(&mut source.consumers, KEPT);
        }
        if let Some(owner) = self.transports.get_mut(consumer.transport) {
            owner.inside.data_consumers.retain(|other| *other != key);
            give_back(&mut owner.inside.data_consumers, KEPT);
        }
        Ok(())
    }

    fn data_consumer_mut(&mut self, key: DataConsumerKey) -> Result<&mut DataConsumer, Error> {
        self.data_consumers.get_mut(key).ok_or(Error::UnknownDataConsumer)
    }

    fn over_sctp(&mut self, key: DataConsumerKey, action: &'static str) -> Result<&mut DataConsumer, Error> {
        let consumer = self.data_consumer_mut(key)?;
        if consumer.is_direct() {
            return Err(Error::WrongKind { object: "data consumer on a direct transport", action });
        }
        Ok(consumer)
    }
}
