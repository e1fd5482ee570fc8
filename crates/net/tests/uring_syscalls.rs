//! What the forwarding loop costs besides its work: no system call but `io_uring_enter`, and no allocation.
//!
//! The loop runs on a thread under a seccomp filter that kills the process at any other call, so the test needs
//! no tracer and cannot miss one. It is a child process because of that.

#![expect(clippy::unwrap_used, reason = "what fails to be set up fails the test")]
#![expect(clippy::print_stdout, reason = "how the child tells what it counted")]
#![expect(unsafe_code, reason = "an allocator that counts")]

mod seccomp;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use net::epoll::{EpollConfig, EpollDriver};
use net::uring::{UringConfig, UringDriver};
use net::{Clock, Driver, Ports, ReceiveBudget, Socket, SocketConfig, SocketKey, Transmit, Wait};
use wire::Mono;

#[test]
fn forwarding_makes_no_system_call_but_enter_and_allocates_nothing() {
    let output = run("uring");
    let text = String::from_utf8_lossy(&output.stdout);
    let because = match output.status.signal() {
        Some(libc::SIGSYS) => {
            "another system call was made: `strace -f -e 'trace=!io_uring_enter'` shows which"
        }
        _ => "see above",
    };
    assert!(output.status.success(), "{because}\n{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("allocations 0\n"), "{text}");
}

/// The oracle's own test: epoll makes other calls, and does not survive them.
#[test]
fn any_other_system_call_is_noticed() {
    assert_eq!(run("epoll").status.signal(), Some(libc::SIGSYS));
}

/// Not a test of its own: what the other two run in a process of theirs.
#[test]
#[ignore = "run by the other tests"]
fn child() {
    match std::env::var(DRIVER).as_deref() {
        Ok("uring") => forward(UringDriver::new(UringConfig::default()).unwrap()),
        Ok("epoll") => forward(EpollDriver::new(EpollConfig { sockets: 16, gso: true }).unwrap()),
        other => panic!("{DRIVER} is {other:?}"),
    }
}

fn run(driver: &str) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(DRIVER, driver)
        .output()
        .unwrap()
}

/// What the forwarding thread tells the one that feeds it, without a system call.
#[derive(Default)]
struct Progress {
    received: AtomicU64,
    forwarded: AtomicU64,
    allocations: AtomicU64,
    enters: AtomicU64,
    waits: AtomicU64,
}

/// One datagram in, a run of one out to each of a hundred sinks; every tenth time five in and runs of five out.
fn forward(mut driver: impl Driver) {
    let (key, local) = add(&mut driver);
    let sinks: Vec<UdpSocket> = (0..SINKS).map(|_| UdpSocket::bind((LOOPBACK, 0)).unwrap()).collect();
    let to: Vec<SocketAddr> = sinks.iter().map(|sink| sink.local_addr().unwrap()).collect();
    let progress = Arc::new(Progress::default());
    let waker = driver.waker();
    let mut clock = Clock::start();
    // Arms the receive, with what else happens once.
    driver.turn(Wait::Poll, &mut || true).unwrap();
    let feeder_progress = Arc::clone(&progress);
    std::thread::spawn(move || {
        let progress = feeder_progress;
        let mut clock = Clock::start();
        let source = UdpSocket::bind((LOOPBACK, 0)).unwrap();
        let mut sent = 0;
        while progress.forwarded.load(Ordering::Acquire) < FORWARDED {
            let burst = if sent % 10 == 9 { 5 } else { 1 };
            for _ in 0..burst {
                source.send_to(&[7; BYTES], local).unwrap();
            }
            sent += burst;
            waker.wake();
            let given_up = clock.read() + Duration::from_secs(10);
            while progress.received.load(Ordering::Acquire) < sent {
                assert_or_exit(clock.read() < given_up, "the forwarder stands still");
                std::thread::yield_now();
            }
        }
        // The forwarder may not print, and not even exit.
        let read = |count: &AtomicU64| count.load(Ordering::Acquire);
        println!("forwarded {}", read(&progress.forwarded));
        println!("enters {} waits {}", read(&progress.enters), read(&progress.waits));
        println!("allocations {}", read(&progress.allocations));
        std::process::exit(0);
    });
    seccomp::allow_only(&[
        libc::SYS_io_uring_enter,
        // Not made where the clock is in the vDSO; some virtual machines have none there.
        libc::SYS_clock_gettime,
    ]);
    loop {
        let warm = progress.forwarded.load(Ordering::Relaxed) > WARM;
        let before = ALLOCATIONS.get();
        tick(&mut driver, key, &to, &mut clock, &progress);
        if warm {
            progress.allocations.fetch_add(ALLOCATIONS.get() - before, Ordering::Relaxed);
        }
    }
}

/// A panic of the feeder would leave the forwarder waiting for ever.
fn assert_or_exit(holds: bool, otherwise: &str) {
    if !holds {
        println!("{otherwise}");
        std::process::exit(1);
    }
}

fn tick(driver: &mut impl Driver, key: SocketKey, to: &[SocketAddr], clock: &mut Clock, progress: &Progress) {
    driver.turn(Wait::Until(Mono::NEVER), &mut || true).unwrap();
    let mut received = 0;
    let budget = ReceiveBudget { total: 100, per_socket: 100 };
    driver.receive(clock.read(), budget, &mut |batch| received += batch.datagrams().len());
    if received == 0 {
        return;
    }
    let len = received * BYTES;
    for &to in to {
        driver.reserve(len).fill(7);
        driver.send(Transmit { socket: key, to, from: None, len, segment_size: BYTES });
    }
    driver.turn(Wait::Poll, &mut || true).unwrap();
    let counters = driver.counters();
    progress.enters.store(counters.syscalls, Ordering::Relaxed);
    progress.waits.store(counters.waits, Ordering::Relaxed);
    progress.forwarded.store(counters.sent_datagrams, Ordering::Release);
    progress.received.store(counters.received_datagrams, Ordering::Release);
}

fn add(driver: &mut impl Driver) -> (SocketKey, SocketAddr) {
    let socket = Socket::bind(&SocketConfig::new(LOOPBACK, Ports::Exact(0))).unwrap();
    let local = socket.local_addr();
    (driver.add(socket).unwrap(), local)
}

/// The system's allocator, with a count for each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is passed on as it is; counting touches a plain integer of the thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: as for `alloc`.
        unsafe { System.dealloc(start, layout) };
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const DRIVER: &str = "NET_TEST_DRIVER";
const SINKS: usize = 100;
const BYTES: usize = 200;
const FORWARDED: u64 = 100_000;
/// After so many datagrams nothing is used for the first time any more.
const WARM: u64 = 2_000;
