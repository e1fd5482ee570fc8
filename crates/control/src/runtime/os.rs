//! Randomness of the operating system: the only source there is.

use aws_lc_rs::rand;
use shard::HashKey;

use super::StartError;
use crate::core::Random;

/// Sees to it that there is randomness, so that nothing later has to ask.
pub(super) fn require_randomness() -> Result<(), StartError> {
    rand::fill(&mut [0; 32]).map_err(|_| StartError::Randomness)
}

/// For the core.
pub(super) fn random() -> Random {
    Random::new(fill)
}

/// For a table whose keys strangers choose.
pub(super) fn hash_key() -> HashKey {
    HashKey([word(), word()])
}

/// Fresh bytes.
///
/// aws-lc's generator is seeded by the operating system and reseeds itself. Once it has worked it fails no more, and
/// it does not return if it does: there is nothing to do without.
pub(crate) fn fill(bytes: &mut [u8]) {
    while rand::fill(bytes).is_err() {
        std::thread::yield_now();
    }
}

fn word() -> u64 {
    let mut bytes = [0; 8];
    fill(&mut bytes);
    u64::from_ne_bytes(bytes)
}
