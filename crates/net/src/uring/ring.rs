//! One io_uring instance: how it is set up, how work gets into it, and the one call that submits and waits.

#![expect(unsafe_code, reason = "the kernel reads the memory that submissions name")]

use std::io;
use std::time::Duration;

use io_uring::types::{CancelBuilder, SubmitArgs, Timespec};
use io_uring::{EnterFlags, IoUring, Submitter, cqueue, squeue};

/// A ring for one thread.
pub(super) struct Ring {
    inner: IoUring,
    /// Keeps a sleeping shard out of the "iowait" column, where the kernel lets us (6.15).
    sleep_flags: EnterFlags,
    calls: u64,
}

/// How an attempt to hand work over ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handed {
    /// The kernel has all of it.
    All,
    /// The kernel wants its completions taken first.
    Congested,
}

impl Ring {
    /// Sets up a ring of `submissions` entries and room for `completions`.
    ///
    /// - SINGLE_ISSUER and DEFER_TASKRUN: one thread submits, and completion work runs inside its `enter` only, in
    ///   batches and never in the middle of a tick.
    /// - TASKRUN_FLAG: the kernel says in shared memory that such work is pending, so that a busy shard with
    ///   nothing to submit needs no call to find out that there is none.
    /// - SUBMIT_ALL: one bad submission does not hold up those behind it.
    pub(super) fn new(submissions: u32, completions: u32) -> io::Result<Self> {
        let inner = IoUring::builder()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_taskrun_flag()
            .setup_submit_all()
            .setup_cqsize(completions)
            .dontfork()
            .build(submissions)?;
        let mut sleep_flags = EnterFlags::empty();
        if inner.params().is_feature_no_iowait() {
            sleep_flags |= EnterFlags::NO_IOWAIT;
        }
        Ok(Self { inner, sleep_flags, calls: 0 })
    }

    /// For registrations.
    pub(super) fn submitter(&self) -> Submitter<'_> {
        self.inner.submitter()
    }

    /// Queues a submission; `false` when the queue is full.
    ///
    /// # Safety
    /// What `entry` names in memory must stay valid until the kernel is done with it: until it is submitted for
    /// everything that the kernel copies or finishes at submission, until its last completion for the rest.
    #[inline]
    pub(super) unsafe fn push(&mut self, entry: &squeue::Entry) -> bool {
        let mut queue = self.inner.submission();
        // SAFETY: the caller vouches for what `entry` names.
        unsafe { queue.push(entry) }.is_ok()
    }

    /// Submissions that the kernel has not seen.
    pub(super) fn queued(&mut self) -> usize {
        self.inner.submission().len()
    }

    /// Hands over all submissions without waiting for anything.
    pub(super) fn submit(&mut self) -> io::Result<Handed> {
        let mut fruitless = 0;
        loop {
            let queued = self.queued();
            if queued == 0 {
                return Ok(Handed::All);
            }
            match self.enter(queued, 0, EnterFlags::empty(), None) {
                Ok(()) if self.queued() < queued => {}
                Ok(()) => fruitless += 1,
                Err(error) => match error.raw_os_error() {
                    Some(libc::EBUSY) => return Ok(Handed::Congested),
                    Some(libc::EINTR) => {}
                    // The kernel is short of memory for a moment.
                    Some(libc::EAGAIN) => fruitless += 1,
                    _ => return Err(error),
                },
            }
            if fruitless > MOST_FRUITLESS_CALLS {
                return Err(io::Error::other("io_uring takes no more submissions"));
            }
        }
    }

    /// Hands over all submissions and lets pending completions come in, without waiting; no call at all when
    /// there is nothing of either.
    pub(super) fn poll(&mut self) -> io::Result<()> {
        if !self.has_pending() {
            return Ok(());
        }
        let queued = self.queued();
        self.forgiving(queued, 0, EnterFlags::GETEVENTS, None)
    }

    /// Whether a call would do anything.
    pub(super) fn has_pending(&mut self) -> bool {
        let queue = self.inner.submission();
        !queue.is_empty() || queue.taskrun() || queue.cq_overflow()
    }

    /// Whether completions wait in the kernel for room in the queue.
    pub(super) fn has_overflown(&mut self) -> bool {
        self.inner.submission().cq_overflow()
    }

    /// Hands over all submissions and waits for a completion, for at most `timeout`. Signals, full queues and
    /// the timeout itself are ordinary ways for it to end.
    pub(super) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let queued = self.queued();
        self.forgiving(queued, 1, EnterFlags::GETEVENTS | self.sleep_flags, timeout)
    }

    /// The next completion; there is room for another one then.
    #[inline]
    pub(super) fn next_completion(&mut self) -> Option<cqueue::Entry> {
        self.inner.completion().next()
    }

    /// Lets pending completions come in and hands over nothing.
    pub(super) fn reap(&mut self) -> io::Result<()> {
        self.forgiving(0, 0, EnterFlags::GETEVENTS, None)
    }

    /// System calls made so far.
    pub(super) const fn calls(&self) -> u64 {
        self.calls
    }

    /// Ends every request that is in flight and returns once none is; their completions are in the queue then.
    pub(super) fn cancel_everything(&mut self) -> io::Result<()> {
        let limit = Timespec::new().sec(CANCEL_LIMIT_SECONDS);
        match self.inner.submitter().register_sync_cancel(Some(limit), CancelBuilder::any()) {
            Err(error) if error.raw_os_error() != Some(libc::ENOENT) => Err(error),
            _ => Ok(()),
        }
    }

    fn forgiving(
        &mut self,
        queued: usize,
        want: u32,
        flags: EnterFlags,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        match self.enter(queued, want, flags, timeout) {
            Err(error) => match error.raw_os_error() {
                Some(libc::ETIME | libc::EINTR | libc::EBUSY | libc::EAGAIN) => Ok(()),
                _ => Err(error),
            },
            Ok(()) => Ok(()),
        }
    }

    fn enter(
        &mut self,
        queued: usize,
        want: u32,
        flags: EnterFlags,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        self.calls += 1;
        let queued = u32::try_from(queued).unwrap_or(u32::MAX);
        let timespec = timeout.map(Timespec::from);
        let args = SubmitArgs::new();
        let args = match &timespec {
            Some(timespec) => args.timespec(timespec),
            None => args,
        };
        let flags = (flags | EnterFlags::EXT_ARG).bits();
        // SAFETY: EXT_ARG announces that `args` is passed, with its size; it and the time that it points to live
        // until the call returns.
        unsafe { self.inner.submitter().enter(queued, want, flags, Some(&args)) }.map(drop)
    }
}

impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ring").field("calls", &self.calls).finish_non_exhaustive()
    }
}

/// Calls in a row that submit nothing before the ring counts as broken. Shortage of memory for a request passes
/// within microseconds or not at all.
const MOST_FRUITLESS_CALLS: u32 = 16;
/// Cancelling never blocks on the network; a second is only there so that a kernel bug cannot hang a shutdown.
const CANCEL_LIMIT_SECONDS: u64 = 1;
