//! What shards tell the core, and what the core has to say to everybody else.

use model::command::RequestId;
use model::id::RouterId;
use model::key::ShardIndex;
use model::reply::{Outcome, Refusal};

use crate::Event;
use crate::answer::Answered;

/// A front door: somebody who asks, and gets answers in the order of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DoorId(pub u32);

/// A door's own name for a request, given back with the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u64);

/// What a shard tells control.
#[derive(Clone, Debug, PartialEq)]
pub enum FromShard {
    /// An answer, or a part of one.
    Reply(RequestId, Outcome),
    /// Something happened.
    Event(model::event::Event),
    /// A command that a panic left without an answer.
    Lost(RequestId),
    /// A panic, and what it said: all that was on the shard is gone. It runs on, empty.
    Panicked(Box<str>),
    /// The shard ended unasked, or did not even start; the rest of a sentence that begins with it. Nothing more will come
    /// from it.
    Broken(Box<str>),
}

/// What the core has to say.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// An answer, of which each request gets one.
    Answer {
        /// Who asked.
        door: DoorId,
        /// What.
        tag: Tag,
        /// What came of it.
        answered: Answered,
    },
    /// Something happened.
    Event(Event),
    /// A notification that could not be delivered; for the log.
    Undelivered {
        /// Whose.
        door: DoorId,
        /// Why.
        refusal: Refusal,
    },
    /// A shard lost all that was on it; for the log.
    ShardLost {
        /// Which.
        shard: ShardIndex,
        /// The routers that are gone with it, those included that other shards had a part of.
        routers: Vec<RouterId>,
        /// What became of it: the rest of a sentence that begins with it.
        message: Box<str>,
    },
    /// A shard hangs: what it is asked is refused from here on, until it goes on or is lost; for the log.
    ShardStuck(ShardIndex),
    /// It goes on again; for the log.
    ShardGoesOn(ShardIndex),
}
