//! The phases of a tick, in their order. Each is bounded, and says in `more` whether it left work behind.

use net::{Batch, Driver, Loan, LoanReader, Received};
use wire::Mono;

use super::ShardCore;
use super::life::Life;
use crate::boundary::{Hosted, Phase};
use crate::context::Context;
use crate::control::ToShard;
use crate::counters::Counters;
use crate::demux::Destination;
use crate::engine::{Claim, Crossed, Engine};
use crate::io::{Egress, Sockets};
use crate::key::ShardId;
use crate::mesh::{HandOver, Inbound, What};
use crate::payload::Payload;
use crate::stray::Stray;
use crate::streams::Turn;

impl<E: Engine, D: Driver> ShardCore<E, D> {
    pub(super) fn begin(&mut self, now: Mono) {
        self.cx.begin(now);
        self.cx.shows_counters = self.showing.is_due(now);
        self.cx.totals.ticks += 1;
        self.more = false;
        self.inbound.retain_mut(|neighbour| {
            let stays = self.cx.take_home(neighbour);
            if !stays {
                self.hosted.call(Phase::Crossings, |engine| engine.parted(neighbour.shard, &mut self.cx));
            }
            stays
        });
    }

    /// Commands of control, and closes that have finished.
    pub(super) fn run_commands(&mut self) {
        self.go_on_parting();
        while let Some(key) = self.driver.next_closed() {
            self.sockets.closed();
            self.hosted.call(Phase::Commands, |engine| engine.closed(key, &mut self.cx));
        }
        for _ in 0..self.bounds.commands {
            if self.awaits_engine() {
                break;
            }
            let Some(message) = self.commands.pop() else { break };
            // Who asks for something looks for what it did.
            self.cx.shows_counters = true;
            match message {
                // Lost, once there is no engine.
                ToShard::Command(request, _) if self.is_ending() => drop(self.cx.outbox.accept(request)),
                ToShard::Command(request, command) => {
                    self.cx.totals.commands += 1;
                    let ticket = self.cx.outbox.accept(request);
                    let Self { cx, driver, sockets: open, streams, hosted, .. } = self;
                    hosted.call(Phase::Commands, |engine| {
                        engine.command(command, ticket, &mut Sockets { driver, open, streams }, cx);
                    });
                }
                ToShard::Neighbour(neighbour) => self.join(*neighbour),
                ToShard::LetGo => {
                    net::heap::return_cached();
                    self.cx.totals.memory_let_go += 1;
                }
                ToShard::Stop => self.stop(),
            }
        }
        let Self { cx, driver, sockets: open, streams, hosted, .. } = self;
        hosted.call(Phase::Commands, |engine| engine.go_on(&mut Sockets { driver, open, streams }, cx));
        // Asked in this order: what control submitted last is visible once it is gone.
        if self.commands.is_abandoned() && self.commands.is_empty() {
            self.stop();
        }
        if !self.hosted.is_running() && !self.awaits_engine() {
            self.cx.outbox.lose_all();
        }
        self.more |= !self.awaits_engine() && !self.commands.is_empty();
    }

    /// Facts and packets from other shards.
    pub(super) fn take_crossings(&mut self) {
        for neighbour in &mut self.inbound {
            // Counted before facts are taken: what was told before these packets is visible by then, so no
            // packet overtakes a fact.
            let visible = neighbour.packets.len();
            let (hosted, cx) = (&mut self.hosted, &mut self.cx);
            take_facts(neighbour, self.bounds.facts_per_neighbour, hosted, cx);
            if neighbour.facts.is_empty() {
                take_packets(neighbour, visible.min(self.bounds.packets_per_neighbour), hosted, cx);
            }
            self.more |= !neighbour.is_quiet();
        }
    }

