//! The one place of this folder that takes what nobody can pass in: aws-lc draws from the kernel by itself, and a key
//! that a test could repeat would be one that somebody else could.

use aws_lc_rs::agreement::{Algorithm, EphemeralPrivateKey};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};

use super::Fatal;

/// What signatures are made with.
pub(super) fn kernel() -> impl SecureRandom {
    SystemRandom::new()
}

/// A hello's (RFC 5246 §7.4.1.2): all of it is random, and none from a clock.
pub(super) fn hello() -> Result<[u8; 32], Fatal> {
    let mut random = [0; 32];
    kernel().fill(&mut random).map_err(|_| Fatal::internal())?;
    Ok(random)
}

/// A share of a key exchange: used once.
pub(super) fn share(group: &'static Algorithm) -> Result<EphemeralPrivateKey, Fatal> {
    EphemeralPrivateKey::generate(group, &kernel()).map_err(|_| Fatal::internal())
}
