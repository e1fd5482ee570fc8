//! How busy shards are, for placement, and whether they go on: looked at once a second, and only while there are any.

use std::time::Duration;

use shard::Totals;
use tokio::time::Instant;

use super::pulse::LOOK;
use super::shards::{Fleet, ShardCounters};
use crate::core::{Core, Load};

/// Looks at the shards' counters.
#[derive(Debug)]
pub(super) struct LoadMeter {
    /// What each shard had counted when it was last looked at.
    seen: Vec<Worked>,
    /// When to look again. Absent before the first shard starts.
    due: Option<Instant>,
}

/// Busy and idle time of a shard since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Worked {
    busy_nanos: u64,
    idle_nanos: u64,
}

impl LoadMeter {
    pub(super) fn new(shards: u16) -> Self {
        Self { seen: vec![Worked::default(); shards.into()], due: None }
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
        fleet.look();
        for ShardCounters { shard, counters, .. } in fleet.counters() {
            let Some(seen) = self.seen.get_mut(usize::from(shard.0)) else { continue };
            let Totals { busy_nanos, idle_nanos, .. } = counters.totals;
            let worked = Worked { busy_nanos, idle_nanos };
            core.set_load(shard, load(*seen, worked));
            *seen = worked;
        }
        true
    }
}

/// The busy share of the time in between. A shard that slept through it has counted nothing.
fn load(before: Worked, after: Worked) -> Load {
    let busy = after.busy_nanos.saturating_sub(before.busy_nanos);
    let idle = after.idle_nanos.saturating_sub(before.idle_nanos);
    let all = u128::from(busy) + u128::from(idle);
    let thousandths = (u128::from(busy) * 1000).checked_div(all).unwrap_or_default();
    Load(u32::try_from(thousandths).unwrap_or(u32::MAX))
}

/// Placement thinks in rooms that live for minutes; more often would only move noise. Whether shards go on is seen by the
/// way.
const INTERVAL: Duration = LOOK;

#[cfg(test)]
mod tests {
    use super::*;

    fn worked(busy_nanos: u64, idle_nanos: u64) -> Worked {
        Worked { busy_nanos, idle_nanos }
    }

    #[test]
    fn load_is_the_busy_share_since_the_last_look() {
        assert_eq!(load(worked(900, 100), worked(1_000, 300)), Load(333));
        assert_eq!(load(worked(5, 5), worked(5, 5)), Load(0), "asleep all the time");
        assert_eq!(load(worked(0, 0), worked(u64::MAX, 0)), Load(1000));
    }
}
