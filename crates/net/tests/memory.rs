//! Packet memory that the kernel cannot populate: a refusal at boot, and not a kill in the middle of it.

#![expect(clippy::unwrap_used, reason = "what fails to be set up fails the test")]

mod seccomp;

use net::{Pool, PoolSizing};

#[test]
fn a_pool_that_memory_is_short_for_is_refused() {
    let result = where_populating_fails_with(libc::ENOMEM, || Pool::new(&sizing()).map(drop));
    assert_eq!(result.unwrap_err().kind(), std::io::ErrorKind::OutOfMemory);
}

#[test]
fn a_pool_that_cannot_grow_serves_with_what_it_has() {
    let mut pool = Pool::new(&sizing()).unwrap();
    let started_with = pool.counters().present;
    where_populating_fails_with(libc::ENOMEM, move || {
        while fill(&mut pool) {}
        let counters = *pool.counters();
        assert_eq!((counters.present, counters.in_use), (started_with, started_with));
        assert!(counters.refused > 0 && counters.exhausted == 1);
        assert!(pool.left() == 0 && pool.is_short());
        pool.grow();
        assert_eq!(pool.counters().refused, counters.refused + 1, "asked again, once");
    });
}

#[test]
fn a_kernel_that_cannot_populate_on_request_gives_the_memory_all_the_same() {
    // Before Linux 5.14, and in a sandbox.
    for errno in [libc::EINVAL, libc::EPERM] {
        where_populating_fails_with(errno, || {
            let mut pool = Pool::new(&sizing()).unwrap();
            assert_eq!((0..200).filter(|_| fill(&mut pool)).count(), 200);
            assert!(!fill(&mut pool));
        });
    }
}

fn sizing() -> PoolSizing {
    PoolSizing::new().ahead("start", 0, 100).with("growth", 0, 100)
}

fn fill(pool: &mut Pool) -> bool {
    pool.fill(1500, |slot| Some(slot.len() - net::TAIL_ROOM)).is_ok()
}

/// On a thread of its own, since a filter stays for as long as its thread.
fn where_populating_fails_with<R: Send + 'static>(
    errno: i32,
    what: impl FnOnce() -> R + Send + 'static,
) -> R {
    let thread = std::thread::spawn(move || {
        seccomp::refuse(&[libc::SYS_madvise], errno);
        what()
    });
    thread.join().unwrap()
}
