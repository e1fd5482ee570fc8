//! Routers on several shards: what stands here for producers of others, and which answers wait until others have heard.
//!
//! A fact may overtake a command that control gave before it, so both orders lead to the same state: what was told of a
//! replica that control has not opened yet is kept for it, and what control still says to one that was ended by a fact
//! is answered as if it had come in time.

use std::collections::BTreeMap;

use model::key::{ConsumerKey, DataConsumerKey, ProducerKey, RouterKey};
use model::reply::Refusal;

use super::fact::{Feed, Subject};
use super::owed::OwedKey;
use super::table::{Generations, Key, Table};
use crate::key::ShardId;

/// What stands for a producer of another shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Replica<K> {
    /// Whose it is a part of.
    pub(super) router: RouterKey,
    /// Where the producer is.
    pub(super) shard: ShardId,
    /// What it is called there.
    pub(super) producer: K,
}

/// Replicas of one kind.
#[derive(Debug)]
pub(super) struct Replicas<K> {
    live: Table<K, Replica<K>>,
    /// Who was where last, so that facts about the past are told from those about what is to come.
    last: Generations,
    /// Those whose end was told by a fact, at their places: commands that control gave before it knew still come.
    ghosts: Generations,
    /// What was told of those to come.
    early: BTreeMap<K, Early<K>>,
}

/// What was told of a replica to come: the newest only.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Early<K> {
    pub(super) feed: Option<Feed<K>>,
    /// Of each of the producer's streams.
    pub(super) scores: Option<Box<[u8]>>,
}

impl<K> Default for Early<K> {
    fn default() -> Self {
        Self { feed: None, scores: None }
    }
}

/// Where the packets of a stream go: who is expected. A newer replica may have taken over from one that still closes.
#[derive(Debug, Default)]
pub(super) struct Streams(BTreeMap<(ShardId, u32), ProducerKey>);

/// Answers that wait for other shards.
#[derive(Debug, Default)]
pub(super) struct Awaited(BTreeMap<(ShardId, Subject), Vec<(u32, OwedKey)>>);

/// Consumers that went with their producer because of a fact, at their places. Control did not know when it sent what
/// still comes for them; it is answered as if it had come in time.
#[derive(Debug, Default)]
pub(super) struct Ghosts {
    pub(super) consumers: Vanished<ConsumerKey>,
    pub(super) data_consumers: Vanished<DataConsumerKey>,
}

/// The last one at each place that vanished.
#[derive(Debug)]
pub(super) struct Vanished<K> {
    generations: Generations,
    of: core::marker::PhantomData<K>,
}

impl<K: Key> Default for Vanished<K> {
    fn default() -> Self {
        Self { generations: Generations::default(), of: core::marker::PhantomData }
    }
}

impl<K: Key> Vanished<K> {
    pub(super) fn note(&mut self, key: K) {
        self.generations.note(key);
    }

    pub(super) fn holds(&self, key: K) -> bool {
        self.generations.is_last(key)
    }
}

impl<K: Key> Replicas<K> {
    pub(super) fn new(most: usize) -> Self {
        let (last, ghosts) = (Generations::default(), Generations::default());
        Self { live: Table::new(most), last, ghosts, early: BTreeMap::new() }
    }

    pub(super) fn check(&self, key: K) -> Result<(), Refusal> {
        self.live.check(key)
    }

    /// Opens one. What was told of it before, if anything was.
    pub(super) fn open(&mut self, key: K, replica: Replica<K>) -> Result<Early<K>, Refusal> {
        self.live.insert(key, replica)?;
        self.last.note(key);
        let told = self.early.remove(&key).unwrap_or_default();
        if !self.early.is_empty() {
            // Of those that control never opened: this shard panicked meanwhile.
            let Self { early, last, .. } = self;
            early.retain(|other, _| other.place() != key.place() || last.is_to_come(*other));
        }
        Ok(told)
    }

    pub(super) fn get(&self, key: K) -> Option<&Replica<K>> {
        self.live.get(key)
    }

    pub(super) fn remove(&mut self, key: K) -> Option<Replica<K>> {
        self.live.remove(key)
    }

    /// Keeps what was told of one that is to come. Of one that was, it concerns nobody.
    pub(super) fn keep_for_later(&mut self, feed: Feed<K>) {
        if self.last.is_to_come(feed.replica) {
            self.early.entry(feed.replica).or_default().feed = Some(feed);
        }
    }

    /// Likewise how its streams do.
    pub(super) fn keep_scores_for_later(&mut self, replica: K, scores: Box<[u8]>) {
        if self.last.is_to_come(replica) {
            self.early.entry(replica).or_default().scores = Some(scores);
        }
    }

    /// Notes down that a fact ended one.
    pub(super) fn ended_by_fact(&mut self, key: K) {
        self.ghosts.note(key);
    }

    /// Whether a fact ended that one.
    pub(super) fn is_ghost(&self, key: K) -> bool {
        self.ghosts.is_last(key)
    }

