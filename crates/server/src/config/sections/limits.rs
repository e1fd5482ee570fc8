//! `[limits]`: how much may be asked of the control API.

use serde::Deserialize;

/// See the module.
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
