//! Rooms against a model that keeps lists: who gets a packet, in which order it leaves, and that nothing is left
//! behind.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use std::collections::BTreeSet;

use model::key::{ConsumerKey, ProducerKey, TransportKey};
use proptest::prelude::*;
use proptest::sample::Index;
use sfu::transport::DropReason;
use sfu::{Closing, Error, Verdict};
use support::parameters::{bound, connect, consuming, encoding, plain, producing};
use support::{Host, PAYLOAD, consumer, peer, producer, rtp, transport};
use wire::Ssrc;
use wire::rtp::View;

#[test]
fn a_copy_says_what_its_consumer_says_and_has_the_payload_of_the_packet() {
    let mut host = Host::room(1);
    assert_eq!(host.receive(transport(0), peer(1), &rtp(5, 9)), Verdict::Taken);
    assert!(host.out.flushes.contains(&transport(1)));
    host.finish();
    let left = host.left();
    let [copy] = left.as_slice() else { panic!("{left:?}") };
    let copy = View::parse(copy).unwrap();
    assert_eq!((copy.ssrc(), copy.timestamp(), copy.payload()), (Ssrc(1_001), 27_000, &PAYLOAD[..]));
    let elements: Vec<_> = copy.elements().map(|element| (element.id.value(), element.data)).collect();
    let expected: [(u8, &[u8]); 4] = [(1, b"0"), (4, &[0; 3]), (5, &[0; 2]), (8, &[1])];
    assert_eq!(elements, expected);
    assert_eq!(host.memory.held(), 0);
}

#[test]
fn a_packet_that_nobody_takes_is_not_held() {
    let mut host = Host::room(0);
    let dropped = |reason| Verdict::Dropped(reason);
    assert_eq!(host.receive(transport(0), peer(1), &rtp(5, 9)), dropped(DropReason::NoTaker));
    host.sfu.open_transport(transport(9), &plain(), &bound()).unwrap();
    host.sfu.consume(consumer(9), &consuming(transport(9), producer(0), 70), &mut host.out).unwrap();
    assert_eq!(
        host.receive(transport(0), peer(1), &rtp(5, 10)),
        dropped(DropReason::NoTaker),
        "not connected"
    );
    assert_eq!(host.receive(transport(0), peer(1), &rtp(6, 9)), dropped(DropReason::UnknownProducer));
    assert_eq!(host.memory.held(), 0);
    assert_eq!(host.sfu.drops(transport(0)).unwrap().of(DropReason::NoTaker), 2);
    assert_eq!(host.receive(transport(77), peer(1), &rtp(6, 9)), dropped(DropReason::UnknownTransport));
    host.sfu.close_transport(transport(0), 9).unwrap();
    assert_eq!(
        (host.sfu.drops(transport(0)), host.sfu.dropped().total()),
        (None, 4),
        "what was stays counted"
    );
}

#[test]
fn two_consumers_of_a_transport_cannot_share_their_ssrcs() {
    let mut host = Host::room(1);
    let consume = |host: &mut Host, key, ssrc, rtx: Option<u32>| {
        let mut open = consuming(transport(1), producer(0), ssrc);
        open.rtp_parameters.encodings[0].rtx =
            rtx.map(|ssrc| model::rtp::RtxParameters { ssrc: model::id::Ssrc(ssrc) });
        host.sfu.consume(key, &open, &mut host.out)
    };
    assert_eq!(consume(&mut host, consumer(7), 1_001, None), Err(Error::SsrcTaken(Ssrc(1_001))));
    assert_eq!(consume(&mut host, consumer(7), 70, Some(1_001)), Err(Error::SsrcTaken(Ssrc(1_001))));
    assert_eq!(host.sfu.consumers_of(producer(0)), [consumer(1)], "nothing has changed");
    consume(&mut host, consumer(7), 70, Some(71)).unwrap();
    assert_eq!(consume(&mut host, consumer(8), 71, None), Err(Error::SsrcTaken(Ssrc(71))));
    assert_eq!(consume(&mut host, consumer(8), 80, Some(71)), Err(Error::SsrcTaken(Ssrc(71))));
    host.sfu.close_consumer(consumer(7)).unwrap();
    consume(&mut host, consumer(8), 71, Some(70)).unwrap();
}

