//! One thread: its peers, their sockets, and a loop over both.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};

use super::socket::{self, Arrival};
use super::timers::Timers;
use super::{Board, Command, PeerReport, ThreadReport};
use crate::meter::{Meter, nanos};
use crate::own::Usage;
use crate::peer::{Peer, Remote, Session, Timeline};

/// What a thread owns.
pub(super) struct Thread {
    poll: Poll,
    session: Arc<Session>,
    board: Arc<Board>,
    commands: Receiver<Command>,
    seats: Vec<Seat>,
    timers: Timers,
    meter: Meter,
    usage: Usage,
    /// Sockets in which there may be more.
    ready: Vec<usize>,
    /// Until when the kernel was asked to let this thread sleep. It counts in milliseconds, rounded up: that timers are
    /// that much late is nobody's lack of CPU, and datagrams wake the thread at once.
    slept_until: Instant,
}

struct Seat {
    peer: Peer,
    socket: UdpSocket,
    local: SocketAddr,
    refused: Option<String>,
    /// Whether it has come for media.
    watches: bool,
    /// What the board was told of it.
    told: Told,
}

#[derive(Clone, Copy, Default)]
struct Told {
    connected: bool,
    media: bool,
    ended: bool,
    settled: bool,
}

impl Thread {
    pub(super) fn new(
        poll: Poll,
        session: Arc<Session>,
        board: Arc<Board>,
        commands: Receiver<Command>,
    ) -> Self {
        let meter = Meter::new(session.run, session.epoch);
        let (seats, ready) = (Vec::new(), Vec::new());
        let (now, timers) = (Instant::now(), Timers::default());
        let usage = Usage::begin(now);
        Self { poll, session, board, commands, seats, timers, meter, usage, ready, slept_until: now }
    }

    /// Until nobody gives commands any more.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            let sleep = self.sleep();
            self.slept_until = Instant::now() + sleep;
            self.poll.poll(&mut events, Some(sleep))?;
            let woken = events.iter().filter(|event| event.token() != WAKER).map(|event| event.token().0);
            self.ready.extend(woken);
            loop {
                match self.commands.try_recv() {
                    Ok(command) => self.obey(command),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return Ok(()),
                }
            }
            for index in std::mem::take(&mut self.ready) {
                self.receive(index);
            }
            self.serve_timers();
            self.usage.sample(Instant::now());
        }
    }

    fn sleep(&self) -> Duration {
        if !self.ready.is_empty() {
            return Duration::ZERO;
        }
        let until = self.timers.next().map(|at| at.saturating_duration_since(Instant::now()));
        // The thread looks at itself from time to time.
        let until = until.map_or(LOOK, |until| until.min(LOOK));
        Duration::from_nanos(nanos(until).next_multiple_of(1_000_000))
    }

    fn obey(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::Add { began, remote, watches, answer } => {
                let added = self.add((began, now), remote, watches);
                // Who asked has given up if nobody listens.
                let _ = answer.send(added.map_err(|error| error.to_string()));
            }
            Command::Publish { peer, track } => {
                if let Some(seat) = self.seats.get_mut(peer) {
                    seat.peer.publish(now, track, self.session.run);
                    self.timers.set(peer, seat.peer.poll_timeout());
                }
            }
            Command::Subscribe { peer, expected, answer } => {
                if let Some(seat) = self.seats.get_mut(peer) {
                    seat.peer.subscribe(now, &expected);
                    self.timers.set(peer, seat.peer.poll_timeout());
                }
                let _ = answer.send(());
            }
            Command::Resume { peer, ssrc } => {
                if let Some(seat) = self.seats.get_mut(peer) {
                    seat.peer.resume(now, ssrc);
                }
            }
            Command::Refuse { peer, cause } => {
                if let Some(seat) = self.seats.get_mut(peer) {
                    seat.refused.get_or_insert(cause);
                    seat.tell(&self.board);
                }
            }
            Command::AllHaveJoined => self.meter.all_have_joined(),
            Command::StopPublishing => {
                self.seats.iter_mut().for_each(|seat| seat.peer.stop_publishing(now));
            }
            Command::Report { answer } => {
                let _ = answer.send(self.report(now));
            }
        }
    }

    fn add(
        &mut self,
        (began, now): (Instant, Instant),
        remote: Remote,
        watches: bool,
    ) -> Result<usize, Box<dyn std::error::Error>> {
        let index = self.seats.len();
        let (mut socket, local) = socket::open(remote.address)?;
        let timeline = Timeline { began, opened: now, ice_at: None, dtls_at: None, media_at: None };
        let peer = Peer::new(&self.session, timeline, local, remote)?;
        self.poll.registry().register(&mut socket, Token(index), Interest::READABLE)?;
        self.timers.set(index, peer.poll_timeout());
        self.seats.push(Seat { peer, socket, local, refused: None, watches, told: Told::default() });
        Ok(index)
    }

    /// Takes what has come for a peer, up to a limit, so that others have their turn.
    fn receive(&mut self, index: usize) {
        let Some(seat) = self.seats.get_mut(index) else { return };
        let mut buffer = [0; DATAGRAM_LIMIT];
        let (mut more, before) = (true, self.meter.packets);
        for _ in 0..BURST {
            match socket::receive(&seat.socket, &mut buffer) {
                Arrival::Datagram(len) => {
                    let (now, datagram) = (Instant::now(), buffer.get(..len).unwrap_or_default());
                    self.board.received.fetch_add(1, Relaxed);
                    seat.step(&mut self.meter, |peer, meter, send| peer.receive(now, datagram, meter, send));
                }
                Arrival::Unreachable => {}
                Arrival::Nothing => {
                    more = false;
                    break;
                }
            }
        }
        self.board.media.fetch_add(self.meter.packets - before, Relaxed);
        if more {
            self.ready.push(index);
        }
        seat.tell(&self.board);
        self.timers.set(index, seat.peer.poll_timeout());
    }

    fn serve_timers(&mut self) {
        let now = Instant::now();
        while let Some((due, index)) = self.timers.pop(now) {
            let Some(seat) = self.seats.get_mut(index) else { continue };
            let now = Instant::now();
            let lag = now.saturating_duration_since(due.max(self.slept_until));
            self.meter.lag.record(nanos(lag));
            seat.step(&mut self.meter, |peer, meter, send| peer.advance(now, meter, send));
            seat.tell(&self.board);
            self.timers.set(index, seat.peer.poll_timeout());
        }
    }

    fn report(&mut self, now: Instant) -> ThreadReport {
        let peers = self.seats.iter().map(|seat| PeerReport {
            timeline: *seat.peer.timeline(),
            subscriptions: seat.peer.subscriptions().to_vec(),
            sent: seat.peer.sent().collect(),
            disconnections: seat.peer.disconnections(),
            ended: seat.peer.ended().cloned(),
            refused: seat.refused.clone(),
        });
        ThreadReport {
            peers: peers.collect(),
            meter: self.meter.clone(),
            load: self.usage.load(now),
            ports: self.seats.iter().map(|seat| seat.local.port()).collect(),
        }
    }
}

