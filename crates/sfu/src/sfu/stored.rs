//! The packets that consumers of this shard may ask for again: one store for each encoding of a source, also of one that
//! stands for a producer of another shard, and one order of all of them, in which the oldest goes first when there are
//! too many.
//!
//! A store is there as long as a consumer that may ask is. Each packet in it holds one reference, which goes back when
//! the packet leaves.

use std::collections::VecDeque;

use model::key::ProducerKey;
use model::rtp::MediaKind;
use streams::send::{At, Keeping, Origin, Store};
use wire::Mono;

use crate::io::Packets;
use crate::packet::Stamp;
use crate::slots::Slots;

/// See the module.
#[derive(Debug)]
pub(super) struct Stored<S> {
    shelves: Slots<ProducerKey, Shelf<S>>,
    /// Everything that was put in within the longest time that anything is kept. What has left by then is found gone.
    order: VecDeque<Place>,
    limit: usize,
    held: usize,
}

#[derive(Debug)]
struct Shelf<S> {
    /// Consumers that may ask.
    takers: usize,
    keeping: Keeping,
    /// By encoding, as far as packets came.
    stores: Vec<Store<S, Stamp>>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    received: Mono,
    producer: ProducerKey,
    encoding: usize,
    at: At,
}

impl<S: Copy> Stored<S> {
    /// At most `limit` packets, of as many sources as there may be.
    pub(super) const fn new(sources: usize, limit: usize) -> Self {
        Self { shelves: Slots::new(sources), order: VecDeque::new(), limit, held: 0 }
    }

    /// A consumer that may ask for packets of that source again has come.
    pub(super) fn open(&mut self, producer: ProducerKey, kind: MediaKind) {
        if let Some(shelf) = self.shelves.get_mut(producer) {
            shelf.takers = shelf.takers.saturating_add(1);
            return;
        }
        let keeping = match kind {
            MediaKind::Audio => Keeping::Audio,
            MediaKind::Video => Keeping::Video,
        };
        // There is a place wherever there is one for the source.
        let _ = self.shelves.insert(producer, Shelf { takers: 1, keeping, stores: Vec::new() });
    }

    /// It is gone. What nobody may ask for any more goes through `left`.
    pub(super) fn close(&mut self, producer: ProducerKey, left: &mut dyn FnMut(S)) {
        let Some(shelf) = self.shelves.get_mut(producer) else { return };
        shelf.takers = shelf.takers.saturating_sub(1);
        if shelf.takers == 0
            && let Some(mut shelf) = self.shelves.remove(producer)
        {
            for store in &mut shelf.stores {
                self.held = self.held.saturating_sub(store.len());
                store.clear(left);
            }
        }
    }

    /// Keeps a packet that somebody gets, if somebody may ask for it again.
    #[inline]
    pub(super) fn keep<P>(
        &mut self,
        now: Mono,
        producer: ProducerKey,
        (stamp, slot): (&Stamp, S),
        packets: &mut P,
    ) where
        P: Packets<Slot = S>,
    {
        let Some(shelf) = self.shelves.get_mut(producer) else { return };
        let encoding = stamp.packet.encoding;
        let at = At { run: stamp.packet.run, sequence: stamp.packet.sequence };
        let Some(store) = shelf.store(encoding) else { return };
        if !packets.retain(slot) {
            return;
        }
        let before = store.len();
        let kept = store.insert(now, at, (slot, *stamp), &mut |left| packets.release(left));
        self.held = self.held.saturating_add(store.len()).saturating_sub(before);
        if kept.is_err() {
            packets.release(slot);
            return;
        }
        self.order.push_back(Place { received: now, producer, encoding, at });
        while self.order.len() > self.limit {
            self.drop_oldest(packets);
        }
        if packets.is_short() {
            // For itself, and towards an end of the shortage.
            self.let_go(2, packets);
        }
    }

    /// A packet, and what was said of it.
    pub(super) fn find(&self, producer: ProducerKey, origin: Origin) -> Option<(S, Stamp)> {
        let store = self.shelves.get(producer)?.stores.get(usize::from(origin.encoding))?;
        store.get(origin.run, origin.sequence).map(|kept| (kept.slot, kept.about))
    }

    /// Lets go what nobody plays any more, also of sources from which nothing comes; and some of the rest while memory is
    /// short, here or where packets were borrowed from.
    pub(super) fn expire<P>(&mut self, now: Mono, packets: &mut P)
    where
        P: Packets<Slot = S>,
    {
        let longest = Keeping::Video.duration();
        while self.order.front().is_some_and(|oldest| now.since(oldest.received) >= longest) {
            self.drop_oldest(packets);
        }
        if packets.is_short() {
            self.relieve(packets);
        }
    }

    /// When the oldest is of no use to anybody.
    pub(super) fn next_due(&self) -> Option<Mono> {
        let oldest = self.order.front().filter(|_| self.held > 0)?;
        Some(oldest.received + Keeping::Video.duration())
    }

    /// There is no slot for what comes: the oldest of what is kept make room.
    #[cold]
    pub(super) fn relieve<P>(&mut self, packets: &mut P)
    where
        P: Packets<Slot = S>,
    {
        self.let_go(RELIEF, packets);
    }

    /// Lets go so many, if there are so many.
    fn let_go<P>(&mut self, count: usize, packets: &mut P)
    where
        P: Packets<Slot = S>,
    {
        let left = self.held.saturating_sub(count);
        while self.held > left && !self.order.is_empty() {
            self.drop_oldest(packets);
        }
    }

    /// Packets that are held.
    pub(super) const fn held(&self) -> usize {
        self.held
    }

    fn drop_oldest<P>(&mut self, packets: &mut P)
    where
        P: Packets<Slot = S>,
    {
        let Some(Place { producer, encoding, at, .. }) = self.order.pop_front() else { return };
        let store = self.shelves.get_mut(producer).and_then(|shelf| shelf.stores.get_mut(encoding));
        if let Some(slot) = store.and_then(|store| store.remove(at)) {
            self.held = self.held.saturating_sub(1);
            packets.release(slot);
        }
    }
}

impl<S: Copy> Shelf<S> {
    #[inline]
    fn store(&mut self, encoding: usize) -> Option<&mut Store<S, Stamp>> {
        if encoding >= self.stores.len() && encoding < crate::producer::ENCODINGS_LIMIT {
            let keeping = self.keeping;
            self.stores.resize_with(encoding.saturating_add(1), || Store::new(keeping));
        }
        self.stores.get_mut(encoding)
    }
}

/// What makes room at a time: about what comes in a tick of a busy shard.
const RELIEF: usize = 64;
