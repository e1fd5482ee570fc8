//! Requests to a producer.

use model::reply::Refusal;
use shardcast::request::ProducerRequest;

use super::mismatch;
use crate::schema::request::{Body, Method};

pub(super) fn read(method: Method, body: Body<'_>) -> Result<ProducerRequest, Refusal> {
    Ok(match (method, body) {
        (Method::ProducerDump, _) => ProducerRequest::Dump,
        (Method::ProducerGetStats, _) => ProducerRequest::Stats,
        (Method::ProducerPause, _) => ProducerRequest::Pause,
        (Method::ProducerResume, _) => ProducerRequest::Resume,
        (Method::ProducerEnableTraceEvent, Body::ProducerEnableTraceEventRequest(body)) => {
            ProducerRequest::EnableTrace((*body).into())
        }
        (method, _) => return Err(mismatch(method)),
    })
}
