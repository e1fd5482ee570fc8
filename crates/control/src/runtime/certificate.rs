//! The certificate that DTLS shows to peers: one per process.
//!
//! Made at start, or read from PEM files. Either way it is known before the first transport what its fingerprints
//! are (RFC 8122 §5), for they are in every transport's parameters. The private key stays in memory that is wiped.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA224, SHA256, SHA384, SHA512};
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair,
};
use model::transport::{DtlsFingerprint, FingerprintAlgorithm};
use rcgen::{CertificateParams, DnType, PKCS_ECDSA_P256_SHA256};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use shard::rooms::{Identity, IdentityError};
use thiserror::Error;
use zeroize::Zeroizing;

/// Where the certificate comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CertificateSource {
    /// Made at start, with a fresh ECDSA key on P-256.
    #[default]
    SelfSigned,
    /// Read from files.
    PemFiles {
        /// The certificate; of a chain only the first is used.
        certificate: PathBuf,
        /// Its private key: PKCS#8, SEC 1 or PKCS#1.
        private_key: PathBuf,
    },
}

/// A certificate with its private key.
pub struct Certificate {
    certificate: Vec<u8>,
    private_key: Zeroizing<Vec<u8>>,
    key_type: KeyType,
    fingerprints: Vec<DtlsFingerprint>,
}

/// What a private key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// ECDSA on P-256.
    EcdsaP256,
    /// ECDSA on P-384.
    EcdsaP384,
    /// RSA, 2048 to 8192 bits.
    Rsa,
}

/// Why there is no certificate. Each names the file.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// A file could not be read.
    #[error("{} can not be read: {cause}", file.display())]
    Read {
        /// Which file.
        file: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A file has not the section that it should have, or a broken one.
    #[error("{} holds no {expected} in PEM: {cause}", file.display())]
    Pem {
        /// Which file.
        file: PathBuf,
        /// What should be in it.
        expected: &'static str,
        /// What was found.
        cause: rustls_pki_types::pem::Error,
    },
    /// A key of a kind that DTLS can not be done with here.
    #[error("{} holds {key_type}; it must be an ECDSA key on P-256 or P-384, or an RSA key of 2048 to 8192 bits", file.display())]
    KeyType {
        /// Which file.
        file: PathBuf,
        /// What kind of key it is.
        key_type: &'static str,
    },
    /// The key is not that of the certificate.
    #[error("the key in {} ({key_type}) is not that of the certificate in {}", private_key.display(), certificate.display())]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        private_key: PathBuf,
        /// What kind of key it is.
        key_type: &'static str,
    },
    /// A certificate could not be made.
    #[error("no certificate could be made: {0}")]
    Make(#[from] rcgen::Error),
}

impl Certificate {
    /// Makes or reads it.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn load(source: &CertificateSource) -> Result<Self, CertificateError> {
        match source {
            CertificateSource::SelfSigned => Self::self_signed(),
            CertificateSource::PemFiles { certificate, private_key } => {
                Self::from_pem_files(certificate, private_key)
            }
        }
    }

    /// Hashes of the certificate by every function that peers may ask for, the weakest first.
    #[must_use]
    pub fn fingerprints(&self) -> &[DtlsFingerprint] {
        &self.fingerprints
    }

    /// The certificate in DER.
    #[must_use]
    pub fn certificate_der(&self) -> &[u8] {
        &self.certificate
    }

    /// The private key in DER: PKCS#8, or as the PEM file had it.
    #[must_use]
    pub fn private_key_der(&self) -> &[u8] {
        &self.private_key
    }

    /// As DTLS takes it.
    ///
    /// # Errors
    /// When the key is of a kind that DTLS can not be done with.
    pub fn identity(&self) -> Result<Identity, IdentityError> {
        Identity::new(&self.certificate, &self.private_key)
    }

    /// What kind of key it has.
    #[must_use]
    pub const fn key_type(&self) -> KeyType {
        self.key_type
    }

    fn self_signed() -> Result<Self, CertificateError> {
        let key = rcgen::KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut parameters = CertificateParams::new(Vec::new())?;
        // Peers check the fingerprint and nothing else (RFC 8827 §6.5), so the name says nothing about the machine,
        // and validity is whatever rcgen takes for always.
        parameters.distinguished_name.push(DnType::CommonName, "shardcast");
        let certificate = parameters.self_signed(&key)?;
        Ok(Self::new(certificate.der().to_vec(), Zeroizing::new(key.serialize_der()), KeyType::EcdsaP256))
    }

    fn from_pem_files(certificate_file: &Path, key_file: &Path) -> Result<Self, CertificateError> {
        let certificate: CertificateDer<'static> = section(certificate_file, "certificate")?;
        let key: PrivateKeyDer<'static> = section(key_file, "private key")?;
        let der = Zeroizing::new(key.secret_der().to_vec());
        let (key_type, public_key) = recognise(&key)
            .map_err(|key_type| CertificateError::KeyType { file: key_file.to_owned(), key_type })?;
        // The public key stands in the certificate as a bit string of its own (RFC 5280 §4.1.2.7); no other one of
        // this length and content is there by chance.
        if !certificate.windows(public_key.len()).any(|window| window == public_key) {
            return Err(CertificateError::Mismatch {
                certificate: certificate_file.to_owned(),
                private_key: key_file.to_owned(),
                key_type: key_type.name(),
            });
        }
        Ok(Self::new(certificate.to_vec(), der, key_type))
    }

    fn new(certificate: Vec<u8>, private_key: Zeroizing<Vec<u8>>, key_type: KeyType) -> Self {
        let fingerprints = FINGERPRINTS
            .iter()
            .map(|&(algorithm, hash)| DtlsFingerprint { algorithm, value: in_hex(hash, &certificate) })
            .collect();
        Self { certificate, private_key, key_type, fingerprints }
    }
}

