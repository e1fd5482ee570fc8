//! A driver chosen at run time.
//!
//! Callers that are generic over `Driver` are compiled once more for this type instead of once per combination of
//! driver and everything else they are generic over. The price is a predictable branch and a pointer per call,
//! nothing beside the system calls and the copies behind it. (`Box<dyn Driver>` would cost the same and could not
//! be told apart again.)

use std::io;
use std::net::SocketAddr;

use wire::Mono;

use super::{Chosen, Host, HostChoice};
use crate::driver::{Batch, Driver, DriverCounters, ReceiveBudget, Received, SocketKey, Transmit, Wait};
use crate::epoll::{EpollConfig, EpollDriver};
#[cfg(feature = "host-glommio")]
use crate::glommio::GlommioDriver;
use crate::lane::Waker;
use crate::listener::Listener;
use crate::socket::Socket;
use crate::stream::{Accepted, Detached, Farewell, Transfer};
use crate::uring::{UringConfig, UringDriver};

/// Any of the drivers.
#[derive(Debug)]
pub enum AnyDriver {
    /// On io_uring.
    Uring(Box<UringDriver>),
    /// On epoll.
    Epoll(Box<EpollDriver>),
    /// On epoll, in a glommio executor.
    #[cfg(feature = "host-glommio")]
    Glommio(Box<GlommioDriver>),
}

impl AnyDriver {
    /// A driver as `chosen` says, on the thread that will drive it. Where nobody asked for io_uring by name, it is
    /// epoll instead when a ring can not be had any more: rings are charged to what all processes of a user may lock
    /// together (RLIMIT_MEMLOCK), so others can have used that up since it was tried at boot. The driver's name tells.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn new(chosen: &Chosen) -> io::Result<Self> {
        let (sockets, gso) = (chosen.needs.sockets, chosen.offloads.gso);
        Ok(match chosen.host {
            Host::Uring => {
                let config = UringConfig { sockets, gso, ..UringConfig::default() };
                match UringDriver::new(config) {
                    Ok(driver) => Self::Uring(Box::new(driver)),
                    Err(_) if chosen.choice == HostChoice::Auto => Self::epoll(sockets, gso)?,
                    Err(error) => return Err(error),
                }
            }
            Host::Epoll => Self::epoll(sockets, gso)?,
            #[cfg(feature = "host-glommio")]
            Host::Glommio => Self::Glommio(Box::new(GlommioDriver::new(EpollConfig { sockets, gso })?)),
        })
    }

    fn epoll(sockets: u32, gso: bool) -> io::Result<Self> {
        Ok(Self::Epoll(Box::new(EpollDriver::new(EpollConfig { sockets, gso })?)))
    }
}

/// The same call on whichever driver it is.
macro_rules! either {
    ($any:expr, $driver:ident => $call:expr) => {
        match $any {
            AnyDriver::Uring($driver) => $call,
            AnyDriver::Epoll($driver) => $call,
            #[cfg(feature = "host-glommio")]
            AnyDriver::Glommio($driver) => $call,
        }
    };
}

impl Driver for AnyDriver {
    fn add(&mut self, socket: Socket) -> io::Result<SocketKey> {
        either!(self, driver => driver.add(socket))
    }

    fn close(&mut self, key: SocketKey) {
        either!(self, driver => driver.close(key));
    }

    fn next_closed(&mut self) -> Option<SocketKey> {
        either!(self, driver => driver.next_closed())
    }

    fn connect(&mut self, key: SocketKey, peer: Option<SocketAddr>) -> io::Result<()> {
        either!(self, driver => driver.connect(key, peer))
    }

    fn turn(&mut self, wait: Wait, idle: &mut dyn FnMut() -> bool) -> io::Result<()> {
        either!(self, driver => driver.turn(wait, idle))
    }

    fn receive(&mut self, now: Mono, budget: ReceiveBudget, sink: &mut dyn FnMut(Batch<'_>)) -> Received {
        either!(self, driver => driver.receive(now, budget, sink))
    }

    #[inline]
    fn reserve(&mut self, len: usize) -> &mut [u8] {
        either!(self, driver => driver.reserve(len))
    }

    #[inline]
    fn send(&mut self, transmit: Transmit) {
        either!(self, driver => driver.send(transmit));
    }

    #[inline]
    fn prefetch(&self, socket: SocketKey) {
        either!(self, driver => driver.prefetch(socket));
    }

    fn listen(&mut self, listener: Listener) -> io::Result<SocketKey> {
        either!(self, driver => driver.listen(listener))
    }

    fn accept(&mut self, listener: SocketKey) -> Accepted {
        either!(self, driver => driver.accept(listener))
    }

    fn next_ready(&mut self) -> Option<SocketKey> {
        either!(self, driver => driver.next_ready())
    }

    fn read(&mut self, key: SocketKey, into: &mut [u8]) -> Transfer {
        either!(self, driver => driver.read(key, into))
    }

    fn write(&mut self, key: SocketKey, bytes: &[u8]) -> Transfer {
        either!(self, driver => driver.write(key, bytes))
    }

    fn part(&mut self, key: SocketKey, farewell: Farewell) {
        either!(self, driver => driver.part(key, farewell));
    }

    fn detach(&mut self, key: SocketKey) -> io::Result<Detached> {
        either!(self, driver => driver.detach(key))
    }

    fn adopt(&mut self, detached: Detached) -> io::Result<SocketKey> {
        either!(self, driver => driver.adopt(detached))
    }

    fn waker(&self) -> Waker {
        either!(self, driver => driver.waker())
    }

    fn counters(&self) -> &DriverCounters {
        either!(self, driver => driver.counters())
    }

    fn name(&self) -> &'static str {
        either!(self, driver => driver.name())
    }
}
