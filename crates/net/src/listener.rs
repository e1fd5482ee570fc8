//! A TCP port that is bound and listened on.
//!
//! Whoever connects waits in the kernel's backlog until a driver has the listener and accepts. Before that its port is
//! free as soon as it is dropped.
//!
//! What connections inherit from it (Linux copies the listener's options):
//! - they send at once what is written (TCP_NODELAY): frames are written by the run, and media does not wait;
//! - the kernel takes no more than `UNSENT_BYTES` beyond what is under way (TCP_NOTSENT_LOWAT): what a slow peer has
//!   not got waits where it can still be dropped by whole frames;
//! - no keepalive: consent ends a connection whose peer is gone.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;

use socket2::{Domain, Protocol, SockAddr, Type};

use crate::socket::{Ports, Share, SocketConfig};
use crate::sys;

/// A listening TCP socket.
#[derive(Debug)]
pub struct Listener {
    pub(crate) inner: socket2::Socket,
    local: SocketAddr,
}

impl Listener {
    /// Binds and listens. A port of a range counts as free only if both succeed. Of listeners that share a port each
    /// accepts who the kernel's hash of the addresses says. `gro` means nothing here.
    ///
    /// # Errors
    /// Names the address, what was tried and the cause.
    pub fn bind(config: &SocketConfig) -> Result<Self, ListenError> {
        match config.ports {
            Ports::Exact(port) => {
                let addr = SocketAddr::new(config.ip, port);
                listen(config, addr).map_err(|cause| ListenError::of(addr, cause))
            }
            Ports::Range { first, last, start } => bind_range(config, (first, last), start),
        }
    }

    /// The address it is bound to.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local
    }
}

/// Why nobody listens.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Misuse: not a range of ports.
    #[error(
        "TCP ports {first} to {last} on {ip} are no range: the first must be at least 1 and at most the last"
    )]
    BadRange {
        /// Local address.
        ip: IpAddr,
        /// Lowest port.
        first: u16,
        /// Highest port.
        last: u16,
    },
    /// Exhausted: somebody else has the port.
    #[error("TCP port {} on {} is taken: {cause}", .addr.port(), .addr.ip())]
    PortTaken {
        /// Local address.
        addr: SocketAddr,
        /// What the kernel says.
        #[source]
        cause: io::Error,
    },
    /// Exhausted: every port of the range was tried.
    #[error("no free TCP port on {ip} from {first} to {last}: {cause}")]
    RangeTaken {
        /// Local address.
        ip: IpAddr,
        /// Lowest port.
        first: u16,
        /// Highest port.
        last: u16,
        /// What the kernel said of the last port tried.
        #[source]
        cause: io::Error,
    },
    /// Misuse: the address belongs to no interface of this machine (or container).
    #[error("{} is not an address of this machine, TCP port {} cannot be bound there: {cause}", .addr.ip(), .addr.port())]
    AddressUnavailable {
        /// Local address.
        addr: SocketAddr,
        /// What the kernel says.
        #[source]
        cause: io::Error,
    },
    /// Exhausted: the process or the system has no file descriptor left.
    #[error("no file descriptor left for a TCP socket on {addr} (see `ulimit -n`): {cause}")]
    NoDescriptors {
        /// Local address.
        addr: SocketAddr,
        /// What the kernel says.
        #[source]
        cause: io::Error,
    },
    /// Unsupported: the kernel refuses for another reason.
    #[error("cannot listen on TCP {addr}: {cause}")]
    Listen {
        /// Local address.
        addr: SocketAddr,
        /// What the kernel says.
        #[source]
        cause: io::Error,
    },
}

impl ListenError {
    fn of(addr: SocketAddr, cause: io::Error) -> Self {
        match cause.raw_os_error() {
            Some(libc::EADDRINUSE) => Self::PortTaken { addr, cause },
            Some(libc::EADDRNOTAVAIL) => Self::AddressUnavailable { addr, cause },
            Some(libc::EMFILE | libc::ENFILE) => Self::NoDescriptors { addr, cause },
            _ => Self::Listen { addr, cause },
        }
    }
}

fn bind_range(config: &SocketConfig, (first, last): (u16, u16), start: u16) -> Result<Listener, ListenError> {
    let ip = config.ip;
    if first == 0 || last < first {
        return Err(ListenError::BadRange { ip, first, last });
    }
    let count = u32::from(last - first) + 1;
    let mut refused = None;
    for step in 0..count {
        let offset = (u32::from(start) + step) % count;
        let port = u16::try_from(u32::from(first) + offset).unwrap_or(last);
        let addr = SocketAddr::new(ip, port);
        match listen(config, addr) {
            Ok(listener) => return Ok(listener),
            // Another port of the range may be free, and above the privileged ones.
            Err(cause) if matches!(cause.raw_os_error(), Some(libc::EADDRINUSE | libc::EACCES)) => {
                refused = Some(cause);
            }
            Err(cause) => return Err(ListenError::of(addr, cause)),
        }
    }
    let cause = refused.unwrap_or_else(|| io::Error::from_raw_os_error(libc::EADDRINUSE));
    Err(ListenError::RangeTaken { ip, first, last, cause })
}

