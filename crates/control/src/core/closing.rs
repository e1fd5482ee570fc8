//! What goes with what: closing in the registry, before and after the shards are told. See `docs/closures.md`.
//!
//! Beginning makes things unfindable and takes them out of every relation; ending takes their rows out, gives their
//! places back and says who is told. In between their shards close them.

use std::collections::BTreeSet;

use model::command::{Action, DataProducerCommand, ProducerCommand};
use model::key::ShardIndex;

use super::Core;
use super::claims::Claim;
use super::doors::Aside;
use super::flight::{Closing, Flight, Step, Then, Turn};
use super::keys::Key;
use super::objects::{
    Consumer, DataConsumer, DataProducer, Feeds, Object, Producer, Router, RtpObserver, Source, Transport,
    WebRtcServer,
};
use super::registry::Registry;
use super::table::No;

impl Registry {
    /// Begins to close an object with all that is in it. What closed before is left out.
    pub(super) fn begin_close(&mut self, object: Object, closing: &mut Closing) {
        match object {
            Object::WebRtcServer(no) => self.begin_close_server(no, closing),
            Object::Router(no) => self.begin_close_router(no, closing),
            Object::Transport(no) => self.begin_close_transport(no, closing),
            Object::Producer(no) => self.begin_close_producer(no, closing),
            Object::Consumer(no) => self.begin_close_consumer(no, closing),
            Object::DataProducer(no) => self.begin_close_data_producer(no, closing),
            Object::DataConsumer(no) => self.begin_close_data_consumer(no, closing),
            Object::RtpObserver(no) => self.begin_close_observer(no, closing),
        }
    }

    fn begin_close_server(&mut self, no: No<WebRtcServer>, closing: &mut Closing) {
        let Some(server) = self.servers.get(no) else { return };
        let transports = server.transports.clone();
        let parts: Vec<_> = server.parts.iter().map(|(shard, part)| (*shard, Key::from(part.key))).collect();
        transports.into_iter().for_each(|transport| self.begin_close_transport(transport, closing));
        if !self.head(Object::WebRtcServer(no)).is_some_and(|head| head.closing) {
            closing.places.extend(parts);
        }
        self.leave(Object::WebRtcServer(no), closing);
    }

    fn begin_close_router(&mut self, no: No<Router>, closing: &mut Closing) {
        let Some(router) = self.routers.get(no) else { return };
        let (transports, observers) = (router.transports.clone(), router.observers.clone());
        let parts: Vec<_> = router.parts.iter().map(|(shard, key)| (*shard, Key::from(*key))).collect();
        transports.into_iter().for_each(|transport| self.begin_close_transport(transport, closing));
        observers.into_iter().for_each(|observer| self.begin_close_observer(observer, closing));
        if self.unname(Object::Router(no)) {
            closing.rows.push(Object::Router(no));
            closing.places.extend(parts);
        }
        closing.hush();
    }

    fn begin_close_transport(&mut self, no: No<Transport>, closing: &mut Closing) {
        let Some(transport) = self.transports.get_mut(no) else { return };
        let (producers, data_producers) = (transport.producers.clone(), transport.data_producers.clone());
        let server = transport.web_rtc().and_then(|web_rtc| web_rtc.server);
        let router = transport.router;
        producers.into_iter().for_each(|producer| self.begin_close_producer(producer, closing));
        data_producers.into_iter().for_each(|producer| self.begin_close_data_producer(producer, closing));
        // What is left consumes from other transports.
        let Some(transport) = self.transports.get(no) else { return };
        let (consumers, data_consumers) = (transport.consumers.clone(), transport.data_consumers.clone());
        consumers.into_iter().for_each(|consumer| self.begin_close_consumer(consumer, closing));
        data_consumers.into_iter().for_each(|consumer| self.begin_close_data_consumer(consumer, closing));
        if let Some(router) = self.routers.get_mut(router) {
            take_out(&mut router.transports, no);
        }
        if let Some(server) = server.and_then(|server| self.servers.get_mut(server)) {
            take_out(&mut server.transports, no);
        }
        self.leave(Object::Transport(no), closing);
    }

