//! The few calls to the kernel that the standard library does not offer: clocks of a process and of its threads,
//! placement on cores, life and death of child processes, and the far end's receiving in batches.

#![expect(unsafe_code, reason = "libc calls; every block is one call with its SAFETY line")]

use std::io;
use std::os::fd::{AsRawFd, RawFd};

use serde::{Deserialize, Serialize};

pub(crate) use crate::os_batch::ReceiveBatch;
pub(crate) use crate::os_process::{cpu_of, give_channel, readable_within};
pub(crate) use crate::os_train::Trains;

/// CPU time of a process or of a part of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cpu {
    /// Exact, from the scheduler's clock.
    pub(crate) total_ns: u64,
    /// In user mode, as the kernel divides it.
    pub(crate) user_ns: u64,
    /// In the kernel, likewise.
    pub(crate) sys_ns: u64,
}

/// What this process, with all its threads, has used.
pub(crate) fn process_cpu() -> io::Result<Cpu> {
    // SAFETY: an all-zero rusage is a valid value of that plain struct.
    let mut usage: libc::rusage = unsafe { core::mem::zeroed() };
    // SAFETY: `usage` is a live, writable rusage.
    check(unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) })?;
    Ok(Cpu {
        total_ns: clock_ns(libc::CLOCK_PROCESS_CPUTIME_ID)?,
        user_ns: timeval_ns(usage.ru_utime),
        sys_ns: timeval_ns(usage.ru_stime),
    })
}

/// What the calling thread has used.
pub(crate) fn thread_cpu_ns() -> io::Result<u64> {
    clock_ns(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// What another thread of this process has used.
pub(crate) fn cpu_ns_of_thread(thread: i32) -> io::Result<u64> {
    // The kernel's encoding of a thread's scheduler clock: inverted id, then "per thread" and "sched".
    clock_ns((!thread << 3) | 0b110)
}

/// The kernel's id of a thread of this process.
pub(crate) fn thread_named(name: &str) -> io::Result<i32> {
    for task in std::fs::read_dir("/proc/self/task")? {
        let task = task?;
        if std::fs::read_to_string(task.path().join("comm"))?.trim_end() == name {
            return task.file_name().to_string_lossy().parse().map_err(io::Error::other);
        }
    }
    Err(io::Error::other(format!("there is no thread {name} in this process")))
}

/// The machine's monotonic clock, the same for all processes.
pub(crate) fn monotonic_ns() -> io::Result<u64> {
    clock_ns(libc::CLOCK_MONOTONIC)
}

/// Sleeps until a point of the monotonic clock; a point in the past returns at once.
pub(crate) fn sleep_until_ns(at: u64) -> io::Result<()> {
    let until = libc::timespec {
        tv_sec: i64::try_from(at / NANOS_PER_SECOND).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(at % NANOS_PER_SECOND).unwrap_or(0),
    };
    loop {
        // SAFETY: `until` is a valid timespec; no remainder is asked for with an absolute time.
        let error = unsafe {
            libc::clock_nanosleep(
                libc::CLOCK_MONOTONIC,
                libc::TIMER_ABSTIME,
                &raw const until,
                core::ptr::null_mut(),
            )
        };
        match error {
            0 => return Ok(()),
            libc::EINTR => {}
            other => return Err(io::Error::from_raw_os_error(other)),
        }
    }
}

/// Cores this process may run on.
pub(crate) fn allowed_cores() -> io::Result<Vec<usize>> {
    // SAFETY: an all-zero cpu_set_t is the empty set.
    let mut set: libc::cpu_set_t = unsafe { core::mem::zeroed() };
    // SAFETY: `set` is live and its size is the one given.
    check(unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) })?;
    let limit = usize::try_from(libc::CPU_SETSIZE).unwrap_or(1024);
    // SAFETY: every index is below CPU_SETSIZE.
    Ok((0..limit).filter(|&core| unsafe { libc::CPU_ISSET(core, &set) }).collect())
}

/// Binds the calling thread, and every thread it starts, to one core.
pub(crate) fn pin_to_core(core: usize) -> io::Result<()> {
    let limit = usize::try_from(libc::CPU_SETSIZE).unwrap_or(1024);
    // SAFETY: an all-zero cpu_set_t is the empty set.
    let mut set: libc::cpu_set_t = unsafe { core::mem::zeroed() };
    if core < limit {
        // SAFETY: `core` is below CPU_SETSIZE.
        unsafe { libc::CPU_SET(core, &mut set) };
    }
    // SAFETY: `set` is live and its size is the one given.
    let pinned = check(unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) });
    pinned.map_err(|error| {
        io::Error::other(format!("core {core} cannot be used here, give another with --cores: {error}"))
    })
}

