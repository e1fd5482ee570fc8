//! Real seccomp filters for tests. A filter holds for the thread that installs it and the threads it starts from
//! then on, and cannot be taken off again.

#![allow(dead_code, reason = "no test that includes this module needs all of it")]
#![expect(unsafe_code, reason = "installs a filter, which neither std nor a dependency does")]

use libc::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_JUMP, BPF_K, BPF_LD, BPF_RET, BPF_STMT, BPF_W, sock_filter};

/// From now on, `calls` fail with `errno` on this thread, as under the default filter of a container.
pub(crate) fn refuse(calls: &[libc::c_long], errno: i32) {
    let refused = libc::SECCOMP_RET_ERRNO | errno.cast_unsigned();
    install(&program(calls, refused, libc::SECCOMP_RET_ALLOW));
}

/// From now on, this thread may make `calls`; any other kills the process with SIGSYS.
pub(crate) fn allow_only(calls: &[libc::c_long]) {
    install(&program(calls, libc::SECCOMP_RET_ALLOW, libc::SECCOMP_RET_KILL_PROCESS));
}

/// The system calls of io_uring.
pub(crate) const URING_CALLS: [libc::c_long; 3] =
    [libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register];

/// Loads the number of the call, compares it with each of `calls`, and answers.
fn program(calls: &[libc::c_long], listed: u32, others: u32) -> Vec<sock_filter> {
    let count = u8::try_from(calls.len()).expect("a jump reaches 255 instructions");
    // The number is the first field of `seccomp_data`.
    let mut program = vec![statement(BPF_LD | BPF_W | BPF_ABS, 0)];
    for (call, left) in calls.iter().zip((0..count).rev()) {
        let number = u32::try_from(*call).expect("system calls have small numbers");
        program.push(jump_if_equal(number, left + 1));
    }
    program.push(statement(BPF_RET | BPF_K, others));
    program.push(statement(BPF_RET | BPF_K, listed));
    program
}

fn statement(code: u32, value: u32) -> sock_filter {
    // SAFETY: only fills in a struct.
    unsafe { BPF_STMT(u16::try_from(code).expect("a code"), value) }
}

/// Skips `skipped` instructions when the loaded word is `value`, none otherwise.
fn jump_if_equal(value: u32, skipped: u8) -> sock_filter {
    let code = u16::try_from(BPF_JMP | BPF_JEQ | BPF_K).expect("a code");
    // SAFETY: only fills in a struct.
    unsafe { BPF_JUMP(code, value, skipped, 0) }
}

fn install(program: &[sock_filter]) {
    let len = u16::try_from(program.len()).expect("a short program");
    let filter = libc::sock_fprog { len, filter: program.as_ptr().cast_mut() };
    // SAFETY: gives up a right of this thread, touches no memory.
    let no_new_privileges = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    assert_eq!(no_new_privileges, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: `filter` points to `len` instructions, which the kernel copies before it returns.
    let installed =
        unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) };
    assert_eq!(installed, 0, "{}", std::io::Error::last_os_error());
}
