//! What producers and consumers say about themselves.

use model::dump::RtpStreamDump;
use model::event::{ConsumerEvent, Event};
use model::key::{ConsumerKey, ProducerKey, ShardIndex};
use model::reply::{ConsumerOpened, ConsumerReport};
use model::score::{ConsumerScore, ConsumerType};
use model::stats::RtpStreamStats;
use streams::score::BEST;
use wire::Mono;

use super::source::{Origin, Source};
use super::{Consuming, Sfu};
use crate::Error;
use crate::consumer::Consumer;
use crate::io::{Output, Outputs};

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
        let round_trip = self.round_trip_of(key);
        self.producer(key).map(|producer| producer.stats(now, round_trip)).ok_or(Error::UnknownProducer)
    }

    /// What is known of a consumer from its first moment.
    ///
    /// # Errors
    /// When it is gone.
    pub fn consumer_opened(&self, key: ConsumerKey) -> Result<ConsumerOpened, Error> {
        let entry = self.consumers.get(key).ok_or(Error::UnknownConsumer)?;
        let producer_scores = self.sources.get(entry.producer).map(Source::scores).unwrap_or_default();
        let score = score_of(&entry.consumer, self.own_score(entry), producer_scores);
        Ok(ConsumerOpened { score, preferred_layers: entry.consumer.preferred_layers() })
    }

    /// A stream of a producer appeared: tells its user and those of its consumers. Pipes have no score of interest.
    pub(super) fn tell_scores(&self, key: ProducerKey, out: &mut Outputs<S>) {
        let Some(source) = self.sources.get(key) else { return };
        if let Some(producer) = source.producer() {
            out.push(Output::Event(Event::Producer(key, producer.scores())));
        }
        let scores = source.scores();
        for feed in &source.feeds {
            out.push(feed.scores(&scores));
        }
        for key in &source.consumers {
            let Some(entry) = self.consumers.get(*key) else { continue };
            if entry.consumer.consumer_type() != ConsumerType::Pipe {
                let own = self.own_score(entry);
                let score = ConsumerEvent::Score(score_of(&entry.consumer, own, scores.clone()));
                out.push(Output::Event(Event::Consumer(*key, score)));
            }
        }
    }

    /// Takes over how the streams of a producer of another shard do, and tells its consumers here.
    ///
    /// # Errors
    /// When there is no such replica.
    pub fn set_replica_scores(
        &mut self,
        key: ProducerKey,
        scores: &[u8],
        out: &mut Outputs<S>,
    ) -> Result<(), Error> {
        let source = self.sources.get_mut(key).ok_or(Error::UnknownProducer)?;
        let Origin::Elsewhere(replica) = &mut source.origin else { return Err(Error::UnknownProducer) };
        if replica.set_scores(scores) {
            self.tell_scores(key, out);
        }
        Ok(())
    }

    /// Takes note of the worst loss among a producer's consumers on another shard, of 256. For a producer that is gone it
    /// means nothing.
    pub fn set_remote_loss(&mut self, key: ProducerKey, from: ShardIndex, fraction: u8) {
        let now = self.now;
        if let Some(source) = self.sources.get_mut(key) {
            source.set_remote_loss(now, from, fraction);
        }
    }

    /// Streams and layers of a consumer.
    ///
    /// # Errors
    /// When it is gone.
    pub fn consumer_report(&self, key: ConsumerKey) -> Result<ConsumerReport, Error> {
        let entry = self.consumers.get(key).ok_or(Error::UnknownConsumer)?;
        let owner = self.transports.get(entry.transport).ok_or(Error::UnknownTransport)?;
        let senders = entry.consumer.senders().filter_map(|sender| owner.senders.get(sender));
        Ok(entry.consumer.report(senders))
    }

    /// How the stream of a consumer does, as its peer sees it.
    pub(super) fn own_score(&self, entry: &Consuming) -> u8 {
        let owner = self.transports.get(entry.transport);
        let sender = owner.zip(entry.consumer.senders().next());
        let sender = sender.and_then(|(owner, sender)| owner.senders.get(sender));
        sender.map_or(BEST, |sender| sender.reception.score())
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
            let round_trip = self.round_trip_of(entry.producer);
            let source = self.producer(entry.producer).zip(current);
            stats.extend(source.and_then(|(source, current)| source.stats_of(current, now, round_trip)));
        }
        Ok(stats)
    }
}

/// How a consumer does whose own stream has that score.
pub(super) fn score_of(consumer: &Consumer, own: u8, producer_scores: Vec<u8>) -> ConsumerScore {
    let producer_score = match consumer.consumer_type() {
        ConsumerType::Pipe => BEST,
        // Of what it will send, until it sends.
        _ => {
            let encoding = consumer.current().unwrap_or_else(|| consumer.encodings().start);
            producer_scores.get(encoding).copied().unwrap_or_default()
        }
    };
    // Pipes have no score of interest.
    let score = if consumer.consumer_type() == ConsumerType::Pipe { BEST } else { own };
    ConsumerScore { score, producer_score, producer_scores }
}
