//! All peers: each has an address of its own on loopback and the same port. One socket speaks for them all.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use net::epoll::{EpollConfig, EpollDriver};
use net::{Driver, Ports, Socket, SocketConfig, SocketKey, Transmit, Wait};
use wire::stun::{Builder, TransactionId};

use super::SHARDS;
use super::way::FIRST_DIGIT;
use crate::case::u64_of;

/// Those who call.
#[derive(Debug)]
pub(super) struct Callers {
    driver: EpollDriver,
    socket: SocketKey,
    port: u16,
    count: usize,
    /// Who is next.
    next: usize,
}

/// What they say.
#[derive(Clone, Copy, Debug)]
pub(super) enum Said {
    /// So many packets in a train.
    Media(usize),
    /// A Binding request with the name of a transport, from an address that nobody knows.
    First,
    /// Something like RTP from an address that nobody knows.
    Garbage,
    /// A Binding request with a name that nobody has, from an address that nobody knows.
    Forged,
}

impl Callers {
    pub(super) fn new(count: usize) -> io::Result<Self> {
        let config = SocketConfig {
            send_buffer_bytes: Some(SEND_BUFFER_BYTES),
            ..SocketConfig::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), Ports::Exact(0))
        };
        let mut driver = EpollDriver::new(EpollConfig { sockets: 1, gso: true })?;
        let socket = Socket::bind(&config).map_err(io::Error::other)?;
        let port = socket.local_addr().port();
        let socket = driver.add(socket)?;
        Ok(Self { driver, socket, port, count, next: 0 })
    }

    /// Where each is, and the shard of its transport: those who come one after the other go to one shard after the
    /// other.
    pub(super) fn addresses(&self) -> Vec<(SocketAddr, usize)> {
        let of = |number| (SocketAddr::new(address(KNOWN, number), self.port), number % SHARDS);
        (0..self.count).map(of).collect()
    }

    /// Says so many datagrams, caller after caller. Returns how many there were.
    pub(super) fn say(&mut self, ports: &[u16], said: Said, datagrams: usize) -> u64 {
        let burst = if let Said::Media(burst) = said { burst } else { 1 };
        let mut sent = 0;
        while sent < datagrams {
            // A step that has no divisor in common with their number: all have their turn, neighbours far apart.
            self.next = (self.next + STEP) % self.count;
            let number = self.next;
            let mut bytes = [0x5A; PACKET_BYTES];
            let (net, len) = match said {
                Said::Media(_) => (KNOWN, PACKET_BYTES),
                Said::Garbage => (STRANGE, PACKET_BYTES),
                Said::First => (STRANGE, request(&name_of(number), number, &mut bytes)),
                Said::Forged => (STRANGE, request(&name_of(number + self.count), number, &mut bytes)),
            };
            if matches!(said, Said::Media(_) | Said::Garbage) {
                bytes[0] = 0x80;
            }
            let port = ports.get(number % ports.len()).copied().unwrap_or(0);
            let run = self.driver.reserve(len * burst);
            run.chunks_mut(len).for_each(|packet| packet.copy_from_slice(&bytes[..packet.len()]));
            self.driver.send(Transmit {
                socket: self.socket,
                to: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
                from: Some(address(net, number)),
                len: len * burst,
                segment_size: len,
            });
            sent += burst;
        }
        // What it could not send is missed at the other end.
        let _ = self.driver.turn(Wait::Poll, &mut || false);
        u64_of(sent)
    }
}

/// The name of a transport: its shard's digit before what is otherwise random.
pub(super) fn name_of(number: usize) -> [u8; NAME_BYTES] {
    let mut name = *b"0abcdefghij00000";
    name[0] = FIRST_DIGIT + u8::try_from(number % SHARDS).unwrap_or(0);
    let digits = format!("{number:05}");
    name[NAME_BYTES - 5..].copy_from_slice(digits.as_bytes().get(..5).unwrap_or(b"99999"));
    name
}

fn request(name: &[u8], number: usize, out: &mut [u8]) -> usize {
    let mut id = [7; 12];
    id[..8].copy_from_slice(&u64_of(number).to_be_bytes());
    let written = (|| {
        let mut builder = Builder::request(out, TransactionId(id))?;
        builder.username(&[name, b":peer"].concat())?;
        builder.priority(1)?;
        builder.fingerprint()
    })();
    written.unwrap_or(0)
}

fn address(net: u8, number: usize) -> IpAddr {
    let octet = |value: usize| u8::try_from(value).unwrap_or(u8::MAX);
    IpAddr::V4(Ipv4Addr::new(127, net, octet(number / 250), octet(1 + number % 250)))
}

pub(super) const NAME_BYTES: usize = 16;
const KNOWN: u8 = 1;
const STRANGE: u8 = 2;
const STEP: usize = 1_237;
const PACKET_BYTES: usize = 1200;
const SEND_BUFFER_BYTES: usize = 4 << 20;
