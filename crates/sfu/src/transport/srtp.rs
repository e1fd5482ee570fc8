//! The SRTP contexts of a transport, made from signalled keys (RFC 4568 §6.1).

use std::collections::VecDeque;

use dtls::SrtpProfile;
use model::command::SrtpKeys;
use model::transport::{SrtpCryptoSuite, SrtpParameters};
use srtp::{KeyError, KeyMaterial, Opener, Sealer, Suite};
use wire::Ssrc;

/// Both directions. Before `connect` there are no keys.
// What every packet that leaves looks at comes first, in one cache line.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct Srtp {
    contexts: Option<Contexts>,
    /// The last of `strays`: found here, beside what opened it. Receivers that report do nothing else.
    newest_stray: Option<Ssrc>,
    /// Authentic SSRCs that no producer wants, of RTP and RTCP, those first that were not heard for longest.
    strays: VecDeque<Ssrc>,
}

#[derive(Debug)]
#[repr(C)]
pub(crate) struct Contexts {
    pub(crate) sealer: Sealer,
    pub(crate) opener: Opener,
}

/// Why keys are no keys. The caller is to blame: class `TypeError`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysRefused {
    /// Not base64 (RFC 4648 §4).
    #[error("srtpParameters.keyBase64 is not base64")]
    NotBase64,
    /// Of the wrong length.
    #[error("srtpParameters.keyBase64 is wrong: {0}")]
    Key(#[from] KeyError),
    /// Keys were given to a transport without SRTP, or none to one with it.
    #[error("srtpParameters is {0}")]
    Presence(&'static str),
    /// The peer's key is ours: with one for both directions, packets of both could be sealed under the same SSRC and
    /// index (RFC 3711 §9.1).
    #[error("srtpParameters.keyBase64 is the transport's own; the peer must have another")]
    Own,
    /// The kind of transport does not take this suite.
    #[error("srtpParameters.cryptoSuite is {0}; a pipe transport takes AEAD_AES_256_GCM only")]
    Suite(&'static str),
}

const _: () = assert!(Srtp::SEALING_BYTES <= 64);

impl Srtp {
    /// Those at the beginning that sealing RTP looks at.
    pub(super) const SEALING_BYTES: usize = Sealer::RTP_BYTES;

    pub(crate) const fn is_ready(&self) -> bool {
        self.contexts.is_some()
    }

    pub(crate) const fn contexts(&mut self) -> Option<&mut Contexts> {
        self.contexts.as_mut()
    }

    pub(crate) const fn ready(&self) -> Option<&Contexts> {
        self.contexts.as_ref()
    }

    /// Whether that one was the last stray: then there is nothing to take note of.
    #[inline]
    pub(super) fn is_newest_stray(&self, ssrc: Ssrc) -> bool {
        self.newest_stray == Some(ssrc)
    }

    /// Takes note of an authentic SSRC that no producer wants. The one whose place the opener has to give up for it, if
    /// there are many: a sender hears late that its producer was closed, receivers come and go that only report, and
    /// each such SSRC would stay for as long as the key. What is given up is protected from replay no more; its reports
    /// could be heard once more each, by whoever has a way in that the transport takes from.
    pub(super) fn stray(&mut self, ssrc: Ssrc) -> Option<Ssrc> {
        if self.newest_stray.replace(ssrc) == Some(ssrc) {
            return None;
        }
        if let Some(place) = self.strays.iter().position(|stray| *stray == ssrc) {
            self.strays.remove(place);
            self.strays.push_back(ssrc);
            return None;
        }
        self.strays.push_back(ssrc);
        if self.strays.len() > STRAYS_LIMIT { self.strays.pop_front() } else { None }
    }

    pub(super) fn connect(&mut self, keys: &SrtpKeys) -> Result<(), KeysRefused> {
        let [ours, theirs] = [&keys.local, &keys.remote].map(|key| decode_base64(&key.key_base64));
        if ours.is_some() && ours == theirs {
            return Err(KeysRefused::Own);
        }
        // The opener first: the sealer keeps its key for itself.
        let opener = Opener::new(&material(&keys.remote)?)?;
        let sealer = Sealer::new(material(&keys.local)?)?;
        self.contexts = Some(Contexts { sealer, opener });
        Ok(())
    }

    /// Takes keys that DTLS has brought (RFC 5764 §4.2).
    pub(super) fn agree(&mut self, keys: &dtls::SrtpKeys) -> Result<(), KeyError> {
        let suite = match keys.profile() {
            SrtpProfile::AeadAes256Gcm => Suite::AeadAes256Gcm,
            SrtpProfile::AeadAes128Gcm => Suite::AeadAes128Gcm,
            SrtpProfile::AesCm128HmacSha1_80 => Suite::AesCm128HmacSha1_80,
        };
        let material = |(key, salt)| KeyMaterial::new(suite, key, salt);
        let opener = Opener::new(&material(keys.remote())?)?;
        let sealer = Sealer::new(material(keys.local())?)?;
        self.contexts = Some(Contexts { sealer, opener });
        Ok(())
    }
}

fn material(parameters: &SrtpParameters) -> Result<KeyMaterial, KeysRefused> {
    let bytes = decode_base64(&parameters.key_base64).ok_or(KeysRefused::NotBase64)?;
    Ok(KeyMaterial::from_inline(suite(parameters.crypto_suite), &bytes)?)
}

const fn suite(suite: SrtpCryptoSuite) -> Suite {
    match suite {
        SrtpCryptoSuite::AeadAes256Gcm => Suite::AeadAes256Gcm,
        SrtpCryptoSuite::AeadAes128Gcm => Suite::AeadAes128Gcm,
        SrtpCryptoSuite::AesCm128HmacSha1_80 => Suite::AesCm128HmacSha1_80,
        SrtpCryptoSuite::AesCm128HmacSha1_32 => Suite::AesCm128HmacSha1_32,
    }
}

/// RFC 4648 §4; the padding may be missing.
fn decode_base64(text: &str) -> Option<zeroize::Zeroizing<Vec<u8>>> {
    let digits = text.trim_end_matches('=').as_bytes();
    if digits.len() % 4 == 1 {
        return None;
    }
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(text.len()));
    for group in digits.chunks(4) {
        let mut bits = 0_u32;
        for digit in group {
            bits = bits << 6 | u32::from(sextet(*digit)?);
        }
        let missing = 4_usize.saturating_sub(group.len());
        bits <<= 6_usize.saturating_mul(missing);
        let [_, decoded @ ..] = bits.to_be_bytes();
        bytes.extend(decoded.into_iter().take(3_usize.saturating_sub(missing)));
    }
    Some(bytes)
}

const fn sextet(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit.wrapping_sub(b'A')),
        b'a'..=b'z' => Some(digit.wrapping_sub(b'a').wrapping_add(26)),
        b'0'..=b'9' => Some(digit.wrapping_sub(b'0').wrapping_add(52)),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// Senders that begin before their producers are there are understood from their first packet on: as many as a
/// simulcast room of some dozens. Far below what an opener remembers.
const STRAYS_LIMIT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        // RFC 4648 §10.
        let vectors = [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
        ];
        for (text, expected) in vectors {
            assert_eq!(
                decode_base64(text).map(|bytes| bytes.to_vec()),
                Some(expected.as_bytes().to_vec()),
                "{text}"
            );
        }
        assert_eq!(decode_base64("+/+/").map(|bytes| bytes.to_vec()), Some(vec![0xfb, 0xff, 0xbf]));
        for wrong in ["Z", "Zg=a", "Zm9v!", "Zm 9v", "ä"] {
            assert!(decode_base64(wrong).is_none(), "{wrong}");
        }
    }
}
