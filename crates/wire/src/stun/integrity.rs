//! MESSAGE-INTEGRITY (RFC 8489 §14.5): who knows the password wrote this.

use core::hint::black_box;

/// HMAC-SHA1 under one key. The crate has no cryptography of its own; who keeps passwords brings it.
pub trait HmacSha1 {
    /// The code over `parts`, one after another.
    fn code(&self, parts: &[&[u8]]) -> [u8; CODE_LEN];
}

impl<F: Fn(&[&[u8]]) -> [u8; CODE_LEN]> HmacSha1 for F {
    fn code(&self, parts: &[&[u8]]) -> [u8; CODE_LEN] {
        self(parts)
    }
}

/// Whether two codes are the same, in a time that does not tell where they differ.
pub(super) fn equal(one: &[u8; CODE_LEN], other: &[u8; CODE_LEN]) -> bool {
    let difference = one.iter().zip(other).fold(0, |difference, (a, b)| black_box(difference | (a ^ b)));
    black_box(difference) == 0
}

/// Bytes of the code.
pub(super) const CODE_LEN: usize = 20;
/// Bytes of the attribute: the header before the code.
pub(super) const ATTRIBUTE_LEN: u16 = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_counts() {
        let code = [0x5a; CODE_LEN];
        assert!(equal(&code, &code));
        for bit in 0..CODE_LEN * 8 {
            let mut other = code;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!equal(&code, &other), "bit {bit}");
        }
    }
}