/// A socket of its own for each attempt: one that was bound and could not listen keeps its port.
fn listen(config: &SocketConfig, addr: SocketAddr) -> io::Result<Listener> {
    let inner = socket2::Socket::new(
        Domain::for_address(addr),
        Type::STREAM.nonblocking().cloexec(),
        Some(Protocol::TCP),
    )?;
    // Past connections must not keep the port; a listener still does.
    inner.set_reuse_address(true)?;
    if addr.is_ipv6() {
        inner.set_only_v6(config.v6_only)?;
    }
    if let Some(bytes) = config.receive_buffer_bytes {
        inner.set_recv_buffer_size(bytes)?;
    }
    if let Some(bytes) = config.send_buffer_bytes {
        inner.set_send_buffer_size(bytes)?;
    }
    if config.share == Share::Join {
        inner.set_reuse_port(true)?;
    }
    inner.set_tcp_nodelay(true)?;
    sys::set_option(inner.as_fd(), libc::IPPROTO_TCP, libc::TCP_NOTSENT_LOWAT, UNSENT_BYTES)?;
    inner.bind(&SockAddr::from(addr))?;
    inner.listen(BACKLOG)?;
    if config.share == Share::Later {
        inner.set_reuse_port(true)?;
    }
    let local = inner.local_addr()?.as_socket();
    let local = local.ok_or_else(|| io::Error::from_raw_os_error(libc::EAFNOSUPPORT))?;
    Ok(Listener { inner, local })
}

/// As many as join a room at once; the kernel caps it at its own `somaxconn`.
const BACKLOG: i32 = 256;
/// A quarter of a second at 4 Mbit/s: enough that the link never runs dry between two ticks.
const UNSENT_BYTES: i32 = 128 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr, TcpStream};

    fn config(ports: Ports) -> SocketConfig {
        SocketConfig::new(IpAddr::V4(Ipv4Addr::LOCALHOST), ports)
    }

    #[test]
    fn a_peer_can_connect_and_the_port_is_free_once_it_is_dropped() {
        for ip in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
            let listener = Listener::bind(&SocketConfig::new(ip, Ports::Exact(0))).unwrap();
            let addr = listener.local_addr();
            let _peer = TcpStream::connect(addr).unwrap();
            let again = SocketConfig::new(ip, Ports::Exact(addr.port()));
            let taken = Listener::bind(&again).unwrap_err().to_string();
            let expected = format!("TCP port {} on {ip} is taken: ", addr.port());
            assert!(taken.starts_with(&expected), "{taken}");
            drop(listener);
            assert_eq!(Listener::bind(&again).unwrap().local_addr(), addr);
        }
    }

    #[test]
    fn a_port_is_shared_with_those_who_join_and_never_with_who_is_there_already() {
        let shared = |port, share| SocketConfig { share, ..config(Ports::Exact(port)) };
        let first = Listener::bind(&shared(0, Share::Later)).unwrap();
        let port = first.local_addr().port();
        assert!(Listener::bind(&shared(port, Share::Later)).is_err(), "it is taken");
        assert!(Listener::bind(&shared(port, Share::Never)).is_err());
        let second = Listener::bind(&shared(port, Share::Join)).unwrap();
        // Both are asked: who connects comes to one or the other.
        first.inner.set_nonblocking(true).unwrap();
        let mut peers = Vec::new();
        let mut accepted = [0; 2];
        while accepted.contains(&0) {
            peers.push(TcpStream::connect(first.local_addr()).unwrap());
            assert!(peers.len() < 200, "{accepted:?}");
            for (listener, count) in [&first, &second].into_iter().zip(&mut accepted) {
                *count += usize::from(listener.inner.accept().is_ok());
            }
        }
        drop(first);
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok(), "the other one listens on");
    }

    #[test]
    fn a_range_is_walked_from_its_start_and_around() {
        let mut held = Vec::new();
        // Two neighbouring ports that nobody has, as far as anybody can know.
        let (first, last) = loop {
            let listener = Listener::bind(&config(Ports::Exact(0))).unwrap();
            let port = listener.local_addr().port();
            let next = Listener::bind(&config(Ports::Exact(port.saturating_add(1))));
            held.push(listener);
            if let (Ok(next), Some(listener)) = (next, held.pop()) {
                drop((next, listener));
                break (port, port + 1);
            }
        };
        let range = config(Ports::Range { first, last, start: 1 });
        let bound: Vec<_> = (0..2).map(|_| Listener::bind(&range).unwrap()).collect();
        assert_eq!([bound[0].local_addr().port(), bound[1].local_addr().port()], [last, first]);
        let taken = Listener::bind(&range).unwrap_err().to_string();
        assert!(
            taken.starts_with(&format!("no free TCP port on 127.0.0.1 from {first} to {last}: ")),
            "{taken}"
        );
    }

    #[test]
    fn an_address_of_somebody_else_is_named() {
        let elsewhere = SocketConfig::new(IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8)), Ports::Exact(0));
        let error = Listener::bind(&elsewhere).unwrap_err().to_string();
        assert!(error.starts_with("8.8.8.8 is not an address of this machine, TCP port 0 "), "{error}");
    }
}
