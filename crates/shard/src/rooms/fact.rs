//! What the rooms of one shard tell those of another.
//!
//! The shard of a producer states how its feed stands, and whoever consumes it there says that it heard; the other way
//! go requests for key frames. Facts of one topic keep their order, and a newer one stands for an older one where
//! nobody needs to see both. Messages are never merged, so that what they stand before and behind is as it was told.
//!
//! **Bound.** Whatever waits for a shard that takes nothing is about a place in a table: of its replicas, producers or
//! servers, or of the transports here. Of one place there waits one fact, or a few where its occupant has changed, which
//! needs an answer of the shard that takes nothing. Nothing that a remote does makes another subject. Messages and
//! connections alone are not about places; their number is bounded where they are taken.

use model::command::{DataMessage, Epoch};
use model::key::{DataProducerKey, ProducerKey, WebRtcServerKey};
use net::lane::Fact as Coalesce;

use super::servers::{DoorFact, DoorTopic, Guest};
use crate::engine::Leaving;

/// What the rooms of one shard tell those of another. Never lost.
#[derive(Debug)]
pub struct Fact(pub(super) Said);

/// What is told.
#[derive(Debug)]
pub(super) enum Said {
    /// How the feed of a producer stands.
    Feed(Feed<ProducerKey>),
    /// How the feed of a data producer stands.
    DataFeed(Feed<DataProducerKey>),
    /// A message of a data producer, for what stands for it there.
    Message(DataProducerKey, Box<DataMessage>),
    /// Everything about the subject up to this number was heard, and is done.
    Heard(Subject, u32),
    /// How the streams of a producer do, in the order of its encodings, for what stands for it there.
    Scores(ProducerKey, Box<[u8]>),
    /// The worst loss among the consumers of a producer, of 256.
    Loss(ProducerKey, u8),
    /// Consumers need key frames of these encodings, a bit each.
    KeyFrames(ProducerKey, u64),
    /// What another part of that WebRtcServer has to know.
    Door(WebRtcServerKey, DoorFact),
    /// What a transport at that place here is known by, behind that WebRtcServer.
    Guest(WebRtcServerKey, u32, Box<Guest>),
    /// A TCP connection for a transport behind that WebRtcServer, which came in by the port at this place.
    Newcomer(WebRtcServerKey, u8, Box<Leaving>),
    /// Whoever was here before is gone, and with it all that it was told and did not answer.
    Restarted,
}

/// How a feed stands. `K` names producers of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Feed<K> {
    /// What stands for the producer on the shard that is told.
    pub(super) replica: K,
    /// The producer on the shard that tells.
    pub(super) producer: K,
    /// The epoch of its packets from here on.
    pub(super) epoch: Epoch,
    pub(super) state: FeedState,
    /// To be said when it was heard.
    pub(super) number: u32,
}

/// What a feed is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FeedState {
    Running,
    Paused,
    /// Nothing more comes, and control will take the replica away.
    Ended,
    /// The producer is gone, and so are the replica and its consumers.
    Gone,
}

/// What was heard of: a producer of the shard that is told so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    Producer(ProducerKey),
    DataProducer(DataProducerKey),
}

/// Facts of one topic keep their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// By the replica's place there.
    Feed(u32),
    /// By the replica's place there.
    DataFeed(u32),
    /// By the producer's place there.
    Heard(u32),
    /// By the data producer's place there.
    DataHeard(u32),
    /// By the replica's place there.
    Scores(u32),
    /// By the producer's place there.
    Loss(u32),
    /// By the producer's place there.
    KeyFrames(u32),
    /// By the server's place there.
    Door(u32, DoorTopic),
    /// By the transport's place here.
    Guest(u32),
    /// All connections.
    Newcomer,
    /// The whole shard.
    Shard,
}

impl Coalesce for Fact {
    type Key = Topic;

    /// Most that are told of one topic before it is heard: an end, and a beginning of the next occupant.
    const DISTINCT: usize = 4;

    fn key(&self) -> Topic {
        match &self.0 {
            Said::Feed(feed) => Topic::Feed(feed.replica.index),
            Said::DataFeed(feed) => Topic::DataFeed(feed.replica.index),
            Said::Message(replica, _) => Topic::DataFeed(replica.index),
            Said::Heard(Subject::Producer(key), _) => Topic::Heard(key.index),
            Said::Heard(Subject::DataProducer(key), _) => Topic::DataHeard(key.index),
            Said::Scores(replica, _) => Topic::Scores(replica.index),
            Said::Loss(producer, _) => Topic::Loss(producer.index),
            Said::KeyFrames(producer, _) => Topic::KeyFrames(producer.index),
            Said::Door(server, fact) => Topic::Door(server.index, fact.topic()),
            Said::Guest(_, place, _) => Topic::Guest(*place),
            Said::Newcomer(..) => Topic::Newcomer,
            Said::Restarted => Topic::Shard,
        }
    }

