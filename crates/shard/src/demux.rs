//! Which transport a datagram belongs to, by its 5-tuple.
//!
//! Owned by the shard's [`Context`](crate::Context). Invariants: a tuple names at most one transport; a batch
//! costs one lookup, whatever it holds and however many transports exist; the tables never grow beyond what
//! they were made with, and nothing is stored for a peer that nobody asked to bind; a key of a removed
//! transport names nothing. A datagram's socket alone never decides: a socket that belongs to one transport
//! only says whom to *offer* an unknown peer to (comedia, ICE). On a port that transports share, a Binding request says
//! whom it is for, and the engine goes by that before it goes by what is found here.

use core::net::{IpAddr, SocketAddr};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use net::{Batch, SocketKey};
use thiserror::Error;

use crate::hash::{HashKey, KeyedHash};
use crate::key::{ShardId, TransportKey};

/// Two ends of a UDP flow, as a shard sees them. The local address is known where the socket asks for it and
/// part of the tuple then; elsewhere the socket implies it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuple {
    /// The local socket.
    pub socket: SocketKey,
    /// The local address, on sockets bound to a wildcard.
    pub local: Option<IpAddr>,
    /// The peer.
    pub remote: SocketAddr,
}

impl Tuple {
    /// The flow that a batch came in on.
    #[must_use]
    pub const fn of(batch: &Batch<'_>) -> Self {
        Self { socket: batch.socket, local: batch.to, remote: batch.from }
    }

    fn hash(&self, hash: KeyedHash) -> u64 {
        let socket = u64::from(self.socket.index()) << 32 | u64::from(self.socket.generation());
        let port = u64::from(self.remote.port());
        match (self.remote.ip(), self.local) {
            (IpAddr::V4(remote), None) => hash.of(&[socket, port << 32 | u64::from(remote.to_bits())]),
            (remote, local) => {
                let [r0, r1] = halves(remote);
                let [l0, l1] = local.map_or([0, 0], halves);
                hash.of(&[socket, port, r0, r1, l0, l1])
            }
        }
    }
}

/// A transport of another shard, by its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// The shard.
    pub shard: ShardId,
    /// The place of the transport's key.
    pub place: u32,
}

/// Where a batch goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// The transport that its tuple is bound to.
    Bound(TransportKey),
    /// A transport of another shard has that tuple, on a port that shards share.
    Elsewhere(ShardId),
    /// No transport has that tuple, but the socket belongs to this one.
    Offered(TransportKey),
    /// Nobody knows the peer, on a shared socket.
    Unknown,
}

/// Why a transport or a tuple was not taken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DemuxError {
    /// The table of transports is full.
    #[error("the shard has no room for another transport: it holds {0}")]
    TooManyTransports(usize),
    /// The place that the key names belongs to another transport still.
    #[error("transport {0} stands where another one still is")]
    Occupied(TransportKey),
    /// The table of tuples is full.
    #[error("the shard has no room for another tuple: it holds {0}")]
    TooManyTuples(usize),
    /// The transport has as many tuples as one may have.
    #[error("a transport has at most {MAX_TUPLES_PER_TRANSPORT} tuples, and this one has them")]
    TooManyTuplesOfTransport,
    /// Another transport has that tuple.
    #[error("{0} on this socket belongs to another transport")]
    TupleTaken(SocketAddr),
    /// The key names no transport.
    #[error("that transport is gone")]
    NoTransport,
}

/// The tables.
#[derive(Debug)]
pub(crate) struct Demux {
    hash: KeyedHash,
    tuples: HashTable<Bound>,
    max_tuples: usize,
    /// Tuples of transports of other shards. Grows with them, up to a bound.
    elsewhere: HashTable<Claimed>,
    transports: Vec<Slot>,
    open: usize,
    max_transports: usize,
    /// By socket index: to whom unknown peers of a socket are offered.
    owners: Vec<Option<Owner>>,
}

impl Demux {
    pub(crate) fn new(key: HashKey, max_transports: usize, max_tuples: usize) -> Self {
        Self {
            hash: KeyedHash::new(key),
            // Twice the bound: a table at most half full clears its tombstones in place and never grows.
            tuples: HashTable::with_capacity(max_tuples * 2),
            max_tuples,
            elsewhere: HashTable::new(),
            transports: Vec::with_capacity(max_transports),
            open: 0,
            max_transports,
            owners: Vec::new(),
        }
    }

