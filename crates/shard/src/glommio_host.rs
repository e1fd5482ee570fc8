//! A shard as one task of a glommio executor, which has the shard's thread to itself.
//!
//! The same tick as in [`crate::thread`], and the same handshake before sleep: only the waiting is the
//! executor's. Its other tasks run while the shard waits, and now and then between two ticks of a busy one.

use std::io;
use std::sync::Arc;

use net::Clock;
use net::epoll::EpollConfig;
use net::glommio::GlommioDriver;
use net::probe::Chosen;

use crate::engine::Engine;
use crate::shard_core::ShardCore;
use crate::thread::{self, Shard, Start, StartError, spawn_to};

/// Starts a shard on a new thread, as [`thread::spawn`] does, in an executor.
pub(crate) fn spawn<E: Engine + 'static>(
    start: Start<E>,
    chosen: Arc<Chosen>,
) -> Result<Shard<E>, StartError> {
    let config = EpollConfig { sockets: chosen.needs().sockets, gso: chosen.offloads.gso };
    spawn_to(start, move || GlommioDriver::new(config), run)
}

fn run<E: Engine>(core: &mut ShardCore<E, GlommioDriver>) -> io::Result<()> {
    let executor = core.driver_mut().executor();
    executor.run(drive(core))
}

async fn drive<E: Engine>(core: &mut ShardCore<E, GlommioDriver>) -> io::Result<()> {
    let mut clock = Clock::start();
    let mut ended = clock.now();
    while !core.has_stopped() {
        let pause = core.turn_by(GlommioDriver::prepare);
        core.driver_mut().finish(pause).await?;
        ended = thread::tick(core, &mut clock, ended);
    }
    Ok(())
}
