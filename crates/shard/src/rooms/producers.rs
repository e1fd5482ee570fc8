//! Commands to producers, to what stands for them, and to consumers.

use model::command::{ConsumerCommand, ConsumerOpen, ProducerCommand, ProducerReplica};
use model::key::{ConsumerKey, ProducerKey};
use model::reply::{Answer, ConsumerOpened, ConsumerReport, Refusal};
use model::score::ConsumerScore;
use sfu::Io;

use super::Rooms;
use super::fact::Subject;
use super::spread::Replica;
use super::table::absent;
use super::work::{By, Work};
use crate::context::Context;

impl Rooms {
    pub(super) fn producer_command(
        &mut self,
        key: ProducerKey,
        command: ProducerCommand,
        cx: &mut Context<Self>,
    ) -> Result<Answer, Refusal> {
        match command {
            ProducerCommand::Open(open) => {
                self.transport(open.transport)?;
                self.sfu.produce(key, &open)?;
            }
            ProducerCommand::OpenReplica(open) => self.open_replica(key, &open, cx)?,
            ProducerCommand::OpenFeed { shard, replica } => self.open_feed(key, shard, replica, cx)?,
            ProducerCommand::EnableTrace(trace) => self.sfu.trace_producer(key, trace)?,
            ProducerCommand::Send(packet) => {
                let mut io = Io { now: cx.now(), packets: cx, out: &mut self.outputs };
                // What is of no use is counted, as it is when it comes from the network.
                let _ = self.sfu.send_rtp(key, &packet, &mut io)?;
            }
            ProducerCommand::Report => return Ok(Answer::Producer(self.sfu.producer_streams(key)?)),
            ProducerCommand::Stats => {
                return Ok(Answer::StreamStats(self.sfu.producer_stats(key, cx.now())?));
            }
            // Those that other shards acknowledge are in `feeds` and `work`.
            ProducerCommand::Pause
            | ProducerCommand::Resume
            | ProducerCommand::CloseFeed(_)
            | ProducerCommand::Close => {}
        }
        Ok(Answer::Nothing)
    }

    pub(super) fn consumer_command(
        &mut self,
        key: ConsumerKey,
        command: ConsumerCommand,
        cx: &mut Context<Self>,
    ) -> Result<Answer, Refusal> {
        if self.ghosts.consumers.holds(key) {
            return Ok(posthumous(&command));
        }
        match command {
            ConsumerCommand::Open(open) => return self.consume(key, &open),
            ConsumerCommand::Pause => self.sfu.pause_consumer(key, &mut self.outputs)?,
            ConsumerCommand::Resume => self.sfu.resume_consumer(key, &mut self.outputs)?,
            ConsumerCommand::SetPreferredLayers(wanted) => {
                let layers = self.sfu.set_preferred_layers(key, wanted, &mut self.outputs)?;
                return Ok(Answer::PreferredLayers(layers));
            }
            ConsumerCommand::SetPriority(priority) => self.sfu.set_priority(key, priority)?,
            ConsumerCommand::RequestKeyFrame => self.sfu.request_key_frame_for(key, &mut self.outputs)?,
            ConsumerCommand::EnableTrace(trace) => self.sfu.trace_consumer(key, trace)?,
            ConsumerCommand::Report => {
                return Ok(Answer::Consumer(Box::new(self.sfu.consumer_report(key)?)));
            }
            ConsumerCommand::Stats => {
                return Ok(Answer::StreamStats(self.sfu.consumer_stats(key, cx.now())?));
            }
            ConsumerCommand::Close => self.sfu.close_consumer(key)?,
        }
        Ok(Answer::Nothing)
    }

    /// Whether that is a producer, or what stands for one.
    pub(super) fn is_producer(&self, key: ProducerKey) -> bool {
        self.sfu.producer(key).is_some() || self.replicas.get(key).is_some()
    }

    /// What closing it takes; nothing if a fact has done it already.
    pub(super) fn begin_producer_close(&mut self, key: ProducerKey) -> Result<Option<Work>, Refusal> {
        match self.is_producer(key) {
            true => Ok(Some(Work::Producer(key, By::Command))),
            false if self.replicas.is_ghost(key) => Ok(None),
            false => Err(absent(key)),
        }
    }

    fn consume(&mut self, key: ConsumerKey, open: &ConsumerOpen) -> Result<Answer, Refusal> {
        self.transport(open.transport)?;
        if self.replicas.is_ghost(open.producer) {
            self.ghosts.consumers.note(key);
            return Ok(posthumous(&ConsumerCommand::Open(Box::new(open.clone()))));
        }
        self.sfu.consume(key, open, &mut self.outputs)?;
        Ok(Answer::ConsumerOpened(Box::new(self.sfu.consumer_opened(key)?)))
    }

    fn open_replica(
        &mut self,
        key: ProducerKey,
        open: &ProducerReplica,
        cx: &mut Context<Self>,
    ) -> Result<(), Refusal> {
        self.router(open.router)?;
        self.replicas.check(key)?;
        self.sfu.open_replica(key, open)?;
        let replica = Replica { router: open.router, shard: open.shard.into(), producer: open.producer };
        let told = self.replicas.open(key, replica)?;
        if let Some(part) = self.routers.get_mut(open.router) {
            part.replicas.push(key);
        }
        if let Some(scores) = told.scores {
            // It has no consumers yet who would be told.
            let _ = self.sfu.set_replica_scores(key, &scores, &mut self.outputs);
        }
        if let Some(feed) = told.feed {
            self.turn_replica(replica.shard, feed, cx);
        }
        Ok(())
    }
}

/// What a consumer answers that went with its producer, when control gave the command before it could know.
fn posthumous(command: &ConsumerCommand) -> Answer {
    match command {
        ConsumerCommand::Open(open) => {
            let producer_scores = vec![0; open.consumable_encodings.len()];
            let score = ConsumerScore { score: 10, producer_score: 0, producer_scores };
            Answer::ConsumerOpened(Box::new(ConsumerOpened {
                score,
                preferred_layers: open.preferred_layers,
            }))
        }
        ConsumerCommand::SetPreferredLayers(_) => Answer::PreferredLayers(None),
        ConsumerCommand::Report => {
            Answer::Consumer(Box::new(ConsumerReport { rtp_streams: Vec::new(), layers: None }))
        }
        ConsumerCommand::Stats => Answer::StreamStats(Vec::new()),
        _ => Answer::Nothing,
    }
}

/// Which kind of producer a fact is about.
impl From<ProducerKey> for Subject {
    fn from(key: ProducerKey) -> Self {
        Self::Producer(key)
    }
}
