//! The shards as the runtime sees them: queues to fill and to empty, and a sleep that any of them ends.

use std::time::Duration;

use model::command::RequestId;
use model::key::ShardIndex;
use model::reply::Outcome;
use net::lane::Sleeper;
use shard::rooms::{Rooms, Told};
use shard::{Counters, Plan, Shard, ShardId, Shards};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep_until};

use super::StartError;
use super::ending::{self, Hung};
use super::pulse::{Pulse, STUCK};
use crate::core::{Core, FromShard, HangCounters};

/// What a shard has counted since it started.
#[derive(Clone, Debug)]
pub struct ShardCounters {
    /// Which.
    pub shard: ShardIndex,
    /// The I/O driver that it runs on.
    pub driver: &'static str,
    /// The counts.
    pub counters: Box<Counters>,
    /// For how long it has not gone on though it was woken: in whole seconds, of which a single one means nothing.
    pub silent: Duration,
    /// What came of that.
    pub hang: HangCounters,
}

impl ShardCounters {
    /// Whether it hangs.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        self.silent >= STUCK
    }
}

/// All shards that run, and the eventfd that they ring.
pub(super) struct Fleet {
    shards: Shards<Rooms>,
    /// Registered edge-triggered, so it is never read: every ring is an event of its own.
    bell: AsyncFd<Sleeper>,
    started: usize,
    /// By number.
    pulses: Vec<Pulse>,
}

impl Fleet {
    /// None yet.
    pub(super) fn new(plan: Plan<Rooms>) -> Result<Self, StartError> {
        let missing = |cause| StartError::System { what: "no descriptor to be woken by", cause };
        let sleeper = Sleeper::new().map_err(missing)?;
        let waker = sleeper.waker();
        let bell = register(sleeper).map_err(missing)?;
        let pulses = vec![Pulse::default(); plan.most];
        Ok(Self { shards: Shards::new(plan, waker), bell, started: 0, pulses })
    }

    /// How many were started.
    pub(super) const fn started(&self) -> usize {
        self.started
    }

    /// What each has counted itself. One that published in every attempt to read is left out.
    pub(super) fn counters(&mut self) -> impl Iterator<Item = ShardCounters> {
        let Self { shards, pulses, .. } = self;
        shards.iter_mut().filter_map(|shard| {
            let (counters, at) = (Box::new(shard.counters.read()?), index(shard));
            let silent = pulses.get(usize::from(at.0)).map_or(Duration::ZERO, |pulse| pulse.silent());
            let hang = HangCounters::default();
            Some(ShardCounters { shard: at, driver: shard.driver, counters, silent, hang })
        })
    }

    /// Looks whether each goes on, and wakes it, so that it has by the next look. One that has ended does not hang: it
    /// is started anew when it is needed.
    pub(super) fn look(&mut self) {
        for shard in self.shards.iter_mut() {
            let Some(pulse) = self.pulses.get_mut(usize::from(index(shard).0)) else { continue };
            if shard.has_ended() {
                *pulse = Pulse::default();
                continue;
            }
            pulse.look(shard.counters.read().map(|counters| counters.totals.ticks));
            shard.control.wake();
        }
    }

    /// Has a shard let the allocator have what its thread keeps at hand. One whose queue is full keeps it.
    pub(super) fn let_go(&mut self, shard: ShardIndex) {
        if let Some(shard) = self.shards.running(shard.into()) {
            shard.control.let_go();
        }
    }

    /// Gives the core what shards said; of one that says more than can be taken, a part. The rest keeps
    /// [`Self::sleep`] from sleeping.
    pub(super) fn take(&mut self, core: &mut Core) {
        for shard in self.shards.iter_mut() {
            let from = index(shard);
            for _ in 0..MESSAGES_PER_TURN {
                let Some(message) = shard.control.next_message() else { break };
                if let Some(said) = said(message) {
                    core.from_shard(from, said);
                }
            }
        }
    }

