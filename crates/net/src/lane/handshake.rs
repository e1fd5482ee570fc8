//! The steps by which a thread goes to sleep without missing a wake-up, apart from what it sleeps on.
//!
//! | sleeper, its n-th sleep | waker |
//! |---|---|
//! | S1 raise the flag | W1 make its work visible (a release store to some queue) |
//! | S2 SeqCst fence | W2 SeqCst fence |
//! | S3 last look at all queues; anything there: lower the flag, do not wait | W3 is the flag up? no: done |
//! | S4 wait for the bell | W4 swap the flag down; was it up? no: done |
//! | S5 lower the flag, then work until S1 | W5 ring the bell |
//!
//! **No wake-up is lost**: a sleep whose last look (S3) misses the work (W1) ends. Call it sleep n.
//!
//! 1. In the order of all SeqCst fences, S2 of sleep n comes before W2: the other way round, S3 would see W1.
//! 2. So W3 and W4, being after W2, see what S1 of sleep n wrote or something newer.
//! 3. If W4 takes what S1 wrote, this waker rings (W5) and S4 ends.
//! 4. If it is newer, then either another waker took it and rings, or the sleeper lowered it: S4 is over, and for
//!    sleep n + 1 the same argument holds. That goes on only while S3 keeps missing W1, and ends at the latest
//!    with the first sleep whose S1 is newer than what W3 or W4 saw: by 2 its S3 cannot miss W1.
//!
//! Without the fences, 2 fails on every real machine: a store may wait in a store buffer while the load after
//! it is answered. Both sides then see the old world, and the work lies there until something else happens.
//! `loom` finds this at once when either fence is removed.
//!
//! Every write of the flag is an AcqRel swap, so that each write happens before the next. The proof needs
//! only their modification order; but loom, which does not deduce that a plain store follows the swap that
//! followed an earlier store of the same thread, then knows all that we know. It costs the sleeper a few
//! nanoseconds a sleep. What the bell adds is memory: a ring before the wait ends the wait. A waker that is
//! slow between W4 and W5 may ring during a later sleep, which wakes the sleeper for nothing and is harmless.
//! Each raise of the flag is answered by at most one ring.

use core::fmt;

use super::sync::{AtomicBool, Ordering, fence};

/// What the sleeper waits on. A ring is remembered until the sleeper has seen it.
pub(super) trait Bell {
    fn ring(&self);
}

/// The flag and the bell of one sleeper, shared with all its wakers.
///
/// The flag has a cache line of its own: wakers read it with every batch, the sleeper writes it only around
/// a wait, so that on a busy shard it stays shared in every core's cache.
#[repr(align(128))]
pub(super) struct Handshake<B> {
    asleep: AtomicBool,
    bell: B,
}

impl<B: Bell> Handshake<B> {
    pub(super) fn new(bell: B) -> Self {
        Self { asleep: AtomicBool::new(false), bell }
    }

    pub(super) fn bell(&self) -> &B {
        &self.bell
    }

    /// S1 to S3. `true`: wait now, the flag is up. `false`: there is work, the flag is down again.
    pub(super) fn prepare(&self, idle: &mut dyn FnMut() -> bool) -> bool {
        self.asleep.swap(true, Ordering::AcqRel);
        fence(Ordering::SeqCst);
        let wait = idle();
        if !wait {
            self.awake();
        }
        wait
    }

    /// S5.
    pub(super) fn awake(&self) {
        self.asleep.swap(false, Ordering::AcqRel);
    }

    /// W2 to W5. Whether it rang.
    #[inline]
    pub(super) fn wake(&self) -> bool {
        fence(Ordering::SeqCst);
        // The load keeps the line shared among wakers; a swap each time would not.
        if !self.asleep.load(Ordering::Relaxed) {
            return false;
        }
        self.ring_once()
    }

    #[cold]
    fn ring_once(&self) -> bool {
        let rings = self.asleep.swap(false, Ordering::AcqRel);
        if rings {
            self.bell.ring();
        }
        rings
    }
}

impl<B> fmt::Debug for Handshake<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake").finish_non_exhaustive()
    }
}
