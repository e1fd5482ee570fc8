//! Transports that have something to send: each once, in the order in which that became true.
//!
//! Owned by the shard's [`Context`](crate::Context). What is marked while transports are being flushed waits
//! for the next tick, so a flush always ends.

use crate::key::TransportKey;

/// The list.
#[derive(Debug)]
pub(crate) struct Dirty {
    marked: Vec<TransportKey>,
    /// By transport index: the generation that is in the list, if any.
    listed: Vec<Option<u32>>,
    /// How many at the front belong to the flush that is running.
    sealed: usize,
    taken: usize,
}

impl Dirty {
    pub(crate) fn with_capacity(transports: usize) -> Self {
        // Twice: a transport can be listed anew, by another generation or during its own flush.
        let marked = Vec::with_capacity(transports * 2);
        Self { marked, listed: vec![None; transports], sealed: 0, taken: 0 }
    }

    /// Whether a transport is in the list.
    #[inline]
    pub(crate) fn lists(&self, key: TransportKey) -> bool {
        self.listed.get(key.place()) == Some(&Some(key.generation))
    }

    /// Puts a transport at the end of the list, unless it is in it.
    #[inline]
    pub(crate) fn mark(&mut self, key: TransportKey) {
        let Some(listed) = self.listed.get_mut(key.place()) else {
            return;
        };
        if *listed != Some(key.generation) {
            *listed = Some(key.generation);
            self.marked.push(key);
        }
    }

    /// Fixes whom the next `take`s return: the first `limit`.
    pub(crate) fn seal(&mut self, limit: usize) {
        self.sealed = self.marked.len().min(limit);
        self.taken = 0;
    }

    /// The next of the sealed ones. It may be marked anew from here on.
    pub(crate) fn take(&mut self) -> Option<TransportKey> {
        if self.taken == self.sealed {
            self.marked.drain(..self.sealed);
            (self.sealed, self.taken) = (0, 0);
            return None;
        }
        let key = self.marked[self.taken];
        self.taken += 1;
        let listed = &mut self.listed[key.place()];
        if *listed == Some(key.generation) {
            *listed = None;
        }
        Some(key)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.marked.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.marked.clear();
        self.listed.fill(None);
        (self.sealed, self.taken) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn key(index: u32) -> TransportKey {
        TransportKey::new(index, 0)
    }

    fn flushed(dirty: &mut Dirty, limit: usize) -> Vec<u32> {
        dirty.seal(limit);
        core::iter::from_fn(|| dirty.take()).map(|key| key.index).collect()
    }

    #[test]
    fn each_once_in_order_of_arrival() {
        let mut dirty = Dirty::with_capacity(8);
        for index in [5, 2, 5, 7, 2] {
            dirty.mark(key(index));
        }
        assert_eq!(flushed(&mut dirty, 10), [5, 2, 7]);
        assert!(dirty.is_empty());
    }

    #[test]
    fn what_the_bound_leaves_comes_first_next_time() {
        let mut dirty = Dirty::with_capacity(8);
        for index in [1, 2, 3] {
            dirty.mark(key(index));
        }
        assert_eq!(flushed(&mut dirty, 2), [1, 2]);
        dirty.mark(key(1));
        assert_eq!(flushed(&mut dirty, 2), [3, 1]);
    }

    #[test]
    fn marks_made_during_a_flush_wait_for_the_next() {
        let mut dirty = Dirty::with_capacity(8);
        dirty.mark(key(1));
        dirty.seal(10);
        assert_eq!(dirty.take(), Some(key(1)));
        dirty.mark(key(1));
        assert_eq!(dirty.take(), None);
        assert_eq!(flushed(&mut dirty, 10), [1]);
    }

    #[test]
    fn keys_beyond_the_table_are_ignored() {
        let mut dirty = Dirty::with_capacity(1);
        dirty.mark(key(1));
        assert!(dirty.is_empty());
    }
}
