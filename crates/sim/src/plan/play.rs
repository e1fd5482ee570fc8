//! Playing a plan: a world is made, every step done, the room closed, and everybody who watched asked.

use core::time::Duration;

use model::command::{ConsumerCommand, ProducerCommand};

use super::{Deed, Plan, Publisher, Subscribers};
use crate::house::{Video, Watching};
use crate::oracle::{Scores, Transcript, Verdict, Wrong};
use crate::peer::{Hostile, Malice, Peer, Publishing, Subscribing};
use crate::sight::Sight;
use crate::timeline::Timeline;
use crate::watch::Watch;
use crate::world::{Access, Stopped, Tampering, World};

/// How a plan is played.
#[derive(Debug, Default)]
pub struct Playing {
    /// What chance follows from.
    pub seed: u64,
    /// Other than the plan's.
    pub shards: Option<usize>,
    /// What to keep for a reader.
    pub timeline: Timeline,
    /// Something that is wrong on purpose.
    pub tampering: Option<Tampering>,
    /// Whether the room stays open when slots are counted, which is wrong on purpose.
    pub stays_open: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// What the oracles say.
    pub verdicts: Vec<Verdict>,
    /// What was sent to whom.
    pub transcript: Transcript,
    /// What was told of whom.
    pub scores: Scores,
    /// What happened.
    pub timeline: Timeline,
}

impl Outcome {
    /// How much was wrong.
    #[must_use]
    pub fn wrong(&self) -> usize {
        self.verdicts.iter().map(|verdict| verdict.wrong.count()).sum()
    }

    /// What an oracle says.
    #[must_use]
    pub fn verdict(&self, oracle: &str) -> Option<&Verdict> {
        self.verdicts.iter().find(|verdict| verdict.oracle == oracle)
    }
}

impl Plan {
    /// Plays it.
    ///
    /// # Errors
    /// When the SFU refuses or the machine gives out.
    pub fn play(&self, playing: Playing) -> Result<Outcome, Stopped> {
        let Playing { seed, shards, timeline, tampering, stays_open } = playing;
        let watch = Watch { timeline, ..Watch::expecting(self.goal) };
        let mut world = World::new(seed, shards.unwrap_or(self.shards), watch)?;
        tampering.into_iter().for_each(|tampering| world.tamper(tampering));
        let mut stage = Stage { seed, videos: Vec::new(), others: Vec::new() };
        for step in &self.steps {
            world.watch.see(world.now(), &Sight::Step(&step.description));
            stage.act(&mut world, &step.deed)?;
        }
        let now = world.now();
        let mut verdicts = world.watch.verdicts(now);
        let left = if stays_open { stage.left_open(&mut world) } else { world.close()? };
        let mut wrong = Wrong::default();
        left.into_iter().for_each(|words| wrong.add(|| words));
        verdicts.push(Verdict { oracle: "slots", wrong, figures: Vec::new() });
        let Watch { timeline, transcript, scores, .. } = core::mem::take(&mut world.watch);
        Ok(Outcome { verdicts, transcript, scores, timeline })
    }
}

/// What is known of the peers that came.
struct Stage {
    seed: u64,
    /// By peer; nothing for those who do not publish.
    videos: Vec<Option<Video>>,
    /// SSRCs that a hostile peer gets at.
    others: Vec<u32>,
}

impl Stage {
    fn act(&mut self, world: &mut World, deed: &Deed) -> Result<(), Stopped> {
        match deed {
            Deed::Publish(access, publisher) => self.publish(world, access, *publisher)?,
            Deed::Subscribe(access, subscribers) => self.subscribe(world, access, *subscribers)?,
            Deed::Misbehave(access, of) => self.misbehave(world, access, *of)?,
            Deed::Run(span) => world.run_for(*span)?,
            Deed::Change(whom, up, down) => {
                whom.numbers().for_each(|who| world.change(who, up.clone(), down.clone()));
            }
            Deed::DropNext(whom, up, down) => {
                whom.numbers().for_each(|who| world.drop_next(who, (*up, *down)));
            }
            Deed::PauseProducer(who) => {
                self.serves(world, |of, _| of == *who, false);
                world.order(|room| room.to_producer(*who, ProducerCommand::Pause))?;
            }
            Deed::ResumeProducer(who) => {
                world.order(|room| room.to_producer(*who, ProducerCommand::Resume))?;
                self.serves(world, |of, _| of == *who, true);
            }
            Deed::PauseConsumer(whom) => {
                for who in whom.numbers() {
                    self.serves(world, |_, sink| sink == who, false);
                    world.order(|room| room.to_consumer(who, ConsumerCommand::Pause))?;
                }
            }
            Deed::ResumeConsumer(whom) => {
                for who in whom.numbers() {
                    world.order(|room| room.to_consumer(who, ConsumerCommand::Resume))?;
                    self.serves(world, |_, sink| sink == who, true);
                }
            }
            Deed::Leave(whom) => {
                for who in whom.numbers() {
                    world.leave(who)?;
                }
            }
        }
        Ok(())
    }

