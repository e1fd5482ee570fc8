//! Receiving many datagrams of one socket with one call, without GRO: what a sink of the far end does.

#![expect(unsafe_code, reason = "recvmmsg needs an array of headers that point at each other")]

use std::io;
use std::os::fd::AsRawFd;

/// Buffers for `BATCH` datagrams, reused by every call.
pub(crate) struct ReceiveBatch {
    buffers: Vec<[u8; DATAGRAM]>,
    vectors: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
}

impl ReceiveBatch {
    pub(crate) fn new() -> Self {
        let mut buffers = vec![[0u8; DATAGRAM]; BATCH];
        let mut vectors: Vec<libc::iovec> = buffers
            .iter_mut()
            .map(|buffer| libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: DATAGRAM })
            .collect();
        let headers = vectors
            .iter_mut()
            .map(|vector| {
                // SAFETY: an all-zero mmsghdr is a valid value of that plain struct.
                let mut header: libc::mmsghdr = unsafe { core::mem::zeroed() };
                header.msg_hdr.msg_iov = vector;
                header.msg_hdr.msg_iovlen = 1;
                header
            })
            .collect();
        Self { buffers, vectors, headers }
    }

    /// Takes what is there, without waiting. Calls `each` with every datagram; says how many there were.
    pub(crate) fn receive(
        &mut self,
        socket: &impl AsRawFd,
        mut each: impl FnMut(&[u8]),
    ) -> io::Result<usize> {
        debug_assert_eq!(self.vectors.len(), self.headers.len());
        let count = u32::try_from(self.headers.len()).map_err(io::Error::other)?;
        // SAFETY: `headers` has `count` entries whose iovecs and buffers are owned by self and never move.
        let received = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                count,
                libc::MSG_DONTWAIT,
                core::ptr::null_mut(),
            )
        };
        if received < 0 {
            let error = io::Error::last_os_error();
            // A refused send is reported here when a forwarder has just ended.
            let benign =
                matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::ECONNREFUSED | libc::EINTR));
            return if benign { Ok(0) } else { Err(error) };
        }
        let received = usize::try_from(received).map_err(io::Error::other)?;
        for (header, buffer) in self.headers.iter().zip(&self.buffers).take(received) {
            let len = usize::try_from(header.msg_len).map_err(io::Error::other)?;
            each(buffer.get(..len).unwrap_or(&[]));
        }
        Ok(received)
    }

    /// Most datagrams one call takes: fewer mean that the socket is empty.
    pub(crate) const fn capacity() -> usize {
        BATCH
    }
}

impl core::fmt::Debug for ReceiveBatch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ReceiveBatch").field("datagrams", &self.buffers.len()).finish()
    }
}

/// One visit to a sink; a burst of ten with room for a visit that comes late.
const BATCH: usize = 64;
/// Longer than any packet of the bench with the longest tag.
const DATAGRAM: usize = 2048;
