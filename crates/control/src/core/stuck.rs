//! Shards that hang: they run, and do not go on. Such a shard may come back at any time with all that is on it, and then does
//! what it was told, in the order in which it was told. Until then nobody waits for it.
//!
//! - What would need it is refused at once, and nothing of that reaches a shard.
//! - What is under way is *given up*: it is answered, and goes on without anybody who waits. An object that was to be made
//!   is closed again, by a command behind that which makes it. A close counts as done, since nobody finds the object any
//!   more, and nothing is told of it from then on. Of all else the answer says that it may still happen.
//! - What a flight holds that was given up - a port, a name - is held until the shard has answered. Whoever wants that is
//!   refused instead of waiting, but for those who close something.
//!
//! So what waits for the shard is what was under way when it fell silent, which is bounded, and one command more for each
//! object that is closed meanwhile. What it answers in the end is counted, and answers nobody; but what it did of it, such as a
//! pause, is told as ever.

use std::collections::BTreeMap;

use model::key::ShardIndex;
use model::reply::{Refusal, RefusalClass};

use super::claims::{Claim, Footprint};
use super::flight::{Closing, Flight, Step, Then, Turn};
use super::objects::{Object, Source};
use super::output::Output;
use super::registry::Registry;
use super::{Asked, Core, lost};
use crate::request::{
    ConsumerRequest, DataProducerRequest, ProducerRequest, RouterRequest, RtpObserverRequest,
    TransportRequest,
};
use crate::{Answer, Request};

/// What came of a shard's hanging, since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HangCounters {
    /// Requests that were refused for it, and packets and messages of the application that were dropped.
    pub refused: u64,
    /// Requests that it answered, or let others answer, when nobody waited any more.
    pub late: u64,
}

impl Core {
    /// Whether a shard hangs, whenever somebody has looked. [`Self::give_up`] comes after all of them.
    pub fn set_stuck(&mut self, shard: ShardIndex, is_stuck: bool) {
        let Some(known) = self.shard_mut(shard) else { return };
        if std::mem::replace(&mut known.is_stuck, is_stuck) != is_stuck {
            let told = if is_stuck { Output::ShardStuck } else { Output::ShardGoesOn };
            self.out.push_back(told(shard));
        }
    }

    /// Gives up what waits for shards that hang. Between two calls passes more time than a shard takes for an answer: what was
    /// under way at the call before, wherever, waits for one that hangs, too, by way of another that waits for it.
    pub fn give_up(&mut self) {
        let before = std::mem::replace(&mut self.unseen, self.next_flight);
        let Some(first) = self.first_stuck() else { return };
        for shard in self.shards() {
            let known = self.shard_mut(shard).filter(|known| known.is_stuck);
            let Some(sends) = known.map(super::shards::Shard::drop_sends) else { continue };
            self.count_refused(shard, sends.len());
            sends.into_iter().for_each(|send| self.step_lost(send));
        }
        let mut waiting: BTreeMap<u64, ShardIndex> =
            self.flights.range(..before).map(|(number, _)| (*number, first)).collect();
        for (shard, known) in (0..).map(ShardIndex).zip(&self.shards).filter(|(_, known)| known.is_stuck) {
            waiting.extend(known.waiting().map(|flight| (flight, shard)));
        }
        for (flight, shard) in waiting {
            self.give_up_flight(flight, shard);
        }
        // Who waits for what was given up before is not to wait for this one.
        self.has_released |= !self.kept.is_empty();
        self.wake_waiting();
    }

    /// What came of a shard's hanging.
    pub fn hang_counters(&self, shard: ShardIndex) -> HangCounters {
        self.shards.get(usize::from(shard.0)).map(|shard| shard.hang).unwrap_or_default()
    }

    /// The shard that hangs and that this would wait for. What closes something waits for nobody.
    pub(super) fn stuck_for(&self, asked: &Asked, footprint: &Footprint) -> Option<ShardIndex> {
        let first = self.first_stuck()?;
        let needed = match asked {
            Asked::Request(_, request) if request.is_close() => return None,
            Asked::Request(_, request) => self.registry.shards_of(request),
            Asked::Notification(_, notification) => {
                self.registry.shard_of(notification.id()).into_iter().collect()
            }
        };
        let kept = || self.kept.of(footprint).map(|shard| if self.is_stuck(shard) { shard } else { first });
        needed.into_iter().find(|shard| self.is_stuck(*shard)).or_else(kept)
    }

    /// Whether this has to wait for what was given up and is not done yet.
    pub(super) fn is_kept(&self, asked: &Asked, footprint: &Footprint) -> bool {
        let is_close = matches!(asked, Asked::Request(_, request) if request.is_close());
        !is_close && self.kept.of(footprint).is_some()
    }

