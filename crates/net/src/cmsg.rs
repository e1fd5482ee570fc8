//! Control messages of `sendmsg` and `recvmsg`, read and written as plain bytes.
//!
//! The layout is Linux's on 64 bits: a `cmsghdr` of length, level and type, then the data, each message padded to
//! eight bytes. Both drivers use these; neither touches a pointer here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::addr::Family;

/// Room for every control message that our sockets ask for, in the alignment the kernel documents.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(8))]
pub(crate) struct ReceiveControl(pub(crate) [u8; RECEIVE_CONTROL_BYTES]);

impl ReceiveControl {
    pub(crate) const EMPTY: Self = Self([0; RECEIVE_CONTROL_BYTES]);
}

/// What the control messages of one received datagram say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ancillary {
    /// The local address it was sent to.
    pub(crate) to: Option<IpAddr>,
    /// Kernel receive time, nanoseconds since the Unix epoch.
    pub(crate) realtime_nanos: Option<u64>,
    /// Size of the datagrams in a GRO train; `None` for a lone datagram.
    pub(crate) segment_size: Option<usize>,
}

impl Ancillary {
    /// Reads the control messages in `control`; what it does not know or cannot read is skipped.
    pub(crate) fn parse(control: &[u8]) -> Self {
        let mut found = Self::default();
        let mut rest = control;
        while let Some((level, kind, data, next)) = split_message(rest) {
            found.take(level, kind, data);
            rest = next;
        }
        found
    }

    fn take(&mut self, level: i32, kind: i32, data: &[u8]) {
        match (level, kind) {
            (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => self.realtime_nanos = read_timespec(data),
            (libc::SOL_UDP, libc::UDP_GRO) => {
                self.segment_size = read_i32(data).and_then(|n| usize::try_from(n).ok()).filter(|&n| n > 0);
            }
            // in_pktinfo: interface, local address for replies, destination address in the header.
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                self.to = data
                    .get(8..12)
                    .and_then(|ip| ip.first_chunk())
                    .map(|ip: &[u8; 4]| Ipv4Addr::from(*ip).into());
            }
            // in6_pktinfo: destination address, interface.
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                self.to = data.first_chunk().map(|ip: &[u8; 16]| Ipv6Addr::from(*ip).to_canonical());
            }
            _ => {}
        }
    }
}

/// Control messages of one send, built in place.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(8))]
pub(crate) struct SendControl {
    bytes: [u8; SEND_CONTROL_BYTES],
    len: usize,
}

impl SendControl {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; SEND_CONTROL_BYTES], len: 0 }
    }

    /// Forgets what was pushed.
    pub(crate) const fn clear(&mut self) {
        self.len = 0;
    }

    /// Lets the kernel cut the payload into datagrams of `size` (UDP_SEGMENT).
    pub(crate) fn push_segment_size(&mut self, size: u16) {
        self.push(libc::SOL_UDP, libc::UDP_SEGMENT, &size.to_ne_bytes());
    }

    /// Chooses the local address of a socket bound to a wildcard. An address that the socket's family cannot
    /// express is left out: the kernel then chooses.
    pub(crate) fn push_source(&mut self, from: IpAddr, family: Family) {
        match (from.to_canonical(), family) {
            (IpAddr::V4(ip), Family::V4) => {
                let mut info = [0; 12];
                info[4..8].copy_from_slice(&ip.octets());
                self.push(libc::IPPROTO_IP, libc::IP_PKTINFO, &info);
            }
            (ip, Family::V6) => {
                let ip = match ip {
                    IpAddr::V4(v4) => v4.to_ipv6_mapped(),
                    IpAddr::V6(v6) => v6,
                };
                let mut info = [0; 20];
                info[..16].copy_from_slice(&ip.octets());
                self.push(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, &info);
            }
            (IpAddr::V6(_), Family::V4) => {}
        }
    }

    pub(crate) const fn as_ptr(&self) -> *const u8 {
        self.bytes.as_ptr()
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    fn push(&mut self, level: i32, kind: i32, data: &[u8]) {
        let len = HEADER_BYTES + data.len();
        let at = self.len;
        let message = &mut self.bytes[at..at + padded(len)];
        message.fill(0);
        message[..8].copy_from_slice(&len.to_ne_bytes());
        message[8..12].copy_from_slice(&level.to_ne_bytes());
        message[12..16].copy_from_slice(&kind.to_ne_bytes());
        message[16..len].copy_from_slice(data);
        self.len = at + padded(len);
    }
}

