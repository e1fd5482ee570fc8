//! Closing: what goes with what. The tables are in docs/closures.md; whom to tell is control's business.

use model::command::Epoch;
use model::key::{ConsumerKey, ProducerKey, TransportKey};
use wire::Ssrc;

use super::source::{Feed, Origin};
use super::{Consuming, Sfu};
use crate::Error;
use crate::slots::{KEPT, give_back};
use crate::transport::Transport;

/// What a producer that was closed leaves to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The other shards that are to be told.
    pub feeds: Vec<Feed>,
    /// The epoch that its end begins.
    pub epoch: Epoch,
}

/// Whether a long close has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// It is gone.
    Done,
    /// Something is left in it: call again in the next tick.
    More,
}

impl<S: Copy> Sfu<S> {
    /// Closes a consumer.
    ///
    /// # Errors
    /// When it is gone.
    pub fn close_consumer(&mut self, key: ConsumerKey) -> Result<(), Error> {
        let Consuming { consumer, producer, transport, at_producer, at_transport } =
            self.consumers.remove(key).ok_or(Error::UnknownConsumer)?;
        if consumer.may_ask() {
            self.stored.close(producer, &mut |slot| self.tick.give_back(slot));
        }
        if let Some(source) = self.sources.get_mut(producer) {
            source.consumers.swap_remove(at_producer);
            give_back(&mut source.consumers, KEPT);
            let moved = source.consumers.get(at_producer).and_then(|moved| self.consumers.get_mut(*moved));
            if let Some(moved) = moved {
                moved.at_producer = at_producer;
            }
        }
        if let Some(owner) = self.transports.get_mut(transport) {
            owner.inside.consumers.swap_remove(at_transport);
            give_back(&mut owner.inside.consumers, KEPT);
            let moved =
                owner.inside.consumers.get(at_transport).and_then(|moved| self.consumers.get_mut(*moved));
            if let Some(moved) = moved {
                moved.at_transport = at_transport;
            }
            if !owner.queue.is_empty() {
                let Transport { queue, senders, .. } = owner;
                queue.retain(|queued| {
                    let keeps = senders.get(queued.sender).is_some_and(|sender| sender.consumer != key);
                    if !keeps {
                        self.tick.drop_copy(queued.packet);
                    }
                    keeps
                });
            }
            consumer.senders().for_each(|sender| owner.end(sender));
        }
        Ok(())
    }

    /// Closes a producer, or what stands for one, and its consumers. What is left to be done.
    ///
    /// # Errors
    /// When it is gone.
    pub fn close_producer(&mut self, key: ProducerKey) -> Result<Closed, Error> {
        self.sources.get(key).ok_or(Error::UnknownProducer)?;
        while let Some(consumer) = self.consumers_of(key).last().copied() {
            self.close_consumer(consumer)?;
        }
        self.drop_held(key);
        let source = self.sources.remove(key).ok_or(Error::UnknownProducer)?;
        let epoch = source.epoch().unwrap_or_default().next();
        if let Origin::Here { transport, .. } = source.origin
            && let Some(owner) = self.transports.get_mut(transport)
        {
            owner.inside.producers.retain(|other| *other != key);
            let ssrcs: Vec<Ssrc> = owner
                .inside
                .listener
                .ssrcs()
                .filter(|(_, producer)| *producer == key)
                .map(|(ssrc, _)| ssrc)
                .collect();
            owner.forget(&ssrcs);
            owner.inside.listener.remove(key);
        }
        Ok(Closed { feeds: source.feeds, epoch })
    }

    /// Closes a transport with at most `limit` of the objects in it, inside out. Producers with feeds are better closed
    /// one by one before: their feeds are forgotten here.
    ///
    /// # Errors
    /// When it is gone.
    pub fn close_transport(&mut self, key: TransportKey, limit: usize) -> Result<Closing, Error> {
        let Self { transports, tick, waiting, .. } = self;
        let transport = transports.get_mut(key).ok_or(Error::UnknownTransport)?;
        *waiting = waiting.saturating_sub(transport.waiting());
        // Nothing more leaves, so that no consumer's close has to look for its copies.
        transport.give_up().for_each(|queued| tick.drop_copy(queued.packet));
        for _ in 0..limit {
            if !self.close_one(key)? {
                self.remove_transport(key);
                return Ok(Closing::Done);
            }
        }
        let is_empty = self.transports.get(key).is_none_or(Transport::is_empty);
        if is_empty {
            self.remove_transport(key);
            return Ok(Closing::Done);
        }
        Ok(Closing::More)
    }

    fn remove_transport(&mut self, key: TransportKey) {
        let Some(mut removed) = self.transports.remove(key) else { return };
        self.waiting = self.waiting.saturating_sub(removed.waiting());
        let Some(web_rtc) = removed.web_rtc_mut() else { return };
        if web_rtc.is_in_line {
            self.handshakes.retain(|waits| *waits != key);
        }
        if let Some(origin) = web_rtc.half_open.take() {
            self.half_open.release(origin);
        }
    }

    /// Closes one of the objects in a transport; of a producer with consumers, one of those. Whether there was any.
    fn close_one(&mut self, key: TransportKey) -> Result<bool, Error> {
        let Some(transport) = self.transports.get(key) else { return Ok(false) };
        if let Some(consumer) = transport.inside.consumers.last() {
            self.close_consumer(*consumer)?;
        } else if let Some(data_consumer) = transport.inside.data_consumers.last() {
            self.close_data_consumer(*data_consumer)?;
        } else if let Some(producer) = transport.inside.producers.last().copied() {
            match self.consumers_of(producer).last().copied() {
                Some(consumer) => self.close_consumer(consumer)?,
                None => self.close_producer(producer).map(drop)?,
            }
        } else if let Some(data_producer) = transport.inside.data_producers.last().copied() {
            match self.data_consumers_of(data_producer).last().copied() {
                Some(data_consumer) => self.close_data_consumer(data_consumer)?,
                None => self.close_data_producer(data_producer).map(drop)?,
            }
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}
