//! What is done in parts over several ticks: closing what holds much, and telling long tables.
//!
//! One piece after the other, in the order in which they were begun, and a bounded number of objects and rows per
//! tick; media flows in between. A control that is slow to take rows holds up no close. From the inside out, as docs/closures.md has it: consumers before their producer,
//! everything in a transport before the transport, its sockets last. What waits for the end of a piece waits for reaped
//! sockets and for other shards, too.

use model::key::{DataProducerKey, ProducerKey, RouterKey, TransportKey};
use net::Driver;

use super::owed::OwedKey;
use super::transports::Aside;
use super::{Rooms, Told};
use crate::context::Context;
use crate::io::Sockets;

/// A piece of work.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work {
    /// Close it with everything in it. Other shards have their own command to do so, and are told nothing.
    Router(RouterKey),
    /// Close it with everything in it.
    Transport(TransportKey),
    /// Close it with its consumers, or what stands for it.
    Producer(ProducerKey, By),
    /// Close it with its data consumers, or what stands for it.
    DataProducer(DataProducerKey, By),
}

/// Who closed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// Control.
    Command,
    /// The shard of its producer, without control's knowing when.
    Fact,
}

/// What a tick gives to a piece of work.
struct Share<'a, 'b, D: Driver> {
    /// What waits for the piece.
    owed: OwedKey,
    /// Objects that the tick may still take.
    left: &'a mut usize,
    sockets: &'a mut Sockets<'b, D>,
    cx: &'a mut Context<Rooms>,
}

impl<D: Driver> Share<'_, '_, D> {
    /// Whether one more may be taken.
    fn take(&mut self) -> bool {
        let takes = *self.left > 0;
        *self.left = self.left.saturating_sub(1);
        takes
    }
}

impl Rooms {
    /// Has all transports say goodbye, all of them at once: a shard that ends holds up nobody's media any more.
    pub(super) fn say_all_goodbyes(&mut self, cx: &mut Context<Self>) {
        for part in self.routers.values_mut() {
            for transport in &part.transports {
                self.sfu.say_goodbye(*transport, &mut self.outputs);
            }
        }
        self.carry_out(cx);
    }

    /// Does this tick's share.
    pub(super) fn work_on<D: Driver>(&mut self, sockets: &mut Sockets<'_, D>, cx: &mut Context<Self>) {
        let mut left = self.config.work_per_tick.max(1);
        while let Some((work, owed)) = self.work.pop_front() {
            let share = &mut Share { owed, left: &mut left, sockets, cx };
            let is_done = match work {
                Work::Router(key) => self.close_router(key, share),
                Work::Transport(key) => self.close_transport(key, share),
                Work::Producer(key, by) => self.close_producer(key, by, share),
                Work::DataProducer(key, by) => self.close_data_producer(key, by, share),
            };
            self.carry_out(cx);
            if !is_done {
                self.work.push_front((work, owed));
                cx.hurry();
                break;
            }
            self.happened(owed, cx);
        }
    }

    /// Tells one part of a long answer, which is as many rows as a tick may tell, if control has room for it.
    pub(super) fn tell_rows(&mut self, cx: &mut Context<Self>) {
        let Some((request, mut parts, owed)) = self.rows.pop_front() else { return };
        let refused = parts.pop_front().and_then(|part| cx.event(Told::Part(request, part)).err());
        if let Some(Told::Part(_, part)) = refused {
            // Looked at again soon, without haste.
            parts.push_front(part);
        } else {
            cx.hurry();
        }
        if parts.is_empty() {
            self.happened(owed, cx);
        } else {
            self.rows.push_front((request, parts, owed));
        }
    }