    pub(super) const fn len(&self) -> usize {
        self.live.len()
    }
}

impl Streams {
    /// From now on a stream is that replica's.
    pub(super) fn take_over(&mut self, from: ShardId, stream: u32, replica: ProducerKey) {
        self.0.insert((from, stream), replica);
    }

    /// Ends the stream if it is still that replica's.
    pub(super) fn let_go(&mut self, from: ShardId, stream: u32, replica: ProducerKey) -> bool {
        let held = self.0.get(&(from, stream)) == Some(&replica);
        if held {
            self.0.remove(&(from, stream));
        }
        held
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Awaited {
    /// An answer waits until a shard has heard this number about the subject.
    pub(super) fn add(&mut self, shard: ShardId, subject: Subject, number: u32, owed: OwedKey) {
        self.0.entry((shard, subject)).or_default().push((number, owed));
    }

    /// It has heard all up to that number. Whose waiting is over.
    pub(super) fn heard(&mut self, shard: ShardId, subject: Subject, number: u32) -> Vec<OwedKey> {
        let Some(waiting) = self.0.get_mut(&(shard, subject)) else { return Vec::new() };
        // Numbers wrap; none is half a circle old.
        let is_heard = |entry: &mut (u32, OwedKey)| number.wrapping_sub(entry.0) < 1 << 31;
        let heard = waiting.extract_if(.., is_heard).map(|(_, owed)| owed).collect();
        if waiting.is_empty() {
            self.0.remove(&(shard, subject));
        }
        heard
    }

    /// Nobody there will ever say that it heard. Whose waiting is over.
    pub(super) fn nobody(&mut self, shard: ShardId) -> Vec<OwedKey> {
        let gone = self.0.extract_if(.., |(of, _), _| *of == shard);
        gone.flat_map(|(_, waiting)| waiting).map(|(_, owed)| owed).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rooms::fact::FeedState;
    use crate::rooms::owed::{Owed, Then};
    use model::command::Epoch;

    const SHARD: ShardId = ShardId(2);

    fn feed(replica: ProducerKey, number: u32) -> Feed<ProducerKey> {
        let (producer, epoch, state) = (ProducerKey::new(9, 9), Epoch(number), FeedState::Paused);
        Feed { replica, producer, epoch, state, number }
    }

    fn replica() -> Replica<ProducerKey> {
        Replica { router: RouterKey::new(0, 0), shard: SHARD, producer: ProducerKey::new(9, 9) }
    }

    #[test]
    fn what_is_told_of_a_replica_to_come_is_kept_for_it_and_for_nobody_else() {
        let early = |feed| Ok(Early { feed: Some(feed), scores: None });
        let mut replicas = Replicas::new(4);
        let key = ProducerKey::new(1, 0);
        replicas.keep_for_later(feed(key, 1));
        replicas.keep_for_later(feed(key.next(), 2));
        replicas.keep_for_later(feed(key, 3));
        assert_eq!(replicas.open(key, replica()), early(feed(key, 3)), "the newest");
        replicas.remove(key);
        replicas.keep_for_later(feed(key, 4));
        replicas.keep_scores_for_later(key, [1].into());
        assert_eq!(replicas.open(key.next(), replica()), early(feed(key.next(), 2)));
        replicas.remove(key.next());
        let third = key.next().next();
        replicas.keep_for_later(feed(third, 5));
        replicas.keep_scores_for_later(third.next(), [7].into());
        replicas.keep_scores_for_later(third.next(), [8].into());
        let told = replicas.open(third.next(), replica());
        assert_eq!(told, Ok(Early { feed: None, scores: Some([8].into()) }), "that one never came");
        assert!(replicas.early.is_empty());
    }

    #[test]
    fn a_stream_ends_with_whom_it_belongs_to() {
        let mut streams = Streams::default();
        let (old, new) = (ProducerKey::new(1, 0), ProducerKey::new(2, 0));
        streams.take_over(SHARD, 5, old);
        streams.take_over(SHARD, 5, new);
        assert!(!streams.let_go(SHARD, 5, old) && streams.let_go(SHARD, 5, new));
        assert_eq!(streams.len(), 0);
    }

    #[test]
    fn whoever_heard_the_later_has_heard_the_earlier() {
        let (mut owed, mut awaited) = (Owed::default(), Awaited::default());
        let subject = Subject::Producer(ProducerKey::new(1, 0));
        let mut begin = |number| {
            let key = owed.begin(Then::Acknowledge(SHARD, subject, number));
            awaited.add(SHARD, subject, number, key);
            key
        };
        let (first, second, third) = (begin(u32::MAX), begin(0), begin(1));
        assert_eq!(awaited.heard(ShardId(1), subject, 1), [], "somebody else");
        assert_eq!(awaited.heard(SHARD, subject, 0), [first, second], "numbers wrap");
        assert_eq!((awaited.nobody(SHARD), awaited.len()), (vec![third], 0));
    }
}
