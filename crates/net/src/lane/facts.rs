//! Facts about entities (paused, closed, layers present, a key frame asked for) on their way to another
//! shard.
//!
//! Lives on the sending shard's thread, in front of a [`ring`](mod@super::ring) of facts; the receiving shard
//! simply empties that ring. Unlike packets, facts are never lost: one that finds the ring full waits here.
//!
//! Every fact waits here until [`FactSender::settle`] or [`FactSender::flush`], so that several of one entity in one tick
//! become one whether the ring is full or not.
//!
//! **Order.** Facts of one key arrive in the order in which they were set; one that was absorbed arrives at
//! the place of the older fact that absorbed it. So between keys a fact may arrive early, with an older one of its
//! own key, and never late.
//!
//! **Bound.** A key that always absorbs has at most one fact waiting; one that sometimes refuses has at most
//! [`Fact::DISTINCT`]. So at most `entities * DISTINCT` wait, however long the other shard stalls. An entity
//! counts until its last fact has left: an id is given away again only after everybody acknowledged its
//! close. Memory grows to what was needed and stays.
//!
//! It does not wake the other shard: when `flush` moved something, its caller does.

use core::fmt;
use core::hash::{BuildHasher, Hash};
use std::collections::VecDeque;

use hashbrown::HashMap;

use super::ring::Producer;

/// Something about one entity that another shard must learn, where a newer one may stand for an older.
pub trait Fact: Send + Sized {
    /// What it is about. Facts of one key keep their order.
    type Key: Copy + Eq + Hash + Send;

    /// Most facts of one key that wait one behind the other, because the newer ones were not absorbed.
    const DISTINCT: usize = 1;

    /// What it is about.
    fn key(&self) -> Self::Key;

    /// Takes in a newer fact of the same key, so that the receiver needs only the result.
    ///
    /// # Errors
    /// The newer fact, unchanged, when the receiver has to see both. `self` is unchanged then.
    fn absorb(&mut self, newer: Self) -> Result<(), Self>;
}

/// The sending end of the facts from one shard to one other.
pub struct FactSender<F: Fact, S> {
    producer: Producer<F>,
    /// In order of arrival.
    waiting: VecDeque<F>,
    /// How many have left `waiting` by its front, ever: the ticket of the fact that is there now.
    departed: u64,
    /// Ticket of the last waiting fact of each key that has one.
    last: HashMap<F::Key, u64, S>,
    bound: usize,
    counters: FactCounters,
}

impl<F: Fact, S: BuildHasher> FactSender<F, S> {
    /// In front of `producer`, for as many `entities` as the sending shard may have. The hasher is keyed by
    /// the caller, like that of every table.
    pub fn new(producer: Producer<F>, entities: usize, hasher: S) -> Self {
        Self {
            producer,
            waiting: VecDeque::new(),
            departed: 0,
            last: HashMap::with_hasher(hasher),
            bound: entities.saturating_mul(F::DISTINCT),
            counters: FactCounters::default(),
        }
    }

    /// Says something. It leaves with the next [`FactSender::flush`] that finds room for it.
    ///
    /// # Errors
    /// The fact, when as many wait as can wait at all: there are more entities, or more facts of one that do
    /// not absorb each other, than was promised. That is a mistake of the caller, which must not pass
    /// silently.
    pub fn set(&mut self, fact: F) -> Result<(), F> {
        let key = fact.key();
        let fact = match self.last_waiting(key) {
            None => fact,
            Some(older) => match older.absorb(fact) {
                Err(newer) => newer,
                Ok(()) => {
                    self.counters.coalesced += 1;
                    return Ok(());
                }
            },
        };
        if self.waiting.len() >= self.bound {
            self.counters.refused += 1;
            return Err(fact);
        }
        self.last.insert(key, self.departed + self.waiting.len() as u64);
        self.waiting.push_back(fact);
        self.counters.most_waiting = self.counters.most_waiting.max(self.waiting.len());
        Ok(())
    }

    /// Moves waiting facts to the ring while it has room and shows them to the other shard: once a tick, also
    /// when nothing was set. Returns how many went; if any, wake the other shard.
    pub fn flush(&mut self) -> usize {
        self.settle();
        self.producer.publish()
    }

    /// The first half of [`Self::flush`]: moves them and shows nothing yet. What is counted and waits is then as it will be.
    pub fn settle(&mut self) {
        while let Some(fact) = self.waiting.pop_front() {
            let key = fact.key();
            if let Err(fact) = self.producer.push(fact) {
                self.waiting.push_front(fact);
                break;
            }
            if self.last.get(&key) == Some(&self.departed) {
                self.last.remove(&key);
            }
            self.departed += 1;
            self.counters.sent += 1;
        }
    }

    /// Takes back all that waits: who said it is gone, and so is what it was about.
    pub fn withdraw(&mut self) {
        self.waiting.clear();
        self.last.clear();
    }

    /// How many wait for room or for the next flush.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Most that can wait.
    pub fn bound(&self) -> usize {
        self.bound
    }

    /// The ring behind it: its depth, and whether anybody is left to receive.
    pub fn ring(&self) -> &Producer<F> {
        &self.producer
    }

    /// What it did so far.
    pub fn counters(&self) -> &FactCounters {
        &self.counters
    }

    /// The newest waiting fact of this key.
    fn last_waiting(&mut self, key: F::Key) -> Option<&mut F> {
        let ticket = *self.last.get(&key)?;
        let place = usize::try_from(ticket - self.departed).ok()?;
        self.waiting.get_mut(place)
    }
}

impl<F: Fact, S> fmt::Debug for FactSender<F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("FactSender");
        f.field("waiting", &self.waiting.len()).field("counters", &self.counters).finish_non_exhaustive()
    }
}

/// Plain counters of one sender of facts; its thread writes them and publishes copies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FactCounters {
    /// Facts that went into the ring.
    pub sent: u64,
    /// Facts that an older one absorbed.
    pub coalesced: u64,
    /// Facts given back because the bound was reached. Anything but zero is a defect of the caller.
    pub refused: u64,
    /// Most that ever waited at a time.
    pub most_waiting: usize,
}

#[cfg(all(test, not(loom)))]
mod tests;
