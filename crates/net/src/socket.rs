//! How a UDP socket is bound and set up.
//!
//! Policy that holds for every socket:
//! - it is non-blocking and close-on-exec;
//! - the kernel stamps what it receives (SO_TIMESTAMPNS), for jitter and feedback must not see the tick;
//! - path MTU discovery is on, with local fragmentation as the way out (IP_PMTUDISC_WANT): a datagram beyond the
//!   path's MTU still leaves, in fragments, and only a GSO run of them is refused (EMSGSIZE), which drivers handle;
//! - IP_RECVERR stays off: with it any ICMP error, which anybody can forge, fails a later send of an unconnected
//!   socket that all peers share. Connected sockets report ECONNREFUSED without it;
//! - nothing here chooses at random: where to start in a port range is an argument.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};

use socket2::{Domain, Protocol, SockAddr, Type};

use crate::addr::{Family, RawAddr};
use crate::sys;

/// A bound UDP socket, set up and not yet in any driver's hands.
// What every send looks at comes first.
#[derive(Debug)]
#[repr(C)]
pub struct Socket {
    pub(crate) inner: socket2::Socket,
    family: Family,
    gro: bool,
    peer: Option<SocketAddr>,
    local: SocketAddr,
    receive_buffer_bytes: usize,
    send_buffer_bytes: usize,
}

/// What to bind and how.
#[derive(Clone, Copy, Debug)]
pub struct SocketConfig {
    /// Local address; unspecified means all, and then each datagram says where it was sent to.
    pub ip: IpAddr,
    /// Local port or ports to try.
    pub ports: Ports,
    /// On an IPv6 socket: take no IPv4 peers.
    pub v6_only: bool,
    /// Who else may bind the same address and port.
    pub share: Share,
    /// Receive buffer to ask for, in bytes; the system's default where absent.
    pub receive_buffer_bytes: Option<usize>,
    /// Send buffer to ask for, in bytes; the system's default where absent.
    pub send_buffer_bytes: Option<usize>,
    /// Let the kernel coalesce trains of datagrams (UDP_GRO) where it can.
    pub gro: bool,
}

impl SocketConfig {
    /// A socket on `ip` and `ports` with everything else at its default.
    #[must_use]
    pub const fn new(ip: IpAddr, ports: Ports) -> Self {
        Self {
            ip,
            ports,
            v6_only: false,
            share: Share::Never,
            receive_buffer_bytes: None,
            send_buffer_bytes: None,
            gro: true,
        }
    }
}

/// Local ports to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// This one; 0 lets the kernel choose.
    Exact(u16),
    /// Any free one from `first` to `last`, both included.
    Range {
        /// Lowest port.
        first: u16,
        /// Highest port.
        last: u16,
        /// Where to start: this many ports after `first`, modulo the size of the range. All are tried from there
        /// on, around the end. Random or counting up, so that two owners of one range seldom collide.
        start: u16,
    },
}

/// Who else may bind the same address and port. Always by SO_REUSEPORT: unlike SO_REUSEADDR it lets in only
/// sockets of the same user, so nobody else can take our packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Share {
    /// Nobody.
    #[default]
    Never,
    /// Nobody who is there already, but later sockets with `Join`: the main socket of a port, whose peers may get
    /// connected sockets of their own. It fails on a port that is taken, which `Join` would not notice.
    Later,
    /// Whoever else shares.
    Join,
}

impl Socket {
    /// Binds and sets up a socket.
    ///
    /// # Errors
    /// Names the address, what was tried and the cause.
    pub fn bind(config: &SocketConfig) -> Result<Self, SocketError> {
        let family = Family::of(config.ip);
        let domain = match family {
            Family::V4 => Domain::IPV4,
            Family::V6 => Domain::IPV6,
        };
        let addr = SocketAddr::new(config.ip, config.ports.first());
        let inner = socket2::Socket::new(domain, Type::DGRAM.nonblocking().cloexec(), Some(Protocol::UDP))
            .map_err(|cause| SocketError::from_open(addr, cause))?;
        let mut socket = Self {
            inner,
            local: addr,
            peer: None,
            family,
            gro: false,
            receive_buffer_bytes: 0,
            send_buffer_bytes: 0,
        };
        socket.set_up(config).map_err(|cause| SocketError::Setup { addr, cause })?;
        socket.local = socket.bind_ports(config.ip, config.ports)?;
        if config.share == Share::Later {
            let addr = socket.local;
            socket.inner.set_reuse_port(true).map_err(|cause| SocketError::Setup { addr, cause })?;
        }
        Ok(socket)
    }

