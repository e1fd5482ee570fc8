//! SRTP keys of a peer, as control tells them to a shard, and what the peer does with them: by the crate `webrtc-srtp`,
//! so that both ends never share a bug.

use model::command::SrtpKeys;
use model::transport::{SrtpCryptoSuite, SrtpParameters};
use webrtc_srtp::context::Context;
use webrtc_srtp::option::{srtcp_no_replay_protection, srtp_no_replay_protection};
use webrtc_srtp::protection_profile::ProtectionProfile;

use crate::random::Random;

/// Which suite a peer's path is sealed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// `AEAD_AES_128_GCM`.
    Gcm,
    /// `AES_CM_128_HMAC_SHA1_80`.
    CmSha1,
}

/// Keys of both directions.
#[derive(Clone, Debug)]
pub struct KeyPair {
    suite: Suite,
    to_sfu: Vec<u8>,
    from_sfu: Vec<u8>,
}

/// One end of one direction.
pub struct Lock(Context);

impl KeyPair {
    /// The keys that follow from a seed.
    #[must_use]
    pub fn new(suite: Suite, seed: u64) -> Self {
        let mut random = Random::of(seed, 77);
        let mut material = || -> Vec<u8> {
            let words = (0..6).flat_map(|_| random.next().to_be_bytes());
            words.take(suite.of_model().key_and_salt_len()).collect()
        };
        Self { suite, to_sfu: material(), from_sfu: material() }
    }

    /// As a shard is told.
    #[must_use]
    pub fn for_shard(&self) -> SrtpKeys {
        let parameters = |material: &[u8]| SrtpParameters {
            crypto_suite: self.suite.of_model(),
            key_base64: base64(material).into(),
        };
        SrtpKeys { local: parameters(&self.from_sfu), remote: parameters(&self.to_sfu) }
    }

    /// Seals what the peer sends.
    #[must_use]
    pub fn sealing(&self) -> Lock {
        Lock::new(self.suite, &self.to_sfu)
    }

    /// Opens what the SFU sends. Takes the same packet as often as it comes: whether it should is for others to say.
    #[must_use]
    pub fn opening(&self) -> Lock {
        Lock::new(self.suite, &self.from_sfu)
    }

    /// Opens what the peer sends, for whoever watches.
    #[must_use]
    pub fn watching(&self) -> Lock {
        Lock::new(self.suite, &self.to_sfu)
    }
}

impl Suite {
    const fn of_model(self) -> SrtpCryptoSuite {
        match self {
            Self::Gcm => SrtpCryptoSuite::AeadAes128Gcm,
            Self::CmSha1 => SrtpCryptoSuite::AesCm128HmacSha1_80,
        }
    }
}

impl Lock {
    fn new(suite: Suite, material: &[u8]) -> Self {
        let profile = match suite {
            Suite::Gcm => ProtectionProfile::AeadAes128Gcm,
            Suite::CmSha1 => ProtectionProfile::Aes128CmHmacSha1_80,
        };
        let (key, salt) = material.split_at(16);
        let replay = (Some(srtp_no_replay_protection()), Some(srtcp_no_replay_protection()));
        let context = Context::new(key, salt, profile, replay.0, replay.1);
        Self(context.expect("keys have the length that their suite wants"))
    }

    /// Seals a datagram; nothing if it is neither RTP nor RTCP.
    pub fn seal(&mut self, plain: &[u8]) -> Option<Vec<u8>> {
        let is_rtcp = crate::media::is_rtcp(plain);
        let sealed = if is_rtcp { self.0.encrypt_rtcp(plain) } else { self.0.encrypt_rtp(plain) };
        sealed.ok().map(|bytes| bytes.to_vec())
    }

    /// Opens a datagram; nothing if it is not authentic.
    pub fn open(&mut self, sealed: &[u8]) -> Option<Vec<u8>> {
        let is_rtcp = crate::media::is_rtcp(sealed);
        let plain = if is_rtcp { self.0.decrypt_rtcp(sealed) } else { self.0.decrypt_rtp(sealed) };
        plain.ok().map(|bytes| bytes.to_vec())
    }
}

impl core::fmt::Debug for Lock {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Lock").finish_non_exhaustive()
    }
}

/// RFC 4648 §4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, at| bits << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
        let digits = (0..4).map(|at| char::from(DIGITS[(bits >> (18 - 6 * at) & 63) as usize]));
        text.extend(digits.take(group.len() + 1));
    }
    text.extend(core::iter::repeat_n('=', text.len().wrapping_neg() % 4));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        // RFC 4648 §10.
        let texts = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|text| base64(text.as_bytes()));
        assert_eq!(texts, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    }

    #[test]
    fn what_one_end_seals_the_other_opens_and_nobody_else() {
        let packet = crate::media::Rtp {
            payload_type: 96,
            marker: false,
            sequence: 1,
            timestamp: 2,
            ssrc: 3,
            payload: &[4; 40],
        }
        .write();
        for suite in [Suite::Gcm, Suite::CmSha1] {
            let keys = KeyPair::new(suite, 1);
            let sealed = keys.sealing().seal(&packet).unwrap();
            assert_eq!(keys.watching().open(&sealed), Some(packet.clone()));
            assert_eq!(keys.opening().open(&sealed), None);
            assert_eq!(KeyPair::new(suite, 2).watching().open(&sealed), None);
        }
    }
}
