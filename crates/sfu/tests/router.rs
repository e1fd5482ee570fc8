//! The router against a model that keeps lists: who gets a packet, who is told, and that nothing is left behind.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;
use sfu::router::{ConsumeError, NotForwarded, Outcome, Told};
use sfu::{ConsumerKey, ProducerKey, Router, TransportKey};
use support::{consume, produce, write};
use wire::rtp::View;
use wire::{Mono, Ssrc};

#[test]
fn a_copy_says_what_its_consumer_says_and_keeps_the_payload_where_it_is() {
    let mut router = Router::new();
    let (from, to) = (router.add_transport(), router.add_transport());
    router.connect(to);
    let producer = produce(&mut router, from, 5).unwrap();
    let consumer = consume(&mut router, to, producer, 70).unwrap();
    let mut packet = Vec::new();
    write(&mut packet, 5, 9);
    let view = View::parse(&packet).unwrap();
    assert_eq!(router.receive(Mono::ZERO, from, 'a', &view), Outcome::Forwarded(1));
    let mut dirty = Vec::new();
    router.take_dirty(&mut dirty);
    assert_eq!(dirty, [to]);
    let mut header = [0; 64];
    let mut seen = 0;
    router.flush(to, &mut |copy| {
        assert_eq!((copy.consumer, copy.slot, copy.layout), (consumer, 'a', view.layout()));
        let len = copy.plan.stamp(&copy.rewrite.stamp(false), &mut header).unwrap();
        let header = View::parse(&header[..len]).unwrap();
        assert_eq!((header.ssrc().0, header.sequence(), header.timestamp()), (70, 1_000, 27_000));
        let elements: Vec<_> = header.elements().map(|element| (element.id.value(), element.data)).collect();
        let expected: [(u8, &[u8]); 4] = [(1, b"0"), (4, &[0; 3]), (5, &[0; 2]), (8, &[1])];
        assert_eq!(elements, expected);
        seen += 1;
    });
    assert_eq!(seen, 1);
    let mut released = Vec::new();
    router.finish(&mut released);
    assert_eq!(released, ['a']);
}

#[test]
fn a_packet_that_nobody_takes_is_not_held() {
    let mut router = Router::new();
    let transport = router.add_transport();
    let producer = produce(&mut router, transport, 5).unwrap();
    let mut packet = Vec::new();
    write(&mut packet, 5, 9);
    let view = View::parse(&packet).unwrap();
    let not = |reason| Outcome::Not(reason);
    assert_eq!(router.receive(Mono::ZERO, transport, 'a', &view), not(NotForwarded::NoTaker));
    consume(&mut router, transport, producer, 70).unwrap();
    assert_eq!(
        router.receive(Mono::ZERO, transport, 'b', &view),
        not(NotForwarded::NoTaker),
        "not connected"
    );
    write(&mut packet, 6, 9);
    let view = View::parse(&packet).unwrap();
    assert_eq!(router.receive(Mono::ZERO, transport, 'c', &view), not(NotForwarded::UnknownProducer));
    let mut released = Vec::new();
    router.finish(&mut released);
    assert!(released.is_empty());
}

#[test]
fn two_consumers_of_a_transport_cannot_share_their_ssrc() {
    let mut router: Router<u32> = Router::new();
    let (from, to, other) = (router.add_transport(), router.add_transport(), router.add_transport());
    let producer = produce(&mut router, from, 5).unwrap();
    let first = consume(&mut router, to, producer, 70).unwrap();
    assert_eq!(consume(&mut router, to, producer, 70), Err(ConsumeError::SsrcTaken(Ssrc(70))));
    assert_eq!(router.consumers_of(producer), [first], "nothing has changed");
    consume(&mut router, other, producer, 70).unwrap();
    assert!(router.close_consumer(first));
    consume(&mut router, to, producer, 70).unwrap();
}

