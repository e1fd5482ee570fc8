//! AEAD_AES_128_GCM and AEAD_AES_256_GCM (RFC 7714), on aws-lc-rs.
//!
//! The expanded key lives in memory of AWS-LC, which wipes what it frees.

use super::{Address, Plaintext, Proof, RTCP_CLEAR_LEN, Refused, RtcpAddress};
use crate::kdf::SessionKeys;
use crate::key::KeyError;
use crate::suite::Suite;
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroize;

pub(crate) struct Gcm {
    key: LessSafeKey,
    /// The session salt: its first four bytes, and the other eight.
    salt: (u32, u64),
}

impl Gcm {
    pub(super) fn new(keys: &SessionKeys) -> Result<Self, KeyError> {
        let algorithm = if keys.suite == Suite::AeadAes256Gcm { &AES_256_GCM } else { &AES_128_GCM };
        let key = UnboundKey::new(algorithm, keys.encryption())
            .map_err(|_| KeyError::Refused { suite: keys.suite.name() })?;
        let [a, b, c, d, low @ .., _, _] = *keys.salt;
        let salt = (u32::from_be_bytes([a, b, c, d]), u64::from_be_bytes(low));
        Ok(Self { key: LessSafeKey::new(key), salt })
    }

    #[inline]
    pub(super) fn seal_rtp(
        &self,
        at: Address,
        out: &mut [u8],
        text: Plaintext<'_>,
    ) -> Result<Proof, Refused> {
        let Plaintext { header_len, payload, padding } = text;
        let (header, rest) = out.split_at_mut_checked(header_len).ok_or(Refused)?;
        let (body, tail) = rest.split_at_mut_checked(payload.len()).ok_or(Refused)?;
        // RFC 7714 §8.2: the associated data are the header with its CSRCs and extensions.
        self.key
            .seal_out_of_place_scatter(self.nonce(at), Aad::from(&*header), payload, body, padding, tail)
            .map_err(|_| Refused)?;
        proof(tail)
    }

    #[inline]
    pub(super) fn seal_rtp_in_place(
        &self,
        at: Address,
        out: &mut [u8],
        header_len: usize,
    ) -> Result<Proof, Refused> {
        let (header, rest) = out.split_at_mut_checked(header_len).ok_or(Refused)?;
        let body_len = rest.len().checked_sub(TAG_LEN).ok_or(Refused)?;
        let (body, tail) = rest.split_at_mut_checked(body_len).ok_or(Refused)?;
        self.key
            .seal_in_place_scatter(self.nonce(at), Aad::from(&*header), body, &[], tail)
            .map_err(|_| Refused)?;
        proof(tail)
    }

    #[inline]
    pub(super) fn open_rtp(
        &self,
        at: Address,
        packet: &[u8],
        header_len: usize,
        out: &mut [u8],
    ) -> Result<(), Refused> {
        let (header, rest) = packet.split_at_checked(header_len).ok_or(Refused)?;
        let (body, tag) = rest.split_last_chunk::<TAG_LEN>().ok_or(Refused)?;
        let (out_header, out_body) = out.split_at_mut_checked(header_len).ok_or(Refused)?;
        self.key
            .open_separate_gather(self.nonce(at), Aad::from(header), body, tag, out_body)
            .map_err(|_| Refused)?;
        out_header.copy_from_slice(header);
        Ok(())
    }

    pub(super) fn seal_rtcp(&self, at: Address, packet: &[u8], out: &mut [u8]) -> Result<(), Refused> {
        let (clear, plaintext) = packet.split_first_chunk::<RTCP_CLEAR_LEN>().ok_or(Refused)?;
        let (out_clear, rest) = out.split_first_chunk_mut::<RTCP_CLEAR_LEN>().ok_or(Refused)?;
        let (body, tail) = rest.split_at_mut_checked(plaintext.len()).ok_or(Refused)?;
        let (tag, out_word) = tail.split_first_chunk_mut::<TAG_LEN>().ok_or(Refused)?;
        let word = at.rtcp_word()?;
        *out_clear = *clear;
        *out_word.first_chunk_mut().ok_or(Refused)? = word;
        self.key
            .seal_out_of_place_scatter(self.nonce(at), associated(clear, word), plaintext, body, &[], tag)
            .map_err(|_| Refused)
    }

    pub(super) fn open_rtcp(&self, at: RtcpAddress, packet: &[u8], out: &mut [u8]) -> Result<(), Refused> {
        let (rest, word) = packet.split_last_chunk::<4>().ok_or(Refused)?;
        let (rest, tag) = rest.split_last_chunk::<TAG_LEN>().ok_or(Refused)?;
        let nonce = self.nonce(at.address());
        if at.encrypted() {
            let (clear, body) = rest.split_first_chunk::<RTCP_CLEAR_LEN>().ok_or(Refused)?;
            let (out_clear, out_rest) = out.split_first_chunk_mut::<RTCP_CLEAR_LEN>().ok_or(Refused)?;
            let out_body = out_rest.get_mut(..body.len()).ok_or(Refused)?;
            self.key
                .open_separate_gather(nonce, associated(clear, *word), body, tag, out_body)
                .map_err(|_| Refused)?;
            *out_clear = *clear;
            return Ok(());
        }
        // RFC 7714 §9.3: all of an unencrypted packet and the word are associated data. They are joined in
        // the output, as the tag stands between them in the packet.
        let (out_packet, out_rest) = out.split_at_mut_checked(rest.len()).ok_or(Refused)?;
        out_packet.copy_from_slice(rest);
        *out_rest.first_chunk_mut().ok_or(Refused)? = *word;
        let joined = out.get(..rest.len() + word.len()).ok_or(Refused)?;
        self.key.open_separate_gather(nonce, Aad::from(joined), &[], tag, &mut []).map_err(|_| Refused)
    }

    /// RFC 7714 §8.1 and §9.1: 16 zero bits, SSRC, 48 bits of index, exclusive-or the salt.
    #[inline]
    fn nonce(&self, at: Address) -> Nonce {
        let (high, low) = self.salt;
        let salt = u128::from(high) << 64 | u128::from(low);
        let [_, _, _, _, nonce @ ..] = (at.mixed() ^ salt).to_be_bytes();
        Nonce::assume_unique_for_key(nonce)
    }
}

impl Drop for Gcm {
    fn drop(&mut self) {
        self.salt.zeroize();
    }
}

/// RFC 7714 §9.2: of an encrypted RTCP packet, the clear header and the word.
fn associated(clear: &[u8; RTCP_CLEAR_LEN], word: [u8; 4]) -> Aad<[u8; 12]> {
    let [a, b, c, d, e, f, g, h] = *clear;
    let [w, x, y, z] = word;
    Aad::from([a, b, c, d, e, f, g, h, w, x, y, z])
}

#[inline]
fn proof(tail: &[u8]) -> Result<Proof, Refused> {
    tail.last_chunk().map(|end| Proof::from_be_bytes(*end)).ok_or(Refused)
}

pub(super) const TAG_LEN: usize = 16;
