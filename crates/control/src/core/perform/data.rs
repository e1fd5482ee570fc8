//! Requests to make data producers and data consumers, and those of both.

use model::command::{
    Action, DataConsumerCommand, DataConsumerOpen, DataMessage, DataProducerCommand, DataProducerOpen,
};
use model::data::{DataKind, SctpStreamParameters};
use model::dump::{DataConsumerDump, DataProducerDump};
use model::id::{DataConsumerId, DataProducerId};
use model::ortc::validate_sctp_stream_parameters;
use model::reply::Refusal;

use super::consume::Supply;
use crate::Answer;
use crate::core::doors::Origin;
use crate::core::flight::{Plan, Step, Then, Turn};
use crate::core::keys::Kind;
use crate::core::objects::{DataConsumer, DataProducer, Head, Object, Source, Transport};
use crate::core::refusal::{failed, invalid, not_found, unreadable};
use crate::core::table::No;
use crate::core::{Core, lost};
use crate::request::{ConsumeData, DataConsumerRequest, DataProducerRequest, ProduceData};

impl Core {
    pub(super) fn produce_data(
        &mut self,
        origin: Origin,
        transport: No<Transport>,
        produce: ProduceData,
    ) -> Result<Plan, Refusal> {
        self.carries_data(transport)?;
        self.registry.is_free(produce.id.as_str())?;
        let row = self.registry.transports.get(transport).ok_or_else(lost::refusal)?;
        let stream = checked_stream(row, produce.kind, produce.sctp_stream_parameters)?;
        let (shard, transport_key) = (row.head.shard, row.head.key.transport());
        let of_stream = |other: &DataProducer| other.stream.map(|other| other.stream_id);
        let taken = row.data_producers.iter().filter_map(|no| self.registry.data_producers.get(*no));
        is_untaken(stream, taken.filter_map(of_stream))?;
        let head = self.head(origin, Kind::DataProducer, produce.id.as_str(), shard)?;
        let key = head.key.data_producer();
        let open = DataProducerOpen { transport: transport_key, stream, paused: produce.paused };
        let row = DataProducer {
            head,
            transport,
            kind: produce.kind,
            stream,
            label: produce.label,
            protocol: produce.protocol,
            paused: produce.paused,
            consumers: Default::default(),
            feeds: Default::default(),
        };
        let answer = Answer::DataProducer(Box::new(producer_dump(&row)));
        let no = self.registry.data_producers.add(row);
        self.registry.name(produce.id.as_str(), Object::DataProducer(no));
        if let Some(transport) = self.registry.transports.get_mut(transport) {
            transport.data_producers.insert(no);
        }
        let open = Action::DataProducer(key, DataProducerCommand::Open(open));
        Ok(Plan::one(shard, open, Then::Made(Object::DataProducer(no), Box::new(answer))))
    }

    pub(super) fn consume_data(
        &mut self,
        origin: Origin,
        transport: No<Transport>,
        consume: ConsumeData,
    ) -> Result<Plan, Refusal> {
        self.carries_data(transport)?;
        self.registry.is_free(consume.id.as_str())?;
        let row = self.registry.transports.get(transport).ok_or_else(lost::refusal)?;
        let stream = checked_stream(row, consume.kind, consume.sctp_stream_parameters)?;
        let (router, shard, transport_key) = (row.router, row.head.shard, row.head.key.transport());
        let threshold = row.default_buffered_amount_low_threshold;
        let of_stream = |other: &DataConsumer| other.stream.map(|other| other.stream_id);
        let taken = row.data_consumers.iter().filter_map(|no| self.registry.data_consumers.get(*no));
        is_untaken(stream, taken.filter_map(of_stream))?;
        let missing = || not_found("a data producer of this router", consume.data_producer_id.as_str());
        let producer = self.registry.data_producer(&consume.data_producer_id).map_err(|_| missing())?;
        let source = self.registry.data_producers.get(producer).ok_or_else(missing)?;
        if self.registry.router_of(source.transport) != Some(router) {
            return Err(missing());
        }
        let Supply { key: source, mut steps, claims } =
            self.supply(Source::DataProducer(producer), router, shard)?;
        let head = self.head(origin, Kind::DataConsumer, consume.id.as_str(), shard)?;
        let key = head.key.data_consumer();
        let row = DataConsumer {
            head,
            transport,
            producer,
            kind: consume.kind,
            stream,
            label: consume.label,
            protocol: consume.protocol,
            paused: consume.paused,
            subchannels: consume.subchannels.into_iter().collect(),
            // What SCTP begins with; a direct transport has nothing that could wait.
            buffered_amount_low_threshold: stream.map_or(0, |_| threshold),
        };
        let open = DataConsumerOpen {
            transport: transport_key,
            data_producer: source.data_producer(),
            stream,
            paused: row.paused,
            subchannels: row.subchannels.iter().copied().collect(),
        };
        let answer = Answer::DataConsumer(Box::new(self.data_consumer_dump(&row)?));
        let no = self.registry.data_consumers.add(row);
        self.registry.name(consume.id.as_str(), Object::DataConsumer(no));
        if let Some(transport) = self.registry.transports.get_mut(transport) {
            transport.data_consumers.insert(no);
        }
        if let Some(producer) = self.registry.data_producers.get_mut(producer) {
            producer.consumers.insert(no);
        }
        let open = DataConsumerCommand::Open(Box::new(open));
        steps.push(Step::main(shard, Action::DataConsumer(key, open)));
        Ok(Plan { steps, then: Then::Made(Object::DataConsumer(no), Box::new(answer)), claims })
    }