impl KeyType {
    const fn name(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "ECDSA on P-256",
            Self::EcdsaP384 => "ECDSA on P-384",
            Self::Rsa => "RSA",
        }
    }
}

// A key has no business in a log.
impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate").field("key_type", &self.key_type).finish_non_exhaustive()
    }
}

fn section<T: PemObject>(file: &Path, expected: &'static str) -> Result<T, CertificateError> {
    let text = fs::read(file).map_err(|cause| CertificateError::Read { file: file.to_owned(), cause })?;
    let text = Zeroizing::new(text);
    T::from_pem_slice(&text).map_err(|cause| CertificateError::Pem { file: file.to_owned(), expected, cause })
}

/// The kind of a key and its public half; or what it is instead of a key for DTLS.
fn recognise(key: &PrivateKeyDer<'_>) -> Result<(KeyType, Vec<u8>), &'static str> {
    let der = key.secret_der();
    let rsa = || match key {
        PrivateKeyDer::Pkcs1(_) => rsa::KeyPair::from_der(der),
        _ => rsa::KeyPair::from_pkcs8(der),
    };
    if let Ok(public_key) = ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING, key) {
        return Ok((KeyType::EcdsaP256, public_key));
    }
    if let Ok(public_key) = ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING, key) {
        return Ok((KeyType::EcdsaP384, public_key));
    }
    if let Ok(pair) = rsa() {
        return Ok((KeyType::Rsa, pair.public_key().as_ref().to_vec()));
    }
    if Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).is_ok() {
        return Err("an Ed25519 key");
    }
    Err(match key {
        PrivateKeyDer::Pkcs1(_) => "an RSA key of another size, or a broken one",
        PrivateKeyDer::Sec1(_) => "an ECDSA key on another curve, or a broken one",
        _ => "a key of another type, or a broken one",
    })
}

fn ecdsa(
    algorithm: &'static EcdsaSigningAlgorithm,
    key: &PrivateKeyDer<'_>,
) -> Result<Vec<u8>, aws_lc_rs::error::KeyRejected> {
    let pair = match key {
        PrivateKeyDer::Pkcs8(der) => EcdsaKeyPair::from_pkcs8(algorithm, der.secret_pkcs8_der()),
        other => EcdsaKeyPair::from_private_key_der(algorithm, other.secret_der()),
    }?;
    Ok(pair.public_key().as_ref().to_vec())
}

/// Upper-case bytes with colons between (RFC 8122 §5).
fn in_hex(hash: &'static digest::Algorithm, bytes: &[u8]) -> Box<str> {
    let mut text = String::new();
    for byte in digest::digest(hash, bytes).as_ref() {
        if !text.is_empty() {
            text.push(':');
        }
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02X}");
    }
    text.into()
}

