//! What other shards are to be told and have no room for yet.
//!
//! Each shard hears in the order in which it was told, as far as one topic goes: a newer fact stands for an older one
//! here as it does in a lane. A shard that takes nothing keeps nobody else from hearing.
//!
//! **Bound.** Of one topic waits what its facts do not absorb, and there are as many topics as places in tables (see
//! `fact`). So it grows to what the tables hold, however long a shard takes nothing, and no further. What waits counts
//! among the `facts_waiting` of the shard.

use std::collections::{BTreeMap, VecDeque};

use net::lane::Fact as Coalesce;

use super::fact::{Fact, Topic};
use crate::key::ShardId;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Untold(BTreeMap<ShardId, Waiting>);

/// What one shard has no room for.
#[derive(Debug, Default)]
struct Waiting {
    facts: VecDeque<Fact>,
    /// How many have left by the front, ever: the ticket of the one that is there now.
    departed: u64,
    /// The ticket of the last one of each topic.
    last: BTreeMap<Topic, u64>,
}

impl Untold {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.0.values().map(|waiting| waiting.facts.len()).sum()
    }

    /// Whether something waits for that shard: what is told next has to wait behind it.
    pub(super) fn has(&self, to: ShardId) -> bool {
        self.0.contains_key(&to)
    }

    /// Keeps a fact until there is room. Only the last one of its topic can stand for both: between the two may be what
    /// must be heard in between.
    pub(super) fn keep(&mut self, to: ShardId, fact: Fact) {
        let Waiting { facts, departed, last } = self.0.entry(to).or_default();
        let topic = fact.key();
        let older = last.get(&topic).and_then(|ticket| usize::try_from(ticket - *departed).ok());
        let rest = match older.and_then(|place| facts.get_mut(place)) {
            Some(older) => older.absorb(fact).err(),
            None => Some(fact),
        };
        if let Some(fact) = rest {
            last.insert(topic, *departed + facts.len() as u64);
            facts.push_back(fact);
        }
    }

    /// Nobody is there any more.
    pub(super) fn forget(&mut self, to: ShardId) {
        self.0.remove(&to);
    }

    /// Tells each what it has room for.
    pub(super) fn tell(&mut self, mut tell: impl FnMut(ShardId, Fact) -> Result<(), Fact>) {
        self.0.retain(|to, Waiting { facts, departed, last }| {
            while let Some(fact) = facts.pop_front() {
                let topic = fact.key();
                if let Err(fact) = tell(*to, fact) {
                    facts.push_front(fact);
                    break;
                }
                if last.get(&topic) == Some(departed) {
                    last.remove(&topic);
                }
                *departed += 1;
            }
            !facts.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rooms::fact::Said;
    use model::key::ProducerKey;

    const A: ShardId = ShardId(1);
    const B: ShardId = ShardId(2);

    fn asked(index: u32, encodings: u64) -> Fact {
        Fact(Said::KeyFrames(ProducerKey::new(index, 0), encodings))
    }

    /// What is told when there is room for so many in all.
    fn told(untold: &mut Untold, mut room: usize) -> Vec<(ShardId, u64)> {
        let mut told = Vec::new();
        untold.tell(|to, fact| {
            if room == 0 {
                return Err(fact);
            }
            room -= 1;
            told.extend(match fact.0 {
                Said::KeyFrames(_, encodings) => Some((to, encodings)),
                _ => None,
            });
            Ok(())
        });
        told
    }

    #[test]
    fn what_waits_is_told_once_for_all_that_was_asked_meanwhile() {
        let mut untold = Untold::default();
        for (to, fact) in [(A, asked(1, 1)), (A, asked(2, 8)), (A, asked(1, 2)), (B, asked(1, 4))] {
            untold.keep(to, fact);
        }
        assert_eq!(told(&mut untold, 1), [(A, 3)]);
        assert!(untold.has(A) && untold.has(B));
        assert_eq!(told(&mut untold, 9), [(A, 8), (B, 4)]);
        assert!(untold.is_empty());
    }

    #[test]
    fn what_nobody_takes_is_no_more_than_there_are_subjects() {
        let mut untold = Untold::default();
        for round in 0..1_000_u64 {
            (0..10).for_each(|index| untold.keep(A, asked(index, 1 << (round % 8))));
            // Some leave in between, and what follows finds those that stay.
            if round % 100 == 99 {
                assert_eq!(told(&mut untold, 5).len(), 5);
            }
            assert!(untold.len() <= 10, "{}", untold.len());
        }
        let rest = told(&mut untold, 99);
        assert_eq!((rest.len(), rest[0]), (5, (A, 0xFF)));
    }

    #[test]
    fn a_shard_that_takes_nothing_keeps_nobody_else_from_hearing() {
        let mut untold = Untold::default();
        untold.keep(A, asked(1, 1));
        untold.keep(B, asked(1, 1));
        let mut heard = Vec::new();
        untold.tell(|to, fact| {
            if to == A {
                return Err(fact);
            }
            heard.push(to);
            Ok(())
        });
        assert_eq!((heard, untold.has(A), untold.has(B)), (vec![B], true, false));
        untold.forget(A);
        assert!(untold.is_empty());
    }
}
