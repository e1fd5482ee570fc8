//! System calls on sockets that `socket2` does not wrap.

#![expect(unsafe_code, reason = "system calls")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use crate::addr::RawAddr;

/// Sets an integer socket option.
pub(crate) fn set_option(fd: BorrowedFd<'_>, level: i32, name: i32, value: i32) -> io::Result<()> {
    let value_ptr = (&raw const value).cast();
    // SAFETY: `value_ptr` points to an int that outlives the call, and the length given is that of an int.
    let result = unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, value_ptr, INT_BYTES) };
    check(result)
}

/// Connects a datagram socket; [`RawAddr::EMPTY`] (`AF_UNSPEC`) disconnects it.
pub(crate) fn connect(fd: BorrowedFd<'_>, peer: &RawAddr) -> io::Result<()> {
    // SAFETY: `peer` holds at least `peer.len()` readable bytes in the layout of a sockaddr.
    let result = unsafe { libc::connect(fd.as_raw_fd(), peer.as_ptr().cast(), peer.len()) };
    check(result)
}

fn check(result: i32) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

const INT_BYTES: libc::socklen_t = 4;
const _: () = assert!(size_of::<libc::c_int>() == 4);
