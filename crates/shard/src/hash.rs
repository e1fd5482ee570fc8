//! Hashes for tables: SipHash-1-3 for what remotes choose (the tuple table), a multiplication for what they
//! do not.
//!
//! Keys are an argument, so that one seed gives one result, and a remote that chooses its ports cannot choose
//! which bucket they fall into. A pseudorandom function rather than a faster universal hash, because a remote
//! can time our answers. It costs about as much as one cache miss, once per receive batch.

use core::hash::{BuildHasher, Hasher};

/// Key of a keyed hash: random in production, fixed in tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashKey(pub [u64; 2]);

/// Hashes words under a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyedHash {
    key: HashKey,
}

impl KeyedHash {
    pub(crate) const fn new(key: HashKey) -> Self {
        Self { key }
    }

    /// SipHash-1-3 of the words' little-endian bytes.
    pub(crate) fn of(self, words: &[u64]) -> u64 {
        let HashKey([k0, k1]) = self.key;
        let mut state = [
            k0 ^ 0x736f_6d65_7073_6575,
            k1 ^ 0x646f_7261_6e64_6f6d,
            k0 ^ 0x6c79_6765_6e65_7261,
            k1 ^ 0x7465_6462_7974_6573,
        ];
        for &word in words {
            compress(&mut state, word);
        }
        // The last block carries the length in bytes, modulo 256, in its top byte.
        compress(&mut state, (words.len() as u64 * 8) << 56);
        state[2] ^= 0xff;
        for _ in 0..3 {
            round(&mut state);
        }
        state[0] ^ state[1] ^ state[2] ^ state[3]
    }
}

/// Hashes the names of our own entities, which no remote chooses: one multiplication.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EntityHash {
    key: u64,
}

impl EntityHash {
    pub(crate) const fn new(HashKey([key, _]): HashKey) -> Self {
        Self { key }
    }
}

impl BuildHasher for EntityHash {
    type Hasher = EntityHasher;

    fn build_hasher(&self) -> EntityHasher {
        EntityHasher(self.key)
    }
}

#[derive(Debug)]
pub(crate) struct EntityHasher(u64);

impl Hasher for EntityHasher {
    fn finish(&self) -> u64 {
        // The table takes bits from both ends.
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        // The odd number nearest to 2^64 over the golden ratio.
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }
}

#[inline]
fn compress(state: &mut [u64; 4], word: u64) {
    state[3] ^= word;
    round(state);
    state[0] ^= word;
}

#[inline]
fn round([v0, v1, v2, v3]: &mut [u64; 4]) {
    *v0 = v0.wrapping_add(*v1);
    *v1 = v1.rotate_left(13) ^ *v0;
    *v0 = v0.rotate_left(32);
    *v2 = v2.wrapping_add(*v3);
    *v3 = v3.rotate_left(16) ^ *v2;
    *v0 = v0.wrapping_add(*v3);
    *v3 = v3.rotate_left(21) ^ *v0;
    *v2 = v2.wrapping_add(*v1);
    *v1 = v1.rotate_left(17) ^ *v2;
    *v2 = v2.rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::hash_map::DefaultHasher;

    #[test]
    fn it_is_siphash_1_3() {
        // The standard library's hasher is SipHash-1-3, with the key zero when made by `new`.
        for len in 0..8u64 {
            let words: Vec<u64> = (0..len).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
            let mut oracle = DefaultHasher::new();
            for word in &words {
                oracle.write_u64(*word);
            }
            assert_eq!(KeyedHash::new(HashKey([0, 0])).of(&words), oracle.finish(), "{len} words");
        }
    }

    #[test]
    fn the_key_matters() {
        let words = [1, 2, 3];
        let of = |key| KeyedHash::new(HashKey(key)).of(&words);
        assert_ne!(of([0, 0]), of([1, 0]));
        assert_ne!(of([0, 0]), of([0, 1]));
    }
}