    pub(super) fn data_producer(
        &mut self,
        id: &DataProducerId,
        request: DataProducerRequest,
    ) -> Result<Plan, Refusal> {
        let no = self.registry.data_producer(id)?;
        let row = self.registry.data_producers.get_mut(no).ok_or_else(lost::refusal)?;
        let (command, then) = match request {
            DataProducerRequest::Dump => {
                return Ok(Plan::known(Answer::DataProducer(Box::new(producer_dump(row)))));
            }
            DataProducerRequest::Stats => {
                let (label, protocol) = (row.label.clone(), row.protocol.clone());
                (DataProducerCommand::Stats, Then::DataProducerStats { label, protocol })
            }
            DataProducerRequest::Pause => {
                (DataProducerCommand::Pause, Then::Tell(turned(row, true), Turn::Paused))
            }
            DataProducerRequest::Resume => {
                (DataProducerCommand::Resume, Then::Tell(turned(row, false), Turn::Resumed))
            }
        };
        let key = row.head.key.data_producer();
        Ok(Plan::one(row.head.shard, Action::DataProducer(key, command), then))
    }

    pub(super) fn data_consumer(
        &mut self,
        id: &DataConsumerId,
        request: DataConsumerRequest,
    ) -> Result<Plan, Refusal> {
        let no = self.registry.data_consumer(id)?;
        let limit = self.send_limit(no);
        let row = self.registry.data_consumers.get(no).ok_or_else(lost::refusal)?;
        let Head { shard, key, .. } = row.head;
        let dump = self.data_consumer_dump(row)?;
        let row = self.registry.data_consumers.get_mut(no).ok_or_else(lost::refusal)?;
        let done = || Then::Say(Box::new(Answer::Done));
        let (command, then) = match request {
            DataConsumerRequest::Dump => (DataConsumerCommand::Stats, Then::DataConsumerDump(Box::new(dump))),
            DataConsumerRequest::Stats => {
                let (label, protocol) = (row.label.clone(), row.protocol.clone());
                (DataConsumerCommand::Stats, Then::DataConsumerStats { label, protocol })
            }
            DataConsumerRequest::Pause => {
                row.paused = true;
                (DataConsumerCommand::Pause, done())
            }
            DataConsumerRequest::Resume => {
                row.paused = false;
                (DataConsumerCommand::Resume, done())
            }
            DataConsumerRequest::BufferedAmount => {
                over_sctp(row)?;
                (DataConsumerCommand::BufferedAmount, Then::BufferedAmount)
            }
            DataConsumerRequest::SetBufferedAmountLowThreshold(bytes) => {
                over_sctp(row)?;
                row.buffered_amount_low_threshold = bytes;
                (DataConsumerCommand::SetBufferedAmountLowThreshold(bytes), done())
            }
            DataConsumerRequest::Send { ppid, data } => {
                over_sctp(row)?;
                if data.len() > limit {
                    let expected = "at most maxSendMessageSize of the transport";
                    return Err(invalid("the length of the message", data.len(), expected));
                }
                let message = DataMessage { ppid, data, ..DataMessage::default() };
                (DataConsumerCommand::Send(Box::new(message)), Then::BufferedAmount)
            }
            DataConsumerRequest::SetSubchannels(subchannels) => {
                row.subchannels = subchannels.into_iter().collect();
                listen(row)
            }
            DataConsumerRequest::AddSubchannel(subchannel) => {
                row.subchannels.insert(subchannel);
                listen(row)
            }
            DataConsumerRequest::RemoveSubchannel(subchannel) => {
                row.subchannels.remove(&subchannel);
                listen(row)
            }
        };
        Ok(Plan::one(shard, Action::DataConsumer(key.data_consumer(), command), then))
    }