    pub(super) fn fire_timers(&mut self) {
        let (now, most, cx) = (self.cx.now(), self.bounds.timers, &mut self.cx);
        self.hosted.call(Phase::Timers, |engine| {
            for _ in 0..most {
                let Some(timer) = cx.timers.pop_due(now) else { break };
                cx.totals.timers_fired += 1;
                engine.timer(timer, cx);
            }
        });
        self.more |= self.cx.timers.next_deadline().is_some_and(|at| at <= now);
    }

    pub(super) fn receive(&mut self) {
        let Self { driver, cx, hosted, counters, bounds, .. } = self;
        let received = driver.receive(cx.now(), bounds.receive, &mut |batch| {
            deal(batch, hosted, cx, counters);
        });
        self.more |= received == Received::More;
    }

    /// What came over TCP.
    pub(super) fn receive_streams(&mut self) {
        let Self { driver, cx, hosted, counters, bounds, streams, sockets: open, .. } = self;
        if streams.is_unused() {
            return cx.forget_orphans();
        }
        let turn = Turn { streams, driver, open, hosted, cx, counters };
        self.more |= turn.run(bounds.receive.total);
    }

    /// Fixes who is flushed: from here on nobody joins this tick's flush, so it ends.
    pub(super) fn settle_dirty(&mut self) {
        self.cx.dirty.seal(self.bounds.flushes);
    }

    pub(super) fn flush(&mut self) {
        let Self { driver, cx, hosted, sockets, streams, counters, .. } = self;
        hosted.call(Phase::Flush, |engine| {
            let mut egress = Egress { driver, open: sockets, streams, runs: &mut counters.run_datagrams };
            while let Some(transport) = cx.dirty.take() {
                cx.totals.flushes += 1;
                for steps in 1..=E::STEPS_AHEAD {
                    if let Some(next) = cx.dirty.ahead(steps) {
                        engine.approach(next, steps, &egress, cx);
                    }
                }
                engine.flush(transport, &mut egress, cx);
            }
        });
        self.more |= !self.cx.dirty.is_empty() || self.streams.any_broken();
    }

    pub(super) fn publish(&mut self) {
        // Whatever is not as usual is seen at once: there may be no other tick.
        self.cx.shows_counters |= !matches!(self.life, Life::Running);
        self.hosted.call(Phase::Publish, |engine| engine.publish(&mut self.cx));
        // Before anybody is rung: whom an answer reaches finds all that was counted before it.
        if self.cx.shows_counters {
            self.cx.settle();
            self.show_counters();
        } else {
            self.showing.put_off();
        }
        self.cx.publish();
        self.more |= self.cx.hurried;
    }

    /// Shows what was counted up to here.
    fn show_counters(&mut self) {
        self.showing.shown(self.cx.now());
        self.collect_counters();
        self.publisher.publish(&self.counters);
    }

    /// Puts together what was counted up to here.
    pub(super) fn collect_counters(&mut self) {
        self.hosted.call(Phase::Publish, |engine| engine.count(&mut self.cx.totals));
        self.counters.totals = self.cx.totals();
        self.streams.report(&mut self.counters.totals);
        self.counters.driver = *self.driver.counters();
    }
}

/// Gives a batch to the engine.
#[inline]
pub(crate) fn deal<E: Engine>(
    batch: Batch<'_>,
    hosted: &mut Hosted<E>,
    cx: &mut Context<E>,
    counters: &mut Counters,
) -> Option<Claim> {
    let datagrams = batch.datagrams().len() as u64;
    cx.totals.batches += 1;
    cx.totals.datagrams += datagrams;
    counters.batch_datagrams.record(datagrams);
    // The boundary is around each batch, not around the driver: its loop must end as it always does.
    let dealt = hosted.call(Phase::Receive, |engine| match cx.demux.route(&batch) {
        Destination::Bound(transport) => {
            engine.receive(transport, batch, cx);
            Claim::Taken
        }
        Destination::Elsewhere(shard) => engine.astray(shard, batch, cx),
        Destination::Offered(transport) => engine.unknown(Some(transport), batch, cx),
        Destination::Unknown => engine.unknown(None, batch, cx),
    });
    match dealt {
        Some(Claim::Taken | Claim::Leaves(_)) => {}
        Some(Claim::Dropped) => cx.totals.dropped_unknown += datagrams,
        None => cx.totals.dropped_no_engine += datagrams,
    }
    dealt
}

