//! A shard on a thread of its own: `wait` and `tick` in turn, and a clock.
//!
//! Everything of a shard is made on its own thread: its memory lies near its CPU, and io_uring wants its ring
//! made where it is used. Whoever starts it gets what crosses threads: control's end, the link for other
//! shards, the counters.

use std::io;
use std::sync::mpsc;
use std::thread::{Builder, JoinHandle};

use net::lane::Waker;
use net::{Clock, Driver, Pool};
use thiserror::Error;
use wire::Mono;

use crate::config::ShardConfig;
use crate::control::Control;
use crate::counters::CountersReader;
use crate::engine::Engine;
use crate::key::ShardId;
use crate::mesh::Link;
use crate::shard_core::{Face, MakeEngine, ShardCore};

/// What a shard is started with.
pub struct Start<E: Engine> {
    /// Its sizes.
    pub config: ShardConfig,
    /// The CPU it stays on, if any.
    pub cpu: Option<usize>,
    /// Woken when the shard has something for control.
    pub control: Waker,
    /// Makes its engines.
    pub make: MakeEngine<E>,
}

/// A running shard, in the hands of control.
#[derive(Debug)]
pub struct Shard<E: Engine> {
    /// Commands in, answers and events out.
    pub control: Control<E>,
    /// What other shards connect to.
    pub link: Link,
    /// Its counters.
    pub counters: CountersReader,
    /// Its driver's name.
    pub driver: &'static str,
    thread: JoinHandle<io::Result<()>>,
}

/// Why a shard did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The system gave no thread.
    #[error("no thread for shard {}: {cause}", shard.0)]
    Thread {
        /// Which shard.
        shard: ShardId,
        /// What the system said.
        cause: io::Error,
    },
    /// The thread cannot stay on the CPU asked for.
    #[error("shard {} cannot be pinned to CPU {cpu}: {cause}", shard.0)]
    Pin {
        /// Which shard.
        shard: ShardId,
        /// The CPU.
        cpu: usize,
        /// What the system said.
        cause: io::Error,
    },
    /// The packet memory could not be mapped.
    #[error("no packet memory of {bytes} bytes for shard {}: {cause}", shard.0)]
    Pool {
        /// Which shard.
        shard: ShardId,
        /// How much was asked for.
        bytes: u64,
        /// What the system said.
        cause: io::Error,
    },
    /// The driver could not be set up.
    #[error("no I/O driver for shard {}: {cause}", shard.0)]
    Driver {
        /// Which shard.
        shard: ShardId,
        /// What the system said.
        cause: io::Error,
    },
    /// The plan has fewer shards.
    #[error("shard {} is not one of the {most} that were planned", shard.0)]
    Unplanned {
        /// Which shard.
        shard: ShardId,
        /// How many there can be.
        most: usize,
    },
    /// A running shard does not take its commands, so it cannot be connected.
    #[error("shard {} does not answer, so no other can be connected to it", shard.0)]
    Busy {
        /// Which shard.
        shard: ShardId,
    },
    /// It has ended, and its last answers and events wait to be taken.
    #[error("shard {} has ended, and what it said last was not taken yet", shard.0)]
    Unheard {
        /// Which shard.
        shard: ShardId,
    },
    /// The thread ended before it said anything, which only a panic explains.
    #[error("shard {} ended while it started", shard.0)]
    Ended {
        /// Which shard.
        shard: ShardId,
    },
}

/// Starts a shard on a new thread, and returns once it runs.
///
/// # Errors
/// What could not be had, for which shard, and why.
pub fn spawn<E, D>(
    start: Start<E>,
    driver: impl FnOnce() -> io::Result<D> + Send + 'static,
) -> Result<Shard<E>, StartError>
where
    E: Engine + 'static,
    D: Driver + 'static,
{
    spawn_to(start, driver, run)
}

/// The same, driven by `run`.
pub(crate) fn spawn_to<E, D>(
    start: Start<E>,
    driver: impl FnOnce() -> io::Result<D> + Send + 'static,
    run: fn(&mut ShardCore<E, D>) -> io::Result<()>,
) -> Result<Shard<E>, StartError>
where
    E: Engine + 'static,
    D: Driver + 'static,
{
    let shard = start.config.shard;
    let (ready, started) = mpsc::sync_channel(1);
    let thread = Builder::new()
        // What `top` and `perf` show; the kernel keeps 15 bytes.
        .name(format!("shard-{}", shard.0))
        .spawn(move || match prepare(start, driver) {
            Ok((mut core, face)) => {
                let name = core.driver_mut().name();
                // Nobody listens any more when the starter is gone; then so is control, and the shard serves
                // nobody.
                ready.send(Ok((face, name))).map_err(|_| io::Error::other("nobody waits for this shard"))?;
                run(&mut core)
            }
            Err(error) => {
                let _ = ready.send(Err(error));
                Ok(())
            }
        })
        .map_err(|cause| StartError::Thread { shard, cause })?;
    let (Face { control, link, counters }, driver) =
        started.recv().map_err(|_| StartError::Ended { shard })??;
    Ok(Shard { control, link, counters, driver, thread })
}

/// Drives a shard on this thread until control ends it.
///
/// # Errors
/// When the driver is broken.
pub fn run<E: Engine, D: Driver>(core: &mut ShardCore<E, D>) -> io::Result<()> {
    let mut clock = Clock::start();
    let mut ended = clock.now();
    while !core.has_stopped() {
        core.wait()?;
        ended = tick(core, &mut clock, ended);
    }
    Ok(())
}

/// A tick after a wait that began at `ended`. When it ended itself.
pub(crate) fn tick<E: Engine, D: Driver>(core: &mut ShardCore<E, D>, clock: &mut Clock, ended: Mono) -> Mono {
    let begun = clock.read();
    core.tick(begun);
    let now = clock.read();
    core.account(begun.since(ended), now.since(begun));
    now
}

impl<E: Engine> Shard<E> {
    /// Waits for the thread to end, after [`Control::stop`].
    ///
    /// # Errors
    /// When its driver broke, or the shard itself panicked, which no engine can make it do.
    pub fn join(self) -> io::Result<()> {
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the shard's thread panicked")))
    }

    /// Whether the thread has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }
}

type Prepared<E, D> = (ShardCore<E, D>, Face<E>);

fn prepare<E: Engine, D: Driver>(
    start: Start<E>,
    driver: impl FnOnce() -> io::Result<D>,
) -> Result<Prepared<E, D>, StartError> {
    let Start { config, cpu, control, make } = start;
    let shard = config.shard;
    if let Some(cpu) = cpu {
        // Before any memory is touched, so that it comes from the CPU's own node.
        net::affinity::pin(cpu).map_err(|cause| StartError::Pin { shard, cpu, cause })?;
    }
    let pool = Pool::new(&config.pool);
    let pool =
        pool.map_err(|cause| StartError::Pool { shard, bytes: config.pool.memory_at_start_bytes(), cause })?;
    let driver = driver().map_err(|cause| StartError::Driver { shard, cause })?;
    Ok(ShardCore::new(&config, pool, driver, control, make))
}

impl<E: Engine> core::fmt::Debug for Start<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Start").field("config", &self.config).field("cpu", &self.cpu).finish_non_exhaustive()
    }
}