    fn send_limit(&self, no: No<DataConsumer>) -> usize {
        let row = self.registry.data_consumers.get(no);
        let transport = row.and_then(|row| self.registry.transports.get(row.transport));
        transport.map_or(0, |row| usize::try_from(row.max_send_message_size).unwrap_or(usize::MAX))
    }

    fn data_consumer_dump(&self, row: &DataConsumer) -> Result<DataConsumerDump, Refusal> {
        let producer = self.registry.data_producers.get(row.producer).ok_or_else(lost::refusal)?;
        Ok(DataConsumerDump {
            id: DataConsumerId::from(&*row.head.id),
            data_producer_id: DataProducerId::from(&*producer.head.id),
            kind: row.kind,
            sctp_stream_parameters: row.stream,
            label: row.label.clone(),
            protocol: row.protocol.clone(),
            buffered_amount: 0,
            buffered_amount_low_threshold: row.buffered_amount_low_threshold,
            paused: row.paused,
            data_producer_paused: producer.paused,
            subchannels: row.subchannels.iter().copied().collect(),
        })
    }
}

/// The stream, if the kind of data is one that the transport carries.
fn checked_stream(
    transport: &Transport,
    kind: DataKind,
    stream: Option<SctpStreamParameters>,
) -> Result<Option<SctpStreamParameters>, Refusal> {
    match (kind, transport.is_direct()) {
        (DataKind::Direct, true) => return Ok(None),
        (DataKind::Direct, false) => {
            return Err(invalid("type", "\"direct\"", "\"sctp\", because the transport is not direct"));
        }
        (DataKind::Sctp, true) => {
            return Err(invalid("type", "\"sctp\"", "\"direct\", because the transport is direct"));
        }
        (DataKind::Sctp, false) => {}
    }
    let expected = "given, because the type is \"sctp\"";
    let stream = stream.ok_or_else(|| invalid("sctpStreamParameters", "missing", expected))?;
    // RFC 8831 §6.2.
    if stream.stream_id == u16::MAX {
        return Err(invalid("sctpStreamParameters.streamId", stream.stream_id, "at most 65534"));
    }
    validate_sctp_stream_parameters(stream).map(Some).map_err(|invalid| unreadable(&invalid))
}

fn is_untaken(
    stream: Option<SctpStreamParameters>,
    mut taken: impl Iterator<Item = u16>,
) -> Result<(), Refusal> {
    let Some(SctpStreamParameters { stream_id, .. }) = stream else { return Ok(()) };
    if taken.any(|taken| taken == stream_id) {
        let field = "sctpStreamParameters.streamId";
        return Err(failed(format!(
            "{field} is {stream_id}; another one on this transport uses that stream"
        )));
    }
    Ok(())
}

fn over_sctp(row: &DataConsumer) -> Result<(), Refusal> {
    match row.kind {
        DataKind::Sctp => Ok(()),
        DataKind::Direct => {
            let expected = "\"sctp\"; what goes to the application itself is not sent and does not wait";
            Err(invalid("type", "\"direct\"", expected))
        }
    }
}

fn listen(row: &DataConsumer) -> (DataConsumerCommand, Then) {
    let subchannels: Vec<_> = row.subchannels.iter().copied().collect();
    let answer = Box::new(Answer::Subchannels(subchannels.clone()));
    (DataConsumerCommand::SetSubchannels(subchannels), Then::Say(answer))
}

/// Turns a data producer, and says whom that concerns: nobody, if it changed nothing.
fn turned(row: &mut DataProducer, paused: bool) -> Vec<Object> {
    if std::mem::replace(&mut row.paused, paused) == paused {
        return Vec::new();
    }
    row.consumers.iter().copied().map(Object::DataConsumer).collect()
}

fn producer_dump(row: &DataProducer) -> DataProducerDump {
    DataProducerDump {
        id: DataProducerId::from(&*row.head.id),
        kind: row.kind,
        sctp_stream_parameters: row.stream,
        label: row.label.clone(),
        protocol: row.protocol.clone(),
        paused: row.paused,
    }
}
