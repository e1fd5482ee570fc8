//! The end of all shards: ask, let them close their sockets, join, and do not wait for ever.

use std::fmt;
use std::thread;
use std::time::Duration;

use model::key::ShardIndex;
use net::lane::Sleeper;
use shard::rooms::Rooms;
use shard::{FromShard, Shard};
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// A shard that did not end as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hung {
    /// Which.
    pub shard: ShardIndex,
    /// What is known of it.
    pub cause: Box<str>,
}

impl fmt::Display for Hung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shard {} did not end as it should: {}", self.shard.0, self.cause)
    }
}

/// Ends these shards, and waits for them at most that long. The threads of those that hang are left to themselves.
pub(super) async fn end(
    shards: Vec<Shard<Rooms>>,
    mut bell: AsyncFd<Sleeper>,
    patience: Duration,
) -> Vec<Hung> {
    let deadline = Instant::now() + patience;
    let mut leaving: Vec<_> =
        shards.into_iter().map(|shard| Leaving { shard, asked: false, left: false }).collect();
    while !step_all(&mut leaving) && Instant::now() < deadline {
        let idle = &mut || leaving.iter().all(|leaving| leaving.shard.control.is_quiet());
        if bell.get_mut().prepare(idle) {
            // A shard whose queue is full can not be asked yet, and rings when it has made room by answering.
            let rung = timeout_at(deadline, bell.readable()).await;
            match rung {
                Ok(Ok(mut ring)) => ring.clear_ready(),
                Ok(Err(_)) | Err(_) => break,
            }
            bell.get_mut().awake();
        }
    }
    let (left, hung): (Vec<_>, Vec<_>) = leaving.into_iter().partition(|leaving| leaving.left);
    let silent =
        hung.iter().map(|leaving| Hung { shard: leaving.index(), cause: "it does not answer".into() });
    let mut remains: Vec<_> = silent.collect();
    remains.extend(join_all(left, deadline).await);
    remains
}

/// Lets each go a step on, also behind one that hangs. Whether all have left.
fn step_all(leaving: &mut [Leaving]) -> bool {
    let mut all = true;
    for leaving in leaving {
        all &= leaving.step();
    }
    all
}

/// A shard on its way out.
struct Leaving {
    shard: Shard<Rooms>,
    asked: bool,
    left: bool,
}

impl Leaving {
    /// Asks, and takes what it says, or it would find no room to say that it has ended. Whether it has.
    fn step(&mut self) -> bool {
        self.asked = self.asked || self.shard.control.stop();
        while let Some(message) = self.shard.control.next_message() {
            self.left |= matches!(message, FromShard::Stopped { .. } | FromShard::Broken);
        }
        self.left |= self.shard.has_ended();
        self.left
    }

    fn index(&self) -> ShardIndex {
        ShardIndex(self.shard.link.shard().0)
    }
}

/// Joins threads that have said goodbye, on another thread, because a join can not be given up.
async fn join_all(shards: Vec<Leaving>, deadline: Instant) -> Vec<Hung> {
    let mut joining: Vec<_> = shards.iter().map(Leaving::index).collect();
    if joining.is_empty() {
        return Vec::new();
    }
    let (tell, mut told) = mpsc::unbounded_channel();
    let joiner = thread::Builder::new().name("shards-join".into()).spawn(move || {
        for leaving in shards {
            let (index, joined) = (leaving.index(), leaving.shard.join());
            // Nobody listens any more once patience is over.
            let _ = tell.send((index, joined));
        }
    });
    let mut remains = Vec::new();
    if let Err(cause) = joiner {
        let cause = format!("no thread to wait for it on: {cause}");
        return joining.into_iter().map(|shard| Hung { shard, cause: cause.as_str().into() }).collect();
    }
    while let Ok(Some((index, joined))) = timeout_at(deadline, told.recv()).await {
        joining.retain(|shard| *shard != index);
        if let Err(cause) = joined {
            remains.push(Hung { shard: index, cause: cause.to_string().into() });
        }
    }
    remains.extend(joining.into_iter().map(|shard| Hung { shard, cause: "its thread does not end".into() }));
    remains
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::RuntimeConfig;
    use net::probe::{HostChoice, Needs, choose};
    use shard::{Cpus, ShardId, Shards};

    #[test]
    fn a_shard_that_hangs_keeps_no_other_from_ending() {
        let chosen = choose(HostChoice::Epoll, Needs { shards: 2, sockets: 16 }).unwrap();
        let plan = RuntimeConfig::default().plan(2, chosen, Cpus::of_this_process(), None);
        let mut shards = Shards::new(plan, Sleeper::new().unwrap().waker());
        for shard in 0..2 {
            shards.start(ShardId(shard)).unwrap();
        }
        let leaving = |shard| Leaving { shard, asked: false, left: false };
        let mut leaving: Vec<_> = shards.into_running().into_iter().map(leaving).collect();
        // As good as hung: it never hears that it is to end.
        leaving[0].asked = true;
        assert!(!step_all(&mut leaving));
        assert!(leaving[1].asked);
        while !leaving[1].left {
            assert!(!step_all(&mut leaving));
            thread::yield_now();
        }
        leaving[0].asked = false;
        while !step_all(&mut leaving) {
            thread::yield_now();
        }
    }
}
