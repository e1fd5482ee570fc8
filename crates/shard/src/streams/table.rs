//! All listeners and connections of a shard, by key.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::VecDeque;

use net::{Driver, Farewell, SocketKey, Transmit};
use wire::Mono;

use super::addresses::Addresses;
use super::connection::{Connection, Standing, frame};
use super::limits::TcpLimits;
use crate::counters::Totals;
use crate::hash::KeyedHash;

/// All listeners and connections of a shard.
#[derive(Debug)]
pub(crate) struct Streams {
    pub(super) limits: TcpLimits,
    /// By index.
    places: Vec<Option<Place>>,
    connections: usize,
    addresses: Addresses,
    /// Those to be looked at, each once.
    pub(super) ready: VecDeque<SocketKey>,
    /// When each connection is to be checked next. The first is the next, for all are checked at one interval.
    pub(super) checks: VecDeque<(Mono, SocketKey)>,
    /// Listeners for whose peers there was no descriptor.
    pub(super) starved: Vec<SocketKey>,
    pub(super) retry_at: Mono,
    /// Connections that turned out to be broken while something was sent.
    pub(super) broken: Vec<SocketKey>,
    /// A run that is being framed.
    frames: Vec<u8>,
    /// What is read.
    pub(super) inbox: Vec<u8>,
    counts: Counts,
}

#[derive(Debug)]
enum Place {
    Listener(Box<Listening>),
    Connection(Box<Connection>),
}

impl Place {
    fn key(&self) -> SocketKey {
        match self {
            Self::Listener(listening) => listening.key,
            Self::Connection(connection) => connection.key,
        }
    }
}

#[derive(Debug)]
struct Listening {
    key: SocketKey,
    connections: Vec<SocketKey>,
    queued: bool,
}

/// What a ready key names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Listener,
    Connection,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) accepted: u64,
    pub(super) refused: u64,
    pub(super) handed_over: u64,
    pub(super) starved: u64,
    pub(super) silent: u64,
    pub(super) misbehaved: u64,
    pub(super) stalled: u64,
    pub(super) frames_dropped: u64,
}

