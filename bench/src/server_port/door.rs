//! The engine: what a shard does with datagrams of a shared port before anything is opened. Its own are counted; those
//! of other shards go there with the peer's address before them; who is unknown may say a name.

use core::convert::Infallible;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};

use net::{Batch, Driver, Ports, Share, Socket, SocketConfig, SocketKey};
use shard::{
    Claim, Context, Crossed, Egress, Engine, Epoch, NoFact, ShardId, Sockets, StreamId, Ticket, TransportKey,
    Tuple,
};
use wire::Mono;
use wire::stun::Message;

use super::callers::{NAME_BYTES, name_of};
use super::way::Way;
use super::{CALLERS, SHARDS};

/// One shard's part.
#[derive(Debug, Default)]
pub(super) struct Door {
    /// Peers of other shards.
    elsewhere: HashMap<SocketAddr, (ShardId, TransportKey)>,
    /// Names of all transports.
    names: HashMap<[u8; NAME_BYTES], (ShardId, TransportKey)>,
    unfilled: Arc<AtomicU64>,
}

pub(super) enum Command {
    Open(Box<Plan>),
    /// To stand still, from the first time that all meet at the gate to the second.
    Hold(Arc<Barrier>),
}

/// What one shard needs to know.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) way: Way,
    /// The port that the others have.
    pub(super) port: Option<u16>,
    /// Each caller, and its transport's shard.
    pub(super) callers: Vec<(SocketAddr, usize)>,
    /// Whether this is the last shard.
    pub(super) last: bool,
    /// Datagrams that could not be handed over because there was no slot for them.
    pub(super) unfilled: Arc<AtomicU64>,
}

/// The port, or why there is none.
pub(super) type Reply = Result<u16, String>;

/// What travels beside a datagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beside {
    transport: TransportKey,
    received: Mono,
}

impl Door {
    fn open<D: Driver>(
        &mut self,
        plan: &Plan,
        sockets: &mut Sockets<'_, D>,
        cx: &mut Context<Self>,
    ) -> Reply {
        self.unfilled = Arc::clone(&plan.unfilled);
        let shared = plan.way != Way::Ports;
        let config = SocketConfig {
            share: if !shared {
                Share::Never
            } else if plan.port.is_none() {
                Share::Later
            } else {
                Share::Join
            },
            receive_buffer_bytes: Some(RECEIVE_BUFFER_BYTES),
            ..SocketConfig::new(
                IpAddr::V4(Ipv4Addr::LOCALHOST),
                Ports::Exact(plan.port.filter(|_| shared).unwrap_or(0)),
            )
        };
        let socket = Socket::bind(&config).map_err(|error| error.to_string())?;
        let port = socket.local_addr().port();
        if plan.last {
            plan.way.steer(&socket, &plan.callers).map_err(|error| error.to_string())?;
        }
        let socket = sockets.add(socket).map_err(|error| error.to_string())?;
        for (number, &(remote, home)) in plan.callers.iter().enumerate() {
            let shard = ShardId(u16::try_from(home).map_err(|error| error.to_string())?);
            let key = TransportKey::new(u32::try_from(number).map_err(|error| error.to_string())?, 0);
            self.names.insert(name_of(number), (shard, key));
            if shard != cx.shard() {
                self.elsewhere.insert(remote, (shard, key));
                continue;
            }
            cx.open_transport(key).map_err(|error| error.to_string())?;
            cx.bind(key, Tuple { socket, local: None, remote }).map_err(|error| error.to_string())?;
        }
        (0..SHARDS).for_each(|from| {
            cx.expect(ShardId(u16::try_from(from).unwrap_or(0)), RAW, Some(EPOCH));
        });
        Ok(port)
    }

