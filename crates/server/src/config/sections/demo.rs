//! `[demo]`: the demo call.

use std::net::IpAddr;
use std::num::NonZeroUsize;

use serde::Deserialize;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Demo {
    pub(super) enabled: Option<bool>,
    pub(super) ip: Option<IpAddr>,
    pub(super) announced_address: Option<Box<str>>,
    /// Whoever wants none switches the demo off.
    pub(super) rooms: NonZeroUsize,
    pub(super) people: NonZeroUsize,
}

impl Default for Demo {
    fn default() -> Self {
        let [rooms, people] = [100, 16].map(|count| NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN));
        Self { enabled: None, ip: None, announced_address: None, rooms, people }
    }
}