impl Streams {
    pub(crate) fn new(limits: TcpLimits, hash: KeyedHash) -> Self {
        Self {
            limits,
            places: Vec::new(),
            connections: 0,
            addresses: Addresses::new(hash),
            ready: VecDeque::new(),
            checks: VecDeque::new(),
            starved: Vec::new(),
            retry_at: Mono::NEVER,
            broken: Vec::new(),
            frames: Vec::new(),
            inbox: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// Whether there has never been a listener.
    pub(crate) const fn is_unused(&self) -> bool {
        self.places.is_empty()
    }

    /// When there is something to do though nothing happens.
    pub(crate) fn next_deadline(&self) -> Mono {
        let check = self.checks.front().map_or(Mono::NEVER, |(at, _)| *at);
        if self.starved.is_empty() { check } else { check.min(self.retry_at) }
    }

    /// The engine has opened a listener.
    pub(crate) fn listens(&mut self, key: SocketKey) {
        self.inbox.resize(self.limits.read_bytes_per_tick.max(1), 0);
        self.put(key, Place::Listener(Box::new(Listening { key, connections: Vec::new(), queued: false })));
    }

    /// The engine closes a listener: its connections, which end too.
    pub(crate) fn forget_listener(&mut self, key: SocketKey) -> Vec<(SocketKey, Farewell)> {
        let Some(place @ Some(Place::Listener(_))) = self.places.get_mut(key.index() as usize) else {
            return Vec::new();
        };
        let Some(Place::Listener(listening)) = place.take_if(|place| place.key() == key) else {
            return Vec::new();
        };
        self.starved.retain(|other| *other != key);
        let forget = |key| {
            let farewell = self.remove(key).map_or(Farewell::Orderly, |connection| connection.farewell());
            (key, farewell)
        };
        listening.connections.into_iter().map(forget).collect()
    }

    /// Sends a run of datagrams over a connection, framed. They lie in the driver's last reservation.
    pub(crate) fn send<D: Driver>(&mut self, transmit: &Transmit, driver: &mut D) {
        let mut frames = core::mem::take(&mut self.frames);
        let run = driver.reserve(transmit.len);
        frame(run.get(..transmit.len).unwrap_or(run), transmit.segment_size, &mut frames);
        // One that is gone is told of, or has been.
        if let Some(connection) = self.connection(transmit.socket) {
            let sent = connection.send(&frames, driver);
            self.counts.frames_dropped += sent.dropped;
            if sent.ended && !self.broken.contains(&transmit.socket) {
                self.broken.push(transmit.socket);
            }
        }
        self.frames = frames;
    }

    /// Whether some turned out to be broken.
    pub(crate) const fn any_broken(&self) -> bool {
        !self.broken.is_empty()
    }

    /// Something happened to a listener or connection.
    pub(super) fn note(&mut self, key: SocketKey) {
        let queued = match self.places.get_mut(key.index() as usize) {
            Some(Some(Place::Listener(listening))) if listening.key == key => &mut listening.queued,
            Some(Some(Place::Connection(connection))) if connection.key == key => &mut connection.queued,
            _ => return,
        };
        if !core::mem::replace(queued, true) {
            self.ready.push_back(key);
        }
    }

    /// The next to be looked at.
    pub(super) fn next_ready(&mut self) -> Option<(SocketKey, Kind)> {
        while let Some(key) = self.ready.pop_front() {
            match self.places.get_mut(key.index() as usize) {
                Some(Some(Place::Listener(listening))) if listening.key == key => {
                    listening.queued = false;
                    return Some((key, Kind::Listener));
                }
                Some(Some(Place::Connection(connection))) if connection.key == key => {
                    connection.queued = false;
                    return Some((key, Kind::Connection));
                }
                _ => {}
            }
        }
        None
    }

    /// Lets somebody in.
    pub(super) fn admit(&mut self, mut connection: Connection, now: Mono) {
        let (key, listener, ip) = (connection.key, connection.listener, connection.peer.ip());
        self.addresses.add(ip);
        self.connections += 1;
        self.checks.push_back((now + self.limits.silence, key));
        if let Some(Some(Place::Listener(listening))) = self.places.get_mut(listener.index() as usize) {
            connection.at = listening.connections.len();
            listening.connections.push(key);
        }
        self.put(key, Place::Connection(Box::new(connection)));
    }

    /// What has to be done before somebody of `ip` is let in to a listener.
    pub(super) fn door(&self, listener: SocketKey, ip: IpAddr) -> Door {
        if self.addresses.of(ip) >= self.limits.per_address {
            return Door::Shut;
        }
        let of_listener = match self.places.get(listener.index() as usize) {
            Some(Some(Place::Listener(listening))) if listening.key == listener => {
                listening.connections.len()
            }
            _ => return Door::Shut,
        };
        if of_listener >= self.limits.per_listener {
            return self.oldest_fresh(|connection| connection.listener == listener);
        }
        if self.connections >= self.limits.connections {
            return self.oldest_fresh(|_| true);
        }
        Door::Open
    }

    pub(super) fn connection(&mut self, key: SocketKey) -> Option<&mut Connection> {
        match self.places.get_mut(key.index() as usize) {
            Some(Some(Place::Connection(connection))) if connection.key == key => Some(connection),
            _ => None,
        }
    }

    /// Forgets a connection.
    pub(super) fn remove(&mut self, key: SocketKey) -> Option<Box<Connection>> {
        self.connection(key)?;
        let Some(Place::Connection(connection)) = self.places[key.index() as usize].take() else {
            return None;
        };
        self.connections -= 1;
        self.addresses.remove(connection.peer.ip());
        self.leave_listener(&connection);
        if self.checks.len() > self.connections * 2 + FEW_CHECKS {
            self.forget_checks();
        }
        Some(connection)
    }

    /// Takes a connection out of its listener's list; the last one of that takes its place.
    fn leave_listener(&mut self, connection: &Connection) {
        let listener = self.places.get_mut(connection.listener.index() as usize);
        let Some(Some(Place::Listener(listening))) = listener else { return };
        if listening.connections.get(connection.at) != Some(&connection.key) {
            return;
        }
        listening.connections.swap_remove(connection.at);
        let moved = listening.connections.get(connection.at).copied();
        if let Some(moved) = moved.and_then(|moved| self.connection(moved)) {
            moved.at = connection.at;
        }
    }

    /// Forgets the checks of those who are gone: they would be looked through for whoever wants a place, until their time.
    fn forget_checks(&mut self) {
        let Self { checks, places, .. } = self;
        checks.retain(|(_, key)| match places.get(key.index() as usize) {
            Some(Some(Place::Connection(connection))) => connection.key == *key,
            _ => false,
        });
    }

    /// There was no descriptor for a peer of that listener. It waits its turn once, however many knock meanwhile.
    pub(super) fn starves(&mut self, listener: SocketKey, now: Mono) {
        self.counts.starved += 1;
        if self.starved.is_empty() {
            self.retry_at = now + DESCRIPTOR_RETRY;
        }
        if !self.starved.contains(&listener) {
            self.starved.push(listener);
        }
    }

    pub(super) const fn counts(&mut self) -> &mut Counts {
        &mut self.counts
    }

    /// Adds what it counted.
    pub(crate) const fn report(&self, totals: &mut Totals) {
        let Counts { accepted, refused, handed_over, starved, silent, misbehaved, stalled, frames_dropped } =
            self.counts;
        totals.tcp_connections = self.connections as u64;
        totals.tcp_accepted = accepted;
        totals.tcp_refused = refused;
        totals.tcp_handed_over = handed_over;
        totals.tcp_starved = starved;
        totals.tcp_silent = silent;
        totals.tcp_misbehaved = misbehaved;
        totals.tcp_stalled = stalled;
        totals.tcp_frames_dropped = frames_dropped;
    }

    /// Forgets everything: the sockets are being closed. Connections end as they do with their listener.
    pub(crate) fn clear(&mut self) -> impl Iterator<Item = (SocketKey, Farewell)> {
        self.connections = 0;
        self.addresses.clear();
        self.ready.clear();
        self.checks.clear();
        self.starved.clear();
        self.broken.clear();
        self.places.drain(..).flatten().filter_map(|place| match place {
            Place::Connection(connection) => Some((connection.key, connection.farewell())),
            Place::Listener(_) => None,
        })
    }

    fn oldest_fresh(&self, is_meant: impl Fn(&Connection) -> bool) -> Door {
        let fresh = self.checks.iter().find(|(_, key)| match self.places.get(key.index() as usize) {
            Some(Some(Place::Connection(connection))) => {
                connection.key == *key && connection.standing == Standing::Fresh && is_meant(connection)
            }
            _ => false,
        });
        fresh.map_or(Door::Shut, |(_, key)| Door::Instead(*key))
    }

    fn put(&mut self, key: SocketKey, place: Place) {
        let index = key.index() as usize;
        if index >= self.places.len() {
            self.places.resize_with(index + 1, || None);
        }
        self.places[index] = Some(place);
    }
}

/// Whether somebody is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    Open,
    /// When this one has gone.
    Instead(SocketKey),
    Shut,
}

/// Checks of those who are gone that are no matter; beyond, they are as many as the others at most.
const FEW_CHECKS: usize = 64;
/// How soon to look again for a descriptor when there was none: as seldom as not to cost anything, and as often as nobody
/// who waits notices beside a lost packet of a handshake.
const DESCRIPTOR_RETRY: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use core::net::SocketAddr;

