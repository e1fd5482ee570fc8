//! What the shard itself does with a context: from its making through each tick, after a panic, to the end.
//!
//! None of this is an engine's to call.

use core::time::Duration;
use std::collections::VecDeque;

use net::{Loan, LoanReader, Pool, SocketKey};
use wire::Mono;

use super::Context;
use crate::config::ShardConfig;
use crate::control::Outbox;
use crate::counters::Totals;
use crate::demux::{Demux, Tuple};
use crate::dirty::Dirty;
use crate::engine::{Engine, Leaving};
use crate::epochs::Epochs;
use crate::key::{ShardId, TransportKey};
use crate::mesh::{HandOver, Inbound, Outbound};
use crate::payload::{Borrowed, Payload};
use crate::shard_core::PORTION;
use crate::timers::Timers;

impl<E: Engine> Context<E> {
    pub(crate) fn new(config: &ShardConfig, pool: Pool, outbox: Outbox<E::Reply, E::Event>) -> Self {
        let capacity = config.capacity;
        Self {
            now: Mono::ZERO,
            shard: config.shard,
            pool,
            demux: Demux::new(config.hash_key, capacity.transports, capacity.tuples),
            timers: Timers::with_capacity(capacity.timers),
            dirty: Dirty::with_capacity(capacity.transports),
            orphans: Vec::new(),
            newcomers: VecDeque::new(),
            borrowed: Borrowed::with_capacity(capacity.borrowed),
            epochs: Epochs::new(capacity.streams),
            outbox,
            outbound: Vec::new(),
            totals: Totals::default(),
            shows_counters: true,
            blocked: false,
            hurried: false,
            wakes_by: Mono::NEVER,
            short: false,
            look_at_pool: Mono::ZERO,
        }
    }

    pub(crate) fn begin(&mut self, now: Mono) {
        self.now = now;
        self.blocked = false;
        self.hurried = false;
        self.wakes_by = Mono::NEVER;
        let mut outbound = self.outbound.iter().flatten();
        self.short = self.pool.is_short()
            || self.borrowed.left() < 2 * PORTION
            || outbound.any(|outbound| outbound.reader.is_short());
    }

    /// The next socket that a transport had a tuple on which is closed.
    pub(crate) fn next_orphan(&mut self) -> Option<SocketKey> {
        self.orphans.pop()
    }

    /// The next connection that came from another shard, and whose it is.
    pub(crate) fn next_newcomer(&mut self) -> Option<(SocketKey, Leaving)> {
        self.newcomers.pop_front()
    }

    /// Whether some are left for the next tick.
    pub(crate) fn has_newcomers(&self) -> bool {
        !self.newcomers.is_empty()
    }

    /// No transport had a TCP connection, and there is nobody who could take one over.
    pub(crate) fn forget_orphans(&mut self) {
        self.orphans.clear();
        self.newcomers.clear();
    }

    /// Whose tuple it is.
    pub(crate) fn holder(&self, tuple: &Tuple) -> Option<TransportKey> {
        self.demux.find(tuple)
    }

    /// A connection was accepted.
    pub(crate) fn inherit(&mut self, connection: SocketKey, listener: SocketKey) {
        self.demux.inherit(connection, listener);
    }

    /// Prepares packet memory for the next tick, after this one has done everything that somebody waits for.
    #[inline]
    pub(crate) fn tend_pool(&mut self) {
        self.pool.grow();
        if self.now >= self.look_at_pool {
            self.look_at_pool = self.now + LOOK_INTERVAL;
            if self.pool.has_grown() {
                self.pool.shrink();
            }
        }
    }

    /// When the next tick is due, though there may be nothing else to do: for a timer, the pool, or what the engine keeps.
    pub(crate) fn next_deadline(&self) -> Mono {
        let pool = if self.pool.has_grown() { self.look_at_pool } else { Mono::NEVER };
        self.timers.next_deadline().unwrap_or(Mono::NEVER).min(pool).min(self.wakes_by)
    }

    /// Connects to another shard, in place of one that had the same number.
    pub(crate) fn join(&mut self, shard: ShardId, outbound: Outbound<E>) {
        self.part(shard);
        if shard.index() >= self.outbound.len() {
            self.outbound.resize_with(shard.index() + 1, || None);
        }
        self.outbound[shard.index()] = Some(outbound);
    }

    /// Takes back what the neighbour no longer needs; everything, when it has ended. Whether it is there still.
    pub(crate) fn take_home(&mut self, from: &mut Inbound<E>) -> bool {
        // Asked first: what comes home is complete then.
        let has_ended = from.has_ended();
        let loans = from.home.batch(usize::MAX);
        if let Some(outbound) = self.outbound.get_mut(from.shard.index()).and_then(Option::as_mut) {
            outbound.abroad -= loans.len();
        }
        loans.for_each(|loan| self.pool.take_back(loan));
        if has_ended {
            self.part(from.shard);
        }
        !has_ended
    }