#[test]
fn a_key_that_is_taken_is_refused() {
    let mut host = Host::room(1);
    let refused = host.sfu.open_transport(transport(1), &plain(), &bound()).unwrap_err();
    assert_eq!(refused.to_string(), "the transport cannot be made: its place is taken");
    let again = host.sfu.consume(consumer(1), &consuming(transport(1), producer(0), 7), &mut host.out);
    assert!(matches!(again, Err(Error::NoPlace { what: "consumer", .. })));
    let again = host.sfu.produce(producer(0), &producing(transport(0), &[encoding(8)]));
    assert!(matches!(again, Err(Error::NoPlace { what: "producer", .. })));
}

#[test]
fn packets_in_flight_are_bounded_and_counted() {
    let mut host = Host::room(1);
    let taken = (0..5_000).filter(|at| host.receive(transport(0), peer(1), &rtp(5, *at)) == Verdict::Taken);
    assert_eq!(taken.count(), 4_096);
    let queue_full = host.sfu.counters().queue_full;
    assert_eq!((host.sfu.counters().tick_full + queue_full, host.memory.held()), (904, 4_096));
    host.finish();
    assert_eq!((host.left().len(), host.memory.held()), (4_096, 0));
}

#[test]
fn a_transport_that_is_never_flushed_holds_nothing_for_ever() {
    let mut host = Host::room(2);
    for sequence in 0..4_000_u16 {
        assert_eq!(host.receive(transport(0), peer(1), &rtp(5, sequence)), Verdict::Taken);
        host.out.flushes.retain(|flushed| *flushed != transport(2));
        host.finish();
        assert!(host.memory.held() <= 10, "{}", host.memory.held());
    }
    assert_eq!(host.left().len(), 4_000, "the other gets everything");
    assert!(host.sfu.counters().stale > 3_000);
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
        prop_assert!(world.host.sfu.is_empty(), "left behind: {:?}", world.host.sfu);
        prop_assert_eq!(world.host.memory.held(), 0, "not given back");
    }
}

impl Host {
    /// A producer on transport 0, and as many transports with a consumer each, all numbered from 1.
    fn room(consumers: u32) -> Self {
        let mut host = Self::default();
        for number in 0..=consumers {
            host.sfu.open_transport(transport(number), &plain(), &bound()).unwrap();
            let port = u16::try_from(number).unwrap() + 1;
            host.sfu.connect(transport(number), &connect(port, None, None), &mut host.out).unwrap();
        }
        host.sfu.produce(producer(0), &producing(transport(0), &[encoding(5)])).unwrap();
        for number in 1..=consumers {
            let open = consuming(transport(number), producer(0), 1_000 + number);
            host.sfu.consume(consumer(number), &open, &mut host.out).unwrap();
        }
        host.out.clear();
        host
    }
}

