//! loom walks through every interleaving of the two ends of a small ring.

use std::sync::Arc as Real;
use std::sync::atomic::AtomicUsize as Count;

use loom::thread;

use super::*;

/// Three values through a ring of two, published as a batch and alone, across the wrap of the positions.
#[test]
fn values_cross_in_order_across_the_wrap() {
    loom::model(|| {
        let (mut producer, mut consumer) = ring_from(2, usize::MAX);
        let sender = thread::spawn(move || {
            producer.push(Box::new(0)).unwrap();
            producer.push(Box::new(1)).unwrap();
            producer.publish();
            while producer.push(Box::new(2)).is_err() {
                thread::yield_now();
            }
            producer.publish();
        });
        let mut expected = 0;
        while expected < 3 {
            for value in consumer.batch(2) {
                assert_eq!(*value, expected);
                expected += 1;
            }
            thread::yield_now();
        }
        sender.join().unwrap();
        assert_eq!(consumer.pop(), None);
    });
}

/// What a producer pushed is there once it is seen to be gone.
#[test]
fn who_sees_the_producer_gone_sees_all_it_pushed() {
    loom::model(|| {
        let (mut producer, mut consumer) = ring(2);
        let sender = thread::spawn(move || {
            producer.push(Box::new(1)).unwrap();
        });
        while !consumer.is_abandoned() {
            thread::yield_now();
        }
        assert_eq!(consumer.pop(), Some(Box::new(1)));
        assert_eq!(consumer.pop(), None);
        sender.join().unwrap();
    });
}

/// The consumer leaves at any moment: each value is taken by it or reclaimed.
#[test]
fn what_is_left_is_reclaimed_or_was_taken() {
    loom::model(|| {
        let (mut producer, mut consumer) = ring(2);
        let receiver = thread::spawn(move || {
            let taken = consumer.pop();
            consumer.leave();
            taken
        });
        for value in [1, 2] {
            producer.push(Box::new(value)).unwrap();
            producer.publish();
        }
        while !producer.is_abandoned() {
            thread::yield_now();
        }
        let early = producer.reclaim();
        let taken = receiver.join().unwrap();
        let values: Vec<_> =
            taken.into_iter().chain(early).chain(producer.reclaim()).map(|value| *value).collect();
        let rest: Vec<_> = core::iter::from_fn(|| producer.reclaim()).map(|value| *value).collect();
        assert_eq!([values, rest].concat(), [1, 2]);
    });
}

/// Both leave at any moment: each value is dropped once. Real atomics count, as they outlive the model's run.
#[test]
fn each_value_is_dropped_once_however_both_leave() {
    struct Counted(Real<Count>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, core::sync::atomic::Ordering::Relaxed);
        }
    }
    loom::model(|| {
        let dropped = Real::new(Count::new(0));
        let (mut producer, mut consumer) = ring(2);
        let sender = {
            let dropped = Real::clone(&dropped);
            thread::spawn(move || {
                for _ in 0..2 {
                    producer.push(Counted(Real::clone(&dropped))).ok().unwrap();
                    producer.publish();
                }
            })
        };
        drop(consumer.pop());
        drop(consumer);
        sender.join().unwrap();
        assert_eq!(dropped.load(core::sync::atomic::Ordering::Relaxed), 2);
    });
}
