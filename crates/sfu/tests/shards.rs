//! A producer and its consumers on two shards: a replica's consumers send the very bytes that local ones do, and what
//! belongs to an epoch that ended goes nowhere.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod support;

use std::time::Duration;

use model::command::Epoch;
use model::key::ShardIndex;
use model::rtp::RtpEncodingParameters;
use model::score::ConsumerType;
use proptest::prelude::*;
use sfu::producer::Activity;
use sfu::transport::DropReason;
use sfu::{Closing, Feed, HandOver, Io, Output, Packets, Verdict};
use support::parameters::{MAPPED_SSRC, bound, connect, consuming, encoding, plain, producing, replica};
use support::{Host, consumer, delta, peer, producer, rtp, transport};
use wire::Mono;

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]
    #[test]
    fn a_replica_is_as_good_as_the_producer(steps in prop::collection::vec(step(), 1..200)) {
        let mut shards = Shards::new();
        for step in steps {
            shards.take(&step);
            let (here, there) = (shards.left_here(), shards.there.left());
            prop_assert_eq!(here, there);
        }
        for host in [&mut shards.here, &mut shards.there] {
            // What is held for a key frame is not held for long.
            host.elapse(Mono::ZERO + Duration::from_secs(2));
            host.finish();
            prop_assert_eq!(host.memory.held(), 0);
        }
        shards.close();
        prop_assert!(shards.here.sfu.is_empty() && shards.there.sfu.is_empty());
    }
}

#[test]
fn a_packet_is_handed_over_once_per_shard_however_many_consumers_there_are() {
    let mut shards = Shards::new();
    for number in 2..10 {
        let open = consuming(transport(1), producer(3), 70 + number);
        shards.there.sfu.consume(consumer(number), &open, &mut shards.there.out).unwrap();
    }
    shards.here.receive(transport(0), peer(1), &rtp(5, 1));
    let handed = shards.here.out.others.iter().filter(|output| matches!(output, Output::HandOver(_))).count();
    assert_eq!(handed, 1);
    shards.cross();
    assert_eq!(shards.there.left().len(), 9);
}

#[test]
fn packets_of_an_ended_epoch_are_discarded_and_counted() {
    let mut shards = Shards::new();
    shards.here.receive(transport(0), peer(1), &rtp(5, 1));
    let late = shards.take_hand_over();
    shards.turn(Activity::Paused);
    assert_eq!(shards.crossed(late), Verdict::Dropped(DropReason::EndedEpoch));
    assert_eq!(shards.there.memory.held(), 0);
    let before_feed = HandOver { epoch: Epoch(77), ..late };
    assert_eq!(shards.crossed(before_feed), Verdict::Dropped(DropReason::EndedEpoch), "nor of a later one");
    shards.turn(Activity::Running);
    shards.here.receive(transport(0), peer(1), &rtp(5, 2));
    let next = shards.take_hand_over();
    assert_eq!(shards.crossed(next), Verdict::Taken);
    let stale = shards.there.sfu.turn_replica(producer(3), Epoch(0), Activity::Paused, &mut shards.there.out);
    stale.unwrap();
    assert_eq!(
        shards.there.sfu.epoch(producer(3)),
        Some((Epoch(2), Activity::Running)),
        "what is older is void"
    );
    shards.there.sfu.close_producer(producer(3)).unwrap();
    assert_eq!(shards.crossed(next), Verdict::Dropped(DropReason::UnknownProducer));
}

#[test]
fn before_its_feed_is_opened_a_replica_takes_nothing() {
    let mut shards = Shards::new();
    let open = producing(transport(0), &ENCODINGS);
    let stand_in = replica(&open, ShardIndex(0), producer(0));
    shards.there.sfu.open_replica(producer(4), &stand_in).unwrap();
    assert_eq!(shards.there.sfu.epoch(producer(4)), None);
    shards.here.receive(transport(0), peer(1), &rtp(5, 1));
    let packet = HandOver { replica: producer(4), ..shards.take_hand_over() };
    assert_eq!(shards.crossed(packet), Verdict::Dropped(DropReason::EndedEpoch));
}

