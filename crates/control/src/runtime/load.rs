//! How busy shards are, for placement, and whether they go on: looked at once a second, and only while there are any.

use std::time::Duration;

use tokio::time::Instant;

use super::pulse::LOOK;
use super::shards::{Fleet, ShardCounters};
use crate::core::{Core, Load};

/// Looks at the shards' counters.
#[derive(Debug)]
pub(super) struct LoadMeter {
    /// How long each shard had been busy when it was last looked at.
    busy_nanos: Vec<u64>,
    /// When to look again. Absent before the first shard starts.
    due: Option<Instant>,
}

impl LoadMeter {
    pub(super) fn new(shards: u16) -> Self {
        Self { busy_nanos: vec![0; shards.into()], due: None }
    }

    /// When [`Self::feed`] wants to be called.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Tells the core how busy its shards are, if it is time. Whether it was.
    pub(super) fn feed(&mut self, core: &mut Core, fleet: &mut Fleet) -> bool {
        if fleet.started() == 0 {
            return false;
        }
        let now = Instant::now();
        let due = *self.due.get_or_insert(now + INTERVAL);
        if now < due {
            return false;
        }
        self.due = Some(now + INTERVAL);
        let since_last = INTERVAL + now.saturating_duration_since(due);
        fleet.look();
        for ShardCounters { shard, counters, .. } in fleet.counters() {
            let Some(seen) = self.busy_nanos.get_mut(usize::from(shard.0)) else { continue };
            let before = std::mem::replace(seen, counters.totals.busy_nanos);
            core.set_load(shard, load(seen.saturating_sub(before), since_last));
        }
        true
    }
}

/// The busy share of the time that has passed. Not of what it counted as busy and idle: how long it slept a shard counts
/// when it wakes, and a long sleep would hide what it does now.
fn load(busy_nanos: u64, passed: Duration) -> Load {
    // What is counted late can make it more than all.
    let thousandths = (u128::from(busy_nanos) * 1000).checked_div(passed.as_nanos()).unwrap_or_default();
    Load(u32::try_from(thousandths.min(1000)).unwrap_or(u32::MAX))
}

/// Placement thinks in rooms that live for minutes; more often would only move noise. Whether shards go on is seen by the
/// way.
const INTERVAL: Duration = LOOK;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_is_the_busy_share_since_the_last_look() {
        assert_eq!(load(400_000_000, INTERVAL), Load(400));
        assert_eq!(load(400_000_000, 2 * INTERVAL), Load(200), "control was late");
        assert_eq!(load(0, INTERVAL), Load(0), "asleep all the time");
        assert_eq!(load(u64::MAX, INTERVAL), Load(1000));
        assert_eq!(load(7, Duration::ZERO), Load(0), "in no time");
    }
}
