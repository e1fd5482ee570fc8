//! Receiving whole trains: what a sender handed to the kernel in one piece arrives in one piece where the receiver
//! asks for it (UDP_GRO). On loopback nothing else joins datagrams, so a train is the sender's run.

#![expect(
    unsafe_code,
    reason = "recvmsg with a control message; every block is one call with its SAFETY line"
)]

use std::io;
use std::os::fd::AsRawFd;

use crate::os;

/// A buffer for one train.
#[derive(Debug)]
pub(crate) struct Trains {
    bytes: Vec<u8>,
}

impl Trains {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; TRAIN_BYTES] }
    }

    /// From now on trains arrive whole at `socket`.
    pub(crate) fn ask_for(socket: &impl AsRawFd) -> io::Result<()> {
        os::set_option(socket.as_raw_fd(), (libc::SOL_UDP, libc::UDP_GRO), 1)
    }

    /// Takes one train if there is one, and calls `each` with its datagrams.
    pub(crate) fn receive(&mut self, socket: &impl AsRawFd, mut each: impl FnMut(&[u8])) -> io::Result<bool> {
        let mut control = [0u64; CONTROL_WORDS];
        let mut vector = libc::iovec { iov_base: self.bytes.as_mut_ptr().cast(), iov_len: self.bytes.len() };
        // SAFETY: an all-zero msghdr is a valid value of that plain struct.
        let mut header: libc::msghdr = unsafe { core::mem::zeroed() };
        header.msg_iov = &raw mut vector;
        header.msg_iovlen = 1;
        header.msg_control = control.as_mut_ptr().cast();
        header.msg_controllen = size_of_val(&control);
        // SAFETY: `header` points at a live vector, buffer and control memory, each with its length.
        let received = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, libc::MSG_DONTWAIT) };
        if received < 0 {
            let error = io::Error::last_os_error();
            let benign =
                matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::ECONNREFUSED | libc::EINTR));
            return if benign { Ok(false) } else { Err(error) };
        }
        let len = usize::try_from(received).map_err(io::Error::other)?;
        let train = self.bytes.get(..len).unwrap_or(&[]);
        let datagram = segment_size(&header).unwrap_or(len).max(1);
        train.chunks(datagram).for_each(&mut each);
        Ok(true)
    }
}

/// What the kernel says about the length of a train's datagrams; nothing for a lone one.
fn segment_size(header: &libc::msghdr) -> Option<usize> {
    // SAFETY: `header` was filled by recvmsg and its control memory is alive.
    let message = unsafe { libc::CMSG_FIRSTHDR(header) };
    // SAFETY: null, or the aligned start of a control message inside that memory.
    let head = unsafe { message.as_ref() }?;
    if (head.cmsg_level, head.cmsg_type) != (libc::SOL_UDP, libc::UDP_GRO) {
        return None;
    }
    // SAFETY: a control message's data follows its head.
    let data = unsafe { libc::CMSG_DATA(message) };
    // SAFETY: that of UDP_GRO is an int.
    let size: libc::c_int = unsafe { data.cast::<libc::c_int>().read_unaligned() };
    usize::try_from(size).ok().filter(|&size| size > 0)
}

/// The longest datagram there is.
const TRAIN_BYTES: usize = 65_536;
/// One control message of an int, with room.
const CONTROL_WORDS: usize = 8;

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn a_run_arrives_whole_and_is_cut_where_its_sender_said() {
        let sink = UdpSocket::bind("127.0.0.1:0").unwrap();
        let source = UdpSocket::bind("127.0.0.1:0").unwrap();
        source.connect(sink.local_addr().unwrap()).unwrap();
        Trains::ask_for(&sink).unwrap();
        source.send(&[9; 70]).unwrap();
        os::set_segment_size(&source, 100).unwrap();
        source.send(&[7; 250]).unwrap();
        let mut trains = Trains::new();
        let mut seen = Vec::new();
        for expected in [vec![70], vec![100, 100, 50]] {
            seen.clear();
            assert!(trains.receive(&sink, |datagram| seen.push(datagram.len())).unwrap());
            assert_eq!(seen, expected);
        }
        assert!(!trains.receive(&sink, |_| {}).unwrap());
    }
}
