//! What all handles have in common: a name, events, an end, and what dropping the last of them means.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::closing::{CloseReason, Observed, Signals};
use super::directory::{Opening, Seat};
use super::error::Error;
use super::link::{Link, Token};
use crate::answer::Answer;
use crate::request::Request;

/// Something of the application's own that an object carries.
#[derive(Clone)]
pub struct AppData(Arc<dyn Any + Send + Sync>);

/// The part of a handle that its clones share. Dropping it closes the object.
pub(crate) struct Object<E: Observed> {
    pub(crate) link: Link,
    pub(crate) signals: Arc<Signals<E>>,
    pub(crate) app_data: AppData,
    id: Box<str>,
    token: Token,
    /// What closes it.
    close: Request,
    /// Whether dropping it does.
    held: AtomicBool,
}

/// What an object is made with.
pub(crate) struct Making<'a, E: Observed> {
    pub(crate) link: &'a Link,
    pub(crate) id: &'a str,
    /// What it goes with.
    pub(crate) parents: Vec<Box<str>>,
    pub(crate) create: Request,
    pub(crate) close: Request,
    pub(crate) seat: fn(Arc<Signals<E>>) -> Seat,
    /// What the answer says about its state.
    pub(crate) init: fn(&Answer, &mut E::State),
    pub(crate) app_data: AppData,
}

impl<E: Observed> Object<E> {
    /// Asks for the object to be made. If this is dropped before it is there, it is closed.
    pub(crate) async fn make(making: Making<'_, E>) -> Result<(Self, Answer), Error> {
        let Making { link, id, parents, create, close, seat, init, app_data } = making;
        let place = link.place().await?;
        let (signals, token) = (Arc::new(Signals::default()), link.token());
        let opens = Opening { id: id.into(), token, parents, seat: seat(Arc::clone(&signals)) };
        let made = Arc::clone(&signals);
        let then = Box::new(move |answer: &Answer| made.change(|state| init(answer, state)));
        let asked = link.open(place, create, opens, then)?;
        let object = Self {
            link: link.clone(),
            signals,
            app_data,
            id: id.into(),
            token,
            close,
            held: AtomicBool::new(true),
        };
        match asked.answer().await {
            Ok(answer) => Ok((object, answer)),
            Err(error) => {
                object.let_go();
                Err(error)
            }
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Closes the object. Closing what is closed is no error.
    pub(crate) async fn close(&self) -> Result<(), Error> {
        if self.signals.is_closed() {
            return Ok(());
        }
        match self.link.close(&self.id, self.close.clone()).await {
            Ok(_) | Err(Error::NotFound(_) | Error::Ended) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// From here on nothing happens when it is dropped.
    pub(crate) fn let_go(&self) {
        self.held.store(false, Ordering::Relaxed);
    }

    pub(crate) fn closed_reason(&self) -> Option<CloseReason> {
        self.signals.closed_reason()
    }

    /// Asks something of the object.
    pub(crate) async fn ask(&self, request: Request) -> Result<Answer, Error> {
        self.open()?;
        self.link.ask(request).await.map_err(|error| self.explain(error))
    }

    /// Asks something of the object that changes its state, once it is answered and whoever waits for that.
    pub(crate) async fn ask_then(
        &self,
        request: Request,
        then: impl FnOnce(&Answer, &mut E::State) + Send + 'static,
    ) -> Result<Answer, Error> {
        self.open()?;
        let signals = Arc::clone(&self.signals);
        let then = Box::new(move |answer: &Answer| signals.change(|state| then(answer, state)));
        self.link.ask_then(request, Some(then)).await.map_err(|error| self.explain(error))
    }

    /// Whether it can be asked anything.
    pub(crate) fn open(&self) -> Result<(), Error> {
        self.closed_reason().map_or(Ok(()), |reason| Err(Error::Closed(reason)))
    }

    /// What closed while it was asked answers that it is not there.
    fn explain(&self, error: Error) -> Error {
        match (&error, self.closed_reason()) {
            (Error::NotFound(_) | Error::Ended, Some(reason)) => Error::Closed(reason),
            _ => error,
        }
    }
}

impl<E: Observed> Drop for Object<E> {
    fn drop(&mut self) {
        if self.held.load(Ordering::Relaxed) && !self.signals.is_closed() {
            self.link.dropped(&self.id, self.token, self.close.clone());
        }
    }
}

impl<E: Observed> fmt::Debug for Object<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Object");
        f.field("id", &self.id).field("closed", &self.closed_reason()).finish_non_exhaustive()
    }
}

impl AppData {
    /// Wraps it.
    pub fn new(data: impl Any + Send + Sync) -> Self {
        Self(Arc::new(data))
    }

    /// The data, if it is of that type.
    #[must_use]
    pub fn downcast_ref<T: Any>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}

impl Default for AppData {
    fn default() -> Self {
        Self::new(())
    }
}

impl fmt::Debug for AppData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppData")
    }
}

/// Gives a handle around `self.inner.object` what all handles have.
macro_rules! handle {
    ($handle:ident, $id:ty, $what:literal) => {
        impl $handle {
            #[doc = concat!("The name of the ", $what, ".")]
            #[must_use]
            pub fn id(&self) -> $id {
                self.inner.object.id().into()
            }

            #[doc = concat!("Closes the ", $what, " with all that is in it; returns once everything it held is free, or, on a \
                core that hangs, will be as soon as that goes on. ",
                "Closing what is closed is no error.")]
            ///
            /// # Errors
            /// Only if the SFU could not do it, which is a defect.
            pub async fn close(&self) -> Result<(), $crate::api::Error> {
                self.inner.object.close().await
            }

            #[doc = concat!("Whether the ", $what, " is closed.")]
            #[must_use]
            pub fn is_closed(&self) -> bool {
                self.inner.object.closed_reason().is_some()
            }

            #[doc = concat!("Why the ", $what, " is closed, if it is.")]
            #[must_use]
            pub fn closed_reason(&self) -> Option<$crate::api::CloseReason> {
                self.inner.object.closed_reason()
            }

            #[doc = concat!("Waits until the ", $what, " is closed, by whomever, and says why.")]
            pub async fn closed(&self) -> $crate::api::CloseReason {
                self.inner.object.signals.closed().await
            }

            #[doc = concat!("What the application gave the ", $what, " to carry.")]
            #[must_use]
            pub fn app_data(&self) -> &$crate::api::AppData {
                &self.inner.object.app_data
            }

            #[doc = concat!("Leaves the ", $what, " open when its last handle is dropped. It goes with what it is in.")]
            pub fn detach(self) {
                self.inner.object.let_go();
            }
        }
    };
}
pub(crate) use handle;
