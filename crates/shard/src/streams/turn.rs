//! What a tick does about TCP: lets in, reads, writes what waits, and ends what has to end.

use core::net::SocketAddr;

use ice::framing::header;
use net::{Accepted, Batch, Driver, Farewell, SocketKey, Transfer};

use super::connection::{Connection, Standing};
use super::table::{Door, Kind, Streams};
use crate::boundary::{Hosted, Phase};
use crate::context::Context;
use crate::counters::Counters;
use crate::engine::{Claim, Engine, Leaving};
use crate::io::OpenSockets;
use crate::key::ShardId;
use crate::shard_core::deal;

/// What it works with.
pub(crate) struct Turn<'a, E: Engine, D: Driver> {
    pub(crate) streams: &'a mut Streams,
    pub(crate) driver: &'a mut D,
    pub(crate) open: &'a mut OpenSockets,
    pub(crate) hosted: &'a mut Hosted<E>,
    pub(crate) cx: &'a mut Context<E>,
    pub(crate) counters: &'a mut Counters,
}

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// The peer has closed it, or the network.
    Ended,
    /// Its transport is gone.
    Orphaned,
    /// It showed nobody's ufrag for too long, or its tuple is nobody's any more.
    Silent,
    /// It sent what nobody can mean.
    Misbehaved,
    /// It takes nothing of what waits for it.
    Stalled,
    /// Somebody else wants its place.
    Displaced,
    /// It belongs to another shard, and can not go there.
    Stranded,
}

