//! The layout in which a multishot receive leaves a datagram in its buffer: `io_uring_recvmsg_out`, then the
//! name, the control messages and the payload, the first two at the sizes that the submission asked for.

use std::net::SocketAddr;

use crate::addr;
use crate::cmsg::Ancillary;

/// One received datagram, or GRO train, in its buffer.
#[derive(Debug)]
pub(super) struct Message<'a> {
    pub(super) from: SocketAddr,
    pub(super) ancillary: Ancillary,
    pub(super) payload: &'a [u8],
    /// The kernel had to cut the payload: it did not fit the buffer.
    pub(super) truncated: bool,
}

impl<'a> Message<'a> {
    /// Reads what the kernel wrote: `bytes` is as much of the buffer as the completion says. `None` when it is
    /// too short to be a message or its sender has no internet address, neither of which a UDP socket gives.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>()?;
        let (name, rest) = rest.split_at_checked(NAME_BYTES as usize)?;
        let (control, payload) = rest.split_at_checked(CONTROL_BYTES)?;
        let control_len = usize::try_from(word(header, 1)?).ok()?;
        let payload_len = usize::try_from(word(header, 2)?).ok()?;
        let flags = word(header, 3)?;
        Some(Self {
            from: addr::decode(name)?,
            ancillary: Ancillary::parse(control.get(..control_len).unwrap_or(control)),
            payload,
            // MSG_TRUNC, and the length itself, which the kernel gives as if nothing had been cut.
            truncated: flags & MSG_TRUNC != 0 || payload_len > payload.len(),
        })
    }
}

/// The n-th word of the header: name length, control length, payload length, flags.
fn word(header: &[u8; HEADER_BYTES], n: usize) -> Option<u32> {
    header.get(n * 4..)?.first_chunk().map(|word| u32::from_ne_bytes(*word))
}

/// Size of `io_uring_recvmsg_out`.
const HEADER_BYTES: usize = 16;
/// Room for the sender's address: `sockaddr_in6` has 28 bytes, the rest aligns what follows.
pub(super) const NAME_BYTES: u32 = 32;
/// Room for control messages, as in `cmsg::ReceiveControl`, and so that the payload starts a cache line: timestamp
/// (32 bytes), GRO size (24) and pktinfo (40) are 96.
pub(super) const CONTROL_BYTES: usize = 144;
/// What precedes the payload in a buffer.
pub(super) const OVERHEAD_BYTES: usize = HEADER_BYTES + NAME_BYTES as usize + CONTROL_BYTES;
const MSG_TRUNC: u32 = 0x20;
const _: () = assert!(MSG_TRUNC.cast_signed() == libc::MSG_TRUNC && OVERHEAD_BYTES.is_multiple_of(64));

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(control: &[u8], payload: &[u8], flags: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        for word in [16, control.len(), payload.len()] {
            bytes.extend(u32::try_from(word).unwrap().to_ne_bytes());
        }
        bytes.extend(flags.to_ne_bytes());
        bytes.extend(2_u16.to_ne_bytes());
        bytes.extend(5004_u16.to_be_bytes());
        bytes.extend([192, 0, 2, 7]);
        bytes.resize(HEADER_BYTES + NAME_BYTES as usize, 0);
        bytes.extend(control);
        bytes.resize(OVERHEAD_BYTES, 0xff);
        bytes.extend(payload);
        bytes
    }

    #[test]
    fn every_part_is_found() {
        let mut gro = 20_usize.to_ne_bytes().to_vec();
        gro.extend(libc::SOL_UDP.to_ne_bytes());
        gro.extend(libc::UDP_GRO.to_ne_bytes());
        gro.extend(3_i32.to_ne_bytes());
        let bytes = buffer(&gro, b"abcde", 0);
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.from, "192.0.2.7:5004".parse().unwrap());
        assert_eq!(message.ancillary.segment_size, Some(3));
        assert_eq!(message.payload, b"abcde");
        assert!(!message.truncated);
    }

    #[test]
    fn a_cut_payload_is_told_by_flag_and_by_length() {
        assert!(Message::parse(&buffer(&[], b"abc", MSG_TRUNC)).unwrap().truncated);
        let whole = buffer(&[], b"abc", 0);
        assert!(Message::parse(&whole[..whole.len() - 1]).unwrap().truncated);
    }

    #[test]
    fn short_buffers_are_no_messages() {
        let whole = buffer(&[], b"", 0);
        assert!(Message::parse(&whole).unwrap().payload.is_empty());
        for len in 0..whole.len() {
            assert!(Message::parse(&whole[..len]).is_none(), "{len} bytes");
        }
    }
}
