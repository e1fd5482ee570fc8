//! Socket addresses in the kernel's layout, read and written as plain bytes.
//!
//! IPv4-mapped IPv6 addresses exist only between here and the kernel: everybody above sees one peer under one
//! address, whichever family of socket it came in on.

use core::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// Address family of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    pub(crate) const fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

/// A `sockaddr_in` or `sockaddr_in6`, ready for a system call.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(crate) struct RawAddr {
    bytes: [u8; RAW_ADDR_BYTES],
    len: u8,
}

impl RawAddr {
    /// No address: what the kernel fills in, and with `AF_UNSPEC` (zero) also how a socket is disconnected.
    pub(crate) const EMPTY: Self = Self { bytes: [0; RAW_ADDR_BYTES], len: 16 };

    /// `addr` as a socket of `family` needs it; an IPv4 peer of an IPv6 socket is mapped (RFC 4291 §2.5.5.2).
    /// `None` for an IPv6 peer of an IPv4 socket, which has no such form.
    pub(crate) fn encode(addr: SocketAddr, family: Family) -> Option<Self> {
        match (addr, family) {
            (SocketAddr::V4(v4), Family::V4) => {
                let mut bytes = [0; RAW_ADDR_BYTES];
                bytes[..2].copy_from_slice(&AF_INET.to_ne_bytes());
                bytes[2..4].copy_from_slice(&v4.port().to_be_bytes());
                bytes[4..8].copy_from_slice(&v4.ip().octets());
                Some(Self { bytes, len: 16 })
            }
            (SocketAddr::V4(v4), Family::V6) => {
                Some(Self::encode_v6(&SocketAddrV6::new(v4.ip().to_ipv6_mapped(), v4.port(), 0, 0)))
            }
            (SocketAddr::V6(v6), Family::V6) => Some(Self::encode_v6(&v6)),
            (SocketAddr::V6(v6), Family::V4) => {
                let v4 = v6.ip().to_ipv4_mapped()?;
                Self::encode(SocketAddr::from((v4, v6.port())), Family::V4)
            }
        }
    }

    fn encode_v6(addr: &SocketAddrV6) -> Self {
        let mut bytes = [0; RAW_ADDR_BYTES];
        bytes[..2].copy_from_slice(&AF_INET6.to_ne_bytes());
        bytes[2..4].copy_from_slice(&addr.port().to_be_bytes());
        // The flow label stays zero: a reply need not carry the peer's.
        bytes[8..24].copy_from_slice(&addr.ip().octets());
        bytes[24..28].copy_from_slice(&addr.scope_id().to_ne_bytes());
        Self { bytes, len: 28 }
    }

    /// What the kernel wrote here. `None` when it is no internet address.
    pub(crate) fn decode(&self) -> Option<SocketAddr> {
        decode(&self.bytes)
    }

    /// Bytes of the address, for a call that reads it.
    pub(crate) const fn len(&self) -> u32 {
        self.len as u32
    }

    /// Bytes of room, for a call that fills it.
    pub(crate) const fn capacity() -> u32 {
        28
    }

    pub(crate) const fn as_ptr(&self) -> *const u8 {
        self.bytes.as_ptr()
    }

    pub(crate) const fn as_mut_ptr(&mut self) -> *mut u8 {
        self.bytes.as_mut_ptr()
    }
}

impl fmt::Debug for RawAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RawAddr").field(&self.decode()).finish()
    }
}

/// Reads a `sockaddr` of either family. `None` when `raw` is too short or of another family.
pub(crate) fn decode(raw: &[u8]) -> Option<SocketAddr> {
    let (family, rest) = raw.split_first_chunk::<2>()?;
    let (port, rest) = rest.split_first_chunk::<2>()?;
    let port = u16::from_be_bytes(*port);
    match u16::from_ne_bytes(*family) {
        AF_INET => Some(SocketAddr::from((Ipv4Addr::from(*rest.first_chunk::<4>()?), port))),
        AF_INET6 => {
            let (_flow, rest) = rest.split_first_chunk::<4>()?;
            let (ip, rest) = rest.split_first_chunk::<16>()?;
            let ip = Ipv6Addr::from(*ip);
            match ip.to_ipv4_mapped() {
                Some(v4) => Some(SocketAddr::from((v4, port))),
                None => {
                    let scope = u32::from_ne_bytes(*rest.first_chunk::<4>()?);
                    Some(SocketAddr::V6(SocketAddrV6::new(ip, port, 0, scope)))
                }
            }
        }
        _ => None,
    }
}

/// Size of `sockaddr_in6`, the larger of the two.
const RAW_ADDR_BYTES: usize = 28;
/// `libc::AF_INET` in the width of `sa_family_t`.
const AF_INET: u16 = 2;
/// `libc::AF_INET6` in the width of `sa_family_t`.
const AF_INET6: u16 = 10;
const _: () = assert!(libc::AF_INET == AF_INET as i32 && libc::AF_INET6 == AF_INET6 as i32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_the_kernels_layout() {
        for (addr, family) in [
            ("127.0.0.1:9", Family::V4),
            ("203.0.113.7:65535", Family::V6),
            ("[2001:db8::1]:5004", Family::V6),
            ("[fe80::1%3]:5004", Family::V6),
        ] {
            let addr: SocketAddr = addr.parse().unwrap();
            assert_eq!(RawAddr::encode(addr, family).unwrap().decode(), Some(addr));
        }
    }

    #[test]
    fn an_ipv4_socket_has_no_ipv6_peer() {
        assert!(RawAddr::encode("[2001:db8::1]:1".parse().unwrap(), Family::V4).is_none());
        let mapped = RawAddr::encode("[::ffff:192.0.2.1]:1".parse().unwrap(), Family::V4).unwrap();
        assert_eq!(mapped.decode(), Some("192.0.2.1:1".parse().unwrap()));
    }

    #[test]
    fn short_and_foreign_addresses_are_none() {
        let v6 = RawAddr::encode("[2001:db8::1]:5004".parse().unwrap(), Family::V6).unwrap();
        for len in 0..28 {
            assert_eq!(decode(&v6.bytes[..len]), None, "{len} bytes");
        }
        assert_eq!(RawAddr::EMPTY.decode(), None);
    }
}
