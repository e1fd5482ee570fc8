//! The least crypto a packet of each suite costs: one pass from shared plaintext into egress memory, with a key
//! that is used as it is. Not SRTP (no key derivation, no rollover counter), and not ours.

use core::fmt;
use std::io;

use aes::Aes128;
use aes::cipher::{InnerIvInit, KeyInit, StreamCipher};
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ctr::{Ctr128BE, CtrCore};
use hmac::{Hmac, Mac};
use sha1::Sha1;

use crate::case::RTP_HEADER;
use crate::suite::Suite;

/// Keys towards one consumer.
pub(crate) struct FloorSeal {
    suite: Suite,
    keys: Keys,
}

enum Keys {
    Clear,
    Gcm(Box<LessSafeKey>),
    Sha1 { aes: Box<Aes128>, mac: Box<Hmac<Sha1>> },
}

impl FloorSeal {
    pub(crate) fn new(suite: Suite, peer: usize) -> io::Result<Self> {
        let (key, salt) = suite.keys_for(peer);
        let refused = |_| io::Error::other("the key has the wrong length");
        let gcm = |algorithm| {
            let key = UnboundKey::new(algorithm, &key)
                .map_err(|_| io::Error::other("the key has the wrong length"))?;
            Ok::<_, io::Error>(Keys::Gcm(Box::new(LessSafeKey::new(key))))
        };
        let keys = match suite {
            Suite::Clear => Keys::Clear,
            Suite::Gcm128 => gcm(&AES_128_GCM)?,
            Suite::Gcm256 => gcm(&AES_256_GCM)?,
            Suite::Sha1Tag80 => Keys::Sha1 {
                aes: Box::new(Aes128::new_from_slice(&key).map_err(refused)?),
                mac: Box::new(<Hmac<Sha1> as KeyInit>::new_from_slice(&salt).map_err(refused)?),
            },
        };
        Ok(Self { suite, keys })
    }

    /// Writes header, sealed payload and tag. `out` has exactly their length.
    pub(crate) fn seal(&self, header: &[u8; RTP_HEADER], payload: &[u8], out: &mut [u8]) -> io::Result<()> {
        let short = || io::Error::other("no room for the sealed packet");
        let (head, body) = out.split_at_mut_checked(RTP_HEADER).ok_or_else(short)?;
        head.copy_from_slice(header);
        let (cipher, tag) = body.split_at_mut_checked(payload.len()).ok_or_else(short)?;
        match &self.keys {
            Keys::Clear => cipher.copy_from_slice(payload),
            Keys::Gcm(key) => key
                .seal_out_of_place_scatter(nonce(header), Aad::from(header), payload, cipher, &[], tag)
                .map_err(|_| io::Error::other("sealing failed"))?,
            Keys::Sha1 { aes, mac } => {
                self.keystream(aes, header, payload, cipher)?;
                let mut mac = Hmac::clone(mac);
                mac.update(header);
                mac.update(cipher);
                let sum = mac.finalize().into_bytes();
                tag.copy_from_slice(sum.get(..self.suite.tag_len()).ok_or_else(short)?);
            }
        }
        Ok(())
    }

    /// Header and payload of a sealed packet.
    pub(crate) fn open(&self, packet: &[u8]) -> io::Result<Vec<u8>> {
        let forged = || io::Error::other("authentication failed");
        let (header, sealed) = packet.split_first_chunk::<RTP_HEADER>().ok_or_else(forged)?;
        let mut opened = packet.to_vec();
        let body = opened.get_mut(RTP_HEADER..).ok_or_else(forged)?;
        match &self.keys {
            Keys::Clear => {}
            Keys::Gcm(key) => {
                key.open_in_place(nonce(header), Aad::from(header), body).map_err(|_| forged())?;
            }
            Keys::Sha1 { aes, mac } => {
                let cipher_len = sealed.len().checked_sub(self.suite.tag_len()).ok_or_else(forged)?;
                let (cipher, tag) = sealed.split_at_checked(cipher_len).ok_or_else(forged)?;
                let mut mac = Hmac::clone(mac);
                mac.update(header);
                mac.update(cipher);
                mac.verify_truncated_left(tag).map_err(|_| forged())?;
                self.keystream(aes, header, cipher, body.get_mut(..cipher_len).ok_or_else(forged)?)?;
            }
        }
        opened.truncate(packet.len() - self.suite.tag_len());
        Ok(opened)
    }

    fn keystream(
        &self,
        aes: &Aes128,
        header: &[u8; RTP_HEADER],
        input: &[u8],
        output: &mut [u8],
    ) -> io::Result<()> {
        let mut counter = [0; 16];
        if let Some(start) = counter.first_chunk_mut::<RTP_HEADER>() {
            *start = nonce_bytes(header);
        }
        Ctr128BE::<&Aes128>::from_core(CtrCore::inner_iv_init(aes, &counter.into()))
            .try_apply_keystream_b2b(input, output)
            .map_err(|_| io::Error::other("ciphertext and plaintext differ in length"))
    }
}

impl fmt::Debug for FloorSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FloorSeal").field("suite", &self.suite).finish_non_exhaustive()
    }
}

/// SSRC and sequence number: unique under one key for as long as a slice lasts, which is all a floor needs.
fn nonce_bytes(header: &[u8; RTP_HEADER]) -> [u8; 12] {
    let [_, _, high, low, _, _, _, _, a, b, c, d] = *header;
    [0, 0, a, b, c, d, 0, 0, 0, 0, high, low]
}

fn nonce(header: &[u8; RTP_HEADER]) -> Nonce {
    Nonce::assume_unique_for_key(nonce_bytes(header))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_opens_what_it_sealed_and_nothing_else() {
        for suite in Suite::ALL {
            let seal = FloorSeal::new(suite, 3).unwrap();
            let header = [0x80, 100, 0, 9, 0, 0, 0, 0, 0x40, 0, 0, 1];
            let payload = [7; 100];
            let mut packet = vec![0; RTP_HEADER + payload.len() + suite.tag_len()];
            seal.seal(&header, &payload, &mut packet).unwrap();
            let opened = seal.open(&packet).unwrap();
            assert_eq!(opened[..RTP_HEADER], header);
            assert_eq!(opened[RTP_HEADER..], payload);
            if suite != Suite::Clear {
                assert_ne!(packet[RTP_HEADER..RTP_HEADER + payload.len()], payload);
                packet[40] ^= 1;
                assert!(seal.open(&packet).is_err(), "{suite}");
            }
        }
    }
}
