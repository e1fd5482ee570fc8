//! Producing and consuming: the negotiation between what clients say and what the SFU is told.

use std::sync::Arc;

use model::id::{ConsumerId, ProducerId};
use model::ortc::{
    self, ConsumerRequest as Negotiate, ConsumerSsrcs, PipeConsumerRequest, consumable_rtp_parameters,
    consumer_rtp_parameters, pipe_consumer_rtp_parameters, producer_rtp_mapping,
};
use model::rtp::{MediaKind, RtpEncodingParameters, RtpParameters};
use model::score::ConsumerType;
use model::transport::TransportKind;

use super::Transport;
use crate::answer::Answer;
use crate::api::catalogue::ProducerFacts;
use crate::api::consumer::{Consumer, ConsumerOptions, ConsumerState, Is};
use crate::api::directory::Seat;
use crate::api::error::Error;
use crate::api::naming;
use crate::api::object::{AppData, Making, Object};
use crate::api::producer::{Producer, ProducerOptions, ProducerState};
use crate::event::ConsumerEvent;
use crate::request::{Consume, Produce, TransportRequest};

/// What a transport calls its streams.
#[derive(Debug, Default)]
pub(super) struct Naming {
    /// The canonical name of all its producers' sources: that of the first that has one.
    cname: Option<Box<str>>,
    next_mid: u32,
}

impl Transport {
    /// Makes a producer: a stream that the peer sends, with the parameters that the client gave.
    ///
    /// # Errors
    /// [`Error::Invalid`] and [`Error::Unsupported`] name what is not right with the parameters; [`Error::Failed`]
    /// says what of it another producer of this transport already uses.
    pub async fn produce(&self, options: ProducerOptions) -> Result<Producer, Error> {
        self.inner.object.open()?;
        let ProducerOptions { id, kind, rtp_parameters, paused, .. } = options;
        let mut rtp_parameters = ortc::validate_rtp_parameters(rtp_parameters)?;
        if rtp_parameters.encodings.is_empty() {
            rtp_parameters.encodings.push(RtpEncodingParameters::default());
        }
        // At a pipe's end the sources are those of the producer at its beginning.
        if self.inner.kind != TransportKind::Pipe {
            let cname = self.inner.naming.lock().cname(rtp_parameters.rtcp.cname.take());
            rtp_parameters.rtcp.cname = Some(cname);
        }
        let router = self.router().rtp_capabilities();
        let rtp_mapping = producer_rtp_mapping(&mut rtp_parameters, router, naming::ssrc())?;
        let consumable = consumable_rtp_parameters(kind, &rtp_parameters, router, &rtp_mapping)?;
        let id = id.unwrap_or_else(|| naming::id().into());
        let create = TransportRequest::Produce(Box::new(Produce {
            id: id.clone(),
            kind,
            rtp_parameters: rtp_parameters.clone(),
            rtp_mapping,
            paused,
            key_frame_request_delay_ms: options.key_frame_request_delay_ms,
            adds_packet_id: options.adds_packet_id,
        }));
        let (object, answer) = Object::make(Making {
            link: &self.inner.object.link,
            id: id.as_str(),
            parents: vec![self.inner.object.id().into()],
            create: self.request(create),
            close: self.request(TransportRequest::CloseProducer(id.clone())),
            seat: Seat::Producer,
            init: |_, _| {},
            app_data: options.app_data,
        })
        .await?;
        let Answer::Produced(producer_type) = answer else { return Err(Error::unexpected("produce")) };
        object.signals.change(|state: &mut ProducerState| state.paused = paused);
        let signals = Arc::clone(&object.signals);
        let facts = ProducerFacts { kind, producer_type, consumable, signals };
        self.router().catalogue().producers.put(id, Arc::new(facts));
        Ok(Producer::new(object, self.clone(), kind, producer_type, rtp_parameters))
    }

