//! The sending end of a fact ring: nothing is lost, and what waits is bounded by the number of entities.
//!
//! While the ring has room facts go straight through, in order. When it is full they wait here, one per entity: a later
//! fact about the same entity is merged into the waiting one. So the order of facts about one entity holds,
//! and that between entities holds until the first merge.

use std::collections::VecDeque;

use hashbrown::HashMap;
use net::lane::Producer;

use crate::engine::Fact;

/// The end that tells.
#[derive(Debug)]
pub(crate) struct FactOutlet<F: Fact> {
    ring: Producer<F>,
    waiting: VecDeque<F>,
    /// By entity: how many facts had ever begun to wait before its own did.
    places: HashMap<u64, u64, EntityHash>,
    /// Facts that no longer wait.
    gone: u64,
}

/// What became of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Sent,
    Waiting,
    Coalesced,
}

impl<F: Fact> FactOutlet<F> {
    pub(crate) fn new(ring: Producer<F>) -> Self {
        Self { ring, waiting: VecDeque::new(), places: HashMap::default(), gone: 0 }
    }

    pub(crate) fn tell(&mut self, fact: F) -> Told {
        if self.waiting.is_empty() {
            return match self.ring.push(fact) {
                Ok(()) => Told::Sent,
                Err(fact) => self.wait(fact),
            };
        }
        let place = self.places.get(&fact.entity());
        let index = place.and_then(|place| usize::try_from(place - self.gone).ok());
        match index.and_then(|index| self.waiting.get_mut(index)) {
            Some(earlier) => {
                earlier.coalesce(fact);
                Told::Coalesced
            }
            None => self.wait(fact),
        }
    }

    /// Moves what waits into the ring as far as it has room, and shows everything to the other side. Returns how
    /// many facts became visible.
    pub(crate) fn publish(&mut self) -> usize {
        while let Some(fact) = self.waiting.pop_front() {
            let entity = fact.entity();
            if let Err(fact) = self.ring.push(fact) {
                self.waiting.push_front(fact);
                break;
            }
            self.places.remove(&entity);
            self.gone += 1;
        }
        self.ring.publish()
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn wait(&mut self, fact: F) -> Told {
        self.places.insert(fact.entity(), self.gone + self.waiting.len() as u64);
        self.waiting.push_back(fact);
        Told::Waiting
    }
}

/// Entities are our own numbers, so no remote chooses them and a multiplication spreads them well enough.
#[derive(Clone, Copy, Debug, Default)]
struct EntityHash;

impl core::hash::BuildHasher for EntityHash {
    type Hasher = EntityHasher;

    fn build_hasher(&self) -> EntityHasher {
        EntityHasher(0)
    }
}

#[derive(Debug)]
struct EntityHasher(u64);

impl core::hash::Hasher for EntityHasher {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, value: u64) {
        // The odd number nearest to 2^64 over the golden ratio.
        self.0 = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use net::lane::{Consumer, ring};
    use proptest::prelude::*;
    use std::collections::HashMap as Model;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct State {
        entity: u64,
        value: u32,
    }

    impl Fact for State {
        fn entity(&self) -> u64 {
            self.entity
        }

        fn coalesce(&mut self, later: Self) {
            *self = later;
        }
    }

    fn drain(consumer: &mut Consumer<State>, most: usize) -> Vec<State> {
        consumer.batch(most).collect()
    }

    #[test]
    fn in_a_ring_with_room_every_fact_arrives_in_order() {
        let (producer, mut consumer) = ring(8);
        let mut outlet = FactOutlet::new(producer);
        let facts = [(1, 1), (1, 2), (2, 1)].map(|(entity, value)| State { entity, value });
        for fact in facts {
            assert_eq!(outlet.tell(fact), Told::Sent);
        }
        assert_eq!(outlet.publish(), 3);
        assert_eq!(drain(&mut consumer, 8), facts);
    }

    #[test]
    fn a_full_ring_keeps_the_latest_of_each_entity() {
        let (producer, mut consumer) = ring(2);
        let mut outlet = FactOutlet::new(producer);
        let told = [(1, 1), (2, 1), (3, 1), (1, 2), (3, 2), (1, 3)];
        let told = told.map(|(entity, value)| outlet.tell(State { entity, value }));
        use Told::{Coalesced, Sent, Waiting};
        assert_eq!(told, [Sent, Sent, Waiting, Waiting, Coalesced, Coalesced]);
        assert_eq!(outlet.waiting(), 2);
        outlet.publish();
        assert_eq!(drain(&mut consumer, 9).len(), 2);
        outlet.publish();
        let rest = [State { entity: 3, value: 2 }, State { entity: 1, value: 3 }];
        assert_eq!(drain(&mut consumer, 9), rest);
        assert_eq!(outlet.waiting(), 0);
    }

    proptest! {
        #[test]
        fn the_last_word_about_each_entity_arrives_last(
            steps in prop::collection::vec((0u64..5, any::<bool>(), 0usize..4), 1..200)
        ) {
            let (producer, mut consumer) = ring(2);
            let mut outlet = FactOutlet::new(producer);
            let (mut told, mut heard) = (Model::new(), Model::new());
            let mut hear = |heard: &mut Model<u64, u32>, most| {
                for State { entity, value } in drain(&mut consumer, most) {
                    // Never backwards, whatever was merged.
                    assert!(heard.insert(entity, value).is_none_or(|before| before < value));
                }
            };
            for (value, (entity, publish, take)) in (0u32..).zip(steps) {
                outlet.tell(State { entity, value });
                told.insert(entity, value);
                prop_assert!(outlet.waiting() <= 5, "one per entity");
                if publish {
                    outlet.publish();
                }
                hear(&mut heard, take);
            }
            while outlet.waiting() > 0 || outlet.publish() > 0 {
                outlet.publish();
                hear(&mut heard, usize::MAX);
            }
            hear(&mut heard, usize::MAX);
            prop_assert_eq!(told, heard);
        }
    }
}
