//! Where packets come from: a producer of this shard, or what stands here for one of another shard. To consumers there
//! is no difference.

use model::command::{Epoch, ProducerReplica};
use model::key::{ConsumerKey, ProducerKey, ShardIndex, TransportKey};
use wire::Mono;
use wire::rtp::{HeaderPlan, PlanError, View};

use super::losses::{KEPT_ELSEWHERE, Losses};
use crate::Packet;
use crate::io::Output;
use crate::producer::{Activity, Producer, Replica};

/// See the module.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) origin: Origin,
    pub(super) consumers: Vec<ConsumerKey>,
    /// Who else gets its packets.
    pub(super) feeds: Vec<Feed>,
    /// What its consumers on this shard lose.
    pub(super) losses: Losses,
    /// The worst loss among the consumers on other shards, of 256, and when it was said.
    remote_losses: Vec<(ShardIndex, u8, Mono)>,
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
        Self {
            origin,
            consumers: Vec::new(),
            feeds: Vec::new(),
            losses: Losses::new(),
            remote_losses: Vec::new(),
        }
    }

    pub(super) fn replica(open: &ProducerReplica) -> Self {
        Self::new(Origin::Elsewhere(Box::new(Replica::new(open))))
    }

    #[inline]
    pub(super) fn lay_out(
        &self,
        packet: &Packet,
        view: &View<'_>,
        plan: &mut HeaderPlan,
    ) -> Result<(), PlanError> {
        match &self.origin {
            Origin::Here { producer, .. } => producer.lay_out(packet, view, plan),
            Origin::Elsewhere(replica) => replica.lay_out(packet, view, plan),
        }
    }

    /// Whether its packets carry what repairs the ones before.
    pub(super) fn has_in_band_fec(&self) -> bool {
        match &self.origin {
            Origin::Here { producer, .. } => producer.has_in_band_fec(),
            Origin::Elsewhere(replica) => replica.has_in_band_fec(),
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

    /// Another shard gets its packets from now on.
    pub(super) fn open_feed(&mut self, feed: Feed) {
        self.close_feed(feed.shard);
        self.feeds.push(feed);
    }

    /// Another shard gets nothing any more, and has no say. What stood for it there, if anything did.
    pub(super) fn close_feed(&mut self, shard: ShardIndex) -> Option<Feed> {
        self.remote_losses.retain(|(from, ..)| *from != shard);
        let at = self.feeds.iter().position(|feed| feed.shard == shard)?;
        Some(self.feeds.swap_remove(at))
    }

    /// Takes note of what another shard says of its consumers. One that gets no packets has no say.
    pub(super) fn set_remote_loss(&mut self, now: Mono, from: ShardIndex, fraction: u8) {
        let Self { feeds, remote_losses, .. } = self;
        remote_losses.retain(|(shard, ..)| *shard != from);
        if feeds.iter().any(|feed| feed.shard == from) {
            remote_losses.push((from, fraction, now));
        }
    }

    /// The worst loss among the consumers on other shards, of 256. Where nobody reports any more, nobody says so.
    fn worst_remote_loss(&self, now: Mono) -> u8 {
        let lately = self.remote_losses.iter().filter(|(.., said)| now.since(*said) <= KEPT_ELSEWHERE);
        lately.map(|(_, fraction, _)| *fraction).max().unwrap_or_default()
    }

    /// The worst loss among all consumers, of 256.
    pub(super) fn worst_loss(&self, now: Mono) -> u8 {
        self.worst_remote_loss(now).max(self.losses.worst(now))
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
            Origin::Here { producer, .. } => producer.stream_scores().collect(),
            Origin::Elsewhere(replica) => replica.scores().to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono::from_nanos(seconds * 1_000_000_000)
    }

    fn feed(shard: u16) -> Feed {
        Feed { shard: ShardIndex(shard), replica: ProducerKey::new(shard.into(), 0) }
    }

    #[test]
    fn only_shards_that_get_packets_have_a_say_about_losses() {
        let open = ProducerReplica {
            router: model::key::RouterKey::new(0, 0),
            shard: ShardIndex(0),
            producer: ProducerKey::new(0, 0),
            kind: model::rtp::MediaKind::Audio,
            producer_type: model::score::ProducerType::Simple,
            codecs: Vec::new(),
            mapped_ssrcs: Vec::new(),
            header_extensions: Vec::new(),
            paused: false,
        };
        let mut source = Source::replica(&open);
        source.set_remote_loss(at(1), ShardIndex(1), 90);
        assert_eq!(source.worst_remote_loss(at(1)), 0, "it gets none");
        (1..4).for_each(|shard| source.open_feed(feed(shard)));
        for (shard, fraction) in [(1, 200), (2, 30), (3, 90), (1, 60)] {
            source.set_remote_loss(at(1), ShardIndex(shard), fraction);
        }
        assert_eq!(source.worst_remote_loss(at(1)), 90, "the newest of each counts");
        assert_eq!(source.close_feed(ShardIndex(3)), Some(feed(3)));
        assert_eq!(source.worst_remote_loss(at(1)), 60);
        source.open_feed(feed(1));
        assert_eq!(source.worst_remote_loss(at(1)), 30, "what stands there now has said nothing yet");
        assert_eq!(source.worst_remote_loss(at(16)), 30);
        assert_eq!(source.worst_remote_loss(at(17)), 0, "nobody there reports any more");
    }
}
