//! What crosses between two threads: rings, slots on loan, wake-ups.

/// Ends another thread's wait. Cheap to clone, cheap to call when the other thread is awake.
#[derive(Clone, Debug)]
pub struct Waker {}