    fn absorb(&mut self, newer: Self) -> Result<(), Self> {
        match (&mut self.0, newer.0) {
            (Said::Feed(older), Said::Feed(newer)) if older.replica == newer.replica => *older = newer,
            (Said::DataFeed(older), Said::DataFeed(newer)) if older.replica == newer.replica => {
                *older = newer
            }
            (Said::Heard(older, number), Said::Heard(newer, heard)) if *older == newer => *number = heard,
            (Said::Scores(older, scores), Said::Scores(newer, now)) if *older == newer => *scores = now,
            (Said::Loss(older, fraction), Said::Loss(newer, now)) if *older == newer => *fraction = now,
            (Said::KeyFrames(older, encodings), Said::KeyFrames(newer, more)) if *older == newer => {
                *encodings |= more;
            }
            (Said::Door(older, fact), Said::Door(newer, now)) if *older == newer => *fact = now,
            // All that there is to know of a place, whoever was there before and behind which server.
            (Said::Guest(server, _, guest), Said::Guest(newer, _, now)) => (*server, *guest) = (newer, now),
            (Said::Restarted, Said::Restarted) => {}
            (_, newer) => return Err(Self(newer)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_scores_and_losses_the_newest_is_told() {
        let key = ProducerKey::new(1, 1);
        let scores = |key, score: u8| Fact(Said::Scores(key, [score, 3].into()));
        let mut fact = scores(key, 7);
        fact.absorb(scores(key, 9)).unwrap();
        assert!(matches!(&fact.0, Said::Scores(_, scores) if **scores == [9, 3]));
        assert!(fact.absorb(scores(key.next(), 1)).is_err(), "somebody else's");
        let mut fact = Fact(Said::Loss(key, 200));
        fact.absorb(Fact(Said::Loss(key, 20))).unwrap();
        assert!(matches!(fact.0, Said::Loss(_, 20)));
        assert!(fact.absorb(Fact(Said::Loss(key.next(), 1))).is_err(), "somebody else's");
        assert_ne!(fact.key(), scores(key, 1).key(), "neither waits for the other");
    }

    fn feed(generation: u32, state: FeedState, number: u32) -> Fact {
        let replica = ProducerKey::new(3, generation);
        Fact(Said::Feed(Feed {
            replica,
            producer: ProducerKey::new(1, 1),
            epoch: Epoch(number),
            state,
            number,
        }))
    }

    #[test]
    fn only_the_newest_state_of_one_replica_matters() {
        let mut fact = feed(1, FeedState::Running, 1);
        assert!(fact.absorb(feed(1, FeedState::Gone, 2)).is_ok());
        let Said::Feed(Feed { state: FeedState::Gone, number: 2, .. }) = fact.0 else { panic!("{fact:?}") };
        assert!(fact.absorb(feed(2, FeedState::Running, 3)).is_err(), "another occupant of that place");
    }

    #[test]
    fn messages_and_states_stay_as_they_were_told() {
        let replica = DataProducerKey::new(3, 1);
        let message = || Fact(Said::Message(replica, Box::default()));
        let state = || {
            let (epoch, state) = (Epoch(0), FeedState::Paused);
            let producer = DataProducerKey::new(1, 1);
            Fact(Said::DataFeed(Feed { replica, producer, epoch, state, number: 1 }))
        };
        assert_eq!(message().key(), state().key(), "so that they keep their order");
        assert!(message().absorb(message()).is_err());
        assert!(message().absorb(state()).is_err() && state().absorb(message()).is_err());
    }

    #[test]
    fn requests_for_key_frames_become_one() {
        let producer = ProducerKey::new(1, 1);
        let mut fact = Fact(Said::KeyFrames(producer, 1));
        assert!(fact.absorb(Fact(Said::KeyFrames(producer, 4))).is_ok());
        assert!(matches!(fact.0, Said::KeyFrames(_, 5)));
        assert!(fact.absorb(Fact(Said::KeyFrames(producer.next(), 1))).is_err());
    }

    #[test]
    fn of_a_guest_the_last_that_is_known_is_told_whoever_was_there() {
        let server = |index| WebRtcServerKey::new(index, 1);
        let guest = |index, place| Fact(Said::Guest(server(index), place, Box::default()));
        let mut fact = guest(1, 5);
        assert_eq!(fact.key(), guest(2, 5).key());
        assert_ne!(fact.key(), guest(1, 6).key());
        fact.absorb(guest(2, 5)).unwrap();
        assert!(matches!(&fact.0, Said::Guest(of, 5, _) if *of == server(2)));
        let hello = |key| Fact(Said::Door(server(1), DoorFact::Hello(server(key))));
        let all = Fact(Said::Door(server(1), DoorFact::ThatIsAll));
        assert_ne!(hello(1).key(), all.key(), "what comes in between stays there");
        assert!(hello(1).absorb(hello(2)).is_ok());
    }

    #[test]
    fn a_fact_is_small() {
        assert!(size_of::<Fact>() <= 40, "{}", size_of::<Fact>());
    }
}
