//! Whom a Binding request on a shared port is for.
//!
//! Our own part of its user name says it (RFC 8445 §7.2.2): control made it at random, so nobody who was not told can say
//! one. Every shard that shares a port knows the names of all transports on it, so what is for nobody ends at the shard
//! that received it. Invariants: a look-up costs the same however many there are and whatever is looked up, by a keyed
//! hash; there are at most so many; a name belongs to one transport of one server.

use hashbrown::HashTable;
use hashbrown::hash_table::{Entry, OccupiedEntry};
use model::key::{TransportKey, WebRtcServerKey};
use model::reply::{Refusal, RefusalClass};

use crate::hash::{HashKey, KeyedHash};
use crate::key::ShardId;

/// Where the transport of a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    Here(TransportKey),
    There(ShardId),
}

/// A local ufrag.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Ufrag {
    bytes: [u8; MOST_BYTES],
    len: u8,
}

/// All of them, of all servers that have a part on this shard.
#[derive(Debug)]
pub(super) struct Ufrags {
    hash: KeyedHash,
    names: HashTable<Name>,
    most: usize,
}

#[derive(Debug)]
struct Name {
    server: WebRtcServerKey,
    ufrag: Ufrag,
    home: Home,
}

impl Ufrag {
    /// None if it is longer than any that control makes.
    pub(super) fn new(text: &[u8]) -> Option<Self> {
        let mut bytes = [0; MOST_BYTES];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        Some(Self { bytes, len: u8::try_from(text.len()).ok()? })
    }

    fn hash(&self, hash: KeyedHash, server: WebRtcServerKey) -> u64 {
        let (words, _) = self.bytes.as_chunks();
        let mut all = [0; 2 + MOST_BYTES / 8];
        all[0] = u64::from(server.index) << 32 | u64::from(server.generation);
        all[1] = self.len.into();
        for (to, word) in all[2..].iter_mut().zip(words) {
            *to = u64::from_le_bytes(*word);
        }
        hash.of(&all)
    }
}

impl Ufrags {
    /// None yet, and at most so many. Memory grows to what was needed.
    pub(super) const fn new(key: HashKey, most: usize) -> Self {
        Self { hash: KeyedHash::new(key), names: HashTable::new(), most }
    }

    /// Enters a name, or says where its transport is now.
    pub(super) fn enter(&mut self, server: WebRtcServerKey, ufrag: Ufrag, home: Home) -> Result<(), Refusal> {
        let (hash, len) = (self.hash, self.names.len());
        let is_it = |name: &Name| name.server == server && name.ufrag == ufrag;
        match self.names.entry(ufrag.hash(hash, server), is_it, |name| name.ufrag.hash(hash, name.server)) {
            Entry::Occupied(mut name) => name.get_mut().home = home,
            Entry::Vacant(_) if len >= self.most => {
                let reason =
                    format!("the shard has no room for another ICE user name: it holds {}", self.most);
                return Err(Refusal::new(RefusalClass::Failed, reason));
            }
            Entry::Vacant(place) => {
                place.insert(Name { server, ufrag, home });
            }
        }
        Ok(())
    }

    /// Takes a name out, if it is still that one's.
    pub(super) fn remove(&mut self, server: WebRtcServerKey, ufrag: Ufrag, home: Home) {
        let is_it = |name: &Name| name.server == server && name.ufrag == ufrag && name.home == home;
        let _ = self.names.find_entry(ufrag.hash(self.hash, server), is_it).map(OccupiedEntry::remove);
    }

    /// Takes out all names of a server, or of a shard.
    pub(super) fn remove_all(&mut self, is_removed: impl Fn(WebRtcServerKey, Home) -> bool) {
        self.names.retain(|name| !is_removed(name.server, name.home));
    }

    /// Whose name that is.
    pub(super) fn find(&self, server: WebRtcServerKey, ufrag: &[u8]) -> Option<Home> {
        let ufrag = Ufrag::new(ufrag)?;
        let is_it = |name: &Name| name.server == server && name.ufrag == ufrag;
        self.names.find(ufrag.hash(self.hash, server), is_it).map(|name| name.home)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }
}

