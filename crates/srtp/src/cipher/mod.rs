//! The ciphers: bytes, addresses and keys, no state that a packet changes.

mod gcm;

use crate::kdf::Label;
use crate::key::{KeyError, KeyMaterial};
use crate::suite::Suite;
use gcm::Gcm;
use std::fmt;

/// One direction's cipher for RTP or for RTCP, under its own session keys.
pub(crate) enum Cipher {
    Gcm(Gcm),
}

/// What the nonce of a packet is made of. Under one key an address is sealed with one byte string, ever.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Address {
    pub(crate) ssrc: u32,
    /// The 48-bit index of RTP or the 31-bit index of RTCP.
    pub(crate) index: u64,
}

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

/// The ciphertext did not prove to be the key holder's, or (sealing) a buffer has the wrong length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refused;

/// Enough of a tag to tell whether two sealings of one address had the same bytes.
pub(crate) type Proof = u64;

/// Which of the two protocols a cipher serves; they have session keys of their own.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Protocol {
    Rtp,
    Rtcp,
}

impl Cipher {
    pub(crate) fn new(material: &KeyMaterial, protocol: Protocol) -> Result<Self, KeyError> {
        match material.suite() {
            Suite::AeadAes128Gcm | Suite::AeadAes256Gcm => Gcm::new(material, protocol).map(Self::Gcm),
            Suite::AesCm128HmacSha1_80 | Suite::AesCm128HmacSha1_32 => {
                Err(KeyError::Refused { suite: material.suite().name() })
            }
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
        }
    }
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gcm(_) => "Gcm",
        })
    }
}

impl Protocol {
    fn encryption(self) -> Label {
        match self {
            Self::Rtp => Label::RtpEncryption,
            Self::Rtcp => Label::RtcpEncryption,
        }
    }

    fn salt(self) -> Label {
        match self {
            Self::Rtp => Label::RtpSalt,
            Self::Rtcp => Label::RtcpSalt,
        }
    }

    fn authentication(self) -> Label {
        match self {
            Self::Rtp => Label::RtpAuthentication,
            Self::Rtcp => Label::RtcpAuthentication,
        }
    }
}
