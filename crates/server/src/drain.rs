//! Taking nothing new, and ending once nobody is left: what an operator asks for before this process goes.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether this server still takes new rooms.
#[derive(Debug, Default)]
pub(crate) struct Drain(AtomicBool);

impl Drain {
    /// From now on nothing new is taken. Whether that is a change.
    pub(crate) fn begin(&self) -> bool {
        !self.0.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
