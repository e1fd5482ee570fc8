//! Why io_uring cannot be used here, in words that say what would help.

use std::fs;
use std::io;

use io_uring::{IoUring, Probe, opcode};

/// Why this kernel, or whoever set up this process, does not let us use io_uring.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Unsupported: switched off for the machine.
    #[error("io_uring is switched off here (sysctl kernel.io_uring_disabled = {value}): {cause}")]
    Disabled {
        /// Value of the setting: 1 allows one group, 2 nobody.
        value: String,
        /// What the kernel says.
        #[source]
        cause: io::Error,
    },
    /// Unsupported: a seccomp filter, as in a container with default settings.
    #[error("io_uring is refused, most likely by a seccomp filter as containers have by default: {cause}")]
    Forbidden {
        /// What the kernel says.
        #[source]
        cause: io::Error,
    },
    /// Unsupported: no such system call.
    #[error("there is no io_uring in kernel {release}, or a seccomp filter hides it: {cause}")]
    Absent {
        /// Kernel release.
        release: String,
        /// What the kernel says.
        #[source]
        cause: io::Error,
    },
    /// Unsupported: before Linux 6.1.
    #[error("kernel {release} is too old for io_uring as we use it (6.1 or later is needed)")]
    TooOld {
        /// Kernel release.
        release: String,
    },
    /// Unsupported: the kernel lacks an operation.
    #[error("the io_uring of kernel {release} has no {opcode}")]
    OpcodeAbsent {
        /// Kernel release.
        release: String,
        /// Name of the operation.
        opcode: &'static str,
    },
    /// Exhausted: locked memory, or memory at all.
    #[error(
        "not enough memory for the rings, with a limit on locked memory of {limit} (`ulimit -l`): {cause}"
    )]
    Memory {
        /// RLIMIT_MEMLOCK.
        limit: String,
        /// What the kernel says.
        #[source]
        cause: io::Error,
    },
    /// Exhausted: file descriptors.
    #[error("more descriptors needed for io_uring than the process may have (`ulimit -n`): {cause}")]
    Descriptors {
        /// What the kernel says.
        #[source]
        cause: io::Error,
    },
    /// Unsupported: setting it up fails for another reason.
    #[error("io_uring cannot be set up on kernel {release}: {cause}")]
    Setup {
        /// Kernel release.
        release: String,
        /// What the kernel says.
        #[source]
        cause: io::Error,
    },
    /// Unsupported: it can be set up and does not work.
    #[error("io_uring can be set up but does not work: {0}")]
    Trial(String),
}

impl Refusal {
    /// What an error of setting up a ring means here.
    pub(super) fn from_setup(cause: io::Error) -> Self {
        Self::explain(cause, &Facts::read())
    }

    fn explain(cause: io::Error, facts: &Facts) -> Self {
        let release = facts.release.clone();
        match cause.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => match facts.disabled.as_str() {
                "" | "0" => Self::Forbidden { cause },
                value => Self::Disabled { value: value.to_owned(), cause },
            },
            Some(libc::ENOSYS) => Self::Absent { release, cause },
            // An unknown setup flag.
            Some(libc::EINVAL) if is_too_old(&release) => Self::TooOld { release },
            Some(libc::ENOMEM) => Self::Memory { limit: facts.memlock.clone(), cause },
            // No error of the kernel: glommio asks for more than the rings need.
            None if cause.kind() == io::ErrorKind::OutOfMemory => {
                Self::Memory { limit: facts.memlock.clone(), cause }
            }
            Some(libc::EMFILE | libc::ENFILE) => Self::Descriptors { cause },
            _ => Self::Setup { release, cause },
        }
    }
}

/// Asks for every operation that the driver uses. Flags of operations (multishot receive) have no such table: the
/// trial finds them missing.
pub(super) fn check_opcodes() -> Result<(), Refusal> {
    check(&OPCODES)
}

/// Asks for every operation that glommio insists on. It panics without io_uring, and where an operation is absent
/// it ends the process.
#[cfg(feature = "host-glommio")]
pub(super) fn check_opcodes_of_glommio() -> Result<(), Refusal> {
    check(&OPCODES_OF_GLOMMIO)
}

fn check(opcodes: &[(u8, &'static str)]) -> Result<(), Refusal> {
    let ring = IoUring::new(1).map_err(Refusal::from_setup)?;
    let mut probe = Probe::new();
    ring.submitter().register_probe(&mut probe).map_err(Refusal::from_setup)?;
    match opcodes.iter().find(|(code, _)| !probe.is_supported(*code)) {
        Some(&(_, opcode)) => Err(Refusal::OpcodeAbsent { release: Facts::read().release, opcode }),
        None => Ok(()),
    }
}

/// What helps to explain an error; read only after one.
struct Facts {
    release: String,
    disabled: String,
    memlock: String,
}

impl Facts {
    fn read() -> Self {
        let limits = read_line("/proc/self/limits", |line| line.starts_with("Max locked memory"));
        Self {
            release: read_line("/proc/sys/kernel/osrelease", |_| true),
            disabled: read_line("/proc/sys/kernel/io_uring_disabled", |_| true),
            memlock: soft_limit(&limits),
        }
    }
}

/// The first line of a file of the kernel that `wanted` likes; empty when there is none.
fn read_line(path: &str, wanted: impl Fn(&str) -> bool) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().find(|line| wanted(line)).unwrap_or_default().trim().to_owned()
}

/// The soft limit in a line of /proc/self/limits: the word after the three of its name.
fn soft_limit(line: &str) -> String {
    match line.split_whitespace().nth(3) {
        None => "unknown size".to_owned(),
        Some("unlimited") => "any size".to_owned(),
        Some(bytes) => format!("{bytes} bytes"),
    }
}

/// Whether a release like "5.15.0-91-generic" is before 6.1. One that cannot be read is not called old.
fn is_too_old(release: &str) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map_while(|part| part.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) => (major, minor) < OLDEST,
        _ => false,
    }
}

