//! The listeners and connections of one driver: the calls that are the same whoever watches them.

use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::{Accepted, Detached, Farewell, Transfer};
use crate::driver::{DriverCounters, SocketKey};
use crate::listener::Listener;
use crate::table::SocketTable;

/// TCP sockets, with what a driver keeps for each to watch it. Keys begin where those of datagram sockets end.
#[derive(Debug)]
pub(crate) struct Streams<W> {
    table: SocketTable<Entry<W>>,
    first: u32,
    capacity: u32,
    /// Those that may have something, each once.
    ready: VecDeque<SocketKey>,
}

#[derive(Debug)]
struct Entry<W> {
    stream: Stream,
    /// Whether it stands in `ready`.
    queued: bool,
    watch: W,
}

#[derive(Debug)]
enum Stream {
    Listener(Listener),
    Connection(socket2::Socket),
}

impl<W: Default> Streams<W> {
    /// Room for `capacity`, which is taken when the first one comes: most shards have none.
    pub(crate) fn new(first: u32, capacity: u32) -> Self {
        Self { table: SocketTable::starting_at(first, 0), first, capacity, ready: VecDeque::new() }
    }

    /// Whether a key is of this table, rather than of the one of datagram sockets.
    #[inline]
    pub(crate) const fn has(&self, key: SocketKey) -> bool {
        key.index >= self.first
    }

    /// Takes over a listener.
    pub(crate) fn listen(&mut self, listener: Listener) -> io::Result<SocketKey> {
        if self.ready.capacity() == 0 {
            self.table = SocketTable::starting_at(self.first, self.capacity);
            self.ready.reserve_exact(self.capacity as usize);
        }
        let full = |_| io::Error::new(io::ErrorKind::QuotaExceeded, TABLE_FULL);
        self.insert(Stream::Listener(listener)).map_err(full)
    }

    /// Accepts a connection.
    pub(crate) fn accept(&mut self, listener: SocketKey, counters: &mut DriverCounters) -> Accepted {
        for _ in 0..MOST_FAULTS {
            let Some(Entry { stream: Stream::Listener(Listener { inner, .. }), .. }) =
                self.table.get(listener)
            else {
                return Accepted::Nobody;
            };
            counters.syscalls += 1;
            let (socket, from) = match inner.accept() {
                Ok((socket, from)) => (socket, from.as_socket()),
                Err(error) => match error.raw_os_error() {
                    Some(libc::EAGAIN) => return Accepted::Nobody,
                    Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM) => break,
                    // Somebody who is gone already, or a network error that was theirs: accept(2) says to go on.
                    _ => {
                        counters.receive_errors += 1;
                        continue;
                    }
                },
            };
            counters.syscalls += 1;
            let Some(from) = from.filter(|_| socket.set_nonblocking(true).is_ok()) else {
                counters.receive_errors += 1;
                continue;
            };
            return match self.insert(Stream::Connection(socket)) {
                Ok(key) => Accepted::Connection { key, from: canonical(from) },
                Err(Stream::Connection(socket)) => {
                    forget_what_is_unsent(&socket);
                    Accepted::TurnedAway
                }
                Err(Stream::Listener(_)) => Accepted::Nobody,
            };
        }
        Accepted::Exhausted
    }

    /// A second handle on a connection, by which it lives on when this one is closed.
    pub(crate) fn duplicate(&self, key: SocketKey, counters: &mut DriverCounters) -> io::Result<Detached> {
        let gone = || io::Error::from(io::ErrorKind::NotConnected);
        let socket = self.connection(key).ok_or_else(gone)?;
        counters.syscalls += 2;
        let from = socket.peer_addr()?.as_socket().map(canonical).ok_or_else(gone)?;
        Ok(Detached { socket: socket.try_clone()?, from })
    }

    /// Takes up a connection that another driver has let go of.
    pub(crate) fn adopt(&mut self, detached: Detached) -> io::Result<SocketKey> {
        self.insert(Stream::Connection(detached.socket)).map_err(|stream| {
            if let Stream::Connection(socket) = stream {
                forget_what_is_unsent(&socket);
            }
            io::Error::new(io::ErrorKind::QuotaExceeded, TABLE_FULL)
        })
    }

    /// Reads what is there.
    pub(crate) fn read(&self, key: SocketKey, into: &mut [u8], counters: &mut DriverCounters) -> Transfer {
        let Some(mut socket) = self.connection(key) else { return Transfer::Ended };
        loop {
            counters.syscalls += 1;
            match socket.read(into) {
                Ok(0) => return Transfer::Ended,
                Ok(count) => {
                    counters.stream_received_bytes += count as u64;
                    return Transfer::Bytes(count);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::WouldBlock => return Transfer::Later,
                    _ => return Transfer::Ended,
                },
            }
        }
    }

    /// Writes what the connection takes.
    pub(crate) fn write(&self, key: SocketKey, bytes: &[u8], counters: &mut DriverCounters) -> Transfer {
        let Some(socket) = self.connection(key) else { return Transfer::Ended };
        loop {
            counters.syscalls += 1;
            match socket.send_with_flags(bytes, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) {
                Ok(0) => return Transfer::Later,
                Ok(count) => {
                    counters.stream_sent_bytes += count as u64;
                    return Transfer::Bytes(count);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::WouldBlock => return Transfer::Later,
                    _ => return Transfer::Ended,
                },
            }
        }
    }

    /// Begins to close one. What is to be waited for before it can be released, if the key names an open one.
    pub(crate) fn close(&mut self, key: SocketKey, farewell: Farewell) -> Option<&mut W> {
        let Self { table, ready, .. } = self;
        let entry = table.close(key)?;
        if entry.queued {
            ready.retain(|other| *other != key);
        }
        if let (Stream::Connection(socket), Farewell::Abrupt) = (&entry.stream, farewell) {
            forget_what_is_unsent(socket);
        }
        Some(&mut entry.watch)
    }

    /// Closes the descriptor of one that is being closed, and frees its place.
    pub(crate) fn release(&mut self, key: SocketKey) -> bool {
        self.table.release(key).is_some()
    }

    /// The watch of an open one, and what to watch.
    pub(crate) fn watch(&mut self, key: SocketKey) -> Option<(&mut W, BorrowedFd<'_>)> {
        let Entry { stream, watch, .. } = self.table.get_mut(key)?;
        let stream: &Stream = stream;
        Some((watch, stream.as_fd()))
    }

    /// The watch of one that is being closed.
    pub(crate) fn closing(&mut self, key: SocketKey) -> Option<&mut W> {
        self.table.closing_mut(key).map(|entry| &mut entry.watch)
    }

    /// The watches of all; for tearing down.
    pub(crate) fn watches(&mut self) -> impl Iterator<Item = &mut W> {
        self.table.iter_mut().map(|(_, entry)| &mut entry.watch)
    }

    /// Something happened to one.
    pub(crate) fn happened(&mut self, key: SocketKey) {
        if let Some(entry) = self.table.get_mut(key).filter(|entry| !entry.queued) {
            entry.queued = true;
            self.ready.push_back(key);
        }
    }

    /// The next one that something happened to.
    pub(crate) fn next_ready(&mut self) -> Option<SocketKey> {
        let key = self.ready.pop_front()?;
        if let Some(entry) = self.table.get_mut(key) {
            entry.queued = false;
        }
        Some(key)
    }

    pub(crate) fn any_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    fn insert(&mut self, stream: Stream) -> Result<SocketKey, Stream> {
        let entry = Entry { stream, queued: false, watch: W::default() };
        self.table.insert(entry).map_err(|entry| entry.stream)
    }

    fn connection(&self, key: SocketKey) -> Option<&socket2::Socket> {
        match self.table.get(key) {
            Some(Entry { stream: Stream::Connection(socket), .. }) => Some(socket),
            _ => None,
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Listener(listener) => listener.inner.as_fd(),
            Self::Connection(socket) => socket.as_fd(),
        }
    }
}