    /// Whose name a datagram says, if it is a Binding request.
    fn named(&self, datagram: &[u8]) -> Option<(ShardId, TransportKey)> {
        // RFC 7983.
        if *datagram.first()? > 3 {
            return None;
        }
        let name = Message::parse(datagram).ok()?.username?.receiver;
        self.names.get::<[u8; NAME_BYTES]>(name.try_into().ok()?).copied()
    }

    fn hand_over(&self, batch: &Batch<'_>, shard: ShardId, transport: TransportKey, cx: &mut Context<Self>) {
        let beside = Beside { transport, received: batch.received };
        for datagram in batch.datagrams() {
            let len = datagram.len() + ADDRESS_BYTES;
            let copy = |slot: &mut [u8]| {
                let (address, bytes) = slot.get_mut(..len)?.split_at_mut(ADDRESS_BYTES);
                write_address(batch.from, address)?;
                bytes.copy_from_slice(datagram);
                Some(len)
            };
            if let Ok(payload) = cx.fill(len, copy) {
                cx.hand_over(shard, payload, shard::Way { stream: RAW, epoch: EPOCH }, beside);
                cx.release(payload);
            } else {
                self.unfilled.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Engine for Door {
    type Command = Command;
    type Reply = Reply;
    type Event = Infallible;
    type Fact = NoFact;
    type Stamp = Beside;
    type Timer = ();

    fn command<D: Driver>(
        &mut self,
        command: Command,
        ticket: Ticket,
        sockets: &mut Sockets<'_, D>,
        cx: &mut Context<Self>,
    ) {
        let reply = match command {
            Command::Open(plan) => self.open(&plan, sockets, cx),
            Command::Hold(gate) => {
                gate.wait();
                gate.wait();
                Ok(0)
            }
        };
        cx.reply(ticket, reply);
    }

    fn closed(&mut self, _: SocketKey, _: &mut Context<Self>) {}

    fn fact(&mut self, _: ShardId, fact: NoFact, _: &mut Context<Self>) {
        match fact {}
    }

    fn crossed(&mut self, packet: Crossed<Beside>, cx: &mut Context<Self>) {
        let Beside { transport, received } = packet.stamp;
        if let Some((address, datagram)) =
            cx.bytes(packet.payload).and_then(|b| b.split_at_checked(ADDRESS_BYTES))
        {
            core::hint::black_box((transport, received, address.first(), datagram.first()));
        }
        cx.release(packet.payload);
    }

    fn timer(&mut self, (): (), _: &mut Context<Self>) {}

    fn receive(&mut self, _: TransportKey, batch: Batch<'_>, _: &mut Context<Self>) {
        batch.datagrams().for_each(|datagram| {
            core::hint::black_box(datagram.first());
        });
    }

    fn unknown(&mut self, _: Option<TransportKey>, batch: Batch<'_>, cx: &mut Context<Self>) -> Claim {
        let found = self.elsewhere.get(&batch.from).copied();
        let Some((shard, transport)) = found.or_else(|| self.named(batch.datagrams().next()?)) else {
            return Claim::Dropped;
        };
        if shard != cx.shard() {
            self.hand_over(&batch, shard, transport, cx);
        }
        Claim::Taken
    }

    fn flush<D: Driver>(&mut self, _: TransportKey, _: &mut Egress<'_, D>, _: &mut Context<Self>) {}
}

fn write_address(address: SocketAddr, out: &mut [u8]) -> Option<()> {
    let ip = match address.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    out.get_mut(..16)?.copy_from_slice(&ip.octets());
    out.get_mut(16..18)?.copy_from_slice(&address.port().to_be_bytes());
    Some(())
}

const _: () = assert!(CALLERS < 8192, "more than a shard has places for");
const RAW: StreamId = StreamId(0);
const EPOCH: Epoch = Epoch(0);
/// An address of any family, a port, and room for our own address.
const ADDRESS_BYTES: usize = 40;
/// As much as the system gives without privileges by a usual setting.
const RECEIVE_BUFFER_BYTES: usize = 4 << 20;
