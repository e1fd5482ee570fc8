//! The sections of the configuration and their keys. `config/shardcast.toml` says what each is for.

mod demo;
mod limits;
mod rtc;
mod server;
mod tokens;

use serde::Deserialize;
use shardcast::api::SfuConfig;

use crate::arguments::Options;
use crate::auth::Auth;
use crate::demo::Settings;
use crate::http::ListenAddress;
use crate::tls::{Tls, TlsError};
use demo::Demo;
pub(crate) use limits::Limits;
use rtc::Rtc;
pub(crate) use server::{Origin, Server};
use tokens::Tokens;

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
        if self.auth.names_participants() {
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
        self.auth.are_needed()
    }

    /// Whether tokens cross a network as they are. Something in front of us may encrypt them all the same.
    pub(crate) fn shows_tokens(&self) -> bool {
        self.needs_tokens() && self.server.certificate.is_none() && !self.server.listen.ip().is_loopback()
    }

    /// Who may ask what.
    ///
    /// # Errors
    /// Where the operating system gives no random bytes.
    pub(crate) fn auth(&self) -> Result<Auth, aws_lc_rs::error::Unspecified> {
        let mut auth = Auth::new()?;
        self.auth.add_to(&mut auth);
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
        self.rtc.sfu()
    }
}

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
