//! `shardcast doctor`: what on this machine is not as it should be, and how to mend it.

use std::fmt;
use std::fs;
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::path::Path;

use crate::config::Config;
use crate::machine::Machine;

/// What was looked at, and what was found.
#[derive(Debug)]
pub(crate) struct Report(Vec<Finding>);

#[derive(Debug)]
struct Finding {
    what: &'static str,
    state: State,
    found: String,
    /// What to do about it; nothing where it is fine.
    mend: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Fine,
    /// It works, and could work better.
    Poor,
    /// It does not work.
    Broken,
}

impl Report {
    /// Looks at this machine, for a server with this configuration.
    pub(crate) fn of(config: &Config) -> Self {
        let proc = Path::new("/proc");
        let mut findings = vec![kernel(proc), io_uring(proc)];
        let machine = Machine::look();
        let driver = machine.driver();
        findings.push(Finding {
            what: "I/O driver",
            state: if driver.0 == "none" { State::Broken } else { State::Fine },
            found: format!("{}, because {}", driver.0, driver.1),
            mend: "see rtc.driver in the configuration",
        });
        findings.push(limit(
            proc,
            "Max locked memory",
            LOCKED_BYTES,
            "raise `ulimit -l`, or LimitMEMLOCK= of the unit",
        ));
        findings.push(limit(
            proc,
            "Max open files",
            OPEN_FILES,
            "raise `ulimit -n`, or LimitNOFILE= of the unit",
        ));
        for (name, what) in [("rmem_max", "net.core.rmem_max"), ("wmem_max", "net.core.wmem_max")] {
            findings.push(buffer(proc, name, what));
        }
        findings.push(api_port(config));
        findings.extend(tls(config));
        findings.push(rtc_ports(config));
        findings.push(address());
        Self(findings)
    }

    /// Whether a server would work here.
    pub(crate) fn is_fit(&self) -> bool {
        self.0.iter().all(|finding| finding.state != State::Broken)
    }
}

fn kernel(proc: &Path) -> Finding {
    let release = fs::read_to_string(proc.join("sys/kernel/osrelease")).unwrap_or_default();
    let mut numbers = release.split(['.', '-']).map(|number| number.trim().parse().unwrap_or_default());
    let version: (u32, u32) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    let state = match version {
        version if version >= URING_KERNEL => State::Fine,
        version if version >= EPOLL_KERNEL => State::Poor,
        _ => State::Broken,
    };
    let found = if release.is_empty() { "unknown".to_owned() } else { release.trim().to_owned() };
    Finding { what: "kernel", state, found, mend: "6.1 or later for io_uring, 5.0 for the rest" }
}

fn io_uring(proc: &Path) -> Finding {
    let disabled = fs::read_to_string(proc.join("sys/kernel/io_uring_disabled")).unwrap_or_default();
    let (state, found) = match disabled.trim() {
        "2" => (State::Poor, "forbidden to everybody"),
        "1" => (State::Poor, "forbidden to who has no privilege"),
        _ => (State::Fine, "not forbidden by sysctl"),
    };
    let mend = "sysctl kernel.io_uring_disabled=0; epoll is used meanwhile";
    Finding { what: "io_uring", state, found: found.to_owned(), mend }
}

/// The soft limit of that name: what stands after it.
fn limit(proc: &Path, what: &'static str, enough: u64, mend: &'static str) -> Finding {
    let limits = fs::read_to_string(proc.join("self/limits")).unwrap_or_default();
    let soft = limits.lines().find_map(|line| line.strip_prefix(what)?.split_whitespace().next());
    let is_enough =
        soft.is_some_and(|soft| soft == "unlimited" || soft.parse().is_ok_and(|soft: u64| soft >= enough));
    let state = if is_enough { State::Fine } else { State::Poor };
    Finding { what, state, found: soft.unwrap_or("unknown").to_owned(), mend }
}

fn buffer(proc: &Path, name: &str, what: &'static str) -> Finding {
    let text = fs::read_to_string(proc.join("sys/net/core").join(name)).unwrap_or_default();
    let is_enough = text.trim().parse().is_ok_and(|bytes: u64| bytes >= SOCKET_BYTES);
    let state = if is_enough { State::Fine } else { State::Poor };
    let found =
        if text.is_empty() { "unknown: another namespace's".to_owned() } else { text.trim().to_owned() };
    Finding { what, state, found, mend: "sysctl of 4194304 or more, for bursts of large rooms" }
}

fn api_port(config: &Config) -> Finding {
    let listen = config.server.listen;
    let (state, found) = match TcpListener::bind(listen) {
        Ok(_) => (State::Fine, format!("{listen} is free")),
        Err(cause) => (State::Broken, format!("{listen}: {cause}")),
    };
    Finding { what: "control API", state, found, mend: "end who has it, or set server.listen" }
}

