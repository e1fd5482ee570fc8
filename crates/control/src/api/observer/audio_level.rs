//! Who is loudest.

use std::num::NonZeroU16;
use std::ops::Deref;

use super::RtpObserver;
use crate::api::AppData;

/// Says who is loudest: [`RtpObserverEvent::Volumes`](crate::event::RtpObserverEvent::Volumes), and once when nobody
/// is: [`RtpObserverEvent::Silence`](crate::event::RtpObserverEvent::Silence).
#[derive(Clone, Debug)]
pub struct AudioLevelObserver {
    observer: RtpObserver,
}

/// What an observer of who is loudest is made with.
#[derive(Clone, Debug)]
pub struct AudioLevelObserverOptions {
    /// How many it names at most.
    pub max_entries: NonZeroU16,
    /// In dBov, -127 to 0: who is more quiet does not count.
    pub threshold_dbov: i8,
    /// Milliseconds between two looks, 250 to 5000.
    pub interval_ms: u16,
    /// Something of the application's own.
    pub app_data: AppData,
}

impl Default for AudioLevelObserverOptions {
    fn default() -> Self {
        Self {
            max_entries: NonZeroU16::MIN,
            threshold_dbov: -80,
            interval_ms: 1000,
            app_data: AppData::default(),
        }
    }
}

impl AudioLevelObserver {
    pub(in crate::api) const fn new(observer: RtpObserver) -> Self {
        Self { observer }
    }
}

impl Deref for AudioLevelObserver {
    type Target = RtpObserver;

    fn deref(&self) -> &RtpObserver {
        &self.observer
    }
}