impl Seat {
    /// Lets the peer do something, and sends what it has to say.
    fn step(&mut self, meter: &mut Meter, act: impl FnOnce(&mut Peer, &mut Meter, &mut dyn FnMut(&[u8]))) {
        let Self { peer, socket, .. } = self;
        let mut unsent = 0;
        // A refusal stands for an earlier datagram (ICMP); ICE will notice if that lasts.
        act(peer, meter, &mut |bytes| {
            let refused = socket.send(bytes).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
            unsent += u64::from(refused);
        });
        meter.unsent += unsent;
    }

    fn tell(&mut self, board: &Board) {
        let Self { peer, refused, watches, told, .. } = self;
        let once = |told: &mut bool, is: bool, count: &std::sync::atomic::AtomicU64| {
            if is && !std::mem::replace(told, true) {
                count.fetch_add(1, Relaxed);
            }
        };
        let (connected, receives) = (peer.timeline().dtls_at.is_some(), peer.timeline().media_at.is_some());
        let ended = peer.ended().is_some() || refused.is_some();
        once(&mut told.connected, connected, &board.connected);
        once(&mut told.media, receives, &board.receiving);
        once(&mut told.ended, ended, &board.ended);
        let is_settled = ended || if *watches { connected && receives } else { connected };
        once(&mut told.settled, is_settled, &board.settled);
    }
}

/// The token of who has commands; no peer's.
pub(super) const WAKER: Token = Token(usize::MAX);
const EVENTS: usize = 1_024;
/// Datagrams of one socket in a row: a key frame of one publisher and a bit.
const BURST: usize = 64;
/// What any path carries.
const DATAGRAM_LIMIT: usize = 2_048;
/// How long a thread sleeps at most, so that its usage has a sample in each second.
const LOOK: Duration = Duration::from_millis(250);
