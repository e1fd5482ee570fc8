use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize as Count, Ordering::Relaxed};
use std::thread;

use proptest::prelude::*;

use super::*;

/// A value that counts how often it was dropped.
#[derive(Debug)]
struct Counted<'a>(&'a Count);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[test]
fn what_is_pushed_shows_only_when_published() {
    let (mut producer, mut consumer) = ring(4);
    producer.push(1).unwrap();
    assert_eq!((producer.len(), consumer.len(), consumer.pop()), (1, 0, None));
    assert_eq!(producer.publish(), 1);
    assert_eq!(producer.publish(), 0);
    assert_eq!((consumer.len(), consumer.pop(), consumer.pop()), (1, Some(1), None));
    assert!(producer.is_empty());
}

#[test]
fn capacity_is_rounded_up_to_a_power_of_two() {
    for (asked, got) in [(0, 1), (1, 1), (3, 4), (4, 4), (1000, 1024)] {
        assert_eq!(ring::<u8>(asked).0.capacity(), got);
    }
}

#[test]
fn a_full_ring_gives_the_value_back_until_there_is_room() {
    let (mut producer, mut consumer) = ring(2);
    assert_eq!([producer.push('a'), producer.push('b'), producer.push('c')], [Ok(()), Ok(()), Err('c')]);
    producer.publish();
    assert_eq!(consumer.pop(), Some('a'));
    assert_eq!([producer.push('c'), producer.push('d')], [Ok(()), Err('d')]);
}

#[test]
fn a_batch_left_early_leaves_the_rest() {
    let (mut producer, mut consumer) = ring(8);
    (0..6).for_each(|n| producer.push(n).unwrap());
    producer.publish();
    assert_eq!(consumer.batch(4).next(), Some(0));
    assert_eq!(producer.len(), 5);
    assert_eq!(consumer.batch(3).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(consumer.batch(9).collect::<Vec<_>>(), [4, 5]);
}

#[test]
fn a_producer_that_leaves_loses_nothing() {
    let (mut producer, mut consumer) = ring(2);
    producer.push(7).unwrap();
    assert!(!consumer.is_abandoned());
    drop(producer);
    assert!(consumer.is_abandoned());
    assert_eq!((consumer.pop(), consumer.pop()), (Some(7), None));
}

#[test]
fn every_value_is_dropped_once_whoever_leaves_first() {
    for consumer_first in [true, false] {
        let dropped = Count::new(0);
        let (mut producer, mut consumer) = ring(8);
        (0..4).for_each(|_| producer.push(Counted(&dropped)).unwrap());
        producer.publish();
        drop(consumer.pop());
        producer.push(Counted(&dropped)).unwrap();
        assert!(!producer.is_abandoned());
        if consumer_first {
            drop(consumer);
            assert_eq!(dropped.load(Relaxed), 4, "what was visible goes with the consumer");
            assert!(producer.is_abandoned());
            producer.push(Counted(&dropped)).unwrap();
            drop(producer);
            assert_eq!(dropped.load(Relaxed), 6);
        } else {
            drop(producer);
            drop(consumer);
            assert_eq!(dropped.load(Relaxed), 5);
        }
    }
}

#[test]
fn what_a_consumer_leaves_is_the_producers_again() {
    let dropped = Count::new(0);
    let (mut producer, mut consumer) = ring(4);
    let push = |producer: &mut Producer<_>, n: usize| producer.push((n, Counted(&dropped))).is_ok();
    assert!((0..3).all(|n| push(&mut producer, n)));
    producer.publish();
    assert!(producer.reclaim().is_none(), "the consumer may still want them");
    drop(consumer.pop());
    consumer.leave();
    assert!(push(&mut producer, 3));
    let reclaimed: Vec<_> = core::iter::from_fn(|| producer.reclaim()).map(|(n, _)| n).collect();
    assert_eq!(reclaimed, [1, 2, 3]);
    assert!(push(&mut producer, 4));
    drop(producer);
    assert_eq!(dropped.load(Relaxed), 5);
}

#[test]
fn two_threads_see_every_value_in_order() {
    // An interpreter takes its time over each.
    const VALUES: u64 = if cfg!(miri) { 300 } else { 100_000 };
    let (mut producer, mut consumer) = ring(64);
    let sender = thread::spawn(move || {
        let mut next = 0;
        while next < VALUES {
            // Batches of changing size, so that publishing and the ring's end meet in every way.
            let until = VALUES.min(next + 1 + next % 13);
            while next < until && producer.push([next, !next]).is_ok() {
                next += 1;
            }
            if producer.publish() == 0 {
                thread::yield_now();
            }
        }
    });
    let mut expected = 0;
    while expected < VALUES {
        let before = expected;
        for value in consumer.batch(17) {
            assert_eq!(value, [expected, !expected]);
            expected += 1;
        }
        if before == expected {
            thread::yield_now();
        }
    }
    sender.join().unwrap();
    assert!(consumer.is_empty() && consumer.is_abandoned());
}

#[derive(Clone, Debug)]
enum Step {
    Push,
    Publish,
    Pop,
    Batch { most: usize, taken: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Push),
        2 => Just(Step::Publish),
        1 => Just(Step::Pop),
        1 => (0..12_usize, 0..12_usize).prop_map(|(most, taken)| Step::Batch { most, taken }),
    ]
}

proptest! {
    // An interpreter takes seconds for each case.
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 256 }))]

    /// Against two queues: what is staged, and what the consumer may see.
    #[test]
    fn behaves_like_a_queue(
        capacity in 1..9_usize,
        before_wrap in 0..20_usize,
        steps in prop::collection::vec(step(), 0..200),
    ) {
        let (mut producer, mut consumer) = ring_from(capacity, 0_usize.wrapping_sub(before_wrap));
        let (mut staged, mut visible) = (VecDeque::new(), VecDeque::new());
        for (value, step) in steps.into_iter().enumerate() {
            match step {
                Step::Push => {
                    let full = staged.len() + visible.len() == capacity.next_power_of_two();
                    prop_assert_eq!(producer.push(value), if full { Err(value) } else { Ok(()) });
                    if !full {
                        staged.push_back(value);
                    }
                }
                Step::Publish => {
                    prop_assert_eq!(producer.publish(), staged.len());
                    visible.append(&mut staged);
                }
                Step::Pop => prop_assert_eq!(consumer.pop(), visible.pop_front()),
                Step::Batch { most, taken } => {
                    let got: Vec<_> = consumer.batch(most).take(taken).collect();
                    let expected: Vec<_> = visible.drain(..visible.len().min(most).min(taken)).collect();
                    prop_assert_eq!(got, expected);
                }
            }
            prop_assert_eq!(consumer.len(), visible.len());
            prop_assert_eq!(producer.len(), visible.len() + staged.len());
        }
        drop(producer);
        visible.append(&mut staged);
        prop_assert_eq!(consumer.batch(usize::MAX).collect::<VecDeque<_>>(), visible);
    }
}