    /// Forgets a neighbour. Packets that it left behind were never read; those that it lent can be read no more, and
    /// must not go home to who takes its number.
    fn part(&mut self, from: ShardId) {
        let Some(mut outbound) = self.outbound.get_mut(from.index()).and_then(Option::take) else { return };
        self.borrowed.evict_from(from);
        while let Some(HandOver { loan, .. }) = outbound.packets.reclaim() {
            self.pool.take_back(loan);
        }
        let facts = outbound.facts.counters();
        self.totals.facts_sent += facts.sent;
        self.totals.facts_coalesced += facts.coalesced;
    }

    /// Sends home what others lent.
    fn return_borrowed(&mut self) {
        for index in 0..self.borrowed.places() {
            if let Some((home, loan)) = self.borrowed.evict(index) {
                self.send_home(home, loan);
            }
        }
    }

    /// The end: parts from everybody, and tells them by a wake-up. What they sent was left to them before.
    pub(crate) fn leave(&mut self) {
        self.return_borrowed();
        for outbound in self.outbound.drain(..).flatten() {
            let waker = outbound.waker.clone();
            drop(outbound);
            waker.wake();
        }
    }

    /// A packet that another shard lent, and how to read it.
    #[inline]
    pub(crate) fn lent(&self, payload: Payload) -> Option<(&LoanReader, &Loan)> {
        let Payload::Borrowed(key) = payload else { return None };
        let (home, loan) = self.borrowed.find(key)?;
        Some((&self.outbound.get(home.index())?.as_ref()?.reader, loan))
    }

    /// A lent slot is no longer needed here.
    pub(crate) fn send_home(&mut self, home: ShardId, loan: Loan) {
        if let Some(outbound) = self.outbound.get_mut(home.index()).and_then(Option::as_mut) {
            // As large as the number of loans that are given: never full.
            let returned = outbound.home.push(loan);
            debug_assert!(returned.is_ok(), "more slots on the way home than exist");
        }
    }

    /// Forgets everything that an engine that is gone had: so a fresh one starts from nothing.
    pub(crate) fn reset(&mut self) {
        self.demux.clear();
        self.orphans.clear();
        self.newcomers.clear();
        self.timers.clear();
        self.dirty.clear();
        self.epochs.clear();
        self.return_borrowed();
        self.pool.release_all();
        self.outbox.lose_all();
    }

    /// The tick has written all that it writes to other shards: what still waits for room now waits for the next.
    pub(crate) fn settle(&mut self) {
        self.outbound.iter_mut().flatten().for_each(|outbound| outbound.facts.settle());
    }

    /// Shows what this tick wrote to control and to other shards; in this order, so that what another shard answers to
    /// a fact is never seen before what was told to control ahead of it.
    pub(crate) fn publish(&mut self) {
        self.outbox.publish();
        for outbound in self.outbound.iter_mut().flatten() {
            outbound.publish();
            self.blocked |= outbound.facts.waiting() > 0;
        }
    }

    /// Levels of now, beside what was counted.
    pub(crate) fn totals(&self) -> Totals {
        let pool = self.pool.counters();
        // Those of neighbours that are gone, and what the engine keeps back, to begin with.
        let Totals { facts_sent, facts_coalesced, facts_waiting, .. } = self.totals;
        let mut facts = [facts_sent, facts_coalesced, facts_waiting];
        for outbound in self.outbound.iter().flatten() {
            let counters = outbound.facts.counters();
            let waiting = outbound.facts.waiting() as u64;
            facts = [facts[0] + counters.sent, facts[1] + counters.coalesced, facts[2] + waiting];
        }
        Totals {
            transports: self.demux.transports() as u64,
            timers_armed: self.timers.len() as u64,
            replies_owed: self.outbox.owed() as u64,
            facts_sent: facts[0],
            facts_coalesced: facts[1],
            facts_waiting: facts[2],
            borrowed: self.borrowed.len() as u64,
            pool_in_use: u64::from(pool.in_use),
            pool_high_water: u64::from(pool.high_water),
            pool_exhausted: pool.exhausted,
            pool_present: u64::from(pool.present),
            pool_late: pool.late,
            pool_refused: pool.refused,
            ..self.totals
        }
    }
}

/// How often a pool that has grown is looked at: what it does not need goes within seconds, and a shard that does
/// nothing else wakes up once.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
