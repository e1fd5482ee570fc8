//! Producing and consuming messages.

use std::collections::HashMap;
use std::sync::Arc;

use model::data::{DataKind, SctpStreamParameters};
use model::id::{DataConsumerId, DataProducerId};
use model::ortc;
use model::transport::TransportKind;

use super::Transport;
use crate::api::catalogue::DataProducerFacts;
use crate::api::closing::Signals;
use crate::api::data_consumer::{DataConsumer, DataConsumerOptions, DataConsumerState};
use crate::api::data_producer::{DataProducer, DataProducerOptions, DataProducerState};
use crate::api::directory::Seat;
use crate::api::error::Error;
use crate::api::naming;
use crate::api::object::{Making, Object};
use crate::event::DataConsumerEvent;
use crate::request::{ConsumeData, ProduceData, TransportRequest};

/// Which of a transport's outgoing SCTP streams are in use.
#[derive(Debug, Default)]
pub(super) struct StreamIds {
    next: u16,
    /// Absent while the data consumer is being made.
    taken: HashMap<u16, Option<Arc<Signals<DataConsumerEvent>>>>,
}

impl Transport {
    /// Makes a data producer: messages that the peer sends, or on a direct transport the application.
    ///
    /// # Errors
    /// [`Error::Invalid`] names what is not right with the options; [`Error::Failed`] if the stream is in use, or the
    /// transport has no SCTP.
    pub async fn produce_data(&self, options: DataProducerOptions) -> Result<DataProducer, Error> {
        self.inner.object.open()?;
        let DataProducerOptions { id, sctp_stream_parameters, label, protocol, paused, app_data } = options;
        let kind = self.data_kind();
        let stream = self.data_stream(sctp_stream_parameters)?;
        let id = id.unwrap_or_else(|| DataProducerId::from(naming::id()));
        let create = TransportRequest::ProduceData(Box::new(ProduceData {
            id: id.clone(),
            kind,
            sctp_stream_parameters: stream,
            label: label.clone(),
            protocol: protocol.clone(),
            paused,
        }));
        let (object, _) = Object::make(Making {
            link: &self.inner.object.link,
            id: id.as_str(),
            parents: vec![self.inner.object.id().into()],
            create: self.request(create),
            close: self.request(TransportRequest::CloseDataProducer(id.clone())),
            seat: Seat::DataProducer,
            init: DataProducerState::init,
            app_data,
        })
        .await?;
        let facts = Arc::new(DataProducerFacts {
            sctp_stream_parameters: stream,
            label,
            protocol,
            signals: Arc::clone(&object.signals),
        });
        self.router().catalogue().data_producers.put(id, Arc::clone(&facts));
        Ok(DataProducer::new(object, self.clone(), facts))
    }

    /// Makes a data consumer: messages that the peer is sent, or on a direct transport the application, of a data
    /// producer in the same router.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the router has no such data producer; [`Error::Invalid`] names what is not right with
    /// the options; [`Error::Failed`] if the transport has no SCTP, or no stream left.
    pub async fn consume_data(&self, options: DataConsumerOptions) -> Result<DataConsumer, Error> {
        self.inner.object.open()?;
        let facts = self.router().data_producer(&options.data_producer_id)?;
        let given = options.ordered.is_some()
            || options.max_packet_life_time.is_some()
            || options.max_retransmits.is_some();
        let stream = match self.data_kind() {
            DataKind::Direct if given => {
                return Err(Error::field(
                    "ordered",
                    "given",
                    "absent on a direct transport, like the limits",
                ));
            }
            DataKind::Direct => None,
            DataKind::Sctp => Some(self.stream_like(facts.sctp_stream_parameters, &options)?),
        };
        let DataConsumerOptions { data_producer_id, paused, subchannels, app_data, .. } = options;
        let id = DataConsumerId::from(naming::id());
        let create = TransportRequest::ConsumeData(Box::new(ConsumeData {
            id: id.clone(),
            data_producer_id: data_producer_id.clone(),
            kind: self.data_kind(),
            sctp_stream_parameters: stream.as_ref().map(|stream| stream.parameters),
            label: facts.label.clone(),
            protocol: facts.protocol.clone(),
            paused,
            subchannels,
        }));
        let (object, _) = Object::make(Making {
            link: &self.inner.object.link,
            id: id.as_str(),
            parents: vec![self.inner.object.id().into()],
            create: self.request(create),
            close: self.request(TransportRequest::CloseDataConsumer(id.clone())),
            seat: Seat::DataConsumer,
            init: DataConsumerState::init,
            app_data,
        })
        .await?;
        let parameters = stream.as_ref().map(|stream| stream.parameters);
        if let Some(stream) = stream {
            stream.keep(&object.signals);
        }
        Ok(DataConsumer::new(object, self.clone(), data_producer_id, parameters, facts))
    }