    /// Gives shards what the core has for them, as far as their queues have room. The rest is tried again when they
    /// have answered something.
    pub(super) fn submit(&mut self, core: &mut Core) {
        for to in core.shards() {
            let Some((request, action)) = core.next_command(to) else { continue };
            core.return_command(to, request, action);
            match self.start(to) {
                Ok(shard) => submit_all(core, to, shard),
                Err(error) => {
                    core.from_shard(to, FromShard::Broken(format!("could not start ({error})").into()))
                }
            }
        }
    }

    /// Sleeps until a shard has something to say, or until then. Dropping the future leaves at most a ring too many.
    pub(super) async fn sleep(&mut self, until: Option<Instant>) {
        let Self { shards, bell, .. } = self;
        let sleeper = bell.get_mut();
        // In case the last sleep was dropped in the middle.
        sleeper.awake();
        if !sleeper.prepare(&mut || shards.iter_mut().all(|shard| shard.control.is_quiet())) {
            return;
        }
        tokio::select! {
            ring = bell.readable() => {
                // An error says that the reactor ends, and then so does whoever awaits this.
                if let Ok(mut ring) = ring {
                    ring.clear_ready();
                }
            }
            () = at(until) => {}
        }
        bell.get_mut().awake();
    }

    /// Ends all, and waits for them that long.
    pub(super) async fn end(self, patience: Duration) -> Vec<Hung> {
        ending::end(self.shards.into_running(), self.bell, patience).await
    }

    fn start(&mut self, shard: ShardIndex) -> Result<&mut Shard<Rooms>, shard::StartError> {
        let shard = ShardId::from(shard);
        let runs = self.shards.running(shard).is_some();
        let started = self.shards.start(shard)?;
        self.started += usize::from(!runs);
        Ok(started)
    }
}

impl std::fmt::Debug for Fleet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fleet").field("shards", &self.shards).finish_non_exhaustive()
    }
}

#[expect(
    deprecated,
    reason = "its replacement is unsafe to call and asks for what a Sleeper keeps: one descriptor, open all its life"
)]
fn register(sleeper: Sleeper) -> std::io::Result<AsyncFd<Sleeper>> {
    AsyncFd::with_interest(sleeper, Interest::READABLE)
}

/// Submits the commands of a shard, as many as it takes.
fn submit_all(core: &mut Core, to: ShardIndex, shard: &mut Shard<Rooms>) {
    while let Some((request, action)) = core.next_command(to) {
        if let Err(action) = shard.control.submit(shard::RequestId(request.0), action) {
            return core.return_command(to, request, action);
        }
    }
}

/// What the core hears of it.
fn said(message: shard::FromShard<Outcome, Told>) -> Option<FromShard> {
    use shard::FromShard as Message;
    Some(match message {
        Message::Reply(request, outcome) => FromShard::Reply(RequestId(request.0), outcome),
        Message::Event(Told::Part(request, part)) => {
            FromShard::Reply(RequestId(request.0), Outcome::Part(part))
        }
        Message::Event(Told::Event(event)) => FromShard::Event(event),
        Message::Lost(request) => FromShard::Lost(RequestId(request.0)),
        Message::Panicked(report) => FromShard::Panicked(report.message.into()),
        Message::Broken => {
            FromShard::Broken("ended unasked (its I/O driver broke, or it has a defect)".into())
        }
        // Only who ends everything asks for it, and asks the core no more.
        Message::Stopped { .. } => return None,
    })
}