/// The first kernel with DEFER_TASKRUN.
const OLDEST: (u32, u32) = (6, 1);
const OPCODES: [(u8, &str); 6] = [
    (opcode::SendMsg::CODE, "SENDMSG"),
    (opcode::RecvMsgMulti::CODE, "RECVMSG"),
    (opcode::Send::CODE, "SEND"),
    (opcode::PollAdd::CODE, "POLL_ADD"),
    (opcode::AsyncCancel2::CODE, "ASYNC_CANCEL"),
    // Not used itself: it came with the kernel that lets SEND name a peer (6.1).
    (opcode::SendMsgZc::CODE, "SENDMSG_ZC"),
];
/// What glommio 0.9 asks its ring for when it starts.
#[cfg(feature = "host-glommio")]
const OPCODES_OF_GLOMMIO: [(u8, &str); 23] = [
    (opcode::Nop::CODE, "NOP"),
    (opcode::Readv::CODE, "READV"),
    (opcode::Writev::CODE, "WRITEV"),
    (opcode::Fsync::CODE, "FSYNC"),
    (opcode::ReadFixed::CODE, "READ_FIXED"),
    (opcode::WriteFixed::CODE, "WRITE_FIXED"),
    (opcode::PollAdd::CODE, "POLL_ADD"),
    (opcode::PollRemove::CODE, "POLL_REMOVE"),
    (opcode::SendMsg::CODE, "SENDMSG"),
    (opcode::RecvMsg::CODE, "RECVMSG"),
    (opcode::Timeout::CODE, "TIMEOUT"),
    (opcode::TimeoutRemove::CODE, "TIMEOUT_REMOVE"),
    (opcode::Accept::CODE, "ACCEPT"),
    (opcode::LinkTimeout::CODE, "LINK_TIMEOUT"),
    (opcode::Connect::CODE, "CONNECT"),
    (opcode::Fallocate::CODE, "FALLOCATE"),
    (opcode::OpenAt::CODE, "OPENAT"),
    (opcode::Close::CODE, "CLOSE"),
    (opcode::Statx::CODE, "STATX"),
    (opcode::Read::CODE, "READ"),
    (opcode::Write::CODE, "WRITE"),
    (opcode::Send::CODE, "SEND"),
    (opcode::Recv::CODE, "RECV"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn explain(errno: i32, release: &str, disabled: &str) -> String {
        let memlock = soft_limit("Max locked memory         65536                8388608              bytes");
        let facts = Facts { release: release.into(), disabled: disabled.into(), memlock };
        Refusal::explain(io::Error::from_raw_os_error(errno), &facts).to_string()
    }

    #[test]
    fn every_refusal_names_its_cause() {
        assert!(explain(libc::EPERM, "6.8.0", "0").contains("seccomp"));
        assert!(explain(libc::EPERM, "6.1.0", "").contains("seccomp"), "before the sysctl existed");
        assert!(explain(libc::EPERM, "6.8.0", "2").contains("kernel.io_uring_disabled = 2"));
        assert!(explain(libc::ENOSYS, "6.8.0", "0").contains("no io_uring in kernel 6.8.0"));
        assert!(explain(libc::EINVAL, "5.15.0-91-generic", "").contains("5.15.0-91-generic is too old"));
        assert!(explain(libc::EINVAL, "6.8.0", "0").contains("cannot be set up on kernel 6.8.0"));
        assert!(explain(libc::ENOMEM, "6.8.0", "0").contains("65536 bytes"));
        assert!(explain(libc::EMFILE, "6.8.0", "0").contains("ulimit -n"));
    }

    #[test]
    fn kernel_releases_are_compared_as_numbers() {
        for (release, too_old) in [
            ("4.19.0", true),
            ("6.0.19", true),
            ("6.1.0", false),
            ("6.10.3-arch1", false),
            ("10.0", false),
            ("?", false),
        ] {
            assert_eq!(is_too_old(release), too_old, "{release}");
        }
    }

    #[test]
    fn this_kernels_facts_can_be_read() {
        let facts = Facts::read();
        assert!(facts.release.starts_with(|c: char| c.is_ascii_digit()), "{}", facts.release);
        assert!(facts.memlock.contains("size") || facts.memlock.contains("bytes"), "{}", facts.memlock);
    }
}
