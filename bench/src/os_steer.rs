//! Telling the kernel which socket of a port a datagram goes to: classic BPF, which anybody may attach, and extended
//! BPF with a table, which only the privileged may.

#![expect(unsafe_code, reason = "bpf(2) has no wrapper, and the options take pointers")]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::os::check;

/// One instruction of classic BPF.
pub(crate) type Classic = libc::sock_filter;

/// An instruction: what to do, where to go on if so and if not, with which number.
pub(crate) const fn classic(code: u16, jt: u8, jf: u8, k: u32) -> Classic {
    Classic { code, jt, jf, k }
}

/// Lets a program choose among the sockets of a port, by their place in the order of binding.
pub(crate) fn steer_by_classic(socket: &impl AsRawFd, program: &mut [Classic]) -> io::Result<()> {
    let len = u16::try_from(program.len()).map_err(io::Error::other)?;
    let program = libc::sock_fprog { len, filter: program.as_mut_ptr() };
    let size = libc::socklen_t::try_from(size_of_val(&program)).map_err(io::Error::other)?;
    let (level, name) = (libc::SOL_SOCKET, libc::SO_ATTACH_REUSEPORT_CBPF);
    // SAFETY: `program` and the instructions it points to live across the call, which copies them.
    check(unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const program).cast(), size) })
}

/// Which place each peer's datagrams go to, in the kernel.
#[derive(Debug)]
pub(crate) struct PeerTable {
    map: OwnedFd,
}

impl PeerTable {
    /// # Errors
    /// EPERM without CAP_BPF, where the system does not allow it to everybody.
    pub(crate) fn new(most: u32) -> io::Result<Self> {
        // BPF_MAP_CREATE: type (hash), bytes of a key, bytes of a value, entries.
        let map = bpf(BPF_MAP_CREATE, &mut [1 | 8 << 32, 4 | u64::from(most) << 32])?;
        // SAFETY: a descriptor that the kernel has just made, and nobody else has.
        Ok(Self { map: unsafe { OwnedFd::from_raw_fd(map) } })
    }

    pub(crate) fn insert(&self, ip: std::net::Ipv4Addr, port: u16, place: u32) -> io::Result<()> {
        // As the program below lays it out: both in the machine's order.
        let key = [ip.to_bits(), u32::from(port)];
        let fd = u64::try_from(self.map.as_raw_fd()).map_err(io::Error::other)?;
        let (key, value) = ((&raw const key) as u64, (&raw const place) as u64);
        bpf(BPF_MAP_UPDATE_ELEM, &mut [fd, key, value, 0]).map(|_| ())
    }

    /// Lets the table choose among the sockets of a port; for peers that are not in it, the kernel's hash does.
    pub(crate) fn steer(&self, socket: &impl AsRawFd) -> io::Result<()> {
        let map = u64::try_from(self.map.as_raw_fd()).map_err(io::Error::other)?;
        // Code, registers (destination in the low half), offset, number. IPv4 without options.
        let program: [u64; 16] = [
            ebpf(0xbf, 0x16, 0, 0),             // r6 = r1
            ebpf(0x20, 0, 0, NET_OFF + 12),     // r0 = the peer's address
            ebpf(0x63, 0x0a, -8, 0),            // *(r10 - 8) = r0
            ebpf(0x28, 0, 0, NET_OFF + 20),     // r0 = its port
            ebpf(0x63, 0x0a, -4, 0),            // *(r10 - 4) = r0
            ebpf(0xbf, 0xa2, 0, 0),             // r2 = r10
            ebpf(0x07, 0x02, 0, -8),            // r2 -= 8
            ebpf(0x18, 0x11, 0, 0) | map << 32, // r1 = the table
            0,                                  // (its upper half)
            ebpf(0x85, 0, 0, 1),                // r0 = look up
            ebpf(0x15, 0x00, 2, 0),             // nothing there: go on at -1
            ebpf(0x61, 0x00, 0, 0),             // r0 = *r0
            ebpf(0x95, 0, 0, 0),                // done
            ebpf(0xb7, 0x00, 0, -1),            // r0 = -1: no place
            ebpf(0x95, 0, 0, 0),                // done
            ebpf(0x95, 0, 0, 0),
        ];
        let license = c"GPL";
        // Type (socket filter), instructions (the last is for alignment only and left out), where they are.
        let attributes = &mut [1 | 15 << 32, program.as_ptr() as u64, license.as_ptr() as u64, 0, 0, 0];
        let program = bpf(BPF_PROG_LOAD, attributes)?;
        // SAFETY: a descriptor that the kernel has just made, and nobody else has. The socket keeps the program.
        let program = unsafe { OwnedFd::from_raw_fd(program) };
        let option = (libc::SOL_SOCKET, libc::SO_ATTACH_REUSEPORT_EBPF);
        crate::os::set_option(socket.as_raw_fd(), option, program.as_raw_fd())
    }
}

const fn ebpf(code: u8, registers: u8, offset: i16, number: i32) -> u64 {
    let [o0, o1] = offset.to_le_bytes();
    let [n0, n1, n2, n3] = number.to_le_bytes();
    u64::from_le_bytes([code, registers, o0, o1, n0, n1, n2, n3])
}

fn bpf(command: i32, attributes: &mut [u64]) -> io::Result<i32> {
    let size = u32::try_from(size_of_val(attributes)).map_err(io::Error::other)?;
    // SAFETY: the attributes, and what they point to, live across the call and are as long as they say.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, attributes.as_mut_ptr(), size) };
    if result < 0 { Err(io::Error::last_os_error()) } else { i32::try_from(result).map_err(io::Error::other) }
}

const BPF_MAP_CREATE: i32 = 0;
const BPF_MAP_UPDATE_ELEM: i32 = 2;
const BPF_PROG_LOAD: i32 = 5;
/// Offsets from here on are from the IP header on.
const NET_OFF: i32 = -0x10_0000;