#[test]
fn packets_in_flight_are_bounded_and_counted() {
    let mut router = Router::new();
    let (from, to) = (router.add_transport(), router.add_transport());
    router.connect(to);
    let producer = produce(&mut router, from, 5).unwrap();
    consume(&mut router, to, producer, 70).unwrap();
    let mut packet = Vec::new();
    let outcomes = (0..5_000).map(|sequence| {
        write(&mut packet, 5, sequence);
        router.receive(Mono::ZERO, from, sequence, &View::parse(&packet).unwrap())
    });
    let refused = outcomes.filter(|outcome| *outcome == Outcome::Not(NotForwarded::TickFull)).count();
    assert_eq!((refused, router.counters().tick_full), (904, 904));
    let mut copies = 0;
    router.flush(to, &mut |_| copies += 1);
    let mut released = Vec::new();
    router.finish(&mut released);
    assert_eq!((copies, released.len()), (4_096, 4_096));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn agrees_with_the_model_and_leaves_nothing_behind(steps in prop::collection::vec(step(), 1..150)) {
        let mut world = World::default();
        for step in steps {
            world.take(step)?;
        }
        while let Some(transport) = world.transports.first().copied() {
            world.close_transport(transport.0)?;
        }
        world.finish()?;
        prop_assert!(world.router.is_empty(), "left behind: {:?}", world.router);
        prop_assert!(world.held.is_empty(), "not given back: {:?}", world.held);
    }
}

/// The router and what it should hold.
#[derive(Default)]
struct World {
    router: Router<u32>,
    transports: Vec<(TransportKey, bool)>,
    producers: Vec<Producing>,
    consumers: Vec<Consuming>,
    queued: Vec<(ConsumerKey, u32)>,
    held: BTreeSet<u32>,
    sent: BTreeSet<(u32, u64)>,
    next: u32,
}

#[derive(Clone, Copy)]
struct Producing {
    key: ProducerKey,
    transport: TransportKey,
    ssrc: u32,
    paused: bool,
    sequence: u16,
}

#[derive(Clone, Copy)]
struct Consuming {
    key: ConsumerKey,
    producer: ProducerKey,
    transport: TransportKey,
    paused: bool,
}

#[derive(Clone, Debug)]
enum Step {
    Transport,
    Connect(Index),
    Produce(Index),
    Consume(Index, Index),
    PauseProducer(Index, bool),
    PauseConsumer(Index, bool),
    Packet(Index),
    Flush,
    Finish,
    CloseConsumer(Index),
    CloseProducer(Index),
    CloseTransport(Index),
}

