//! Who speaks.

use std::ops::Deref;

use super::RtpObserver;
use crate::api::AppData;

/// Says who speaks: [`RtpObserverEvent::DominantSpeaker`](crate::event::RtpObserverEvent::DominantSpeaker).
#[derive(Clone, Debug)]
pub struct ActiveSpeakerObserver {
    observer: RtpObserver,
}

/// What an observer of who speaks is made with.
#[derive(Clone, Debug)]
pub struct ActiveSpeakerObserverOptions {
    /// Milliseconds between two looks, 100 to 5000.
    pub interval_ms: u16,
    /// Something of the application's own.
    pub app_data: AppData,
}

impl Default for ActiveSpeakerObserverOptions {
    fn default() -> Self {
        Self { interval_ms: 300, app_data: AppData::default() }
    }
}

impl ActiveSpeakerObserver {
    pub(in crate::api) const fn new(observer: RtpObserver) -> Self {
        Self { observer }
    }
}

impl Deref for ActiveSpeakerObserver {
    type Target = RtpObserver;

    fn deref(&self) -> &RtpObserver {
        &self.observer
    }
}