    fn begin_close_producer(&mut self, no: No<Producer>, closing: &mut Closing) {
        let Some(producer) = self.producers.get_mut(no) else { return };
        let (consumers, observers) =
            (std::mem::take(&mut producer.consumers), std::mem::take(&mut producer.observers));
        let transport = producer.transport;
        closing.stand_ins.extend(stand_ins(&producer.feeds));
        for consumer in consumers {
            closing.told.push(Object::Consumer(consumer));
            let place = self.detach_consumer(consumer, closing);
            closing.places.extend(place);
        }
        for observer in observers {
            if let Some(observer) = self.observers.get_mut(observer) {
                take_out(&mut observer.producers, no);
            }
        }
        if let Some(transport) = self.transports.get_mut(transport) {
            take_out(&mut transport.producers, no);
        }
        self.leave(Object::Producer(no), closing);
    }

    fn begin_close_consumer(&mut self, no: No<Consumer>, closing: &mut Closing) {
        let Some(producer) = self.consumers.get(no).map(|consumer| consumer.producer) else { return };
        let Some((shard, key)) = self.detach_consumer(no, closing) else { return };
        closing.places.push((shard, key));
        if let Some(producer_row) = self.producers.get_mut(producer) {
            take_out(&mut producer_row.consumers, no);
            if producer_row.head.shard != shard {
                closing.releases.push((Source::Producer(producer), shard));
            }
        }
    }

    fn begin_close_data_producer(&mut self, no: No<DataProducer>, closing: &mut Closing) {
        let Some(producer) = self.data_producers.get_mut(no) else { return };
        let consumers = std::mem::take(&mut producer.consumers);
        let transport = producer.transport;
        closing.stand_ins.extend(stand_ins(&producer.feeds));
        for consumer in consumers {
            closing.told.push(Object::DataConsumer(consumer));
            let place = self.detach_data_consumer(consumer, closing);
            closing.places.extend(place);
        }
        if let Some(transport) = self.transports.get_mut(transport) {
            take_out(&mut transport.data_producers, no);
        }
        self.leave(Object::DataProducer(no), closing);
    }

    fn begin_close_data_consumer(&mut self, no: No<DataConsumer>, closing: &mut Closing) {
        let Some(producer) = self.data_consumers.get(no).map(|consumer| consumer.producer) else { return };
        let Some((shard, key)) = self.detach_data_consumer(no, closing) else { return };
        closing.places.push((shard, key));
        if let Some(producer_row) = self.data_producers.get_mut(producer) {
            take_out(&mut producer_row.consumers, no);
            if producer_row.head.shard != shard {
                closing.releases.push((Source::DataProducer(producer), shard));
            }
        }
    }

    fn begin_close_observer(&mut self, no: No<RtpObserver>, closing: &mut Closing) {
        let Some(observer) = self.observers.get_mut(no) else { return };
        let producers = std::mem::take(&mut observer.producers);
        let (router, home) = (observer.router, observer.head.shard);
        for producer in producers {
            let Some(row) = self.producers.get_mut(producer) else { continue };
            take_out(&mut row.observers, no);
            if row.head.shard != home {
                closing.releases.push((Source::Producer(producer), home));
            }
        }
        if let Some(router) = self.routers.get_mut(router) {
            take_out(&mut router.observers, no);
        }
        self.leave(Object::RtpObserver(no), closing);
    }

    /// Takes a consumer out of its transport, and says where it stands on its shard.
    fn detach_consumer(&mut self, no: No<Consumer>, closing: &mut Closing) -> Option<(ShardIndex, Key)> {
        if !self.unname(Object::Consumer(no)) {
            return None;
        }
        closing.rows.push(Object::Consumer(no));
        let consumer = self.consumers.get(no)?;
        let (transport, place) = (consumer.transport, (consumer.head.shard, consumer.head.key));
        let transport = self.transports.get_mut(transport)?;
        take_out(&mut transport.consumers, no);
        let on_shard = self.routers.get_mut(transport.router)?.consumers_on.get_mut(&place.0)?;
        *on_shard = on_shard.saturating_sub(1);
        Some(place)
    }

    fn detach_data_consumer(
        &mut self,
        no: No<DataConsumer>,
        closing: &mut Closing,
    ) -> Option<(ShardIndex, Key)> {
        if !self.unname(Object::DataConsumer(no)) {
            return None;
        }
        closing.rows.push(Object::DataConsumer(no));
        let consumer = self.data_consumers.get(no)?;
        let (transport, place) = (consumer.transport, (consumer.head.shard, consumer.head.key));
        take_out(&mut self.transports.get_mut(transport)?.data_consumers, no);
        Some(place)
    }

