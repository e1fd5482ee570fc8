//! Packets on loan to another thread and home again, while both threads sleep whenever they can.
//!
//! What must hold: a packet reads the same on the other core, its slot is not reused before it is home, every
//! slot comes home, and nobody sleeps through work. Rings and pool are small, so that all of them run full.

#![cfg(not(loom))]
#![expect(clippy::unwrap_used, reason = "what fails to be set up fails the test")]

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use net::epoll::{EpollConfig, EpollDriver};
use net::lane::{Consumer, Producer, Waker, ring};
use net::uring::{UringConfig, UringDriver};
use net::{Clock, Driver, Loan, LoanReader, Pool, PoolSizing, Wait};

const PACKETS: u64 = 20_000;

/// What crosses: a packet, and which one it must be.
struct HandOver {
    loan: Loan,
    number: u64,
}

/// The thread that owns the packets.
struct Lender {
    pool: Pool,
    out: Producer<HandOver>,
    home: Consumer<Loan>,
    borrower: Waker,
}

impl Lender {
    /// Hands over all packets, each as often as it takes until the ring has room, and waits until all are
    /// home.
    fn run(mut self, driver: &mut impl Driver) -> Pool {
        let mut number = 0;
        while number < PACKETS {
            while number < PACKETS && self.hand_over(number) {
                number += 1;
            }
            if self.out.publish() > 0 {
                self.borrower.wake();
            }
            self.await_home(driver);
        }
        // Leaving is news as well, and a ring wakes nobody.
        drop(self.out);
        self.borrower.wake();
        while self.pool.counters().on_loan > 0 {
            sleep(driver, &mut || self.home.is_empty());
            self.home.batch(usize::MAX).for_each(|loan| self.pool.take_back(loan));
        }
        self.pool
    }

    /// Whether there was a slot and room.
    fn hand_over(&mut self, number: u64) -> bool {
        let packet = packet(number);
        let filled = self.pool.fill(packet.len(), |slot| {
            slot[..packet.len()].copy_from_slice(&packet);
            Some(packet.len())
        });
        let Ok(slot) = filled else { return false };
        let loan = self.pool.lend(slot).unwrap();
        self.pool.release(slot);
        match self.out.push(HandOver { loan, number }) {
            Ok(()) => true,
            Err(refused) => {
                self.pool.take_back(refused.loan);
                false
            }
        }
    }

    fn await_home(&mut self, driver: &mut impl Driver) {
        sleep(driver, &mut || self.home.is_empty() && self.pool.counters().on_loan > 0);
        self.home.batch(usize::MAX).for_each(|loan| self.pool.take_back(loan));
    }
}

/// The thread that reads them.
struct Borrower {
    packets: LoanReader,
    inbox: Consumer<HandOver>,
    back: Producer<Loan>,
    lender: Waker,
}

impl Borrower {
    /// Reads packets until there are no more; how many came.
    fn run(mut self, driver: &mut impl Driver) -> u64 {
        let mut seen = 0;
        loop {
            // Asked first: what was pushed before the lender left is in the ring then.
            let last = self.inbox.is_abandoned();
            for HandOver { loan, number } in self.inbox.batch(3) {
                assert_eq!(number, seen, "in order, none twice");
                assert_eq!(self.packets.bytes(&loan), Some(&packet(number)[..]));
                seen += 1;
                self.back.push(loan).unwrap();
            }
            if self.back.publish() > 0 {
                self.lender.wake();
            } else if last && self.inbox.is_empty() {
                return seen;
            }
            sleep(driver, &mut || self.inbox.is_empty() && !self.inbox.is_abandoned());
        }
    }
}

/// The bytes of one packet: of no two near each other the same, and of changing length.
fn packet(number: u64) -> Vec<u8> {
    let words = 1 + number % 31;
    (0..words).flat_map(|word| (number * 31 + word).to_be_bytes()).collect()
}

/// Waits as a shard does. The limit is far beyond any delay of a healthy machine.
fn sleep(driver: &mut impl Driver, idle: &mut dyn FnMut() -> bool) {
    let mut clock = Clock::start();
    let limit = clock.now() + Duration::from_secs(20);
    driver.turn(Wait::Until(limit), idle).unwrap();
    assert!(clock.read() < limit, "slept through work");
}

fn round_trip<L: Driver, B: Driver + 'static>(lending: fn() -> L, borrowing: fn() -> B) {
    let pool = Pool::new(&PoolSizing::new().with("on the way", 8, 2)).unwrap();
    let (out, inbox) = ring(4);
    let (back, home) = ring(pool.capacity());
    let packets = pool.reader();
    let mut driver = lending();
    let lender = driver.waker();
    let (tell, told) = mpsc::channel();
    let borrower = thread::spawn(move || {
        // A driver lives where it was made.
        let mut driver = borrowing();
        tell.send(driver.waker()).unwrap();
        Borrower { packets, inbox, back, lender }.run(&mut driver)
    });
    let lender = Lender { pool, out, home, borrower: told.recv().unwrap() };
    let pool = lender.run(&mut driver);
    assert_eq!(borrower.join().unwrap(), PACKETS);
    let counters = pool.counters();
    assert_eq!((counters.in_use, counters.on_loan, counters.misdirected), (0, 0, 0));
    assert!(driver.counters().waits > 0, "the lender never had to wait: nothing was tested");
}

fn epoll() -> EpollDriver {
    EpollDriver::new(EpollConfig::default()).unwrap()
}

fn uring() -> UringDriver {
    UringDriver::new(UringConfig { sockets: 8, buffers: 8, batch: 8, ..UringConfig::default() }).unwrap()
}

#[test]
fn loans_cross_and_come_home_between_epoll_threads() {
    round_trip(epoll, epoll);
}

#[test]
fn loans_cross_and_come_home_between_uring_and_epoll() {
    round_trip(uring, epoll);
    round_trip(epoll, uring);
}
