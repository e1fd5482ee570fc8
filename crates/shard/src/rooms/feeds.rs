//! As the shard of a producer: what others are told when it is paused, resumed or closed.
//!
//! A command that changes how a feed stands is answered when every shard that has it said that it heard, or has ended,
//! or begun anew.

use model::command::{Action, DataProducerCommand, Epoch, ProducerCommand};
use model::key::{DataProducerKey, ProducerKey, ShardIndex, TransportKey};
use model::reply::{Answer, Outcome, Refusal};
use sfu::producer::Activity;
use sfu::{DataFeed, Feed as Fed};

use super::fact::{Fact, Feed, FeedState, Said, Subject};
use super::owed::{OwedKey, Then};
use super::work::Work;
use super::{Left, Rooms};
use crate::context::Context;
use crate::control::Ticket;
use crate::key::ShardId;

/// How the epochs of this shard's producers are numbered for others.
#[derive(Debug)]
pub(super) struct Feeds {
    /// Added to what `sfu` counts, by the producer's place: so that no two producers of one place share an epoch.
    bases: Vec<u32>,
    /// For places that were not used yet. Far from what an engine before this one gave.
    beginning: u32,
    /// What was told last, so that it is known what was heard.
    number: u32,
}

impl Feeds {
    pub(super) const fn new(beginning: u32) -> Self {
        Self { bases: Vec::new(), beginning, number: 0 }
    }

    /// An epoch as other shards know it.
    #[inline]
    pub(super) fn epoch(&self, producer: ProducerKey, counted: Epoch) -> Epoch {
        let base = self.bases.get(producer.place()).copied().unwrap_or(self.beginning);
        Epoch(base.wrapping_add(counted.0))
    }

    /// The producer is gone; its last epoch was this one.
    pub(super) fn end(&mut self, producer: ProducerKey, last: Epoch) {
        if producer.place() >= self.bases.len() {
            self.bases.resize(producer.place() + 1, self.beginning);
        }
        self.bases[producer.place()] = self.epoch(producer, last).next().0;
    }

    fn next_number(&mut self) -> u32 {
        self.number = self.number.wrapping_add(1);
        self.number
    }
}

/// What is told about a feed, and what waits until that was heard.
#[derive(Clone, Copy, Debug)]
struct News {
    state: FeedState,
    owed: Option<OwedKey>,
}

/// As the shard of a producer.
impl Rooms {
    pub(super) fn open_feed(
        &mut self,
        key: ProducerKey,
        shard: ShardIndex,
        replica: ProducerKey,
        cx: &mut Context<Self>,
    ) -> Result<(), Refusal> {
        let feed = Fed { shard, replica };
        self.sfu.open_feed(key, feed, &mut self.outputs)?;
        let activity = self.sfu.epoch(key).map_or(Activity::Paused, |(_, activity)| activity);
        self.tell_feed(key, feed, News { state: state(activity), owed: None }, cx);
        self.carry_out(cx);
        Ok(())
    }

    pub(super) fn open_data_feed(
        &mut self,
        key: DataProducerKey,
        shard: ShardIndex,
        replica: DataProducerKey,
        cx: &mut Context<Self>,
    ) -> Result<(), Refusal> {
        let feed = DataFeed { shard, replica };
        self.sfu.open_data_feed(key, feed)?;
        let activity = self.sfu.data_epoch(key).map_or(Activity::Paused, |(_, activity)| activity);
        self.tell_data_feed(key, feed, News { state: state(activity), owed: None }, cx);
        Ok(())
    }

    /// Pauses or resumes a producer, or ends a feed of it.
    pub(super) fn turn_producer(
        &mut self,
        key: ProducerKey,
        action: Action,
        ticket: Ticket,
        cx: &mut Context<Self>,
    ) -> Left {
        let turned = match action {
            Action::Producer(_, ProducerCommand::Pause) => self
                .sfu
                .pause_producer(key, &mut self.outputs)
                .map(|turned| turned.map(|_| FeedState::Paused)),
            Action::Producer(_, ProducerCommand::Resume) => self
                .sfu
                .resume_producer(key, &mut self.outputs)
                .map(|turned| turned.map(|_| FeedState::Running)),
            Action::Producer(_, ProducerCommand::CloseFeed(shard)) => {
                let owed = self.owed.begin(Then::Reply(ticket, Outcome::Done(Answer::Nothing)));
                if let Some(feed) = self.sfu.close_feed(key, shard) {
                    self.tell_feed(key, feed, News { state: FeedState::Ended, owed: Some(owed) }, cx);
                }
                self.happened(owed, cx);
                return None;
            }
            other => return Some((other, ticket)),
        };
        self.carry_out(cx);
        match turned {
            Ok(turned) => {
                let owed = self.owed.begin(Then::Reply(ticket, Outcome::Done(Answer::Nothing)));
                if let Some(state) = turned {
                    self.tell_feeds(key, News { state, owed: Some(owed) }, cx);
                }
                self.happened(owed, cx);
            }
            Err(error) => self.answer(ticket, Outcome::Refused(error.into()), cx),
        }
        None
    }

