//! One core: an engine, a driver, and the tick that feeds the one from the other.
//!
//! Synchronous, and the same under every host: `wait` and `tick` in turn. Lives on one thread from its first
//! tick to its last. What it does not do: read a clock, spawn anything, log.

use core::fmt;
use core::time::Duration;
use std::io;

use net::lane::{Consumer, Waker};
use net::{Driver, Pool, Wait};
use wire::Mono;

use crate::boundary::Hosted;
use crate::config::{Bounds, ShardConfig};
use crate::context::Context;
use crate::control::{Control, Queues, ToShard, queues};
use crate::counters::{Counters, CountersReader, Publisher};
use crate::engine::Engine;
use crate::hash::KeyedHash;
use crate::io::OpenSockets;
use crate::mesh::{Inbound, Link};
use crate::streams::Streams;
use life::Life;
use showing::Showing;

mod life;
mod phases;
mod showing;

pub(crate) use phases::{PORTION, deal};

/// One shard.
pub struct ShardCore<E: Engine, D: Driver> {
    driver: D,
    cx: Context<E>,
    hosted: Hosted<E>,
    make: MakeEngine<E>,
    commands: Consumer<ToShard<E>>,
    inbound: Vec<Inbound<E>>,
    sockets: OpenSockets,
    streams: Streams,
    bounds: Bounds,
    counters: Counters,
    /// Of the driver's waits those that are accounted for.
    accounted: u64,
    publisher: Publisher,
    showing: Showing,
    life: Life,
    /// Some phase left work behind, so the next wait must not wait.
    more: bool,
}

/// Makes an engine: at the start, and after each panic.
pub type MakeEngine<E> = Box<dyn FnMut(&mut Context<E>) -> E + Send>;

/// What others hold of a shard.
#[derive(Debug)]
pub struct Face<E: Engine> {
    /// Control's end.
    pub control: Control<E>,
    /// What other shards connect to.
    pub link: Link,
    /// Its counters.
    pub counters: CountersReader,
}

impl<E: Engine, D: Driver> ShardCore<E, D> {
    /// A shard around a driver and a pool. `control` is woken when there is something for it.
    pub fn new(
        config: &ShardConfig,
        pool: Pool,
        driver: D,
        control: Waker,
        make: MakeEngine<E>,
    ) -> (Self, Face<E>) {
        let (slots, reader, waker) = (pool.capacity(), pool.reader(), driver.waker());
        let link = Link { shard: config.shard, slots, reader, waker: waker.clone() };
        let Queues { control, commands, outbox } = queues(config.queues, waker, control);
        let (publisher, counters) = Publisher::new();
        let mut core = Self {
            driver,
            cx: Context::new(config, pool, outbox),
            hosted: Hosted::vacant(),
            make,
            commands,
            inbound: Vec::new(),
            sockets: OpenSockets::default(),
            streams: Streams::new(config.tcp, KeyedHash::new(config.hash_key)),
            bounds: config.bounds,
            counters: Counters::default(),
            accounted: 0,
            publisher,
            showing: Showing::every(config.counters_interval),
            life: Life::Running,
            more: true,
        };
        core.bring_to_life();
        (core, Face { control, link, counters })
    }

    /// Submits what the last tick sent, and waits for whatever comes first: datagrams, a timer, or a waker.
    ///
    /// # Errors
    /// Only when the driver is broken.
    pub fn wait(&mut self) -> io::Result<()> {
        self.turn_by(D::turn)
    }

    /// `wait` for hosts that wait in their own way: `turn` is called as `Driver::turn` would be.
    pub(crate) fn turn_by<R>(&mut self, turn: impl FnOnce(&mut D, Wait, &mut dyn FnMut() -> bool) -> R) -> R {
        let until = self.cx.next_deadline().min(self.streams.next_deadline()).min(self.showing.by());
        let retry = if self.cx.blocked { self.cx.now() + BLOCKED_RETRY } else { Mono::NEVER };
        let wait = if self.more { Wait::Poll } else { Wait::Until(until.min(retry)) };
        // Commands that wait for the next engine are no reason to stay awake, and neither is an end that has begun.
        let (awaits, ends) = (self.awaits_engine(), self.is_ending());
        let (commands, inbound) = (&self.commands, &self.inbound);
        turn(&mut self.driver, wait, &mut || {
            (awaits || commands.is_empty())
                && (ends || !commands.is_abandoned())
                && inbound.iter().all(Inbound::is_quiet)
        })
    }

    /// One round of everything. `now` is read once, after the wait.
    pub fn tick(&mut self, now: Mono) {
        self.begin(now);
        self.run_commands();
        self.take_crossings();
        self.fire_timers();
        self.receive();
        self.receive_streams();
        self.settle_dirty();
        self.flush();
        self.recover();
        self.publish();
        self.cx.tend_pool();
    }

    /// Says how long the last wait and the last tick took.
    pub fn account(&mut self, waited: Duration, ticked: Duration) {
        let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let (waited_nanos, ticked_nanos) = (nanos(waited), nanos(ticked));
        // A wait that did not wait was spent submitting. What was published of the driver is of after the wait.
        let waits = self.driver.counters().waits;
        let really_waited = waits != core::mem::replace(&mut self.accounted, waits);
        let (idle, submitting) = if really_waited { (waited_nanos, 0) } else { (0, waited_nanos) };
        self.cx.totals.idle_nanos += idle;
        self.cx.totals.busy_nanos += submitting + ticked_nanos;
        self.counters.tick_nanos.record(ticked_nanos);
    }

    /// Whether control asked it to end, and it has closed everything.
    #[must_use]
    pub const fn has_stopped(&self) -> bool {
        matches!(self.life, Life::Stopped)
    }

    /// Its engine, while there is one: for tests.
    #[must_use]
    pub const fn engine(&self) -> Option<&E> {
        self.hosted.engine()
    }

    /// Its driver: for hosts that wait in their own way, and for tests.
    pub const fn driver_mut(&mut self) -> &mut D {
        &mut self.driver
    }
}

/// However a shard ends: asked to, by a broken driver, by a defect of its own.
impl<E: Engine, D: Driver> Drop for ShardCore<E, D> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<E: Engine, D: Driver> fmt::Debug for ShardCore<E, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("ShardCore");
        f.field("driver", &self.driver)
            .field("cx", &self.cx)
            .field("life", &self.life)
            .finish_non_exhaustive()
    }
}

/// How soon to look again at a full queue whose reader does not wake this shard when it has made room: often
/// enough to be unnoticed beside a reader that is this late, seldom enough to cost nothing.
const BLOCKED_RETRY: Duration = Duration::from_millis(1);