fn index(shard: &Shard<Rooms>) -> ShardIndex {
    ShardIndex(shard.link.shard().0)
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// What is taken from a shard before the others have their turn, and before what came of it goes out: a shard that
/// talks faster than control listens would otherwise be all that control hears, and fill its memory.
const MESSAGES_PER_TURN: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::RuntimeConfig;
    use model::command::{Action, RouterCommand};
    use model::key::RouterKey;
    use net::probe::{HostChoice, Needs, choose};
    use shard::Cpus;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    /// A shard that has answered so many commands, and rung nobody, because nobody slept.
    fn answered(commands: usize) -> Fleet {
        let config = RuntimeConfig::default();
        let chosen = choose(HostChoice::Epoll, Needs { shards: 1, sockets: 16 }).unwrap();
        let mut fleet = Fleet::new(config.plan(1, chosen, Cpus::of_this_process(), None)).unwrap();
        let control = &mut fleet.start(ShardIndex(0)).unwrap().control;
        for request in 0..commands {
            let action = Action::Router(RouterKey::new(0, 0), RouterCommand::Open);
            control.submit(shard::RequestId(request as u64), action).unwrap();
        }
        while control.is_quiet() {
            std::thread::yield_now();
        }
        fleet
    }

    #[test]
    fn nobody_sleeps_over_an_answer_that_is_there() {
        let reactor =
            tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().unwrap();
        reactor.block_on(async {
            let mut fleet = answered(1);
            let poll =
                |fleet: &mut Fleet| pin!(fleet.sleep(None)).poll(&mut Context::from_waker(Waker::noop()));
            assert_eq!(poll(&mut fleet), Poll::Ready(()));
            fleet.shards.running(ShardId(0)).unwrap().control.next_message().unwrap();
            assert_eq!(poll(&mut fleet), Poll::Pending, "and now there is none");
            assert_eq!(fleet.end(Duration::from_secs(10)).await, []);
        });
    }

    #[test]
    fn a_shard_that_sleeps_goes_on_as_often_as_it_is_looked_at() {
        let reactor =
            tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().unwrap();
        reactor.block_on(async {
            let mut fleet = answered(1);
            let ticks =
                |fleet: &mut Fleet| fleet.counters().next().map_or(0, |shard| shard.counters.totals.ticks);
            let (before, end) = (ticks(&mut fleet), Instant::now() + Duration::from_secs(20));
            while ticks(&mut fleet) < before + 100 {
                assert!(Instant::now() < end, "nothing wakes it");
                fleet.look();
                std::thread::yield_now();
            }
            assert_eq!(fleet.end(Duration::from_secs(10)).await, []);
        });
    }

    #[test]
    fn a_shard_that_is_to_let_go_does_so() {
        let reactor =
            tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().unwrap();
        reactor.block_on(async {
            let mut fleet = answered(1);
            fleet.let_go(ShardIndex(0));
            let let_go = |fleet: &mut Fleet| {
                fleet.counters().next().map_or(0, |shard| shard.counters.totals.memory_let_go)
            };
            let end = Instant::now() + Duration::from_secs(20);
            while let_go(&mut fleet) == 0 {
                assert!(Instant::now() < end, "it keeps all");
                std::thread::yield_now();
            }
            assert_eq!(fleet.end(Duration::from_secs(10)).await, []);
        });
    }

    #[test]
    fn a_shard_that_talks_without_pause_is_not_all_that_is_heard() {
        let reactor =
            tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().unwrap();
        reactor.block_on(async {
            let mut fleet = answered(MESSAGES_PER_TURN + 1);
            let placement = crate::core::Placement::single();
            let rtc_ports = model::transport::PortRange { min: 0, max: 0 };
            let config = crate::core::Config { pid: 0, rtc_ports, fingerprints: Vec::new(), placement };
            let mut core = Core::new(config, crate::core::Random::new(|bytes| bytes.fill(0)));
            let replies =
                |fleet: &mut Fleet| fleet.counters().map(|counted| counted.counters.totals.replies).sum();
            let mut counted: u64 = 0;
            while counted <= MESSAGES_PER_TURN as u64 {
                counted = replies(&mut fleet);
                std::thread::yield_now();
            }
            fleet.take(&mut core);
            assert_eq!(fleet.shards.running(ShardId(0)).unwrap().control.unanswered(), 1);
            fleet.sleep(None).await;
            fleet.take(&mut core);
            assert_eq!(fleet.shards.running(ShardId(0)).unwrap().control.unanswered(), 0);
            assert_eq!(fleet.end(Duration::from_secs(10)).await, []);
        });
    }
}
