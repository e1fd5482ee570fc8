//! What the application says without waiting for an answer.

use shardcast::Notification;

use crate::schema::notification::{self, Body, Event};

/// What the application said.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// It is over.
    Close,
    /// A packet or message, for control to pass on.
    Control(Notification),
}

/// Reads a notification.
///
/// # Errors
/// A sentence, when it is none that a worker is told, or when its body is that of another.
pub fn told(from: notification::Notification<'_>) -> Result<Told, String> {
    let id: &str = &from.handler_id;
    Ok(match (from.event, from.body) {
        (Event::WorkerClose, _) => Told::Close,
        (Event::TransportSendRtcp, Body::TransportSendRtcpNotification(body)) => {
            Told::Control(Notification::SendRtcp(id.into(), body.data.into()))
        }
        (Event::ProducerSend, Body::ProducerSendNotification(body)) => {
            Told::Control(Notification::SendRtp(id.into(), body.data.into()))
        }
        (Event::DataproducerSend, Body::DataProducerSendNotification(body)) => {
            Told::Control(Notification::SendData(id.into(), Box::new((*body).into())))
        }
        (event, _) => {
            return Err(format!("{event:?} is nothing that a worker is told, or it has another's body"));
        }
    })
}
