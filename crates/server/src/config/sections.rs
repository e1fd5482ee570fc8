//! The sections of the configuration and their keys. `config/shardcast.toml` says what each is for.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::{NonZeroU16, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use model::key::ShardIndex;
use model::transport::PortRange;
use net::probe::HostChoice;
use serde::Deserialize;
use shardcast::api::SfuConfig;
use shardcast::core::Policy;
use shardcast::runtime::{CertificateSource, Fault, TcpLimits, fault_on_order};

use crate::arguments::Options;
use crate::auth::{Auth, Grant, Key, Scope};
use crate::demo::Settings;
use crate::http::ListenAddress;
use crate::tls::{Tls, TlsError};

/// The whole of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) server: Server,
    pub(crate) limits: Limits,
    auth: Tokens,
    pub(crate) rtc: Rtc,
    demo: Demo,
}

/// Where the control API is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Server {
    pub(crate) listen: SocketAddr,
    pub(crate) drain_seconds: u64,
    pub(crate) allowed_origins: Vec<Origin>,
    certificate: Option<PathBuf>,
    private_key: Option<PathBuf>,
}

/// Where a page comes from, as browsers write it in the header `Origin`; or `*`, which is anywhere.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Origin(String);

/// How much may be asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    pub(crate) connections: u16,
    pub(crate) connections_per_address: u32,
    pub(crate) header_seconds: u32,
    pub(crate) body_seconds: u32,
    pub(crate) idle_seconds: u32,
    pub(crate) body_bytes: usize,
    pub(crate) requests_per_second: u32,
    pub(crate) participant_transports: u32,
    pub(crate) participant_producers: u32,
    pub(crate) participant_consumers: u32,
    pub(crate) participant_app_data_bytes: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Tokens {
    tokens: Vec<Token>,
    jwt_secret: Option<Secret>,
    jwt_public_key: Option<PublicKey>,
    jwt_audience: Option<Box<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    token: Secret,
    scope: Scope,
}

/// A word that nobody should guess, or see in a log.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Secret(String);

/// A public key of Ed25519, in PEM.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct PublicKey(String);

/// Media.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Rtc {
    pub(crate) shards: u16,
    pub(crate) pinned: bool,
    driver: Driver,
    spread: Spread,
    pub(crate) port_min: u16,
    pub(crate) port_max: u16,
    certificate: Option<PathBuf>,
    private_key: Option<PathBuf>,
    level_video: bool,
    tcp_connections: u16,
    tcp_connections_per_listener: u16,
    tcp_connections_per_address: u16,
    tcp_unsent_bytes: u32,
    tcp_silence_seconds: u16,
}

/// The demo call.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Demo {
    enabled: Option<bool>,
    ip: Option<IpAddr>,
    announced_address: Option<Box<str>>,
    /// Whoever wants none switches the demo off.
    rooms: NonZeroUsize,
    people: NonZeroUsize,
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

/// Whether there is such a key.
pub(super) fn has(section: &str, key: &str) -> bool {
    KEYS.iter().any(|(name, keys)| *name == section && keys.contains(&key))
}

