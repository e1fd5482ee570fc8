//! The threads on which peers live: a few, each with a loop over the sockets and timers of many peers.
//!
//! Whoever commands them is elsewhere and waits for answers; nothing here waits for anybody but the kernel.

mod socket;
mod thread;
mod timers;

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

use mio::{Poll, Waker};
use tokio::sync::oneshot;

use crate::meter::Meter;
use crate::own::Load;
use crate::peer::{Ended, Expected, Remote, Sent, Session, Subscription, Timeline, Track};
use thread::{Thread, WAKER};

/// All threads.
#[derive(Debug)]
pub(crate) struct Engine {
    threads: Vec<Driven>,
    board: Arc<Board>,
}

/// Where a peer is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    thread: usize,
    peer: usize,
}

/// How far all of them are, for who watches.
#[derive(Debug, Default)]
pub(crate) struct Board {
    pub(crate) connected: AtomicU64,
    /// Peers that have what they came for, or never will.
    pub(crate) settled: AtomicU64,
    /// Peers to which some media came.
    pub(crate) receiving: AtomicU64,
    pub(crate) ended: AtomicU64,
    /// Datagrams, and of those the ones with media that was not there before.
    pub(crate) received: AtomicU64,
    pub(crate) media: AtomicU64,
}

/// What became of one peer.
#[derive(Clone, Debug)]
pub(crate) struct PeerReport {
    pub(crate) timeline: Timeline,
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) disconnections: u32,
    pub(crate) ended: Option<Ended>,
    /// What the server would not do for it.
    pub(crate) refused: Option<String>,
}

/// What became of the peers of a thread, and what it measured.
#[derive(Clone, Debug)]
pub(crate) struct ThreadReport {
    pub(crate) peers: Vec<PeerReport>,
    pub(crate) meter: Meter,
    pub(crate) load: Load,
    /// Of the peers' sockets.
    pub(crate) ports: Vec<u16>,
}

#[derive(Debug)]
struct Driven {
    commands: Sender<Command>,
    waker: Waker,
    handle: JoinHandle<io::Result<()>>,
}

#[derive(Debug)]
enum Command {
    Add { began: Instant, remote: Remote, watches: bool, answer: oneshot::Sender<Result<usize, String>> },
    Publish { peer: usize, track: Track },
    Subscribe { peer: usize, expected: Expected, answer: oneshot::Sender<()> },
    Resume { peer: usize, ssrc: u32 },
    Refuse { peer: usize, cause: String },
    AllHaveJoined,
    StopPublishing,
    Report { answer: oneshot::Sender<ThreadReport> },
}

impl Engine {
    pub(crate) fn start(session: &Arc<Session>, threads: usize) -> io::Result<Self> {
        let board = Arc::new(Board::default());
        let threads = (0..threads.max(1)).map(|index| Driven::start(index, session, &board)).collect();
        Ok(Self { threads: threads_of(threads)?, board })
    }

    pub(crate) fn board(&self) -> &Board {
        &self.board
    }

    /// Opens a socket for a peer and lets it connect. `number` decides which thread it lives on; who watches is there
    /// once media comes.
    pub(crate) async fn add(
        &self,
        (number, watches): (usize, bool),
        began: Instant,
        remote: Remote,
    ) -> Result<Place, String> {
        let thread = number % self.threads.len();
        let (answer, answered) = oneshot::channel();
        self.command(thread, Command::Add { began, remote, watches, answer });
        let peer = answered.await.map_err(|_| "its thread has ended".to_owned())??;
        Ok(Place { thread, peer })
    }

    pub(crate) fn publish(&self, place: Place, track: Track) {
        self.command(place.thread, Command::Publish { peer: place.peer, track });
    }

    /// From when this returns on, the stream may come.
    pub(crate) async fn subscribe(&self, place: Place, expected: Expected) {
        let (answer, answered) = oneshot::channel();
        self.command(place.thread, Command::Subscribe { peer: place.peer, expected, answer });
        // A thread that has ended shows in the report.
        let _ = answered.await;
    }

    /// The server sends the stream under that SSRC from now on.
    pub(crate) fn resumed(&self, place: Place, ssrc: u32) {
        self.command(place.thread, Command::Resume { peer: place.peer, ssrc });
    }

    /// The server would not give the peer what it wants.
    pub(crate) fn refuse(&self, place: Place, cause: String) {
        self.command(place.thread, Command::Refuse { peer: place.peer, cause });
    }

    pub(crate) fn all_have_joined(&self) {
        (0..self.threads.len()).for_each(|thread| self.command(thread, Command::AllHaveJoined));
    }

    pub(crate) fn stop_publishing(&self) {
        (0..self.threads.len()).for_each(|thread| self.command(thread, Command::StopPublishing));
    }

    /// Of the threads that still live.
    pub(crate) async fn report(&self) -> Vec<ThreadReport> {
        let mut reports = Vec::new();
        for thread in 0..self.threads.len() {
            let (answer, answered) = oneshot::channel();
            self.command(thread, Command::Report { answer });
            reports.extend(answered.await.ok());
        }
        reports
    }

    /// Ends all threads: what went wrong in one of them.
    pub(crate) fn end(self) -> io::Result<()> {
        for Driven { commands, waker, handle } in self.threads {
            drop(commands);
            let _ = waker.wake();
            handle.join().unwrap_or_else(|_| Err(io::Error::other("a thread of peers panicked")))?;
        }
        Ok(())
    }

    fn command(&self, thread: usize, command: Command) {
        let Some(driven) = self.threads.get(thread) else { return };
        // A thread that has ended answers nothing, and that is noticed where answers are waited for.
        if driven.commands.send(command).is_ok() {
            let _ = driven.waker.wake();
        }
    }
}

impl Driven {
    fn start(index: usize, session: &Arc<Session>, board: &Arc<Board>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let (commands, received) = channel();
        let (session, board) = (Arc::clone(session), Arc::clone(board));
        let name = format!("peers-{index}");
        // What it owns is made there: not all of it may move between threads.
        let handle =
            Builder::new().name(name).spawn(move || Thread::new(poll, session, board, received).run())?;
        Ok(Self { commands, waker, handle })
    }
}

fn threads_of(threads: Vec<io::Result<Driven>>) -> io::Result<Vec<Driven>> {
    threads.into_iter().collect()
}
