//! A bounded ring from one thread to one other: wait-free on both ends, visible batch by batch.
//!
//! # Who touches which line
//!
//! | cache line | written by | read by |
//! |---|---|---|
//! | the producer's end: `tail`, `gone` | producer, once a batch | consumer, when it has used up what it knew |
//! | the consumer's end: `head`, `gone` | consumer, once a batch | producer, when the ring looks full to it |
//! | a slot | producer, before `tail` passes it | consumer, before `head` passes it |
//! | `staged`, `published`, `head_seen` | producer | producer |
//! | `next`, `tail_seen` | consumer | consumer |
//!
//! Positions run on without bound (and wrap around `usize`); a slot's index is the position modulo the
//! capacity, a power of two. `head <= next <= tail_seen <= tail = published <= staged <= head + capacity`.
//!
//! # Why no access races
//!
//! The producer writes a slot only at a position below `head_seen + capacity`. Each `head` it saw came from
//! an acquire load of a release store that the consumer made after it had moved the old value out: that move
//! happens before the write. Likewise the consumer reads a slot only below `tail_seen`, which an acquire load
//! took from a release store made after the slot was written. Nobody else has either handle, and neither is
//! `Clone`. No operation loops or waits for the other side, so each ends after a fixed number of steps.
//!
//! # What it does not do
//!
//! It wakes nobody: after `publish` the caller calls the `Waker` of the other side. It drops nothing: a full
//! ring gives the value back, and the caller knows whether that is a counted loss or has to wait.

use core::fmt;
use core::mem::MaybeUninit;

use super::sync::{Arc, AtomicBool, AtomicUsize, Ordering, UnsafeCell};

/// A ring for at least `capacity` values, rounded up to a power of two.
///
/// Memory for all of them is reserved at once, but its pages are touched only as the ring comes round.
///
/// # Panics
/// When `capacity` exceeds `isize::MAX`, or memory is exhausted.
pub fn ring<T: Send>(capacity: usize) -> (Producer<T>, Consumer<T>) {
    ring_from(capacity, 0)
}

/// Starts both positions at `start`, so that tests reach the wrap of `usize`.
fn ring_from<T: Send>(capacity: usize, start: usize) -> (Producer<T>, Consumer<T>) {
    assert!(capacity <= usize::MAX / 2, "a ring of {capacity} values");
    let capacity = capacity.max(1).next_power_of_two();
    let slots = (0..capacity).map(|_| UnsafeCell::new(MaybeUninit::uninit())).collect();
    let shared = Arc::new(Shared { producer: End::new(start), consumer: End::new(start), slots });
    let producer =
        Producer { shared: Arc::clone(&shared), staged: start, published: start, head_seen: start };
    (producer, Consumer { shared, next: start, tail_seen: start, leaves: false })
}

/// The end that fills the ring.
pub struct Producer<T: Send> {
    shared: Arc<Shared<T>>,
    /// Where the next value goes.
    staged: usize,
    /// What the consumer may know of.
    published: usize,
    /// How far the consumer was when last asked.
    head_seen: usize,
}