    fn data_kind(&self) -> DataKind {
        if self.kind() == TransportKind::Direct { DataKind::Direct } else { DataKind::Sctp }
    }

    /// The stream of a data producer, which over SCTP is needed and otherwise makes no sense.
    fn data_stream(
        &self,
        given: Option<SctpStreamParameters>,
    ) -> Result<Option<SctpStreamParameters>, Error> {
        match (self.data_kind(), given) {
            (DataKind::Direct, None) => Ok(None),
            (DataKind::Sctp, Some(stream)) => Ok(Some(ortc::validate_sctp_stream_parameters(stream)?)),
            (DataKind::Direct, Some(_)) => {
                Err(Error::field("sctpStreamParameters", "given", "absent on a direct transport"))
            }
            (DataKind::Sctp, None) => {
                Err(Error::field("sctpStreamParameters", "missing", "an object with a streamId"))
            }
        }
    }

    /// A free stream, as reliable as the data producer's unless the options say otherwise.
    fn stream_like(
        &self,
        model: Option<SctpStreamParameters>,
        options: &DataConsumerOptions,
    ) -> Result<Reserved<'_>, Error> {
        let like = model.unwrap_or(SctpStreamParameters {
            stream_id: 0,
            ordered: Some(true),
            max_packet_life_time: None,
            max_retransmits: None,
        });
        let parameters = ortc::validate_sctp_stream_parameters(SctpStreamParameters {
            stream_id: 0,
            ordered: options.ordered.or(like.ordered),
            max_packet_life_time: options.max_packet_life_time.or(like.max_packet_life_time),
            max_retransmits: options.max_retransmits.or(like.max_retransmits),
        })?;
        let stream_id =
            self.inner.streams.lock().reserve().ok_or_else(|| {
                Error::Failed("no SCTP stream is left on this transport; it has 65535".into())
            })?;
        let parameters = SctpStreamParameters { stream_id, ..parameters };
        Ok(Reserved { transport: self, parameters, kept: false })
    }
}

/// A stream that nobody else gets while its data consumer is being made.
struct Reserved<'a> {
    transport: &'a Transport,
    parameters: SctpStreamParameters,
    kept: bool,
}

impl Reserved<'_> {
    /// It is taken until that data consumer is closed.
    fn keep(mut self, by: &Arc<Signals<DataConsumerEvent>>) {
        self.kept = true;
        let mut streams = self.transport.inner.streams.lock();
        streams.taken.insert(self.parameters.stream_id, Some(Arc::clone(by)));
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.transport.inner.streams.lock().taken.remove(&self.parameters.stream_id);
        }
    }
}

impl StreamIds {
    /// The next free stream: the one that was in use least recently, so that its reset is long over.
    fn reserve(&mut self) -> Option<u16> {
        let is_free = |id: &u16| match self.taken.get(id) {
            None => true,
            Some(by) => by.as_ref().is_some_and(|by| by.is_closed()),
        };
        let id = (self.next..STREAMS).chain(0..self.next).find(is_free)?;
        self.taken.insert(id, None);
        self.next = (id + 1) % STREAMS;
        Some(id)
    }
}

/// Streams are 0 to 65534 (RFC 8831 §6.2).
const STREAMS: u16 = u16::MAX;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::closing::CloseReason;

    #[test]
    fn a_stream_is_free_again_once_its_data_consumer_closed() {
        let mut streams = StreamIds::default();
        assert_eq!([streams.reserve(), streams.reserve()], [Some(0), Some(1)]);
        let user = Arc::new(Signals::default());
        streams.taken.insert(0, Some(Arc::clone(&user)));
        streams.next = 0;
        assert_eq!(streams.reserve(), Some(2), "both are in use");
        user.close(CloseReason::Requested);
        streams.next = STREAMS - 1;
        assert_eq!([streams.reserve(), streams.reserve()], [Some(STREAMS - 1), Some(0)]);
    }

    #[test]
    fn streams_run_out() {
        let mut streams = StreamIds::default();
        assert_eq!(std::iter::from_fn(|| streams.reserve()).count(), usize::from(STREAMS));
    }
}
