//! Rooms, at random: one shard and three forward the same packets, and nothing is left of whatever was tried.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails in them fails the test")]

mod support;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use model::command::{
    Action, ConsumerCommand, ProducerCommand, RouterCommand, TransportCommand, TransportSetup,
};
use model::key::{ConsumerKey, ProducerKey, RouterKey, ShardIndex, TransportKey};
use shard::FromShard;
use shard::rooms::RoomsConfig;
use support::config;
use support::hall::{Hall, connect, consume, consuming, open, plain, produce, producing, remote, replica};
use support::spread::Room;

/// Numbers that follow from a seed (xorshift64*).
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % sides
    }

    fn pick(&mut self, of: &[u32]) -> Option<u32> {
        if of.is_empty() { None } else { Some(of[self.below(of.len())]) }
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Transport(u32),
    Produce(u32, u32),
    Consume(u32, u32, u32),
    PauseProducer(u32),
    ResumeProducer(u32),
    PauseConsumer(u32),
    ResumeConsumer(u32),
    CloseConsumer(u32),
    CloseProducer(u32),
    CloseTransport(u32),
    Play(u32, u16),
}

/// What to do next, given who is there.
fn step(dice: &mut Dice, room: &Room, number: u32) -> Option<Step> {
    let (transports, producers, consumers) = (room.transports(), room.producers(), room.consumers());
    Some(match dice.below(20) {
        0..=1 => Step::Transport(number),
        2..=3 => Step::Produce(number, dice.pick(&transports)?),
        4..=7 => Step::Consume(number, dice.pick(&transports)?, dice.pick(&producers)?),
        8 => Step::PauseProducer(dice.pick(&producers)?),
        9 => Step::ResumeProducer(dice.pick(&producers)?),
        10 => Step::PauseConsumer(dice.pick(&consumers)?),
        11 => Step::ResumeConsumer(dice.pick(&consumers)?),
        12 => Step::CloseConsumer(dice.pick(&consumers)?),
        13 if dice.below(3) == 0 => Step::CloseProducer(dice.pick(&producers)?),
        14 if dice.below(5) == 0 => Step::CloseTransport(dice.pick(&transports)?),
        _ => Step::Play(dice.pick(&producers)?, u16::try_from(1 + dice.below(4)).unwrap()),
    })
}

fn take(room: &mut Room, step: Step) -> BTreeMap<(SocketAddr, u32), Vec<Vec<u8>>> {
    let shards = room.hall.sides.len();
    match step {
        Step::Transport(number) => room.transport(number, number as usize % shards),
        Step::Produce(number, transport) => room.produce(number, transport),
        Step::Consume(number, transport, producer) => room.consume(number, transport, producer),
        Step::PauseProducer(number) => room.producer_command(number, ProducerCommand::Pause),
        Step::ResumeProducer(number) => room.producer_command(number, ProducerCommand::Resume),
        Step::PauseConsumer(number) => room.consumer_command(number, ConsumerCommand::Pause),
        Step::ResumeConsumer(number) => room.consumer_command(number, ConsumerCommand::Resume),
        Step::CloseConsumer(number) => room.close_consumer(number),
        Step::CloseProducer(number) => room.close_producer(number),
        Step::CloseTransport(number) => room.close_transport(number),
        Step::Play(producer, packets) => room.play(producer, packets),
    }
    // The same time in both worlds, whatever the step took.
    while !room.hall.now.as_nanos().is_multiple_of(2_000_000) {
        room.hall.tick();
    }
    room.heard()
}

#[test]
fn one_shard_and_three_forward_the_same_packets() {
    let (mut played, mut crossed) = (0, 0);
    for seed in 1..=SEEDS {
        let mut dice = Dice::new(seed);
        let (mut one, mut three) = (Room::new(1), Room::new(3));
        for number in 0..STEPS {
            let Some(step) = step(&mut dice, &one, number) else { continue };
            let (expected, heard) = (take(&mut one, step), take(&mut three, step));
            assert_eq!(expected, heard, "seed {seed}, step {number}: {step:?}");
            played += expected.values().map(Vec::len).sum::<usize>();
        }
        crossed += (0..3).map(|shard| three.hall.totals(shard).crossed).sum::<u64>();
        one.close();
        three.close();
    }
    assert!(played > 1_000 && crossed > 500, "{played} packets played, {crossed} crossed");
}