impl<T: Send> Producer<T> {
    /// Puts a value behind the others. The consumer sees it after the next [`Producer::publish`].
    ///
    /// # Errors
    /// The value, when the ring is full.
    #[expect(unsafe_code, reason = "only the producer writes a slot that is free")]
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), T> {
        if self.staged.wrapping_sub(self.head_seen) == self.capacity() {
            self.head_seen = self.shared.consumer.position.load(Ordering::Acquire);
            if self.staged.wrapping_sub(self.head_seen) == self.capacity() {
                return Err(value);
            }
        }
        // SAFETY: `staged` is below `head_seen + capacity` and not published: the slot is free and ours
        // alone.
        unsafe { self.shared.write(self.staged, value) };
        self.staged = self.staged.wrapping_add(1);
        Ok(())
    }

    /// Makes everything pushed so far visible to the consumer. Returns how many values that were; if any, the
    /// consumer may need a wake.
    #[inline]
    pub fn publish(&mut self) -> usize {
        let batch = self.staged.wrapping_sub(self.published);
        if batch > 0 {
            self.shared.producer.position.store(self.staged, Ordering::Release);
            self.published = self.staged;
        }
        batch
    }

    /// Values in the ring, published or not. Reads the consumer's line: once per tick, not per value.
    pub fn len(&self) -> usize {
        self.staged.wrapping_sub(self.shared.consumer.position.load(Ordering::Relaxed))
    }

    /// Whether the consumer has taken everything.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Most values that it holds.
    pub fn capacity(&self) -> usize {
        self.shared.capacity()
    }

    /// Takes back the oldest value that the consumer left behind when it went by [`Consumer::leave`]. Nothing
    /// while the consumer is there.
    #[expect(unsafe_code, reason = "without a consumer every value is the producer's")]
    pub fn reclaim(&mut self) -> Option<T> {
        self.publish();
        // Only the last handle gets through here: the consumer is gone, and what it did happened before.
        let shared = Arc::get_mut(&mut self.shared)?;
        let head = shared.consumer.position.load(Ordering::Acquire);
        if head == self.published {
            return None;
        }
        shared.consumer.position.store(head.wrapping_add(1), Ordering::Release);
        // SAFETY: published and not taken, read once as `head` has passed it, and nobody else is left.
        Some(unsafe { shared.read(head) })
    }

    /// Whether the consumer is gone: nobody will take what is pushed. Reads the consumer's line.
    pub fn is_abandoned(&self) -> bool {
        self.shared.consumer.gone.load(Ordering::Acquire)
    }
}

/// Publishes what was pushed, so that a value is never lost by its producer going away.
impl<T: Send> Drop for Producer<T> {
    fn drop(&mut self) {
        self.publish();
        self.shared.producer.gone.store(true, Ordering::Release);
    }
}

impl<T: Send> fmt::Debug for Producer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Producer");
        f.field("staged", &self.staged).field("published", &self.published).finish_non_exhaustive()
    }
}

/// The end that empties the ring.
pub struct Consumer<T: Send> {
    shared: Arc<Shared<T>>,
    /// The next value to take. Those from the shared `head` up to here are taken but not yet given back.
    next: usize,
    /// How far the producer was when last asked.
    tail_seen: usize,
    /// What is not taken is the producer's to [`Producer::reclaim`].
    leaves: bool,
}

impl<T: Send> Consumer<T> {
    /// Takes one value. For more than one, [`Consumer::batch`] tells the producer once.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        self.batch(1).next()
    }

    /// Takes up to `most` of the values visible now, in order, as an iterator. What it does not yield stays.
    #[inline]
    pub fn batch(&mut self, most: usize) -> Batch<'_, T> {
        if self.tail_seen.wrapping_sub(self.next) < most {
            self.tail_seen = self.shared.producer.position.load(Ordering::Acquire);
        }
        let left = self.tail_seen.wrapping_sub(self.next).min(most);
        Batch { consumer: self, left }
    }

    /// Values visible now.
    pub fn len(&self) -> usize {
        self.shared.producer.position.load(Ordering::Acquire).wrapping_sub(self.next)
    }

    /// Whether there is nothing to take: the last look before sleeping.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Most values that it holds.
    pub fn capacity(&self) -> usize {
        self.shared.capacity()
    }

    /// Goes away without dropping what it did not take: for values that must return to where they came from.
    /// [`Producer::reclaim`] yields them.
    pub fn leave(mut self) {
        self.leaves = true;
    }

    /// Whether the producer is gone. What it pushed is visible by then: empty after this means empty for
    /// ever.
    pub fn is_abandoned(&self) -> bool {
        self.shared.producer.gone.load(Ordering::Acquire)
    }
}

/// Drops what is visible at once, unless it leaves it; what the producer pushes after that goes with the ring
/// itself.
impl<T: Send> Drop for Consumer<T> {
    fn drop(&mut self) {
        self.shared.consumer.gone.store(true, Ordering::Release);
        if !self.leaves {
            self.batch(usize::MAX).for_each(drop);
        }
    }
}

