//! The handshake as loom sees it: alone with several wakers, and with a ring as the queue that is looked at.
//!
//! A lost wake-up is a deadlock here, which loom reports. Both fences were removed in turn to see that it
//! does.

use loom::sync::atomic::AtomicU32;
use loom::sync::{Condvar, Mutex};
use loom::thread;

use super::handshake::{Bell, Handshake};
use super::ring::ring;
use super::sync::{Arc, Ordering};

/// An eventfd as loom can see it.
#[derive(Default)]
struct Counter {
    written: Mutex<u32>,
    rung: Condvar,
}

impl Counter {
    fn wait(&self) -> u32 {
        let mut written = self.written.lock().unwrap();
        while *written == 0 {
            written = self.rung.wait(written).unwrap();
        }
        core::mem::take(&mut *written)
    }
}

impl Bell for Counter {
    fn ring(&self) {
        *self.written.lock().unwrap() += 1;
        self.rung.notify_one();
    }
}

/// Each of `wakers` makes one piece of work visible; the sleeper must see all.
fn every_piece_is_seen(wakers: u32, preemptions: Option<usize>) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = preemptions;
    model.check(move || {
        let handshake = Arc::new(Handshake::new(Counter::default()));
        let work = Arc::new(AtomicU32::new(0));
        let threads: Vec<_> = (0..wakers)
            .map(|_| {
                let (handshake, work) = (Arc::clone(&handshake), Arc::clone(&work));
                thread::spawn(move || {
                    work.fetch_add(1, Ordering::Release);
                    handshake.wake();
                })
            })
            .collect();
        let (mut raised, mut rung) = (0, 0);
        let mut seen = work.load(Ordering::Relaxed);
        while seen < wakers {
            raised += 1;
            if handshake.prepare(&mut || work.load(Ordering::Relaxed) == seen) {
                rung += handshake.bell().wait();
                handshake.awake();
            }
            seen = work.load(Ordering::Relaxed);
        }
        assert!(rung <= raised, "at most one ring for each time the flag went up");
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn one_waker_is_never_missed() {
    every_piece_is_seen(1, None);
}

#[test]
fn two_wakers_are_never_missed() {
    // Unbounded it runs for minutes; every known way to break the handshake shows with two preemptions.
    every_piece_is_seen(2, Some(3));
}

#[test]
fn a_sleeper_on_a_ring_gets_every_value() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(4);
    model.check(|| {
        let handshake = Arc::new(Handshake::new(Counter::default()));
        let (mut producer, mut consumer) = ring(2);
        let sender = {
            let handshake = Arc::clone(&handshake);
            thread::spawn(move || {
                for value in 0..3 {
                    while producer.push(value).is_err() {
                        thread::yield_now();
                    }
                    producer.publish();
                    handshake.wake();
                }
            })
        };
        let mut expected = 0;
        while expected < 3 {
            for value in consumer.batch(2) {
                assert_eq!(value, expected);
                expected += 1;
            }
            if expected < 3 && handshake.prepare(&mut || consumer.is_empty()) {
                handshake.bell().wait();
                handshake.awake();
            }
        }
        sender.join().unwrap();
    });
}