    /// Refuses what would wait for a shard that hangs.
    pub(super) fn turn_away(&mut self, asked: Asked, shard: ShardIndex) {
        match asked {
            Asked::Request(origin, _) => {
                let refusal = self.refuse(shard, ", and this needs it: nothing was done; ask again later");
                self.answer(origin, Err(refusal), Vec::new());
            }
            // There may be thousands of them in a second: they are counted, and not told.
            Asked::Notification(..) => self.count_refused(shard, 1),
        }
    }

    /// Why nobody takes what is new.
    pub(super) fn nowhere(&self) -> Refusal {
        match self.first_stuck() {
            Some(shard) => stuck(shard, ", and no other takes this: nothing was made; ask again later"),
            None => lost::nowhere(),
        }
    }

    /// Counts such a refusal, once it is the answer.
    pub(super) fn count_nowhere(&mut self, refusal: &Refusal) {
        if let Some(shard) = self.first_stuck().filter(|_| refusal.class == RefusalClass::Stuck) {
            self.count_refused(shard, 1);
        }
    }

    /// The shard that hangs and that a flight waits for, as far as its commands and what is closed by them show.
    pub(super) fn stuck_of(&self, steps: &[Step], then: &Then) -> Option<ShardIndex> {
        if !self.is_any_stuck() {
            return None;
        }
        let mut shards: Vec<_> = steps.iter().map(|step| step.shard).collect();
        if let Then::Gone(closing, _) = then {
            shards.extend(closing.places.iter().chain(&closing.stand_ins).map(|(shard, _)| *shard));
        }
        shards.into_iter().find(|shard| self.is_stuck(*shard))
    }

    /// Nobody waits for the flight any more.
    pub(super) fn give_up_flight(&mut self, number: u64, shard: ShardIndex) {
        if self.flights.get(&number).is_none_or(|flight| flight.given_up.is_some()) {
            return;
        }
        let Some(mut flight) = self.flights.remove(&number) else { return };
        let (asker, claims) = (flight.asker(), flight.claims.clone());
        let (mut before, mut unmade) = (Vec::new(), None);
        let answered = match std::mem::replace(&mut flight.then, Then::Nothing) {
            Then::Made(object, _) => {
                unmade = Some(object);
                Err(": it was not made; ask again later")
            }
            Then::Gone(mut closing, last) => {
                before = self.tell(&std::mem::take(&mut closing.told), Turn::Closed, &flight);
                self.silence(&closing);
                flight.then = Then::Gone(closing, last);
                Ok(Answer::Done)
            }
            then => {
                flight.then = then;
                Err(": this may still be done once it goes on")
            }
        };
        flight.given_up = Some(shard);
        self.late += 1;
        self.has_released |= self.held.release(&claims);
        self.kept.hold(&claims, shard);
        self.flights.insert(number, flight);
        match asker {
            Some(origin) => {
                let answered = answered.map_err(|rest| self.refuse(shard, rest));
                self.answer(origin, answered, before);
            }
            None => self.out.extend(before.into_iter().map(|aside| Output::Event(aside.event))),
        }
        if let Some(object) = unmade {
            self.close_unmade(object, claims);
        }
    }

    /// Closes what nobody got, unless it goes with what it was to be part of.
    fn close_unmade(&mut self, object: Object, claims: Vec<Claim>) {
        if self.registry.head(object).is_none_or(|head| head.closing) {
            return;
        }
        let (steps, then) = match object {
            Object::WebRtcServer(no) => match self.begin_close_server(no) {
                Some(begun) => begun,
                None => return,
            },
            _ => self.begin_unmake(object, true),
        };
        self.launch(None, claims, steps, then);
    }

    /// The flight is over, whether or not somebody still waited.
    pub(super) fn note_late(&mut self, flight: &Flight) {
        let Some(shard) = flight.given_up else { return };
        self.late -= 1;
        if let Some(known) = self.shard_mut(shard).filter(|_| flight.origin.is_some()) {
            known.hang.late += 1;
        }
    }

    /// What the flight held is free.
    pub(super) fn release_claims(&mut self, flight: &Flight) {
        match flight.given_up {
            Some(shard) => self.has_released |= self.kept.release(&flight.claims, shard),
            None if flight.claims.is_empty() => {}
            None => self.has_released |= self.held.release(&flight.claims),
        }
    }