/// Every function of RFC 8122 §5 that mediasoup's clients know.
const FINGERPRINTS: [(FingerprintAlgorithm, &digest::Algorithm); 5] = [
    (FingerprintAlgorithm::Sha1, &SHA1_FOR_LEGACY_USE_ONLY),
    (FingerprintAlgorithm::Sha224, &SHA224),
    (FingerprintAlgorithm::Sha256, &SHA256),
    (FingerprintAlgorithm::Sha384, &SHA384),
    (FingerprintAlgorithm::Sha512, &SHA512),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn a_certificate_of_our_own_has_a_fingerprint_of_each_kind() {
        let certificate = Certificate::load(&CertificateSource::SelfSigned).unwrap();
        let lengths: Vec<_> =
            certificate.fingerprints().iter().map(|print| print.value.split(':').count()).collect();
        assert_eq!(lengths, [20, 28, 32, 48, 64]);
        let other = Certificate::load(&CertificateSource::SelfSigned).unwrap();
        assert_ne!(certificate.fingerprints(), other.fingerprints(), "a key per process");
        assert!(!format!("{certificate:?}").contains("private_key"), "nothing of the key in a log");
    }

    #[test]
    fn pem_files_are_read_and_their_key_is_recognised() {
        for (algorithm, expected) in [
            (&rcgen::PKCS_ECDSA_P256_SHA256, KeyType::EcdsaP256),
            (&rcgen::PKCS_ECDSA_P384_SHA384, KeyType::EcdsaP384),
        ] {
            let files = Files::of(algorithm);
            let certificate = files.load().unwrap();
            assert_eq!(certificate.key_type(), expected);
            assert_eq!(certificate.certificate_der(), files.certificate_der);
        }
    }

    #[test]
    fn a_key_that_dtls_can_not_use_is_named() {
        let files = Files::of(&rcgen::PKCS_ED25519);
        let error = files.load().unwrap_err().to_string();
        assert!(error.contains("holds an Ed25519 key; it must be an ECDSA key"), "{error}");
        assert!(error.contains(files.private_key.to_str().unwrap()), "{error}");
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let (one, other) = (Files::of(&PKCS_ECDSA_P256_SHA256), Files::of(&PKCS_ECDSA_P256_SHA256));
        let error = Certificate::from_pem_files(&one.certificate, &other.private_key).unwrap_err();
        assert!(matches!(error, CertificateError::Mismatch { .. }), "{error}");
    }

    #[test]
    fn files_that_are_missing_or_something_else_are_named() {
        let files = Files::of(&PKCS_ECDSA_P256_SHA256);
        let missing =
            Certificate::from_pem_files(Path::new("/nonexistent.pem"), &files.private_key).unwrap_err();
        assert!(missing.to_string().starts_with("/nonexistent.pem can not be read: "), "{missing}");
        let swapped = Certificate::from_pem_files(&files.private_key, &files.certificate).unwrap_err();
        assert!(swapped.to_string().contains("holds no certificate in PEM"), "{swapped}");
    }

    /// A certificate and its key in files that go with the value.
    struct Files {
        certificate: PathBuf,
        private_key: PathBuf,
        certificate_der: Vec<u8>,
    }

    impl Files {
        fn of(algorithm: &'static rcgen::SignatureAlgorithm) -> Self {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let name = format!("shardcast-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let made = CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
            let folder = std::env::temp_dir();
            let files = Self {
                certificate: folder.join(format!("{name}-cert.pem")),
                private_key: folder.join(format!("{name}-key.pem")),
                certificate_der: made.der().to_vec(),
            };
            fs::write(&files.certificate, pem("CERTIFICATE", made.der())).unwrap();
            fs::write(&files.private_key, pem("PRIVATE KEY", &key.serialize_der())).unwrap();
            files
        }

        fn load(&self) -> Result<Certificate, CertificateError> {
            Certificate::from_pem_files(&self.certificate, &self.private_key)
        }
    }

    impl Drop for Files {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.certificate);
            let _ = fs::remove_file(&self.private_key);
        }
    }

    fn pem(label: &str, der: &[u8]) -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = format!("-----BEGIN {label}-----\n");
        for chunk in der.chunks(3) {
            let bits = (0..3).fold(0, |bits, at| bits << 8 | u32::from(chunk.get(at).copied().unwrap_or(0)));
            for digit in 0..4 {
                let shown = digit <= chunk.len();
                let value = usize::try_from(bits >> (18 - 6 * digit) & 63).unwrap();
                text.push(if shown { char::from(ALPHABET[value]) } else { '=' });
            }
        }
        format!("{text}\n-----END {label}-----\n")
    }
}
