//! What DTLS is done with: who this process is, and where its time line lies.

use std::sync::Arc;
use std::time::Instant;

use dtls::{Anchor, Identity, Setup, SetupError};

/// Who WebRTC peers find at our end: one certificate with its key for all shards of a process.
#[derive(Clone, Debug)]
pub struct DtlsIdentity {
    identity: Arc<Identity>,
    anchor: Anchor,
}

impl DtlsIdentity {
    /// Of this certificate; `zero` is when [`wire::Mono::ZERO`] was ([`net::Clock::instant_at_zero`]).
    #[must_use]
    pub const fn new(identity: Arc<Identity>, zero: Instant) -> Self {
        Self { identity, anchor: Anchor::new(zero) }
    }

    /// What a shard does DTLS with.
    pub(super) fn setup(&self) -> Result<Setup, SetupError> {
        Setup::new(&self.identity, self.anchor)
    }
}