/// The SFU and what it should hold.
#[derive(Default)]
struct World {
    host: Host,
    transports: Vec<(TransportKey, bool)>,
    producers: Vec<Producing>,
    consumers: Vec<Consuming>,
    /// Which consumer is to get which packet.
    queued: Vec<(ConsumerKey, u32)>,
    sent: BTreeSet<(u32, u16)>,
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
            Step::Transport => self.open_transport(),
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
                    let Host { sfu, out, .. } = &mut self.host;
                    if pause { sfu.pause_consumer(key, out) } else { sfu.resume_consumer(key, out) }.unwrap();
                }
            }
            Step::Packet(at) => producer(at).map_or(Ok(()), |at| self.packet(at))?,
            Step::CloseConsumer(at) => {
                if let Some(at) = consumer(at) {
                    let key = self.consumers[at].key;
                    prop_assert!(self.host.sfu.close_consumer(key).is_ok());
                    prop_assert!(self.host.sfu.close_consumer(key).is_err());
                    self.forget(key);
                }
            }
            Step::CloseProducer(at) => producer(at).map_or(Ok(()), |at| self.close_producer(at))?,
            Step::CloseTransport(at) => transport(at).map_or(Ok(()), |key| self.close_transport(key))?,
        }
        Ok(())
    }

    /// The lowest place that is free, with a generation that was not there before.
    fn vacant(&mut self, taken: &[u32]) -> (u32, u32) {
        self.next += 1;
        ((0..).find(|index| !taken.contains(index)).unwrap(), self.next)
    }

    fn open_transport(&mut self) {
        let taken: Vec<_> = self.transports.iter().map(|(key, _)| key.index).collect();
        let (index, generation) = self.vacant(&taken);
        let key = TransportKey::new(index, generation);
        self.host.sfu.open_transport(key, &plain(), &bound()).unwrap();
        self.transports.push((key, false));
    }

    fn connect(&mut self, key: TransportKey) {
        let known = self.transports.iter_mut().find(|(known, _)| *known == key).unwrap();
        let told = connect(port_of(key), None, None);
        let connected = self.host.sfu.connect(key, &told, &mut self.host.out);
        assert_eq!(connected, if known.1 { Err(Error::AlreadyConnected) } else { Ok(()) });
        known.1 = true;
    }

    fn produce(&mut self, transport: TransportKey) {
        // The lowest that is free, so that what a close frees is taken again.
        let is_taken =
            |ssrc: &u32| self.producers.iter().any(|of| of.transport == transport && of.ssrc == *ssrc);
        let Some(ssrc) = (1..4).find(|ssrc| !is_taken(ssrc)) else { return };
        let taken: Vec<_> = self.producers.iter().map(|producer| producer.key.index).collect();
        let (index, generation) = self.vacant(&taken);
        let key = ProducerKey::new(index, generation);
        let open = producing(transport, &[encoding(ssrc)]);
        self.host.sfu.produce(key, &open).unwrap();
        let other = ProducerKey::new(900, 0);
        assert!(self.host.sfu.produce(other, &open).is_err(), "the ssrc is taken");
        self.producers.push(Producing { key, transport, ssrc, paused: false, sequence: 0 });
    }

    fn consume(&mut self, transport: TransportKey, producer: usize) {
        let taken: Vec<_> = self.consumers.iter().map(|consumer| consumer.key.index).collect();
        let (index, generation) = self.vacant(&taken);
        let (key, producer) = (ConsumerKey::new(index, generation), self.producers[producer].key);
        // The generation is the SSRC, by which the consumer is known on the wire.
        let open = consuming(transport, producer, generation);
        self.host.sfu.consume(key, &open, &mut self.host.out).unwrap();
        self.consumers.push(Consuming { key, producer, transport, paused: false });
    }

    fn pause(&mut self, at: usize, pause: bool) -> Result<(), TestCaseError> {
        let Producing { key, paused, .. } = self.producers[at];
        let Host { sfu, out, .. } = &mut self.host;
        let turned = if pause { sfu.pause_producer(key, out) } else { sfu.resume_producer(key, out) };
        prop_assert_eq!(turned.unwrap().is_some(), pause != paused);
        self.producers[at].paused = pause;
        Ok(())
    }

    fn packet(&mut self, at: usize) -> Result<(), TestCaseError> {
        self.next += 1;
        let number = self.next;
        let producer = &mut self.producers[at];
        producer.sequence = producer.sequence.wrapping_add(1);
        let Producing { key, transport, ssrc, paused, sequence } = *producer;
        let mut bytes = rtp(ssrc, sequence);
        bytes.extend(number.to_be_bytes());
        let verdict = self.host.receive(transport, peer(port_of(transport)), &bytes);
        let connected = |of: TransportKey| self.transports.contains(&(of, true));
        if !connected(transport) {
            prop_assert_eq!(verdict, Verdict::Dropped(DropReason::NotConnected));
            return Ok(());
        }
        let takes = |consumer: &&Consuming| {
            consumer.producer == key && !consumer.paused && connected(consumer.transport)
        };
        let takers: Vec<_> =
            self.consumers.iter().filter(takes).map(|consumer| (consumer.key, number)).collect();
        prop_assert_eq!(verdict == Verdict::Taken, !paused && !takers.is_empty());
        if !paused {
            self.queued.extend(takers);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), TestCaseError> {
        self.host.finish();
        let runs = self.host.wire.runs.clone();
        let mut left = self.host.left().into_iter();
        for run in runs {
            for _ in 0..run.len.div_ceil(run.segment_size) {
                let copy = left.next().unwrap();
                if wire::classify(&copy) == Some(wire::Kind::Rtcp) {
                    continue;
                }
                let copy = View::parse(&copy).unwrap();
                prop_assert!(self.sent.insert((copy.ssrc().0, copy.sequence())), "an index was given twice");
                let number = copy.payload().last_chunk().map(|number| u32::from_be_bytes(*number)).unwrap();
                let consumer =
                    self.consumers.iter().find(|known| known.key.generation == copy.ssrc().0).unwrap();
                prop_assert_eq!(port_of(consumer.transport), run.to.port());
                // In the order of arrival, consumer by consumer.
                let of_this = self.queued.iter().position(|(known, _)| *known == consumer.key);
                prop_assert_eq!(of_this.map(|at| self.queued.remove(at).1), Some(number));
            }
        }
        prop_assert_eq!(&self.queued, &[]);
        prop_assert_eq!(self.host.memory.held(), 0);
        self.host.out.clear();
        Ok(())
    }

    fn close_producer(&mut self, at: usize) -> Result<(), TestCaseError> {
        let key = self.producers.remove(at).key;
        let expected = self.consumers_of(key);
        prop_assert_eq!(sorted(self.host.sfu.consumers_of(key).to_vec()), sorted(expected.clone()));
        prop_assert!(self.host.sfu.close_producer(key).is_ok());
        prop_assert!(self.host.sfu.close_producer(key).is_err(), "closed twice");
        expected.iter().for_each(|consumer| self.forget(*consumer));
        Ok(())
    }

    fn close_transport(&mut self, key: TransportKey) -> Result<(), TestCaseError> {
        let mine: Vec<_> = self.producers.iter().filter(|of| of.transport == key).map(|of| of.key).collect();
        let gone: Vec<_> = mine.iter().flat_map(|producer| self.consumers_of(*producer)).collect();
        let mut parts = 0;
        while self.host.sfu.close_transport(key, 2).unwrap() == Closing::More {
            parts += 1;
            prop_assert!(parts < 1_000);
        }
        self.producers.retain(|producer| producer.transport != key);
        self.transports.retain(|(known, _)| *known != key);
        gone.iter().for_each(|consumer| self.forget(*consumer));
        let inside: Vec<_> =
            self.consumers.iter().filter(|of| of.transport == key).map(|of| of.key).collect();
        inside.into_iter().for_each(|consumer| self.forget(consumer));
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

fn port_of(transport: TransportKey) -> u16 {
    u16::try_from(transport.index).unwrap() + 1
}

/// In an order of its own: which of several consumers comes first is not promised.
fn sorted<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort();
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
        6 => Just(Step::Finish),
        4 => at().prop_map(Step::CloseConsumer),
        1 => at().prop_map(Step::CloseProducer),
        1 => at().prop_map(Step::CloseTransport),
    ]
}
