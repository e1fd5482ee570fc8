//! What other shards are to be told and have no room for yet.
//!
//! Each shard hears in the order in which it was told, as far as one topic goes: a newer fact stands for an older one
//! here as it does in a lane. A shard that takes nothing keeps nobody else from hearing.

use std::collections::{BTreeMap, VecDeque};

use net::lane::Fact as Coalesce;

use super::fact::Fact;
use crate::key::ShardId;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Untold(BTreeMap<ShardId, VecDeque<Fact>>);

impl Untold {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether something waits for that shard: what is told next has to wait behind it.
    pub(super) fn has(&self, to: ShardId) -> bool {
        self.0.contains_key(&to)
    }

    /// Keeps a fact until there is room. Only the last one of its topic can stand for both: between the two may be what
    /// must be heard in between.
    pub(super) fn keep(&mut self, to: ShardId, fact: Fact) {
        let waiting = self.0.entry(to).or_default();
        let last = waiting.iter_mut().rev().find(|kept| kept.key() == fact.key());
        let rest = match last {
            Some(last) => last.absorb(fact).err(),
            None => Some(fact),
        };
        waiting.extend(rest);
    }

    /// Nobody is there any more.
    pub(super) fn forget(&mut self, to: ShardId) {
        self.0.remove(&to);
    }

    /// Tells each what it has room for.
    pub(super) fn tell(&mut self, mut tell: impl FnMut(ShardId, Fact) -> Result<(), Fact>) {
        self.0.retain(|to, waiting| {
            while let Some(fact) = waiting.pop_front() {
                if let Err(fact) = tell(*to, fact) {
                    waiting.push_front(fact);
                    break;
                }
            }
            !waiting.is_empty()
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
