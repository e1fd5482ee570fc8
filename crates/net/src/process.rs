//! What a process was born with and what it has used.

#![expect(unsafe_code, reason = "system calls that std does not wrap")]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// A descriptor of our own for what the parent process left open at that number.
///
/// The number itself stays open as it was; closing it is nobody's business but the kernel's, when the process ends.
///
/// # Errors
/// When nothing is open there.
pub fn duplicate_inherited(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the call reads and writes no memory; for a number that is not open it fails.
    let duplicate = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, FIRST_OWN_FD) };
    if duplicate < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just opened it for this call, so nobody else knows the number.
    Ok(unsafe { OwnedFd::from_raw_fd(duplicate) })
}

/// What the process used so far, all its threads together.
///
/// # Errors
/// Not on Linux; the interface allows for it.
pub fn resource_usage() -> io::Result<ResourceUsage> {
    // SAFETY: the structure is made of integers, for which zeros are a value.
    let mut usage: libc::rusage = unsafe { core::mem::zeroed() };
    // SAFETY: `usage` is writable and of the type that the call fills.
    let result = unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    let count = |value: libc::c_long| u64::try_from(value).unwrap_or_default();
    let milliseconds = |time: libc::timeval| count(time.tv_sec) * 1000 + count(time.tv_usec) / 1000;
    Ok(ResourceUsage {
        user_ms: milliseconds(usage.ru_utime),
        system_ms: milliseconds(usage.ru_stime),
        max_rss_kib: count(usage.ru_maxrss),
        minor_faults: count(usage.ru_minflt),
        major_faults: count(usage.ru_majflt),
        blocks_in: count(usage.ru_inblock),
        blocks_out: count(usage.ru_oublock),
        voluntary_switches: count(usage.ru_nvcsw),
        involuntary_switches: count(usage.ru_nivcsw),
    })
}

/// What getrusage(2) says on Linux; what it does not maintain is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResourceUsage {
    /// Milliseconds of CPU in the program.
    pub user_ms: u64,
    /// Milliseconds of CPU in the kernel.
    pub system_ms: u64,
    /// The most memory that was ever resident.
    pub max_rss_kib: u64,
    /// Page faults without reading from a disk.
    pub minor_faults: u64,
    /// Page faults with reading from a disk.
    pub major_faults: u64,
    /// Reads of a file system.
    pub blocks_in: u64,
    /// Writes of a file system.
    pub blocks_out: u64,
    /// How often a thread waited.
    pub voluntary_switches: u64,
    /// How often a thread was interrupted.
    pub involuntary_switches: u64,
}

/// Our own numbers begin behind those that a parent process passes by convention.
const FIRST_OWN_FD: RawFd = 10;

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read as _, Write as _};
    use std::os::fd::AsRawFd as _;

    use super::*;

    #[test]
    fn a_duplicate_is_the_same_file_under_a_number_of_its_own() {
        let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let duplicate = duplicate_inherited(theirs.as_raw_fd()).unwrap();
        assert!(duplicate.as_raw_fd() >= FIRST_OWN_FD);
        drop(theirs);
        File::from(duplicate).write_all(b"here").unwrap();
        let mut text = String::new();
        ours.read_to_string(&mut text).unwrap();
        assert_eq!(text, "here");
    }

    #[test]
    fn what_is_not_open_is_an_error() {
        assert_eq!(duplicate_inherited(-1).unwrap_err().raw_os_error(), Some(libc::EBADF));
    }

    #[test]
    fn usage_is_that_of_this_process() {
        let mut file = File::open("/proc/self/status").unwrap();
        let mut status = String::new();
        file.read_to_string(&mut status).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        let seen = resource_usage().unwrap().max_rss_kib;
        // The kernel counts pages per thread and adds them up now and then.
        assert!(seen >= peak / 2 && seen > 500, "{seen} KiB where the kernel's status says {peak}");
    }
}