/// As everybody above the driver knows a peer: one of IPv4 by its IPv4 address, whatever the listener's family.
fn canonical(from: SocketAddr) -> SocketAddr {
    match from.ip() {
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(ip) => SocketAddr::from((ip, from.port())),
            None => from,
        },
        IpAddr::V4(_) => from,
    }
}

/// Closing resets the connection then, and leaves nothing in the kernel: neither unsent bytes nor TIME_WAIT.
fn forget_what_is_unsent(socket: &socket2::Socket) {
    // Where it fails the connection is broken already.
    let _ = socket.set_linger(Some(Duration::ZERO));
}

/// Who connected and was gone again that one call looks past; with more of them the others have their turn.
const MOST_FAULTS: u32 = 16;
const TABLE_FULL: &str = "the driver's table of TCP sockets is full";

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpStream};

    use super::*;
    use crate::socket::{Ports, SocketConfig};

    #[test]
    fn connections_inherit_what_their_listener_was_set_to() {
        let config = SocketConfig::new(IpAddr::V4(Ipv4Addr::LOCALHOST), Ports::Exact(0));
        let listener = Listener::bind(&config).unwrap();
        let _peer = TcpStream::connect(listener.local_addr()).unwrap();
        let mut streams = Streams::<()>::new(10, 4);
        let listener = streams.listen(listener).unwrap();
        let Accepted::Connection { key, .. } = streams.accept(listener, &mut DriverCounters::default())
        else {
            panic!("nobody there")
        };
        assert_eq!((listener.index(), key.index()), (10, 11));
        assert!(streams.has(key) && !streams.has(SocketKey::new(9, 1)));
        let socket = streams.connection(key).unwrap();
        assert!(
            socket.tcp_nodelay().unwrap() && !socket.keepalive().unwrap() && socket.nonblocking().unwrap()
        );
        assert_eq!(socket.tcp_notsent_lowat().unwrap(), 128 * 1024);
    }
}
