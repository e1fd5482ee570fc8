//! Requests to an observer.

use model::reply::Refusal;
use shardcast::request::RtpObserverRequest;

use super::mismatch;
use crate::schema::request::{Body, Method};

pub(super) fn read(method: Method, body: Body<'_>) -> Result<RtpObserverRequest, Refusal> {
    Ok(match (method, body) {
        (Method::RtpobserverPause, _) => RtpObserverRequest::Pause,
        (Method::RtpobserverResume, _) => RtpObserverRequest::Resume,
        (Method::RtpobserverAddProducer, Body::RtpObserverAddProducerRequest(body)) => {
            RtpObserverRequest::AddProducer((&*body.producer_id).into())
        }
        (Method::RtpobserverRemoveProducer, Body::RtpObserverRemoveProducerRequest(body)) => {
            RtpObserverRequest::RemoveProducer((&*body.producer_id).into())
        }
        (method, _) => return Err(mismatch(method)),
    })
}
