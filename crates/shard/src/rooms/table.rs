//! Objects at the places that control gave them.

use model::key::{
    ConsumerKey, DataConsumerKey, DataProducerKey, ProducerKey, RouterKey, RtpObserverKey, TransportKey,
    WebRtcServerKey,
};
use model::reply::{Refusal, RefusalClass};

/// A key: a place, and which of its occupants is meant.
pub(super) trait Key: Copy + Ord {
    /// How its objects are called.
    const WHAT: &'static str;
    fn place(self) -> usize;
    fn generation(self) -> u32;
}

macro_rules! keys {
    ($($key:ident = $what:literal),+ $(,)?) => {$(
        impl Key for $key {
            const WHAT: &'static str = $what;

            #[inline]
            fn place(self) -> usize {
                self.index as usize
            }

            #[inline]
            fn generation(self) -> u32 {
                self.generation
            }
        }
    )+};
}

keys!(
    WebRtcServerKey = "WebRtcServer",
    RouterKey = "router",
    TransportKey = "transport",
    ProducerKey = "producer",
    ConsumerKey = "consumer",
    DataProducerKey = "data producer",
    DataConsumerKey = "data consumer",
    RtpObserverKey = "observer",
);

/// That nothing stands under a key.
pub(super) fn absent<K: Key>(_: K) -> Refusal {
    Refusal::new(RefusalClass::NotFound, format!("there is no such {}", K::WHAT))
}

/// A dense table.
#[derive(Debug)]
pub(super) struct Table<K, V> {
    entries: Vec<Option<(K, V)>>,
    most: usize,
    len: usize,
}

impl<K: Key, V> Table<K, V> {
    /// An empty one, for at most so many.
    pub(super) const fn new(most: usize) -> Self {
        Self { entries: Vec::new(), most, len: 0 }
    }

    /// Puts something where nothing is.
    pub(super) fn insert(&mut self, key: K, value: V) -> Result<(), Refusal> {
        self.check(key)?;
        let place = key.place();
        if place >= self.entries.len() {
            self.entries.resize_with(place + 1, || None);
        }
        self.entries[place] = Some((key, value));
        self.len += 1;
        Ok(())
    }

    /// Whether something can be put there.
    pub(super) fn check(&self, key: K) -> Result<(), Refusal> {
        let refuse = |why: String| Err(Refusal::new(RefusalClass::Failed, why));
        if key.place() >= self.most {
            return refuse(format!("the shard has no room for another {}: it holds {}", K::WHAT, self.most));
        }
        match self.entries.get(key.place()) {
            Some(Some(_)) => refuse(format!("another {} still has that place", K::WHAT)),
            _ => Ok(()),
        }
    }

    pub(super) fn remove(&mut self, key: K) -> Option<V> {
        let entry = self.entries.get_mut(key.place())?.take_if(|(other, _)| *other == key)?;
        self.len -= 1;
        if self.len < self.entries.len() / SPARSE {
            self.shrink();
        }
        Some(entry.1)
    }

    /// Where the entry of a key would be, unread.
    #[inline]
    pub(super) fn place(&self, key: K) -> Option<&(impl Sized + use<K, V>)> {
        self.entries.get(key.place())
    }

    #[inline]
    pub(super) fn get(&self, key: K) -> Option<&V> {
        let (held, value) = self.entries.get(key.place())?.as_ref()?;
        if *held == key { Some(value) } else { None }
    }

    #[inline]
    pub(super) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        let (held, value) = self.entries.get_mut(key.place())?.as_mut()?;
        if *held == key { Some(value) } else { None }
    }

    /// As `get_mut`, for commands.
    pub(super) fn find_mut(&mut self, key: K) -> Result<&mut V, Refusal> {
        self.get_mut(key).ok_or_else(|| absent(key))
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// All of them, by place.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.iter_mut().flatten().map(|(_, value)| value)
    }

    /// Gives back what a crowd that has left does not need, so far as nobody stands behind it.
    #[cold]
    fn shrink(&mut self) {
        // Each empty place at the end is walked over once, and then is none any more.
        let end = self.entries.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        self.entries.truncate(end);
        if end <= self.entries.capacity() / SPARSE && self.entries.capacity() > FEW {
            self.entries.shrink_to(FEW.max(end * 2));
        }
    }
}

/// A table with fewer entries than this part of its places is looked at.
const SPARSE: usize = 4;
/// Places that no table gives back.
const FEW: usize = 64;

/// The last generation of each place, where a key can come in another way than from control, and too late.
#[derive(Debug, Default)]
pub(super) struct Generations(Vec<Option<u32>>);

impl Generations {
    /// Notes down who is or was at a place last.
    pub(super) fn note<K: Key>(&mut self, key: K) {
        if key.place() >= self.0.len() {
            self.0.resize(key.place() + 1, None);
        }
        self.0[key.place()] = Some(key.generation());
    }

    /// Whether the key is of an occupant that is still to come.
    pub(super) fn is_to_come<K: Key>(&self, key: K) -> bool {
        let last = self.0.get(key.place()).copied().flatten();
        // Generations wrap; no key is half a circle old.
        last.is_none_or(|last| key.generation().wrapping_sub(last).wrapping_sub(1) < 1 << 31)
    }

    /// Whether the key is of the last occupant.
    pub(super) fn is_last<K: Key>(&self, key: K) -> bool {
        self.0.get(key.place()).copied().flatten() == Some(key.generation())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_one_occupant_and_old_keys_find_nothing() {
        let mut table = Table::new(4);
        let key = RouterKey::new(3, u32::MAX);
        table.insert(key, 'a').unwrap();
        assert_eq!(
            &*table.insert(key.next(), 'b').unwrap_err().reason,
            "another router still has that place"
        );
        assert_eq!((table.get(key.next()).copied(), table.remove(key.next())), (None, None));
        assert_eq!((table.remove(key), table.len()), (Some('a'), 0));
        table.insert(key.next(), 'b').unwrap();
        assert_eq!((table.get(key).copied(), table.find_mut(key.next())), (None, Ok(&mut 'b')));
        assert_eq!(table.find_mut(key).unwrap_err().class, RefusalClass::NotFound);
        let refusal = table.insert(RouterKey::new(4, 0), 'c').unwrap_err();
        assert_eq!(&*refusal.reason, "the shard has no room for another router: it holds 4");
    }

    #[test]
    fn a_table_does_not_stay_as_large_as_its_largest_crowd() {
        let mut table = Table::new(10_000);
        let keys: Vec<_> = (0..5_000).map(|index| RouterKey::new(index, 0)).collect();
        for key in &keys {
            table.insert(*key, [0_u64; 4]).unwrap();
        }
        let largest = table.entries.capacity();
        for key in keys.iter().skip(1).rev() {
            table.remove(*key).unwrap();
        }
        assert!(table.entries.capacity() < largest / 4, "{}", table.entries.capacity());
        assert!(table.get(keys[0]).is_some() && table.insert(keys[4_999], [1; 4]).is_ok());
    }

    #[test]
    fn generations_tell_past_from_future_across_their_wrap() {
        let mut generations = Generations::default();
        let key = ProducerKey::new(2, u32::MAX);
        assert!(generations.is_to_come(key));
        generations.note(key);
        assert!(!generations.is_to_come(key) && generations.is_last(key));
        assert!(generations.is_to_come(key.next()), "the next one");
        assert!(!generations.is_to_come(ProducerKey::new(2, u32::MAX - 1)), "the one before");
        assert!(generations.is_to_come(ProducerKey::new(1, 0)), "another place");
    }
}