    /// Takes up a transport under a key that control gave.
    pub(crate) fn open(&mut self, key: TransportKey) -> Result<(), DemuxError> {
        let place = key.place();
        if place >= self.max_transports {
            return Err(DemuxError::TooManyTransports(self.max_transports));
        }
        if place >= self.transports.len() {
            let vacant = || Slot { generation: 0, open: false, tuples: Vec::new() };
            self.transports.resize_with(place + 1, vacant);
        }
        let slot = &mut self.transports[place];
        if slot.open {
            return Err(DemuxError::Occupied(key));
        }
        (slot.open, slot.generation) = (true, key.generation);
        self.open += 1;
        Ok(())
    }

    /// Forgets a transport and all its tuples. Owned sockets become shared ones.
    pub(crate) fn close(&mut self, key: TransportKey) -> bool {
        if !self.is_open(key) {
            return false;
        }
        let slot = &mut self.transports[key.place()];
        slot.open = false;
        self.open -= 1;
        for tuple in slot.tuples.drain(..) {
            remove(&mut self.tuples, self.hash, tuple);
        }
        true
    }

    pub(crate) fn is_open(&self, key: TransportKey) -> bool {
        self.transports.get(key.place()).is_some_and(|slot| slot.open && slot.generation == key.generation)
    }

    /// Binds a tuple. Doing so again for the same transport changes nothing.
    pub(crate) fn bind(&mut self, key: TransportKey, tuple: Tuple) -> Result<(), DemuxError> {
        if !self.is_open(key) {
            return Err(DemuxError::NoTransport);
        }
        match self.find(&tuple) {
            Some(holder) if holder == key => return Ok(()),
            Some(_) => return Err(DemuxError::TupleTaken(tuple.remote)),
            None if self.tuples.len() == self.max_tuples => {
                return Err(DemuxError::TooManyTuples(self.max_tuples));
            }
            None => {}
        }
        let slot = &mut self.transports[key.place()];
        if slot.tuples.len() == MAX_TUPLES_PER_TRANSPORT {
            return Err(DemuxError::TooManyTuplesOfTransport);
        }
        slot.tuples.push(tuple);
        let hash = self.hash;
        self.tuples.insert_unique(tuple.hash(hash), Bound { tuple, key }, |bound| bound.tuple.hash(hash));
        Ok(())
    }

    /// Forgets one tuple of a transport.
    pub(crate) fn unbind(&mut self, key: TransportKey, tuple: Tuple) -> bool {
        if self.find(&tuple) != Some(key) {
            return false;
        }
        self.transports[key.place()].tuples.retain(|held| *held != tuple);
        remove(&mut self.tuples, self.hash, tuple)
    }

    /// Binds a tuple to a transport of another shard. What a transport here has stays its own. Who had it before keeps his
    /// claim: shards are heard in any order, so the newest that is told need not be the one that lasts.
    pub(crate) fn bind_elsewhere(&mut self, whose: Elsewhere, tuple: Tuple) -> Result<(), DemuxError> {
        let (hash, most) = (self.hash, self.max_tuples * SHARDS_OF_A_PORT);
        let len = self.elsewhere.len();
        match self.elsewhere.entry(tuple.hash(hash), |held| held.tuple == tuple, |held| held.tuple.hash(hash))
        {
            Entry::Occupied(mut held) => held.get_mut().claim(whose),
            Entry::Vacant(_) if len >= most => return Err(DemuxError::TooManyTuples(most)),
            Entry::Vacant(place) => {
                place.insert(Claimed { tuple, holder: whose, rivals: Vec::new() });
            }
        }
        Ok(())
    }

    /// Forgets that one's claim: the tuple is that of who claimed it before, if anybody still does.
    pub(crate) fn unbind_elsewhere(&mut self, whose: Elsewhere, tuple: Tuple) {
        let is_it = |held: &Claimed| held.tuple == tuple;
        if let Ok(mut entry) = self.elsewhere.find_entry(tuple.hash(self.hash), is_it)
            && !entry.get_mut().forget(|other| other == whose)
        {
            entry.remove();
        }
    }

    /// Forgets some of them.
    pub(crate) fn forget_elsewhere(&mut self, is_forgotten: impl Fn(ShardId, SocketKey) -> bool) {
        self.elsewhere.retain(|held| {
            let socket = held.tuple.socket;
            held.forget(|whose| is_forgotten(whose.shard, socket))
        });
    }