fn take_facts<E: Engine>(from: &mut Inbound<E>, most: usize, hosted: &mut Hosted<E>, cx: &mut Context<E>) {
    let shard = from.shard;
    let mut facts = from.facts.batch(most);
    cx.totals.facts_received += facts.len() as u64;
    hosted.call(Phase::Crossings, |engine| facts.by_ref().for_each(|fact| engine.fact(shard, fact, cx)));
    // What an engine that is gone did not hear concerns nobody: the next one knows none of its entities.
    facts.for_each(drop);
}

/// In portions of [`PORTION`]: first all of one are taken in and their headers asked for, then each is given to the
/// engine. The bytes lie in another core's cache; asked for one after the other, many of them travel at once, where
/// an engine that looks at packet after packet would wait for each.
fn take_packets<E: Engine>(from: &mut Inbound<E>, most: usize, hosted: &mut Hosted<E>, cx: &mut Context<E>) {
    let shard = from.shard;
    let Inbound { packets, portion, strays, reader, .. } = from;
    let mut packets = packets.batch(most);
    while packets.len() > 0 && hosted.is_running() {
        for HandOver { loan, what } in packets.by_ref().take(PORTION) {
            let What::Packet { stream, epoch, stamp } = what else {
                reader.prefetch_header(&loan);
                strays.push(loan);
                continue;
            };
            match cx.borrowed.adopt(shard, loan) {
                Ok(key) => {
                    let payload = Payload::Borrowed(key);
                    if let Some((reader, loan)) = cx.lent(payload) {
                        reader.prefetch_header(loan);
                    }
                    portion.push(Crossed { from: shard, stream, epoch, stamp, payload });
                }
                Err(loan) => {
                    cx.totals.dropped_borrowed_full += 1;
                    cx.send_home(shard, loan);
                }
            }
        }
        hosted.call(Phase::Crossings, |engine| {
            for packet in portion.drain(..) {
                if cx.epochs.admits(shard, packet.stream, packet.epoch) {
                    cx.totals.crossed += 1;
                    engine.crossed(packet, cx);
                } else {
                    cx.totals.dropped_epoch += 1;
                    cx.release(packet.payload);
                }
            }
        });
        take_strays(shard, strays, reader, hosted, cx);
    }
    for HandOver { loan, .. } in packets {
        cx.totals.dropped_no_engine += 1;
        cx.send_home(shard, loan);
    }
}

/// Gives the engine what strayed to another shard, and sends the slots home, whatever it does.
fn take_strays<E: Engine>(
    shard: ShardId,
    strays: &mut Vec<Loan>,
    reader: &LoanReader,
    hosted: &mut Hosted<E>,
    cx: &mut Context<E>,
) {
    if strays.is_empty() {
        return;
    }
    cx.totals.strays_taken += strays.len() as u64;
    let dealt = hosted.call(Phase::Crossings, |engine| {
        let read = strays.iter().filter_map(|loan| Stray::read(reader.bytes(loan)?));
        let dropped = read.filter(|stray| engine.stray(shard, *stray, cx) == Claim::Dropped);
        dropped.count() as u64
    });
    match dealt {
        Some(dropped) => cx.totals.dropped_unknown += dropped,
        None => cx.totals.dropped_no_engine += strays.len() as u64,
    }
    strays.drain(..).for_each(|loan| cx.send_home(shard, loan));
}

/// As many loads as a core keeps under way, twice over.
pub(crate) const PORTION: usize = 32;