    /// The address it is bound to.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The peer it is connected to.
    #[must_use]
    pub const fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Whether the kernel coalesces what this socket receives.
    #[must_use]
    pub const fn gro(&self) -> bool {
        self.gro
    }

    /// Receive buffer that the kernel granted, in its own accounting (about twice the payload it holds).
    #[must_use]
    pub const fn receive_buffer_bytes(&self) -> usize {
        self.receive_buffer_bytes
    }

    /// Send buffer that the kernel granted, in its own accounting.
    #[must_use]
    pub const fn send_buffer_bytes(&self) -> usize {
        self.send_buffer_bytes
    }

    /// Connects to the only peer, or with `None` undoes that. What arrived from others before is still delivered.
    ///
    /// # Errors
    /// What the kernel says; the socket stays as it was. Unsupported: an IPv6 socket may change its peer for
    /// another of the same family but not lose it, because Linux goes on hearing only the old peer's address
    /// after it has undone the rest.
    pub fn connect(&mut self, peer: Option<SocketAddr>) -> io::Result<()> {
        let raw = match (peer, self.family) {
            (Some(addr), family) => RawAddr::encode(addr, family)
                .ok_or_else(|| io::Error::from_raw_os_error(libc::EAFNOSUPPORT))?,
            (None, _) if self.peer.is_none() => return Ok(()),
            (None, Family::V4) => RawAddr::EMPTY,
            (None, Family::V6) => return Err(io::Error::new(io::ErrorKind::Unsupported, KEEPS_PEER)),
        };
        sys::connect(self.inner.as_fd(), &raw)?;
        self.peer = peer;
        Ok(())
    }

    pub(crate) const fn family(&self) -> Family {
        self.family
    }

    /// Everything that must be set before the first datagram can arrive.
    fn set_up(&mut self, config: &SocketConfig) -> io::Result<()> {
        let fd = self.inner.as_fd();
        let wildcard = config.ip.is_unspecified();
        match self.family {
            Family::V4 => {
                sys::set_option(fd, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_WANT)?;
                sys::set_option(fd, libc::IPPROTO_IP, libc::IP_PKTINFO, i32::from(wildcard))?;
            }
            Family::V6 => {
                self.inner.set_only_v6(config.v6_only)?;
                sys::set_option(fd, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_WANT)?;
                sys::set_option(fd, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, i32::from(wildcard))?;
            }
        }
        sys::set_option(fd, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)?;
        // A kernel before 5.0 has no UDP_GRO; everything works without it.
        let gro = config.gro && sys::set_option(fd, libc::SOL_UDP, libc::UDP_GRO, 1).is_ok();
        if let Some(bytes) = config.receive_buffer_bytes {
            self.inner.set_recv_buffer_size(bytes)?;
        }
        if let Some(bytes) = config.send_buffer_bytes {
            self.inner.set_send_buffer_size(bytes)?;
        }
        if config.share == Share::Join {
            self.inner.set_reuse_port(true)?;
        }
        self.gro = gro;
        self.receive_buffer_bytes = self.inner.recv_buffer_size()?;
        self.send_buffer_bytes = self.inner.send_buffer_size()?;
        Ok(())
    }

    fn bind_ports(&self, ip: IpAddr, ports: Ports) -> Result<SocketAddr, SocketError> {
        match ports {
            Ports::Exact(0) => self.bind_any_port(ip),
            Ports::Exact(port) => {
                let addr = SocketAddr::new(ip, port);
                self.bind_one(addr).map_err(|cause| SocketError::from_bind(addr, cause))
            }
            Ports::Range { first, last, start } => self.bind_range(ip, first, last, start),
        }
    }

    fn bind_range(&self, ip: IpAddr, first: u16, last: u16, start: u16) -> Result<SocketAddr, SocketError> {
        if first == 0 || last < first {
            return Err(SocketError::BadRange { ip, first, last });
        }
        let count = u32::from(last - first) + 1;
        let mut refused = None;
        for step in 0..count {
            let offset = (u32::from(start) + step) % count;
            let port = u16::try_from(u32::from(first) + offset).unwrap_or(last);
            let addr = SocketAddr::new(ip, port);
            match self.bind_one(addr) {
                Ok(local) => return Ok(local),
                // Another port of the range may be free, and above the privileged ones.
                Err(cause) if matches!(cause.raw_os_error(), Some(libc::EADDRINUSE | libc::EACCES)) => {
                    refused = Some(cause);
                }
                Err(cause) => return Err(SocketError::from_bind(addr, cause)),
            }
        }
        let cause = refused.unwrap_or_else(|| io::Error::from_raw_os_error(libc::EADDRINUSE));
        Err(SocketError::RangeTaken { ip, first, last, cause })
    }

