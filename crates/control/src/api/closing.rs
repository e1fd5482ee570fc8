//! When and why an object closed, and what it said last: the part of a handle that the control thread writes.

use std::fmt;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::events::{Emitter, Events};

/// Why an object is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// Somebody closed it, or dropped the last handle to it.
    Requested,
    /// The producer, or data producer, that it consumes is closed.
    ProducerClosed,
    /// Its transport is closed.
    TransportClosed,
    /// The server that its transport listens on is closed.
    WebRtcServerClosed,
    /// Its router is closed.
    RouterClosed,
    /// The core that it lived on broke.
    ShardLost,
    /// The SFU has ended.
    SfuEnded,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requested => "somebody closed it",
            Self::ProducerClosed => "its producer is closed",
            Self::TransportClosed => "its transport is closed",
            Self::WebRtcServerClosed => "its transport's WebRtcServer is closed",
            Self::RouterClosed => "its router is closed",
            Self::ShardLost => "the core that it lived on broke",
            Self::SfuEnded => "the SFU has ended",
        })
    }
}

/// Events of a kind of object, and what remains of them: its state.
pub(crate) trait Observed: Clone + Send + Sync + 'static {
    /// What such an object is at the moment, as far as events say it.
    type State: Default + Send + fmt::Debug;

    /// What the event changes.
    fn apply(&self, state: &mut Self::State);
}

/// The events of objects that have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoEvent {}

impl Observed for NoEvent {
    type State = ();

    fn apply(&self, (): &mut ()) {
        match *self {}
    }
}

/// What the control thread writes and handles read.
#[derive(Debug)]
pub(crate) struct Signals<E: Observed> {
    state: Mutex<E::State>,
    emitter: Emitter<E>,
    closed: watch::Sender<Option<CloseReason>>,
}

impl<E: Observed> Default for Signals<E> {
    fn default() -> Self {
        Self { state: Mutex::default(), emitter: Emitter::new(), closed: watch::Sender::new(None) }
    }
}

impl<E: Observed> Signals<E> {
    /// Something happened to the object.
    pub(crate) fn emit(&self, event: &E) {
        event.apply(&mut self.state.lock());
        self.emitter.emit(event);
    }

    /// It is closed. The first reason stands.
    pub(crate) fn close(&self, reason: CloseReason) {
        let first = self.closed.send_if_modified(|closed| {
            let first = closed.is_none();
            closed.get_or_insert(reason);
            first
        });
        if first {
            self.emitter.end();
        }
    }

    pub(crate) fn closed_reason(&self) -> Option<CloseReason> {
        *self.closed.borrow()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed_reason().is_some()
    }

    /// Waits until it is closed.
    pub(crate) async fn closed(&self) -> CloseReason {
        let mut closed = self.closed.subscribe();
        let reason = closed.wait_for(Option::is_some).await.ok().and_then(|reason| *reason);
        // The sender is `self`, so there is a reason.
        reason.unwrap_or(CloseReason::SfuEnded)
    }

    pub(crate) fn subscribe(&self) -> Events<E> {
        self.emitter.subscribe()
    }

    /// A look at its state.
    pub(crate) fn state<R>(&self, look: impl FnOnce(&E::State) -> R) -> R {
        look(&self.state.lock())
    }

    /// A change of its state that no event tells: an answer does.
    pub(crate) fn change(&self, change: impl FnOnce(&mut E::State)) {
        change(&mut self.state.lock());
    }
}
