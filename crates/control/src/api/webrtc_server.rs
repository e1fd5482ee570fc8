//! WebRtcServer: sockets that many WebRTC transports share.

use std::sync::Arc;

use model::dump::WebRtcServerDump;
use model::id::WebRtcServerId;
use model::transport::ListenInfo;

use super::closing::NoEvent;
use super::error::Error;
use super::object::{AppData, Object, handle};
use crate::answer::Answer;
use crate::request::{Request, WebRtcServerRequest};

/// Sockets that many WebRTC transports share, in whichever routers they are.
#[derive(Clone, Debug)]
pub struct WebRtcServer {
    inner: Arc<Inner>,
}

/// What a server is made with.
#[derive(Clone, Debug, Default)]
pub struct WebRtcServerOptions {
    /// Where it listens.
    pub listen_infos: Vec<ListenInfo>,
    /// Something of the application's own.
    pub app_data: AppData,
}

#[derive(Debug)]
struct Inner {
    object: Object<NoEvent>,
}

handle!(WebRtcServer, WebRtcServerId, "server");

impl WebRtcServer {
    pub(super) fn new(object: Object<NoEvent>) -> Self {
        Self { inner: Arc::new(Inner { object }) }
    }

    /// Its sockets, and the transports that use them.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn dump(&self) -> Result<WebRtcServerDump, Error> {
        match self.inner.object.ask(Request::WebRtcServer(self.id(), WebRtcServerRequest::Dump)).await? {
            Answer::WebRtcServer(dump) => Ok(*dump),
            _ => Err(Error::unexpected("dump")),
        }
    }
}