/// Where there is a certificate: whether it is of use.
fn tls(config: &Config) -> Option<Finding> {
    let (state, found) = match config.tls() {
        Ok(None) => return None,
        Ok(Some(_)) => (State::Fine, "the certificate and its key belong together".to_owned()),
        Err(error) => (State::Broken, error.to_string()),
    };
    Some(Finding {
        what: "TLS",
        state,
        found,
        mend: "set server.certificate and server.private_key to PEM files",
    })
}

/// Looks at the ends and in between: who has one port has most often the one beside it.
fn rtc_ports(config: &Config) -> Finding {
    let (min, max) = (config.rtc.port_min, config.rtc.port_max);
    let step = usize::from((max - min) / PORTS_TRIED).max(1);
    let tried: Vec<u16> = (min..=max).step_by(step).collect();
    let taken = tried.iter().filter(|port| UdpSocket::bind(("0.0.0.0", **port)).is_err()).count();
    let state = match taken {
        0 => State::Fine,
        some if some < tried.len() => State::Poor,
        _ => State::Broken,
    };
    let found = format!("{min} to {max}; {taken} of {} that were tried are taken", tried.len());
    Finding {
        what: "RTC ports",
        state,
        found,
        mend: "set rtc.port_min and rtc.port_max to ports that are free",
    }
}

/// The address that packets to others leave from. Nothing is sent to find out.
fn address() -> Finding {
    let away = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect(ELSEWHERE)?;
        socket.local_addr()
    });
    let what = "address";
    let mend = "clients elsewhere need the public one: give it as announcedAddress in listenInfos";
    match away.map(|address| address.ip()) {
        Ok(IpAddr::V4(ip)) if ip.is_private() || ip.is_loopback() || ip.is_link_local() => {
            Finding { what, state: State::Poor, found: format!("{ip}, which is private"), mend }
        }
        Ok(ip) => Finding { what, state: State::Fine, found: ip.to_string(), mend },
        Err(cause) => Finding { what, state: State::Poor, found: format!("no way out: {cause}"), mend },
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Finding { what, state, found, mend } in &self.0 {
            let word = match state {
                State::Fine => "fine",
                State::Poor => "poor",
                State::Broken => "broken",
            };
            writeln!(f, "{word:6} {what}: {found}")?;
            if *state != State::Fine {
                writeln!(f, "       {mend}")?;
            }
        }
        Ok(())
    }
}

const URING_KERNEL: (u32, u32) = (6, 1);
const EPOLL_KERNEL: (u32, u32) = (5, 0);
/// What a ring and its buffers take where the kernel charges them.
const LOCKED_BYTES: u64 = 8 * 1024 * 1024;
/// Thousands of transports, each with a socket.
const OPEN_FILES: u64 = 16_384;
const SOCKET_BYTES: u64 = 4 * 1024 * 1024;
const PORTS_TRIED: u16 = 16;
/// An address that is for examples and belongs to nobody (RFC 5737).
const ELSEWHERE: &str = "192.0.2.1:9";

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &str)]) -> std::path::PathBuf {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("shardcast-doctor-{}-{number}", std::process::id()));
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn kernels_are_told_apart() {
        for (release, state) in [
            ("6.18.0-amd64\n", State::Fine),
            ("6.1.0\n", State::Fine),
            ("5.15.0-91-generic\n", State::Poor),
            ("4.18.0\n", State::Broken),
        ] {
            let root = machine(&[("sys/kernel/osrelease", release)]);
            assert_eq!(kernel(&root).state, state, "{release}");
            fs::remove_dir_all(root).unwrap();
        }
    }

    #[test]
    fn limits_and_sysctls_are_read_and_what_is_little_is_said_to_be() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max open files            1024                 524288               files     \n\
                      Max locked memory         unlimited            unlimited            bytes     \n";
        let root = machine(&[
            ("self/limits", limits),
            ("sys/net/core/rmem_max", "212992\n"),
            ("sys/net/core/wmem_max", "4194304\n"),
            ("sys/kernel/io_uring_disabled", "2\n"),
        ]);
        assert_eq!(limit(&root, "Max open files", OPEN_FILES, "").state, State::Poor);
        assert_eq!(limit(&root, "Max locked memory", LOCKED_BYTES, "").state, State::Fine);
        assert_eq!(buffer(&root, "rmem_max", "").state, State::Poor);
        assert_eq!(buffer(&root, "wmem_max", "").state, State::Fine);
        assert_eq!(io_uring(&root).state, State::Poor);
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_port_that_is_taken_is_broken_and_said_with_what_to_do() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut config = Config::default();
        config.server.listen = taken.local_addr().unwrap();
        let report = Report(vec![api_port(&config)]);
        assert!(!report.is_fit());
        assert!(report.to_string().contains("end who has it, or set server.listen"), "{report}");
    }
}
