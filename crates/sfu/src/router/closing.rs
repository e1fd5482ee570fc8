//! Closing: who is told, and what goes with it. The tables are in docs/closures.md.

use super::{Consuming, Router, Told, Transport};
use crate::slots::{ConsumerKey, ProducerKey, TransportKey};

impl<P: Copy> Router<P> {
    /// Closes a consumer; nobody is told. Whether it was there.
    pub fn close_consumer(&mut self, consumer: ConsumerKey) -> bool {
        let Some(entry) = self.consumers.remove(consumer) else { return false };
        let Consuming { producer, transport, at_producer, at_transport, .. } = entry;
        if let Some(source) = self.producers.get_mut(producer) {
            source.consumers.swap_remove(at_producer);
            let moved = source.consumers.get(at_producer).and_then(|moved| self.consumers.get_mut(*moved));
            if let Some(moved) = moved {
                moved.at_producer = at_producer;
            }
        }
        if let Some(owner) = self.transports.get_mut(transport) {
            owner.consumers.swap_remove(at_transport);
            let moved = owner.consumers.get(at_transport).and_then(|moved| self.consumers.get_mut(*moved));
            if let Some(moved) = moved {
                moved.at_transport = at_transport;
            }
            let before = owner.queue.len();
            owner.queue.retain(|queued| queued.consumer != consumer);
            let dropped = before.saturating_sub(owner.queue.len());
            self.tick.queued = self.tick.queued.saturating_sub(dropped);
            if dropped > 0 && owner.queue.is_empty() {
                self.dirty.retain(|dirty| *dirty != transport);
            }
        }
        true
    }

    /// Closes a producer and its consumers, who are told. Whether it was there.
    pub fn close_producer(&mut self, producer: ProducerKey, told: &mut Vec<Told>) -> bool {
        let Some(transport) = self.producers.get(producer).map(|entry| entry.transport) else { return false };
        while let Some(consumer) = self.consumers_of(producer).last().copied() {
            told.push(Told::ProducerClosed(consumer));
            self.close_consumer(consumer);
        }
        self.producers.remove(producer);
        if let Some(owner) = self.transports.get_mut(transport) {
            owner.producers.retain(|other| *other != producer);
            owner.listener.remove(producer);
        }
        true
    }

    /// Closes a transport, its producers and its consumers. Consumers of its producers are told. Whether it was
    /// there.
    pub fn close_transport(&mut self, transport: TransportKey, told: &mut Vec<Told>) -> bool {
        if self.transports.get(transport).is_none() {
            return false;
        }
        let last = |transport: &Transport| transport.producers.last().copied();
        while let Some(producer) = self.transports.get(transport).and_then(last) {
            self.close_producer(producer, told);
        }
        let last = |transport: &Transport| transport.consumers.last().copied();
        while let Some(consumer) = self.transports.get(transport).and_then(last) {
            self.close_consumer(consumer);
        }
        self.transports.remove(transport);
        self.dirty.retain(|dirty| *dirty != transport);
        true
    }
}
