//! Requests to a WebRtcServer.

use shardcast::Request;
use shardcast::request::WebRtcServerRequest;

pub(super) fn read(id: &str) -> Request {
    Request::WebRtcServer(id.into(), WebRtcServerRequest::Dump)
}
