//! Events of one object, for any number of readers.
//!
//! The control thread emits and never waits: a reader has a bounded queue of its own, and one that does not keep up
//! loses the oldest events and is told how many. Readers are woken through their task's waker, so any executor will
//! do. An object whose events nobody reads costs nothing but an empty list.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use parking_lot::Mutex;
use thiserror::Error;

/// The events of an object from the moment this was asked for, until the object closes.
///
/// What an object *is* at that moment is told by its handle. A reader that falls more than [`MOST_WAITING`] events
/// behind loses the oldest of them; the next item is then [`Missed`], and what follows it is complete again.
pub struct Events<T> {
    inbox: Arc<Mutex<Inbox<T>>>,
}

/// So many events of an object came and went while its reader did not look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0} events were missed")]
pub struct Missed(pub u64);

impl<T> Events<T> {
    /// The next event; `None` once the object has closed and everything before that was read.
    pub async fn next(&mut self) -> Option<Result<T, Missed>> {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Result<T, Missed>>> {
        let mut inbox = self.inbox.lock();
        if inbox.missed > 0 {
            return Poll::Ready(Some(Err(Missed(std::mem::take(&mut inbox.missed)))));
        }
        match inbox.waiting.pop_front() {
            Some(event) => Poll::Ready(Some(Ok(event))),
            None if inbox.ended => Poll::Ready(None),
            None => {
                inbox.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<T> Stream for Events<T> {
    type Item = Result<T, Missed>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(cx)
    }
}

impl<T> fmt::Debug for Events<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inbox = self.inbox.lock();
        let mut f = f.debug_struct("Events");
        f.field("waiting", &inbox.waiting.len()).field("ended", &inbox.ended).finish_non_exhaustive()
    }
}

/// Where an object's events come from.
pub(crate) struct Emitter<T> {
    readers: Mutex<Readers<T>>,
}

impl<T: Clone> Emitter<T> {
    pub(crate) fn new() -> Self {
        Self { readers: Mutex::new(Readers { inboxes: Vec::new(), ended: false }) }
    }

    /// A reader of all that comes from now on.
    pub(crate) fn subscribe(&self) -> Events<T> {
        let mut readers = self.readers.lock();
        let inbox = Inbox { waiting: VecDeque::new(), missed: 0, ended: readers.ended, reader: None };
        let inbox = Arc::new(Mutex::new(inbox));
        if !readers.ended {
            // Here and not when readers go, so that going takes no lock of ours.
            readers.inboxes.retain(|inbox| inbox.strong_count() > 0);
            readers.inboxes.push(Arc::downgrade(&inbox));
        }
        Events { inbox }
    }

    /// Hands an event to every reader.
    pub(crate) fn emit(&self, event: &T) {
        let woken = self.readers.lock().each(|inbox| {
            if inbox.waiting.len() == MOST_WAITING {
                inbox.waiting.pop_front();
                inbox.missed += 1;
            }
            inbox.waiting.push_back(event.clone());
        });
        // A waker may run what it likes: not with a lock of ours held.
        woken.into_iter().for_each(Waker::wake);
    }

    /// Says that no event will follow.
    pub(crate) fn end(&self) {
        let woken = {
            let mut readers = self.readers.lock();
            readers.ended = true;
            let woken = readers.each(|inbox| inbox.ended = true);
            readers.inboxes = Vec::new();
            woken
        };
        woken.into_iter().for_each(Waker::wake);
    }
}

impl<T> fmt::Debug for Emitter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emitter").field("readers", &self.readers.lock().inboxes.len()).finish_non_exhaustive()
    }
}

struct Readers<T> {
    inboxes: Vec<Weak<Mutex<Inbox<T>>>>,
    ended: bool,
}

struct Inbox<T> {
    waiting: VecDeque<T>,
    missed: u64,
    ended: bool,
    reader: Option<Waker>,
}

impl<T> Readers<T> {
    /// Changes every inbox. Gives the wakers of those who wait for that.
    fn each(&mut self, mut change: impl FnMut(&mut Inbox<T>)) -> Vec<Waker> {
        let change = |inbox: Arc<Mutex<Inbox<T>>>| {
            let mut inbox = inbox.lock();
            change(&mut inbox);
            inbox.reader.take()
        };
        self.inboxes.iter().filter_map(Weak::upgrade).filter_map(change).collect()
    }
}

/// Events that wait for one reader: seconds of scores and layers of an object, more than a burst of traces, and
/// little memory.
pub const MOST_WAITING: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn poll<T>(events: &mut Events<T>) -> Poll<Option<Result<T, Missed>>> {
        Pin::new(events).poll_next(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn every_reader_gets_what_comes_after_it_asked() {
        let emitter = Emitter::new();
        let mut early = emitter.subscribe();
        emitter.emit(&1);
        let mut late = emitter.subscribe();
        emitter.emit(&2);
        assert_eq!(
            (poll(&mut early), poll(&mut early)),
            (Poll::Ready(Some(Ok(1))), Poll::Ready(Some(Ok(2))))
        );
        assert_eq!((poll(&mut late), poll(&mut late)), (Poll::Ready(Some(Ok(2))), Poll::Pending));
    }

    #[test]
    fn a_slow_reader_loses_the_oldest_and_is_told_how_many() {
        let emitter = Emitter::new();
        let mut events = emitter.subscribe();
        (0..MOST_WAITING + 3).for_each(|event| emitter.emit(&event));
        assert_eq!(poll(&mut events), Poll::Ready(Some(Err(Missed(3)))));
        assert_eq!(poll(&mut events), Poll::Ready(Some(Ok(3))));
    }

    #[test]
    fn the_end_comes_after_what_was_emitted_before() {
        let emitter = Emitter::new();
        let mut events = emitter.subscribe();
        emitter.emit(&'x');
        emitter.end();
        assert_eq!(poll(&mut events), Poll::Ready(Some(Ok('x'))));
        assert_eq!(poll(&mut events), Poll::Ready(None));
        assert_eq!(poll(&mut emitter.subscribe()), Poll::Ready(None), "too late to hear anything");
    }

    #[test]
    fn a_waiting_reader_is_woken_and_one_that_left_is_forgotten() {
        let emitter = Emitter::new();
        let (mut waiting, gone) = (emitter.subscribe(), emitter.subscribe());
        drop(gone);
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        assert!(Pin::new(&mut waiting).poll_next(&mut Context::from_waker(&waker)).is_pending());
        emitter.emit(&());
        emitter.emit(&());
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1, "once until it polls again");
        let _other = emitter.subscribe();
        assert_eq!(emitter.readers.lock().inboxes.len(), 2);
    }
}