impl Config {
    /// What the keys make together.
    pub(super) fn check(&self) -> Result<(), Box<str>> {
        let Rtc { port_min, port_max, certificate, private_key, .. } = &self.rtc;
        if port_min > port_max || *port_min == 0 {
            return Err(format!(
                "rtc.port_min is {port_min}; it must be from 1 to rtc.port_max, which is {port_max}"
            )
            .into());
        }
        if certificate.is_some() != private_key.is_some() {
            return Err("rtc.certificate and rtc.private_key must be given together".into());
        }
        if self.server.certificate.is_some() != self.server.private_key.is_some() {
            return Err("server.certificate and server.private_key must be given together".into());
        }
        if self.auth.tokens.iter().any(|token| token.scope == Scope::Participant) {
            let detail = "auth.tokens has one with scope \"participant\"; it must be \"admin\" or \"read\", and tokens \
                          for participants are made over the API";
            return Err(detail.into());
        }
        if !self.needs_tokens() && self.server.allowed_origins.iter().any(Origin::is_any) {
            let detail = "server.allowed_origins has \"*\"; without tokens any page that is open in a browser of this \
                          machine would control every call";
            return Err(detail.into());
        }
        for (key, value) in [
            ("tcp_connections", self.rtc.tcp_connections.into()),
            ("tcp_connections_per_listener", self.rtc.tcp_connections_per_listener.into()),
            ("tcp_connections_per_address", self.rtc.tcp_connections_per_address.into()),
            ("tcp_unsent_bytes", self.rtc.tcp_unsent_bytes),
            ("tcp_silence_seconds", self.rtc.tcp_silence_seconds.into()),
        ] {
            if value == 0 {
                return Err(
                    format!("rtc.{key} is 0; it must be 1 at least, or no media goes over TCP").into()
                );
            }
        }
        let Limits { connections, header_seconds, body_seconds, idle_seconds, .. } = self.limits;
        for (key, value) in [
            ("connections", connections.into()),
            ("header_seconds", header_seconds),
            ("body_seconds", body_seconds),
            ("idle_seconds", idle_seconds),
        ] {
            if value == 0 {
                return Err(
                    format!("limits.{key} is 0; it must be 1 at least, or nobody is ever served").into()
                );
            }
        }
        let listen = self.server.listen;
        if !self.needs_tokens() && !listen.ip().is_loopback() {
            return Err(format!(
                "server.listen is {listen}; without tokens it must be a loopback address, because whoever reaches \
                 it controls every call"
            )
            .into());
        }
        if self.demo().is_some_and(|demo| demo.listen.ip.is_unspecified()) {
            return Err(format!(
                "demo.ip is missing; server.listen is {listen}, so it must say at which address of this machine calls \
                 of the demo are reached"
            )
            .into());
        }
        Ok(())
    }

    /// With what the command line says in its place.
    pub(crate) fn with(mut self, options: &Options) -> Result<Self, Box<str>> {
        if let Some(listen) = options.listen {
            self.server.listen = listen;
        }
        if let Some(drain) = options.drain {
            self.server.drain_seconds = drain.as_secs();
        }
        self.check().map(|()| self)
    }

    /// Whether everybody needs a token.
    pub(crate) fn needs_tokens(&self) -> bool {
        let Tokens { tokens, jwt_secret, jwt_public_key, .. } = &self.auth;
        !tokens.is_empty() || jwt_secret.is_some() || jwt_public_key.is_some()
    }

    /// Who may ask what.
    ///
    /// # Errors
    /// Where the operating system gives no random bytes.
    pub(crate) fn auth(&self) -> Result<Auth, aws_lc_rs::error::Unspecified> {
        let mut auth = Auth::new()?;
        let Tokens { tokens, jwt_secret, jwt_public_key, jwt_audience } = &self.auth;
        for Token { token, scope } in tokens {
            auth.add_token(&token.0, Grant::of(*scope));
        }
        if let Some(Secret(secret)) = jwt_secret {
            auth.add_key(Key::hs256(secret.as_bytes()));
        }
        if let Some(key) = jwt_public_key.as_ref().and_then(|PublicKey(pem)| Key::ed25519(pem)) {
            auth.add_key(key);
        }
        auth.set_audience(jwt_audience.as_deref());
        Ok(auth)
    }

    /// The demo call, unless it is switched off.
    pub(crate) fn demo(&self) -> Option<Settings> {
        let Demo { enabled, rooms, people, .. } = self.demo;
        let listen = self.listen_address();
        enabled.unwrap_or(!self.needs_tokens()).then(|| Settings {
            listen,
            rooms: rooms.get(),
            people: people.get(),
        })
    }

    /// Where media of participants is received.
    pub(crate) fn listen_address(&self) -> ListenAddress {
        ListenAddress {
            ip: self.demo.ip.unwrap_or(self.server.listen.ip()),
            announced_address: self.demo.announced_address.clone(),
        }
    }

