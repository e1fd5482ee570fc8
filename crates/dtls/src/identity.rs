//! Who this side is: a certificate and its key.

use core::fmt;

use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair,
};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use crate::fingerprint::{Fingerprint, HashFunction};

/// A certificate with a key that one of the libraries signs with.
pub struct Identity {
    certificate: Box<[u8]>,
    private_key: Zeroizing<Vec<u8>>,
    key_type: KeyType,
}

/// What a private key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// ECDSA on P-256.
    EcdsaP256,
    /// ECDSA on P-384.
    EcdsaP384,
    /// RSA of 2048 to 4096 bits.
    Rsa,
}

/// Why a certificate and a key are no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A text has not the section that it should have, or a broken one.
    #[error("there is no {expected} in PEM: {cause}")]
    Pem {
        /// What should be there.
        expected: &'static str,
        /// What was found.
        cause: pem::Error,
    },
    /// The bytes are no private key.
    #[error("the private key is neither PKCS#8 nor SEC 1 nor PKCS#1: {0}")]
    Der(&'static str),
    /// A key of a kind that nobody here signs with.
    #[error(
        "the private key is {key_type}; it must be an ECDSA key on P-256 or P-384, or an RSA key of 2048 to 4096 bits"
    )]
    KeyType {
        /// What it is.
        key_type: &'static str,
    },
    /// The key is not that of the certificate.
    #[error("the private key ({key_type}) is not that of the certificate")]
    Mismatch {
        /// What kind of key it is.
        key_type: &'static str,
    },
}

impl KeyType {
    /// As errors and logs name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "ECDSA on P-256",
            Self::EcdsaP384 => "ECDSA on P-384",
            Self::Rsa => "RSA",
        }
    }
}

impl Identity {
    /// From a certificate and a key in DER: PKCS#8, SEC 1 or PKCS#1.
    ///
    /// # Errors
    /// When the key is of a kind that is not signed with, or another certificate's.
    pub fn new(certificate: &[u8], private_key: &[u8]) -> Result<Self, IdentityError> {
        let key = PrivateKeyDer::try_from(private_key).map_err(IdentityError::Der)?;
        let (key_type, public_key) = recognise(&key)?;
        // The public key stands in the certificate as a bit string of its own (RFC 5280 §4.1.2.7); no other one of
        // this length and content is there by chance.
        if !certificate.windows(public_key.len()).any(|window| window == public_key) {
            return Err(IdentityError::Mismatch { key_type: key_type.name() });
        }
        let private_key = Zeroizing::new(private_key.to_vec());
        Ok(Self { certificate: certificate.into(), private_key, key_type })
    }

    /// From texts in PEM; of a chain only the first certificate is shown.
    ///
    /// # Errors
    /// When a section is missing or broken, and as [`Identity::new`].
    pub fn from_pem(certificate: &[u8], private_key: &[u8]) -> Result<Self, IdentityError> {
        let broken = |expected| move |cause| IdentityError::Pem { expected, cause };
        let certificate = CertificateDer::from_pem_slice(certificate).map_err(broken("certificate"))?;
        // A label (RFC 7468 §11), or a header of the older form (RFC 1421 §4.6.1.1): neither is readable as a key.
        if ENCRYPTED.iter().any(|mark| private_key.windows(mark.len()).any(|window| window == *mark)) {
            return Err(IdentityError::KeyType { key_type: "an encrypted key, whose password nobody said" });
        }
        let key = PrivateKeyDer::from_pem_slice(private_key).map_err(broken("private key"))?;
        Self::new(&certificate, key.secret_der())
    }

    /// The certificate in DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// What kind of key it has.
    #[must_use]
    pub const fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// By every function that peers may ask for, the weakest first.
    #[must_use]
    pub fn fingerprints(&self) -> [Fingerprint; 5] {
        HashFunction::ALL.map(|function| Fingerprint::of(function, &self.certificate))
    }

    pub(crate) fn private_key(&self) -> &[u8] {
        &self.private_key
    }
}

// A key has no business in a log.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("key_type", &self.key_type).finish_non_exhaustive()
    }
}

