//! AEAD_AES_128_GCM and AEAD_AES_256_GCM (RFC 7714), on aws-lc-rs.
//!
//! The expanded key lives in memory of AWS-LC, which wipes what it frees.

use super::{Address, Plaintext, Proof, Protocol, Refused};
use crate::kdf::derive;
use crate::key::{KeyError, KeyMaterial};
use crate::suite::Suite;
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroize;

pub(crate) struct Gcm {
    key: LessSafeKey,
    /// The session salt, 96 bits.
    salt: u128,
}

impl Gcm {
    pub(super) fn new(material: &KeyMaterial, protocol: Protocol) -> Result<Self, KeyError> {
        let suite = material.suite();
        let key = if suite == Suite::AeadAes256Gcm {
            UnboundKey::new(&AES_256_GCM, &*derive::<32>(material, protocol.encryption()))
        } else {
            UnboundKey::new(&AES_128_GCM, &*derive::<16>(material, protocol.encryption()))
        };
        let key = LessSafeKey::new(key.map_err(|_| KeyError::Refused { suite: suite.name() })?);
        let salt = derive::<12>(material, protocol.salt());
        let salt = salt.iter().fold(0, |salt, &byte| (salt << 8) | u128::from(byte));
        Ok(Self { key, salt })
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
        let body_len = rest.len().checked_sub(TAG_LEN).ok_or(Refused)?;
        let (body, tag) = rest.split_at_checked(body_len).ok_or(Refused)?;
        let (out_header, out_body) = out.split_at_mut_checked(header_len).ok_or(Refused)?;
        self.key
            .open_separate_gather(self.nonce(at), Aad::from(header), body, tag, out_body)
            .map_err(|_| Refused)?;
        out_header.copy_from_slice(header);
        Ok(())
    }

    /// RFC 7714 §8.1 and §9.1: 16 zero bits, SSRC, 48 bits of index, exclusive-or the salt.
    #[inline]
    fn nonce(&self, at: Address) -> Nonce {
        let value = (u128::from(at.ssrc) << 48 | u128::from(at.index)) ^ self.salt;
        let [_, _, _, _, nonce @ ..] = value.to_be_bytes();
        Nonce::assume_unique_for_key(nonce)
    }
}

impl Drop for Gcm {
    fn drop(&mut self) {
        self.salt.zeroize();
    }
}

#[inline]
fn proof(tail: &[u8]) -> Result<Proof, Refused> {
    tail.last_chunk().map(|end| Proof::from_be_bytes(*end)).ok_or(Refused)
}

const TAG_LEN: usize = 16;