impl<E: Engine, D: Driver> Turn<'_, E, D> {
    /// Does this tick's share. Whether something is left.
    pub(crate) fn run(mut self, most_frames: usize) -> bool {
        while let Some(key) = self.driver.next_ready() {
            self.streams.note(key);
        }
        while let Some(key) = self.cx.next_orphan() {
            self.end(key, Why::Orphaned);
        }
        while let Some(key) = self.streams.broken.pop() {
            self.end(key, Why::Ended);
        }
        self.check();
        self.retry();
        let mut accepts = self.streams.limits.accepts_per_tick;
        let mut frames = most_frames;
        for _ in 0..accepts {
            if frames == 0 {
                break;
            }
            let Some((listener, leaving)) = self.cx.next_newcomer() else { break };
            frames = frames.saturating_sub(self.take_over(listener, leaving));
        }
        // Each once: who has more stands at the end then.
        for _ in 0..self.streams.ready.len() {
            if frames == 0 {
                break;
            }
            match self.streams.next_ready() {
                Some((key, Kind::Listener)) => self.accept(key, &mut accepts),
                Some((key, Kind::Connection)) => {
                    let came = self.attend(key);
                    frames = frames.saturating_sub(came);
                }
                None => break,
            }
        }
        !self.streams.ready.is_empty() || self.cx.has_newcomers()
    }

    fn accept(&mut self, listener: SocketKey, left: &mut usize) {
        while *left > 0 {
            *left -= 1;
            match self.driver.accept(listener) {
                Accepted::Connection { key, from } => {
                    let is_in = self.admit(key, from, listener);
                    self.streams.counts().accepted += u64::from(is_in);
                }
                Accepted::Nobody => return,
                Accepted::TurnedAway => self.streams.counts().refused += 1,
                Accepted::Exhausted => {
                    self.streams.starves(listener, self.cx.now());
                    return;
                }
            }
        }
        self.streams.note(listener);
    }

    /// Lets a connection in, or not.
    fn admit(&mut self, key: SocketKey, from: SocketAddr, listener: SocketKey) -> bool {
        self.open.insert(key);
        match self.streams.door(listener, from.ip()) {
            Door::Open => {}
            Door::Instead(other) => self.end(other, Why::Displaced),
            Door::Shut => {
                self.streams.counts().refused += 1;
                self.part(key, Farewell::Abrupt);
                return false;
            }
        }
        let unsent_bytes = self.streams.limits.unsent_bytes;
        self.streams.admit(Connection::new(key, from, listener, unsent_bytes), self.cx.now());
        self.cx.inherit(key, listener);
        true
    }

    /// Goes on with a connection that another shard accepted. All limits hold for it as if it had come here: it has proved
    /// nothing yet, but that it knows a name. How many frames came with it.
    fn take_over(&mut self, listener: SocketKey, leaving: Leaving) -> usize {
        let Leaving { detached, bytes } = leaving;
        let from = detached.from();
        let Ok(key) = self.driver.adopt(detached) else {
            self.cx.totals.tcp_not_handed_over += 1;
            return 0;
        };
        if !self.admit(key, from, listener) {
            return 0;
        }
        if let Some(connection) = self.streams.connection(key) {
            connection.has_moved = true;
        }
        let frames = self.take_frames(key, &bytes);
        // What came since may have been told before anybody here knew it.
        self.streams.note(key);
        frames
    }

    /// Lets go of a connection that another shard has to go on with. Where it can not go it is closed at once, so that who
    /// connects tries again.
    fn send_away(&mut self, key: SocketKey, to: ShardId, bytes: Box<[u8]>) {
        let may_leave = |connection: &mut Connection| connection.has_room() && !connection.has_moved;
        if !self.streams.connection(key).is_some_and(may_leave) {
            return self.end(key, Why::Misbehaved);
        }
        let Ok(detached) = self.driver.detach(key) else { return self.end(key, Why::Stranded) };
        let Some(connection) = self.streams.remove(key) else { return };
        // The driver is closing its own handle already.
        self.open.remove(key);
        let leaving = Leaving { detached, bytes };
        let listener = connection.listener;
        let told = self.hosted.call(Phase::Receive, |engine| engine.hand_on(to, listener, leaving, self.cx));
        if told == Some(true) {
            self.streams.counts().handed_over += 1;
        } else {
            self.cx.totals.tcp_not_handed_over += 1;
        }
    }

    /// Looks after a connection to which something happened. How many frames came.
    fn attend(&mut self, key: SocketKey) -> usize {
        let Some(connection) = self.streams.connection(key) else { return 0 };
        if !connection.has_room() {
            if connection.write(self.driver) {
                self.end(key, Why::Ended);
                return 0;
            }
            if connection.has_room() && core::mem::take(&mut connection.thinned) {
                let tuple = connection.tuple();
                if let Some(transport) = self.cx.holder(&tuple) {
                    self.hosted.call(Phase::Receive, |engine| engine.caught_up(transport, tuple, self.cx));
                }
            }
        }
        self.read(key)
    }

    fn read(&mut self, key: SocketKey) -> usize {
        let mut inbox = core::mem::take(&mut self.streams.inbox);
        let is_bound = self.streams.connection(key).is_some_and(|of| of.standing == Standing::Bound);
        let share = if is_bound { inbox.len() } else { (inbox.len() / 8).max(1) };
        let (mut frames, mut left) = (0, share);
        // To its end: a peer that has said its last and closed is told of once.
        loop {
            match self.driver.read(key, inbox.get_mut(..left).unwrap_or_default()) {
                Transfer::Bytes(count) => {
                    frames += self.take_frames(key, inbox.get(..count).unwrap_or_default());
                    left -= count.min(left);
                }
                Transfer::Later => break,
                Transfer::Ended => {
                    self.end(key, Why::Ended);
                    break;
                }
            }
            if left == 0 {
                self.streams.note(key);
                break;
            }
        }
        self.streams.inbox = inbox;
        frames
    }

    /// Gives the frames in `bytes` to whose they are. How many.
    fn take_frames(&mut self, key: SocketKey, mut bytes: &[u8]) -> usize {
        let mut count = 0;
        loop {
            // Looked for anew each time: the engine may have done anything.
            let Some(connection) = self.streams.connection(key) else { return count };
            let (tuple, is_bound) = (connection.tuple(), connection.standing == Standing::Bound);
            let frame = match connection.reader.next(&mut bytes) {
                Ok(Some(frame)) if frame.len() >= SHORTEST_PACKET => frame,
                Ok(None) => return count,
                // RFC 4571 §2 allows a frame of nothing, which says nothing.
                Ok(Some([])) => {
                    count += 1;
                    if is_bound || self.streams.connection(key).is_some_and(Connection::forgives) {
                        continue;
                    }
                    self.end(key, Why::Misbehaved);
                    return count;
                }
                Ok(Some(_)) | Err(_) => {
                    self.end(key, Why::Misbehaved);
                    return count;
                }
            };
            count += 1;
            let (from, received) = (tuple.remote, self.cx.now());
            let batch =
                Batch { socket: key, from, to: None, received, bytes: frame, segment_size: frame.len() };
            let claim = deal(batch, self.hosted, self.cx, self.counters);
            if let Some(Claim::Leaves(to)) = claim {
                let bytes = [&header(frame.len()).unwrap_or_default()[..], frame, bytes].concat();
                self.send_away(key, to, bytes.into());
                return count;
            }
            if !is_bound && !self.proves(key, claim) {
                self.end(key, Why::Misbehaved);
                return count;
            }
        }
    }

    /// Whether a connection may stay that had not proved whose it is when its last frame came.
    fn proves(&mut self, key: SocketKey, claim: Option<Claim>) -> bool {
        let Some(connection) = self.streams.connection(key) else { return true };
        let tuple = connection.tuple();
        connection.stands(self.cx.holder(&tuple).is_some());
        claim == Some(Claim::Taken) || connection.standing == Standing::Bound || connection.forgives()
    }

    /// Checks those whose time has come. Who is left over is a deadline that has passed: the next tick comes at once.
    fn check(&mut self) {
        for _ in 0..CHECKS_PER_TICK {
            let Some(&(at, key)) = self.streams.checks.front() else { return };
            if at > self.cx.now() {
                return;
            }
            self.streams.checks.pop_front();
            let Some(connection) = self.streams.connection(key) else { continue };
            let tuple = connection.tuple();
            let is_stalled = !connection.has_room() && !connection.progressed;
            connection.progressed = false;
            let is_bound = self.cx.holder(&tuple).is_some();
            connection.stands(is_bound);
            match connection.standing {
                _ if is_stalled => self.end(key, Why::Stalled),
                Standing::Bound if !is_bound => {
                    connection.standing = Standing::Unbound;
                    self.check_later(key);
                }
                Standing::Bound => self.check_later(key),
                Standing::Fresh | Standing::Unbound => self.end(key, Why::Silent),
            }
        }
    }

    fn check_later(&mut self, key: SocketKey) {
        let at = self.cx.now() + self.streams.limits.silence;
        self.streams.checks.push_back((at, key));
    }

    /// Looks again whether there are descriptors.
    fn retry(&mut self) {
        if self.cx.now() >= self.streams.retry_at {
            while let Some(listener) = self.streams.starved.pop() {
                self.streams.note(listener);
            }
        }
    }

    fn end(&mut self, key: SocketKey, why: Why) {
        let Some(connection) = self.streams.remove(key) else { return };
        let counts = self.streams.counts();
        match why {
            Why::Ended | Why::Orphaned => {}
            Why::Silent | Why::Displaced => counts.silent += 1,
            Why::Misbehaved => counts.misbehaved += 1,
            Why::Stalled => counts.stalled += 1,
            Why::Stranded => self.cx.totals.tcp_not_handed_over += 1,
        }
        let farewell = match why {
            Why::Ended | Why::Orphaned => connection.farewell(),
            Why::Silent | Why::Misbehaved | Why::Stalled | Why::Displaced | Why::Stranded => Farewell::Abrupt,
        };
        self.part(key, farewell);
        let tuple = connection.tuple();
        if let Some(transport) = self.cx.holder(&tuple) {
            self.hosted.call(Phase::Receive, |engine| engine.lost(transport, tuple, self.cx));
            self.cx.unbind(transport, tuple);
        }
    }

    fn part(&mut self, key: SocketKey, farewell: Farewell) {
        if self.open.remove(key) {
            self.driver.part(key, farewell);
        }
    }
}

/// No packet of RTP, RTCP, STUN or DTLS is shorter: the header of RTCP (RFC 3550 §6.1) is.
const SHORTEST_PACKET: usize = 8;
/// Each may be a connection to close, at some microseconds: twice as many as come in a tick, of which half come from other
/// shards.
const CHECKS_PER_TICK: usize = 128;
