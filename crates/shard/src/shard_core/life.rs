//! How an engine begins, what happens after it panicked, and how a shard ends.
//!
//! ```text
//!            panic                  sockets reaped, control told
//! Running ----------> Reaping ------------------------------------> Running
//!    |                                                       \----> Dead       (no engine could be made)
//!    | stop            goodbyes flushed             sockets reaped, control told
//!    +---------> Parting ----------------> Stopping -----------------------------> Stopped
//! ```
//!
//! Where no engine says goodbye, or it has nobody to say it to, stopping begins at once.

use net::Driver;
use net::lane::ring;

use super::ShardCore;
use crate::boundary::{PanicReport, Phase};
use crate::control::{FromShard, ToShard};
use crate::engine::Engine;
use crate::mesh::Neighbour;

/// Where in its life a shard is.
#[derive(Debug)]
pub(super) enum Life {
    /// The engine works.
    Running,
    /// The engine panicked. Its sockets are being closed; then control is told and the next engine made.
    Reaping(PanicReport),
    /// No engine could be made. Every command is answered as lost.
    Dead,
    /// Control asked for the end; the engine has said goodbye, and all of that has left after so many ticks.
    Parting(usize),
    /// The sockets are being closed.
    Stopping(Option<String>),
    /// Nothing more will happen.
    Stopped,
}

impl<E: Engine, D: Driver> ShardCore<E, D> {
    /// Makes an engine. Where that panics, the shard stays without one and says so.
    pub(super) fn bring_to_life(&mut self) {
        let (make, cx) = (&mut self.make, &mut self.cx);
        self.hosted.start(|| make(cx));
        self.life = Life::Running;
    }

    /// Whether it was asked to end.
    pub(super) const fn is_ending(&self) -> bool {
        matches!(self.life, Life::Parting(_) | Life::Stopping(_) | Life::Stopped)
    }

    /// Whether commands wait for the next engine.
    pub(super) const fn awaits_engine(&self) -> bool {
        matches!(self.life, Life::Reaping(_)) || self.hosted.has_report()
    }

    /// Connects to another shard; without an engine and the hope for one, parts from it at once.
    pub(super) fn join(&mut self, neighbour: Neighbour<E>) {
        if matches!(self.life, Life::Dead) {
            return;
        }
        let Neighbour { shard, inbound, outbound } = neighbour;
        self.inbound.retain_mut(|known| {
            let stays = self.cx.take_home(known) && known.shard != shard;
            if !stays {
                self.hosted.call(Phase::Crossings, |engine| engine.parted(known.shard, &mut self.cx));
            }
            stays
        });
        self.inbound.push(inbound);
        self.cx.join(shard, outbound);
    }

    /// Has the engine say goodbye, which leaves with the flush of this tick and of as many as it takes to flush all who
    /// are marked by then. Once is enough.
    pub(super) fn stop(&mut self) {
        if self.is_ending() {
            return;
        }
        let is_heard = self.hosted.call(Phase::Commands, |engine| engine.say_goodbye(&mut self.cx)).is_some();
        let ticks = if is_heard { self.cx.dirty.len().div_ceil(self.bounds.flushes.max(1)) } else { 0 };
        self.life = Life::Parting(ticks);
        self.go_on_parting();
    }

    /// Counts the ticks of the goodbyes. After them, drops the engine and begins to close everything: a tick later than
    /// the last of them was flushed, so that the driver has sent it.
    pub(super) fn go_on_parting(&mut self) {
        match &mut self.life {
            Life::Parting(ticks) if *ticks > 0 => {
                *ticks -= 1;
                self.more = true;
            }
            Life::Parting(_) => {
                let drop_message = self.end_engine();
                self.abandon();
                self.life = Life::Stopping(drop_message);
            }
            _ => {}
        }
    }

    /// Cleans up after an engine that panicked, and goes on once that is done. Sockets first: their memory
    /// and their ports are free only when the driver says so, and control must not hear of it before.
    pub(super) fn recover(&mut self) {
        if let Some(report) = self.hosted.take_report() {
            self.cx.totals.panics += 1;
            self.cx.shows_counters = true;
            self.abandon();
            self.life =
                if self.is_ending() { Life::Stopping(Some(report.message)) } else { Life::Reaping(report) };
        }
        if self.sockets.closing() == 0 {
            self.life = match core::mem::replace(&mut self.life, Life::Running) {
                Life::Reaping(report) => self.after_panic(report),
                Life::Stopping(drop_message) => self.after_stop(drop_message),
                life => life,
            };
        }
        // A close takes a turn or two of the driver's, which must not fall asleep over it.
        self.more |= self.sockets.closing() > 0;
        // What is left then is that control's queue is full.
        self.cx.blocked |= matches!(self.life, Life::Reaping(_) | Life::Stopping(_));
    }

    fn after_panic(&mut self, report: PanicReport) -> Life {
        let was_starting = report.phase == Phase::Start;
        if let Err(FromShard::Panicked(report)) = self.cx.outbox.report(FromShard::Panicked(report)) {
            return Life::Reaping(report);
        }
        if was_starting {
            // Trying again would give the same, as fast as control can read it. Nobody will answer the neighbours
            // any more, so they hear the end of it.
            self.part_from_all();
            return Life::Dead;
        }
        self.bring_to_life();
        // Commands may have waited for it.
        self.more = true;
        Life::Running
    }

    fn after_stop(&mut self, drop_message: Option<String>) -> Life {
        match self.cx.outbox.report(FromShard::Stopped { drop_message }) {
            Err(FromShard::Stopped { drop_message }) => Life::Stopping(drop_message),
            _ => Life::Stopped,
        }
    }

    /// Lets control and the neighbours have what is theirs, before the rest is dropped.
    pub(super) fn leave(&mut self) {
        let _ = self.end_engine();
        // What is pushed from here on is control's to take back.
        let mut commands = core::mem::replace(&mut self.commands, ring(1).1);
        while let Some(message) = commands.pop() {
            match message {
                ToShard::Command(request, _) => drop(self.cx.outbox.accept(request)),
                ToShard::Neighbour(neighbour) => self.join(*neighbour),
                ToShard::LetGo | ToShard::Stop => {}
            }
        }
        commands.leave();
        // Before control hears of the end, which is also that of whatever there was.
        self.collect_counters();
        self.counters.totals = self.counters.totals.without_levels();
        self.publisher.publish(&self.counters);
        self.cx.outbox.end(!self.has_stopped());
        self.part_from_all();
    }

    /// Drops the engine, if any, with what it counted taken over. Says what its `Drop` said, where that panicked. Inside the
    /// boundary: this may be the way out of another panic.
    fn end_engine(&mut self) -> Option<String> {
        self.hosted.call(Phase::Publish, |engine| engine.count(&mut self.cx.totals));
        self.hosted.end().err()
    }

    /// Leaves the packets that it did not take to those who sent them, and ends its side of all lanes.
    fn part_from_all(&mut self) {
        self.inbound.drain(..).for_each(|neighbour| neighbour.packets.leave());
        self.cx.leave();
    }

    /// What an engine leaves behind, put in order without it.
    fn abandon(&mut self) {
        self.cx.reset();
        for (connection, farewell) in self.streams.clear() {
            if self.sockets.remove(connection) {
                self.driver.part(connection, farewell);
            }
        }
        self.sockets.close_all(&mut self.driver);
        self.more = true;
    }
}