    fn publish(&mut self, world: &mut World, access: &Access, publisher: Publisher) -> Result<(), Stopped> {
        let number = u32::try_from(self.videos.len()).unwrap_or(0);
        let ssrc = 1_000 + number * 10;
        let rtx_ssrc = publisher.repairs.then_some(ssrc + 1);
        let publishing = Publishing {
            ssrc,
            rtx_ssrc,
            bits_per_second: publisher.bits_per_second,
            frames_per_second: 30,
            // So that numbers wrap some seconds later.
            first_sequence: u16::MAX - 700,
            seed: self.seed,
        };
        let peer = crate::peer::Publisher::new(publishing, world.now() + SETTLING);
        let who = world.seat(access.clone(), Peer::Publisher(Box::new(peer)))?;
        let video = Video { ssrc, rtx_ssrc };
        world.publish(who, video)?;
        self.videos.push(Some(video));
        self.others.push(ssrc);
        Ok(())
    }

    fn subscribe(&mut self, world: &mut World, access: &Access, new: Subscribers) -> Result<(), Stopped> {
        for at in 0..new.count {
            let (watching, own_ssrc) = self.watching(new.asks_again);
            let subscribing = Subscribing {
                ssrc: watching.ssrc,
                rtx_ssrc: watching.ssrc + 1,
                own_ssrc,
                asks_again: new.asks_again,
                again_after: ASK_AGAIN_AFTER,
            };
            let peer = crate::peer::Subscriber::new(subscribing, world.now());
            let access = Access { shard: access.shard + at, ..access.clone() };
            let who = world.seat(access, Peer::Subscriber(Box::new(peer)))?;
            self.videos.push(None);
            self.others.push(watching.ssrc);
            world.subscribe(who, new.of, watching)?;
        }
        Ok(())
    }

    fn misbehave(&mut self, world: &mut World, access: &Access, of: usize) -> Result<(), Stopped> {
        let (watching, own_ssrc) = self.watching(true);
        let (ssrc, of_others) = (watching.ssrc, self.others.clone());
        let malice = Malice { ssrc, own_ssrc, of_others, seed: self.seed };
        let peer = Hostile::new(malice, world.now());
        let who = world.seat(access.clone(), Peer::Hostile(Box::new(peer)))?;
        self.videos.push(None);
        world.watch.see(world.now(), &Sight::Hostile(who));
        world.subscribe(who, of, watching)
    }

    /// How the next peer subscribes, and what it calls itself.
    fn watching(&self, repairs: bool) -> (Watching, u32) {
        let who = u32::try_from(self.videos.len()).unwrap_or(0);
        let ssrc = 100_000 + who * 10;
        let rtx_ssrc = repairs.then_some(ssrc + 1);
        (Watching { ssrc, rtx_ssrc, seed: self.seed ^ u64::from(ssrc) }, 50_000 + who)
    }

    /// Tells those who watch that subscribers are served, or are not.
    fn serves(&self, world: &mut World, whom: impl Fn(usize, usize) -> bool, is_served: bool) {
        let now = world.now();
        for (who, of) in world.subscribers() {
            if whom(of, who) {
                world.watch.see(now, &Sight::Serves(who, is_served));
            }
        }
    }

    /// What is left of a room that nobody closed.
    fn left_open(&self, world: &mut World) -> Vec<String> {
        let shards = world.hall().shards();
        (0..shards).flat_map(|shard| world.hall().left_over(shard)).collect()
    }
}

/// The camera opens once everybody who came in the same step is there.
const SETTLING: Duration = Duration::from_millis(50);
/// How long a subscriber waits for an answer: a little more than any round trip of the plans.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(100);