impl core::fmt::Debug for Ufrag {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Whoever knows it may knock.
        f.debug_struct("Ufrag").field("len", &self.len).finish_non_exhaustive()
    }
}

/// Control makes them of 32 letters.
const MOST_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn server(index: u32) -> WebRtcServerKey {
        WebRtcServerKey::new(index, 0)
    }

    fn home(number: u8) -> Home {
        match number {
            0 => Home::Here(TransportKey::new(7, 1)),
            shard => Home::There(ShardId(shard.into())),
        }
    }

    #[derive(Clone, Debug)]
    enum Operation {
        Enter(u32, Vec<u8>, u8),
        Remove(u32, Vec<u8>, u8),
        RemoveShard(u8),
        RemoveServer(u32),
    }

    fn operation() -> impl Strategy<Value = Operation> {
        // Few of each, so that they meet; some differ only in length.
        let ufrag = || prop::sample::select(vec![b"a".to_vec(), b"a\0".to_vec(), vec![b'b'; 32], vec![]]);
        prop_oneof![
            6 => (0..3u32, ufrag(), 0..3u8).prop_map(|(a, b, c)| Operation::Enter(a, b, c)),
            4 => (0..3u32, ufrag(), 0..3u8).prop_map(|(a, b, c)| Operation::Remove(a, b, c)),
            1 => (0..3u8).prop_map(Operation::RemoveShard),
            1 => (0..3u32).prop_map(Operation::RemoveServer),
        ]
    }

    proptest! {
        /// The model: an ordered map.
        #[test]
        fn it_is_a_bounded_map(operations in prop::collection::vec(operation(), 1..200)) {
            let mut ufrags = Ufrags::new(HashKey([1, 2]), 6);
            let mut model = BTreeMap::new();
            for operation in operations {
                match operation {
                    Operation::Enter(at, ufrag, of) => {
                        let has_room = model.len() < 6 || model.contains_key(&(at, ufrag.clone()));
                        let entered = ufrags.enter(server(at), Ufrag::new(&ufrag).unwrap(), home(of));
                        prop_assert_eq!(entered.is_ok(), has_room);
                        if has_room {
                            model.insert((at, ufrag), of);
                        }
                    }
                    Operation::Remove(at, ufrag, of) => {
                        ufrags.remove(server(at), Ufrag::new(&ufrag).unwrap(), home(of));
                        if model.get(&(at, ufrag.clone())) == Some(&of) {
                            model.remove(&(at, ufrag));
                        }
                    }
                    Operation::RemoveShard(of) => {
                        ufrags.remove_all(|_, other| other == home(of));
                        model.retain(|_, other| *other != of);
                    }
                    Operation::RemoveServer(at) => {
                        ufrags.remove_all(|other, _| other == server(at));
                        model.retain(|(other, _), _| *other != at);
                    }
                }
                prop_assert_eq!(ufrags.len(), model.len());
                for ((at, ufrag), of) in &model {
                    prop_assert_eq!(ufrags.find(server(*at), ufrag), Some(home(*of)));
                }
                prop_assert_eq!(ufrags.find(server(9), b"a"), None);
            }
        }
    }

    #[test]
    fn what_is_too_long_is_nobodys_name() {
        let mut ufrags = Ufrags::new(HashKey([1, 2]), 2);
        ufrags.enter(server(0), Ufrag::new(&[b'x'; 32]).unwrap(), home(0)).unwrap();
        assert!(Ufrag::new(&[b'x'; 33]).is_none());
        assert_eq!(ufrags.find(server(0), &[b'x'; 33]), None);
        assert_eq!(ufrags.find(server(0), &[b'x'; 31]), None);
    }

    #[test]
    fn names_are_not_shown() {
        assert!(!format!("{:?}", Ufrag::new(b"secret").unwrap()).contains("secret"));
    }
}
