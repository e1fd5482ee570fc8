//! Secrets and what is derived from them (RFC 5246 §5, §6.3, §8.1; RFC 7627).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::record::Protection;
use super::suite::{Hash, Suite};

/// The master secret, with what it is used with each time.
pub(super) struct Schedule {
    suite: &'static Suite,
    master: Zeroizing<Vec<u8>>,
    /// Client's and server's.
    randoms: [[u8; 32]; 2],
}

impl Schedule {
    /// RFC 7627 §4: bound to all that both sides heard so far, which ends with the client's share.
    pub(super) fn new(
        suite: &'static Suite,
        shared: &[u8],
        transcript: &[u8],
        randoms: [[u8; 32]; 2],
    ) -> Self {
        let heard = suite.hash.of(transcript);
        let master = expand(suite.hash, shared, b"extended master secret", &[heard.as_ref()], 48);
        Self { suite, master, randoms }
    }

    /// Of what the client sends, and of what the server sends.
    pub(super) fn protections(&self) -> Option<[Protection; 2]> {
        let [client, server] = &self.randoms;
        let len = self.suite.aead.key_len();
        let block_len = len.checked_add(SALT_LEN)?.checked_mul(2)?;
        let block = expand(self.suite.hash, &self.master, b"key expansion", &[server, client], block_len);
        // RFC 5246 §6.3, without keys for a MAC: an AEAD has none.
        let (keys, salts) = block.split_at_checked(len.checked_mul(2)?)?;
        let ((client_key, server_key), (client_salt, server_salt)) =
            (keys.split_at_checked(len)?, salts.split_at_checked(SALT_LEN)?);
        Some([
            Protection::new(self.suite.aead, client_key, client_salt)?,
            Protection::new(self.suite.aead, server_key, server_salt)?,
        ])
    }

    /// RFC 5246 §7.4.9.
    pub(super) fn verify_data(&self, label: &[u8], transcript: &[u8]) -> Zeroizing<Vec<u8>> {
        let heard = self.suite.hash.of(transcript);
        expand(self.suite.hash, &self.master, label, &[heard.as_ref()], VERIFY_DATA_LEN)
    }

    pub(super) fn is_verified(&self, label: &[u8], transcript: &[u8], said: &[u8]) -> bool {
        verify_slices_are_equal(&self.verify_data(label, transcript), said).is_ok()
    }

    /// RFC 5705 §4, without a context (RFC 5764 §4.2).
    pub(super) fn export(&self, label: &[u8], len: usize) -> Zeroizing<Vec<u8>> {
        let [client, server] = &self.randoms;
        expand(self.suite.hash, &self.master, label, &[client, server], len)
    }
}

/// The pseudo-random function of RFC 5246 §5.
fn expand(hash: Hash, secret: &[u8], label: &[u8], seeds: &[&[u8]], len: usize) -> Zeroizing<Vec<u8>> {
    let key = hmac::Key::new(hash.hmac(), secret);
    let sign = |before: &[u8]| {
        let mut context = hmac::Context::with_key(&key);
        context.update(before);
        context.update(label);
        seeds.iter().for_each(|seed| context.update(seed));
        context.sign()
    };
    let mut expanded = Zeroizing::new(Vec::with_capacity(len.saturating_add(48)));
    let mut turn = sign(&[]);
    while expanded.len() < len {
        expanded.extend_from_slice(sign(turn.as_ref()).as_ref());
        turn = hmac::sign(&key, turn.as_ref());
    }
    expanded.truncate(len);
    expanded
}

/// RFC 5288 §3.
const SALT_LEN: usize = 4;
const VERIFY_DATA_LEN: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_is_as_long_as_asked_for_and_begins_alike() {
        let of = |hash, len| expand(hash, b"secret", b"label", &[b"seed"], len);
        for hash in [Hash::Sha256, Hash::Sha384] {
            let longest = of(hash, 200);
            for len in [0, 1, 31, 32, 33, 48, 49, 199] {
                assert_eq!(of(hash, len)[..], longest[..len]);
            }
        }
        assert_ne!(of(Hash::Sha256, 12), of(Hash::Sha384, 12));
        assert_eq!(*expand(Hash::Sha256, b"secret", b"la", &[b"bel", b"seed"], 9), *of(Hash::Sha256, 9));
    }
}
