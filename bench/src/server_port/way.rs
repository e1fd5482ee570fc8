//! The ways.

use core::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;

use net::Socket;

use crate::os_steer::{Classic, PeerTable, classic, steer_by_classic};

/// How datagrams find their shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// A port for each shard. What the others are compared with: nothing ever comes to the wrong one.
    Ports,
    /// One port, a socket for each shard; the kernel's hash of both addresses says which.
    Hash,
    /// The same, but what begins with a user name goes where its first letter says. By classic BPF.
    Name,
    /// The same, by a table of peers in the kernel. By extended BPF, which needs privileges.
    Table,
    /// One port, a socket for each shard, and all is received by the first.
    First,
}

impl Way {
    pub(super) const ALL: [Self; 5] = [Self::Ports, Self::Hash, Self::Name, Self::Table, Self::First];

    /// Tells the kernel, once all sockets of the port are bound.
    pub(super) fn steer(self, last: &Socket, callers: &[(SocketAddr, usize)]) -> io::Result<()> {
        let fd = last.as_fd();
        match self {
            Self::Ports | Self::Hash => Ok(()),
            Self::Name => steer_by_classic(&fd, &mut by_name()),
            Self::First => steer_by_classic(&fd, &mut [classic(RETURN, 0, 0, 0)]),
            Self::Table => {
                let table = PeerTable::new(u32::try_from(callers.len()).map_err(io::Error::other)?)?;
                for &(caller, shard) in callers {
                    let IpAddr::V4(ip) = caller.ip() else { continue };
                    table.insert(ip, caller.port(), u32::try_from(shard).map_err(io::Error::other)?)?;
                }
                table.steer(&fd)
            }
        }
    }
}

/// The first letter of our own part of the name is the shard's digit. Offsets are from the datagram's beginning.
fn by_name() -> [Classic; 8] {
    [
        classic(LOAD_BYTE, 0, 0, 0),
        classic(IF_AT_LEAST, 5, 0, 2),
        classic(LOAD_HALF, 0, 0, 20),
        classic(IF_EQUAL, 0, 3, USERNAME),
        classic(LOAD_BYTE, 0, 0, 24),
        classic(SUBTRACT, 0, 0, u32::from_be_bytes([0, 0, 0, FIRST_DIGIT])),
        classic(RETURN_RESULT, 0, 0, 0),
        classic(RETURN, 0, 0, u32::MAX),
    ]
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ports => "ports",
            Self::Hash => "hash",
            Self::Name => "name",
            Self::Table => "table",
            Self::First => "first",
        })
    }
}

const LOAD_HALF: u16 = 0x28;
const LOAD_BYTE: u16 = 0x30;
const IF_EQUAL: u16 = 0x15;
const IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;
const RETURN_RESULT: u16 = 0x16;
const SUBTRACT: u16 = 0x14;
/// Names begin with the shard's digit.
pub(super) const FIRST_DIGIT: u8 = b'0';
/// RFC 8489 §18.3.
const USERNAME: u32 = 0x0006;
