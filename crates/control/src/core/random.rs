//! Where the core's randomness comes from.

use std::fmt;

/// A source of random bytes: the operating system's in production, a seeded one in tests.
///
/// What is made of it: SRTP keys, ICE credentials, seeds of transports and consumers. No generator stands between the
/// source and those: control makes a few of them per request, and a key is as good as the source.
pub struct Random(Box<Source>);

type Source = dyn FnMut(&mut [u8]) + Send;

impl Random {
    /// The source that fills a slice with fresh bytes.
    pub fn new(source: impl FnMut(&mut [u8]) + Send + 'static) -> Self {
        Self(Box::new(source))
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.0)(&mut bytes);
        bytes
    }

    pub(super) fn seed(&mut self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }

    /// So many characters of `a` to `z` and `0` to `9`, all equally likely.
    pub(super) fn text(&mut self, len: usize) -> Box<str> {
        let mut text = String::with_capacity(len);
        while text.len() < len {
            // Values from 252 on would prefer the first characters: 252 is the largest multiple of 36 in a byte.
            let fresh = self.bytes::<32>().into_iter().filter(|byte| *byte < 252);
            let characters = fresh.filter_map(|byte| ALPHABET.get(usize::from(byte % 36)).copied());
            text.extend(characters.map(char::from).take(len - text.len()));
        }
        text.into()
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}

const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_the_length_and_the_characters_that_were_asked_for() {
        let mut next = 0u8;
        let mut random = Random::new(move |bytes| {
            bytes.fill_with(|| {
                next = next.wrapping_add(41);
                next
            });
        });
        let text = random.text(32);
        assert_eq!(text.len(), 32);
        assert!(text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
        let distinct: std::collections::BTreeSet<_> = random.text(1000).bytes().collect();
        assert_eq!(distinct.len(), 36);
    }
}
