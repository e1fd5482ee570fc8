//! The shards of a process, started on first use.
//!
//! Lives on control's thread. An unused shard costs no thread, ring or memory. A shard that starts is
//! connected to all that run; the lanes reach them through their command queues, so that each shard joins its
//! neighbours between two ticks.

use std::sync::Arc;

use net::lane::Waker;
use net::probe::{AnyDriver, Chosen, Host};

use crate::config::ShardConfig;
use crate::engine::Engine;
use crate::key::ShardId;
use crate::mesh::{LaneSizing, connect};
use crate::placement::{Cpus, Placement};
use crate::shard_core::MakeEngine;
use crate::thread::{Shard, Start, StartError, spawn};

/// What all shards of a process have in common.
pub struct Plan<E: Engine> {
    /// How many there can be.
    pub most: usize,
    /// Sizes of each.
    pub config: Box<dyn Fn(ShardId) -> ShardConfig + Send>,
    /// Sizes of the lanes between any two.
    pub lanes: LaneSizing,
    /// What they run on.
    pub chosen: Chosen,
    /// Whether they stay on a CPU each.
    pub placement: Placement,
    /// What this process may use.
    pub cpus: Cpus,
    /// Makes the maker of a shard's engines.
    pub make: Box<dyn Fn(ShardId) -> MakeEngine<E> + Send>,
}

/// The shards of a process.
#[derive(Debug)]
pub struct Shards<E: Engine> {
    plan: Plan<E>,
    control: Waker,
    chosen: Arc<Chosen>,
    running: Vec<Option<Shard<E>>>,
}

impl<E: Engine + 'static> Shards<E> {
    /// None yet. `control` is woken when any of them has something to say.
    #[must_use]
    pub fn new(plan: Plan<E>, control: Waker) -> Self {
        let chosen = Arc::new(plan.chosen.clone());
        let running = (0..plan.most).map(|_| None).collect();
        Self { plan, control, chosen, running }
    }

    /// The shard, started if it was not, and started anew if it has ended.
    ///
    /// # Errors
    /// What a new thread, its memory or its driver lacked; that there is no such shard in the plan; or that it has
    /// ended and what it said last was not taken yet.
    pub fn start(&mut self, shard: ShardId) -> Result<&mut Shard<E>, StartError> {
        if shard.index() >= self.running.len() {
            return Err(StartError::Unplanned { shard, most: self.running.len() });
        }
        if let Some(ended) = self.running[shard.index()].take_if(|running| running.has_ended()) {
            if !ended.control.is_quiet() {
                self.running[shard.index()] = Some(ended);
                return Err(StartError::Unheard { shard });
            }
            // How it ended was its last message.
            let _ = ended.join();
        }
        if self.running[shard.index()].is_none() {
            let started = self.spawn(shard)?;
            self.running[shard.index()] = Some(started);
        }
        self.running[shard.index()].as_mut().ok_or(StartError::Ended { shard })
    }

    /// The shard, if it runs.
    pub fn running(&mut self, shard: ShardId) -> Option<&mut Shard<E>> {
        self.running.get_mut(shard.index())?.as_mut()
    }

    /// All that run.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Shard<E>> {
        self.running.iter_mut().flatten()
    }

    /// Takes the shards out, to end and join them.
    #[must_use]
    pub fn into_running(self) -> Vec<Shard<E>> {
        self.running.into_iter().flatten().collect()
    }

    fn spawn(&mut self, shard: ShardId) -> Result<Shard<E>, StartError> {
        let cpu = match self.plan.placement {
            Placement::Floating => None,
            Placement::Pinned => self.plan.cpus.cpu_of(shard),
        };
        let (config, make) = ((self.plan.config)(shard), (self.plan.make)(shard));
        let chosen = Arc::clone(&self.chosen);
        let start = Start { config, cpu, control: self.control.clone(), make };
        let mut started = match chosen.host {
            Host::Uring | Host::Epoll => spawn(start, move || AnyDriver::new(&chosen))?,
            #[cfg(feature = "host-glommio")]
            Host::Glommio => crate::glommio_host::spawn(start, chosen)?,
        };
        for other in self.running.iter_mut().flatten().filter(|other| !other.has_ended()) {
            let (to_started, to_other) = connect(&started.link, &other.link, self.plan.lanes);
            let introduced =
                started.control.introduce(to_started).and_then(|()| other.control.introduce(to_other));
            if introduced.is_err() {
                // Or it would run on with nobody to end it. Those that have met it part from it.
                started.control.stop();
                return Err(StartError::Busy { shard: other.link.shard() });
            }
        }
        Ok(started)
    }
}

impl<E: Engine> core::fmt::Debug for Plan<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mut f = f.debug_struct("Plan");
        f.field("most", &self.most).field("placement", &self.placement).field("cpus", &self.cpus);
        f.finish_non_exhaustive()
    }
}
