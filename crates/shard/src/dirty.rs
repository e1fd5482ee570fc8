//! Transports that have something to send: each once, in the order in which that became true.
//!
//! Owned by the shard's [`Context`](crate::Context). What is marked while transports are being flushed waits
//! for the next tick, so a flush always ends.

use crate::key::TransportKey;

/// The list.
#[derive(Debug)]
pub(crate) struct Dirty {
    marked: Vec<TransportKey>,
    /// By place: small, because it is looked at for every packet of every transport.
    places: Vec<Place>,
    /// How many at the front belong to the flush that is running.
    sealed: usize,
    taken: usize,
}

/// Who is at a place, and whether it is in the list.
#[derive(Clone, Copy, Debug)]
struct Place {
    generation: u32,
    standing: Standing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Closed,
    Idle,
    Listed,
}

impl Dirty {
    pub(crate) fn with_capacity(transports: usize) -> Self {
        // Twice: a transport can be listed anew, by another generation or during its own flush.
        let marked = Vec::with_capacity(transports * 2);
        let vacant = Place { generation: 0, standing: Standing::Closed };
        Self { marked, places: vec![vacant; transports], sealed: 0, taken: 0 }
    }

    /// From now on a transport can be marked.
    pub(crate) fn open(&mut self, key: TransportKey) {
        if let Some(place) = self.places.get_mut(key.place()) {
            *place = Place { generation: key.generation, standing: Standing::Idle };
        }
    }

    /// Takes a transport out of the list, for good.
    pub(crate) fn close(&mut self, key: TransportKey) {
        if let Some(place) = self.of(key) {
            place.standing = Standing::Closed;
        }
    }

    /// Puts an open transport at the end of the list, unless it is in it. A stale key is nobody's.
    #[inline]
    pub(crate) fn mark(&mut self, key: TransportKey) {
        if let Some(place) = self.of(key)
            && place.standing == Standing::Idle
        {
            place.standing = Standing::Listed;
            self.marked.push(key);
        }
    }

    /// Fixes whom the next `take`s return: the first `limit`.
    pub(crate) fn seal(&mut self, limit: usize) {
        self.sealed = self.marked.len().min(limit);
        self.taken = 0;
    }

    /// The next of the sealed ones that is still open. It may be marked anew from here on.
    pub(crate) fn take(&mut self) -> Option<TransportKey> {
        while self.taken < self.sealed {
            let key = self.marked[self.taken];
            self.taken += 1;
            if let Some(place) = self.of(key)
                && place.standing == Standing::Listed
            {
                place.standing = Standing::Idle;
                return Some(key);
            }
        }
        self.marked.drain(..self.sealed);
        (self.sealed, self.taken) = (0, 0);
        None
    }

    /// Who is taken so many steps after the last one, unless it is closed till then.
    #[inline]
    pub(crate) fn ahead(&self, steps: usize) -> Option<TransportKey> {
        let at = self.taken + steps - 1;
        self.marked.get(at).filter(|_| at < self.sealed).copied()
    }

    /// How many are in the list, or were and are closed.
    pub(crate) fn len(&self) -> usize {
        self.marked.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.marked.is_empty()
    }

    /// Forgets everybody.
    pub(crate) fn clear(&mut self) {
        self.marked.clear();
        self.places.iter_mut().for_each(|place| place.standing = Standing::Closed);
        (self.sealed, self.taken) = (0, 0);
    }

    #[inline]
    fn of(&mut self, key: TransportKey) -> Option<&mut Place> {
        self.places.get_mut(key.place()).filter(|place| place.generation == key.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn key(index: u32) -> TransportKey {
        TransportKey::new(index, 0)
    }

    /// A list of so many open transports.
    fn dirty(transports: u32) -> Dirty {
        let mut dirty = Dirty::with_capacity(transports as usize);
        (0..transports).for_each(|index| dirty.open(key(index)));
        dirty
    }

    fn flushed(dirty: &mut Dirty, limit: usize) -> Vec<u32> {
        dirty.seal(limit);
        core::iter::from_fn(|| dirty.take()).map(|key| key.index).collect()
    }

    #[test]
    fn each_once_in_order_of_arrival() {
        let mut dirty = dirty(8);
        for index in [5, 2, 5, 7, 2] {
            dirty.mark(key(index));
        }
        assert_eq!(flushed(&mut dirty, 10), [5, 2, 7]);
        assert!(dirty.is_empty());
    }

    #[test]
    fn what_the_bound_leaves_comes_first_next_time() {
        let mut dirty = dirty(8);
        for index in [1, 2, 3] {
            dirty.mark(key(index));
        }
        assert_eq!(flushed(&mut dirty, 2), [1, 2]);
        dirty.mark(key(1));
        assert_eq!(flushed(&mut dirty, 2), [3, 1]);
    }

    #[test]
    fn marks_made_during_a_flush_wait_for_the_next() {
        let mut dirty = dirty(8);
        dirty.mark(key(1));
        dirty.seal(10);
        assert_eq!(dirty.take(), Some(key(1)));
        dirty.mark(key(1));
        assert_eq!(dirty.take(), None);
        assert_eq!(flushed(&mut dirty, 10), [1]);
    }

    #[test]
    fn keys_beyond_the_table_are_ignored() {
        let mut dirty = dirty(1);
        dirty.mark(key(1));
        assert!(dirty.is_empty());
    }

    #[test]
    fn who_closes_is_not_flushed_and_neither_is_an_old_key_of_the_next() {
        let mut dirty = dirty(4);
        for index in [1, 2] {
            dirty.mark(key(index));
        }
        dirty.close(key(1));
        dirty.mark(key(1));
        assert_eq!(flushed(&mut dirty, 10), [2]);
        let next = TransportKey::new(1, 1);
        dirty.open(next);
        dirty.mark(key(1));
        dirty.mark(next);
        dirty.seal(10);
        assert_eq!((dirty.take(), dirty.take()), (Some(next), None));
        dirty.mark(next);
        dirty.clear();
        dirty.mark(next);
        assert!(dirty.is_empty());
    }
}
