//! Commands to data producers, to what stands for them, and to data consumers.

use model::command::{DataConsumerCommand, DataMessage, DataProducerCommand};
use model::key::{DataConsumerKey, DataProducerKey, RouterKey, ShardIndex};
use model::reply::{Answer, Refusal, RefusalClass};
use model::stats::DataCounters;
use sfu::producer::Activity;

use super::Rooms;
use super::spread::Replica;
use super::table::absent;
use super::work::{By, Work};
use crate::context::Context;

impl Rooms {
    pub(super) fn data_producer_command(
        &mut self,
        key: DataProducerKey,
        command: DataProducerCommand,
        cx: &mut Context<Self>,
    ) -> Result<Answer, Refusal> {
        match command {
            DataProducerCommand::Open(open) => {
                self.transport(open.transport)?;
                self.sfu.produce_data(key, &open)?;
            }
            DataProducerCommand::OpenReplica { router, shard, data_producer } => {
                self.open_data_replica(key, router, (shard, data_producer), cx)?;
            }
            DataProducerCommand::OpenFeed { shard, replica } => {
                self.open_data_feed(key, shard, replica, cx)?
            }
            DataProducerCommand::Send(message) => self.send(key, &message, cx)?,
            DataProducerCommand::Stats => {
                return Ok(Answer::DataStats(self.sfu.data_producer_counters(key, cx.now())?));
            }
            // Those that other shards acknowledge are in `feeds` and `work`.
            DataProducerCommand::Pause
            | DataProducerCommand::Resume
            | DataProducerCommand::CloseFeed(_)
            | DataProducerCommand::Close => {}
        }
        Ok(Answer::Nothing)
    }

    pub(super) fn data_consumer_command(
        &mut self,
        key: DataConsumerKey,
        command: DataConsumerCommand,
        cx: &mut Context<Self>,
    ) -> Result<Answer, Refusal> {
        if self.ghosts.data_consumers.holds(key) {
            return Ok(posthumous(&command));
        }
        match command {
            DataConsumerCommand::Open(open) => {
                self.transport(open.transport)?;
                if self.data_replicas.is_ghost(open.data_producer) {
                    self.ghosts.data_consumers.note(key);
                } else {
                    self.sfu.consume_data(key, &open)?;
                }
            }
            DataConsumerCommand::Pause => self.sfu.turn_data_consumer(key, Activity::Paused)?,
            DataConsumerCommand::Resume => self.sfu.turn_data_consumer(key, Activity::Running)?,
            DataConsumerCommand::Send(message) => {
                return Ok(Answer::BufferedAmount(self.sfu.send_from_data_consumer(key, &message)?));
            }
            DataConsumerCommand::SetBufferedAmountLowThreshold(bytes) => {
                self.sfu.set_low_threshold(key, bytes)?;
            }
            DataConsumerCommand::SetSubchannels(subchannels) => {
                self.sfu.set_subchannels(key, &subchannels)?;
            }
            DataConsumerCommand::BufferedAmount => {
                return Ok(Answer::BufferedAmount(self.sfu.buffered_amount(key)?));
            }
            DataConsumerCommand::Stats => {
                return Ok(Answer::DataStats(self.sfu.data_consumer_counters(key, cx.now())?));
            }
            DataConsumerCommand::Close => self.sfu.close_data_consumer(key)?,
        }
        Ok(Answer::Nothing)
    }

    /// What closing it takes; nothing if a fact has done it already.
    pub(super) fn begin_data_producer_close(
        &mut self,
        key: DataProducerKey,
    ) -> Result<Option<Work>, Refusal> {
        match self.sfu.data_epoch(key) {
            Some(_) => Ok(Some(Work::DataProducer(key, By::Command))),
            None if self.data_replicas.is_ghost(key) => Ok(None),
            None => Err(absent(key)),
        }
    }

    fn open_data_replica(
        &mut self,
        key: DataProducerKey,
        router: RouterKey,
        (shard, producer): (ShardIndex, DataProducerKey),
        cx: &mut Context<Self>,
    ) -> Result<(), Refusal> {
        self.router(router)?;
        self.data_replicas.check(key)?;
        self.sfu.open_data_replica(key)?;
        let told = self.data_replicas.open(key, Replica { router, shard: shard.into(), producer })?;
        if let Some(part) = self.routers.get_mut(router) {
            part.data_replicas.push(key);
        }
        if let Some(feed) = told.feed {
            self.turn_data_replica(shard.into(), feed, cx);
        }
        Ok(())
    }

    /// Takes a message, or refuses it; what is taken is not lost. It is refused where too many wait to be told to
    /// control, or to a shard that does not keep up.
    fn send(
        &mut self,
        key: DataProducerKey,
        message: &DataMessage,
        cx: &mut Context<Self>,
    ) -> Result<(), Refusal> {
        let keeps_up = |shard: ShardIndex| {
            let waiting = cx.facts_waiting(shard.into());
            waiting.is_none_or(|waiting| waiting < MESSAGES_WAITING) && !self.untold.has(shard.into())
        };
        let has_room =
            self.events.has_room() && self.sfu.data_feeds(key).iter().all(|feed| keeps_up(feed.shard));
        if !has_room {
            cx.totals.messages_refused += 1;
            let reason = "too many messages wait to be taken; this one was not";
            return Err(Refusal::new(RefusalClass::Failed, reason));
        }
        Ok(self.sfu.send_data(key, message, &mut self.outputs)?)
    }
}

/// What a data consumer answers that went with its data producer, when control gave the command before it could know.
fn posthumous(command: &DataConsumerCommand) -> Answer {
    match command {
        DataConsumerCommand::Send(_) | DataConsumerCommand::BufferedAmount => Answer::BufferedAmount(0),
        DataConsumerCommand::Stats => Answer::DataStats(DataCounters::default()),
        _ => Answer::Nothing,
    }
}

/// Messages that wait for room in the lane to one shard. Each can be as long as the application makes it, and as many
/// again are in the lane.
const MESSAGES_WAITING: usize = 256;