    /// TLS of the control API, where there are files for it.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn tls(&self) -> Result<Option<Tls>, TlsError> {
        match (&self.server.certificate, &self.server.private_key) {
            (Some(certificate), Some(private_key)) => Tls::read(certificate, private_key).map(Some),
            _ => Ok(None),
        }
    }

    /// What addresses of the control API begin with.
    pub(crate) const fn scheme(&self) -> &'static str {
        if self.server.certificate.is_some() { "https" } else { "http" }
    }

    pub(crate) fn sfu(&self) -> SfuConfig {
        let Rtc { shards, pinned, driver, port_min, port_max, certificate, private_key, level_video, .. } =
            &self.rtc;
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
            policy: match self.rtc.spread {
                Spread::Load => Policy::default(),
                Spread::Home => Policy::Home,
                Spread::InTurn => Policy::RoundRobin,
            },
            rtc_ports: PortRange { min: *port_min, max: *port_max },
            certificate,
            levelling: *level_video,
            tcp: self.rtc.tcp(),
            // A release build knows no way to ask for a defect.
            fault: cfg!(debug_assertions).then(fault).flatten(),
            ..SfuConfig::default()
        }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8480)),
            drain_seconds: 300,
            allowed_origins: Vec::new(),
            certificate: None,
            private_key: None,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            connections_per_address: 256,
            header_seconds: 20,
            body_seconds: 30,
            idle_seconds: 60,
            body_bytes: 262_144,
            requests_per_second: 5_000,
            participant_transports: 8,
            participant_producers: 32,
            participant_consumers: 1_024,
            participant_app_data_bytes: 4_096,
        }
    }
}

impl Default for Demo {
    fn default() -> Self {
        let [rooms, people] = [100, 16].map(|count| NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN));
        Self { enabled: None, ip: None, announced_address: None, rooms, people }
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

impl TryFrom<String> for Secret {
    type Error = String;

    fn try_from(secret: String) -> Result<Self, String> {
        if secret.len() >= SHORTEST_SECRET {
            return Ok(Self(secret));
        }
        Err(format!("a secret has at least {SHORTEST_SECRET} characters, so that nobody guesses it"))
    }
}

impl Rtc {
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

impl Origin {
    /// Whether a page of that origin is meant.
    pub(crate) fn includes(&self, origin: &str) -> bool {
        self.is_any() || self.0.eq_ignore_ascii_case(origin)
    }

    fn is_any(&self) -> bool {
        self.0 == "*"
    }
}

impl TryFrom<String> for Origin {
    type Error = String;

    fn try_from(origin: String) -> Result<Self, String> {
        let host = ["http://", "https://"].iter().find_map(|scheme| origin.strip_prefix(scheme));
        let is_origin =
            host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ', '*']));
        if is_origin || origin == "*" {
            return Ok(Self(origin));
        }
        Err(format!(
            "{origin:?} is no origin; it must be as \"https://example.org\", with a port if it has one, or \"*\""
        ))
    }
}

/// What a test wants to see break.
fn fault() -> Option<(ShardIndex, Fault)> {
    fault_on_order(&std::env::var("SHARDCAST_FAULT").ok()?)
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl TryFrom<String> for PublicKey {
    type Error = &'static str;

    fn try_from(pem: String) -> Result<Self, Self::Error> {
        Key::ed25519(&pem).map(|_| Self(pem)).ok_or("it must be a public key of Ed25519 in PEM")
    }
}

/// 192 bits in base64; a hash of HS256 has 256.
const SHORTEST_SECRET: usize = 32;

/// Every key, by section.
pub(super) const KEYS: &[(&str, &[&str])] = &[
    ("server", &["listen", "drain_seconds", "allowed_origins", "certificate", "private_key"]),
    (
        "limits",
        &[
            "connections",
            "connections_per_address",
            "header_seconds",
            "body_seconds",
            "idle_seconds",
            "body_bytes",
            "requests_per_second",
            "participant_transports",
            "participant_producers",
            "participant_consumers",
            "participant_app_data_bytes",
        ],
    ),
    ("auth", &["tokens", "jwt_secret", "jwt_public_key", "jwt_audience"]),
    (
        "rtc",
        &[
            "shards",
            "pinned",
            "driver",
            "spread",
            "port_min",
            "port_max",
            "certificate",
            "private_key",
            "level_video",
            "tcp_connections",
            "tcp_connections_per_listener",
            "tcp_connections_per_address",
            "tcp_unsent_bytes",
            "tcp_silence_seconds",
        ],
    ),
    ("demo", &["enabled", "ip", "announced_address", "rooms", "people"]),
];