    /// Makes a consumer: a stream that the peer is sent, of a producer in the same router, as its client can
    /// receive it.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the router has no such producer, [`Error::Unsupported`] if the client can receive none
    /// of its codecs, [`Error::Invalid`] names what is not right with the capabilities.
    pub async fn consume(&self, options: ConsumerOptions) -> Result<Consumer, Error> {
        self.inner.object.open()?;
        let ConsumerOptions { producer_id, rtp_capabilities, mid, enable_rtx, pipe, .. } = &options;
        if mid.as_deref() == Some("") {
            return Err(Error::field("mid", "\"\"", "a non-empty text, or absent"));
        }
        let facts = self.router().producer(producer_id)?;
        let ssrcs = if *pipe {
            ConsumerSsrcs::All { first: naming::ssrc(), first_rtx: naming::ssrc() }
        } else {
            ConsumerSsrcs::One(naming::ssrc())
        };
        let mut rtp_parameters = consumer_rtp_parameters(Negotiate {
            consumable: &facts.consumable,
            remote: rtp_capabilities,
            enable_rtx: enable_rtx.unwrap_or(facts.kind == MediaKind::Video),
            ssrcs,
        })?;
        if !pipe {
            let next = || self.inner.naming.lock().next_mid();
            rtp_parameters.mid = Some(mid.clone().unwrap_or_else(next));
        }
        let consumer_type = if *pipe { ConsumerType::Pipe } else { facts.consumer_type() };
        self.make_consumer(&facts, options, rtp_parameters, consumer_type).await
    }

    /// Makes a consumer for the router at the other end of a pipe.
    pub(super) async fn consume_for_pipe(
        &self,
        producer: &ProducerId,
        rtx: bool,
        app_data: AppData,
    ) -> Result<Consumer, Error> {
        self.inner.object.open()?;
        let facts = self.router().producer(producer)?;
        let rtp_parameters = pipe_consumer_rtp_parameters(PipeConsumerRequest {
            consumable: &facts.consumable,
            enable_rtx: rtx,
            first: naming::ssrc(),
            first_rtx: naming::ssrc(),
        });
        let options =
            ConsumerOptions { app_data, ..ConsumerOptions::new(producer.clone(), Default::default()) };
        self.make_consumer(&facts, options, rtp_parameters, ConsumerType::Pipe).await
    }

    async fn make_consumer(
        &self,
        facts: &ProducerFacts,
        options: ConsumerOptions,
        rtp_parameters: RtpParameters,
        consumer_type: ConsumerType,
    ) -> Result<Consumer, Error> {
        let ConsumerOptions { producer_id, paused, preferred_layers, ignore_dtx, app_data, .. } = options;
        let id = ConsumerId::from(naming::id());
        let create = TransportRequest::Consume(Box::new(Consume {
            id: id.clone(),
            producer_id: producer_id.clone(),
            kind: facts.kind,
            rtp_parameters: rtp_parameters.clone(),
            consumer_type,
            consumable_encodings: facts.consumable.encodings.clone(),
            paused,
            preferred_layers,
            ignore_dtx,
        }));
        let (object, _) = Object::<ConsumerEvent>::make(Making {
            link: &self.inner.object.link,
            id: id.as_str(),
            parents: vec![self.inner.object.id().into()],
            create: self.request(create),
            close: self.request(TransportRequest::CloseConsumer(id.clone())),
            seat: Seat::Consumer,
            init: ConsumerState::init,
            app_data,
        })
        .await?;
        let is = Is { producer_id, kind: facts.kind, consumer_type, rtp_parameters };
        Ok(Consumer::new(object, self.clone(), is))
    }
}

impl Naming {
    fn cname(&mut self, given: Option<Box<str>>) -> Box<str> {
        let given = given.filter(|cname| !cname.is_empty());
        self.cname.get_or_insert_with(|| given.unwrap_or_else(naming::cname)).clone()
    }

    fn next_mid(&mut self) -> Box<str> {
        let mid = self.next_mid;
        self.next_mid = (self.next_mid + 1) % MIDS;
        mid.to_string().into()
    }
}

/// MIDs are up to 8 digits (as mediasoup's), because packets have 8 bytes for them.
const MIDS: u32 = 100_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_canonical_name_is_that_of_all() {
        let mut naming = Naming::default();
        assert_eq!(&*naming.cname(Some("first".into())), "first");
        assert_eq!(&*naming.cname(Some("second".into())), "first");
        assert_eq!(&*naming.cname(None), "first");
        let mut unnamed = Naming::default();
        let made = unnamed.cname(Some("".into()));
        assert_eq!(made.len(), 8);
        assert_eq!(unnamed.cname(None), made);
    }

    #[test]
    fn mids_count_from_zero_and_fit_into_a_packet() {
        let mut naming = Naming { next_mid: MIDS - 1, ..Naming::default() };
        assert_eq!(&*naming.next_mid(), "99999999");
        assert_eq!(&*naming.next_mid(), "0");
    }
}
