//! AES_CM_128_HMAC_SHA1_80 and _32 (RFC 3711 §4.1.1 and §4.2.1), on RustCrypto: its counter mode runs from
//! buffer to buffer and allocates nothing, and its SHA-1 lets a keyed state be kept.

use super::hmac_sha1::{HmacSha1, TAG_LEN};
use super::{Address, Plaintext, Proof, RTCP_CLEAR_LEN, Refused, RtcpAddress};
use crate::kdf::SessionKeys;
use crate::key::KeyError;
use crate::suite::Suite;
use aes::Aes128Enc;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use ctr::cipher::{InnerIvInit, KeyInit, StreamCipher};
use ctr::{Ctr128BE, CtrCore};
use zeroize::Zeroize;

pub(crate) struct CmSha1 {
    aes: Aes128Enc,
    mac: HmacSha1,
    /// The session salt at the height the counter block wants it.
    salt: u128,
    rtp_tag_len: usize,
}

impl CmSha1 {
    pub(super) fn new(keys: &SessionKeys) -> Result<Self, KeyError> {
        let refused = KeyError::Refused { suite: keys.suite.name() };
        let aes = Aes128Enc::new_from_slice(keys.encryption()).map_err(|_| refused)?;
        let mac = HmacSha1::new(&keys.authentication);
        let salt = keys.salt.iter().fold(0_u128, |salt, &byte| (salt << 8) | u128::from(byte)) << 16;
        let rtp_tag_len = if keys.suite == Suite::AesCm128HmacSha1_32 { 4 } else { 10 };
        Ok(Self { aes, mac, salt, rtp_tag_len })
    }

    #[inline]
    pub(super) const fn rtp_tag_len(&self) -> usize {
        self.rtp_tag_len
    }

    #[inline]
    pub(super) fn seal_rtp(
        &self,
        at: Address,
        out: &mut [u8],
        text: Plaintext<'_>,
    ) -> Result<Proof, Refused> {
        let Plaintext { header_len, payload, padding } = text;
        let rest = out.get_mut(header_len..).ok_or(Refused)?;
        let (body, rest) = rest.split_at_mut_checked(payload.len()).ok_or(Refused)?;
        let out_padding = rest.get_mut(..padding.len()).ok_or(Refused)?;
        let mut keystream = self.keystream(at);
        keystream.try_apply_keystream_b2b(payload, body).map_err(|_| Refused)?;
        keystream.try_apply_keystream_b2b(padding, out_padding).map_err(|_| Refused)?;
        self.append_rtp_tag(at, out)
    }

    #[inline]
    pub(super) fn seal_rtp_in_place(
        &self,
        at: Address,
        out: &mut [u8],
        header_len: usize,
    ) -> Result<Proof, Refused> {
        let end = out.len().checked_sub(self.rtp_tag_len).ok_or(Refused)?;
        let body = out.get_mut(header_len..end).ok_or(Refused)?;
        self.keystream(at).try_apply_keystream(body).map_err(|_| Refused)?;
        self.append_rtp_tag(at, out)
    }

    #[inline]
    pub(super) fn open_rtp(
        &self,
        at: Address,
        packet: &[u8],
        header_len: usize,
        out: &mut [u8],
    ) -> Result<(), Refused> {
        let end = packet.len().checked_sub(self.rtp_tag_len).ok_or(Refused)?;
        let (authenticated, tag) = packet.split_at_checked(end).ok_or(Refused)?;
        // RFC 3711 §3.3: authentication comes before decryption.
        verify(&self.rtp_tag(at, authenticated), tag)?;
        let (header, body) = authenticated.split_at_checked(header_len).ok_or(Refused)?;
        let (out_header, out_body) = out.split_at_mut_checked(header_len).ok_or(Refused)?;
        out_header.copy_from_slice(header);
        self.keystream(at).try_apply_keystream_b2b(body, out_body).map_err(|_| Refused)
    }

