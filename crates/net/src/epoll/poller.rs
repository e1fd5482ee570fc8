//! One epoll instance: which sockets have something, and waiting until one has.

#![expect(unsafe_code, reason = "system calls")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// Edge-triggered readiness, with waits of nanosecond resolution.
pub(super) struct Poller {
    epoll: OwnedFd,
    events: Vec<libc::epoll_event>,
    /// Whether the kernel has `epoll_pwait2` (5.11) and lets us use it.
    precise: bool,
}

impl Poller {
    /// Reports at most `capacity` descriptors at a time.
    pub(super) fn new(capacity: usize) -> io::Result<Self> {
        // SAFETY: takes an integer and touches no memory of ours.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel just gave us this descriptor, and nobody else has it.
        let epoll = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self { epoll, events: vec![libc::epoll_event { events: 0, u64: 0 }; capacity], precise: true })
    }

    /// Reports `token` whenever something new arrives on `fd`, until `fd` is closed. What is there already counts
    /// as new.
    pub(super) fn watch(&self, fd: BorrowedFd<'_>, token: u64) -> io::Result<()> {
        self.watch_for(libc::EPOLLIN, fd, token)
    }

    /// The same of a TCP socket, and whenever a connection that took less than it was offered has room again.
    pub(super) fn watch_stream(&self, fd: BorrowedFd<'_>, token: u64) -> io::Result<()> {
        self.watch_for(libc::EPOLLIN | libc::EPOLLOUT, fd, token)
    }

    /// Reports nothing of `fd` any more.
    pub(super) fn unwatch(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        let epoll = self.epoll.as_raw_fd();
        // SAFETY: to take out a descriptor the kernel looks at no event (since 2.6.9).
        let result =
            unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_DEL, fd.as_raw_fd(), core::ptr::null_mut()) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    fn watch_for(&self, events: i32, fd: BorrowedFd<'_>, token: u64) -> io::Result<()> {
        let events = (events | libc::EPOLLET).cast_unsigned();
        let mut event = libc::epoll_event { events, u64: token };
        let epoll = self.epoll.as_raw_fd();
        // SAFETY: `event` is a valid epoll_event for the duration of the call, which copies it.
        let result = unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, fd.as_raw_fd(), &raw mut event) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Waits for at most `timeout`, or for ever, and returns how many tokens there are to read. An interrupted
    /// wait has none.
    pub(super) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<usize> {
        let result = if timeout == Some(Duration::ZERO) { self.poll() } else { self.wait_for(timeout) };
        match usize::try_from(result) {
            Ok(count) => Ok(count),
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => Ok(0),
                error => Err(error),
            },
        }
    }

    /// The `n`-th token of the last wait.
    pub(super) fn token(&self, n: usize) -> Option<u64> {
        self.events.get(n).map(|event| event.u64)
    }

    /// How many system calls one real wait takes.
    pub(super) const fn calls_per_wait(&self) -> u64 {
        if self.precise { 1 } else { 2 }
    }

    /// Readable when a wait would end at once.
    #[cfg(feature = "host-glommio")]
    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        std::os::fd::AsFd::as_fd(&self.epoll)
    }

    fn poll(&mut self) -> i32 {
        let room = i32::try_from(self.events.len()).unwrap_or(i32::MAX);
        // SAFETY: the kernel writes at most `room` events, which is what the vector holds.
        unsafe { libc::epoll_wait(self.epoll.as_raw_fd(), self.events.as_mut_ptr(), room, 0) }
    }

    fn wait_for(&mut self, timeout: Option<Duration>) -> i32 {
        let timespec = timeout.map(timespec);
        let limit: *const libc::timespec = timespec.as_ref().map_or(core::ptr::null(), |limit| limit);
        if self.precise {
            let result = self.pwait2(limit);
            let errno = if result < 0 { io::Error::last_os_error().raw_os_error() } else { None };
            // EPERM is what seccomp filters answer that are older than the call.
            if !matches!(errno, Some(libc::ENOSYS | libc::EPERM)) {
                return result;
            }
            self.precise = false;
        }
        let mut ready = libc::pollfd { fd: self.epoll.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one pollfd and a null or valid timespec, both alive for the call.
        let result = unsafe { libc::ppoll(&raw mut ready, 1, limit, core::ptr::null()) };
        if result <= 0 { result } else { self.poll() }
    }

    fn pwait2(&mut self, limit: *const libc::timespec) -> i32 {
        let no_mask: *const libc::sigset_t = core::ptr::null();
        let epoll = self.epoll.as_raw_fd();
        let room = i32::try_from(self.events.len()).unwrap_or(i32::MAX);
        let events = self.events.as_mut_ptr();
        // By number: the C library has a name for it only since glibc 2.35.
        // SAFETY: as in `poll`; `limit` is null or points to a timespec that outlives the call; without a mask its
        // size is not looked at.
        let result =
            unsafe { libc::syscall(libc::SYS_epoll_pwait2, epoll, events, room, limit, no_mask, 0_usize) };
        i32::try_from(result).unwrap_or(-1)
    }
}

impl core::fmt::Debug for Poller {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Poller")
            .field("epoll", &self.epoll)
            .field("precise", &self.precise)
            .finish_non_exhaustive()
    }
}

fn timespec(duration: Duration) -> libc::timespec {
    let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    libc::timespec { tv_sec: seconds, tv_nsec: i64::from(duration.subsec_nanos()) }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::time::Instant;

    use super::*;

    #[test]
    fn both_ways_to_wait_end_after_the_time_given_and_at_once_for_news() {
        for precise in [true, false] {
            let mut poller = Poller { precise, ..Poller::new(4).unwrap() };
            let (one, other) = std::os::unix::net::UnixDatagram::pair().unwrap();
            poller.watch(one.as_fd(), 7).unwrap();
            let start = Instant::now();
            assert_eq!(poller.wait(Some(Duration::from_micros(300))).unwrap(), 0);
            assert!(start.elapsed() >= Duration::from_micros(300));
            other.send(b"news").unwrap();
            assert_eq!(poller.wait(None).unwrap(), 1);
            assert_eq!(poller.token(0), Some(7));
            assert_eq!(poller.wait(Some(Duration::ZERO)).unwrap(), 0, "one report per edge");
        }
    }
}
