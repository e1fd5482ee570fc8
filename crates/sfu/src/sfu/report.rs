//! What producers and consumers say about themselves.

use model::dump::RtpStreamDump;
use model::key::{ConsumerKey, ProducerKey};
use model::reply::{ConsumerOpened, ConsumerReport};
use model::score::{ConsumerScore, ConsumerType};
use model::stats::RtpStreamStats;
use wire::Mono;

use super::Sfu;
use super::source::Source;
use crate::Error;
use crate::producer::BEST_SCORE;

impl<S: Copy> Sfu<S> {
    /// The streams of a producer that were seen.
    ///
    /// # Errors
    /// When it is gone.
    pub fn producer_streams(&self, key: ProducerKey) -> Result<Vec<RtpStreamDump>, Error> {
        self.producer(key).map(|producer| producer.streams()).ok_or(Error::UnknownProducer)
    }

    /// What they counted.
    ///
    /// # Errors
    /// When it is gone.
    pub fn producer_stats(&self, key: ProducerKey, now: Mono) -> Result<Vec<RtpStreamStats>, Error> {
        self.producer(key).map(|producer| producer.stats(now)).ok_or(Error::UnknownProducer)
    }

    /// What is known of a consumer from its first moment.
    ///
    /// # Errors
    /// When it is gone.
    pub fn consumer_opened(&self, key: ConsumerKey) -> Result<ConsumerOpened, Error> {
        let entry = self.consumers.get(key).ok_or(Error::UnknownConsumer)?;
        let producer_scores = self.sources.get(entry.producer).map(Source::scores).unwrap_or_default();
        let consumer = &entry.consumer;
        let producer_score = match consumer.consumer_type() {
            ConsumerType::Pipe => BEST_SCORE,
            // What it will send, until it sends.
            _ => producer_scores
                .get(consumer.current().unwrap_or_else(|| consumer.encodings().start))
                .copied()
                .unwrap_or_default(),
        };
        let score = ConsumerScore { score: BEST_SCORE, producer_score, producer_scores };
        Ok(ConsumerOpened { score, preferred_layers: consumer.preferred_layers() })
    }

    /// Streams and layers of a consumer.
    ///
    /// # Errors
    /// When it is gone.
    pub fn consumer_report(&self, key: ConsumerKey) -> Result<ConsumerReport, Error> {
        self.consumer(key).map(|consumer| consumer.report()).ok_or(Error::UnknownConsumer)
    }

    /// What a consumer's streams counted, and after them the stream of its producer that it sends, if that is of this
    /// shard.
    ///
    /// # Errors
    /// When it is gone.
    pub fn consumer_stats(&self, key: ConsumerKey, now: Mono) -> Result<Vec<RtpStreamStats>, Error> {
        let entry = self.consumers.get(key).ok_or(Error::UnknownConsumer)?;
        let owner = self.transports.get(entry.transport).ok_or(Error::UnknownTransport)?;
        let own = entry.consumer.senders().filter_map(|sender| {
            let sender = owner.senders.get(sender)?;
            entry.consumer.stats_of(sender, sender.kind, now)
        });
        let mut stats: Vec<_> = own.collect();
        if entry.consumer.consumer_type() != ConsumerType::Pipe {
            let current = entry.consumer.current();
            let source = self.producer(entry.producer);
            stats.extend(source.zip(current).and_then(|(source, current)| source.stats_of(current, now)));
        }
        Ok(stats)
    }
}