    use super::*;
    use crate::hash::HashKey;

    const LISTENER: SocketKey = SocketKey::new(0, 0);

    fn streams() -> Streams {
        let mut streams = Streams::new(TcpLimits::default(), KeyedHash::new(HashKey([1, 2])));
        streams.listens(LISTENER);
        streams
    }

    #[test]
    fn who_comes_and_goes_leaves_nothing_to_look_through() {
        let mut streams = streams();
        let peer = SocketAddr::from(([192, 0, 2, 1], 9));
        let now = Mono::from_nanos(1);
        streams.admit(Connection::new(SocketKey::new(1, 0), peer, LISTENER, 1), now);
        for generation in 0..10_000 {
            let key = SocketKey::new(2, generation);
            streams.admit(Connection::new(key, peer, LISTENER, 1), now);
            assert!(streams.remove(key).is_some());
        }
        assert!(streams.checks.len() <= 2 + FEW_CHECKS, "{}", streams.checks.len());
        assert_eq!(streams.checks[0].1, SocketKey::new(1, 0));
    }

    #[test]
    fn a_listener_knows_its_own_whoever_goes_first() {
        let mut streams = streams();
        let peer = SocketAddr::from(([192, 0, 2, 1], 9));
        let keys: Vec<_> = (1..8).map(|index| SocketKey::new(index, 0)).collect();
        for key in &keys {
            streams.admit(Connection::new(*key, peer, LISTENER, 1), Mono::from_nanos(1));
        }
        let mut left = keys;
        for place in [3, 0, 4, 1] {
            assert!(streams.remove(left.remove(place)).is_some());
            let Some(Some(Place::Listener(listening))) = streams.places.first() else { unreachable!() };
            let mut listed = listening.connections.clone();
            listed.sort();
            assert_eq!(listed, left);
        }
        assert_eq!(streams.forget_listener(LISTENER).len(), 3);
        assert_eq!(streams.connections, 0);
    }

    #[test]
    fn a_listener_that_starves_waits_once_and_no_longer_for_those_who_knock() {
        let mut streams = streams();
        let start = Mono::from_nanos(1);
        for millis in 0..99 {
            streams.starves(LISTENER, start + Duration::from_millis(millis));
        }
        assert_eq!(streams.starved, [LISTENER]);
        assert_eq!(streams.retry_at, start + DESCRIPTOR_RETRY);
    }
}
