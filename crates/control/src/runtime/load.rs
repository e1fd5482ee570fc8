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
        self.tell_all(core, fleet.counters(), since_last);
        true
    }

    fn tell_all(
        &mut self,
        core: &mut Core,
        counted: impl IntoIterator<Item = ShardCounters>,
        since_last: Duration,
    ) {
        counted.into_iter().for_each(|counted| self.tell(core, &counted, since_last));
        core.give_up();
    }

    fn tell(&mut self, core: &mut Core, counted: &ShardCounters, since_last: Duration) {
        let ShardCounters { shard, counters, silent, .. } = counted;
        core.set_stuck(*shard, counted.is_stuck());
        // One that does not go on counts nothing, and would look idle for that.
        if !silent.is_zero() {
            return;
        }
        let Some(seen) = self.busy_nanos.get_mut(usize::from(shard.0)) else { return };
        let before = std::mem::replace(seen, counters.totals.busy_nanos);
        core.set_load(*shard, load(seen.saturating_sub(before), since_last));
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
    use model::key::ShardIndex;
    use model::transport::PortRange;

    use super::*;
    use crate::Request;
    use crate::core::{Config, HangCounters, Output, Placement, Policy, Random, Tag};
    use crate::request::WorkerRequest;
    use crate::runtime::pulse::STUCK;

    const HOME: ShardIndex = ShardIndex(0);
    const OTHER: ShardIndex = ShardIndex(1);

    fn core() -> Core {
        let placement = Placement { shards: 2, policy: Policy::Home };
        let rtc_ports = PortRange { min: 0, max: 0 };
        let config = Config { pid: 0, rtc_ports, fingerprints: Vec::new(), placement };
        Core::new(config, Random::new(|bytes| bytes.fill(0)))
    }

    fn counted(shard: ShardIndex, busy: Duration, silent: Duration) -> ShardCounters {
        let mut counters = Box::<shard::Counters>::default();
        counters.totals.busy_nanos = u64::try_from(busy.as_nanos()).unwrap();
        ShardCounters { shard, driver: "none", counters, silent, hang: HangCounters::default() }
    }

    /// Where a new router goes.
    fn place(core: &mut Core, id: &str) -> Option<ShardIndex> {
        let door = core.open_door();
        core.request(door, Tag(0), Request::Worker(WorkerRequest::CreateRouter(id.into())));
        let shard = core.shard_with_commands()?;
        core.next_command(shard);
        Some(shard)
    }

    #[test]
    fn nothing_goes_to_a_shard_that_hangs_until_it_goes_on() {
        let (mut core, mut meter, busy) = (core(), LoadMeter::new(2), INTERVAL.mul_f32(0.5));
        let mut tell =
            |core: &mut Core, shard, silent| meter.tell(core, &counted(shard, busy, silent), INTERVAL);
        tell(&mut core, HOME, Duration::ZERO);
        assert_eq!(place(&mut core, "a"), Some(OTHER), "half of a core is more than nothing");
        tell(&mut core, HOME, LOOK);
        assert_eq!(place(&mut core, "b"), Some(OTHER), "it is not idle for having counted nothing");
        tell(&mut core, OTHER, STUCK);
        assert_eq!(place(&mut core, "c"), Some(HOME), "the other hangs, and was idle when it began to");
        tell(&mut core, HOME, STUCK);
        assert_eq!(place(&mut core, "d"), None);
        tell(&mut core, HOME, Duration::ZERO);
        assert_eq!(place(&mut core, "e"), Some(HOME));
    }

    #[test]
    fn who_waits_for_a_shard_that_falls_silent_is_answered_at_the_look_that_shows_it() {
        let (mut core, mut meter) = (core(), LoadMeter::new(2));
        let door = core.open_door();
        core.request(door, Tag(0), Request::Worker(WorkerRequest::CreateRouter("r".into())));
        let mut look = |silent| {
            meter.tell_all(&mut core, [counted(HOME, Duration::ZERO, silent)], INTERVAL);
            std::iter::from_fn(|| core.poll()).collect::<Vec<_>>()
        };
        let silences = (0..).map(|looks| LOOK * looks);
        let said = silences.map(|silent| (silent, look(silent))).find(|(_, said)| !said.is_empty());
        let (silent, said) = said.unwrap();
        assert_eq!(silent, STUCK);
        let [Output::ShardStuck(HOME), Output::Answer { answered: Err(refusal), .. }] = &said[..] else {
            panic!("{said:?}");
        };
        assert_eq!(&*refusal.reason, "shard 0 hangs: it was not made; ask again later");
        assert_eq!(look(STUCK + LOOK), [], "it is said once");
        assert_eq!(look(Duration::ZERO), [Output::ShardGoesOn(HOME)]);
    }

    #[test]
    fn load_is_the_busy_share_since_the_last_look() {
        assert_eq!(load(400_000_000, INTERVAL), Load(400));
        assert_eq!(load(400_000_000, 2 * INTERVAL), Load(200), "control was late");
        assert_eq!(load(0, INTERVAL), Load(0), "asleep all the time");
        assert_eq!(load(u64::MAX, INTERVAL), Load(1000));
        assert_eq!(load(7, Duration::ZERO), Load(0), "in no time");
    }
}
