//! A worker process: started as the npm package starts one, and watched from outside.

use std::io;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use super::link::Link;
use super::subject::Subject;
use crate::os::{self, Cpu};

/// A running worker. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Worker {
    process: Child,
    link: Link,
    start_ns: u64,
}

impl Worker {
    /// Starts one, on a core where one is given, and waits until it runs.
    pub(crate) fn start(subject: &Subject, core: Option<usize>) -> io::Result<Self> {
        let (requests, their_requests) = UnixStream::pair()?;
        let (replies, their_replies) = UnixStream::pair()?;
        let mut command = Command::new(&subject.program);
        command
            .args(["--logLevel=error", "--rtcMinPort=10000", "--rtcMaxPort=31999"])
            .env("MEDIASOUP_VERSION", VERSION)
            .envs(subject.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        os::give_channel(&mut command, &their_requests.into(), &their_replies.into(), core)?;
        let before = os::monotonic_ns()?;
        let process = command.spawn().map_err(|error| {
            io::Error::new(error.kind(), format!("cannot start {}: {error}", subject.program.display()))
        })?;
        // It holds the worker's ends: while it lives, the end of the worker would not show.
        drop(command);
        let mut worker = Self { process, link: Link::new(requests, replies), start_ns: 0 };
        worker
            .link
            .wait_until_running(worker.pid())
            .map_err(|error| io::Error::other(format!("{}: {error}", subject.program.display())))?;
        worker.start_ns = os::monotonic_ns()? - before;
        Ok(worker)
    }

    pub(crate) fn link(&mut self) -> &mut Link {
        &mut self.link
    }

    /// From spawning it to its word that it runs.
    pub(crate) fn start_ns(&self) -> u64 {
        self.start_ns
    }

    /// What it has used with all its threads.
    pub(crate) fn cpu(&self) -> io::Result<Cpu> {
        os::cpu_of(self.pid())
    }

    /// Its resident memory.
    pub(crate) fn rss_kib(&self) -> io::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        kib.ok_or_else(|| io::Error::other("the worker has no memory: it ended"))
    }

    fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Both fail only when it has ended already, which is what is wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The version of the package whose channel we speak.
const VERSION: &str = "3.27.1";