/// Commands as control sends them, none awaited: all are answered once, and closing the routers leaves nothing.
#[test]
fn nothing_is_left_of_whatever_was_not_waited_for() {
    for seed in 1..=SEEDS {
        let mut dice = Dice::new(1_000 + seed);
        let small = RoomsConfig { work_per_tick: 8, ..RoomsConfig::default() };
        let mut hall = Hall::with(3, small, config);
        let mut submitted = [0; 3];
        let mut answered = [0; 3];
        for number in 0..STEPS {
            for (shard, action) in rashly(&mut dice, number) {
                hall.submit(shard, action);
                submitted[shard] += 1;
            }
            // Shards run at their own pace.
            let shard = dice.below(3);
            hall.now += Duration::from_micros(50);
            (0..dice.below(3)).for_each(|_| hall.tick_only(shard));
            count(&mut hall, &mut answered);
        }
        for router in 0..ROUTERS {
            for (shard, submitted) in submitted.iter_mut().enumerate() {
                hall.submit(shard, Action::Router(RouterKey::new(router, 0), RouterCommand::Close));
                *submitted += 1;
            }
        }
        hall.ticks(200);
        count(&mut hall, &mut answered);
        assert_eq!(submitted, answered, "seed {seed}");
        hall.assert_empty();
    }
}

/// Something that control could say, to objects that may be there or not. Each key names one object for ever.
fn rashly(dice: &mut Dice, number: u32) -> Vec<(usize, Action)> {
    let shard = dice.below(3);
    let router = RouterKey::new(u32::try_from(dice.below(ROUTERS as usize)).unwrap(), 0);
    let any = |dice: &mut Dice| u32::try_from(dice.below(number as usize + 1)).unwrap();
    let (transport, producer, consumer) = (any(dice), any(dice), any(dice));
    let transport = TransportKey::new(transport % 200, 0);
    let producer_key = ProducerKey::new(producer, 0);
    let consumer_key = ConsumerKey::new(consumer, 0);
    let here = |action| vec![(shard, action)];
    match dice.below(16) {
        0 => here(Action::Router(router, RouterCommand::Open)),
        1 => {
            let opening =
                if dice.below(2) == 0 { plain(router) } else { open(router, TransportSetup::Direct) };
            here(Action::Transport(
                TransportKey::new(number % 200, 0),
                TransportCommand::Open(Box::new(opening)),
            ))
        }
        2 => here(connect(transport, remote(9))),
        3..=4 => here(produce(ProducerKey::new(number, 0), &producing(transport, number + 1))),
        5..=8 => {
            let to = (shard + 1 + dice.below(2)) % 3;
            let stands_in = ProducerKey::new(10_000 + number, 0);
            let open = producing(transport, producer + 1);
            let home = u16::try_from(shard).unwrap();
            let opening = ProducerCommand::OpenReplica(Box::new(replica(router, &open, home, producer_key)));
            let feed = ProducerCommand::OpenFeed {
                shard: ShardIndex(u16::try_from(to).unwrap()),
                replica: stands_in,
            };
            let consuming = consuming(transport, stands_in, producer + 1, 100_000 + number);
            vec![
                (to, Action::Producer(stands_in, opening)),
                (shard, Action::Producer(producer_key, feed)),
                (to, consume(ConsumerKey::new(number, 0), consuming)),
            ]
        }
        9 => here(Action::Producer(producer_key, ProducerCommand::Pause)),
        10 => here(Action::Producer(producer_key, ProducerCommand::Resume)),
        11 => here(Action::Producer(producer_key, ProducerCommand::Close)),
        12 => here(Action::Consumer(consumer_key, ConsumerCommand::Close)),
        13 if dice.below(4) == 0 => here(Action::Transport(transport, TransportCommand::Close)),
        14 if dice.below(8) == 0 => here(Action::Router(router, RouterCommand::Close)),
        _ => here(Action::Transport(transport, TransportCommand::Report)),
    }
}

fn count(hall: &mut Hall, answered: &mut [usize; 3]) {
    for (side, answered) in hall.sides.iter_mut().zip(answered) {
        side.take_messages();
        let messages = side.inbox.drain(..);
        *answered += messages.filter(|message| matches!(message, FromShard::Reply(..))).count();
    }
}

const SEEDS: u64 = 8;
const STEPS: u32 = 250;
const ROUTERS: u32 = 3;
