//! What systemd is told, where it wants to know: that the server is ready, that it lives, and that it ends.
//!
//! The protocol is that of sd_notify(3): lines of text in a datagram to the socket that a variable names.

use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// Whoever supervises this process.
#[derive(Debug)]
pub(super) struct Supervisor {
    to: Option<(UnixDatagram, SocketAddr)>,
    /// How often it wants to hear that we live.
    pub(super) every: Option<Duration>,
}

impl Supervisor {
    /// The one that the environment names, if it does.
    pub(super) fn of_this_process() -> Self {
        let every = std::env::var("WATCHDOG_USEC").ok().and_then(|usec| every(&usec));
        let to = std::env::var_os("NOTIFY_SOCKET").and_then(|name| Self::reach(name).ok());
        Self { to, every }
    }

    fn reach(name: OsString) -> io::Result<(UnixDatagram, SocketAddr)> {
        let bytes = name.as_bytes();
        let address = match bytes.strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(OsString::from_vec(bytes.to_vec()))?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok((socket, address))
    }

    /// Whether it hears is its affair.
    pub(super) fn tell(&self, what: &str) {
        if let Some((socket, address)) = &self.to {
            let _ = socket.send_to_addr(what.as_bytes(), address);
        }
    }
}

/// Twice in the time that it waits. 0 is no time (sd_watchdog_enabled(3)), and what is too short for anybody is not kept.
fn every(usec: &str) -> Option<Duration> {
    let usec = usec.parse().ok().filter(|usec| *usec > 0)?;
    Some((Duration::from_micros(usec) / 2).max(SHORTEST))
}

/// Control answers within that.
const SHORTEST: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_supervisor_hears_twice_in_its_time_whatever_it_says_that_is() {
        for (usec, millis) in [("30000000", 15_000), ("200000", 100), ("1", 1)] {
            assert_eq!(every(usec), Some(Duration::from_millis(millis)), "{usec}");
        }
        for none in ["0", "", "-1", "soon", "99999999999999999999"] {
            assert_eq!(every(none), None, "{none:?}");
        }
    }

    #[test]
    fn what_is_told_arrives_at_a_path_and_at_an_abstract_name() {
        let path = std::env::temp_dir().join(format!("shardcast-notify-{}", std::process::id()));
        let by_path = UnixDatagram::bind(&path).unwrap();
        let name = format!("shardcast-notify-{}", std::process::id());
        let abstractly = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        for (socket, named) in
            [(by_path, path.clone().into_os_string()), (abstractly, format!("@{name}").into())]
        {
            let supervisor = Supervisor { to: Some(Supervisor::reach(named).unwrap()), every: None };
            supervisor.tell("READY=1");
            let mut heard = [0; 16];
            let len = socket.recv(&mut heard).unwrap();
            assert_eq!(&heard[..len], b"READY=1");
        }
        std::fs::remove_file(path).unwrap();
    }
}
