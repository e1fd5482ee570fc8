//! Requests to make producers, and those of producers.

use model::command::{Action, ProducerCommand, ProducerOpen};
use model::dump::ProducerDump;
use model::id::ProducerId;
use model::reply::Refusal;

use crate::Answer;
use crate::core::doors::Origin;
use crate::core::flight::{Plan, Then, Turn};
use crate::core::keys::Kind;
use crate::core::objects::{Object, Producer, Transport, producer_type, with_codecs_named};
use crate::core::table::No;
use crate::core::{Core, lost};
use crate::request::{Produce, ProducerRequest};

impl Core {
    pub(super) fn produce(
        &mut self,
        origin: Origin,
        transport: No<Transport>,
        produce: Produce,
    ) -> Result<Plan, Refusal> {
        self.registry.is_free(produce.id.as_str())?;
        let head = &self.registry.transports.get(transport).ok_or_else(lost::refusal)?.head;
        let (shard, transport_key) = (head.shard, head.key.transport());
        let head = self.head(origin, Kind::Producer, produce.id.as_str(), shard)?;
        let key = head.key.producer();
        let producer_type = producer_type(&produce.rtp_parameters);
        let open = ProducerOpen {
            transport: transport_key,
            kind: produce.kind,
            producer_type,
            rtp_parameters: produce.rtp_parameters.clone(),
            rtp_mapping: produce.rtp_mapping.clone(),
            paused: produce.paused,
            key_frame_request_delay_ms: produce.key_frame_request_delay_ms,
            adds_packet_id: produce.adds_packet_id,
        };
        let no = self.registry.producers.add(Producer {
            head,
            transport,
            kind: produce.kind,
            producer_type,
            rtp_parameters: with_codecs_named(produce.rtp_parameters),
            rtp_mapping: produce.rtp_mapping,
            paused: produce.paused,
            trace: Default::default(),
            consumers: Default::default(),
            observers: Default::default(),
            feeds: Default::default(),
        });
        self.registry.name(produce.id.as_str(), Object::Producer(no));
        if let Some(transport) = self.registry.transports.get_mut(transport) {
            transport.producers.insert(no);
        }
        let then = Then::Made(Object::Producer(no), Box::new(Answer::Produced(producer_type)));
        Ok(Plan::one(shard, Action::Producer(key, ProducerCommand::Open(Box::new(open))), then))
    }

    pub(super) fn producer(&mut self, id: &ProducerId, request: ProducerRequest) -> Result<Plan, Refusal> {
        let no = self.registry.producer(id)?;
        let row = self.registry.producers.get_mut(no).ok_or_else(lost::refusal)?;
        let (shard, key) = (row.head.shard, row.head.key.producer());
        let (command, then) = match request {
            ProducerRequest::Dump => (ProducerCommand::Report, Then::ProducerDump(Box::new(dump(row)))),
            ProducerRequest::Stats => (ProducerCommand::Stats, Then::StreamStats),
            ProducerRequest::Pause => {
                let told = turned(row, true);
                (ProducerCommand::Pause, Then::Tell(told, Turn::Paused))
            }
            ProducerRequest::Resume => {
                let told = turned(row, false);
                (ProducerCommand::Resume, Then::Tell(told, Turn::Resumed))
            }
            ProducerRequest::EnableTrace(types) => {
                row.trace = types;
                (ProducerCommand::EnableTrace(types), Then::Say(Box::new(Answer::Done)))
            }
        };
        Ok(Plan::one(shard, Action::Producer(key, command), then))
    }
}

/// Turns a producer, and says whom that concerns: nobody, if it changed nothing.
fn turned(row: &mut Producer, paused: bool) -> Vec<Object> {
    if std::mem::replace(&mut row.paused, paused) == paused {
        return Vec::new();
    }
    row.consumers.iter().copied().map(Object::Consumer).collect()
}

fn dump(row: &Producer) -> ProducerDump {
    ProducerDump {
        id: ProducerId::from(&*row.head.id),
        kind: row.kind,
        producer_type: row.producer_type,
        rtp_parameters: row.rtp_parameters.clone(),
        rtp_mapping: row.rtp_mapping.clone(),
        rtp_streams: Vec::new(),
        trace_event_types: row.trace,
        paused: row.paused,
    }
}
