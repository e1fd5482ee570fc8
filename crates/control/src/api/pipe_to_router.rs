//! Piping a producer into another router of the same SFU, over a pair of pipe transports that the two routers share.
//!
//! A router spreads over cores by itself; this is for rooms that are to stay apart and have a stream in common.

use std::collections::HashMap;
use std::sync::Arc;

use model::id::{DataProducerId, ProducerId, RouterId};
use model::transport::ListenInfo;
use tokio::sync::Mutex;

use super::consumer::Consumer;
use super::data_consumer::{DataConsumer, DataConsumerOptions};
use super::data_producer::{DataProducer, DataProducerOptions};
use super::error::Error;
use super::object::AppData;
use super::producer::{Producer, ProducerOptions};
use super::router::Router;
use super::transport::{PipeTransport, PipeTransportOptions, WeakPipeTransport};
use crate::request::TransportAddress;

/// How a producer is piped into another router.
#[derive(Clone, Debug)]
pub struct PipeToRouterOptions {
    /// The other router.
    pub router: Router,
    /// Where both ends listen.
    pub listen_info: ListenInfo,
    /// Whether messages can be piped too.
    pub enable_sctp: bool,
    /// Whether lost packets are sent again.
    pub enable_rtx: bool,
    /// Whether packets are encrypted.
    pub enable_srtp: bool,
}

/// A producer that is piped. Its two ends close together, and pause as the producer does; both last as long as a
/// handle to either does.
#[derive(Clone, Debug)]
pub struct PipedProducer {
    /// In the router that has the producer.
    pub consumer: Consumer,
    /// In the other router.
    pub producer: Producer,
}

/// A data producer that is piped, likewise.
#[derive(Clone, Debug)]
pub struct PipedDataProducer {
    /// In the router that has the data producer.
    pub consumer: DataConsumer,
    /// In the other router.
    pub producer: DataProducer,
}

impl PipeToRouterOptions {
    /// The usual options, into that router.
    #[must_use]
    pub fn new(router: Router) -> Self {
        Self {
            router,
            listen_info: ListenInfo::udp("127.0.0.1"),
            enable_sctp: true,
            enable_rtx: false,
            enable_srtp: false,
        }
    }
}

/// What pipes a router has, by the router at their other end. Held by the streams in them and not by this.
#[derive(Debug, Default)]
pub(super) struct Pipes {
    to: Mutex<HashMap<RouterId, WeakPipe>>,
}

/// The two ends of a pipe.
#[derive(Debug)]
struct Pipe {
    here: PipeTransport,
    there: PipeTransport,
}

#[derive(Debug)]
struct WeakPipe {
    here: WeakPipeTransport,
    there: WeakPipeTransport,
}

impl Router {
    /// Pipes a producer of this router into another router of the same SFU, where it is a producer with a name of its
    /// own.
    ///
    /// # Errors
    /// [`Error::NotFound`] if this router has no such producer; [`Error::Invalid`] if the other router is this one or
    /// one of another SFU.
    pub async fn pipe_producer_to_router(
        &self,
        producer: &ProducerId,
        options: PipeToRouterOptions,
    ) -> Result<PipedProducer, Error> {
        // Before anything is made.
        self.producer(producer)?;
        let Pipe { here, there } = self.pipe(&options).await?;
        let consumer = here.consume(producer, AppData::default()).await?;
        let options = ProducerOptions {
            paused: consumer.producer_paused(),
            ..ProducerOptions::new(consumer.kind(), consumer.rtp_parameters().clone())
        };
        let producer = there.produce(options).await?;
        self.inner.object.link.tie(consumer.id().as_str(), producer.id().as_str())?;
        Ok(PipedProducer { consumer, producer })
    }

    /// Pipes a data producer of this router into another router of the same SFU, where it is a data producer with a
    /// name of its own.
    ///
    /// # Errors
    /// As of [`Router::pipe_producer_to_router`]; [`Error::Failed`] if the pipe was made without SCTP.
    pub async fn pipe_data_producer_to_router(
        &self,
        data_producer: &DataProducerId,
        options: PipeToRouterOptions,
    ) -> Result<PipedDataProducer, Error> {
        self.data_producer(data_producer)?;
        let Pipe { here, there } = self.pipe(&options).await?;
        let consumer = here.consume_data(DataConsumerOptions::new(data_producer.clone())).await?;
        let options = DataProducerOptions {
            sctp_stream_parameters: consumer.sctp_stream_parameters(),
            label: consumer.label().into(),
            protocol: consumer.protocol().into(),
            paused: consumer.data_producer_paused(),
            ..DataProducerOptions::default()
        };
        let producer = there.produce_data(options).await?;
        self.inner.object.link.tie(consumer.id().as_str(), producer.id().as_str())?;
        Ok(PipedDataProducer { consumer, producer })
    }

    /// The pipe to another router, made if there is none.
    async fn pipe(&self, options: &PipeToRouterOptions) -> Result<Pipe, Error> {
        let other = &options.router;
        if Arc::ptr_eq(&self.inner, &other.inner) {
            return Err(Error::field("router", self.id(), "another router than the producer's"));
        }
        if !self.inner.object.link.is_same(&other.inner.object.link) {
            let expected = "a router of the same SFU; for one of another, connect two pipe transports";
            return Err(Error::field("router", other.id(), expected));
        }
        // Held while the pipe is being made, so that who comes second finds it.
        let mut pipes = self.inner.pipes.to.lock().await;
        pipes.retain(|_, pipe| pipe.open().is_some());
        if let Some(pipe) = pipes.get(&other.id()).and_then(WeakPipe::open) {
            return Ok(pipe);
        }
        let pipe = Pipe::lay(self, options).await?;
        pipes.insert(other.id(), pipe.downgrade());
        Ok(pipe)
    }
}

impl Pipe {
    async fn lay(from: &Router, options: &PipeToRouterOptions) -> Result<Self, Error> {
        let end = || {
            let mut end = PipeTransportOptions::new(options.listen_info.clone());
            end.base.enable_sctp = options.enable_sctp;
            PipeTransportOptions { enable_rtx: options.enable_rtx, enable_srtp: options.enable_srtp, ..end }
        };
        let here = from.create_pipe_transport(end()).await?;
        let there = options.router.create_pipe_transport(end()).await?;
        here.connect(address_of(&there)).await?;
        there.connect(address_of(&here)).await?;
        Ok(Self { here, there })
    }

    fn downgrade(&self) -> WeakPipe {
        WeakPipe { here: self.here.downgrade(), there: self.there.downgrade() }
    }
}

impl WeakPipe {
    /// The pipe, if both ends are there.
    fn open(&self) -> Option<Pipe> {
        let (here, there) = (self.here.upgrade()?, self.there.upgrade()?);
        (!here.is_closed() && !there.is_closed()).then_some(Pipe { here, there })
    }
}

fn address_of(end: &PipeTransport) -> TransportAddress {
    let tuple = end.tuple();
    TransportAddress {
        ip: Some(tuple.local_address),
        port: Some(tuple.local_port),
        rtcp_port: None,
        srtp_parameters: end.srtp_parameters(),
    }
}
