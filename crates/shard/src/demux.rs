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
    /// By socket index, of each socket one of these tuples: the one that it was heard from last, where the socket is a
    /// transport's own. The table is sparse, and two lines of it on two pages cost more than all else that routing does.
    /// It ends where the table does: TCP connections, whose indices lie beyond those of all sockets, are not worth its length.
    lasts: Vec<Option<Bound>>,
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
            lasts: Vec::new(),
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
            forget_last(&mut self.lasts, &tuple);
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
        self.note_last(Bound { tuple, key });
        Ok(())
    }

    /// Forgets one tuple of a transport.
    pub(crate) fn unbind(&mut self, key: TransportKey, tuple: Tuple) -> bool {
        if self.find(&tuple) != Some(key) {
            return false;
        }
        self.transports[key.place()].tuples.retain(|held| *held != tuple);
        forget_last(&mut self.lasts, &tuple);
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
    pub(crate) fn route(&mut self, batch: &Batch<'_>) -> Destination {
        let tuple = Tuple::of(batch);
        let last = self.lasts.get_mut(tuple.socket.index() as usize);
        if let Some(Some(last)) = &last
            && last.tuple == tuple
        {
            return Destination::Bound(last.key);
        }
        let hash = tuple.hash(self.hash);
        if let Some(bound) = self.tuples.find(hash, |bound| bound.tuple == tuple) {
            // The peer has taken another path. On a socket with many peers the first of them keeps the place.
            if let Some(last) = last
                && last.is_none_or(|last| last.key == bound.key || last.tuple.socket != tuple.socket)
            {
                *last = Some(*bound);
            }
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
        self.lasts.clear();
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

    fn note_last(&mut self, bound: Bound) {
        let index = bound.tuple.socket.index() as usize;
        if index >= self.lasts.len() && index < self.max_tuples {
            self.lasts.resize(index + 1, None);
        }
        let Some(last) = self.lasts.get_mut(index) else { return };
        // One of a socket that had the place before is never met again.
        if last.is_none_or(|last| last.tuple.socket != bound.tuple.socket) {
            *last = Some(bound);
        }
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

fn forget_last(lasts: &mut [Option<Bound>], tuple: &Tuple) {
    if let Some(last) = lasts.get_mut(tuple.socket.index() as usize) {
        last.take_if(|last| last.tuple == *tuple);
    }
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
mod tests;