#[test]
fn a_closed_feed_gets_nothing_and_a_closed_producer_names_its_feeds() {
    let mut shards = Shards::new();
    let feed = Feed { shard: ShardIndex(1), replica: producer(3) };
    assert_eq!(shards.here.sfu.feeds(producer(0)), [feed]);
    let other = Feed { shard: ShardIndex(2), replica: producer(9) };
    shards.here.sfu.open_feed(producer(0), other, &mut shards.here.out).unwrap();
    assert_eq!(shards.here.sfu.close_feed(producer(0), ShardIndex(1)), Some(feed));
    assert_eq!(shards.here.sfu.close_feed(producer(0), ShardIndex(1)), None);
    shards.here.receive(transport(0), peer(1), &rtp(5, 1));
    assert_eq!(shards.take_hand_over().shard, ShardIndex(2));
    let closed = shards.here.sfu.close_producer(producer(0)).unwrap();
    assert_eq!((closed.feeds, closed.epoch), (vec![other], Epoch(1)));
}

#[test]
fn two_requests_for_a_key_frame_of_an_encoding_cross_at_a_time_and_one_reaches_its_sender() {
    let mut shards = Shards::new();
    shards.here.receive(transport(0), peer(1), &rtp(5, 1));
    shards.cross();
    shards.there.left();
    let asks = |shards: &mut Shards| {
        for _ in 0..3 {
            shards.there.sfu.request_key_frame_for(consumer(1), &mut shards.there.out).unwrap();
        }
        let is_request = |output: &mut Output<usize>| matches!(output, Output::RequestKeyFrame { .. });
        shards.there.out.others.extract_if(.., is_request).collect::<Vec<_>>()
    };
    let ask = |encoding| Output::RequestKeyFrame { shard: ShardIndex(0), producer: producer(0), encoding };
    for at_ms in [1_000, 1_010, 1_020, 1_249, 1_250] {
        shards.there.elapse(Mono::ZERO + Duration::from_millis(at_ms));
        let expected: &[_] = if matches!(at_ms, 1_020 | 1_249) { &[] } else { &[ask(0), ask(1)] };
        assert_eq!(asks(&mut shards), expected, "a pipe means all");
    }
    shards.here.sfu.request_key_frame(producer(0), 0, &mut shards.here.out);
    shards.here.sfu.request_key_frame(producer(0), 0, &mut shards.here.out);
    shards.here.finish();
    let requests =
        shards.here.left().into_iter().filter(|datagram| datagram.starts_with(&[0x81, 206])).count();
    assert_eq!(requests, 1);
}

#[derive(Clone, Debug)]
enum Step {
    Packet(u32, u16),
    Delta(u32, u16),
    Producer(Activity),
    Blink(u16),
    Consumer(Activity),
}

/// A producer and a consumer here, what stands for the producer and another consumer, with the same numbers, there.
struct Shards {
    here: Host,
    there: Host,
    sequence: u16,
}

