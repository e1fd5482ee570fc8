//! What makes the core of control run: a thread of the caller's, its shards, and the machine under them.
//!
//! A [`Runtime`] lives on one thread, inside the caller's tokio current-thread runtime, and has no task of its own: it
//! works while somebody awaits [`Runtime::next`]. Commands go to shards without waiting, what shards say is taken as
//! it comes, and between the two it sleeps on one eventfd that any shard can ring. Shards start when something is
//! first placed on them.
//!
//! Randomness, the certificate and the choice of an I/O driver enter here and nowhere else. Nothing here reads a
//! request or knows an object: that is the [core](crate::core)'s.

mod certificate;
mod config;
mod crowd;
mod ending;
mod load;
mod os;
mod pulse;
mod shards;

pub use certificate::{Certificate, CertificateError, CertificateSource};
pub use config::{RuntimeConfig, Sizes, fault_on_order};
pub use ending::Hung;
pub(crate) use os::fill as fill_with_randomness;
pub use shards::ShardCounters;

pub use net::probe::{Decision, HostChoice};
pub use shard::rooms::{Fault, FaultKind, IdentityError, KeyType};
pub use shard::{Phase, TcpLimits};

use std::time::Duration;

use net::probe::{self, Needs, Refusal};
use shard::Cpus;
use shard::rooms::DtlsIdentity;
use thiserror::Error;

use crate::core::{Config, Core, DoorId, Output, Placement, Tag};
use crate::request::{Notification, Request};
use crowd::{Crowds, Giving};
use load::LoadMeter;
use shards::Fleet;

/// The core, the shards, and the sleep between their messages.
#[derive(Debug)]
pub struct Runtime {
    core: Core,
    fleet: Fleet,
    load: LoadMeter,
    crowds: Crowds,
    certificate: Certificate,
    decisions: Vec<Decision>,
}

/// Why a runtime did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The I/O driver that was asked for can not be used.
    #[error("the I/O driver that was asked for can not be used: {0}")]
    Host(#[from] Refusal),
    /// There is no certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes")]
    Randomness,
    /// A descriptor, or a thread.
    #[error("{what}: {cause}")]
    System {
        /// What was missing.
        what: &'static str,
        /// What the system said.
        cause: std::io::Error,
    },
}

impl Runtime {
    /// Looks at the machine and makes the certificate; starts no thread. It has to be called inside a tokio runtime
    /// with I/O and time enabled.
    ///
    /// Looking at the machine can make blocking calls of this thread fail with EINTR shortly afterwards: call it
    /// before anything else, or on a thread of its own.
    ///
    /// # Errors
    /// What of the machine or the settings does not allow to start.
    pub fn new(config: RuntimeConfig) -> Result<Self, StartError> {
        os::require_randomness()?;
        let cpus = Cpus::of_this_process();
        let shards = config.shards_on(&cpus);
        let needs = Needs { shards: shards.into(), sockets: config.sizes.sockets() };
        let chosen = probe::choose(config.host, needs)?;
        let certificate = Certificate::load(&config.certificate)?;
        let core = Core::new(
            Config {
                pid: std::process::id(),
                rtc_ports: config.rtc_ports,
                fingerprints: certificate.fingerprints().to_vec(),
                placement: Placement { shards, policy: config.policy },
            },
            os::random(),
        );
        let decisions = chosen.decisions.clone();
        let identity = DtlsIdentity::new(certificate.identity(), net::Clock::instant_at_zero());
        let fleet = Fleet::new(config.plan(shards, chosen, cpus, Some(identity)))?;
        Ok(Self {
            core,
            fleet,
            load: LoadMeter::new(shards),
            crowds: Crowds::of(shards),
            certificate,
            decisions,
        })
    }

    /// What was decided about this machine, one line for the log each.
    #[must_use]
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// The certificate that DTLS shows.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// A new front door.
    pub fn open_door(&mut self) -> DoorId {
        self.core.open_door()
    }

    /// Whether another request or notification can be taken now. Whoever gets `false` stops reading its clients
    /// until [`Self::next_or_room`] has come back.
    #[must_use]
    pub fn can_accept(&self) -> bool {
        self.core.can_accept()
    }

    /// Takes a request. Its answer is an output with this door and tag.
    pub fn request(&mut self, door: DoorId, tag: Tag, request: Request) {
        self.core.request(door, tag, request);
    }

    /// Takes what gets no answer.
    pub fn notify(&mut self, door: DoorId, notification: Notification) {
        self.core.notify(door, notification);
    }

    /// The next thing to say. May be dropped before it is ready without losing anything.
    pub async fn next(&mut self) -> Output {
        loop {
            // A room that talks without pause must not keep the caller's other tasks from running.
            tokio::task::consume_budget().await;
            if let Some(output) = self.try_next() {
                return output;
            }
            self.fleet.sleep(self.load.due()).await;
        }
    }

    /// The next thing to say; or nothing, when there was no room for another request and now there is. What gets no
    /// answer makes room without a word, so whoever stopped reading for want of room must wait for this.
    pub async fn next_or_room(&mut self) -> Option<Output> {
        let had_room = self.can_accept();
        loop {
            tokio::task::consume_budget().await;
            let output = self.try_next();
            if output.is_some() || !had_room && self.can_accept() {
                return output;
            }
            self.fleet.sleep(self.load.due()).await;
        }
    }

    /// The next thing to say, if there is one already. Whoever has just awaited [`Self::next`] takes the rest of what
    /// came with it by this.
    pub fn try_next(&mut self) -> Option<Output> {
        if let Some(output) = self.core.poll() {
            return Some(output);
        }
        self.fleet.take(&mut self.core);
        if self.load.feed(&mut self.core, &mut self.fleet) {
            self.see_off_crowds();
        }
        self.fleet.submit(&mut self.core);
        self.core.poll()
    }

    /// What each shard that was started has counted.
    pub fn counters(&mut self) -> Vec<ShardCounters> {
        let Self { core, fleet, .. } = self;
        fleet.counters().map(|of| ShardCounters { hang: core.hang_counters(of.shard), ..of }).collect()
    }

    /// Ends all shards, whatever they carry, and waits for them that long. Says which did not end.
    pub async fn shutdown(self, patience: Duration) -> Vec<Hung> {
        self.fleet.end(patience).await
    }

    fn see_off_crowds(&mut self) {
        let Giving { gives_back, let_go } = self.crowds.look(self.core.things());
        if gives_back {
            net::heap::return_free();
        }
        let_go.into_iter().for_each(|shard| self.fleet.let_go(shard));
    }
}
