//! Binding what a command asks for: all of it or nothing.

use std::io;
use std::net::SocketAddr;

use model::command::{Bind, Ports};
use model::reply::{BoundSocket, Refusal, RefusalClass};
use model::transport::TransportProtocol;
use net::{Driver, Listener, Share, Socket, SocketConfig, SocketKey};

use crate::io::Sockets;

/// Ports that are bound and that no driver has yet.
#[derive(Debug, Default)]
pub(super) struct Bound {
    udp: Vec<Socket>,
    tcp: Vec<Listener>,
    /// Where, in the order in which they were asked for.
    pub(super) at: Vec<BoundSocket>,
}

/// Whether other shards have the same ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sharing {
    /// None.
    Nobody,
    /// Others may come later.
    First,
    /// Others have them.
    Joins,
}

/// Ports in use.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// In the order in which they were asked for.
    pub(super) udp: Vec<SocketKey>,
    /// Listeners, in their order.
    pub(super) tcp: Vec<SocketKey>,
}

impl Held {
    /// All of them, to be closed.
    pub(super) fn into_all(self) -> impl Iterator<Item = SocketKey> {
        self.udp.into_iter().chain(self.tcp)
    }
}

impl Bound {
    /// Binds all of these. Where one cannot be bound, those before it are free again. `seed` says where ranges are
    /// entered.
    pub(super) fn all<'a>(binds: impl IntoIterator<Item = &'a Bind>, seed: u64) -> Result<Self, Refusal> {
        let mut bound = Self::default();
        for (number, bind) in (0..).zip(binds) {
            bound.add(bind, mix(seed.wrapping_add(number)))?;
        }
        Ok(bound)
    }

    /// Binds what several shards share. The first finds out whether a port is taken; those who join have it too, from the
    /// same moment on.
    pub(super) fn shared(binds: &[Bind], seed: u64, sharing: Sharing) -> Result<Self, Refusal> {
        let mut bound = Self::default();
        for (number, bind) in (0..).zip(binds) {
            bound.add_as(bind, mix(seed.wrapping_add(number)), sharing)?;
        }
        Ok(bound)
    }

    /// Gives them to the driver.
    ///
    /// # Errors
    /// Those that it has taken and that have to be closed now, and why it took no more.
    pub(super) fn hand_over<D: Driver>(
        self,
        sockets: &mut Sockets<'_, D>,
    ) -> Result<Held, (Vec<SocketKey>, Refusal)> {
        let mut held = Held::default();
        match self.give(sockets, &mut held) {
            Ok(()) => Ok(held),
            Err(refusal) => Err((held.into_all().collect(), refusal)),
        }
    }

    fn give<D: Driver>(self, sockets: &mut Sockets<'_, D>, held: &mut Held) -> Result<(), Refusal> {
        let no_room = |what: &str, at: SocketAddr, cause: &io::Error| {
            let reason = format!("the shard has no room for the {what} on {at}: {cause}");
            Refusal::new(RefusalClass::Failed, reason)
        };
        for socket in self.udp {
            let at = socket.local_addr();
            let key = sockets.add(socket).map_err(|cause| no_room("UDP socket", at, &cause))?;
            held.udp.push(key);
        }
        for listener in self.tcp {
            let at = listener.local_addr();
            let key = sockets.listen(listener).map_err(|cause| no_room("TCP socket", at, &cause))?;
            held.tcp.push(key);
        }
        Ok(())
    }

    fn add(&mut self, bind: &Bind, random: u64) -> Result<(), Refusal> {
        self.add_as(bind, random, Sharing::Nobody)
    }

    fn add_as(&mut self, bind: &Bind, random: u64, sharing: Sharing) -> Result<(), Refusal> {
        let mut config = config(bind, random);
        config.share = match (sharing, config.share) {
            (Sharing::Joins, _) => Share::Join,
            (Sharing::First, Share::Never) => Share::Later,
            // What an application says about sharing is about UDP.
            (Sharing::Nobody, _) if bind.protocol == TransportProtocol::Tcp => Share::Never,
            (Sharing::First, _) if bind.protocol == TransportProtocol::Tcp => Share::Later,
            (_, share) => share,
        };
        let local = match bind.protocol {
            TransportProtocol::Udp => {
                let socket = Socket::bind(&config).map_err(|error| failed(&error))?;
                let local = socket.local_addr();
                self.udp.push(socket);
                local
            }
            TransportProtocol::Tcp => {
                let listener = Listener::bind(&config).map_err(|error| failed(&error))?;
                let local = listener.local_addr();
                self.tcp.push(listener);
                local
            }
        };
        self.at.push(BoundSocket { protocol: bind.protocol, ip: bind.ip, port: local.port() });
        Ok(())
    }
}