    /// Pauses or resumes a data producer, or ends a feed of it.
    pub(super) fn turn_data_producer(
        &mut self,
        key: DataProducerKey,
        action: Action,
        ticket: Ticket,
        cx: &mut Context<Self>,
    ) -> Left {
        let (activity, state) = match action {
            Action::DataProducer(_, DataProducerCommand::Pause) => (Activity::Paused, FeedState::Paused),
            Action::DataProducer(_, DataProducerCommand::Resume) => (Activity::Running, FeedState::Running),
            Action::DataProducer(_, DataProducerCommand::CloseFeed(shard)) => {
                let owed = self.owed.begin(Then::Reply(ticket, Outcome::Done(Answer::Nothing)));
                if let Some(feed) = self.sfu.close_data_feed(key, shard) {
                    self.tell_data_feed(key, feed, News { state: FeedState::Ended, owed: Some(owed) }, cx);
                }
                self.happened(owed, cx);
                return None;
            }
            other => return Some((other, ticket)),
        };
        match self.sfu.turn_data_producer(key, activity) {
            Ok(turned) => {
                let owed = self.owed.begin(Then::Reply(ticket, Outcome::Done(Answer::Nothing)));
                if turned.is_some() {
                    self.tell_data_feeds(key, News { state, owed: Some(owed) }, cx);
                }
                self.happened(owed, cx);
            }
            Err(error) => self.answer(ticket, Outcome::Refused(error.into()), cx),
        }
        None
    }

    /// Tells all that have feeds of what is about to be closed that it is gone. What is owed waits for them, all at
    /// once.
    pub(super) fn end_feeds(&mut self, work: Work, owed: OwedKey, cx: &mut Context<Self>) {
        match work {
            Work::Transport(key) => {
                for producer in self.sfu.producers_of(key).to_vec() {
                    self.end_feeds_of(producer, owed, cx);
                }
                for producer in self.sfu.data_producers_of(key).to_vec() {
                    self.end_data_feeds_of(producer, owed, cx);
                }
            }
            Work::Producer(key, _) => self.end_feeds_of(key, owed, cx),
            Work::DataProducer(key, _) => self.end_data_feeds_of(key, owed, cx),
            // Its other parts have a command of their own.
            Work::Router(_) => {}
        }
    }

    /// Ends the feeds of everything in a transport without a word.
    pub(super) fn silence_feeds(&mut self, transport: TransportKey) {
        for producer in self.sfu.producers_of(transport).to_vec() {
            for feed in self.sfu.feeds(producer).to_vec() {
                self.sfu.close_feed(producer, feed.shard);
            }
        }
    }

    fn end_feeds_of(&mut self, key: ProducerKey, owed: OwedKey, cx: &mut Context<Self>) {
        self.tell_feeds(key, News { state: FeedState::Gone, owed: Some(owed) }, cx);
        for feed in self.sfu.feeds(key).to_vec() {
            self.sfu.close_feed(key, feed.shard);
        }
    }

    fn end_data_feeds_of(&mut self, key: DataProducerKey, owed: OwedKey, cx: &mut Context<Self>) {
        self.tell_data_feeds(key, News { state: FeedState::Gone, owed: Some(owed) }, cx);
        for feed in self.sfu.data_feeds(key).to_vec() {
            self.sfu.close_data_feed(key, feed.shard);
        }
    }

    fn tell_feeds(&mut self, key: ProducerKey, news: News, cx: &mut Context<Self>) {
        for feed in self.sfu.feeds(key).to_vec() {
            self.tell_feed(key, feed, news, cx);
        }
    }

    fn tell_data_feeds(&mut self, key: DataProducerKey, news: News, cx: &mut Context<Self>) {
        for feed in self.sfu.data_feeds(key).to_vec() {
            self.tell_data_feed(key, feed, news, cx);
        }
    }

    fn tell_feed(&mut self, producer: ProducerKey, feed: Fed, news: News, cx: &mut Context<Self>) {
        let Fed { shard, replica } = feed;
        let number = self.feeds.next_number();
        let counted = self.sfu.epoch(producer).map_or(Epoch(0), |(epoch, _)| epoch);
        let epoch = self.feeds.epoch(producer, counted);
        let feed = Feed { replica, producer, epoch, state: news.state, number };
        self.tell(shard.into(), Fact(Said::Feed(feed)), cx);
        self.await_heard(shard.into(), Subject::Producer(producer), (number, news.owed), cx);
    }

    fn tell_data_feed(
        &mut self,
        producer: DataProducerKey,
        feed: DataFeed,
        news: News,
        cx: &mut Context<Self>,
    ) {
        let DataFeed { shard, replica } = feed;
        let number = self.feeds.next_number();
        let feed = Feed { replica, producer, epoch: Epoch(0), state: news.state, number };
        self.tell(shard.into(), Fact(Said::DataFeed(feed)), cx);
        self.await_heard(shard.into(), Subject::DataProducer(producer), (number, news.owed), cx);
    }

    /// Whoever is not there hears nothing, and nobody waits for it.
    fn await_heard(
        &mut self,
        shard: ShardId,
        subject: Subject,
        (number, owed): (u32, Option<OwedKey>),
        cx: &Context<Self>,
    ) {
        if let Some(owed) = owed.filter(|_| cx.facts_waiting(shard).is_some()) {
            self.owed.also(owed);
            self.awaited.add(shard, subject, number, owed);
        }
    }
}

const fn state(activity: Activity) -> FeedState {
    match activity {
        Activity::Running => FeedState::Running,
        Activity::Paused => FeedState::Paused,
    }
}
