//! The SFU itself: the thread, and where routers and servers are made.

use std::sync::Arc;

use model::dump::WorkerDump;
use model::id::{RouterId, WebRtcServerId};
use model::key::ShardIndex;
use model::ortc;
use tokio::sync::oneshot;

use super::directory::Seat;
use super::error::Error;
use super::events::{Emitter, Events};
use super::link::Link;
use super::naming;
use super::object::{Making, Object};
use super::router::{Router, RouterOptions};
use super::thread;
use super::webrtc_server::{WebRtcServer, WebRtcServerOptions};
use crate::answer::Answer;
use crate::request::{Request, WorkerRequest};
use crate::runtime::{Hung, RuntimeConfig, ShardCounters, StartError};

/// An SFU in this process: one control thread, and a shard per core as they are needed.
///
/// It ends when the last handle is gone, its own and those to anything in it, or by [`Sfu::close`].
#[derive(Clone, Debug)]
pub struct Sfu {
    link: Link,
    events: Arc<Emitter<SfuEvent>>,
}

/// What happens to an SFU as a whole: for its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SfuEvent {
    /// A core lost all that was on it, by a defect, or could not be used. Others go on; after a panic so does it, empty.
    ShardLost {
        /// Which.
        shard: ShardIndex,
        /// The routers that are gone with it.
        routers: Vec<RouterId>,
        /// What became of it: the rest of a sentence that begins with it.
        message: Box<str>,
    },
    /// A core hangs: what it is asked is refused as [`Error::Stuck`] from here on, until it goes on or is lost.
    ShardStuck(ShardIndex),
    /// It goes on again, with all that is on it.
    ShardGoesOn(ShardIndex),
    /// A packet or a message of the application could not be delivered, for that reason.
    Undelivered(Box<str>),
}

impl Sfu {
    /// Starts the control thread. No shard starts before something is placed on it.
    ///
    /// # Errors
    /// What of the machine or the settings does not allow to start.
    pub async fn start(config: RuntimeConfig) -> Result<Self, StartError> {
        let (link, inbox) = Link::new();
        let (started, outcome) = oneshot::channel();
        let what = "no control thread";
        let events = Arc::new(Emitter::new());
        thread::spawn(config, inbox, Arc::clone(&events), started)
            .map_err(|cause| StartError::System { what, cause })?;
        // The thread says something, whatever becomes of it, unless it panics.
        let ended = || std::io::Error::other("it ended at once");
        outcome.await.unwrap_or_else(|_| Err(StartError::System { what, cause: ended() }))?;
        Ok(Self { link, events })
    }

    /// Makes a router.
    ///
    /// # Errors
    /// [`Error::Invalid`] and [`Error::Unsupported`] say which of the media codecs is not right.
    pub async fn create_router(&self, options: RouterOptions) -> Result<Router, Error> {
        let RouterOptions { media_codecs, app_data } = options;
        let capabilities = ortc::router_rtp_capabilities(&media_codecs)?;
        let id = naming::id();
        let (object, _) = Object::make(Making {
            link: &self.link,
            id: &id,
            parents: Vec::new(),
            create: Request::Worker(WorkerRequest::CreateRouter(RouterId::from(id.as_str()))),
            close: Request::Worker(WorkerRequest::CloseRouter(RouterId::from(id.as_str()))),
            seat: Seat::Router,
            init: |_, ()| {},
            app_data,
        })
        .await?;
        Ok(Router::new(object, capabilities))
    }

    /// Makes a server: sockets that many WebRTC transports share.
    ///
    /// # Errors
    /// [`Error::Failed`] says which socket could not be bound, and why.
    pub async fn create_webrtc_server(&self, options: WebRtcServerOptions) -> Result<WebRtcServer, Error> {
        let WebRtcServerOptions { listen_infos, app_data } = options;
        let id = naming::id();
        let server = WebRtcServerId::from(id.as_str());
        let create = WorkerRequest::CreateWebRtcServer { id: server.clone(), listen_infos };
        let (object, _) = Object::make(Making {
            link: &self.link,
            id: &id,
            parents: Vec::new(),
            create: Request::Worker(create),
            close: Request::Worker(WorkerRequest::CloseWebRtcServer(server)),
            seat: Seat::WebRtcServer,
            init: |_, ()| {},
            app_data,
        })
        .await?;
        Ok(WebRtcServer::new(object))
    }

    /// What happens to the SFU as a whole from now on.
    #[must_use]
    pub fn events(&self) -> Events<SfuEvent> {
        self.events.subscribe()
    }

    /// What there is, by name.
    ///
    /// # Errors
    /// [`Error::Ended`] if the SFU has.
    pub async fn dump(&self) -> Result<WorkerDump, Error> {
        match self.link.ask(Request::Worker(WorkerRequest::Dump)).await? {
            Answer::Worker(dump) => Ok(*dump),
            _ => Err(Error::unexpected("dump")),
        }
    }

    /// What each shard that was started has counted.
    ///
    /// # Errors
    /// [`Error::Ended`] if the SFU has.
    pub async fn shards(&self) -> Result<Vec<ShardCounters>, Error> {
        self.link.shards().await
    }

    /// Ends the SFU, with all that is in it. Once this returns every socket is closed, but for those of the shards
    /// that it names.
    pub async fn close(&self) -> Vec<Hung> {
        self.link.end().await
    }
}
