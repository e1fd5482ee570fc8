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
    let request::Request { method, handler_id, body, .. } = request;
    let id: &str = &handler_id;
    let request = match Handler::of(method) {
        Handler::Process if method == Method::WorkerUpdateSettings => return worker::settings(body),
        Handler::Process => return Ok(Asked::ResourceUsage),
        Handler::Worker => Request::Worker(worker::read(method, body)?),
        Handler::WebRtcServer => web_rtc_server::read(id),
        Handler::Router => Request::Router(id.into(), router::read(method, body)?),
        Handler::Transport => Request::Transport(id.into(), transport::read(method, body)?),
        Handler::Producer => Request::Producer(id.into(), producer::read(method, body)?),
        Handler::Consumer => Request::Consumer(id.into(), consumer::read(method, body)?),
        Handler::DataProducer => Request::DataProducer(id.into(), data_producer::read(method)?),
        Handler::DataConsumer => Request::DataConsumer(id.into(), data_consumer::read(method, body)?),
        Handler::RtpObserver => Request::RtpObserver(id.into(), rtp_observer::read(method, body)?),
    };
    Ok(Asked::Control(request))
}

/// Whom a method is for.
enum Handler {
    Process,
    Worker,
    WebRtcServer,
    Router,
    Transport,
    Producer,
    Consumer,
    DataProducer,
    DataConsumer,
    RtpObserver,
}

impl Handler {
    /// Methods of one handler stand in a row.
    const fn of(method: Method) -> Self {
        match method.number() {
            0 | 3..=6 => Self::Worker,
            1..=2 => Self::Process,
            7 => Self::WebRtcServer,
            8..=17 => Self::Router,
            18..=36 => Self::Transport,
            37..=41 => Self::Producer,
            42..=49 => Self::Consumer,
            50..=53 => Self::DataProducer,
            54..=63 => Self::DataConsumer,
            64.. => Self::RtpObserver,
        }
    }
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
