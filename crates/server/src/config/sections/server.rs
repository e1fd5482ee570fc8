//! `[server]`: where the control API is, and whose pages may ask it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;

/// Where the control API is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Server {
    pub(crate) listen: SocketAddr,
    pub(crate) drain_seconds: u64,
    pub(crate) allowed_origins: Vec<Origin>,
    pub(super) certificate: Option<PathBuf>,
    pub(super) private_key: Option<PathBuf>,
}

/// Where a page comes from, as browsers write it in the header `Origin`; or `*`, which is anywhere.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Origin(String);

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

impl Origin {
    /// Whether a page of that origin is meant.
    pub(crate) fn includes(&self, origin: &str) -> bool {
        self.is_any() || self.0.eq_ignore_ascii_case(origin)
    }

    pub(super) fn is_any(&self) -> bool {
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
