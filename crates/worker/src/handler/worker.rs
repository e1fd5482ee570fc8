//! Requests to the worker itself.

use model::reply::Refusal;
use shardcast::request::WorkerRequest;

use super::{Asked, mismatch};
use crate::schema::request::{Body, Method};

pub(super) fn read(method: Method, body: Body<'_>) -> Result<WorkerRequest, Refusal> {
    Ok(match (method, body) {
        (Method::WorkerDump, _) => WorkerRequest::Dump,
        (Method::WorkerCreateWebrtcserver, Body::WorkerCreateWebRtcServerRequest(body)) => {
            WorkerRequest::CreateWebRtcServer {
                id: (&*body.web_rtc_server_id).into(),
                listen_infos: body.listen_infos.into_iter().flatten().map(Into::into).collect(),
            }
        }
        (Method::WorkerCreateRouter, Body::WorkerCreateRouterRequest(body)) => {
            WorkerRequest::CreateRouter((&*body.router_id).into())
        }
        (Method::WorkerWebrtcserverClose, Body::WorkerCloseWebRtcServerRequest(body)) => {
            WorkerRequest::CloseWebRtcServer((&*body.web_rtc_server_id).into())
        }
        (Method::WorkerCloseRouter, Body::WorkerCloseRouterRequest(body)) => {
            WorkerRequest::CloseRouter((&*body.router_id).into())
        }
        (method, _) => return Err(mismatch(method)),
    })
}

pub(super) fn settings(body: Body<'_>) -> Result<Asked<'_>, Refusal> {
    match body {
        Body::WorkerUpdateSettingsRequest(settings) => Ok(Asked::UpdateSettings(settings)),
        _ => Err(mismatch(Method::WorkerUpdateSettings)),
    }
}