    fn close_router<D: Driver>(&mut self, key: RouterKey, share: &mut Share<'_, '_, D>) -> bool {
        if self.say_goodbyes(key, share) {
            return false;
        }
        while let Some(part) = self.routers.get_mut(key) {
            let is_done = if let Some(transport) = part.transports.last().copied() {
                self.silence_feeds(transport);
                self.close_transport(transport, share)
            } else if let Some(replica) = part.replicas.last().copied() {
                self.close_producer(replica, By::Command, share)
            } else if let Some(replica) = part.data_replicas.last().copied() {
                self.close_data_producer(replica, By::Command, share)
            } else if let Some(observer) = part.observers.pop() {
                self.observers.close(observer);
                share.take()
            } else {
                self.routers.remove(key);
                true
            };
            if !is_done {
                return false;
            }
        }
        true
    }

    /// Has the transports of a router say goodbye, so that not each of them takes a tick for that. Whether any did.
    fn say_goodbyes<D: Driver>(&mut self, key: RouterKey, share: &mut Share<'_, '_, D>) -> bool {
        let transports = self.routers.get(key).map(|part| &*part.transports).unwrap_or_default();
        let mut has_said = false;
        for transport in transports {
            if self.sfu.say_goodbye(*transport, &mut self.outputs) {
                has_said = true;
                if !share.take() {
                    break;
                }
            }
        }
        has_said
    }

    fn close_transport<D: Driver>(&mut self, key: TransportKey, share: &mut Share<'_, '_, D>) -> bool {
        // Its last words leave with this tick's flush; the next begins to close it.
        if self.sfu.say_goodbye(key, &mut self.outputs) {
            return false;
        }
        // Nothing more leaves, so that no consumer's close looks for its copies.
        let _ = self.sfu.close_transport(key, 0);
        while let Some(producer) = self.sfu.producers_of(key).last().copied() {
            if !self.close_producer(producer, By::Command, share) {
                return false;
            }
        }
        while let Some(consumer) = self.sfu.consumers_of_transport(key).last().copied() {
            if !share.take() {
                return false;
            }
            let _ = self.sfu.close_consumer(consumer);
        }
        while let Some(producer) = self.sfu.data_producers_of(key).last().copied() {
            if !self.close_data_producer(producer, By::Command, share) {
                return false;
            }
        }
        while let Some(consumer) = self.sfu.data_consumers_of_transport(key).last().copied() {
            if !share.take() {
                return false;
            }
            let _ = self.sfu.close_data_consumer(consumer);
        }
        if !share.take() {
            return false;
        }
        let _ = self.sfu.close_transport(key, 1);
        share.cx.close_transport(key);
        if let Some(station) = self.transports.remove(key) {
            if let Some(part) = self.routers.get_mut(station.router) {
                part.transports.retain(|other| *other != key);
            }
            let Aside { held, server, timer, .. } = *station.aside;
            server.into_iter().for_each(|server| self.leave_server(server, key, share.cx));
            timer.map(|timer| share.cx.cancel(timer));
            held.into_all().for_each(|socket| self.reap(socket, share.owed, share.sockets));
        }
        true
    }

    fn close_producer<D: Driver>(&mut self, key: ProducerKey, by: By, share: &mut Share<'_, '_, D>) -> bool {
        while let Some(consumer) = self.sfu.consumers_of(key).last().copied() {
            if !share.take() {
                return false;
            }
            let _ = self.sfu.close_consumer(consumer);
            if by == By::Fact {
                self.ghosts.consumers.note(consumer);
            }
        }
        if !share.take() {
            return false;
        }
        self.observers.forget(key);
        if let Ok(closed) = self.sfu.close_producer(key) {
            self.feeds.end(key, closed.epoch);
        }
        self.forget_replica(key, by, share.cx);
        true
    }

    fn close_data_producer<D: Driver>(
        &mut self,
        key: DataProducerKey,
        by: By,
        share: &mut Share<'_, '_, D>,
    ) -> bool {
        while let Some(consumer) = self.sfu.data_consumers_of(key).last().copied() {
            if !share.take() {
                return false;
            }
            let _ = self.sfu.close_data_consumer(consumer);
            if by == By::Fact {
                self.ghosts.data_consumers.note(consumer);
            }
        }
        if !share.take() {
            return false;
        }
        let _ = self.sfu.close_data_producer(key);
        self.forget_data_replica(key, by);
        true
    }
}