/// Makes room for `needed` descriptors, raising the soft limit up to the hard one.
pub(crate) fn need_descriptors(needed: usize) -> io::Result<()> {
    let needed = u64::try_from(needed).unwrap_or(u64::MAX);
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is live and writable.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) })?;
    if limit.rlim_cur >= needed {
        return Ok(());
    }
    if limit.rlim_max < needed {
        return Err(io::Error::other(format!(
            "this case needs {needed} descriptors in one process, the hard limit is {}; raise it with ulimit -Hn",
            limit.rlim_max
        )));
    }
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: `limit` is live and holds a soft limit not above the hard one.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) })
}

/// Makes this process one that ends with the one that started it. Timers become exact to the
/// nanosecond instead of the default 50 us of slack.
pub(crate) fn become_child() -> io::Result<()> {
    end_with_parent()?;
    // SAFETY: PR_SET_TIMERSLACK takes a number and touches no memory.
    check(unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) })
}

/// Ends this process when the one that started it ends, however that ends.
pub(crate) fn end_with_parent() -> io::Result<()> {
    // SAFETY: PR_SET_PDEATHSIG takes a signal number and touches no memory.
    check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) })
}

/// Whether reading `fd` would not block.
pub(crate) fn readable(fd: &impl AsRawFd) -> io::Result<bool> {
    readable_within(fd, 0)
}

/// From now on what this socket sends is cut into datagrams of `size` bytes (UDP GSO).
pub(crate) fn set_segment_size(socket: &impl AsRawFd, size: usize) -> io::Result<()> {
    let size = i32::try_from(size).map_err(io::Error::other)?;
    set_option(socket.as_raw_fd(), (libc::SOL_UDP, libc::UDP_SEGMENT), size)
}

/// A receive buffer beyond the system's limit, where the rights for it are there. Says what it became.
pub(crate) fn grow_receive_buffer(socket: &socket2::Socket, bytes: usize) -> io::Result<usize> {
    let wanted = i32::try_from(bytes).map_err(io::Error::other)?;
    if set_option(socket.as_raw_fd(), (libc::SOL_SOCKET, libc::SO_RCVBUFFORCE), wanted).is_err() {
        socket.set_recv_buffer_size(bytes)?;
    }
    socket.recv_buffer_size()
}

/// Moves this process into a network namespace of its own, which ends with its last process.
pub(crate) fn leave_for_own_network() -> io::Result<()> {
    // SAFETY: unshare takes flags only.
    check(unsafe { libc::unshare(libc::CLONE_NEWNET) })
}

pub(crate) fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Sets an option that is a number.
pub(crate) fn set_option(fd: RawFd, (level, name): (i32, i32), value: i32) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<i32>()).map_err(io::Error::other)?;
    // SAFETY: `value` lives across the call and `length` is its size.
    check(unsafe { libc::setsockopt(fd, level, name, (&raw const value).cast(), length) })
}

/// What a clock shows.
pub(crate) fn clock_ns(clock: libc::clockid_t) -> io::Result<u64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is live and writable.
    check(unsafe { libc::clock_gettime(clock, &raw mut time) })?;
    Ok(u64::try_from(time.tv_sec).unwrap_or(0) * NANOS_PER_SECOND + u64::try_from(time.tv_nsec).unwrap_or(0))
}

fn timeval_ns(time: libc::timeval) -> u64 {
    u64::try_from(time.tv_sec).unwrap_or(0) * NANOS_PER_SECOND
        + u64::try_from(time.tv_usec).unwrap_or(0) * 1000
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_works_is_seen_by_its_own_and_by_the_process_clock() {
        let before = process_cpu().unwrap();
        // The thread's own name is its test's, cut to what the kernel keeps.
        let me = std::fs::read_to_string("/proc/thread-self/comm").unwrap();
        let me = thread_named(me.trim_end()).unwrap();
        let mine = cpu_ns_of_thread(me).unwrap();
        let mut sum = 0u64;
        while thread_cpu_ns().unwrap() < mine + 2_000_000 {
            sum = sum.wrapping_add(core::hint::black_box(1));
        }
        assert!(sum > 0);
        assert!(cpu_ns_of_thread(me).unwrap() >= mine + 2_000_000);
        assert!(process_cpu().unwrap().total_ns >= before.total_ns + 2_000_000);
    }

    #[test]
    fn a_core_that_is_not_ours_is_refused_by_name() {
        let error = pin_to_core(1023).unwrap_err().to_string();
        assert!(error.contains("core 1023") && error.contains("--cores"), "{error}");
    }
}
