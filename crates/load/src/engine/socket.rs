//! A peer's UDP socket.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use mio::net::UdpSocket;
use socket2::SockRef;

/// What one attempt to receive gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    Datagram(usize),
    /// Nothing any more, for now.
    Nothing,
    /// An earlier datagram came to no one (ICMP). ICE will notice if that lasts.
    Unreachable,
}

/// A socket to one server, on a port of the kernel's choice, and its own address.
pub(super) fn open(remote: SocketAddr) -> io::Result<(UdpSocket, SocketAddr)> {
    let any = if remote.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = std::net::UdpSocket::bind(SocketAddr::new(any, 0))?;
    // A transport has one candidate that we use. Connected sockets are cheaper to send from.
    socket.connect(remote)?;
    socket.set_nonblocking(true)?;
    // The kernel gives what it may; what it drops is in the report.
    let _ = SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER);
    let local = socket.local_addr()?;
    Ok((UdpSocket::from_std(socket), local))
}

pub(super) fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> Arrival {
    match socket.recv(buffer) {
        Ok(len) => Arrival::Datagram(len),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Arrival::Unreachable,
        Err(error) if error.kind() == ErrorKind::Interrupted => Arrival::Unreachable,
        Err(_) => Arrival::Nothing,
    }
}

/// A key frame of a dozen publishers in the moment in which we are busy with others.
const RECEIVE_BUFFER: usize = 1 << 20;
