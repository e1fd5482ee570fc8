//! System calls on sockets that `socket2` does not wrap.

#![expect(unsafe_code, reason = "system calls")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use crate::addr::RawAddr;
use crate::cmsg::SendControl;

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

/// Sends `bytes` without waiting: to `name`, or on a connected socket to its peer.
///
/// # Errors
/// The error number.
pub(crate) fn send(
    fd: BorrowedFd<'_>,
    bytes: &[u8],
    name: Option<&RawAddr>,
    control: &SendControl,
) -> Result<(), i32> {
    let (name, name_len) = name.map_or((core::ptr::null(), 0), |name| (name.as_ptr(), name.len()));
    let fd = fd.as_raw_fd();
    let result = if control.len() == 0 {
        // Cheaper than sendmsg: no header, vector and control messages for the kernel to fetch and check.
        // SAFETY: `bytes` and `name` are readable for their lengths; the call reads them before it returns.
        unsafe { libc::sendto(fd, bytes.as_ptr().cast(), bytes.len(), SEND_FLAGS, name.cast(), name_len) }
    } else {
        let mut vector = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        let header = libc::msghdr {
            msg_name: name.cast_mut().cast(),
            msg_namelen: name_len,
            msg_iov: &raw mut vector,
            msg_iovlen: 1,
            msg_control: control.as_ptr().cast_mut().cast(),
            msg_controllen: control.len(),
            msg_flags: 0,
        };
        // SAFETY: the header points to bytes, name and control messages that are readable for their lengths; a
        // send writes none of them and reads them before it returns.
        unsafe { libc::sendmsg(fd, &raw const header, SEND_FLAGS) }
    };
    if result < 0 { Err(io::Error::last_os_error().raw_os_error().unwrap_or(0)) } else { Ok(()) }
}

fn check(result: i32) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A send takes effect at once or is dropped; and a socket is no pipe, but the flag costs nothing.
const SEND_FLAGS: i32 = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
const INT_BYTES: libc::socklen_t = 4;
const _: () = assert!(size_of::<libc::c_int>() == 4);
