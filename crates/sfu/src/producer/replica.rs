//! What stands for a producer on another shard: what its consumers there have to know.
//!
//! Its packets come with everything decided. A packet of another epoch than the replica's is discarded: the fact that
//! ends an epoch may overtake packets, and never the other way round.

use model::command::{Epoch, ProducerReplica};
use model::key::{ProducerKey, ShardIndex};
use model::rtp::MediaKind;
use wire::rtp::{ExtensionMap, HeaderPlan, PlanError, View};

use super::{Activity, extensions};

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Replica {
    shard: ShardIndex,
    producer: ProducerKey,
    kind: MediaKind,
    extensions: ExtensionMap,
    activity: Activity,
    /// Nothing before its feed was opened.
    epoch: Option<Epoch>,
    streams: usize,
    /// A bit for each encoding of which a packet came.
    seen: u64,
}

impl Replica {
    pub(crate) fn new(open: &ProducerReplica) -> Self {
        Self {
            shard: open.shard,
            producer: open.producer,
            kind: open.kind,
            extensions: extensions::map(open.kind, &open.header_extensions),
            activity: if open.paused { Activity::Paused } else { Activity::Running },
            epoch: None,
            streams: open.mapped_ssrcs.len(),
            seen: 0,
        }
    }

    /// Where the producer is, and what it is called there.
    pub(crate) const fn home(&self) -> (ShardIndex, ProducerKey) {
        (self.shard, self.producer)
    }

    pub(crate) const fn kind(&self) -> MediaKind {
        self.kind
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

    /// Takes note of a packet of that encoding. Whether it is the first.
    #[inline]
    pub(crate) fn see(&mut self, encoding: usize) -> bool {
        let bit = u32::try_from(encoding).ok().and_then(|encoding| 1_u64.checked_shl(encoding));
        let before = self.seen;
        self.seen |= bit.unwrap_or_default();
        self.seen != before
    }

    pub(crate) fn scores(&self) -> Vec<u8> {
        (0..self.streams).map(|at| if at < 64 && self.seen >> at & 1 != 0 { 10 } else { 0 }).collect()
    }

    #[inline]
    pub(crate) fn lay_out(&self, packet: &View<'_>, plan: &mut HeaderPlan) -> Result<(), PlanError> {
        plan.prepare(packet, &self.extensions, &[])
    }
}
