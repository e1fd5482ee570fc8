//! Another program as a child process: started with the descriptors of the channel, on a core of its own, and
//! watched through the scheduler's clock.

#![expect(unsafe_code, reason = "libc calls; every block is one call with its SAFETY line")]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::os::{self, Cpu};

/// The process that `command` starts gets `requests` as descriptor 3 and `replies` as 4, runs on `core` with all its
/// threads, and ends with us.
pub(crate) fn give_channel(
    command: &mut Command,
    requests: &OwnedFd,
    replies: &OwnedFd,
    core: Option<usize>,
) -> io::Result<()> {
    // Neither may itself be one of the two numbers, or giving the first would close the second.
    let (requests, replies) = (above_the_channel(requests)?, above_the_channel(replies)?);
    let prepare = move || {
        os::end_with_parent()?;
        if let Some(core) = core {
            os::pin_to_core(core)?;
        }
        become_descriptor(&requests, REQUESTS)?;
        become_descriptor(&replies, REPLIES)
    };
    // SAFETY: between fork and exec it makes system calls only; it allocates where one fails, and we have one thread.
    unsafe { command.pre_exec(prepare) };
    Ok(())
}

/// CPU time of another process with all its threads, the ended ones too.
pub(crate) fn cpu_of(pid: u32) -> io::Result<Cpu> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name stands in parentheses and may itself contain anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = |place: usize| fields.split_whitespace().nth(place).and_then(|field| field.parse().ok());
    let (user, system) = (ticks(UTIME).unwrap_or(0), ticks(STIME).unwrap_or(0));
    let pid = i32::try_from(pid).map_err(io::Error::other)?;
    // The kernel's encoding of a process's scheduler clock: inverted id, then "sched".
    let total_ns = os::clock_ns((!pid << 3) | 0b010)?;
    Ok(Cpu { total_ns, user_ns: user * TICK_NS, sys_ns: system * TICK_NS })
}

/// Waits until reading `fd` would not block, at most this long.
pub(crate) fn readable_within(fd: &impl AsRawFd, milliseconds: u64) -> io::Result<bool> {
    let mut poll = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let timeout = i32::try_from(milliseconds).unwrap_or(i32::MAX);
    // SAFETY: one live pollfd, and the count says one.
    let ready = unsafe { libc::poll(&raw mut poll, 1, timeout) };
    if ready < 0 { Err(io::Error::last_os_error()) } else { Ok(ready > 0) }
}

fn above_the_channel(fd: &OwnedFd) -> io::Result<OwnedFd> {
    // SAFETY: the call touches no memory.
    let copy = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, REPLIES + 1) };
    os::check(copy)?;
    // SAFETY: the kernel has just opened it for us, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

fn become_descriptor(fd: &OwnedFd, number: RawFd) -> io::Result<()> {
    // SAFETY: the call touches no memory; whatever the child had open at `number` is none of its business.
    os::check(unsafe { libc::dup2(fd.as_raw_fd(), number) })
}

/// Where a worker reads requests, and where it writes replies.
const REQUESTS: RawFd = 3;
const REPLIES: RawFd = 4;
/// Places in /proc/PID/stat, counted behind the name.
const UTIME: usize = 11;
const STIME: usize = 12;
/// USER_HZ is 100 on every architecture we run on.
const TICK_NS: u64 = 10_000_000;

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_child_has_the_channel_at_three_and_four() {
        let (mut ours, requests) = UnixStream::pair().unwrap();
        let (replies, theirs) = UnixStream::pair().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "read line <&3; echo \"$line back\" >&4"]);
        give_channel(&mut command, &requests.into(), &theirs.try_clone().unwrap().into(), None).unwrap();
        let mut child = command.spawn().unwrap();
        // What `command` still holds would keep the stream open.
        drop(command);
        ours.write_all(b"there and\n").unwrap();
        assert!(child.wait().unwrap().success());
        theirs.shutdown(std::net::Shutdown::Both).unwrap();
        let mut text = String::new();
        (&replies).read_to_string(&mut text).unwrap();
        assert_eq!(text, "there and back\n");
    }

    #[test]
    fn the_cpu_of_this_process_is_the_same_seen_from_outside() {
        let inside = os::process_cpu().unwrap();
        let outside = cpu_of(std::process::id()).unwrap();
        assert!(outside.total_ns >= inside.total_ns);
    }
}
