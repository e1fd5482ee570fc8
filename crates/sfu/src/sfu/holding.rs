//! Packets that are held for a key frame: where its first packet comes late, those after it have come and are not lost.
//!
//! Held at the source, once for all consumers that wait, and by reference: up to [`HELD_PER_ENCODING`] packets of each
//! encoding, the newest, for twice [`PATIENCE`] at most, and [`HELD_LIMIT`] in all; none while room is short. Who waits
//! for nothing holds nothing. When a consumer begins with a key frame, what is held behind it is offered to all, who know
//! what they sent before; what lies before it is let go.

use std::collections::{BTreeMap, VecDeque};

use core::time::Duration;

use model::key::ProducerKey;
use wire::Mono;
use wire::rtp::View;

use super::Sfu;
use crate::io::{Io, Packets};
use crate::packet::{Packet, Stamp};

/// See the module. `S` names a slot.
#[derive(Debug)]
pub(super) struct Holding<S> {
    sources: BTreeMap<ProducerKey, Held<S>>,
    /// When each source is looked at.
    due: VecDeque<(Mono, ProducerKey)>,
    /// Packets held in all.
    count: usize,
}

/// What one source holds.
#[derive(Debug)]
struct Held<S> {
    packets: Vec<(Stamp, S)>,
    /// When the last of them came.
    at: Mono,
    /// When it is looked at; what else is said of it is out of date.
    due: Mono,
}

impl<S: Copy> Sfu<S> {
    /// Holds a packet that a consumer could not begin with, and asks for one with which it can.
    pub(super) fn hold<P>(&mut self, key: ProducerKey, stamp: &Stamp, slot: S, io: &mut Io<'_, P>)
    where
        P: Packets<Slot = S>,
    {
        self.ask(key, stamp.packet.encoding, io.out);
        if self.holding.count < HELD_LIMIT && !io.packets.is_short() && io.packets.retain(slot) {
            let evicted = self.holding.push(io.now, key, stamp, slot);
            evicted.into_iter().for_each(|slot| io.packets.release(slot));
        }
    }

    /// A consumer begins with that packet: offers what is held behind it, in order.
    pub(super) fn offer_held<P>(&mut self, key: ProducerKey, first: &Packet, io: &mut Io<'_, P>)
    where
        P: Packets<Slot = S>,
    {
        while let Some((stamp, slot)) = self.holding.take_lowest(key, first.encoding) {
            let follows = stamp.packet.run == first.run && stamp.packet.sequence > first.sequence;
            let view = io.packets.bytes(slot).and_then(|bytes| View::new(bytes, stamp.layout));
            let offered = view
                .filter(|_| follows)
                .map(|view| self.offer_all(io.now, key, (&stamp, slot, &view), io.out));
            match offered.map(|offered| offered.queued) {
                Some(Ok(())) => self.stored.keep(io.now, key, (&stamp, slot), io.packets),
                Some(Err(_)) | None => io.packets.release(slot),
            }
        }
    }

    /// A source ends or is interrupted: what it holds is of no use. The slots are let go with the next flush.
    pub(super) fn drop_held(&mut self, key: ProducerKey) {
        for slot in self.holding.take(key) {
            self.tick.give_back(slot);
        }
    }

    /// Lets go what was held too long.
    pub(super) fn drop_stale(&mut self) {
        while let Some(key) = self.holding.stale(self.now) {
            self.drop_held(key);
        }
    }
}

impl<S: Copy> Holding<S> {
    pub(super) const fn new() -> Self {
        Self { sources: BTreeMap::new(), due: VecDeque::new(), count: 0 }
    }

    /// When something is to be looked at.
    pub(super) fn next_due(&self) -> Option<Mono> {
        self.due.front().map(|(at, _)| *at).filter(|_| !self.is_empty())
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Takes up a packet. What has to make room for it.
    fn push(&mut self, now: Mono, key: ProducerKey, stamp: &Stamp, slot: S) -> Option<S> {
        let held = self.sources.entry(key).or_insert_with(|| {
            self.due.push_back((now + PATIENCE, key));
            Held { packets: Vec::new(), at: now, due: now + PATIENCE }
        });
        held.at = now;
        let same = |(held, _): &&(Stamp, S)| held.packet.encoding == stamp.packet.encoding;
        let evicted = if held.packets.iter().filter(same).count() < HELD_PER_ENCODING {
            self.count = self.count.saturating_add(1);
            None
        } else {
            let oldest = held.packets.iter().position(|held| same(&held))?;
            Some(held.packets.remove(oldest).1)
        };
        held.packets.push((*stamp, slot));
        evicted
    }

    /// The packet of an encoding with the lowest number, of the oldest run.
    fn take_lowest(&mut self, key: ProducerKey, encoding: usize) -> Option<(Stamp, S)> {
        if self.is_empty() {
            return None;
        }
        let held = self.sources.get_mut(&key)?;
        let candidates = held.packets.iter().enumerate();
        let of_encoding = candidates.filter(|(_, (stamp, _))| stamp.packet.encoding == encoding);
        let (at, _) = of_encoding.min_by_key(|(_, (stamp, _))| (stamp.packet.run, stamp.packet.sequence))?;
        self.count = self.count.saturating_sub(1);
        Some(held.packets.swap_remove(at))
    }

    fn take(&mut self, key: ProducerKey) -> impl Iterator<Item = S> + use<S> {
        let packets = self.sources.remove(&key).map(|held| held.packets).unwrap_or_default();
        self.count = self.count.saturating_sub(packets.len());
        packets.into_iter().map(|(_, slot)| slot)
    }

    /// A source of which nothing came for long.
    fn stale(&mut self, now: Mono) -> Option<ProducerKey> {
        while let Some((at, key)) = self.due.front().copied().filter(|(at, _)| *at <= now) {
            self.due.pop_front();
            let Some(held) = self.sources.get_mut(&key).filter(|held| held.due == at) else { continue };
            held.due = held.at + PATIENCE;
            if held.due <= now {
                return Some(key);
            }
            self.due.push_back((held.due, key));
        }
        None
    }
}

/// As many as the protocol holds: some hundred milliseconds of a usual stream.
const HELD_PER_ENCODING: usize = 30;
/// As many as a tick holds, on a shard with hundreds of sources without key frames. More are not held.
const HELD_LIMIT: usize = super::tick::PACKETS_LIMIT;
/// Longer than it takes to have a lost packet repaired.
const PATIENCE: Duration = Duration::from_millis(500);
