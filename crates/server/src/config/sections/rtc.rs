//! `[rtc]`: media, and what the SFU is made of for it.

use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use model::key::ShardIndex;
use model::transport::PortRange;
use net::probe::HostChoice;
use serde::Deserialize;
use shardcast::api::SfuConfig;
use shardcast::core::Policy;
use shardcast::runtime::{CertificateSource, Fault, TcpLimits, fault_on_order};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Rtc {
    pub(crate) shards: u16,
    pub(crate) pinned: bool,
    driver: Driver,
    spread: Spread,
    pub(crate) port_min: u16,
    pub(crate) port_max: u16,
    pub(super) certificate: Option<PathBuf>,
    pub(super) private_key: Option<PathBuf>,
    level_video: bool,
    pub(super) tcp_connections: u16,
    pub(super) tcp_connections_per_listener: u16,
    pub(super) tcp_connections_per_address: u16,
    pub(super) tcp_unsent_bytes: u32,
    pub(super) tcp_silence_seconds: u16,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Driver {
    #[default]
    Auto,
    Uring,
    Epoll,
}

/// Where a router's transports go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Spread {
    #[default]
    Load,
    Home,
    InTurn,
}

impl Rtc {
    pub(super) fn sfu(&self) -> SfuConfig {
        let Rtc { shards, pinned, driver, port_min, port_max, certificate, private_key, level_video, .. } =
            self;
        let certificate = match (certificate, private_key) {
            (Some(certificate), Some(private_key)) => CertificateSource::PemFiles {
                certificate: certificate.clone(),
                private_key: private_key.clone(),
            },
            _ => CertificateSource::SelfSigned,
        };
        SfuConfig {
            shards: NonZeroU16::new(*shards),
            pinned: *pinned,
            host: match driver {
                Driver::Auto => HostChoice::Auto,
                Driver::Uring => HostChoice::Uring,
                Driver::Epoll => HostChoice::Epoll,
            },
            policy: match self.spread {
                Spread::Load => Policy::default(),
                Spread::Home => Policy::Home,
                Spread::InTurn => Policy::RoundRobin,
            },
            rtc_ports: PortRange { min: *port_min, max: *port_max },
            certificate,
            levelling: *level_video,
            tcp: self.tcp(),
            // A release build knows no way to ask for a defect.
            fault: cfg!(debug_assertions).then(fault).flatten(),
            ..SfuConfig::default()
        }
    }

    fn tcp(&self) -> TcpLimits {
        TcpLimits {
            connections: self.tcp_connections.into(),
            per_listener: self.tcp_connections_per_listener.into(),
            per_address: self.tcp_connections_per_address.into(),
            unsent_bytes: usize::try_from(self.tcp_unsent_bytes).unwrap_or(usize::MAX),
            silence: Duration::from_secs(self.tcp_silence_seconds.into()),
            ..TcpLimits::default()
        }
    }
}

impl Default for Rtc {
    fn default() -> Self {
        let SfuConfig { rtc_ports: PortRange { min, max }, levelling, tcp, .. } = SfuConfig::default();
        let count = |count| u16::try_from(count).unwrap_or(u16::MAX);
        Self {
            shards: 0,
            pinned: false,
            driver: Driver::Auto,
            spread: Spread::Load,
            port_min: min,
            port_max: max,
            certificate: None,
            private_key: None,
            level_video: levelling,
            tcp_connections: count(tcp.connections),
            tcp_connections_per_listener: count(tcp.per_listener),
            tcp_connections_per_address: count(tcp.per_address),
            tcp_unsent_bytes: u32::try_from(tcp.unsent_bytes).unwrap_or(u32::MAX),
            tcp_silence_seconds: u16::try_from(tcp.silence.as_secs()).unwrap_or(u16::MAX),
        }
    }
}

/// What a test wants to see break.
fn fault() -> Option<(ShardIndex, Fault)> {
    fault_on_order(&std::env::var("SHARDCAST_FAULT").ok()?)
}
