//! Requests to make consumers, and those of consumers.

use std::num::NonZeroU8;

use model::command::{
    Action, ConsumerCommand, ConsumerOpen, DataProducerCommand, ProducerCommand, ProducerReplica,
};
use model::dump::{BaseTransportDump, ConsumerDump, ConsumerKindDump, Entry};
use model::id::{ConsumerId, ProducerId};
use model::key::{RouterKey, ShardIndex};
use model::reply::Refusal;
use model::rtp::RtpCodecParameters;
use model::score::{ConsumerScore, ConsumerType};

use crate::Answer;
use crate::answer::Consumed;
use crate::core::claims::Claim;
use crate::core::doors::Origin;
use crate::core::flight::{Plan, Step, Then};
use crate::core::keys::{Key, Kind};
use crate::core::objects::{
    Consumer, Feed, Object, Producer, Router, Source, Transport, media_payload_types, with_codecs_named,
};
use crate::core::refusal::{invalid, not_found};
use crate::core::table::No;
use crate::core::{Core, lost};
use crate::request::{Consume, ConsumerRequest};

/// What stands for a source on a shard, and what has to be done for that.
pub(super) struct Supply {
    pub(super) key: Key,
    pub(super) steps: Vec<Step>,
    pub(super) claims: Vec<Claim>,
}

impl Core {
    pub(super) fn consume(
        &mut self,
        origin: Origin,
        transport: No<Transport>,
        consume: Consume,
    ) -> Result<Plan, Refusal> {
        self.registry.is_free(consume.id.as_str())?;
        let row = self.registry.transports.get(transport).ok_or_else(lost::refusal)?;
        let (router, shard, transport_key) = (row.router, row.head.shard, row.head.key.transport());
        let producer = self.producer_in(router, &consume.producer_id)?;
        let row = self.registry.producers.get(producer).ok_or_else(lost::refusal)?;
        let (encodings, producer_paused) = (row.rtp_mapping.encodings.len(), row.paused);
        let Supply { key: source, mut steps, claims } =
            self.supply(Source::Producer(producer), router, shard)?;
        let head = self.head(origin, Kind::Consumer, consume.id.as_str(), shard)?;
        let open = ConsumerOpen {
            transport: transport_key,
            producer: source.producer(),
            kind: consume.kind,
            consumer_type: consume.consumer_type,
            rtp_parameters: consume.rtp_parameters.clone(),
            consumable_encodings: consume.consumable_encodings.clone(),
            paused: consume.paused,
            preferred_layers: consume.preferred_layers,
            ignore_dtx: consume.ignore_dtx,
            seed: self.random.seed(),
        };
        let open = ConsumerCommand::Open(Box::new(open));
        steps.push(Step::main(shard, Action::Consumer(head.key.consumer(), open)));
        let consumed = Consumed {
            paused: consume.paused,
            producer_paused,
            // The shard says better; this is what it would say of a producer that is silent.
            score: ConsumerScore { score: 10, producer_score: 0, producer_scores: vec![0; encodings] },
            preferred_layers: None,
        };
        let no = self.enter_consumer(head, transport, producer, consume);
        let then = Then::Made(Object::Consumer(no), Box::new(Answer::Consumed(Box::new(consumed))));
        Ok(Plan { steps, then, claims })
    }

