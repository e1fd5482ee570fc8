//! Where routers and their transports go.
//!
//! A router has a home; its transports go there until the policy says otherwise. A transport never moves. Loads are
//! numbers that the runtime feeds in; without any, what counts is how many objects a shard carries.

use model::key::ShardIndex;

/// Where things go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// How many shards there are; at least one.
    pub shards: u16,
    /// Where a router's transports go.
    pub policy: Policy,
}

/// Where a router's transports go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// To its home.
    Home,
    /// To its home while that is neither busy nor full of the router, else to the least busy shard.
    Spread {
        /// The load of the home from which on its transports go elsewhere.
        busy_from: Load,
        /// How many consumers of one router a shard takes before others are asked.
        consumers_per_shard: u32,
    },
    /// To each shard in turn. For tests, which want everything to cross.
    RoundRobin,
}

/// How busy a shard is: thousandths of a core.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Load(pub u32);

/// What a placement is decided by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// As the runtime last said.
    pub(super) load: Load,
    /// Objects on the shard, which tells apart shards that are equally busy.
    pub(super) objects: usize,
    /// Consumers of the router in question on the shard.
    pub(super) consumers: u32,
    /// Whether the shard takes commands, and answers them.
    pub(super) usable: bool,
}

impl Placement {
    /// Everything on one shard.
    pub const fn single() -> Self {
        Self { shards: 1, policy: Policy::Home }
    }

    /// Where a new router lives. None if no shard can be used.
    pub(super) fn home(self, standing: impl Fn(ShardIndex) -> Standing) -> Option<ShardIndex> {
        self.least_busy(standing)
    }

    /// Where a router's next transport goes; `turn` counts its transports so far.
    pub(super) fn transport(
        self,
        home: ShardIndex,
        turn: u64,
        standing: impl Fn(ShardIndex) -> Standing,
    ) -> Option<ShardIndex> {
        match self.policy {
            Policy::Home => standing(home).usable.then_some(home),
            Policy::RoundRobin => {
                let usable: Vec<_> = self.all().filter(|shard| standing(*shard).usable).collect();
                let place = usize::try_from(turn).unwrap_or_default().checked_rem(usable.len())?;
                usable.get(place).copied()
            }
            Policy::Spread { busy_from, consumers_per_shard } => {
                let at_home = standing(home);
                let has_room = at_home.load < busy_from && at_home.consumers < consumers_per_shard;
                if has_room && at_home.usable { Some(home) } else { self.least_busy(standing) }
            }
        }
    }

    fn all(self) -> impl Iterator<Item = ShardIndex> {
        (0..self.shards.max(1)).map(ShardIndex)
    }

    /// Of those that are equally busy, the one with fewer consumers of the router, then with fewer objects, then the first:
    /// rooms that begin together end up side by side and not on one core.
    fn least_busy(self, standing: impl Fn(ShardIndex) -> Standing) -> Option<ShardIndex> {
        self.all().filter(|shard| standing(*shard).usable).min_by_key(|shard| {
            let Standing { load, objects, consumers, .. } = standing(*shard);
            // Tenths of a core: smaller differences are noise, and would scatter what could stay together.
            (load.0 / 100, consumers, objects)
        })
    }
}

impl Default for Policy {
    fn default() -> Self {
        // A core that is two thirds busy has room for the bursts of what it carries, and not for more; 500 consumers of
        // a 1.5 Mbit/s stream are about that at 1.1 us a packet.
        Self::Spread { busy_from: Load(650), consumers_per_shard: 500 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(load: u32, objects: usize) -> Standing {
        Standing { load: Load(load), objects, consumers: 0, usable: true }
    }

    fn spread() -> Placement {
        let policy = Policy::Spread { busy_from: Load(650), consumers_per_shard: 2 };
        Placement { shards: 3, policy }
    }

    #[test]
    fn a_router_lives_where_there_is_most_room() {
        let loads = [300, 210, 220];
        let at = |shard: ShardIndex| standing(loads[usize::from(shard.0)], usize::from(3 - shard.0));
        assert_eq!(spread().home(at), Some(ShardIndex(2)), "of the same tenth, that with fewer objects");
    }

    #[test]
    fn transports_leave_a_home_that_is_busy_or_full() {
        let idle = |_| standing(0, 0);
        assert_eq!(spread().transport(ShardIndex(1), 0, idle), Some(ShardIndex(1)));
        let busy = |shard: ShardIndex| standing(if shard.0 == 1 { 650 } else { 400 }, 0);
        assert_eq!(spread().transport(ShardIndex(1), 0, busy), Some(ShardIndex(0)));
        let full =
            |shard: ShardIndex| Standing { consumers: if shard.0 == 1 { 2 } else { 1 }, ..standing(0, 0) };
        assert_eq!(spread().transport(ShardIndex(1), 0, full), Some(ShardIndex(0)));
    }

    #[test]
    fn in_turn_means_every_shard_that_can_be_used() {
        let placement = Placement { shards: 3, policy: Policy::RoundRobin };
        let at = |shard: ShardIndex| Standing { usable: shard.0 != 1, ..standing(0, 0) };
        let places: Vec<_> = (0..4).filter_map(|turn| placement.transport(ShardIndex(0), turn, at)).collect();
        assert_eq!(places, [ShardIndex(0), ShardIndex(2), ShardIndex(0), ShardIndex(2)]);
        let none = |_| Standing { usable: false, ..standing(0, 0) };
        assert_eq!(placement.transport(ShardIndex(0), 0, none), None);
        assert_eq!(placement.home(none), None);
    }
}