    /// How many flights stand in the way of more. Once no shard hangs, all do: what one left behind is worked off before there
    /// can be more of it.
    pub(super) fn flights_that_count(&self) -> usize {
        let late = if self.is_any_stuck() { self.late } else { 0 };
        self.flights.len() - late
    }

    fn refuse(&mut self, shard: ShardIndex, rest: &str) -> Refusal {
        self.count_refused(shard, 1);
        stuck(shard, rest)
    }

    fn count_refused(&mut self, shard: ShardIndex, count: usize) {
        if let Some(known) = self.shard_mut(shard) {
            known.hang.refused += count as u64;
        }
    }

    /// Nothing is told any more of what is gone for everybody.
    pub(super) fn silence(&mut self, closing: &Closing) {
        for (shard, key) in closing.places.iter().chain(&closing.stand_ins) {
            if let Some(keys) = self.keys.get_mut(usize::from(shard.0)) {
                keys.silence(*key);
            }
        }
    }

    fn is_any_stuck(&self) -> bool {
        self.first_stuck().is_some()
    }

    fn first_stuck(&self) -> Option<ShardIndex> {
        self.shards().find(|shard| self.is_stuck(*shard))
    }

    fn is_stuck(&self, shard: ShardIndex) -> bool {
        self.shards.get(usize::from(shard.0)).is_some_and(|shard| shard.is_stuck)
    }
}

fn stuck(shard: ShardIndex, rest: &str) -> Refusal {
    Refusal::new(RefusalClass::Stuck, format!("shard {} hangs{rest}", shard.0))
}

impl Registry {
    /// The shards that have to do something for a request, or to acknowledge it. Where something new goes is decided later,
    /// and what closes something is not asked about.
    fn shards_of(&self, request: &Request) -> Vec<ShardIndex> {
        let (own, other) = match request {
            Request::Worker(_) | Request::WebRtcServer(..) => return Vec::new(),
            Request::Router(id, request) => match request {
                RouterRequest::CreateActiveSpeakerObserver { .. }
                | RouterRequest::CreateAudioLevelObserver(..) => (id.as_str(), None),
                _ => return Vec::new(),
            },
            Request::Transport(id, request) => match request {
                TransportRequest::Consume(consume) => (id.as_str(), Some(consume.producer_id.as_str())),
                TransportRequest::ConsumeData(consume) => {
                    (id.as_str(), Some(consume.data_producer_id.as_str()))
                }
                _ => (id.as_str(), None),
            },
            Request::Producer(id, ProducerRequest::Pause | ProducerRequest::Resume) => {
                return self.shards_with(id.as_str());
            }
            Request::DataProducer(id, DataProducerRequest::Pause | DataProducerRequest::Resume) => {
                return self.shards_with(id.as_str());
            }
            // Control knows all of it.
            Request::DataProducer(_, DataProducerRequest::Dump) => return Vec::new(),
            Request::Producer(id, _) => (id.as_str(), None),
            Request::DataProducer(id, _) => (id.as_str(), None),
            Request::Consumer(id, ConsumerRequest::Stats) => (id.as_str(), self.producer_of(id.as_str())),
            Request::Consumer(id, _) => (id.as_str(), None),
            Request::DataConsumer(id, _) => (id.as_str(), None),
            Request::RtpObserver(id, request) => match request {
                RtpObserverRequest::AddProducer(other) | RtpObserverRequest::RemoveProducer(other) => {
                    (id.as_str(), Some(other.as_str()))
                }
                RtpObserverRequest::Pause | RtpObserverRequest::Resume => (id.as_str(), None),
            },
        };
        [Some(own), other].into_iter().flatten().filter_map(|id| self.shard_of(id)).collect()
    }

    /// Where a producer or data producer is, and where something stands for it.
    fn shards_with(&self, id: &str) -> Vec<ShardIndex> {
        let feeds = match self.find(id) {
            Some(Object::Producer(no)) => self.feeds(Source::Producer(no)),
            Some(Object::DataProducer(no)) => self.feeds(Source::DataProducer(no)),
            _ => None,
        };
        let fed = feeds.into_iter().flatten().filter(|(_, feed)| !feed.draining).map(|(shard, _)| *shard);
        self.shard_of(id).into_iter().chain(fed).collect()
    }

    fn producer_of(&self, consumer: &str) -> Option<&str> {
        let Some(Object::Consumer(no)) = self.find(consumer) else { return None };
        let producer = self.producers.get(self.consumers.get(no)?.producer)?;
        Some(&producer.head.id)
    }

    pub(super) fn shard_of(&self, id: &str) -> Option<ShardIndex> {
        self.find(id).and_then(|object| self.head(object)).map(|head| head.shard)
    }
}