impl Shards {
    fn new() -> Self {
        let (mut here, mut there) = (Host::default(), Host::default());
        for host in [&mut here, &mut there] {
            for (number, port) in [(0, 1), (1, 2)] {
                host.sfu.open_transport(transport(number), &plain(), &bound()).unwrap();
                host.sfu.connect(transport(number), &connect(port, None, None), &mut host.out).unwrap();
            }
        }
        let open = producing(transport(0), &ENCODINGS);
        here.sfu.produce(producer(0), &open).unwrap();
        there.sfu.open_replica(producer(3), &replica(&open, ShardIndex(0), producer(0))).unwrap();
        let feed = Feed { shard: ShardIndex(1), replica: producer(3) };
        here.sfu.open_feed(producer(0), feed, &mut here.out).unwrap();
        for (host, of) in [(&mut here, producer(0)), (&mut there, producer(3))] {
            let mut open = consuming(transport(1), of, 70);
            open.consumer_type = ConsumerType::Pipe;
            open.consumable_encodings = (0..2).map(|at| encoding(MAPPED_SSRC.after(at).0)).collect();
            open.rtp_parameters.encodings = vec![encoding(70), encoding(71)];
            host.sfu.consume(consumer(1), &open, &mut host.out).unwrap();
        }
        let mut shards = Self { here, there, sequence: 65_500 };
        shards.tell();
        shards
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Packet(ssrc, jump) => {
                self.sequence = self.sequence.wrapping_add(jump);
                self.here.receive(transport(0), peer(1), &rtp(ssrc, self.sequence));
            }
            Step::Delta(ssrc, jump) => {
                self.sequence = self.sequence.wrapping_add(jump);
                self.here.receive(transport(0), peer(1), &delta(ssrc, self.sequence));
            }
            Step::Producer(activity) => self.turn(activity),
            Step::Blink(jump) => self.blink(jump),
            Step::Consumer(activity) => {
                for host in [&mut self.here, &mut self.there] {
                    match activity {
                        Activity::Paused => host.sfu.pause_consumer(consumer(1), &mut host.out),
                        Activity::Running => host.sfu.resume_consumer(consumer(1), &mut host.out),
                    }
                    .unwrap();
                }
            }
        }
        self.cross();
    }

    /// Pauses or resumes the producer, and tells the other shard.
    fn turn(&mut self, activity: Activity) {
        let Host { sfu, out, .. } = &mut self.here;
        match activity {
            Activity::Paused => sfu.pause_producer(producer(0), out),
            Activity::Running => sfu.resume_producer(producer(0), out),
        }
        .unwrap();
        self.tell();
    }

    /// Pauses and resumes the producer around a packet. Facts are coalesced: the other shard hears of it once.
    fn blink(&mut self, jump: u16) {
        let Host { sfu, out, .. } = &mut self.here;
        sfu.pause_producer(producer(0), out).unwrap();
        self.sequence = self.sequence.wrapping_add(jump);
        self.here.receive(transport(0), peer(1), &rtp(5, self.sequence));
        let Host { sfu, out, .. } = &mut self.here;
        sfu.resume_producer(producer(0), out).unwrap();
        self.tell();
    }

    fn tell(&mut self) {
        let (epoch, activity) = self.here.sfu.epoch(producer(0)).unwrap();
        self.there.sfu.turn_replica(producer(3), epoch, activity, &mut self.there.out).unwrap();
    }

    fn cross(&mut self) {
        self.here.hand_over(&mut self.there);
        self.here.finish();
        self.there.finish();
        self.there.out.clear();
    }

    /// What left here for consumers.
    fn left_here(&mut self) -> Vec<Vec<u8>> {
        let mut left = self.here.left();
        left.retain(|datagram| wire::classify(datagram) == Some(wire::Kind::Rtp));
        left
    }

    /// The packet that waits to be handed over, whose bytes are given back.
    fn take_hand_over(&mut self) -> HandOver<usize> {
        let at =
            self.here.out.others.iter().position(|output| matches!(output, Output::HandOver(_))).unwrap();
        let packet = match self.here.out.others.remove(at) {
            Output::HandOver(packet) => packet,
            other => unreachable!("{other:?}"),
        };
        self.here.memory.release(packet.slot);
        packet
    }

    fn crossed(&mut self, packet: HandOver<usize>) -> Verdict {
        let bytes = rtp(5, 1);
        let Host { sfu, memory, out, now, .. } = &mut self.there;
        let slot = memory.fill(bytes.len(), |out| {
            out.copy_from_slice(&bytes);
            Some(bytes.len())
        });
        let packet = HandOver { slot: slot.unwrap(), ..packet };
        sfu.crossed(&packet, &mut Io { now: *now, packets: memory, out })
    }

    fn close(&mut self) {
        self.there.sfu.close_producer(producer(3)).unwrap();
        for host in [&mut self.here, &mut self.there] {
            for number in [0, 1] {
                assert_eq!(host.sfu.close_transport(transport(number), usize::MAX), Ok(Closing::Done));
            }
            host.finish();
        }
    }
}

#[expect(clippy::disallowed_types, reason = "prop_oneof! shares its strategies within one thread")]
fn step() -> impl Strategy<Value = Step> {
    let activity = prop::sample::select(vec![Activity::Paused, Activity::Running]);
    let jump = || (5..=6_u32, prop::sample::select(vec![1, 1, 1, 1, 2, 0, u16::MAX, u16::MAX - 1, 3]));
    prop_oneof![
        5 => jump().prop_map(|(ssrc, jump)| Step::Packet(ssrc, jump)),
        15 => jump().prop_map(|(ssrc, jump)| Step::Delta(ssrc, jump)),
        1 => activity.clone().prop_map(Step::Producer),
        1 => (1..=3_u16).prop_map(Step::Blink),
        1 => activity.prop_map(Step::Consumer),
    ]
}

const ENCODINGS: [RtpEncodingParameters; 2] = [announced(5), announced(6)];

const fn announced(ssrc: u32) -> RtpEncodingParameters {
    RtpEncodingParameters {
        ssrc: Some(model::id::Ssrc(ssrc)),
        rid: None,
        codec_payload_type: None,
        rtx: None,
        dtx: None,
        scalability_mode: None,
        max_bitrate: None,
    }
}