    pub(super) fn consumer(&mut self, id: &ConsumerId, request: ConsumerRequest) -> Result<Plan, Refusal> {
        let no = self.registry.consumer(id)?;
        let row = self.registry.consumers.get_mut(no).ok_or_else(lost::refusal)?;
        let done = || Then::Say(Box::new(Answer::Done));
        let (shard, key) = (row.head.shard, row.head.key.consumer());
        let (command, then) = match request {
            ConsumerRequest::Dump => {
                let consumer_type = row.consumer_type;
                let dump = self.consumer_dump(no)?;
                (ConsumerCommand::Report, Then::ConsumerDump(Box::new(dump), consumer_type))
            }
            ConsumerRequest::Stats => return self.consumer_stats(no),
            ConsumerRequest::Pause => {
                row.paused = true;
                (ConsumerCommand::Pause, done())
            }
            ConsumerRequest::Resume => {
                row.paused = false;
                (ConsumerCommand::Resume, done())
            }
            ConsumerRequest::SetPreferredLayers(layers) => {
                (ConsumerCommand::SetPreferredLayers(layers), Then::PreferredLayers)
            }
            ConsumerRequest::SetPriority(priority) => {
                let expected = "an integer from 1 to 255";
                let weight =
                    NonZeroU8::new(priority).ok_or_else(|| invalid("priority", priority, expected))?;
                row.priority = priority;
                (ConsumerCommand::SetPriority(weight), Then::Say(Box::new(Answer::Priority(priority))))
            }
            ConsumerRequest::RequestKeyFrame => (ConsumerCommand::RequestKeyFrame, done()),
            ConsumerRequest::EnableTrace(types) => {
                row.trace = types;
                (ConsumerCommand::EnableTrace(types), done())
            }
        };
        Ok(Plan::one(shard, Action::Consumer(key, command), then))
    }

    /// A producer of that name in that router.
    pub(super) fn producer_in(&self, router: No<Router>, id: &ProducerId) -> Result<No<Producer>, Refusal> {
        let missing = || not_found("a producer of this router", id.as_str());
        let producer = self.registry.producer(id).map_err(|_| missing())?;
        let row = self.registry.producers.get(producer).ok_or_else(missing)?;
        let is_here = self.registry.router_of(row.transport) == Some(router);
        if is_here { Ok(producer) } else { Err(missing()) }
    }

    /// What a source is called on a shard. If that is not the source's own, something stands for it there: made first
    /// where it has to be, then fed. Both are on their way together with whatever needs them.
    pub(super) fn supply(
        &mut self,
        source: Source,
        router: No<Router>,
        shard: ShardIndex,
    ) -> Result<Supply, Refusal> {
        let (home, own) = self.place_of(source).ok_or_else(lost::refusal)?;
        if home == shard {
            return Ok(Supply { key: own, steps: Vec::new(), claims: Vec::new() });
        }
        let claims = vec![Claim::Feed(source, shard)];
        let feeds = self.registry.feeds_mut(source).ok_or_else(lost::refusal)?;
        if let Some(feed) = feeds.get_mut(&shard) {
            feed.users += 1;
            return Ok(Supply { key: feed.key, steps: Vec::new(), claims });
        }
        let part = self.part(router, shard)?;
        let id = self.registry.head(source.into()).map(|head| head.id.clone()).unwrap_or_default();
        let (key, steps) = match source {
            Source::Producer(no) => self.stand_in_for_producer(no, part, (home, shard), &id)?,
            Source::DataProducer(_) => {
                let key = self.silent_key(Kind::DataProducer, &id, shard)?;
                let (own, replica) = (own.data_producer(), key.data_producer());
                let open = DataProducerCommand::OpenReplica { router: part, shard: home, data_producer: own };
                let feed = DataProducerCommand::OpenFeed { shard, replica };
                let open = Step::side(shard, Action::DataProducer(replica, open));
                (key, vec![open, Step::side(home, Action::DataProducer(own, feed))])
            }
        };
        let feeds = self.registry.feeds_mut(source).ok_or_else(lost::refusal)?;
        feeds.insert(shard, Feed { key, users: 1, draining: false });
        Ok(Supply { key, steps, claims })
    }