impl World {
    fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
        let transport = |at: Index| (!self.transports.is_empty()).then(|| at.get(&self.transports).0);
        let producer = |at: Index| (!self.producers.is_empty()).then(|| at.index(self.producers.len()));
        let consumer = |at: Index| (!self.consumers.is_empty()).then(|| at.index(self.consumers.len()));
        match step {
            Step::Transport if self.transports.len() == 4 => {}
            Step::Transport => self.transports.push((self.router.add_transport(), false)),
            Step::Finish => self.finish()?,
            Step::Connect(at) => transport(at).into_iter().for_each(|key| self.connect(key)),
            Step::Produce(at) => transport(at).into_iter().for_each(|key| self.produce(key)),
            Step::Consume(at, of) => {
                if let (Some(transport), Some(producer)) = (transport(at), producer(of)) {
                    self.consume(transport, producer);
                }
            }
            Step::PauseProducer(at, pause) => producer(at).map_or(Ok(()), |at| self.pause(at, pause))?,
            Step::PauseConsumer(at, pause) => {
                if let Some(at) = consumer(at) {
                    let key = self.consumers[at].key;
                    self.consumers[at].paused = pause;
                    if pause {
                        self.router.pause_consumer(key)
                    } else {
                        self.router.resume_consumer(key)
                    };
                }
            }
            Step::Packet(at) => producer(at).map_or(Ok(()), |at| self.packet(at))?,
            Step::Flush => self.flush_all()?,
            Step::CloseConsumer(at) => {
                if let Some(at) = consumer(at) {
                    let key = self.consumers[at].key;
                    prop_assert!(self.router.close_consumer(key) && !self.router.close_consumer(key));
                    self.forget(key);
                }
            }
            Step::CloseProducer(at) => producer(at).map_or(Ok(()), |at| self.close_producer(at))?,
            Step::CloseTransport(at) => transport(at).map_or(Ok(()), |key| self.close_transport(key))?,
        }
        Ok(())
    }

    fn connect(&mut self, key: TransportKey) {
        self.router.connect(key);
        self.transports
            .iter_mut()
            .filter(|(known, _)| *known == key)
            .for_each(|(_, connected)| *connected = true);
    }

    fn produce(&mut self, transport: TransportKey) {
        // The lowest that is free, so that what a close frees is taken again.
        let taken =
            |ssrc: &u32| self.producers.iter().any(|of| of.transport == transport && of.ssrc == *ssrc);
        let Some(ssrc) = (1..4).find(|ssrc| !taken(ssrc)) else { return };
        let key = produce(&mut self.router, transport, ssrc).unwrap();
        assert!(produce(&mut self.router, transport, ssrc).is_err(), "the ssrc is taken");
        self.producers.push(Producing { key, transport, ssrc, paused: false, sequence: 0 });
    }

    fn consume(&mut self, transport: TransportKey, producer: usize) {
        self.next += 1;
        let producer = self.producers[producer].key;
        let key = consume(&mut self.router, transport, producer, self.next).unwrap();
        self.consumers.push(Consuming { key, producer, transport, paused: false });
    }

    fn pause(&mut self, at: usize, pause: bool) -> Result<(), TestCaseError> {
        let Producing { key, paused, .. } = self.producers[at];
        let mut told = Vec::new();
        let say = if pause {
            self.router.pause_producer(key, &mut told);
            Told::ProducerPaused
        } else {
            self.router.resume_producer(key, &mut told);
            Told::ProducerResumed
        };
        let expected = if pause == paused { Vec::new() } else { self.consumers_of(key) };
        prop_assert_eq!(sorted(told), sorted(expected.into_iter().map(say).collect()));
        self.producers[at].paused = pause;
        Ok(())
    }

    fn packet(&mut self, at: usize) -> Result<(), TestCaseError> {
        self.next += 1;
        let producer = &mut self.producers[at];
        producer.sequence = producer.sequence.wrapping_add(1);
        let Producing { key, transport, ssrc, paused, sequence } = *producer;
        let mut bytes = Vec::new();
        write(&mut bytes, ssrc, sequence);
        let outcome = self.router.receive(Mono::ZERO, transport, self.next, &View::parse(&bytes).unwrap());
        let connected = |of: TransportKey| self.transports.contains(&(of, true));
        let takes = |consumer: &&Consuming| {
            consumer.producer == key && !consumer.paused && connected(consumer.transport)
        };
        let takers: Vec<_> =
            self.consumers.iter().filter(takes).map(|consumer| (consumer.key, self.next)).collect();
        let forwarded = if let Outcome::Forwarded(copies) = outcome { copies } else { 0 };
        prop_assert_eq!(forwarded, if paused { 0 } else { takers.len() });
        if forwarded > 0 {
            self.queued.extend(takers);
            self.held.insert(self.next);
        }
        Ok(())
    }

    fn flush_all(&mut self) -> Result<(), TestCaseError> {
        let mut dirty = Vec::new();
        self.router.take_dirty(&mut dirty);
        let waits = |of: &&Consuming| self.queued.iter().any(|(consumer, _)| *consumer == of.key);
        let expected: BTreeSet<_> = self.consumers.iter().filter(waits).map(|of| of.transport).collect();
        prop_assert_eq!(sorted(dirty.clone()), sorted(expected.into_iter().collect()));
        dirty.into_iter().try_for_each(|key| self.flush(key))
    }

    fn flush(&mut self, key: TransportKey) -> Result<(), TestCaseError> {
        let mut copies = Vec::new();
        let mut repeated = false;
        self.router.flush(key, &mut |copy| {
            copies.push((copy.consumer, copy.slot));
            repeated |= !self.sent.insert((copy.rewrite.ssrc.0, copy.rewrite.index.value()));
        });
        let mine = |(consumer, _): &(ConsumerKey, u32)| {
            self.consumers.iter().any(|known| known.key == *consumer && known.transport == key)
        };
        let (expected, rest) = self.queued.iter().partition::<Vec<_>, _>(|copy| mine(copy));
        prop_assert_eq!(sorted(copies), sorted(expected));
        prop_assert!(!repeated, "an index was given twice");
        self.queued = rest;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), TestCaseError> {
        let mut released = Vec::new();
        self.router.finish(&mut released);
        let expected = if self.queued.is_empty() { std::mem::take(&mut self.held) } else { BTreeSet::new() };
        prop_assert_eq!(sorted(released), sorted(expected.into_iter().collect()));
        Ok(())
    }

    fn close_producer(&mut self, at: usize) -> Result<(), TestCaseError> {
        let key = self.producers.remove(at).key;
        let expected = self.consumers_of(key);
        let mut told = Vec::new();
        prop_assert!(self.router.close_producer(key, &mut told));
        prop_assert!(!self.router.close_producer(key, &mut Vec::new()), "closed twice");
        expected.iter().for_each(|consumer| self.forget(*consumer));
        prop_assert_eq!(sorted(told), sorted(expected.into_iter().map(Told::ProducerClosed).collect()));
        Ok(())
    }

    fn close_transport(&mut self, key: TransportKey) -> Result<(), TestCaseError> {
        let mine: Vec<_> = self.producers.iter().filter(|of| of.transport == key).map(|of| of.key).collect();
        let expected: Vec<_> = mine.iter().flat_map(|producer| self.consumers_of(*producer)).collect();
        let mut told = Vec::new();
        prop_assert!(self.router.close_transport(key, &mut told));
        self.producers.retain(|producer| producer.transport != key);
        self.transports.retain(|(known, _)| *known != key);
        expected.iter().for_each(|consumer| self.forget(*consumer));
        let inside: Vec<_> =
            self.consumers.iter().filter(|of| of.transport == key).map(|of| of.key).collect();
        inside.into_iter().for_each(|consumer| self.forget(consumer));
        prop_assert_eq!(sorted(told), sorted(expected.into_iter().map(Told::ProducerClosed).collect()));
        Ok(())
    }

    fn consumers_of(&self, producer: ProducerKey) -> Vec<ConsumerKey> {
        self.consumers.iter().filter(|of| of.producer == producer).map(|of| of.key).collect()
    }

    fn forget(&mut self, key: ConsumerKey) {
        self.consumers.retain(|consumer| consumer.key != key);
        self.queued.retain(|(consumer, _)| *consumer != key);
    }
}

/// In an order of its own: which of several consumers comes first is not promised.
fn sorted<T: std::fmt::Debug>(mut values: Vec<T>) -> Vec<T> {
    values.sort_by_key(|value| format!("{value:?}"));
    values
}

fn step() -> impl Strategy<Value = Step> {
    let at = any::<Index>;
    prop_oneof![
        3 => Just(Step::Transport),
        6 => at().prop_map(Step::Connect),
        3 => at().prop_map(Step::Produce),
        12 => (at(), at()).prop_map(|(at, of)| Step::Consume(at, of)),
        2 => (at(), any::<bool>()).prop_map(|(at, pause)| Step::PauseProducer(at, pause)),
        2 => (at(), any::<bool>()).prop_map(|(at, pause)| Step::PauseConsumer(at, pause)),
        20 => at().prop_map(Step::Packet),
        6 => Just(Step::Flush),
        2 => Just(Step::Finish),
        4 => at().prop_map(Step::CloseConsumer),
        1 => at().prop_map(Step::CloseProducer),
        1 => at().prop_map(Step::CloseTransport),
    ]
}
