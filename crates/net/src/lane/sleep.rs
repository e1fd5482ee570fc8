//! How a shard sleeps until there is work, and how other threads end that.
//!
//! A [`Sleeper`] belongs to one thread (a shard's driver, or control) and owns an eventfd; any number of
//! [`Waker`]s point at it. The steps, and why none of them loses a wake-up, are in `handshake`. For who
//! sleeps in epoll or io_uring it comes to this:
//!
//! ```text
//! if sleeper.prepare(idle) {   // flag up, fence, last look at the queues
//!     wait on sleeper.fd() and whatever else
//!     sleeper.awake();         // flag down, on every way out of the wait
//! }
//! look at the queues           // always, whatever ended the wait
//! ```
//!
//! - Between `prepare` and the wait the sleeper must not use up what the eventfd says: no [`Sleeper::drain`], and
//!   under io_uring no completion of it taken from the queue without treating it as the end of the wait.
//! - Registered edge-triggered (`EPOLLET`, multishot poll), every write is an event of its own and the counter
//!   needs no reading, ever: that saves a system call per wake-up. Registered level-triggered, call `drain`
//!   after `awake`.
//! - The eventfd is non-blocking, so an io_uring *read* of it fails with EAGAIN instead of waiting: poll it.
//! - A panic in `idle` leaves the flag up, which costs one useless write and is over with the next sleep.
//! - A waker's work must be visible before it calls [`Waker::wake`]; a wake before the work is worth nothing.
//!
//! A waker costs a fence and a load while the sleeper is awake, and one write of eight bytes when it is not.
//! The eventfd closes when the last of sleeper and wakers is gone; waking a dropped sleeper does nothing.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use super::handshake::{Bell, Handshake};

/// The end of the handshake that waits. One per thread that sleeps.
#[derive(Debug)]
pub struct Sleeper {
    shared: Arc<Handshake<EventFd>>,
}

impl Sleeper {
    /// Opens the eventfd.
    ///
    /// # Errors
    /// When the process has no descriptor left.
    pub fn new() -> io::Result<Self> {
        Ok(Self { shared: Arc::new(Handshake::new(EventFd::new()?)) })
    }

    /// Another handle that ends this sleeper's waits.
    pub fn waker(&self) -> Waker {
        Waker { shared: Arc::clone(&self.shared) }
    }

    /// What to wait on: readable once somebody woke the sleeper.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.shared.bell().file.as_fd()
    }

    /// Raises the flag and asks `idle` whether all queues that wakers fill are empty. `true` means wait now
    /// and call [`Sleeper::awake`] afterwards; `false` means that there is work and the flag is down again.
    #[must_use = "the flag is up when this says true"]
    pub fn prepare(&mut self, idle: &mut dyn FnMut() -> bool) -> bool {
        self.shared.prepare(idle)
    }

    /// Lowers the flag after a wait, however it ended. Harmless when it is down.
    pub fn awake(&mut self) {
        self.shared.awake();
    }

    /// Takes what wakers wrote, so that a level-triggered wait waits again. Whether anything had been
    /// written.
    pub fn drain(&mut self) -> bool {
        self.shared.bell().drain()
    }
}

impl AsFd for Sleeper {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd()
    }
}

impl AsRawFd for Sleeper {
    fn as_raw_fd(&self) -> RawFd {
        self.fd().as_raw_fd()
    }
}

/// Ends another thread's wait. Cheap to clone, cheap to call when the other thread is awake.
#[derive(Clone, Debug)]
pub struct Waker {
    shared: Arc<Handshake<EventFd>>,
}

impl Waker {
    /// Wakes the sleeper if it sleeps or is about to. Call it after the work is visible to the sleeper, once
    /// per batch. Returns whether this took a system call, for those who count them.
    #[inline]
    pub fn wake(&self) -> bool {
        self.shared.wake()
    }
}

/// A bell that epoll and io_uring can wait on. A `File`, because std reads and writes those.
#[derive(Debug)]
struct EventFd {
    file: File,
}

impl EventFd {
    #[expect(unsafe_code, reason = "neither std nor socket2 opens an eventfd")]
    fn new() -> io::Result<Self> {
        // SAFETY: takes two integers and touches no memory of ours.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel just gave us this descriptor, and nobody else has it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self { file: File::from(fd) })
    }

    fn drain(&self) -> bool {
        let mut count = [0; COUNTER_BYTES];
        // EAGAIN is the only failure of a non-blocking eventfd: nothing was written since the last read.
        (&self.file).read(&mut count).is_ok()
    }
}

impl Bell for EventFd {
    fn ring(&self) {
        // The only failure is EAGAIN, when the counter is about to overflow: then it is readable, and that is
        // all that a ring is for.
        let _ = (&self.file).write(&1_u64.to_ne_bytes());
    }
}

/// An eventfd is read and written as one u64: eventfd(2).
const COUNTER_BYTES: usize = size_of::<u64>();

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn waking_the_awake_costs_no_system_call() {
        let mut sleeper = Sleeper::new().unwrap();
        assert!(!sleeper.waker().wake());
        assert!(!sleeper.drain());
    }

    #[test]
    fn a_sleeper_is_rung_once_however_many_wake_it() {
        let mut sleeper = Sleeper::new().unwrap();
        let (one, two) = (sleeper.waker(), sleeper.waker());
        assert!(sleeper.prepare(&mut || true));
        assert_eq!([one.wake(), two.wake(), one.wake()], [true, false, false]);
        sleeper.awake();
        assert!(sleeper.drain());
        assert!(!sleeper.drain());
    }

    #[test]
    fn who_finds_work_at_the_last_look_stays_awake() {
        let mut sleeper = Sleeper::new().unwrap();
        let waker = sleeper.waker();
        assert!(!sleeper.prepare(&mut || false));
        assert!(!waker.wake());
    }

    #[test]
    fn a_wake_during_the_last_look_is_kept_for_the_wait() {
        let mut sleeper = Sleeper::new().unwrap();
        let waker = sleeper.waker();
        assert!(sleeper.prepare(&mut || waker.wake()));
        assert!(sleeper.drain());
    }

    #[test]
    fn waking_after_the_sleeper_is_gone_is_harmless() {
        let mut sleeper = Sleeper::new().unwrap();
        let waker = sleeper.waker();
        assert!(sleeper.prepare(&mut || true));
        drop(sleeper);
        waker.wake();
    }
}
