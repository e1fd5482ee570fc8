//! Dense tables: a key is a place and the generation of what stands there, so that a key outlived by its entry names
//! nothing.

use core::marker::PhantomData;

/// Names an entry of one kind of table.
pub trait Key: Copy + Ord {
    /// The key of that place and generation.
    fn new(index: u32, generation: u32) -> Self;
    /// The place.
    fn index(self) -> usize;
    /// The generation.
    fn generation(self) -> u32;
}

macro_rules! key {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            index: u32,
            generation: u32,
        }

        impl Key for $name {
            #[inline]
            fn new(index: u32, generation: u32) -> Self {
                Self { index, generation }
            }

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

key! {
    /// Names a transport of a [`crate::Router`].
    TransportKey,
    /// Names a producer of a [`crate::Router`].
    ProducerKey,
    /// Names a consumer of a [`crate::Router`].
    ConsumerKey,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Slots<K, V> {
    entries: Vec<Entry<V>>,
    vacant: Vec<u32>,
    key: PhantomData<K>,
}

#[derive(Clone, Debug)]
struct Entry<V> {
    generation: u32,
    value: Option<V>,
}

impl<K: Key, V> Slots<K, V> {
    pub(crate) const fn new() -> Self {
        Self { entries: Vec::new(), vacant: Vec::new(), key: PhantomData }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len().saturating_sub(self.vacant.len())
    }

    pub(crate) fn insert(&mut self, value: V) -> K {
        if let Some(index) = self.vacant.pop()
            && let Some(entry) = self.entries.get_mut(index as usize)
        {
            entry.value = Some(value);
            return K::new(index, entry.generation);
        }
        // Memory ends long before 2^32 entries.
        let index = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.entries.push(Entry { generation: 0, value: Some(value) });
        K::new(index, 0)
    }

    pub(crate) fn remove(&mut self, key: K) -> Option<V> {
        let entry = self.entries.get_mut(key.index()).filter(|entry| entry.generation == key.generation())?;
        let value = entry.value.take()?;
        entry.generation = entry.generation.wrapping_add(1);
        self.vacant.push(u32::try_from(key.index()).unwrap_or(u32::MAX));
        Some(value)
    }

    #[inline]
    pub(crate) fn get(&self, key: K) -> Option<&V> {
        let entry = self.entries.get(key.index()).filter(|entry| entry.generation == key.generation())?;
        entry.value.as_ref()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        let entry = self.entries.get_mut(key.index()).filter(|entry| entry.generation == key.generation())?;
        entry.value.as_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_not_outlive_its_entry() {
        let mut slots: Slots<ProducerKey, &str> = Slots::new();
        let first = slots.insert("a");
        assert_eq!((slots.get(first), slots.len()), (Some(&"a"), 1));
        assert_eq!(slots.remove(first), Some("a"));
        assert_eq!((slots.remove(first), slots.len()), (None, 0));
        let second = slots.insert("b");
        assert_eq!((first.index(), slots.get(first)), (second.index(), None));
        assert_eq!(slots.get_mut(second), Some(&mut "b"));
    }
}