    /// Says to whom unknown peers of a socket are offered.
    pub(crate) fn own(&mut self, socket: SocketKey, owner: Option<TransportKey>) {
        let owner = owner.map(|transport| Owner { socket, transport: Some(transport), listener: None });
        self.set_owner(socket, owner);
    }

    /// A connection is offered to whom its listener is.
    pub(crate) fn inherit(&mut self, connection: SocketKey, listener: SocketKey) {
        let transport = self.owner(listener).and_then(|owner| owner.transport);
        let owner = Owner { socket: connection, transport, listener: Some(listener) };
        self.set_owner(connection, Some(owner));
    }

    /// The listener that accepted a connection.
    pub(crate) fn listener(&self, connection: SocketKey) -> Option<SocketKey> {
        self.owner(connection)?.listener
    }

    #[inline]
    pub(crate) fn route(&self, batch: &Batch<'_>) -> Destination {
        let tuple = Tuple::of(batch);
        let hash = tuple.hash(self.hash);
        if let Some(bound) = self.tuples.find(hash, |bound| bound.tuple == tuple) {
            return Destination::Bound(bound.key);
        }
        if let Some(held) = self.elsewhere.find(hash, |held| held.tuple == tuple) {
            return Destination::Elsewhere(held.holder.shard);
        }
        match self.owner(batch.socket).and_then(|owner| owner.transport) {
            Some(transport) if self.is_open(transport) => Destination::Offered(transport),
            _ => Destination::Unknown,
        }
    }

    /// Forgets everything. Control gives none of the keys from before again.
    pub(crate) fn clear(&mut self) {
        self.tuples.clear();
        self.elsewhere.clear();
        self.owners.clear();
        for slot in &mut self.transports {
            slot.tuples.clear();
            slot.open = false;
        }
        self.open = 0;
    }

    pub(crate) const fn transports(&self) -> usize {
        self.open
    }

    /// The tuples of a transport.
    pub(crate) fn tuples_of(&self, key: TransportKey) -> &[Tuple] {
        if self.is_open(key) {
            self.transports.get(key.place()).map_or(&[], |slot| &slot.tuples)
        } else {
            &[]
        }
    }

    #[inline]
    fn owner(&self, socket: SocketKey) -> Option<Owner> {
        let owner = self.owners.get(socket.index() as usize).copied().flatten();
        owner.filter(|owner| owner.socket == socket)
    }

    fn set_owner(&mut self, socket: SocketKey, owner: Option<Owner>) {
        let index = socket.index() as usize;
        if index >= self.owners.len() {
            self.owners.resize(index + 1, None);
        }
        self.owners[index] = owner;
    }

    /// Whose tuple it is.
    #[inline]
    pub(crate) fn find(&self, tuple: &Tuple) -> Option<TransportKey> {
        let found = self.tuples.find(tuple.hash(self.hash), |bound| bound.tuple == *tuple);
        found.map(|bound| bound.key)
    }
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    open: bool,
    tuples: Vec<Tuple>,
}

#[derive(Clone, Copy, Debug)]
struct Bound {
    tuple: Tuple,
    key: TransportKey,
}

/// A tuple of transports of other shards. More than one has it only until they have heard of each other.
#[derive(Debug)]
struct Claimed {
    tuple: Tuple,
    holder: Elsewhere,
    /// The others, the newest last.
    rivals: Vec<Elsewhere>,
}

impl Claimed {
    fn claim(&mut self, whose: Elsewhere) {
        if self.holder != whose {
            self.rivals.retain(|rival| *rival != whose);
            self.rivals.push(core::mem::replace(&mut self.holder, whose));
        }
    }

    /// Forgets some of the claims. Whether any is left.
    fn forget(&mut self, is_forgotten: impl Fn(Elsewhere) -> bool) -> bool {
        self.rivals.retain(|rival| !is_forgotten(*rival));
        if !is_forgotten(self.holder) {
            return true;
        }
        let next = self.rivals.pop();
        self.holder = next.unwrap_or(self.holder);
        next.is_some()
    }
}

#[derive(Clone, Copy, Debug)]
struct Owner {
    socket: SocketKey,
    transport: Option<TransportKey>,
    /// Where it is a connection, who accepted it.
    listener: Option<SocketKey>,
}