    fn stand_in_for_producer(
        &mut self,
        no: No<Producer>,
        part: RouterKey,
        (home, shard): (ShardIndex, ShardIndex),
        id: &str,
    ) -> Result<(Key, Vec<Step>), Refusal> {
        let key = self.silent_key(Kind::Producer, id, shard)?;
        let row = self.registry.producers.get(no).ok_or_else(lost::refusal)?;
        let (own, replica) = (row.head.key.producer(), key.producer());
        let open = ProducerReplica {
            router: part,
            shard: home,
            producer: own,
            kind: row.kind,
            producer_type: row.producer_type,
            codecs: mapped_codecs(row),
            mapped_ssrcs: row.rtp_mapping.encodings.iter().map(|encoding| encoding.mapped_ssrc).collect(),
            header_extensions: row.rtp_parameters.header_extensions.clone(),
            paused: row.paused,
        };
        let open = ProducerCommand::OpenReplica(Box::new(open));
        let feed = ProducerCommand::OpenFeed { shard, replica };
        let open = Step::side(shard, Action::Producer(replica, open));
        Ok((key, vec![open, Step::side(home, Action::Producer(own, feed))]))
    }

    fn enter_consumer(
        &mut self,
        head: crate::core::objects::Head,
        transport: No<Transport>,
        producer: No<Producer>,
        consume: Consume,
    ) -> No<Consumer> {
        let shard = head.shard;
        let no = self.registry.consumers.add(Consumer {
            head,
            transport,
            producer,
            kind: consume.kind,
            consumer_type: consume.consumer_type,
            rtp_parameters: with_codecs_named(consume.rtp_parameters),
            consumable_encodings: consume.consumable_encodings,
            paused: consume.paused,
            priority: 1,
            trace: Default::default(),
        });
        self.registry.name(consume.id.as_str(), Object::Consumer(no));
        if let Some(producer) = self.registry.producers.get_mut(producer) {
            producer.consumers.insert(no);
        }
        let router = self.registry.transports.get_mut(transport).map(|row| {
            row.consumers.insert(no);
            row.router
        });
        if let Some(router) = router.and_then(|router| self.registry.routers.get_mut(router)) {
            *router.consumers_on.entry(shard).or_default() += 1;
        }
        no
    }

    fn consumer_dump(&self, no: No<Consumer>) -> Result<ConsumerDump, Refusal> {
        let row = self.registry.consumers.get(no).ok_or_else(lost::refusal)?;
        let producer = self.registry.producers.get(row.producer).ok_or_else(lost::refusal)?;
        Ok(ConsumerDump {
            id: ConsumerId::from(&*row.head.id),
            producer_id: ProducerId::from(&*producer.head.id),
            kind: row.kind,
            rtp_parameters: row.rtp_parameters.clone(),
            consumable_rtp_encodings: row.consumable_encodings.clone(),
            supported_codec_payload_types: media_payload_types(&row.rtp_parameters).collect(),
            trace_event_types: row.trace,
            paused: row.paused,
            producer_paused: producer.paused,
            priority: row.priority,
            kind_dump: ConsumerKindDump::Pipe { rtp_streams: Vec::new() },
        })
    }
}

/// A consumer's rows in its transport's dump.
pub(super) fn list(consumer: &Consumer, dump: &mut BaseTransportDump) {
    let id = ConsumerId::from(&*consumer.head.id);
    // One stream, but for pipes, which have all.
    let count = if consumer.consumer_type == ConsumerType::Pipe { usize::MAX } else { 1 };
    for encoding in consumer.rtp_parameters.encodings.iter().take(count) {
        let ssrc = encoding.ssrc.map(|ssrc| Entry { key: ssrc, value: id.clone() });
        dump.map_ssrc_consumer_id.extend(ssrc);
        let rtx = encoding.rtx.map(|rtx| Entry { key: rtx.ssrc, value: id.clone() });
        dump.map_rtx_ssrc_consumer_id.extend(rtx);
    }
    dump.consumer_ids.push(id);
}

/// A producer's codecs as they are inside the router.
fn mapped_codecs(row: &Producer) -> Vec<RtpCodecParameters> {
    let codecs = row.rtp_parameters.codecs.iter().map(|codec| {
        let inside = row.rtp_mapping.mapped_payload_type(codec.payload_type);
        RtpCodecParameters { payload_type: inside.unwrap_or(codec.payload_type), ..codec.clone() }
    });
    codecs.collect()
}