/// The kind of the key and its public half.
fn recognise(key: &PrivateKeyDer<'_>) -> Result<(KeyType, Vec<u8>), IdentityError> {
    for (algorithm, key_type) in [
        (&ECDSA_P256_SHA256_ASN1_SIGNING, KeyType::EcdsaP256),
        (&ECDSA_P384_SHA384_ASN1_SIGNING, KeyType::EcdsaP384),
    ] {
        if let Some(public_key) = ecdsa(algorithm, key) {
            return Ok((key_type, public_key));
        }
    }
    let der = key.secret_der();
    let pair = match key {
        PrivateKeyDer::Pkcs1(_) => rsa::KeyPair::from_der(der),
        _ => rsa::KeyPair::from_pkcs8(der),
    };
    if let Ok(pair) = pair {
        // Peers refuse shorter ones, as we do. A signature by 8192 bits takes 20 ms, in which no packet is forwarded.
        let key_type = match pair.public_modulus_len() {
            ..256 => "an RSA key of fewer than 2048 bits",
            256..=512 => return Ok((KeyType::Rsa, pair.public_key().as_ref().to_vec())),
            _ => "an RSA key of more than 4096 bits",
        };
        return Err(IdentityError::KeyType { key_type });
    }
    let key_type = match key {
        _ if Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).is_ok() => "an Ed25519 key",
        PrivateKeyDer::Pkcs1(_) => "an RSA key of another size, or a broken one",
        PrivateKeyDer::Sec1(_) => "an ECDSA key on another curve, or a broken one",
        _ => "a key of another type, or a broken one",
    };
    Err(IdentityError::KeyType { key_type })
}

fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm, key: &PrivateKeyDer<'_>) -> Option<Vec<u8>> {
    let pair = match key {
        PrivateKeyDer::Pkcs8(der) => EcdsaKeyPair::from_pkcs8(algorithm, der.secret_pkcs8_der()),
        other => EcdsaKeyPair::from_private_key_der(algorithm, other.secret_der()),
    };
    Some(pair.ok()?.public_key().as_ref().to_vec())
}

const ENCRYPTED: [&[u8]; 2] = [b"-----BEGIN ENCRYPTED PRIVATE KEY-----", b"Proc-Type: 4,ENCRYPTED"];

#[cfg(test)]
mod tests {
    use super::*;

    fn made(algorithm: &'static rcgen::SignatureAlgorithm) -> (Vec<u8>, Vec<u8>) {
        let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let made = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
        (made.der().to_vec(), key.serialize_der())
    }

    #[test]
    fn keys_are_recognised() {
        for (algorithm, expected) in [
            (&rcgen::PKCS_ECDSA_P256_SHA256, KeyType::EcdsaP256),
            (&rcgen::PKCS_ECDSA_P384_SHA384, KeyType::EcdsaP384),
            (&rcgen::PKCS_RSA_SHA256, KeyType::Rsa),
        ] {
            let (certificate, key) = made(algorithm);
            let identity = Identity::new(&certificate, &key).unwrap();
            assert_eq!(identity.key_type(), expected);
            assert!(identity.fingerprints().iter().all(|print| print.matches(&certificate)));
            assert!(!format!("{identity:?}").contains("private"));
        }
    }

    #[test]
    fn a_key_of_another_kind_or_certificate_is_named() {
        let (certificate, key) = made(&rcgen::PKCS_ED25519);
        let error = Identity::new(&certificate, &key).unwrap_err().to_string();
        assert!(
            error.starts_with("the private key is an Ed25519 key; it must be an ECDSA key on"),
            "{error}"
        );
        for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_RSA_SHA256] {
            let (one, other) = (made(algorithm), made(algorithm));
            assert!(matches!(Identity::new(&one.0, &other.1), Err(IdentityError::Mismatch { .. })));
        }
        assert!(matches!(Identity::new(&certificate, b"nothing"), Err(IdentityError::Der(_))));
        let error = Identity::from_pem(b"nothing", b"nothing").unwrap_err().to_string();
        assert!(error.starts_with("there is no certificate in PEM: "), "{error}");
    }

    #[test]
    fn an_encrypted_key_is_named() {
        let certificate = crate::pem::certificate(&made(&rcgen::PKCS_ECDSA_P256_SHA256).0);
        for mark in ENCRYPTED {
            let error = Identity::from_pem(certificate.as_bytes(), mark).unwrap_err().to_string();
            assert!(error.starts_with("the private key is an encrypted key"), "{error}");
        }
    }
}