impl<T: Send> fmt::Debug for Consumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").field("next", &self.next).finish_non_exhaustive()
    }
}

/// Values being taken from a ring. The producer learns of the room when this is dropped.
pub struct Batch<'a, T: Send> {
    consumer: &'a mut Consumer<T>,
    left: usize,
}

impl<T: Send> Iterator for Batch<'_, T> {
    type Item = T;

    #[expect(unsafe_code, reason = "only the consumer moves a value out")]
    #[inline]
    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        // SAFETY: `next` is below `tail_seen`, so the slot is filled and visible. It is passed right below
        // and given back no earlier than `drop`, so that this is its only read.
        let value = unsafe { self.consumer.shared.read(self.consumer.next) };
        self.consumer.next = self.consumer.next.wrapping_add(1);
        Some(value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T: Send> ExactSizeIterator for Batch<'_, T> {}

impl<T: Send> Drop for Batch<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // Stored even when nothing was taken would dirty a line that the producer reads.
        let Consumer { shared, next, .. } = &*self.consumer;
        if shared.consumer.position.load(Ordering::Relaxed) != *next {
            shared.consumer.position.store(*next, Ordering::Release);
        }
    }
}

impl<T: Send> fmt::Debug for Batch<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("left", &self.left).finish_non_exhaustive()
    }
}

/// What one side tells the other. 128 bytes, because x86 fetches cache lines in pairs.
#[repr(align(128))]
struct End {
    position: AtomicUsize,
    gone: AtomicBool,
}

impl End {
    fn new(start: usize) -> Self {
        Self { position: AtomicUsize::new(start), gone: AtomicBool::new(false) }
    }
}

struct Shared<T> {
    producer: End,
    consumer: End,
    slots: Box<[UnsafeCell<MaybeUninit<T>>]>,
}

impl<T> Shared<T> {
    fn capacity(&self) -> usize {
        self.slots.len()
    }

    fn slot(&self, position: usize) -> &UnsafeCell<MaybeUninit<T>> {
        &self.slots[position & (self.slots.len() - 1)]
    }

    /// # Safety
    /// The slot at `position` holds no value, and nobody else accesses it meanwhile.
    #[expect(unsafe_code, reason = "slots are shared by two threads; positions decide whose each one is")]
    #[inline]
    unsafe fn write(&self, position: usize, value: T) {
        self.slot(position).with_mut(|slot| {
            // SAFETY: the pointer comes from a live cell, and the caller vouches for being alone.
            let slot = unsafe { &mut *slot };
            slot.write(value);
        });
    }

    /// # Safety
    /// The slot at `position` holds a value, nobody else accesses it meanwhile, and it is not read again.
    #[expect(unsafe_code, reason = "slots are shared by two threads; positions decide whose each one is")]
    #[inline]
    unsafe fn read(&self, position: usize) -> T {
        self.slot(position).with_mut(|slot| {
            // SAFETY: the pointer comes from a live cell, and the caller vouches for being alone.
            let slot = unsafe { &*slot };
            // SAFETY: the caller vouches for a value that nobody reads again.
            unsafe { slot.assume_init_read() }
        })
    }
}

// SAFETY: the cells are what keeps this from being automatic. A value enters by `Producer` on one thread and
// leaves by `Consumer` on another (`T: Send`), never seen by two at a time: see the module's head.
#[expect(unsafe_code, reason = "a ring is what its two threads share")]
unsafe impl<T: Send> Sync for Shared<T> {}

/// Drops what neither side took. Both handles are gone, so nobody else looks.
impl<T> Drop for Shared<T> {
    #[expect(unsafe_code, reason = "slots are shared by two threads; positions decide whose each one is")]
    fn drop(&mut self) {
        let tail = self.producer.position.load(Ordering::Acquire);
        let mut position = self.consumer.position.load(Ordering::Acquire);
        while position != tail {
            // SAFETY: published and not taken, read once here, and `&mut self` says that nobody else is left.
            drop(unsafe { self.read(position) });
            position = position.wrapping_add(1);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests;

#[cfg(all(test, loom))]
mod models;
