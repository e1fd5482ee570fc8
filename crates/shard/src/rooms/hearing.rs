//! As a shard with consumers of producers elsewhere: what becomes of what others tell.
//!
//! What was told of a replica that control has not opened yet is heard at once: it holds from its first moment. That a
//! producer is gone is heard when nothing is left of it here.

use model::key::{DataProducerKey, ProducerKey, ShardIndex};
use sfu::producer::Activity;

use super::Rooms;
use super::fact::{Fact, Feed, FeedState, Said, Subject};
use super::owed::Then;
use super::work::{By, Work};
use crate::context::Context;
use crate::key::{ShardId, StreamId};

impl Rooms {
    /// What another shard said.
    pub(super) fn hear(&mut self, from: ShardId, said: Said, cx: &mut Context<Self>) {
        match said {
            Said::Feed(feed) => {
                let is_open = self.replicas.get(feed.replica).is_some();
                if is_open {
                    self.turn_replica(from, feed, cx);
                } else {
                    self.replicas.keep_for_later(feed);
                }
                // An end is heard when it is done.
                if !is_open || feed.state != FeedState::Gone {
                    self.say_heard(from, Subject::Producer(feed.producer), feed.number, cx);
                }
            }
            Said::DataFeed(feed) => {
                let is_open = self.data_replicas.get(feed.replica).is_some();
                if is_open {
                    self.turn_data_replica(from, feed, cx);
                } else {
                    self.data_replicas.keep_for_later(feed);
                }
                // An end is heard when it is done.
                if !is_open || feed.state != FeedState::Gone {
                    self.say_heard(from, Subject::DataProducer(feed.producer), feed.number, cx);
                }
            }
            // Those of a replica that is gone concern nobody.
            Said::Message(replica, message) => {
                let _ = self.sfu.send_data(replica, &message, &mut self.outputs);
            }
            Said::Heard(subject, number) => {
                for owed in self.awaited.heard(from, subject, number) {
                    self.happened(owed, cx);
                }
            }
            Said::Scores(replica, scores) => {
                if self.sfu.set_replica_scores(replica, &scores, &mut self.outputs).is_err() {
                    self.replicas.keep_scores_for_later(replica, scores);
                }
            }
            Said::Loss(producer, fraction) => {
                self.sfu.set_remote_loss(producer, ShardIndex(from.0), fraction);
            }
            Said::KeyFrames(producer, encodings) => {
                for encoding in (0..64).filter(|encoding| encodings & 1 << encoding != 0) {
                    self.sfu.request_key_frame(producer, encoding, &mut self.outputs);
                }
            }
            Said::Door(server, fact) => self.hear_door(from, server, fact, cx),
            Said::Guest(server, place, guest) => self.hear_guest(from, server, (place, *guest), cx),
            Said::Newcomer(server, place, leaving) => self.welcome(server, place, *leaving, cx),
            Said::Restarted => self.nobody_hears(from, cx),
        }
        self.carry_out(cx);
    }

    /// Says that something was heard, after what waits to be told to control: messages come before the answer that waits
    /// for this.
    pub(super) fn say_heard(
        &mut self,
        shard: ShardId,
        subject: Subject,
        number: u32,
        cx: &mut Context<Self>,
    ) {
        if self.events.is_empty() {
            self.tell(shard, Fact(Said::Heard(subject, number)), cx);
        } else {
            self.events.then(Then::Acknowledge(shard, subject, number));
        }
    }

    /// Nothing that was told to a shard will be answered.
    pub(super) fn nobody_hears(&mut self, shard: ShardId, cx: &mut Context<Self>) {
        self.untold.forget(shard);
        self.forget_parts(shard, cx);
        for owed in self.awaited.nobody(shard) {
            self.happened(owed, cx);
        }
    }

    /// Tells another shard something. What finds no room now is told as soon as there is, in order, as the newest of its
    /// topic.
    pub(super) fn tell(&mut self, to: ShardId, fact: Fact, cx: &mut Context<Self>) {
        let fact = if self.untold.has(to) { Err(fact) } else { cx.tell(to, fact) };
        if let Err(fact) = fact
            && cx.facts_waiting(to).is_some()
        {
            self.untold.keep(to, fact);
        }
    }

    /// Tells what found no room before.
    pub(super) fn tell_again(&mut self, cx: &mut Context<Self>) {
        self.untold.tell(|to, fact| match cx.tell(to, fact) {
            Err(fact) if cx.facts_waiting(to).is_some() => Err(fact),
            // Nobody is there who could hear it.
            _ => Ok(()),
        });
    }

    /// What stands for a producer does as its shard says.
    pub(super) fn turn_replica(&mut self, from: ShardId, feed: Feed<ProducerKey>, cx: &mut Context<Self>) {
        let Feed { replica, producer, epoch, state, number } = feed;
        match state {
            FeedState::Running | FeedState::Paused => {
                let stream = producer.index;
                self.streams.take_over(from, stream, replica);
                cx.expect(from, StreamId(stream), Some(epoch));
                let _ = self.sfu.turn_replica(replica, epoch, activity(state), &mut self.outputs);
            }
            FeedState::Ended => self.let_stream_go(from, producer, replica, cx),
            FeedState::Gone => {
                self.let_stream_go(from, producer, replica, cx);
                let then = Then::Acknowledge(from, Subject::Producer(producer), number);
                let owed = self.owed.begin(then);
                self.work.push_back((Work::Producer(replica, By::Fact), owed));
                cx.hurry();
            }
        }
    }

    /// What stands for a data producer does as its shard says.
    pub(super) fn turn_data_replica(
        &mut self,
        from: ShardId,
        feed: Feed<DataProducerKey>,
        cx: &mut Context<Self>,
    ) {
        let Feed { replica, producer, state, number, .. } = feed;
        match state {
            FeedState::Running | FeedState::Paused => {
                let _ = self.sfu.turn_data_producer(replica, activity(state));
            }
            FeedState::Ended => {}
            FeedState::Gone => {
                let then = Then::Acknowledge(from, Subject::DataProducer(producer), number);
                let owed = self.owed.begin(then);
                self.work.push_back((Work::DataProducer(replica, By::Fact), owed));
                cx.hurry();
            }
        }
    }

    /// What stood for a producer is closed.
    pub(super) fn forget_replica(&mut self, key: ProducerKey, by: By, cx: &mut Context<Self>) {
        let Some(replica) = self.replicas.remove(key) else { return };
        self.let_stream_go(replica.shard, replica.producer, key, cx);
        if let Some(part) = self.routers.get_mut(replica.router) {
            part.replicas.retain(|other| *other != key);
        }
        if by == By::Fact {
            self.replicas.ended_by_fact(key);
        }
    }

    /// What stood for a data producer is closed.
    pub(super) fn forget_data_replica(&mut self, key: DataProducerKey, by: By) {
        let Some(replica) = self.data_replicas.remove(key) else { return };
        if let Some(part) = self.routers.get_mut(replica.router) {
            part.data_replicas.retain(|other| *other != key);
        }
        if by == By::Fact {
            self.data_replicas.ended_by_fact(key);
        }
    }

    fn let_stream_go(
        &mut self,
        from: ShardId,
        producer: ProducerKey,
        replica: ProducerKey,
        cx: &mut Context<Self>,
    ) {
        if self.streams.let_go(from, producer.index, replica) {
            cx.expect(from, StreamId(producer.index), None);
        }
    }
}

fn activity(state: FeedState) -> Activity {
    if state == FeedState::Running { Activity::Running } else { Activity::Paused }
}
