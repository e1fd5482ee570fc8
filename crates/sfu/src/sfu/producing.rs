//! Commands to producers and to what stands for them, and the facts that keep both in step.

use core::time::Duration;

use model::command::{Epoch, ProducerOpen, ProducerReplica};
use model::key::{ConsumerKey, ProducerKey, ShardIndex};
use model::trace::{ProducerTraceEventType, TraceSet};

use super::Sfu;
use super::source::{Feed, Origin, Source};
use crate::Error;
use crate::consumer::Halt;
use crate::io::Outputs;
use crate::producer::{Activity, Producer};

impl<S: Copy> Sfu<S> {
    /// Makes a producer.
    ///
    /// # Errors
    /// [`Error`], and then nothing has changed.
    pub fn produce(&mut self, key: ProducerKey, open: &ProducerOpen) -> Result<(), Error> {
        let ProducerOpen { transport, kind, rtp_parameters: parameters, rtp_mapping: mapping, .. } = open;
        let owner = self.transports.get_mut(*transport).ok_or(Error::UnknownTransport)?;
        self.sources.vacant(key).map_err(|why| Error::NoPlace { what: "producer", why })?;
        let mut producer = Box::new(Producer::new(*kind, parameters, mapping)?);
        producer.delay_key_requests(Duration::from_millis(open.key_frame_request_delay_ms.into()));
        if open.adds_packet_id {
            producer.add_packet_ids();
        }
        if open.paused {
            producer.pause(self.now);
        }
        owner.inside.listener.add(key, parameters)?;
        owner.inside.receive_ids.update(parameters);
        owner.receiving.meet(parameters);
        owner.inside.producers.push(key);
        let source = Source::new(Origin::Here { transport: *transport, producer });
        self.sources.insert(key, source).map_err(|why| Error::NoPlace { what: "producer", why })
    }

    /// Makes what stands for a producer of another shard. It takes no packet before its first
    /// [`turn_replica`](Self::turn_replica).
    ///
    /// # Errors
    /// When the key cannot be used.
    pub fn open_replica(&mut self, key: ProducerKey, open: &ProducerReplica) -> Result<(), Error> {
        let placed = self.sources.insert(key, Source::replica(open));
        placed.map_err(|why| Error::NoPlace { what: "replica", why })
    }

    /// Applies what the producer's shard says: which epoch holds, and whether the producer is paused in it. What is
    /// older than what was said before changes nothing.
    ///
    /// # Errors
    /// When there is no such replica.
    pub fn turn_replica(
        &mut self,
        key: ProducerKey,
        epoch: Epoch,
        activity: Activity,
        out: &mut Outputs<S>,
    ) -> Result<(), Error> {
        let source = self.sources.get_mut(key).ok_or(Error::UnknownProducer)?;
        let Origin::Elsewhere(replica) = &mut source.origin else { return Err(Error::UnknownProducer) };
        for activity in replica.turn(epoch, activity) {
            self.turn_consumers(key, *activity, out);
        }
        Ok(())
    }

    /// Hands everything of a producer to what stands for it on another shard, from now on. That shard is to be told
    /// [`epoch`](Self::epoch) first; how its streams do comes as an output.
    ///
    /// # Errors
    /// When the producer is gone.
    pub fn open_feed(&mut self, key: ProducerKey, feed: Feed, out: &mut Outputs<S>) -> Result<(), Error> {
        let source = self.sources.get_mut(key).ok_or(Error::UnknownProducer)?;
        source.open_feed(feed);
        out.push(feed.scores(&source.scores()));
        Ok(())
    }

    /// Hands nothing more to that shard. What stood for the producer there, if anything did.
    pub fn close_feed(&mut self, key: ProducerKey, shard: ShardIndex) -> Option<Feed> {
        self.sources.get_mut(key)?.close_feed(shard)
    }

    /// Pauses a producer, for its consumers too. The epoch that begins thereby, if that is a change; its
    /// [`feeds`](Self::feeds) are to be told.
    ///
    /// # Errors
    /// When the producer is gone.
    pub fn pause_producer(&mut self, key: ProducerKey, out: &mut Outputs<S>) -> Result<Option<Epoch>, Error> {
        self.turn(key, Activity::Paused, out)
    }

    /// Resumes a producer, and asks it for key frames. The epoch that begins thereby, if that is a change; its
    /// [`feeds`](Self::feeds) are to be told.
    ///
    /// # Errors
    /// When the producer is gone.
    pub fn resume_producer(
        &mut self,
        key: ProducerKey,
        out: &mut Outputs<S>,
    ) -> Result<Option<Epoch>, Error> {
        self.turn(key, Activity::Running, out)
    }

    /// Says what is traced.
    ///
    /// # Errors
    /// When the producer is gone.
    pub fn trace_producer(
        &mut self,
        key: ProducerKey,
        trace: TraceSet<ProducerTraceEventType>,
    ) -> Result<(), Error> {
        self.local_mut(key)?.set_trace(trace);
        Ok(())
    }

    /// A producer of this shard.
    pub fn producer(&self, key: ProducerKey) -> Option<&Producer> {
        self.sources.get(key)?.producer()
    }

    /// The epoch that holds for a producer or for what stands for one, and whether it is paused in it.
    pub fn epoch(&self, key: ProducerKey) -> Option<(Epoch, Activity)> {
        let source = self.sources.get(key)?;
        Some((source.epoch()?, source.activity()))
    }

    /// The other shards that get a producer's packets.
    pub fn feeds(&self, key: ProducerKey) -> &[Feed] {
        self.sources.get(key).map(|source| &*source.feeds).unwrap_or_default()
    }

    /// The consumers of a producer, or of what stands for one.
    pub fn consumers_of(&self, key: ProducerKey) -> &[ConsumerKey] {
        self.sources.get(key).map(|source| &*source.consumers).unwrap_or_default()
    }

    pub(super) fn local_mut(&mut self, key: ProducerKey) -> Result<&mut Producer, Error> {
        match self.sources.get_mut(key).map(|source| &mut source.origin) {
            Some(Origin::Here { producer, .. }) => Ok(producer),
            _ => Err(Error::UnknownProducer),
        }
    }

    fn turn(
        &mut self,
        key: ProducerKey,
        activity: Activity,
        out: &mut Outputs<S>,
    ) -> Result<Option<Epoch>, Error> {
        let now = self.now;
        let producer = self.local_mut(key)?;
        let changed = match activity {
            Activity::Paused => producer.pause(now),
            Activity::Running => producer.resume(now),
        };
        let (epoch, encodings) = (producer.epoch(), producer.encodings());
        if !changed {
            return Ok(None);
        }
        self.turn_consumers(key, activity, out);
        if activity == Activity::Running {
            (0..encodings).for_each(|encoding| self.ask(key, encoding, out));
            if let Some(Origin::Here { transport, .. }) = self.sources.get(key).map(|source| &source.origin) {
                self.watch(*transport, key, out);
            }
        }
        Ok(Some(epoch))
    }

    fn turn_consumers(&mut self, key: ProducerKey, activity: Activity, out: &mut Outputs<S>) {
        self.drop_held(key);
        for at in 0..self.consumers_of(key).len() {
            let Some(consumer) = self.consumers_of(key).get(at).copied() else { continue };
            match activity {
                Activity::Paused => self.halt(consumer, Halt::ProducerPaused, out),
                Activity::Running => self.lift(consumer, Halt::ProducerPaused, out),
            }
        }
    }
}
