//! A core with shards that move no packet, driven in an order that a seed decides.

use std::collections::{BTreeSet, VecDeque};

use model::key::ShardIndex;
use model::transport::{DtlsFingerprint, FingerprintAlgorithm, PortRange};
use shardcast::answer::Answered;
use shardcast::core::{Config, Core, DoorId, FromShard, Output, Placement, Policy, Random, Tag};
use shardcast::{Event, Notification, Request};

use super::dice::Dice;
use super::fake::{BoundPorts, Fact, Fake};

pub(crate) struct World {
    pub(crate) core: Core,
    pub(crate) door: DoorId,
    pub(crate) shards: Vec<Fake>,
    pub(crate) ports: BoundPorts,
    /// What shards told each other, in the order of each lane.
    lanes: Vec<Vec<VecDeque<Fact>>>,
    pub(crate) out: Vec<Output>,
    /// Shards that do not go on.
    hung: BTreeSet<usize>,
    next_tag: u64,
    dice: Dice,
}

impl World {
    /// One shard.
    pub(crate) fn new() -> Self {
        Self::with(Placement::single(), 1)
    }

    /// Transports go to each shard in turn.
    pub(crate) fn spread(shards: u16, seed: u64) -> Self {
        Self::with(Placement { shards, policy: Policy::RoundRobin }, seed)
    }

    pub(crate) fn with(placement: Placement, seed: u64) -> Self {
        let fingerprint = DtlsFingerprint { algorithm: FingerprintAlgorithm::Sha256, value: "AB:CD".into() };
        let config = Config {
            pid: 42,
            rtc_ports: PortRange { min: 10_000, max: 10_100 },
            fingerprints: vec![fingerprint],
            placement,
        };
        let mut bytes = Dice(seed);
        let random = Random::new(move |out| out.fill_with(|| bytes.roll(256) as u8));
        let mut core = Core::new(config, random);
        let door = core.open_door();
        let count = usize::from(placement.shards);
        Self {
            core,
            door,
            shards: (0..placement.shards).map(Fake::new).collect(),
            ports: BoundPorts::new(),
            lanes: (0..count).map(|_| (0..count).map(|_| VecDeque::new()).collect()).collect(),
            out: Vec::new(),
            hung: BTreeSet::new(),
            next_tag: 0,
            dice: Dice(seed ^ 0x5eed),
        }
    }

    pub(crate) fn ask(&mut self, request: Request) -> Tag {
        let tag = Tag(self.next_tag);
        self.next_tag += 1;
        self.core.request(self.door, tag, request);
        self.collect();
        tag
    }

    pub(crate) fn notify(&mut self, notification: Notification) {
        self.core.notify(self.door, notification);
        self.collect();
    }

    /// Asks, and lets everything happen that follows.
    pub(crate) fn answer(&mut self, request: Request) -> Answered {
        let tag = self.ask(request);
        self.run();
        self.answered(tag).unwrap_or_else(|| panic!("{tag:?} was not answered"))
    }

    pub(crate) fn ok(&mut self, request: Request) -> shardcast::Answer {
        let shown = format!("{request:?}");
        self.answer(request).unwrap_or_else(|refusal| panic!("{shown}: {refusal}"))
    }

    pub(crate) fn answered(&self, asked: Tag) -> Option<Answered> {
        self.out.iter().find_map(|output| match output {
            Output::Answer { tag, answered, .. } if *tag == asked => Some(answered.clone()),
            _ => None,
        })
    }

    /// Takes what was told so far.
    pub(crate) fn take_events(&mut self) -> Vec<Event> {
        let events = std::mem::take(&mut self.out).into_iter().filter_map(|output| match output {
            Output::Event(event) => Some(event),
            _ => None,
        });
        events.collect()
    }

    /// Something happens somewhere. False if nothing is left to.
    pub(crate) fn step(&mut self) -> bool {
        let count = self.shards.len();
        // Where to look first is by chance; then in turn.
        let first = self.dice.roll(count * 4);
        let happened = (0..count * 4).any(|offset| {
            let place = (first + offset) % (count * 4);
            self.try_step(place / 4, place % 4)
        });
        self.collect();
        happened
    }

    pub(crate) fn run(&mut self) {
        while self.step() {}
    }

    /// Whether the dice say so, once in so many times.
    pub(crate) fn chance(&mut self, once_in: usize) -> bool {
        self.dice.roll(once_in) == 0
    }

    pub(crate) fn panic(&mut self, shard: usize) {
        self.shards[shard].panic(&mut self.ports);
        for other in 0..self.shards.len() {
            // What the lost one was told, nobody hears any more: its neighbours take that for heard.
            let told = std::mem::take(&mut self.lanes[other][shard]);
            let heard = told.into_iter().filter_map(|fact| match fact {
                Fact::Gone(_, _, number) | Fact::Heed(number) => Some(Fact::Heeded(number)),
                Fact::Heeded(_) | Fact::Message(..) => None,
            });
            self.lanes[shard][other].retain(|fact| matches!(fact, Fact::Heeded(_)));
            self.lanes[shard][other].extend(heard);
        }
    }

    /// From here on the shard does nothing.
    pub(crate) fn hang(&mut self, shard: usize) {
        self.hung.insert(shard);
    }

    /// It goes on where it stopped.
    pub(crate) fn wake(&mut self, shard: usize) {
        self.hung.remove(&shard);
    }

    /// A second in which the others did all they had to do, at the end of which somebody looks who hangs.
    pub(crate) fn second(&mut self) {
        self.run();
        self.look();
        self.run();
    }

    /// Somebody looks who hangs.
    pub(crate) fn look(&mut self) {
        for shard in 0..self.shards.len() {
            self.core.set_stuck(ShardIndex(shard as u16), self.hung.contains(&shard));
        }
        self.core.give_up();
        self.collect();
    }

    /// Whether nothing is left anywhere.
    pub(crate) fn is_empty(&self) -> bool {
        self.core.is_empty() && self.ports.is_empty() && self.shards.iter().all(Fake::is_empty)
    }

    fn try_step(&mut self, shard: usize, what: usize) -> bool {
        // What it said before it hung is heard.
        if what < 3 && self.hung.contains(&shard) {
            return false;
        }
        let happened = match what {
            0 => {
                let fake = &mut self.shards[shard];
                while let Some(command) = self.core.next_command(ShardIndex(fake.index)) {
                    fake.commands.push_back(command);
                }
                fake.execute(&mut self.ports)
            }
            1 => {
                let which = self.dice.roll(1 << 16);
                self.shards[shard].end_closing(which, &mut self.ports)
            }
            2 => {
                let from = self.dice.roll(self.shards.len());
                let all = (0..self.shards.len()).map(|offset| (from + offset) % self.shards.len());
                let heard =
                    all.into_iter().find_map(|from| Some((from, self.lanes[from][shard].pop_front()?)));
                heard.is_some_and(|(from, fact)| {
                    self.shards[shard].hear(from as u16, fact);
                    true
                })
            }
            _ => {
                let said = self.shards[shard].said.pop_front();
                said.is_some_and(|said: FromShard| {
                    self.core.from_shard(ShardIndex(shard as u16), said);
                    true
                })
            }
        };
        for (from, to, fact) in std::mem::take(&mut self.shards[shard].told) {
            self.lanes[usize::from(from)][usize::from(to)].push_back(fact);
        }
        happened
    }

    fn collect(&mut self) {
        while let Some(output) = self.core.poll() {
            self.out.push(output);
        }
    }
}
