//! Processes of a run: this same program in another role, spoken to by one JSON line each way. None outlives
//! its parent: dropping one kills it, and the kernel does so when the parent dies in any other way.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A running role.
#[derive(Debug)]
pub(crate) struct Role {
    name: String,
    process: Child,
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
}

impl Role {
    /// Starts a role. `setup` reaches it as its only argument.
    pub(crate) fn start(name: &str, setup: &impl Serialize) -> io::Result<Self> {
        let setup = serde_json::to_string(setup)?;
        let mut process = Command::new(std::env::current_exe()?)
            .arg(format!("role-{name}"))
            .arg(setup)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let missing = || io::Error::other("a pipe to a child process is missing");
        let requests = process.stdin.take().ok_or_else(missing)?;
        let replies = BufReader::new(process.stdout.take().ok_or_else(missing)?);
        Ok(Self { name: name.to_owned(), process, requests, replies })
    }

    /// Sends a request.
    pub(crate) fn tell(&mut self, request: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        self.requests.write_all(&line).map_err(|error| self.gone(&error))
    }

    /// Waits for a reply.
    pub(crate) fn hear<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        let mut line = String::new();
        if self.replies.read_line(&mut line)? == 0 {
            return Err(self.gone(&io::Error::from(io::ErrorKind::UnexpectedEof)));
        }
        Ok(serde_json::from_str(&line)?)
    }

    /// Request and reply.
    pub(crate) fn ask<T: DeserializeOwned>(&mut self, request: &impl Serialize) -> io::Result<T> {
        self.tell(request)?;
        self.hear()
    }

    fn gone(&mut self, error: &io::Error) -> io::Error {
        let status =
            self.process.try_wait().ok().flatten().map_or(String::new(), |status| format!(" ({status})"));
        io::Error::other(format!(
            "the {} process ended{status}: {error}; its own words stand above",
            self.name
        ))
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        // Both fail only when it has ended already, which is what is wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The child's side: answers each request line until the parent goes away.
pub(crate) fn next_request<T: DeserializeOwned>() -> io::Result<Option<T>> {
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(serde_json::from_str(&line)?))
}

/// The child's side: one reply.
pub(crate) fn reply(value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}
