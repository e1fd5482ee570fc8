//! Peers of WebRTC transports that stay where they are: what is measured begins once the subjects are sure of that.

use std::collections::HashSet;
use std::time::Duration;
use std::{fs, io, thread};

use crate::child::Role;
use crate::far::{self, Tally};

/// Lets all peers ask, as they do all the time, until the sockets on `ports` are connected to them: ours are then, which
/// the kernel lists. What other programs do nobody knows; they have as long.
pub(super) fn settle(far: &mut Role, subjects: usize, ports: &[u16]) -> io::Result<()> {
    for _ in 0..PATIENCE_S {
        for subject in 1..=subjects {
            let Tally { .. } = far.ask(&far::Request::Check { subject })?;
        }
        thread::sleep(Duration::from_secs(1));
        let connected = connected_in(&fs::read_to_string("/proc/net/udp")?);
        // Without one of ours there is nothing to see.
        if !ports.is_empty() && ports.iter().all(|port| connected.contains(port)) {
            return Ok(());
        }
    }
    if ports.is_empty() {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::TimedOut,
        "sockets of WebRTC transports are not connected to their peers",
    ))
}

/// Local ports of the sockets that have a remote address.
fn connected_in(table: &str) -> HashSet<u16> {
    let port = |line: &str| {
        let mut fields = line.split_whitespace();
        let (local, remote) = (fields.nth(1)?, fields.next()?);
        let is_connected = !remote.ends_with(":0000");
        u16::from_str_radix(local.rsplit(':').next()?, 16).ok().filter(|_| is_connected)
    };
    table.lines().skip(1).filter_map(port).collect()
}

/// Several times the ten seconds that a peer has to stay where it is.
const PATIENCE_S: u32 = 30;

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    #[test]
    fn the_kernel_lists_who_is_connected() {
        let [one, other] = [0, 1].map(|_| UdpSocket::bind("127.0.0.1:0").unwrap());
        one.connect(other.local_addr().unwrap()).unwrap();
        let connected = connected_in(&fs::read_to_string("/proc/net/udp").unwrap());
        let port = |socket: &UdpSocket| socket.local_addr().unwrap().port();
        assert!(connected.contains(&port(&one)) && !connected.contains(&port(&other)));
    }
}
