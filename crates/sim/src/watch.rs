//! Everybody who watches a world: the timeline, and the oracles.

use wire::Mono;

use crate::oracle::{Continuity, Delivery, Goal, OneIndex, Repair, Reports, Scores, Transcript, Verdict};
use crate::sight::Sight;
use crate::timeline::Timeline;

/// Everybody who watches.
#[derive(Debug, Default)]
pub struct Watch {
    /// What happened, for a reader.
    pub timeline: Timeline,
    /// Whether everybody gets everything once.
    pub delivery: Delivery,
    /// Whether what is lost is repaired.
    pub repair: Repair,
    /// Whether an index under a key is one string of bytes.
    pub one_index: OneIndex,
    /// Whether numbers, timestamps and contents are those of the original.
    pub continuity: Continuity,
    /// Whether reports make sense.
    pub reports: Reports,
    /// Whether scores are what the formula says.
    pub scores: Scores,
    /// What each subscriber was sent, for comparing worlds.
    pub transcript: Transcript,
}

impl Watch {
    /// Watchers who expect so much of repairs.
    #[must_use]
    pub fn expecting(goal: Goal) -> Self {
        Self { repair: Repair::expecting(goal), ..Self::default() }
    }

    /// Shows everybody what happened.
    pub fn see(&mut self, now: Mono, sight: &Sight<'_>) {
        self.timeline.see(now, sight);
        self.delivery.see(now, sight);
        self.repair.see(now, sight);
        self.one_index.see(sight);
        self.continuity.see(now, sight);
        self.reports.see(now, sight);
        self.scores.see(now, sight);
        self.transcript.see(sight);
    }

    /// What the oracles say, at the end.
    #[must_use]
    pub fn verdicts(&self, now: Mono) -> Vec<Verdict> {
        vec![
            self.delivery.verdict(now),
            self.repair.verdict(now),
            self.one_index.verdict(),
            self.continuity.verdict(),
            self.reports.verdict(),
            self.scores.verdict(),
        ]
    }
}
