//! Session keys from master keys: the AES-CM pseudo-random function of RFC 3711 §4.3.3, with AES-256 of
//! RFC 6188. The key derivation rate is zero: one derivation per master key, as DTLS-SRTP and SDES have it.

use crate::key::{KeyMaterial, SALT_LEN};
use crate::suite::Suite;
use aes::{Aes128Enc, Aes256Enc};
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use zeroize::Zeroizing;

/// Which of the two protocols session keys serve; each has its own.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Protocol {
    Rtp,
    Rtcp,
}

/// What a cipher is made of.
pub(crate) struct SessionKeys {
    pub(crate) suite: Suite,
    /// AES-128 uses the first half.
    pub(crate) encryption: Zeroizing<[u8; 32]>,
    /// GCM uses the first 12 bytes.
    pub(crate) salt: Zeroizing<[u8; SALT_LEN]>,
    /// Of no use to GCM.
    pub(crate) authentication: Zeroizing<[u8; AUTHENTICATION_LEN]>,
}

impl SessionKeys {
    pub(crate) fn derive(material: &KeyMaterial, protocol: Protocol) -> Self {
        let (encryption, authentication, salt) = match protocol {
            Protocol::Rtp => (Label::RtpEncryption, Label::RtpAuthentication, Label::RtpSalt),
            Protocol::Rtcp => (Label::RtcpEncryption, Label::RtcpAuthentication, Label::RtcpSalt),
        };
        Self {
            suite: material.suite(),
            encryption: derive(material, encryption),
            salt: derive(material, salt),
            authentication: derive(material, authentication),
        }
    }

    pub(crate) fn encryption(&self) -> &[u8] {
        self.encryption.get(..self.suite.key_len()).unwrap_or_default()
    }
}

/// RFC 3711 §4.3.1 and §4.3.2.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
enum Label {
    RtpEncryption = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpEncryption = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

/// The first `N` bytes of the session key named by `label`.
fn derive<const N: usize>(material: &KeyMaterial, label: Label) -> Zeroizing<[u8; N]> {
    // RFC 3711 §4.3.1: the label stands above 48 bits of index over rate, which are zero at rate zero, and
    // the whole is aligned right under the salt. §4.3.3: 16 zero bits follow; there the counter runs.
    let mut block = Zeroizing::new([0_u8; 16]);
    for (byte, salt) in block.iter_mut().zip(material.salt()) {
        *byte = *salt;
    }
    if let Some(byte) = block.get_mut(LABEL_AT) {
        *byte ^= label as u8;
    }
    let mut derived = Zeroizing::new([0_u8; N]);
    // One of the two fits: KeyMaterial checked the length.
    if let Ok(mut cipher) = Ctr128BE::<Aes256Enc>::new_from_slices(material.key(), &*block) {
        cipher.apply_keystream(&mut *derived);
    } else if let Ok(mut cipher) = Ctr128BE::<Aes128Enc>::new_from_slices(material.key(), &*block) {
        cipher.apply_keystream(&mut *derived);
    }
    derived
}

/// Bytes of an HMAC-SHA1 key (RFC 3711 §8.2).
pub(crate) const AUTHENTICATION_LEN: usize = 20;
/// Where the label stands in the salt: above the 48 bits of the index.
const LABEL_AT: usize = SALT_LEN - 7;

#[cfg(test)]
mod tests {
    use super::{Label, derive};
    use crate::cipher::tests::unhex;
    use crate::key::KeyMaterial;
    use crate::suite::Suite;

    /// RFC 3711 appendix B.3.
    #[test]
    fn rfc_3711_b3() {
        let key = 0xE1F9_7A0D_3E01_8BE0_D64F_A32C_06DE_4139_u128.to_be_bytes();
        let salt = &0x0EC6_75AD_498A_FEEB_B696_0B3A_ABE6_u128.to_be_bytes()[2..];
        let material = KeyMaterial::new(Suite::AesCm128HmacSha1_80, &key, salt).unwrap();
        assert_eq!(
            *derive::<16>(&material, Label::RtpEncryption),
            0xC61E_7A93_744F_39EE_1073_4AFE_3FF7_A087_u128.to_be_bytes()
        );
        assert_eq!(
            derive::<14>(&material, Label::RtpSalt)[..],
            0x30CB_BC08_863D_8C85_D49D_B34A_9AE1_u128.to_be_bytes()[2..]
        );
        let authentication = derive::<94>(&material, Label::RtpAuthentication);
        assert_eq!(authentication[..16], 0xCEBE_321F_6FF7_716B_6FD4_AB49_AF25_6A15_u128.to_be_bytes());
        assert_eq!(authentication[80..], 0x6B68_642C_59BB_FC2F_34DB_60DB_DFB2_u128.to_be_bytes()[2..]);
    }

    /// RFC 6188 §7.2.
    #[test]
    fn rfc_6188_7_2() {
        let mut material = KeyMaterial::new(Suite::AeadAes256Gcm, &[0; 32], &[0; 12]).unwrap();
        material.replace_for_tests(
            &unhex("f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6"),
            &unhex("3b04803de51ee7c96423ab5b78d2"),
        );
        let key = unhex::<32>("5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4");
        assert_eq!(derive::<32>(&material, Label::RtpEncryption)[..], key);
        let salt = unhex::<14>("fa31791685ca444a9e07c6c64e93");
        assert_eq!(derive::<14>(&material, Label::RtpSalt)[..], salt);
    }
}
