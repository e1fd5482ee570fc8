//! What can be asked, by which object is asked. One variant per method of the worker channel (npm mediasoup 3.27.1), but for
//! those that concern the process and not the SFU (resource usage, log settings).
//!
//! Values are those of the dictionaries, as front doors read them: an address is still a text, a number still unchecked.
//! What makes no sense is refused by the core, with a sentence that names the field.

mod consumer;
mod data;
mod observer;
mod producer;
mod router;
mod transport;

pub use consumer::{Consume, ConsumerRequest};
pub use data::{ConsumeData, DataConsumerRequest, DataProducerRequest, ProduceData};
pub use observer::RtpObserverRequest;
pub use producer::{Produce, ProducerRequest};
pub use router::{AudioLevelObserverOptions, RouterRequest};
pub use transport::{
    Listen, PipeTransportOptions, PlainTransportOptions, SctpOptions, TransportAddress, TransportOptions,
    TransportRequest, WebRtcTransportOptions,
};

use model::command::DataMessage;
use model::id::{
    ConsumerId, DataConsumerId, DataProducerId, ProducerId, RouterId, RtpObserverId, TransportId,
    WebRtcServerId,
};
use model::transport::ListenInfo;

/// Something to be done. It gets exactly one answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// About everything there is.
    Worker(WorkerRequest),
    /// Of a WebRtcServer.
    WebRtcServer(WebRtcServerId, WebRtcServerRequest),
    /// Of a router.
    Router(RouterId, RouterRequest),
    /// Of a transport.
    Transport(TransportId, TransportRequest),
    /// Of a producer.
    Producer(ProducerId, ProducerRequest),
    /// Of a consumer.
    Consumer(ConsumerId, ConsumerRequest),
    /// Of a data producer.
    DataProducer(DataProducerId, DataProducerRequest),
    /// Of a data consumer.
    DataConsumer(DataConsumerId, DataConsumerRequest),
    /// Of an observer.
    RtpObserver(RtpObserverId, RtpObserverRequest),
}

/// What can be asked about everything there is.
#[derive(Clone, Debug, PartialEq)]
pub enum WorkerRequest {
    /// Say what there is. Answer: [`Worker`](crate::Answer::Worker).
    Dump,
    /// Make a WebRtcServer: bind all of these, or none.
    CreateWebRtcServer {
        /// Its name.
        id: WebRtcServerId,
        /// Where it listens.
        listen_infos: Vec<ListenInfo>,
    },
    /// Close a WebRtcServer with the transports that use it.
    CloseWebRtcServer(WebRtcServerId),
    /// Make a router.
    CreateRouter(RouterId),
    /// Close a router with all that is in it. Nobody is told.
    CloseRouter(RouterId),
}

/// What can be asked of a WebRtcServer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebRtcServerRequest {
    /// Say what it is. Answer: [`WebRtcServer`](crate::Answer::WebRtcServer).
    Dump,
}

impl Request {
    /// Whether it closes something.
    pub(crate) const fn is_close(&self) -> bool {
        matches!(
            self,
            Self::Worker(WorkerRequest::CloseWebRtcServer(_) | WorkerRequest::CloseRouter(_))
                | Self::Router(_, RouterRequest::CloseTransport(_) | RouterRequest::CloseRtpObserver(_))
                | Self::Transport(
                    _,
                    TransportRequest::CloseProducer(_)
                        | TransportRequest::CloseConsumer(_)
                        | TransportRequest::CloseDataProducer(_)
                        | TransportRequest::CloseDataConsumer(_)
                )
        )
    }
}

/// Something that is sent and gets no answer, in one order with the requests.
#[derive(Clone, Debug, PartialEq)]
pub enum Notification {
    /// A compound RTCP packet, to be taken as if this direct transport had received it.
    SendRtcp(TransportId, Box<[u8]>),
    /// An RTP packet, to be taken as if this producer of a direct transport had received it.
    SendRtp(ProducerId, Box<[u8]>),
    /// A message, to be taken as if this data producer had received it.
    SendData(DataProducerId, Box<DataMessage>),
}

impl Notification {
    /// Whom it is sent to.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::SendRtcp(id, _) => id.as_str(),
            Self::SendRtp(id, _) => id.as_str(),
            Self::SendData(id, _) => id.as_str(),
        }
    }
}
