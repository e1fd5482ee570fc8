//! Where packets come from: a producer of this shard, or what stands here for one of another shard. To consumers there
//! is no difference.

use model::command::{Epoch, ProducerReplica};
use model::key::{ConsumerKey, ProducerKey, ShardIndex, TransportKey};
use wire::rtp::{HeaderPlan, PlanError, View};

use crate::io::Output;
use crate::producer::{Activity, Producer, Replica};

/// See the module.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) origin: Origin,
    pub(super) consumers: Vec<ConsumerKey>,
    /// Who else gets its packets.
    pub(super) feeds: Vec<Feed>,
    /// The worst loss among the consumers on other shards, of 256.
    remote_losses: Vec<(ShardIndex, u8)>,
}

#[derive(Debug)]
pub(super) enum Origin {
    Here { transport: TransportKey, producer: Box<Producer> },
    Elsewhere(Box<Replica>),
}

/// Another shard that gets a producer's packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Which shard.
    pub shard: ShardIndex,
    /// What stands for the producer there.
    pub replica: ProducerKey,
}

impl Feed {
    pub(super) fn scores<S>(&self, scores: &[u8]) -> Output<S> {
        Output::Scores { shard: self.shard, replica: self.replica, scores: scores.into() }
    }
}

impl Source {
    pub(super) const fn new(origin: Origin) -> Self {
        Self { origin, consumers: Vec::new(), feeds: Vec::new(), remote_losses: Vec::new() }
    }

    pub(super) fn replica(open: &ProducerReplica) -> Self {
        Self::new(Origin::Elsewhere(Box::new(Replica::new(open))))
    }

    #[inline]
    pub(super) fn lay_out(&self, packet: &View<'_>, plan: &mut HeaderPlan) -> Result<(), PlanError> {
        match &self.origin {
            Origin::Here { producer, .. } => producer.lay_out(packet, plan),
            Origin::Elsewhere(replica) => replica.lay_out(packet, plan),
        }
    }

    pub(super) fn activity(&self) -> Activity {
        match &self.origin {
            Origin::Here { producer, .. } => producer.activity(),
            Origin::Elsewhere(replica) => replica.activity(),
        }
    }

    /// Nothing yet, where no feed was opened.
    pub(super) fn epoch(&self) -> Option<Epoch> {
        match &self.origin {
            Origin::Here { producer, .. } => Some(producer.epoch()),
            Origin::Elsewhere(replica) => replica.epoch(),
        }
    }

    /// Takes note of what another shard says of its consumers. One that gets no packets has no say.
    pub(super) fn set_remote_loss(&mut self, from: ShardIndex, fraction: u8) {
        let Self { feeds, remote_losses, .. } = self;
        remote_losses.retain(|(shard, _)| *shard != from && feeds.iter().any(|feed| feed.shard == *shard));
        if feeds.iter().any(|feed| feed.shard == from) {
            remote_losses.push((from, fraction));
        }
    }

    /// The worst loss among the consumers on other shards, of 256.
    #[expect(dead_code, reason = "reports to senders with in-band FEC carry it")]
    pub(super) fn worst_remote_loss(&self) -> u8 {
        self.remote_losses.iter().map(|(_, fraction)| *fraction).max().unwrap_or_default()
    }

    pub(super) fn producer(&self) -> Option<&Producer> {
        match &self.origin {
            Origin::Here { producer, .. } => Some(producer),
            Origin::Elsewhere(_) => None,
        }
    }

    /// Of every stream of the producer, 0 for one that has not appeared. All that appeared do well until streams are
    /// watched.
    pub(super) fn scores(&self) -> Vec<u8> {
        match &self.origin {
            Origin::Here { producer, .. } => {
                producer.seen().map(|seen| if seen.is_some() { BEST_SCORE } else { 0 }).collect()
            }
            Origin::Elsewhere(replica) => replica.scores().to_vec(),
        }
    }
}

/// Of a stream that loses nothing.
pub(super) const BEST_SCORE: u8 = 10;
