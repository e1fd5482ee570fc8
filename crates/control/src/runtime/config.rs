//! What a runtime is told once.

use std::num::NonZeroU16;

use model::key::ShardIndex;
use model::transport::PortRange;
use net::PoolSizing;
use net::probe::{Chosen, HostChoice};
use shard::rooms::{DtlsIdentity, Fault, FaultKind, Rooms, RoomsConfig};
use shard::{
    Capacity, Cpus, LaneSizing, Phase, Placement, Plan, QueueSizing, ShardConfig, ShardId, TcpLimits,
};

use super::CertificateSource;
use super::os;
use crate::core::Policy;

/// What a runtime is told once. The default is right for a machine, or a container, that has nothing else to do.
#[derive(Clone, Debug)]
pub struct RuntimeConfig {
    /// How many shards there can be; absent: as many as this process may use cores. None costs anything before it is
    /// used.
    pub shards: Option<NonZeroU16>,
    /// Whether each shard stays on one core.
    pub pinned: bool,
    /// Which I/O driver they use.
    pub host: HostChoice,
    /// Where a router's transports go.
    pub policy: Policy,
    /// Ports of a listenInfo that names neither a port nor a range.
    pub rtc_ports: PortRange,
    /// What DTLS shows to peers.
    pub certificate: CertificateSource,
    /// How much each shard holds.
    pub sizes: Sizes,
    /// Whether video packets that leave together are made as long as the longest of them by padding.
    pub levelling: bool,
    /// How much TCP each shard takes.
    pub tcp: TcpLimits,
    /// A defect of one shard, for tests of what a panic costs.
    pub fault: Option<(ShardIndex, Fault)>,
}

/// How much a shard holds at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Transports.
    pub transports: u32,
    /// Producers, and what stands for those of other shards.
    pub producers: u32,
    /// Packets of up to 256 bytes, 320 bytes of memory each. A shard starts with memory for what a tick receives, and
    /// takes more as it keeps more.
    pub small_packets: u32,
    /// Longer packets, 1600 bytes of memory each.
    pub large_packets: u32,
    /// Commands that are under way.
    pub commands: u32,
    /// Events that control has not taken yet.
    pub events: u32,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self {
            shards: None,
            pinned: false,
            host: HostChoice::Auto,
            policy: Policy::default(),
            // The range of mediasoup, which firewalls of its users are open for.
            rtc_ports: PortRange { min: 10_000, max: 59_999 },
            certificate: CertificateSource::SelfSigned,
            sizes: Sizes::default(),
            levelling: false,
            tcp: TcpLimits::default(),
            fault: None,
        }
    }
}

impl Default for Sizes {
    /// What a shard is good for when it is full. Packets are the bulk, 65 MB: see [`ShardConfig::usual_pool`].
    fn default() -> Self {
        let capacity = Capacity::default();
        let [small_packets, large_packets] = ShardConfig::usual_pool().slots();
        Self {
            transports: u32::try_from(capacity.transports).unwrap_or(u32::MAX),
            producers: u32::try_from(capacity.streams).unwrap_or(u32::MAX),
            small_packets,
            large_packets,
            commands: 1_024,
            events: 4_096,
        }
    }
}

impl Sizes {
    /// Sockets of a shard: two per transport, for those without rtcp-mux.
    pub(super) const fn sockets(self) -> u32 {
        self.transports.saturating_mul(2)
    }

    fn shard(self, shard: ShardId) -> ShardConfig {
        let usual = ShardConfig::new(shard, os::hash_key());
        let a_tick = u32::try_from(usual.bounds.receive.total).unwrap_or(u32::MAX);
        let (small, large) = (a_tick.min(self.small_packets), a_tick.min(self.large_packets));
        ShardConfig {
            pool: PoolSizing::new().ahead("a tick's receiving", small, large).with(
                "what a shard keeps",
                self.small_packets - small,
                self.large_packets - large,
            ),
            capacity: self.capacity(),
            queues: QueueSizing { commands: self.commands as usize, events: self.events as usize },
            ..usual
        }
    }

    fn rooms(self) -> RoomsConfig {
        let capacity = self.capacity();
        RoomsConfig { transports: capacity.transports, producers: capacity.streams, ..RoomsConfig::default() }
    }

    fn capacity(self) -> Capacity {
        let transports = self.transports as usize;
        Capacity {
            transports,
            // A second one per transport is room for RTCP on a port of its own.
            tuples: transports * 2,
            streams: self.producers as usize,
            ..Capacity::default()
        }
    }
}

/// `shard:commands`: the shard panics after so many commands. With `:hang` behind it, it hangs, until there is the file that
/// SHARDCAST_FAULT_ENDS names. What tests order a [`Fault`] of a process with.
#[must_use]
pub fn fault_on_order(text: &str) -> Option<(ShardIndex, Fault)> {
    let (shard, after) = text.split_once(':')?;
    let (after, kind) = match after.strip_suffix(":hang") {
        Some(after) => (after, FaultKind::Hang(is_to_end)),
        None => (after, FaultKind::Panic),
    };
    let fault = Fault { phase: Phase::Commands, after: after.parse().ok()?, kind };
    Some((ShardIndex(shard.parse().ok()?), fault))
}

fn is_to_end() -> bool {
    std::env::var_os("SHARDCAST_FAULT_ENDS").is_some_and(|file| std::path::Path::new(&file).exists())
}

impl RuntimeConfig {
    pub(super) fn shards_on(&self, cpus: &Cpus) -> u16 {
        let all = || u16::try_from(cpus.shards()).unwrap_or(u16::MAX);
        self.shards.map_or_else(all, NonZeroU16::get)
    }

    pub(super) fn plan(
        &self,
        shards: u16,
        chosen: Chosen,
        cpus: Cpus,
        identity: Option<DtlsIdentity>,
    ) -> Plan<Rooms> {
        let (sizes, levelling, tcp, fault) = (self.sizes, self.levelling, self.tcp, self.fault);
        // Once for all shards, those included that start later: what one says of time means the same to another.
        let ntp_at_zero = net::Clock::start().ntp_at_zero();
        let rooms = move |shard: ShardId| {
            let fault = fault.filter(|(at, _)| ShardId::from(*at) == shard).map(|(_, fault)| fault);
            RoomsConfig { levelling, ntp_at_zero, fault, hash_key: os::hash_key(), ..sizes.rooms() }
        };
        Plan {
            most: shards.into(),
            config: Box::new(move |shard| ShardConfig { tcp, ..sizes.shard(shard) }),
            lanes: LaneSizing::new(os::hash_key()),
            chosen,
            placement: if self.pinned { Placement::Pinned } else { Placement::Floating },
            cpus,
            make: Box::new(move |shard| Rooms::maker(rooms(shard), identity.clone())),
        }
    }
}