    pub(super) fn seal_rtcp(&self, at: Address, packet: &[u8], out: &mut [u8]) -> Result<(), Refused> {
        let (clear, plaintext) = packet.split_first_chunk::<RTCP_CLEAR_LEN>().ok_or(Refused)?;
        let (out_clear, rest) = out.split_first_chunk_mut::<RTCP_CLEAR_LEN>().ok_or(Refused)?;
        let (body, rest) = rest.split_at_mut_checked(plaintext.len()).ok_or(Refused)?;
        *out_clear = *clear;
        self.keystream(at).try_apply_keystream_b2b(plaintext, body).map_err(|_| Refused)?;
        *rest.first_chunk_mut().ok_or(Refused)? = at.rtcp_word()?;
        let (authenticated, out_tag) = out.split_last_chunk_mut::<RTCP_TAG_LEN>().ok_or(Refused)?;
        let tag = self.mac.tag_alone(authenticated);
        *out_tag = *tag.first_chunk().ok_or(Refused)?;
        Ok(())
    }

    pub(super) fn open_rtcp(&self, at: RtcpAddress, packet: &[u8], out: &mut [u8]) -> Result<(), Refused> {
        let (authenticated, tag) = packet.split_last_chunk::<RTCP_TAG_LEN>().ok_or(Refused)?;
        // RFC 3711 §3.4: the tag covers the word too.
        verify(&self.mac.tag_alone(authenticated), tag)?;
        let (rest, _word) = authenticated.split_last_chunk::<4>().ok_or(Refused)?;
        let (clear, body) = rest.split_first_chunk::<RTCP_CLEAR_LEN>().ok_or(Refused)?;
        let (out_clear, out_rest) = out.split_first_chunk_mut::<RTCP_CLEAR_LEN>().ok_or(Refused)?;
        let out_body = out_rest.get_mut(..body.len()).ok_or(Refused)?;
        *out_clear = *clear;
        if at.encrypted() {
            self.keystream(at.address()).try_apply_keystream_b2b(body, out_body).map_err(|_| Refused)
        } else {
            out_body.copy_from_slice(body);
            Ok(())
        }
    }

    /// RFC 3711 §4.1.1: salt, SSRC and index each at their height; the low 16 bits count blocks.
    #[inline]
    fn keystream(&self, at: Address) -> Ctr128BE<&Aes128Enc> {
        let block = (self.salt ^ (at.mixed() << 16)).to_be_bytes();
        Ctr128BE::from_core(CtrCore::inner_iv_init(&self.aes, &block.into()))
    }

    #[inline]
    fn append_rtp_tag(&self, at: Address, out: &mut [u8]) -> Result<Proof, Refused> {
        let end = out.len().checked_sub(self.rtp_tag_len).ok_or(Refused)?;
        let (authenticated, out_tag) = out.split_at_mut_checked(end).ok_or(Refused)?;
        let tag = self.rtp_tag(at, authenticated);
        out_tag.copy_from_slice(tag.get(..self.rtp_tag_len).ok_or(Refused)?);
        tag.first_chunk().map(|start| Proof::from_be_bytes(*start)).ok_or(Refused)
    }

    /// RFC 3711 §4.2: the tag covers the packet and the rollover counter.
    #[inline]
    fn rtp_tag(&self, at: Address, authenticated: &[u8]) -> [u8; TAG_LEN] {
        let [_, _, roc @ .., _, _] = at.index.to_be_bytes();
        self.mac.tag(authenticated, &roc)
    }
}

impl Drop for CmSha1 {
    fn drop(&mut self) {
        // `aes` and `mac` wipe themselves.
        self.salt.zeroize();
    }
}

/// Compares a received tag with the start of the right one, in constant time.
#[inline]
fn verify(expected: &[u8; TAG_LEN], received: &[u8]) -> Result<(), Refused> {
    let expected = expected.get(..received.len()).ok_or(Refused)?;
    verify_slices_are_equal(expected, received).map_err(|_| Refused)
}

/// RFC 3711 §5.2 and RFC 4568 §6.2.2: RTCP tags have 80 bits in both suites.
const RTCP_TAG_LEN: usize = 10;
