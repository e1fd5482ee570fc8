//! Requests to a data consumer.

use model::reply::Refusal;
use shardcast::request::DataConsumerRequest;

use super::mismatch;
use crate::schema::request::{Body, Method};

pub(super) fn read(method: Method, body: Body<'_>) -> Result<DataConsumerRequest, Refusal> {
    use DataConsumerRequest as R;
    Ok(match (method, body) {
        (Method::DataconsumerDump, _) => R::Dump,
        (Method::DataconsumerGetStats, _) => R::Stats,
        (Method::DataconsumerPause, _) => R::Pause,
        (Method::DataconsumerResume, _) => R::Resume,
        (Method::DataconsumerGetBufferedAmount, _) => R::BufferedAmount,
        (
            Method::DataconsumerSetBufferedAmountLowThreshold,
            Body::DataConsumerSetBufferedAmountLowThresholdRequest(body),
        ) => R::SetBufferedAmountLowThreshold(body.threshold),
        (Method::DataconsumerSend, Body::DataConsumerSendRequest(body)) => {
            R::Send { ppid: body.ppid, data: body.data.into() }
        }
        (Method::DataconsumerSetSubchannels, Body::DataConsumerSetSubchannelsRequest(body)) => {
            R::SetSubchannels(body.subchannels)
        }
        (Method::DataconsumerAddSubchannel, Body::DataConsumerAddSubchannelRequest(body)) => {
            R::AddSubchannel(body.subchannel)
        }
        (Method::DataconsumerRemoveSubchannel, Body::DataConsumerRemoveSubchannelRequest(body)) => {
            R::RemoveSubchannel(body.subchannel)
        }
        (method, _) => return Err(mismatch(method)),
    })
}
