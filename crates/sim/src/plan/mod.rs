//! Plans: what happens in a room, step by step, as data; and what is expected of it.

mod plans;
mod play;

use core::time::Duration;

use crate::network::Conditions;
use crate::oracle::Goal;
use crate::world::Access;

pub use plans::{all, named};
pub use play::{Outcome, Playing};

/// A plan.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it is called.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// Shards, unless somebody asks for more or fewer.
    pub shards: usize,
    /// What is expected of repairs.
    pub goal: Goal,
    /// What happens.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// What a reader should know.
    pub description: String,
    /// What is done.
    pub deed: Deed,
}

/// What is done in a step. Peers are numbered as they come.
#[derive(Clone, Debug)]
pub enum Deed {
    /// A publisher comes.
    Publish(Access, Publisher),
    /// So many subscribers of that publisher come.
    Subscribe(Access, Subscribers),
    /// A subscriber of that publisher comes that does its worst.
    Misbehave(Access, usize),
    /// Everybody lives on.
    Run(Duration),
    /// Paths of these peers change, up and down.
    Change(Whom, Option<Conditions>, Option<Conditions>),
    /// The next so many packets of these peers are lost, up and down.
    DropNext(Whom, u32, u32),
    /// What a publisher publishes is paused, or goes on.
    PauseProducer(usize),
    /// See [`Deed::PauseProducer`].
    ResumeProducer(usize),
    /// What these subscribers get is paused, or goes on.
    PauseConsumer(Whom),
    /// See [`Deed::PauseConsumer`].
    ResumeConsumer(Whom),
    /// These peers go.
    Leave(Whom),
}

/// A publisher to come.
#[derive(Clone, Copy, Debug)]
pub struct Publisher {
    /// Of its video.
    pub bits_per_second: u32,
    /// Whether it repairs.
    pub repairs: bool,
}

/// Subscribers to come.
#[derive(Clone, Copy, Debug)]
pub struct Subscribers {
    /// How many.
    pub count: usize,
    /// Whose video they get.
    pub of: usize,
    /// Whether they ask for what is missing.
    pub asks_again: bool,
}

/// Some of the peers.
#[derive(Clone, Copy, Debug)]
pub enum Whom {
    /// One.
    One(usize),
    /// From the first to the last.
    From(usize, usize),
}

impl Whom {
    /// Their numbers.
    fn numbers(self) -> core::ops::RangeInclusive<usize> {
        match self {
            Self::One(who) => who..=who,
            Self::From(first, last) => first..=last,
        }
    }
}

impl Step {
    /// A step.
    #[must_use]
    pub fn new(description: &str, deed: Deed) -> Self {
        Self { description: description.to_owned(), deed }
    }
}
