//! Shards that know each other, in virtual time, and answers to commands.

use core::time::Duration;
use std::io;

use model::command::Action;
use model::event::Event;
use model::reply::{Answer, Outcome, Refusal};
use net::lane::Sleeper;
use net::{Pool, PoolSizing};
use shard::rooms::{Rooms, RoomsConfig, Told};
use shard::{
    Capacity, Control, CountersReader, FromShard, HashKey, LaneSizing, Link, QueueSizing, RequestId,
    ShardConfig, ShardCore, ShardId, Totals, connect,
};
use wire::Mono;

use super::MemoryDriver;

/// Shards that know each other.
#[derive(Debug)]
pub struct Hall {
    sides: Vec<Side>,
    requests: u64,
}

#[derive(Debug)]
struct Side {
    core: ShardCore<Rooms, MemoryDriver>,
    control: Control<Rooms>,
    link: Link,
    counters: CountersReader,
    inbox: Vec<FromShard<Outcome, Told>>,
    _sleeper: Sleeper,
}

/// Why the hall did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A shard said so.
    #[error("shard {0} refuses: {1}")]
    Refusal(usize, Refusal),
    /// A shard lost the command, with all its rooms.
    #[error("shard {0} lost the command: {1}")]
    Lost(usize, String),
    /// Nothing was said for too long.
    #[error("shard {0} does not answer")]
    Silent(usize),
}

impl Hall {
    /// So many shards, which begin at that time.
    ///
    /// # Errors
    /// When the process has not the descriptors or the memory.
    pub fn new(shards: usize, now: Mono) -> io::Result<Self> {
        let mut hall = Self { sides: Vec::new(), requests: 0 };
        for shard in 0..shards {
            hall.sides.push(Side::new(shard)?);
        }
        for b in 1..shards {
            for a in 0..b {
                let lanes = LaneSizing::new(HashKey([3, 4]));
                let (to_a, to_b) = connect(&hall.sides[a].link, &hall.sides[b].link, lanes);
                let greeted = [(a, to_a), (b, to_b)]
                    .into_iter()
                    .all(|(side, neighbour)| hall.sides[side].control.introduce(neighbour).is_ok());
                assert!(greeted, "queues of commands are empty at the start");
            }
        }
        hall.settle(now)?;
        Ok(hall)
    }

    /// How many shards.
    #[must_use]
    pub const fn shards(&self) -> usize {
        self.sides.len()
    }

    /// Ticks every shard until none has anything to do at this time: what crosses arrives at once.
    ///
    /// # Errors
    /// Never with a driver in memory.
    pub fn settle(&mut self, now: Mono) -> io::Result<()> {
        for _ in 0..MOST_ROUNDS {
            let mut at_rest = true;
            for side in &mut self.sides {
                side.core.wait()?;
                at_rest &= side.core.driver_mut().waits_until().is_some_and(|until| until > now);
                side.core.tick(now);
                side.take_messages();
            }
            if at_rest {
                break;
            }
        }
        Ok(())
    }

    /// When a shard wants to be ticked next, if nothing happens before.
    pub fn next_deadline(&mut self) -> Mono {
        let deadline = |side: &mut Side| side.core.driver_mut().waits_until().unwrap_or(Mono::ZERO);
        self.sides.iter_mut().map(deadline).min().unwrap_or(Mono::NEVER)
    }

    /// Hands a command to a shard.
    pub fn submit(&mut self, shard: usize, action: Action) -> RequestId {
        self.requests += 1;
        let request = RequestId(self.requests);
        let taken = self.sides[shard].control.submit(request, action).is_ok();
        assert!(taken, "a simulation asks one thing after another");
        request
    }

