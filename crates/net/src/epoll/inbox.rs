//! Receive buffers of an epoll driver: filled by one `recvmmsg`, read before the next.

#![expect(unsafe_code, reason = "system calls, and slices of a raw mapping")]

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

use crate::addr::RawAddr;
use crate::cmsg::{Ancillary, ReceiveControl};
use crate::map::Mapping;

/// Buffers and prebuilt message headers for [`BATCH`] receive operations. The first buffers serve every call, so
/// light traffic stays in a few warm pages.
pub(super) struct Inbox {
    headers: Vec<libc::mmsghdr>,
    /// Where the headers' vectors, names and control messages point; never grown, so never moved.
    _vectors: Vec<libc::iovec>,
    names: Vec<RawAddr>,
    controls: Vec<ReceiveControl>,
    memory: Mapping,
}

// SAFETY: the pointers in `headers` and `_vectors` lead only to memory that this inbox owns.
unsafe impl Send for Inbox {}

/// One received datagram or GRO train.
#[derive(Debug)]
pub(super) struct Message<'a> {
    /// `None` when the kernel gave no address that we understand.
    pub(super) from: Option<SocketAddr>,
    pub(super) ancillary: Ancillary,
    pub(super) bytes: &'a [u8],
    /// Whether the kernel cut it.
    pub(super) truncated: bool,
}

impl Inbox {
    pub(super) fn new() -> io::Result<Self> {
        let memory = Mapping::new(BATCH * BUFFER_BYTES)?;
        let mut names = vec![RawAddr::EMPTY; BATCH];
        let mut controls = vec![ReceiveControl::EMPTY; BATCH];
        let start = memory.start().as_ptr();
        let mut vectors: Vec<_> = (0..BATCH)
            .map(|n| libc::iovec {
                iov_base: start.wrapping_add(n * BUFFER_BYTES).cast(),
                iov_len: BUFFER_BYTES,
            })
            .collect();
        let headers = names
            .iter_mut()
            .zip(&mut controls)
            .zip(&mut vectors)
            .map(|((name, control), vector)| {
                let msg_hdr = libc::msghdr {
                    msg_name: name.as_mut_ptr().cast(),
                    msg_namelen: RawAddr::capacity(),
                    msg_iov: vector,
                    msg_iovlen: 1,
                    msg_control: control.0.as_mut_ptr().cast(),
                    msg_controllen: control.0.len(),
                    msg_flags: 0,
                };
                libc::mmsghdr { msg_hdr, msg_len: 0 }
            })
            .collect();
        Ok(Self { headers, _vectors: vectors, names, controls, memory })
    }

    /// Receives what is there, at most `asked` messages, and returns how many. Fewer than asked means that nothing
    /// was left.
    ///
    /// # Errors
    /// The error number: EAGAIN when nothing is there, or what an earlier send met.
    pub(super) fn receive(&mut self, fd: BorrowedFd<'_>, asked: usize) -> Result<usize, i32> {
        let asked = asked.min(BATCH);
        for header in &mut self.headers[..asked] {
            // The last call may have left the lengths it found here.
            header.msg_hdr.msg_namelen = RawAddr::capacity();
            header.msg_hdr.msg_controllen = size_of::<ReceiveControl>();
        }
        let count = u32::try_from(asked).unwrap_or(0);
        let headers = self.headers.as_mut_ptr();
        let flags = libc::MSG_DONTWAIT;
        // SAFETY: `count` headers exist; each points to a name, a vector, control room and a buffer that this
        // inbox owns, with their true sizes, and nothing else borrows them during the call.
        let result = unsafe { libc::recvmmsg(fd.as_raw_fd(), headers, count, flags, core::ptr::null_mut()) };
        usize::try_from(result).map_err(|_| io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }

    /// The `n`-th message of the last `receive`, which must have returned more than `n`.
    pub(super) fn message(&self, n: usize) -> Option<Message<'_>> {
        let header = self.headers.get(n)?;
        let len = (header.msg_len as usize).min(BUFFER_BYTES);
        let start = self.memory.start().as_ptr().wrapping_add(n * BUFFER_BYTES);
        // SAFETY: buffer `n` lies within the mapping and has at least `len` bytes; the kernel writes it only
        // inside `receive`, which borrows the inbox mutably.
        let bytes = unsafe { core::slice::from_raw_parts(start, len) };
        let control = self.controls.get(n)?.0.get(..header.msg_hdr.msg_controllen)?;
        Some(Message {
            from: self.names.get(n)?.decode(),
            ancillary: Ancillary::parse(control),
            bytes,
            truncated: header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
        })
    }
}

impl core::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Inbox").field("memory", &self.memory).finish_non_exhaustive()
    }
}

/// Messages in one `recvmmsg`. With 16 the call itself is a few percent of their cost, and more would only widen
/// the memory that one flood walks through.
pub(super) const BATCH: usize = 16;
/// Holds any GRO train: the kernel stops one before its IP packet would exceed 65,535 bytes.
const BUFFER_BYTES: usize = 65_536;