    fn leave(&mut self, object: Object, closing: &mut Closing) {
        if self.unname(object) {
            closing.rows.push(object);
            closing.places.extend(self.head(object).map(|head| (head.shard, head.key)));
        }
    }
}

impl Core {
    /// Ends a closing: takes out the rows, and begins what is control's own later business. Returns who is told that
    /// their producer closed.
    pub(super) fn end_close(&mut self, closing: Closing, flight: &Flight) -> Vec<Aside> {
        let Closing { rows, places, told, stand_ins: _, releases } = closing;
        let events = self.tell(&told, Turn::Closed, flight);
        for row in rows {
            self.registry.remove(row);
        }
        self.vacate(&places);
        for (source, shard) in releases {
            self.release(source, shard);
        }
        events
    }

    /// One less needs a source on a shard, if that is not its own.
    pub(super) fn release_remote(&mut self, source: Source, shard: ShardIndex) {
        if self.place_of(source).is_some_and(|(home, _)| home != shard) {
            self.release(source, shard);
        }
    }

    /// One less needs what stands for a source on a shard. The last one takes it down: the source's shard stops feeding
    /// it, and then it goes.
    fn release(&mut self, source: Source, shard: ShardIndex) {
        if self.registry.head(source.into()).is_none_or(|head| head.closing) {
            return;
        }
        let Some(feed) = self.registry.feeds_mut(source).and_then(|feeds| feeds.get_mut(&shard)) else {
            return;
        };
        feed.users = feed.users.saturating_sub(1);
        if feed.users > 0 || feed.draining {
            return;
        }
        feed.draining = true;
        let Some((home, key)) = self.place_of(source) else { return };
        let action = match source {
            Source::Producer(_) => Action::Producer(key.producer(), ProducerCommand::CloseFeed(shard)),
            Source::DataProducer(_) => {
                Action::DataProducer(key.data_producer(), DataProducerCommand::CloseFeed(shard))
            }
        };
        let claims = vec![Claim::Feed(source, shard)];
        self.launch(None, claims, vec![Step::main(home, action)], Then::FeedEnded(source, shard));
    }

    /// The source's shard has stopped: what stood for it can go. Not if the source itself closed meanwhile, which took
    /// it along.
    pub(super) fn feed_ended(&mut self, source: Source, shard: ShardIndex) {
        let is_open = self.registry.head(source.into()).is_some_and(|head| !head.closing);
        let feed = self.registry.feeds(source).and_then(|feeds| feeds.get(&shard)).filter(|_| is_open);
        if let Some(key) = feed.map(|feed| feed.key) {
            let claims = vec![Claim::Feed(source, shard)];
            self.launch(None, claims, vec![Step::close_stand_in(shard, key)], Then::FeedGone(source, shard));
        }
    }

    /// What stood for the source is gone.
    pub(super) fn feed_gone(&mut self, source: Source, shard: ShardIndex) {
        let is_open = self.registry.head(source.into()).is_some_and(|head| !head.closing);
        let feeds = self.registry.feeds_mut(source).filter(|_| is_open);
        if let Some(feed) = feeds.and_then(|feeds| feeds.remove(&shard)) {
            self.vacate(&[(shard, feed.key)]);
        }
    }

    pub(super) fn vacate(&mut self, places: &[(ShardIndex, Key)]) {
        for (shard, key) in places {
            if let Some(keys) = self.keys.get_mut(usize::from(shard.0)) {
                keys.give_back(*key);
            }
        }
    }

    /// Where a source is.
    pub(super) fn place_of(&self, source: Source) -> Option<(ShardIndex, Key)> {
        self.registry.head(source.into()).map(|head| (head.shard, head.key))
    }
}

impl From<Source> for Object {
    fn from(source: Source) -> Self {
        match source {
            Source::Producer(no) => Self::Producer(no),
            Source::DataProducer(no) => Self::DataProducer(no),
        }
    }
}

/// Takes one out of a set. Of an empty one nothing is kept: it has a node otherwise, which lies among what a crowd had
/// and holds a page of it.
fn take_out<T>(set: &mut BTreeSet<No<T>>, no: No<T>) {
    set.remove(&no);
    if set.is_empty() {
        *set = BTreeSet::new();
    }
}

fn stand_ins(feeds: &Feeds) -> impl Iterator<Item = (ShardIndex, Key)> + '_ {
    feeds.iter().map(|(shard, feed)| (*shard, feed.key))
}
