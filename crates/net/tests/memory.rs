//! Packet memory that the kernel cannot populate: a refusal at boot, and not a kill in the middle of it.

#![expect(clippy::unwrap_used, reason = "what fails to be set up fails the test")]

mod seccomp;

use net::{Pool, PoolSizing};

#[test]
fn a_pool_that_memory_is_short_for_is_refused() {
    let error = pool_where_populating_fails_with(libc::ENOMEM).map(drop).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::OutOfMemory);
}

#[test]
fn a_kernel_that_cannot_populate_on_request_gives_the_memory_all_the_same() {
    // Before Linux 5.14, and in a sandbox.
    for errno in [libc::EINVAL, libc::EPERM] {
        let mut pool = pool_where_populating_fails_with(errno).unwrap();
        assert!(pool.fill(1500, |slot| Some(slot.len() - net::TAIL_ROOM)).is_ok());
    }
}

/// On a thread of its own, since a filter stays for as long as its thread.
fn pool_where_populating_fails_with(errno: i32) -> std::io::Result<Pool> {
    let thread = std::thread::spawn(move || {
        seccomp::refuse(&[libc::SYS_madvise], errno);
        Pool::new(&PoolSizing::new().with("test", 100, 100))
    });
    thread.join().unwrap()
}
