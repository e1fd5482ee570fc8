//! A request under way: commands that shards have not answered yet, and what follows once they have.

use model::command::{Action, DataProducerCommand, ProducerCommand};
use model::dump::{ConsumerDump, DataConsumerDump, ProducerDump, TransportDump};
use model::key::ShardIndex;
use model::reply::{Answer as Replied, Part, Refusal};
use model::rtp::RtpEncodingParameters;
use model::score::ConsumerType;
use model::stats::TransportStats;

use super::claims::Claim;
use super::doors::Origin;
use super::keys::Key;
use super::objects::{Object, Producer, Router, RtpObserver, Source, Transport, WebRtcServer};
use super::table::No;
use crate::Answer;

/// A command, and to which shard.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) shard: ShardIndex,
    pub(super) action: Action,
    /// Whether what it brings to light is the answer.
    pub(super) is_main: bool,
}

/// What a request comes down to.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    pub(super) then: Then,
    /// Besides those that its footprint shows.
    pub(super) claims: Vec<Claim>,
}

/// Commands under way.
#[derive(Debug)]
pub(super) struct Flight {
    /// Who asked, if anybody did.
    pub(super) origin: Option<Origin>,
    /// The shard that hung so long that nobody waits any more.
    pub(super) given_up: Option<ShardIndex>,
    /// What nobody else can have until it is over.
    pub(super) claims: Vec<Claim>,
    /// Commands that were not answered yet.
    pub(super) outstanding: usize,
    /// The first step that was refused, counted from zero.
    pub(super) refused: Option<(usize, Refusal)>,
    /// What the main step brought to light.
    pub(super) replied: Option<Replied>,
    /// What the others brought to light, by their steps.
    pub(super) others: Vec<(usize, Replied)>,
    /// Parts of what the main step brings to light.
    pub(super) parts: Vec<Part>,
    pub(super) then: Then,
}

/// What follows.
#[derive(Debug)]
pub(super) enum Then {
    /// Nothing; nobody waits.
    Nothing,
    /// This is answered.
    Say(Box<Answer>),
    /// An object was made; this is answered, together with what its shard says.
    Made(Object, Box<Answer>),
    /// These objects are told that their producer was paused or resumed.
    Tell(Vec<Object>, Turn),
    /// A transport was told about its peer; if not, it can be told again.
    Connected(No<Transport>, Box<Answer>),
    /// An observer looks at a producer.
    Observed(No<RtpObserver>, No<Producer>),
    /// It does so no more, which leaves one less who needs the source on that shard.
    Unobserved(Source, ShardIndex),
    /// All this is gone, once these commands and those to what stood for closed producers are answered too.
    Gone(Box<Closing>, Vec<Step>),
    /// A router has a part on another shard.
    PartMade(No<Router>, ShardIndex),
    /// A WebRtcServer has a part on another shard.
    ServerPartMade(No<WebRtcServer>, ShardIndex),
    /// Nothing is on the way to what stands for a source on a shard any more; it can go.
    FeedEnded(Source, ShardIndex),
    /// What stood for a source on a shard is gone.
    FeedGone(Source, ShardIndex),
    /// What the registry knew when it was asked, to be completed by the shard.
    TransportDump(No<Transport>, Box<TransportDump>),
    TransportStats(No<Transport>, Box<TransportStats>),
    ProducerDump(Box<ProducerDump>),
    ConsumerDump(Box<ConsumerDump>, ConsumerType),
    DataConsumerDump(Box<DataConsumerDump>),
    /// What streams counted.
    StreamStats,
    /// Likewise, of a consumer whose producer's streams are counted on another shard: these.
    DistantStats(Box<Distant>),
    PreferredLayers,
    BufferedAmount,
    DataProducerStats {
        label: Box<str>,
        protocol: Box<str>,
    },
    DataConsumerStats {
        label: Box<str>,
        protocol: Box<str>,
    },
}

/// Which way a producer was turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Paused,
    Resumed,
    Closed,
}

/// What goes with what is closed.
#[derive(Debug, Default)]
pub(super) struct Closing {
    /// Rows to be taken out, the inner ones first.
    pub(super) rows: Vec<Object>,
    /// Places that are free afterwards.
    pub(super) places: Vec<(ShardIndex, Key)>,
    /// Consumers and data consumers that are told that their producer closed.
    pub(super) told: Vec<Object>,
    /// What stood for closed producers on other shards.
    pub(super) stand_ins: Vec<(ShardIndex, Key)>,
    /// Sources that one less needs on a shard.
    pub(super) releases: Vec<(Source, ShardIndex)>,
}

/// The streams of a consumer's producer, where that is on another shard.
#[derive(Debug)]
pub(super) struct Distant {
    pub(super) consumer_type: ConsumerType,
    pub(super) encodings: Vec<RtpEncodingParameters>,
}

impl Flight {
    /// Who waits for it, if anybody does.
    pub(super) fn asker(&self) -> Option<Origin> {
        self.origin.filter(|_| self.given_up.is_none())
    }
}

impl Step {
    /// A command whose answer is the answer.
    pub(super) const fn main(shard: ShardIndex, action: Action) -> Self {
        Self { shard, action, is_main: true }
    }

    /// A command that only has to succeed.
    pub(super) const fn side(shard: ShardIndex, action: Action) -> Self {
        Self { shard, action, is_main: false }
    }
}

impl Step {
    /// The command that takes away what stands for a producer or data producer.
    pub(super) fn close_stand_in(shard: ShardIndex, key: Key) -> Self {
        let action = if key.is_of_data_producer() {
            Action::DataProducer(key.data_producer(), DataProducerCommand::Close)
        } else {
            Action::Producer(key.producer(), ProducerCommand::Close)
        };
        Self::side(shard, action)
    }
}

impl Plan {
    /// One command.
    pub(super) fn one(shard: ShardIndex, action: Action, then: Then) -> Self {
        Self { steps: vec![Step::main(shard, action)], then, claims: Vec::new() }
    }

    /// No command: the registry knows the answer.
    pub(super) fn known(answer: Answer) -> Self {
        Self { steps: Vec::new(), then: Then::Say(Box::new(answer)), claims: Vec::new() }
    }
}

impl Then {
    /// All this is gone.
    pub(super) fn gone(closing: Closing) -> Self {
        Self::Gone(Box::new(closing), Vec::new())
    }
}

impl Closing {
    /// Nobody outside is left to be told, and nothing to be taken down apart: all of it goes at once.
    pub(super) fn hush(&mut self) {
        self.told.clear();
        self.releases.clear();
        self.take_stand_ins();
    }

    /// The commands that close what stood for closed producers, whose places are free then.
    ///
    /// Their shards have heard that the producers are gone, and need no command for that. But what they said before they
    /// heard - messages of a data producer, above all - comes before their answers and not before that of the producers'
    /// shard.
    pub(super) fn take_stand_ins(&mut self) -> Vec<Step> {
        let mut steps = Vec::with_capacity(self.stand_ins.len());
        for (shard, key) in self.stand_ins.drain(..) {
            self.places.push((shard, key));
            steps.push(Step::close_stand_in(shard, key));
        }
        steps
    }
}
