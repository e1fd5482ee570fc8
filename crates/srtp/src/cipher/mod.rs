//! The ciphers: bytes, addresses and keys, no state that a packet changes.

mod cm_sha1;
mod gcm;
mod hmac_sha1;

use crate::kdf::{Protocol, SessionKeys};
use crate::key::{KeyError, KeyMaterial};
use crate::suite::Suite;
use cm_sha1::CmSha1;
use gcm::Gcm;
use std::fmt;

/// What stands elsewhere and is sealed behind the header.
#[derive(Debug, Clone, Copy)]
pub struct Plaintext<'a> {
    /// Bytes of RTP header (CSRCs and extensions included) already standing at the start of the output.
    pub header_len: usize,
    /// The payload, shared with other consumers and left alone.
    pub payload: &'a [u8],
    /// RTP padding with its count in the last byte (RFC 3550 §5.1), or nothing. The header's P bit is the
    /// caller's.
    pub padding: &'a [u8],
}

/// One direction's cipher for RTP or for RTCP, under its own session keys.
pub(crate) enum Cipher {
    Gcm(Gcm),
    CmSha1(Box<CmSha1>),
}

/// What the nonce of a packet is made of. Under one key an address is sealed with one byte string, ever.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Address {
    pub(crate) ssrc: u32,
    /// The 48-bit index of RTP or the 31-bit index of RTCP.
    pub(crate) index: u64,
}

/// The ciphertext did not prove to be the key holder's, or (sealing) a buffer has the wrong length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refused;

/// Enough of a tag to tell whether two sealings of one address had the same bytes.
pub(crate) type Proof = u64;

impl Cipher {
    pub(crate) fn new(material: &KeyMaterial, protocol: Protocol) -> Result<Self, KeyError> {
        Self::from_session(&SessionKeys::derive(material, protocol))
    }

    pub(crate) fn from_session(keys: &SessionKeys) -> Result<Self, KeyError> {
        match keys.suite {
            Suite::AeadAes128Gcm | Suite::AeadAes256Gcm => Gcm::new(keys).map(Self::Gcm),
            Suite::AesCm128HmacSha1_80 | Suite::AesCm128HmacSha1_32 => {
                CmSha1::new(keys).map(|cipher| Self::CmSha1(Box::new(cipher)))
            }
        }
    }

    /// Bytes that sealing adds to an RTP packet.
    #[inline]
    pub(crate) fn rtp_overhead(&self) -> usize {
        match self {
            Self::Gcm(_) => gcm::TAG_LEN,
            Self::CmSha1(cipher) => cipher.rtp_tag_len(),
        }
    }

    /// Seals `text` behind the header that stands in `out`, which is exactly as long as the sealed packet.
    #[inline]
    pub(crate) fn seal_rtp(
        &self,
        at: Address,
        out: &mut [u8],
        text: Plaintext<'_>,
    ) -> Result<Proof, Refused> {
        match self {
            Self::Gcm(gcm) => gcm.seal_rtp(at, out, text),
            Self::CmSha1(cipher) => cipher.seal_rtp(at, out, text),
        }
    }

    /// Seals what stands in `out` behind the header. `out` is exactly as long as the sealed packet.
    #[inline]
    pub(crate) fn seal_rtp_in_place(
        &self,
        at: Address,
        out: &mut [u8],
        header_len: usize,
    ) -> Result<Proof, Refused> {
        match self {
            Self::Gcm(gcm) => gcm.seal_rtp_in_place(at, out, header_len),
            Self::CmSha1(cipher) => cipher.seal_rtp_in_place(at, out, header_len),
        }
    }

    /// Opens `packet` into `out`, which is exactly as long as the opened packet; the header is copied.
    #[inline]
    pub(crate) fn open_rtp(
        &self,
        at: Address,
        packet: &[u8],
        header_len: usize,
        out: &mut [u8],
    ) -> Result<(), Refused> {
        match self {
            Self::Gcm(gcm) => gcm.open_rtp(at, packet, header_len, out),
            Self::CmSha1(cipher) => cipher.open_rtp(at, packet, header_len, out),
        }
    }

    /// Seals a compound RTCP packet into `out`, which is exactly as long as the sealed packet.
    pub(crate) fn seal_rtcp(&self, at: Address, packet: &[u8], out: &mut [u8]) -> Result<(), Refused> {
        match self {
            Self::Gcm(gcm) => gcm.seal_rtcp(at, packet, out),
            Self::CmSha1(cipher) => cipher.seal_rtcp(at, packet, out),
        }
    }

    /// Opens a compound RTCP packet into `out`, which is as long as the sealed packet.
    pub(crate) fn open_rtcp(&self, at: RtcpAddress, packet: &[u8], out: &mut [u8]) -> Result<(), Refused> {
        match self {
            Self::Gcm(gcm) => gcm.open_rtcp(at, packet, out),
            Self::CmSha1(cipher) => cipher.open_rtcp(at, packet, out),
        }
    }
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gcm(_) => "Gcm",
            Self::CmSha1(_) => "CmSha1",
        })
    }
}

/// A received RTCP packet's address, as the packet itself tells it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RtcpAddress {
    pub(crate) ssrc: u32,
    /// The E bit above the index (RFC 3711 §3.4).
    pub(crate) word: u32,
}

impl RtcpAddress {
    pub(crate) fn encrypted(self) -> bool {
        self.word & E_BIT != 0
    }

    pub(crate) fn index(self) -> u32 {
        self.word & !E_BIT
    }

    fn address(self) -> Address {
        Address { ssrc: self.ssrc, index: u64::from(self.index()) }
    }
}

impl Address {
    /// The word that carries this RTCP index, encrypted.
    fn rtcp_word(self) -> Result<[u8; 4], Refused> {
        let index = u32::try_from(self.index).map_err(|_| Refused)?;
        Ok((index | E_BIT).to_be_bytes())
    }

    /// The SSRC and the 48 bits of index as both ciphers mix them into their salt.
    #[inline]
    fn mixed(self) -> u128 {
        u128::from(self.ssrc) << 48 | u128::from(self.index)
    }
}

const E_BIT: u32 = 1 << 31;
/// Bytes of an RTCP packet that stay in the clear: the first header and the sender's SSRC.
pub(crate) const RTCP_CLEAR_LEN: usize = 8;

#[cfg(test)]
pub(crate) mod tests;
