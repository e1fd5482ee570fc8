//! What this kernel allows, found out at boot by trying it.
//!
//! Each question is answered by a [`Decision`]: what was decided, and why, as one line for the log. Nothing here
//! logs or prints. Versions and opcode tables explain a refusal; whether something works is only believed after
//! it did, on loopback. The thread that asks must be under the same seccomp filter as the shards.

mod any;
mod offloads;
mod refusal;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::clock::Clock;
use crate::driver::{Driver, ReceiveBudget, Transmit, Wait};
#[cfg(feature = "host-glommio")]
use crate::epoll::EpollConfig;
#[cfg(feature = "host-glommio")]
use crate::glommio::GlommioDriver;
use crate::socket::{Ports, Socket, SocketConfig};
use crate::uring::{UringConfig, UringDriver};

pub use any::AnyDriver;
pub use offloads::Offloads;
pub use refusal::Refusal;

/// Which driver the operator asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostChoice {
    /// io_uring where it works, else epoll.
    #[default]
    Auto,
    /// io_uring or nothing.
    Uring,
    /// epoll, and io_uring is not even tried.
    Epoll,
    /// A glommio executor or nothing.
    #[cfg(feature = "host-glommio")]
    Glommio,
}

/// Which driver it will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// io_uring.
    Uring,
    /// epoll.
    Epoll,
    /// epoll, waited on in a glommio executor. Never chosen unless asked for by name.
    #[cfg(feature = "host-glommio")]
    Glommio,
}

/// What the shards will need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Shards, and so rings: limits on locked memory and descriptors are on their sum.
    pub shards: usize,
    /// Sockets of each.
    pub sockets: u32,
}

/// One thing decided at boot. Its `Display` is the line to log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The question.
    pub what: &'static str,
    /// The answer.
    pub chosen: &'static str,
    /// The reason.
    pub because: String,
}

/// All decisions, and what they come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The driver of every shard.
    pub host: Host,
    /// What the network stack does for us.
    pub offloads: Offloads,
    /// Why, line by line.
    pub decisions: Vec<Decision>,
    needs: Needs,
    choice: HostChoice,
}

/// Finds out what the shards will run on.
///
/// # Errors
/// When io_uring, or glommio which needs it, was asked for by name and is refused.
pub fn choose(choice: HostChoice, needs: Needs) -> Result<Chosen, Refusal> {
    let (offloads, mut decisions) = offloads::probe();
    let (host, because) = match choice {
        HostChoice::Epoll => (Host::Epoll, String::from("it was asked for")),
        HostChoice::Uring => {
            try_uring(needs)?;
            (Host::Uring, String::from("it was asked for and works"))
        }
        #[cfg(feature = "host-glommio")]
        HostChoice::Glommio => {
            try_glommio(needs)?;
            (Host::Glommio, String::from("it was asked for and works"))
        }
        HostChoice::Auto => match try_uring(needs) {
            Ok(()) => (Host::Uring, String::from("io_uring works here")),
            Err(refusal) => (Host::Epoll, refusal.to_string()),
        },
    };
    decisions.insert(0, Decision { what: "I/O driver", chosen: host.name(), because });
    Ok(Chosen { host, offloads, decisions, needs, choice })
}

impl Host {
    /// Its name in settings, logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uring => "uring",
            Self::Epoll => "epoll",
            #[cfg(feature = "host-glommio")]
            Self::Glommio => "glommio",
        }
    }
}

impl Chosen {
    /// Sizes for a driver of this choice.
    #[must_use]
    pub const fn needs(&self) -> Needs {
        self.needs
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, because {}", self.what, self.chosen, self.because)
    }
}

/// Sets up all rings at once, then passes a datagram and a run through one of them.
fn try_uring(needs: Needs) -> Result<(), Refusal> {
    let config = UringConfig { sockets: needs.sockets, ..UringConfig::default() };
    refusal::check_opcodes()?;
    let mut drivers = (0..needs.shards.max(1))
        .map(|_| UringDriver::new(config).map_err(Refusal::from_setup))
        .collect::<Result<Vec<_>, _>>()?;
    drivers.first_mut().map_or(Ok(()), |driver| trial(driver).map_err(Refusal::Trial))
}

/// Sets up all executors at once, and one that passes a datagram and a run.
#[cfg(feature = "host-glommio")]
fn try_glommio(needs: Needs) -> Result<(), Refusal> {
    refusal::check_opcodes_of_glommio()?;
    let config = EpollConfig { sockets: needs.sockets, ..EpollConfig::default() };
    let mut drivers = (0..needs.shards.max(1))
        .map(|_| GlommioDriver::new(config).map_err(Refusal::from_setup))
        .collect::<Result<Vec<_>, _>>()?;
    drivers.first_mut().map_or(Ok(()), |driver| trial(driver).map_err(Refusal::Trial))
}

/// A driver that cannot pass a datagram to itself is of no use, whatever the kernel says that it supports.
fn trial(driver: &mut impl Driver) -> Result<(), String> {
    let config = SocketConfig::new(IpAddr::V4(Ipv4Addr::LOCALHOST), Ports::Exact(0));
    let socket = Socket::bind(&config).map_err(|error| error.to_string())?;
    let to = socket.local_addr();
    let socket = driver.add(socket).map_err(|error| error.to_string())?;
    let mut clock = Clock::start();
    let deadline = clock.read() + TRIAL_LIMIT;
    for len in TRIAL_RUNS {
        driver.reserve(len).fill(TRIAL_BYTE);
        driver.send(Transmit { socket, to, from: None, len, segment_size: 1 });
    }
    let mut left: usize = TRIAL_RUNS.iter().sum();
    while left > 0 {
        driver.turn(Wait::Until(deadline), &mut || true).map_err(|error| error.to_string())?;
        let now = clock.read();
        driver.receive(now, ReceiveBudget { total: left, per_socket: left }, &mut |batch| {
            let ours = batch.bytes.iter().filter(|&&byte| batch.from == to && byte == TRIAL_BYTE);
            left = left.saturating_sub(ours.count());
        });
        if now >= deadline {
            return Err(format!("a datagram sent to itself on {to} did not arrive"));
        }
    }
    Ok(())
}

/// A lone datagram and a run, of one byte each: they take different ways through the driver.
const TRIAL_RUNS: [usize; 2] = [1, 3];
const TRIAL_BYTE: u8 = 0x55;
/// Loopback delivers within the call that sends; this is for a machine that is being suspended just now.
const TRIAL_LIMIT: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDS: Needs = Needs { shards: 2, sockets: 16 };

    #[test]
    fn what_is_asked_for_is_what_is_chosen() {
        let epoll = choose(HostChoice::Epoll, NEEDS).unwrap();
        assert_eq!(epoll.host, Host::Epoll);
        assert_eq!(epoll.decisions[0].to_string(), "I/O driver: epoll, because it was asked for");
    }

    #[test]
    fn auto_agrees_with_asking_by_name() {
        let auto = choose(HostChoice::Auto, NEEDS).unwrap();
        match choose(HostChoice::Uring, NEEDS) {
            Ok(chosen) => assert_eq!((chosen.host, auto.host), (Host::Uring, Host::Uring)),
            Err(refusal) => {
                assert_eq!(auto.host, Host::Epoll);
                assert_eq!(auto.decisions[0].because, refusal.to_string());
            }
        }
    }
}