fn config(bind: &Bind, random: u64) -> SocketConfig {
    let ports = match bind.ports {
        Ports::Fixed(port) => net::Ports::Exact(port),
        Ports::AnyOf(range) => {
            let [low, high, ..] = random.to_le_bytes();
            net::Ports::Range { first: range.min, last: range.max, start: u16::from_le_bytes([low, high]) }
        }
    };
    let given = |bytes: u32| usize::try_from(bytes).ok().filter(|bytes| *bytes > 0);
    SocketConfig {
        v6_only: bind.flags.ipv6_only,
        share: if bind.flags.udp_reuse_port { Share::Join } else { Share::Never },
        receive_buffer_bytes: given(bind.recv_buffer_size),
        send_buffer_bytes: given(bind.send_buffer_size),
        ..SocketConfig::new(bind.ip, ports)
    }
}

fn failed(error: &dyn std::error::Error) -> Refusal {
    Refusal::new(RefusalClass::Failed, error.to_string())
}

/// Another number for every number, far from those of its neighbours (SplitMix64's finalizer).
pub(super) const fn mix(seed: u64) -> u64 {
    let seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    seed ^ (seed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::transport::{PortRange, SocketFlags};
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

    const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn bind(protocol: TransportProtocol, ip: IpAddr, ports: Ports) -> Bind {
        let flags = SocketFlags::default();
        Bind { protocol, ip, ports, flags, send_buffer_size: 0, recv_buffer_size: 0 }
    }

    fn udp(ports: Ports) -> Bind {
        bind(TransportProtocol::Udp, LOCALHOST, ports)
    }

    /// A port that somebody else has for as long as the socket lives.
    fn taken() -> (UdpSocket, u16) {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        (socket, port)
    }

    #[test]
    fn both_protocols_and_families_are_bound_in_order() {
        let v6 = IpAddr::V6(Ipv6Addr::LOCALHOST);
        let asked = [
            bind(TransportProtocol::Tcp, LOCALHOST, Ports::Fixed(0)),
            udp(Ports::Fixed(0)),
            bind(TransportProtocol::Udp, v6, Ports::Fixed(0)),
        ];
        let bound = Bound::all(&asked, 1).unwrap();
        assert_eq!((bound.udp.len(), bound.tcp.len()), (2, 1));
        for (asked, bound) in asked.iter().zip(&bound.at) {
            assert_eq!((asked.protocol, asked.ip), (bound.protocol, bound.ip));
            assert_ne!(bound.port, 0);
        }
    }

    #[test]
    fn one_that_fails_frees_the_others_and_is_named() {
        let (_holder, port) = taken();
        let (free, other) = taken();
        drop(free);
        let asked = [udp(Ports::Fixed(other)), udp(Ports::Fixed(port))];
        let refusal = Bound::all(&asked, 1).unwrap_err();
        assert_eq!(refusal.class, RefusalClass::Failed);
        assert!(refusal.reason.starts_with(&format!("UDP port {port} on 127.0.0.1 is taken: ")), "{refusal}");
        assert_eq!(Bound::all(&asked[..1], 1).unwrap().at[0].port, other);
    }

    #[test]
    fn the_seed_says_where_a_range_is_entered() {
        let range = |seed| {
            let SocketConfig { ports: net::Ports::Range { start, .. }, .. } =
                config(&udp(Ports::AnyOf(PortRange { min: 40000, max: 49999 })), mix(seed))
            else {
                panic!("not a range")
            };
            start % 10_000
        };
        let entered: std::collections::BTreeSet<_> = (0..100).map(range).collect();
        assert!(entered.len() > 90, "{entered:?}");
        assert_eq!(range(7), range(7));
    }

    #[test]
    fn a_port_is_shared_only_by_those_who_say_so() {
        for ip in [LOCALHOST, IpAddr::V4(Ipv4Addr::new(224, 0, 0, 1))] {
            let mut shared = bind(TransportProtocol::Udp, ip, Ports::Fixed(0));
            shared.flags.udp_reuse_port = true;
            let first = Bound::all(&[shared], 1).unwrap();
            shared.ports = Ports::Fixed(first.at[0].port);
            assert!(Bound::all(&[shared], 1).is_ok());
            shared.flags.udp_reuse_port = false;
            assert!(Bound::all(&[shared], 1).is_err());
        }
    }
}
