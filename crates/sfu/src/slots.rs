//! Dense tables: a key is a place and the generation of what stands there, so that a key outlived by its entry names
//! nothing. Control gives the keys; a table grows to the highest place it was given, within its limit.

use core::marker::PhantomData;

use model::key::{ConsumerKey, DataConsumerKey, DataProducerKey, ProducerKey, TransportKey};

/// Names an entry of one kind of table.
pub(crate) trait Key: Copy {
    /// The place.
    fn index(self) -> usize;
    /// The generation.
    fn generation(self) -> u32;
}

macro_rules! keys {
    ($($name:ident),+) => {$(
        impl Key for $name {
            #[inline]
            fn index(self) -> usize {
                self.index as usize
            }

            #[inline]
            fn generation(self) -> u32 {
                self.generation
            }
        }
    )+};
}

keys!(TransportKey, ProducerKey, ConsumerKey, DataProducerKey, DataConsumerKey);

/// Why nothing can stand under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPlace {
    /// Something stands there.
    #[error("its place is taken")]
    Taken,
    /// The place is beyond the table.
    #[error("its place is beyond the shard's table")]
    Beyond,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Slots<K, V> {
    entries: Vec<Place<V>>,
    limit: usize,
    len: usize,
    key: PhantomData<K>,
}

/// Begins a cache line, with who stands there; behind that is what the value has first, such as what every packet looks
/// at. Without a tag of its own that would be told by some field far behind.
#[derive(Clone, Debug)]
#[repr(u32, align(64))]
enum Place<V> {
    Vacant,
    Taken { generation: u32, value: V },
}

impl<K: Key, V> Slots<K, V> {
    /// A table of at most `limit` entries.
    pub(crate) const fn new(limit: usize) -> Self {
        Self { entries: Vec::new(), limit, len: 0, key: PhantomData }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Whether something could stand under the key.
    pub(crate) fn vacant(&self, key: K) -> Result<(), NoPlace> {
        match self.entries.get(key.index()) {
            Some(Place::Taken { .. }) => Err(NoPlace::Taken),
            _ if key.index() >= self.limit => Err(NoPlace::Beyond),
            _ => Ok(()),
        }
    }

    pub(crate) fn insert(&mut self, key: K, value: V) -> Result<(), NoPlace> {
        self.vacant(key)?;
        if key.index() >= self.entries.len() {
            self.entries.resize_with(key.index().saturating_add(1), || Place::Vacant);
        }
        if let Some(entry) = self.entries.get_mut(key.index()) {
            *entry = Place::Taken { generation: key.generation(), value };
            self.len = self.len.saturating_add(1);
        }
        Ok(())
    }

    pub(crate) fn remove(&mut self, key: K) -> Option<V> {
        self.get(key)?;
        let Place::Taken { value, .. } =
            core::mem::replace(self.entries.get_mut(key.index())?, Place::Vacant)
        else {
            return None;
        };
        self.len = self.len.saturating_sub(1);
        self.shrink();
        Some(value)
    }

    #[inline]
    pub(crate) fn get(&self, key: K) -> Option<&V> {
        match self.entries.get(key.index())? {
            Place::Taken { generation, value } if *generation == key.generation() => Some(value),
            _ => None,
        }
    }

    /// Where the entry of a key would be, unread.
    #[inline]
    pub(crate) fn place(&self, key: K) -> Option<&(impl Sized + use<K, V>)> {
        self.entries.get(key.index())
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        match self.entries.get_mut(key.index())? {
            Place::Taken { generation, value } if *generation == key.generation() => Some(value),
            _ => None,
        }
    }

    fn shrink(&mut self) {
        while matches!(self.entries.last(), Some(Place::Vacant)) {
            self.entries.pop();
        }
        give_back(&mut self.entries, KEPT);
    }
}

/// Gives back what a crowd left behind in a list from which something was taken, but for `least` places; not before
/// three quarters are empty, so that coming and going stay cheap. A list of nothing keeps nothing: few as they are, its
/// places lie among what the crowd had, and hold a page of it each.
pub(crate) fn give_back<T>(list: &mut Vec<T>, least: usize) {
    if list.is_empty() {
        *list = Vec::new();
        return;
    }
    let (used, room) = (list.len(), list.capacity());
    if room > least && used < room / 4 {
        list.shrink_to(used.saturating_mul(2).max(least));
    }
}

/// Places that a table in use keeps room for: a small room's worth.
pub(crate) const KEPT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_not_outlive_its_entry() {
        let mut slots: Slots<ProducerKey, &str> = Slots::new(4);
        let first = ProducerKey::new(3, 7);
        assert_eq!(slots.insert(first, "a"), Ok(()));
        assert_eq!(slots.insert(first.next(), "b"), Err(NoPlace::Taken));
        assert_eq!((slots.get(first), slots.len()), (Some(&"a"), 1));
        assert_eq!(slots.remove(first.next()), None);
        assert_eq!((slots.remove(first), slots.remove(first), slots.len()), (Some("a"), None, 0));
        assert_eq!(slots.insert(first.next(), "b"), Ok(()));
        assert_eq!(slots.get(first), None);
        assert_eq!(slots.get_mut(first.next()), Some(&mut "b"));
    }

    #[test]
    fn a_key_beyond_the_table_costs_nothing() {
        let mut slots: Slots<ProducerKey, &str> = Slots::new(4);
        assert_eq!(slots.insert(ProducerKey::new(4, 0), "a"), Err(NoPlace::Beyond));
        assert_eq!(slots.insert(ProducerKey::new(u32::MAX, 0), "a"), Err(NoPlace::Beyond));
        assert_eq!(slots.entries.capacity(), 0);
    }

    #[test]
    fn a_table_gives_back_what_a_crowd_needed() {
        let mut slots: Slots<ProducerKey, u64> = Slots::new(10_000);
        (0..5000).for_each(|index| assert_eq!(slots.insert(ProducerKey::new(index, 0), 1), Ok(())));
        let most = slots.entries.capacity();
        // Places at the front are free long before those behind them.
        (0..4900).for_each(|index| assert_eq!(slots.remove(ProducerKey::new(index, 0)), Some(1)));
        assert_eq!(slots.entries.capacity(), most);
        (4900..5000).for_each(|index| assert_eq!(slots.remove(ProducerKey::new(index, 0)), Some(1)));
        assert!(slots.entries.capacity() <= 4 * KEPT, "{}", slots.entries.capacity());
        assert_eq!(slots.insert(ProducerKey::new(9999, 0), 2), Ok(()));
        assert_eq!(slots.get(ProducerKey::new(9999, 0)), Some(&2));
        assert_eq!(slots.remove(ProducerKey::new(9999, 0)), Some(2));
        assert_eq!(slots.entries.capacity(), 0);
    }

    #[test]
    fn a_list_keeps_a_few_places_while_it_is_used_and_none_when_it_is_empty() {
        let mut list: Vec<u32> = (0..1000).collect();
        list.truncate(1);
        give_back(&mut list, 8);
        assert_eq!(list.capacity(), 8);
        list.clear();
        give_back(&mut list, 8);
        assert_eq!(list.capacity(), 0);
    }
}
