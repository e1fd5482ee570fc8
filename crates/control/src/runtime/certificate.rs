//! The certificate that DTLS shows to peers: one per process.
//!
//! Made at start, or read from PEM files. Either way it is known before the first transport what its fingerprints
//! are (RFC 8122 §5), for they are in every transport's parameters. The private key stays in memory that is wiped.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::transport::{DtlsFingerprint, FingerprintAlgorithm};
use rcgen::{CertificateParams, DnType, PKCS_ECDSA_P256_SHA256};
use shard::rooms::{Identity, IdentityError, KeyType};
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

/// A certificate with its private key. Whether they are of use, DTLS judges.
#[derive(Debug)]
pub struct Certificate {
    identity: Arc<Identity>,
    fingerprints: Vec<DtlsFingerprint>,
}

/// Why there is no certificate.
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
    /// DTLS can not be done with what is in the files.
    #[error("the certificate in {} with the key in {}: {cause}", certificate.display(), private_key.display())]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        private_key: PathBuf,
        /// Why not; it names what kind of key it is.
        cause: IdentityError,
    },
    /// One of our own is refused, which is our fault.
    #[error("the certificate that was made is of no use: {0}")]
    Refused(#[from] IdentityError),
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

    /// As shards take it.
    #[must_use]
    pub fn identity(&self) -> Arc<Identity> {
        Arc::clone(&self.identity)
    }

    /// What kind of key it has.
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.identity.key_type()
    }

    fn self_signed() -> Result<Self, CertificateError> {
        let key = rcgen::KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut parameters = CertificateParams::new(Vec::new())?;
        // Peers check the fingerprint and nothing else (RFC 8827 §6.5), so the name says nothing about the machine,
        // and validity is whatever rcgen takes for always.
        parameters.distinguished_name.push(DnType::CommonName, "shardcast");
        let certificate = parameters.self_signed(&key)?;
        let private_key = Zeroizing::new(key.serialize_der());
        Ok(Self::new(Identity::new(certificate.der(), &private_key)?))
    }

    fn from_pem_files(certificate: &Path, private_key: &Path) -> Result<Self, CertificateError> {
        let identity = Identity::from_pem(&read(certificate)?, &read(private_key)?);
        let identity = identity.map_err(|cause| CertificateError::Unusable {
            certificate: certificate.to_owned(),
            private_key: private_key.to_owned(),
            cause,
        })?;
        Ok(Self::new(identity))
    }

    fn new(identity: Identity) -> Self {
        let values = identity.fingerprints().map(|fingerprint| fingerprint.to_string().into());
        let fingerprints = FUNCTIONS.into_iter().zip(values);
        let fingerprints = fingerprints.map(|(algorithm, value)| DtlsFingerprint { algorithm, value });
        Self { fingerprints: fingerprints.collect(), identity: Arc::new(identity) }
    }
}

fn read(file: &Path) -> Result<Zeroizing<Vec<u8>>, CertificateError> {
    let read = fs::read(file).map(Zeroizing::new);
    read.map_err(|cause| CertificateError::Read { file: file.to_owned(), cause })
}

/// Every function of RFC 8122 §5 that mediasoup's clients know, in the order of an identity's fingerprints.
const FUNCTIONS: [FingerprintAlgorithm; 5] = [
    FingerprintAlgorithm::Sha1,
    FingerprintAlgorithm::Sha224,
    FingerprintAlgorithm::Sha256,
    FingerprintAlgorithm::Sha384,
    FingerprintAlgorithm::Sha512,
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
            (&rcgen::PKCS_RSA_SHA256, KeyType::Rsa),
        ] {
            let files = Files::of(algorithm);
            let certificate = files.load().unwrap();
            assert_eq!(certificate.key_type(), expected);
            assert_eq!(certificate.identity().certificate(), files.certificate_der);
        }
    }

    #[test]
    fn a_key_that_dtls_can_not_use_is_named() {
        let files = Files::of(&rcgen::PKCS_ED25519);
        let error = files.load().unwrap_err().to_string();
        assert!(error.contains("the private key is an Ed25519 key; it must be an ECDSA key"), "{error}");
        assert!(error.contains(files.private_key.to_str().unwrap()), "{error}");
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let (one, other) = (Files::of(&PKCS_ECDSA_P256_SHA256), Files::of(&PKCS_ECDSA_P256_SHA256));
        let error = Certificate::from_pem_files(&one.certificate, &other.private_key).unwrap_err();
        let is_mismatch =
            matches!(error, CertificateError::Unusable { cause: IdentityError::Mismatch { .. }, .. });
        assert!(is_mismatch, "{error}");
    }

    #[test]
    fn files_that_are_missing_or_something_else_are_named() {
        let files = Files::of(&PKCS_ECDSA_P256_SHA256);
        let missing =
            Certificate::from_pem_files(Path::new("/nonexistent.pem"), &files.private_key).unwrap_err();
        assert!(missing.to_string().starts_with("/nonexistent.pem can not be read: "), "{missing}");
        let swapped = Certificate::from_pem_files(&files.private_key, &files.certificate).unwrap_err();
        assert!(swapped.to_string().contains("there is no certificate in PEM"), "{swapped}");
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
