//! Signatures of a handshake (RFC 5246 §4.7), made and checked by aws-lc.

use core::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1,
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
    VerificationAlgorithm,
};

use super::random;
use super::subject::SubjectKey;
use super::suite::Authentication;

/// The private key of an identity.
pub(crate) enum SigningKey {
    EcdsaP256(EcdsaKeyPair),
    EcdsaP384(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl SigningKey {
    /// From PKCS#8, SEC 1 or PKCS#1; none if it is another kind, or RSA of fewer than 2048 or more than 4096 bits.
    pub(crate) fn load(der: &[u8]) -> Option<Self> {
        let ecdsa = |algorithm| {
            let pair = EcdsaKeyPair::from_pkcs8(algorithm, der);
            pair.or_else(|_| EcdsaKeyPair::from_private_key_der(algorithm, der)).ok()
        };
        if let Some(pair) = ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING) {
            return Some(Self::EcdsaP256(pair));
        }
        if let Some(pair) = ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING) {
            return Some(Self::EcdsaP384(pair));
        }
        let pair = RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der)).ok()?;
        // Peers refuse shorter ones, as we do; longer ones take too long.
        (256..=512).contains(&pair.public_modulus_len()).then_some(Self::Rsa(pair))
    }

    pub(super) const fn authentication(&self) -> Authentication {
        match self {
            Self::EcdsaP256(_) | Self::EcdsaP384(_) => Authentication::Ecdsa,
            Self::Rsa(_) => Authentication::Rsa,
        }
    }

    /// What it signs by.
    pub(super) const fn scheme(&self) -> u16 {
        match self {
            Self::EcdsaP256(_) => ECDSA_SHA256,
            Self::EcdsaP384(_) => ECDSA_SHA384,
            Self::Rsa(_) => RSA_SHA256,
        }
    }

    /// None if the kernel has no randomness.
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::EcdsaP256(pair) | Self::EcdsaP384(pair) => {
                Some(pair.sign(&random::kernel(), message).ok()?.as_ref().to_vec())
            }
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random::kernel(), message, &mut signature).ok()?;
                Some(signature)
            }
        }
    }
}

// A key has no business in a log.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.authentication()).finish()
    }
}

/// Whether the owner of the key signed this. A scheme names a hash and a kind of key, and no curve (RFC 8422 §5.1.1).
pub(super) fn is_signed(key: &SubjectKey, scheme: u16, message: &[u8], signature: &[u8]) -> bool {
    let algorithms: &[&'static dyn VerificationAlgorithm] = match (key.authentication, scheme) {
        (Authentication::Ecdsa, ECDSA_SHA256) => &[&ECDSA_P256_SHA256_ASN1, &ECDSA_P384_SHA256_ASN1],
        (Authentication::Ecdsa, ECDSA_SHA384) => &[&ECDSA_P256_SHA384_ASN1, &ECDSA_P384_SHA384_ASN1],
        (Authentication::Rsa, RSA_SHA256) => &[&RSA_PKCS1_2048_8192_SHA256],
        (Authentication::Rsa, RSA_SHA384) => &[&RSA_PKCS1_2048_8192_SHA384],
        (Authentication::Rsa, RSA_SHA512) => &[&RSA_PKCS1_2048_8192_SHA512],
        _ => &[],
    };
    algorithms.iter().any(|algorithm| {
        // A key on the other curve can not be read by it.
        UnparsedPublicKey::new(*algorithm, &key.info).verify(message, signature).is_ok()
    })
}

const ECDSA_SHA256: u16 = 0x0403;
const ECDSA_SHA384: u16 = 0x0503;
const RSA_SHA256: u16 = 0x0401;
const RSA_SHA384: u16 = 0x0501;
const RSA_SHA512: u16 = 0x0601;

/// What is asked for: what can be checked. SHA-1 can not.
pub(super) const SCHEMES: [u16; 5] = [ECDSA_SHA256, RSA_SHA256, ECDSA_SHA384, RSA_SHA384, RSA_SHA512];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_signs_what_its_certificate_checks() {
        let algorithms =
            [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_RSA_SHA256];
        let pairs = algorithms.map(|algorithm| {
            let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let made = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
            (SigningKey::load(&key.serialize_der()).unwrap(), SubjectKey::of(made.der()).unwrap())
        });
        for (at, (key, subject)) in pairs.iter().enumerate() {
            let signature = key.sign(b"message").unwrap();
            assert!(is_signed(subject, key.scheme(), b"message", &signature));
            assert!(!is_signed(subject, key.scheme(), b"massage", &signature));
            assert!(!is_signed(subject, key.scheme(), b"message", &signature[1..]));
            assert!(!is_signed(subject, 0x0201, b"message", &signature), "SHA-1");
            let (_, other) = &pairs[(at + 1) % 3];
            assert!(!is_signed(other, key.scheme(), b"message", &signature), "another key");
        }
        assert!(SigningKey::load(b"nothing").is_none());
    }
}
