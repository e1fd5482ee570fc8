//! Requests to a consumer.

use model::reply::Refusal;
use shardcast::request::ConsumerRequest;

use super::mismatch;
use crate::schema::request::{Body, Method};

pub(super) fn read(method: Method, body: Body<'_>) -> Result<ConsumerRequest, Refusal> {
    Ok(match (method, body) {
        (Method::ConsumerDump, _) => ConsumerRequest::Dump,
        (Method::ConsumerGetStats, _) => ConsumerRequest::Stats,
        (Method::ConsumerPause, _) => ConsumerRequest::Pause,
        (Method::ConsumerResume, _) => ConsumerRequest::Resume,
        (Method::ConsumerRequestKeyFrame, _) => ConsumerRequest::RequestKeyFrame,
        (Method::ConsumerSetPreferredLayers, Body::ConsumerSetPreferredLayersRequest(body)) => {
            ConsumerRequest::SetPreferredLayers(body.preferred_layers.into())
        }
        (Method::ConsumerSetPriority, Body::ConsumerSetPriorityRequest(body)) => {
            ConsumerRequest::SetPriority(body.priority)
        }
        (Method::ConsumerEnableTraceEvent, Body::ConsumerEnableTraceEventRequest(body)) => {
            ConsumerRequest::EnableTrace((*body).into())
        }
        (method, _) => return Err(mismatch(method)),
    })
}
