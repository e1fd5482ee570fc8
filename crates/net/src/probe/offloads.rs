//! What the network stack does for us: cutting runs (GSO) and joining trains (GRO).

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;

use socket2::{Domain, Protocol, SockAddr, Type};

use super::Decision;
use crate::driver::MAX_RUN_SEGMENTS;
use crate::sys;

/// UDP offloads of this kernel. A device may still lack one; drivers find that out per socket and path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offloads {
    /// Whether a run of datagrams may be sent as one (UDP_SEGMENT, Linux 4.18).
    pub gso: bool,
    /// Whether trains of datagrams arrive as one (UDP_GRO, Linux 5.0).
    pub gro: bool,
    /// Most datagrams in a run: 64, or 128 on newer kernels; 1 without GSO.
    pub run_segments: usize,
}

/// Finds out, with a line for each.
pub(super) fn probe() -> (Offloads, Vec<Decision>) {
    let segments = run_segments();
    let gro = option_is_known(libc::UDP_GRO);
    let offloads = Offloads {
        gso: segments.is_ok(),
        gro: gro.is_ok(),
        run_segments: segments.as_ref().map_or(1, |&n| n),
    };
    let gso = match segments {
        Ok(segments) => decision("UDP GSO", true, format!("the kernel takes runs of {segments} datagrams")),
        Err(error) => decision("UDP GSO", false, format!("the kernel takes no runs: {error}")),
    };
    let gro = match gro {
        Ok(()) => decision("UDP GRO", true, String::from("the kernel knows it")),
        Err(error) => decision("UDP GRO", false, format!("the kernel does not know it: {error}")),
    };
    (offloads, vec![gso, gro])
}

/// The longest run that the kernel takes, by sending one to ourselves.
fn run_segments() -> io::Result<usize> {
    option_is_known(libc::UDP_SEGMENT)?;
    let socket = open()?;
    socket.bind(&SockAddr::from(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))?;
    socket.connect(&socket.local_addr()?)?;
    sys::set_option(socket.as_fd(), libc::SOL_UDP, libc::UDP_SEGMENT, 1)?;
    let run = [0; 2 * MAX_RUN_SEGMENTS];
    // Too many segments are EINVAL; anything else tells nothing about the number.
    match socket.send(&run) {
        Ok(_) => Ok(run.len()),
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
            let half = run.get(..MAX_RUN_SEGMENTS).unwrap_or(&run);
            socket.send(half)
        }
        Err(error) => Err(error),
    }
}

fn option_is_known(name: i32) -> io::Result<()> {
    sys::set_option(open()?.as_fd(), libc::SOL_UDP, name, 1)
}

fn open() -> io::Result<socket2::Socket> {
    socket2::Socket::new(Domain::IPV4, Type::DGRAM.nonblocking().cloexec(), Some(Protocol::UDP))
}

fn decision(what: &'static str, on: bool, because: String) -> Decision {
    Decision { what, chosen: if on { "on" } else { "off" }, because }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_offload_has_its_line() {
        let (offloads, decisions) = probe();
        let lines: Vec<String> = decisions.iter().map(ToString::to_string).collect();
        let word = |on: bool| if on { "on" } else { "off" };
        assert!(lines[0].starts_with(&format!("UDP GSO: {}, because ", word(offloads.gso))), "{lines:?}");
        assert!(lines[1].starts_with(&format!("UDP GRO: {}, because ", word(offloads.gro))), "{lines:?}");
        let expected: &[usize] = if offloads.gso { &[64, 128] } else { &[1] };
        assert!(expected.contains(&offloads.run_segments), "{offloads:?}");
    }
}
