//! What a message of the application asks of control: one file each kind of handler.
//!
//! The method decides which kind it is for, and the handler's id is taken for a name of that kind. Whether there is
//! such an object is control's to say. What is read here is only whether the body is that of the method, and whether
//! its values fit `model`'s types.

mod answer;
mod consumer;
mod data_consumer;
mod data_producer;
mod event;
mod notification;
mod producer;
mod router;
mod rtp_observer;
mod transport;
mod web_rtc_server;
mod worker;

pub use answer::body;
pub use event::notification as notification_of;
pub use notification::{Told, told};

use model::Invalid;
use model::reply::{Refusal, RefusalClass};
use shardcast::Request;

use crate::schema::request::{self, Method};
use crate::schema::worker::UpdateSettingsRequest;

/// What a request is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked<'a> {
    /// The SFU.
    Control(Request),
    /// The process: what it used.
    ResourceUsage,
    /// The process: what it logs.
    UpdateSettings(Box<UpdateSettingsRequest<'a>>),
}

/// Reads a request.
///
/// # Errors
/// When its body is not that of its method, or holds values that make no sense.
pub fn asked(request: request::Request<'_>) -> Result<Asked<'_>, Refusal> {
    use Method as M;
    let request::Request { method, handler_id, body, .. } = request;
    let id: &str = &handler_id;
    let request = match method {
        M::WorkerGetResourceUsage => return Ok(Asked::ResourceUsage),
        M::WorkerUpdateSettings => return worker::settings(body),
        M::WorkerDump
        | M::WorkerCreateWebrtcserver
        | M::WorkerCreateRouter
        | M::WorkerWebrtcserverClose
        | M::WorkerCloseRouter => Request::Worker(worker::read(method, body)?),
        M::WebrtcserverDump => web_rtc_server::read(id),
        M::RouterDump
        | M::RouterCreateWebrtctransport
        | M::RouterCreateWebrtctransportWithServer
        | M::RouterCreatePlaintransport
        | M::RouterCreatePipetransport
        | M::RouterCreateDirecttransport
        | M::RouterCloseTransport
        | M::RouterCreateActivespeakerobserver
        | M::RouterCreateAudiolevelobserver
        | M::RouterCloseRtpobserver => Request::Router(id.into(), router::read(method, body)?),
        M::TransportConnect => {
            return Err(Refusal::new(RefusalClass::Failed, "no transport has the method TransportConnect"));
        }
        M::TransportDump
        | M::TransportGetStats
        | M::TransportSetMaxIncomingBitrate
        | M::TransportSetMaxOutgoingBitrate
        | M::TransportSetMinOutgoingBitrate
        | M::TransportRestartIce
        | M::TransportProduce
        | M::TransportProduceData
        | M::TransportConsume
        | M::TransportConsumeData
        | M::TransportEnableTraceEvent
        | M::TransportCloseProducer
        | M::TransportCloseConsumer
        | M::TransportCloseDataproducer
        | M::TransportCloseDataconsumer
        | M::PlaintransportConnect
        | M::PipetransportConnect
        | M::WebrtctransportConnect => Request::Transport(id.into(), transport::read(method, body)?),
        M::ProducerDump
        | M::ProducerGetStats
        | M::ProducerPause
        | M::ProducerResume
        | M::ProducerEnableTraceEvent => Request::Producer(id.into(), producer::read(method, body)?),
        M::ConsumerDump
        | M::ConsumerGetStats
        | M::ConsumerPause
        | M::ConsumerResume
        | M::ConsumerSetPreferredLayers
        | M::ConsumerSetPriority
        | M::ConsumerRequestKeyFrame
        | M::ConsumerEnableTraceEvent => Request::Consumer(id.into(), consumer::read(method, body)?),
        M::DataproducerDump | M::DataproducerGetStats | M::DataproducerPause | M::DataproducerResume => {
            Request::DataProducer(id.into(), data_producer::read(method)?)
        }
        M::DataconsumerDump
        | M::DataconsumerGetStats
        | M::DataconsumerPause
        | M::DataconsumerResume
        | M::DataconsumerGetBufferedAmount
        | M::DataconsumerSetBufferedAmountLowThreshold
        | M::DataconsumerSend
        | M::DataconsumerSetSubchannels
        | M::DataconsumerAddSubchannel
        | M::DataconsumerRemoveSubchannel => {
            Request::DataConsumer(id.into(), data_consumer::read(method, body)?)
        }
        M::RtpobserverPause
        | M::RtpobserverResume
        | M::RtpobserverAddProducer
        | M::RtpobserverRemoveProducer => Request::RtpObserver(id.into(), rtp_observer::read(method, body)?),
    };
    Ok(Asked::Control(request))
}

/// The body is that of another method, or there is none.
fn mismatch(method: Method) -> Refusal {
    Refusal::new(
        RefusalClass::Failed,
        format!("the body of the request is not that of its method, {method:?}"),
    )
}

/// A value makes no sense.
fn invalid(why: Invalid) -> Refusal {
    Refusal::new(RefusalClass::Invalid, why.to_string())
}