    /// The answer to a command, if it has come.
    ///
    /// # Errors
    /// What the shard refused.
    pub fn answer(&mut self, shard: usize, request: RequestId) -> Result<Option<Answer>, Refused> {
        let inbox = &mut self.sides[shard].inbox;
        let is_it = |message: &FromShard<_, _>| match message {
            FromShard::Reply(of, outcome) => *of == request && !matches!(outcome, Outcome::Part(_)),
            FromShard::Lost(of) => *of == request,
            FromShard::Panicked(_) => true,
            _ => false,
        };
        let Some(at) = inbox.iter().position(is_it) else { return Ok(None) };
        match inbox.remove(at) {
            FromShard::Reply(_, Outcome::Done(answer)) => Ok(Some(answer)),
            FromShard::Reply(_, Outcome::Refused(refusal)) => Err(Refused::Refusal(shard, refusal)),
            other => Err(Refused::Lost(shard, format!("{other:?}"))),
        }
    }

    /// Takes what a shard told unasked.
    pub fn events(&mut self, shard: usize) -> Vec<Event> {
        let inbox = &mut self.sides[shard].inbox;
        let is_event = |message: &mut FromShard<_, _>| matches!(message, FromShard::Event(Told::Event(_)));
        let events = inbox.extract_if(.., is_event);
        events
            .filter_map(
                |message| if let FromShard::Event(Told::Event(event)) = message { Some(event) } else { None },
            )
            .collect()
    }

    /// A shard's driver.
    pub fn driver(&mut self, shard: usize) -> &mut MemoryDriver {
        self.sides[shard].core.driver_mut()
    }

    /// What a shard counts.
    #[must_use]
    pub fn totals(&self, shard: usize) -> Totals {
        self.sides[shard].counters.read().map(|counters| counters.totals).unwrap_or_default()
    }

    /// What is left on a shard of rooms that have all been closed, in words; nothing if nothing is.
    pub fn left_over(&mut self, shard: usize) -> Vec<String> {
        let totals = self.totals(shard);
        let levels = [
            ("transports", totals.transports),
            ("timers", totals.timers_armed),
            ("answers owed", totals.replies_owed),
            ("borrowed slots", totals.borrowed),
            ("slots of the pool", totals.pool_in_use),
            ("facts that wait", totals.facts_waiting),
            ("sockets", self.driver(shard).occupied() as u64),
        ];
        let mut left: Vec<_> = levels
            .iter()
            .filter(|(_, level)| *level > 0)
            .map(|(name, level)| format!("{level} {name}"))
            .collect();
        if !self.sides[shard].core.engine().is_some_and(Rooms::is_empty) {
            left.push("rooms that are not empty".to_owned());
        }
        left
    }
}

impl Side {
    fn new(shard: usize) -> io::Result<Self> {
        let sleeper = Sleeper::new()?;
        let config = config(shard);
        let pool = Pool::new(&config.pool)?;
        let make = Rooms::maker(RoomsConfig::default(), None);
        let (core, face) = ShardCore::new(&config, pool, MemoryDriver::new()?, sleeper.waker(), make);
        let (control, link, counters) = (face.control, face.link, face.counters);
        Ok(Self { core, control, link, counters, inbox: Vec::new(), _sleeper: sleeper })
    }

    fn take_messages(&mut self) {
        while let Some(message) = self.control.next_message() {
            self.inbox.push(message);
        }
    }
}

/// Large enough for a room of a hundred, and small enough to start in no time.
fn config(shard: usize) -> ShardConfig {
    let mut config = ShardConfig::new(ShardId(u16::try_from(shard).unwrap_or(u16::MAX)), HashKey([1, 2]));
    // What has happened is seen at once.
    config.counters_interval = Duration::ZERO;
    config.pool = PoolSizing::new().with("a simulation", 8_192, 16_384);
    config.capacity =
        Capacity { transports: 1_024, tuples: 2_048, timers: 2_048, borrowed: 16_384, streams: 256 };
    config.queues = QueueSizing { commands: 256, events: 4_096 };
    config
}

/// More than any exchange between shards takes.
const MOST_ROUNDS: usize = 64;
