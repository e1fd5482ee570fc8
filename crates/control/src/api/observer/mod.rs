//! Observers of a router's audio: what both kinds have. They say nothing yet, since shards read no audio levels.

mod active_speaker;
mod audio_level;

pub use active_speaker::{ActiveSpeakerObserver, ActiveSpeakerObserverOptions};
pub use audio_level::{AudioLevelObserver, AudioLevelObserverOptions};

use std::sync::Arc;

use model::id::{ProducerId, RtpObserverId};

use super::closing::Observed;
use super::directory::Seat;
use super::error::Error;
use super::events::Events;
use super::object::{AppData, Making, Object, handle};
use super::router::Router;
use crate::answer::Answer;
use crate::event::RtpObserverEvent;
use crate::request::{Request, RouterRequest, RtpObserverRequest};

/// What both kinds of observer have. A handle to either leads here.
#[derive(Clone, Debug)]
pub struct RtpObserver {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    object: Object<RtpObserverEvent>,
    router: Router,
}

/// What an observer is at the moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RtpObserverState {
    paused: bool,
}

impl Observed for RtpObserverEvent {
    type State = RtpObserverState;

    fn apply(&self, _: &mut RtpObserverState) {}
}

handle!(RtpObserver, RtpObserverId, "observer");

impl RtpObserver {
    pub(super) async fn create(
        router: &Router,
        id: RtpObserverId,
        create: RouterRequest,
        app_data: AppData,
    ) -> Result<Self, Error> {
        router.inner.object.open()?;
        let (object, _) = Object::make(Making {
            link: &router.inner.object.link,
            id: id.as_str(),
            parents: vec![router.inner.object.id().into()],
            create: router.request(create),
            close: router.request(RouterRequest::CloseRtpObserver(id.clone())),
            seat: Seat::RtpObserver,
            init: |_, _| {},
            app_data,
        })
        .await?;
        Ok(Self { inner: Arc::new(Inner { object, router: router.clone() }) })
    }

    /// The router that it is in.
    #[must_use]
    pub fn router(&self) -> &Router {
        &self.inner.router
    }

    /// What it sees from now on.
    #[must_use]
    pub fn events(&self) -> Events<RtpObserverEvent> {
        self.inner.object.signals.subscribe()
    }

    /// Whether it looks away.
    #[must_use]
    pub fn paused(&self) -> bool {
        self.inner.object.signals.state(|state| state.paused)
    }

    /// Looks away.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn pause(&self) -> Result<(), Error> {
        self.change(RtpObserverRequest::Pause, |_, state| state.paused = true).await
    }

    /// Looks again.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is.
    pub async fn resume(&self) -> Result<(), Error> {
        self.change(RtpObserverRequest::Resume, |_, state| state.paused = false).await
    }

    /// Looks at this producer too. It has to be audio, and in the same router.
    ///
    /// # Errors
    /// [`Error::NotFound`] and [`Error::Invalid`] say what is not right with the producer.
    pub async fn add_producer(&self, producer: &ProducerId) -> Result<(), Error> {
        self.change(RtpObserverRequest::AddProducer(producer.clone()), |_, _| {}).await
    }

    /// Looks at this producer no more.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it does not.
    pub async fn remove_producer(&self, producer: &ProducerId) -> Result<(), Error> {
        self.change(RtpObserverRequest::RemoveProducer(producer.clone()), |_, _| {}).await
    }

    async fn change(
        &self,
        request: RtpObserverRequest,
        then: fn(&Answer, &mut RtpObserverState),
    ) -> Result<(), Error> {
        self.inner.object.ask_then(Request::RtpObserver(self.id(), request), then).await.map(drop)
    }
}