/// The first message of `control` as level, type and data, and what follows it.
fn split_message(control: &[u8]) -> Option<(i32, i32, &[u8], &[u8])> {
    let len = usize::from_ne_bytes(*control.first_chunk()?);
    let level = i32::from_ne_bytes(*control.get(8..)?.first_chunk()?);
    let kind = i32::from_ne_bytes(*control.get(12..)?.first_chunk()?);
    let data = control.get(HEADER_BYTES..len)?;
    let next = control.get(padded(len)..).unwrap_or_default();
    Some((level, kind, data, next))
}

fn read_i32(data: &[u8]) -> Option<i32> {
    Some(i32::from_ne_bytes(*data.first_chunk()?))
}

fn read_timespec(data: &[u8]) -> Option<u64> {
    let seconds = u64::try_from(i64::from_ne_bytes(*data.first_chunk()?)).ok()?;
    let nanos = u64::try_from(i64::from_ne_bytes(*data.get(8..)?.first_chunk()?)).ok()?;
    seconds.checked_mul(1_000_000_000)?.checked_add(nanos)
}

const fn padded(len: usize) -> usize {
    len.next_multiple_of(8)
}

/// Size of `cmsghdr`.
const HEADER_BYTES: usize = 16;
/// Timestamp (32), GRO size (24) and IPv6 pktinfo (40) are 96; the rest is slack for options set by others.
const RECEIVE_CONTROL_BYTES: usize = 128;
/// Segment size (24) and IPv6 pktinfo (40).
const SEND_CONTROL_BYTES: usize = 64;
const _: () = assert!(size_of::<usize>() == 8 && size_of::<libc::cmsghdr>() == HEADER_BYTES);

#[cfg(test)]
mod tests {
    use super::*;

    fn message(level: i32, kind: i32, data: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend((HEADER_BYTES + data.len()).to_ne_bytes());
        bytes.extend(level.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }

    #[test]
    fn every_message_a_socket_asks_for_is_read() {
        let mut control = message(libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS, &[]);
        control = [control, message(libc::SOL_SOCKET, 4711, &[1, 2, 3])].concat();
        let time = [3_i64.to_ne_bytes(), 5_i64.to_ne_bytes()].concat();
        control.extend(message(libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS, &time));
        control.extend(message(libc::SOL_UDP, libc::UDP_GRO, &1200_i32.to_ne_bytes()));
        control.extend(message(libc::IPPROTO_IP, libc::IP_PKTINFO, &[1, 0, 0, 0, 9, 9, 9, 9, 127, 0, 0, 2]));
        let expected = Ancillary {
            to: Some("127.0.0.2".parse().unwrap()),
            realtime_nanos: Some(3_000_000_005),
            segment_size: Some(1200),
        };
        assert_eq!(Ancillary::parse(&control), expected);
    }

    #[test]
    fn cut_and_lying_messages_end_the_walk() {
        let whole = message(libc::SOL_UDP, libc::UDP_GRO, &1200_i32.to_ne_bytes());
        for len in 0..20 {
            assert_eq!(Ancillary::parse(&whole[..len]), Ancillary::default(), "{len} bytes");
        }
        for lie in [0_usize, 1, 15, 4096, usize::MAX] {
            let mut bytes = whole.clone();
            bytes[..8].copy_from_slice(&lie.to_ne_bytes());
            assert_eq!(Ancillary::parse(&bytes), Ancillary::default(), "length {lie}");
        }
    }

    #[test]
    fn what_is_pushed_has_the_kernels_layout() {
        let mut control = SendControl::new();
        control.push_segment_size(1200);
        control.push_source("192.0.2.1".parse().unwrap(), Family::V6);
        assert_eq!(control.len(), SEND_CONTROL_BYTES);
        let (level, kind, data, rest) = split_message(&control.bytes[..control.len()]).unwrap();
        assert_eq!((level, kind, data), (libc::SOL_UDP, libc::UDP_SEGMENT, &1200_u16.to_ne_bytes()[..]));
        assert_eq!(Ancillary::parse(rest).to, Some("192.0.2.1".parse().unwrap()));
        control.clear();
        control.push_source("2001:db8::1".parse().unwrap(), Family::V4);
        assert_eq!(control.len(), 0);
    }
}