    /// Lets the kernel choose a port, then binds it by name: a socket whose port was implicit loses it when it is
    /// disconnected (the kernel then lacks SOCK_BINDPORT_LOCK).
    fn bind_any_port(&self, ip: IpAddr) -> Result<SocketAddr, SocketError> {
        let any = SocketAddr::new(ip, 0);
        let mut last = io::Error::from_raw_os_error(libc::EADDRINUSE);
        for _ in 0..ANY_PORT_ATTEMPTS {
            let chosen = choose_port(any).map_err(|cause| SocketError::from_bind(any, cause))?;
            match self.bind_one(chosen) {
                Ok(local) => return Ok(local),
                Err(cause) => last = cause,
            }
        }
        Err(SocketError::from_bind(any, last))
    }

    fn bind_one(&self, addr: SocketAddr) -> io::Result<SocketAddr> {
        self.inner.bind(&SockAddr::from(addr))?;
        self.inner.local_addr()?.as_socket().ok_or_else(|| io::Error::from_raw_os_error(libc::EAFNOSUPPORT))
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

impl Ports {
    const fn first(self) -> u16 {
        match self {
            Self::Exact(port) | Self::Range { first: port, .. } => port,
        }
    }
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Misuse: not a range of ports.
    #[error(
        "UDP ports {first} to {last} on {ip} are no range: the first must be at least 1 and at most the last"
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
    #[error("UDP port {} on {} is taken: {cause}", .addr.port(), .addr.ip())]
    PortTaken {
        /// Local address.
        addr: SocketAddr,
        /// What the kernel says.
        #[source]
        cause: io::Error,
    },
    /// Exhausted: every port of the range was tried.
    #[error("no free UDP port on {ip} from {first} to {last}: {cause}")]
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
    #[error("{} is not an address of this machine, UDP port {} cannot be bound there: {cause}", .addr.ip(), .addr.port())]
    AddressUnavailable {
        /// Local address.
        addr: SocketAddr,
        /// What the kernel says.
        #[source]
        cause: io::Error,
    },
    /// Exhausted: the process or the system has no file descriptor left.
    #[error("no file descriptor left for a UDP socket on {addr} (see `ulimit -n`): {cause}")]
    NoDescriptors {
        /// Local address.
        addr: SocketAddr,
        /// What the kernel says.
        #[source]
        cause: io::Error,
    },
    /// Unsupported: the kernel refuses to open or bind it for another reason.
    #[error("cannot bind UDP {addr}: {cause}")]
    Bind {
        /// Local address.
        addr: SocketAddr,
        /// What the kernel says.
        #[source]
        cause: io::Error,
    },
    /// Unsupported: the kernel refuses an option.
    #[error("cannot set up the UDP socket on {addr}: {cause}")]
    Setup {
        /// Local address.
        addr: SocketAddr,
        /// What the kernel says.
        #[source]
        cause: io::Error,
    },
}

impl SocketError {
    fn from_open(addr: SocketAddr, cause: io::Error) -> Self {
        match cause.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE) => Self::NoDescriptors { addr, cause },
            _ => Self::Bind { addr, cause },
        }
    }

    fn from_bind(addr: SocketAddr, cause: io::Error) -> Self {
        match cause.raw_os_error() {
            Some(libc::EADDRINUSE) => Self::PortTaken { addr, cause },
            Some(libc::EADDRNOTAVAIL) => Self::AddressUnavailable { addr, cause },
            Some(libc::EMFILE | libc::ENFILE) => Self::NoDescriptors { addr, cause },
            _ => Self::Bind { addr, cause },
        }
    }
}

/// A port that the kernel considers free on `any`'s address.
fn choose_port(any: SocketAddr) -> io::Result<SocketAddr> {
    let probe = socket2::Socket::new(Domain::for_address(any), Type::DGRAM.cloexec(), Some(Protocol::UDP))?;
    probe.bind(&SockAddr::from(any))?;
    probe.local_addr()?.as_socket().ok_or_else(|| io::Error::from_raw_os_error(libc::EAFNOSUPPORT))
}

const KEEPS_PEER: &str = "an IPv6 socket cannot be disconnected: bind another one";
/// Somebody may take the port between choosing and binding it, seldom once and never this often.
const ANY_PORT_ATTEMPTS: u32 = 16;

#[cfg(test)]
mod tests;
