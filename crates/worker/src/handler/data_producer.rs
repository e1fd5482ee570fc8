//! Requests to a data producer; none has a body.

use model::reply::Refusal;
use shardcast::request::DataProducerRequest;

use super::mismatch;
use crate::schema::request::Method;

pub(super) fn read(method: Method) -> Result<DataProducerRequest, Refusal> {
    Ok(match method {
        Method::DataproducerDump => DataProducerRequest::Dump,
        Method::DataproducerGetStats => DataProducerRequest::Stats,
        Method::DataproducerPause => DataProducerRequest::Pause,
        Method::DataproducerResume => DataProducerRequest::Resume,
        method => return Err(mismatch(method)),
    })
}