fn remove(tuples: &mut HashTable<Bound>, hash: KeyedHash, tuple: Tuple) -> bool {
    let entry = tuples.find_entry(tuple.hash(hash), |bound| bound.tuple == tuple);
    entry.map(hashbrown::hash_table::OccupiedEntry::remove).is_ok()
}

fn halves(ip: IpAddr) -> [u64; 2] {
    let bits = match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
        IpAddr::V6(ip) => ip.to_bits(),
    };
    [u64::try_from(bits >> 64).unwrap_or(0), u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(0)]
}

/// An ICE agent keeps a handful of valid pairs; more on one transport is somebody probing (mediasoup keeps
/// 8).
pub const MAX_TUPLES_PER_TRANSPORT: usize = 8;
/// Others may have as many tuples as this shard, each: as many shards as one port is seldom shared by.
const SHARDS_OF_A_PORT: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};
    use wire::Mono;

    const SOCKET: SocketKey = SocketKey::new(3, 1);

    fn demux() -> Demux {
        Demux::new(HashKey([7, 9]), 4, 16)
    }

    fn opened(demux: &mut Demux, index: u32, generation: u32) -> TransportKey {
        let key = TransportKey::new(index, generation);
        demux.open(key).unwrap();
        key
    }

    fn peer(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], port))
    }

    fn tuple(port: u16) -> Tuple {
        Tuple { socket: SOCKET, local: None, remote: peer(port) }
    }

    fn at(shard: u16, place: u32) -> Elsewhere {
        Elsewhere { shard: ShardId(shard), place }
    }

    fn batch(tuple: Tuple) -> Batch<'static> {
        let Tuple { socket, local, remote } = tuple;
        Batch { socket, from: remote, to: local, received: Mono::ZERO, bytes: b"x", segment_size: 1 }
    }

    #[test]
    fn what_others_have_leads_to_them_unless_somebody_here_has_it() {
        let mut demux = demux();
        let key = opened(&mut demux, 0, 0);
        let route = |demux: &Demux, port| demux.route(&batch(tuple(port)));
        demux.bind_elsewhere(at(1, 0), tuple(1)).unwrap();
        demux.bind_elsewhere(at(2, 0), tuple(1)).unwrap();
        assert_eq!(route(&demux, 1), Destination::Elsewhere(ShardId(2)), "who was named last");
        demux.bind(key, tuple(1)).unwrap();
        assert_eq!(route(&demux, 1), Destination::Bound(key));
        demux.close(key);
        assert_eq!(route(&demux, 1), Destination::Elsewhere(ShardId(2)));
        demux.unbind_elsewhere(at(2, 0), tuple(1));
        assert_eq!(route(&demux, 1), Destination::Elsewhere(ShardId(1)), "who claims it still");
        demux.unbind_elsewhere(at(1, 0), tuple(1));
        assert_eq!(route(&demux, 1), Destination::Unknown);
        // Bounded, and forgotten by shard and by socket.
        let most = 16 * u16::try_from(SHARDS_OF_A_PORT).unwrap();
        (0..most).for_each(|port| demux.bind_elsewhere(at(port % 2, 0), tuple(port)).unwrap());
        assert!(demux.bind_elsewhere(at(0, 0), tuple(most)).is_err());
        assert_eq!(demux.bind_elsewhere(at(0, 0), tuple(1)), Ok(()), "no other one");
        demux.forget_elsewhere(|shard, _| shard == ShardId(0));
        let there = Destination::Elsewhere(ShardId(1));
        assert_eq!(
            (route(&demux, 2), route(&demux, 1), route(&demux, 3)),
            (Destination::Unknown, there, there)
        );
        demux.forget_elsewhere(|_, socket| socket == SOCKET);
        assert_eq!(route(&demux, 3), Destination::Unknown);
        assert_eq!(demux.elsewhere.len(), 0);
    }

    #[test]
    fn a_batch_goes_where_its_tuple_is_bound_and_nowhere_else() {
        let mut demux = demux();
        let (a, b) = (opened(&mut demux, 0, 0), opened(&mut demux, 3, 7));
        demux.bind(a, tuple(1)).unwrap();
        demux.bind(b, tuple(2)).unwrap();
        assert_eq!(demux.route(&batch(tuple(1))), Destination::Bound(a));
        assert_eq!(demux.route(&batch(tuple(2))), Destination::Bound(b));
        assert_eq!(demux.route(&batch(tuple(3))), Destination::Unknown);
        let elsewhere = Tuple { socket: SocketKey::new(4, 1), ..tuple(1) };
        assert_eq!(demux.route(&batch(elsewhere)), Destination::Unknown);
        let reopened = Tuple { socket: SocketKey::new(3, 2), ..tuple(1) };
        assert_eq!(demux.route(&batch(reopened)), Destination::Unknown, "another socket of that index");
        let other_address = Tuple { local: Some(IpAddr::from([10, 0, 0, 9])), ..tuple(1) };
        assert_eq!(demux.route(&batch(other_address)), Destination::Unknown);
    }

    #[test]
    fn an_owned_socket_offers_unknown_peers_but_the_tuple_decides() {
        let mut demux = demux();
        let (owner, guest) = (opened(&mut demux, 0, 0), opened(&mut demux, 1, 0));
        demux.own(SOCKET, Some(owner));
        demux.bind(guest, tuple(2)).unwrap();
        assert_eq!(demux.route(&batch(tuple(1))), Destination::Offered(owner));
        assert_eq!(demux.route(&batch(tuple(2))), Destination::Bound(guest), "never by the socket alone");
        demux.close(owner);
        assert_eq!(demux.route(&batch(tuple(1))), Destination::Unknown);
    }

    #[test]
    fn a_stale_key_names_nothing() {
        let mut demux = demux();
        let old = opened(&mut demux, 2, 4);
        demux.bind(old, tuple(1)).unwrap();
        assert!(demux.close(old));
        let new = opened(&mut demux, 2, 5);
        assert!(!demux.close(old) && !demux.is_open(old) && demux.is_open(new));
        assert_eq!(demux.bind(old, tuple(1)), Err(DemuxError::NoTransport));
        assert_eq!(demux.route(&batch(tuple(1))), Destination::Unknown);
        demux.bind(new, tuple(1)).unwrap();
        assert!(!demux.unbind(old, tuple(1)));
        assert_eq!(demux.route(&batch(tuple(1))), Destination::Bound(new));
    }

    #[test]
    fn the_tables_are_bounded_and_churn_does_not_grow_them() {
        let mut demux = demux();
        let key = opened(&mut demux, 0, 0);
        for port in 0..8 {
            demux.bind(key, tuple(port)).unwrap();
        }
        assert_eq!(demux.bind(key, tuple(8)), Err(DemuxError::TooManyTuplesOfTransport));
        assert_eq!(demux.bind(key, tuple(0)), Ok(()), "bound already");
        let second = opened(&mut demux, 1, 0);
        assert_eq!(demux.bind(second, tuple(0)), Err(DemuxError::TupleTaken(peer(0))));
        for port in 8..16 {
            demux.bind(second, tuple(port)).unwrap();
        }
        let third = opened(&mut demux, 3, 0);
        assert_eq!(demux.bind(third, tuple(16)), Err(DemuxError::TooManyTuples(16)));
        assert_eq!(demux.open(TransportKey::new(4, 0)), Err(DemuxError::TooManyTransports(4)));

        let capacity = demux.tuples.capacity();
        for round in 0..10_000u16 {
            assert!(demux.unbind(key, tuple(round % 8 + if round < 8 { 0 } else { 100 })));
            demux.bind(key, tuple(round % 8 + 100)).unwrap();
        }
        assert_eq!(demux.tuples.capacity(), capacity);
    }

    #[test]
    fn clearing_forgets_all_and_leaves_keys_stale() {
        let mut demux = demux();
        let key = opened(&mut demux, 0, 0);
        demux.bind(key, tuple(1)).unwrap();
        demux.own(SOCKET, Some(key));
        demux.clear();
        assert!(!demux.is_open(key));
        assert_eq!((demux.route(&batch(tuple(1))), demux.transports()), (Destination::Unknown, 0));
        let next = opened(&mut demux, 0, 1);
        assert!(!demux.is_open(key) && demux.is_open(next));
    }

    #[derive(Clone, Copy, Debug)]
    enum Operation {
        Open(u32),
        Close(usize),
        Bind(usize, u16),
        Unbind(usize, u16),
        Route(u16),
        Clear,
    }

    fn operation() -> impl Strategy<Value = Operation> {
        prop_oneof![
            3 => (0..6u32).prop_map(Operation::Open),
            2 => (0..40usize).prop_map(Operation::Close),
            6 => (0..40usize, 0..24u16).prop_map(|(which, port)| Operation::Bind(which, port)),
            3 => (0..40usize, 0..24u16).prop_map(|(which, port)| Operation::Unbind(which, port)),
            6 => (0..24u16).prop_map(Operation::Route),
            1 => Just(Operation::Clear),
        ]
    }

    proptest! {
        /// Each of six claims a tuple and gives it up again, some times over; the last claim of one lasts. What each says is
        /// heard in its order, and what several say in any.
        #[test]
        fn who_gives_up_a_tuple_takes_it_from_nobody(
            heard in prop::collection::vec(0..6_usize, 0..60),
            lasts in 0..6_usize,
        ) {
            let mut demux = demux();
            let whose = |number: usize| at(u16::try_from(number % 3).unwrap(), u32::try_from(number / 3).unwrap());
            let mut claims = [false; 6];
            let rest = (0..6).filter(|number| *number != lasts);
            let mut turn = |number: usize, demux: &mut Demux| {
                claims[number] = !claims[number];
                if claims[number] {
                    demux.bind_elsewhere(whose(number), tuple(1)).unwrap();
                } else {
                    demux.unbind_elsewhere(whose(number), tuple(1));
                }
                claims
            };
            let mut now = [false; 6];
            for number in heard {
                now = turn(number, &mut demux);
            }
            if !now[lasts] {
                now = turn(lasts, &mut demux);
            }
            for number in rest.filter(|number| now[*number]) {
                turn(number, &mut demux);
            }
            prop_assert_eq!(demux.route(&batch(tuple(1))), Destination::Elsewhere(whose(lasts).shard));
            turn(lasts, &mut demux);
            prop_assert_eq!(demux.elsewhere.len(), 0);
        }

        /// The model: keys ever taken up, which of them are open, and a plain map of tuples.
        #[test]
        fn it_is_a_bounded_map(operations in prop::collection::vec(operation(), 1..300)) {
            let mut demux = demux();
            let (mut keys, mut open, mut bound) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
            for operation in operations {
                match operation {
                    Operation::Open(index) => {
                        let key = TransportKey::new(index, u32::try_from(keys.len()).unwrap());
                        let expected = match open.iter().any(|other: &TransportKey| other.index == index) {
                            _ if index >= 4 => Err(DemuxError::TooManyTransports(4)),
                            true => Err(DemuxError::Occupied(key)),
                            false => Ok(()),
                        };
                        prop_assert_eq!(demux.open(key), expected);
                        if expected.is_ok() {
                            keys.push(key);
                            open.insert(key);
                        }
                    }
                    Operation::Close(which) if which < keys.len() => {
                        let key = keys[which];
                        prop_assert_eq!(demux.close(key), open.remove(&key));
                        bound.retain(|_, holder| *holder != key);
                    }
                    Operation::Bind(which, port) if which < keys.len() => {
                        let key = keys[which];
                        let held = bound.values().filter(|holder| **holder == key).count();
                        let expected = match bound.get(&port) {
                            _ if !open.contains(&key) => Err(DemuxError::NoTransport),
                            Some(holder) if *holder == key => Ok(()),
                            Some(_) => Err(DemuxError::TupleTaken(peer(port))),
                            None if bound.len() == 16 => Err(DemuxError::TooManyTuples(16)),
                            None if held == 8 => Err(DemuxError::TooManyTuplesOfTransport),
                            None => Ok(()),
                        };
                        prop_assert_eq!(demux.bind(key, tuple(port)), expected);
                        if expected.is_ok() {
                            bound.insert(port, key);
                        }
                    }
                    Operation::Unbind(which, port) if which < keys.len() => {
                        let holds = bound.get(&port) == Some(&keys[which]);
                        prop_assert_eq!(demux.unbind(keys[which], tuple(port)), holds);
                        if holds {
                            bound.remove(&port);
                        }
                    }
                    Operation::Route(port) => {
                        let expected = bound.get(&port).map_or(Destination::Unknown, |key| Destination::Bound(*key));
                        prop_assert_eq!(demux.route(&batch(tuple(port))), expected);
                    }
                    Operation::Clear => {
                        demux.clear();
                        open.clear();
                        bound.clear();
                    }
                    Operation::Close(_) | Operation::Bind(..) | Operation::Unbind(..) => {}
                }
                prop_assert_eq!(demux.transports(), open.len());
            }
        }
    }
}
