//! How a relay becomes its part of a case: sockets, transports, keys, and who gets what.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use net::{Driver, Ports, Socket, SocketConfig, SocketKey};
use shard::{Context, ShardId, Sockets, StreamId, TransportKey, Tuple};

use super::seal::Seal;
use super::transport::Transport;
use super::{EPOCH, Producer, Relay, Reply, Route};
use crate::case::{self, Case, Stream, consumer_ssrc, producer_ssrc, u64_of};

/// What one shard needs to know.
#[derive(Clone, Debug)]
pub(crate) struct ShardPlan {
    pub(crate) case: Case,
    pub(crate) shard: usize,
    /// The far end's address for each peer.
    pub(crate) peers: Vec<SocketAddr>,
}

impl Relay {
    pub(super) fn build<D: Driver>(
        &mut self,
        plan: &ShardPlan,
        sockets: &mut Sockets<'_, D>,
        cx: &mut Context<Self>,
    ) -> Reply {
        let mut keys = vec![None; plan.peers.len()];
        let mut ports = Vec::new();
        let mut shared = None;
        for (number, peer) in
            plan.case.peers().iter().enumerate().filter(|(_, peer)| peer.shard == plan.shard)
        {
            let remote = *plan.peers.get(number).ok_or("a peer has no address")?;
            let (socket, port) = open_socket(plan, remote, &mut shared, sockets)?;
            let key = TransportKey::new(u32::try_from(number).unwrap_or(u32::MAX), 0);
            cx.open_transport(key).map_err(|error| error.to_string())?;
            cx.bind(key, Tuple { socket, local: None, remote }).map_err(|error| error.to_string())?;
            let suite = if peer.receives { plan.case.suite } else { crate::suite::Suite::Clear };
            let transport = Transport::new(socket, remote, Seal::towards(suite, number)?);
            if key.place() >= self.transports.len() {
                self.transports.resize_with(key.place() + 1, || None);
            }
            self.transports[key.place()] = Some(transport);
            keys[number] = Some(key);
            ports.push((number, port));
        }
        self.route(plan, &keys, cx)?;
        Ok(ports)
    }

    /// Connects every stream to its consumers here, and says which shards have others.
    fn route(
        &mut self,
        plan: &ShardPlan,
        keys: &[Option<TransportKey>],
        cx: &mut Context<Self>,
    ) -> Result<(), String> {
        let peers = plan.case.peers();
        let streams = plan.case.streams(1);
        self.routes.resize_with(streams.len(), Vec::new);
        for (number, stream) in streams.iter().enumerate() {
            let mut elsewhere = Vec::new();
            for receiver in plan.case.receivers_of(stream.peer) {
                match keys[receiver] {
                    Some(key) => self.add_route(number, key, (receiver, stream))?,
                    None => elsewhere.push(ShardId(u16::try_from(peers[receiver].shard).unwrap_or(u16::MAX))),
                }
            }
            let home = peers[stream.peer].shard;
            if let Some(transport) = keys[stream.peer] {
                elsewhere.sort_unstable();
                elsewhere.dedup();
                let ssrc = producer_ssrc(stream.peer, stream.slot);
                self.producers.push(Producer { transport, ssrc, stream: number, sequence: None, elsewhere });
            } else if !self.routes[number].is_empty() {
                let home = ShardId(u16::try_from(home).unwrap_or(u16::MAX));
                let stream = StreamId(u32::try_from(number).unwrap_or(u32::MAX));
                if !cx.expect(home, stream, Some(EPOCH)) {
                    return Err(format!("stream {number} is beyond the shard's table"));
                }
            }
        }
        Ok(())
    }

    fn add_route(
        &mut self,
        number: usize,
        key: TransportKey,
        (receiver, stream): (usize, &Stream),
    ) -> Result<(), String> {
        let Some(Some(transport)) = self.transports.get_mut(key.place()) else {
            return Err("a consumer has no transport".to_owned());
        };
        let consumer =
            transport.add_consumer(consumer_ssrc(receiver, stream.slot), u64_of(receiver), stream.burst)?;
        self.routes[number].push(Route { transport: key, consumer });
        Ok(())
    }
}

fn open_socket<D: Driver>(
    plan: &ShardPlan,
    remote: SocketAddr,
    shared: &mut Option<(SocketKey, u16)>,
    sockets: &mut Sockets<'_, D>,
) -> Result<(SocketKey, u16), String> {
    if let Some(shared) = *shared {
        return Ok(shared);
    }
    let config = SocketConfig {
        receive_buffer_bytes: Some(RECEIVE_BUFFER_BYTES),
        ..SocketConfig::new(local_address(remote), Ports::Exact(0))
    };
    let mut socket = Socket::bind(&config).map_err(|error| error.to_string())?;
    let port = socket.local_addr().port();
    let connected = plan.case.sockets == case::Sockets::Connected;
    if connected {
        socket.connect(Some(remote)).map_err(|error| error.to_string())?;
    }
    let key = sockets.add(socket).map_err(|error| error.to_string())?;
    if !connected {
        *shared = Some((key, port));
    }
    Ok((key, port))
}

/// On which address a peer is served: loopback, or the first host of its /16.
fn local_address(remote: SocketAddr) -> IpAddr {
    match remote.ip() {
        IpAddr::V4(address) if !address.is_loopback() => {
            let [a, b, ..] = address.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, 0, 1))
        }
        _ => IpAddr::V4(Ipv4Addr::LOCALHOST),
    }
}

/// A burst of everybody at once, were the shard asleep for some milliseconds.
const RECEIVE_BUFFER_BYTES: usize = 2 << 20;
