//! What stands for a producer on another shard: what its consumers there have to know.
//!
//! Its packets come with everything decided. A packet of another epoch than the replica's is discarded: the fact that
//! ends an epoch may overtake packets, and never the other way round.

use core::time::Duration;

use model::command::{Epoch, ProducerReplica};
use model::key::{ProducerKey, ShardIndex};
use model::rtp::MediaKind;
use wire::Mono;
use wire::rtp::{HeaderPlan, PlanError, View};

use super::extensions::Outline;
use super::{Activity, report};
use crate::Packet;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Replica {
    shard: ShardIndex,
    producer: ProducerKey,
    kind: MediaKind,
    outline: Outline,
    has_in_band_fec: bool,
    activity: Activity,
    /// Nothing before its feed was opened.
    epoch: Option<Epoch>,
    /// Of each stream, 0 for one that has not appeared.
    scores: Box<[u8]>,
    /// Of each stream.
    relayed: Box<[Relayed]>,
}

/// Requests for key frames of a stream that were handed to the producer's shard.
#[derive(Clone, Copy, Debug, Default)]
struct Relayed {
    since: Mono,
    count: u8,
}

impl Replica {
    pub(crate) fn new(open: &ProducerReplica) -> Self {
        Self {
            shard: open.shard,
            producer: open.producer,
            kind: open.kind,
            outline: Outline::new(open.kind, &open.header_extensions),
            has_in_band_fec: open.codecs.iter().any(report::has_in_band_fec),
            activity: if open.paused { Activity::Paused } else { Activity::Running },
            epoch: None,
            scores: open.mapped_ssrcs.iter().map(|_| 0).collect(),
            relayed: open.mapped_ssrcs.iter().map(|_| Relayed::default()).collect(),
        }
    }

    /// Where the producer is, and what it is called there.
    pub(crate) const fn home(&self) -> (ShardIndex, ProducerKey) {
        (self.shard, self.producer)
    }

    pub(crate) const fn kind(&self) -> MediaKind {
        self.kind
    }

    pub(crate) const fn has_in_band_fec(&self) -> bool {
        self.has_in_band_fec
    }

    pub(crate) const fn activity(&self) -> Activity {
        self.activity
    }

    pub(crate) const fn epoch(&self) -> Option<Epoch> {
        self.epoch
    }

    /// Begins an epoch, unless a later one began. What its consumers have to go through, in this order: facts are
    /// coalesced, so a pause and the resume after it may be heard of as one epoch in which the producer runs, and
    /// what it dropped in between is to be closed up all the same.
    pub(crate) fn turn(&mut self, epoch: Epoch, activity: Activity) -> &'static [Activity] {
        // Epochs wrap; of two, the one less than half the range ahead is the later.
        let ahead = self.epoch.map(|current| epoch.0.wrapping_sub(current.0));
        if ahead.is_some_and(|ahead| ahead > u32::MAX / 2) {
            return &[];
        }
        let before = self.activity;
        (self.epoch, self.activity) = (Some(epoch), activity);
        match (before, activity) {
            (Activity::Running, Activity::Paused) => &[Activity::Paused],
            (Activity::Paused, Activity::Running) => &[Activity::Running],
            (Activity::Running, Activity::Running) if ahead.is_some_and(|ahead| ahead > 0) => {
                &[Activity::Paused, Activity::Running]
            }
            (Activity::Running, Activity::Running) | (Activity::Paused, Activity::Paused) => &[],
        }
    }

    /// Somebody wants a key frame of an encoding. Whether its shard is to be told: of two requests in
    /// [`RELAY_PERIOD`], because the first has the sender asked and the second has that repeated, and of none beyond.
    pub(crate) fn want_key_frame(&mut self, now: Mono, encoding: usize) -> bool {
        let Some(relayed) = self.relayed.get_mut(encoding) else { return false };
        if relayed.count == 0 || now.since(relayed.since) >= RELAY_PERIOD {
            *relayed = Relayed { since: now, count: 0 };
        }
        // Those of one moment are one.
        let tells = relayed.count == 0 || relayed.count < RELAYED_LIMIT && now > relayed.since;
        relayed.count = relayed.count.saturating_add(u8::from(tells));
        tells
    }

    /// A key frame of an encoding came: whoever asked has what they wanted.
    #[inline]
    pub(crate) fn key_frame_came(&mut self, encoding: usize) {
        if let Some(relayed) = self.relayed.get_mut(encoding) {
            relayed.count = 0;
        }
    }

    /// Takes over what its shard says of its streams. Whether that is a change.
    pub(crate) fn set_scores(&mut self, scores: &[u8]) -> bool {
        let changed = *self.scores != *scores && self.scores.len() == scores.len();
        if changed {
            self.scores.copy_from_slice(scores);
        }
        changed
    }

    pub(crate) fn scores(&self) -> &[u8] {
        &self.scores
    }

    #[inline]
    pub(crate) fn lay_out(
        &self,
        packet: &Packet,
        view: &View<'_>,
        plan: &mut HeaderPlan,
    ) -> Result<(), PlanError> {
        self.outline.lay_out(packet, view, plan)
    }
}

/// Half of what the producer's shard waits at least before it asks again, so that it knows by then that somebody waits.
const RELAY_PERIOD: Duration = Duration::from_millis(250);
const RELAYED_LIMIT: u8 = 2;
