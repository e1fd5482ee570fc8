//! TLS of the control API: a certificate and its key from PEM files, read again when somebody asks for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use thiserror::Error;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// See the module.
#[derive(Debug)]
pub(crate) struct Tls {
    certificate: PathBuf,
    private_key: PathBuf,
    /// For connections from now on; others go on as they began.
    current: Mutex<Arc<ServerConfig>>,
}

/// Why there is no TLS with these files.
#[derive(Debug, Error)]
pub(crate) enum TlsError {
    #[error("{key} is {path}, which cannot be read: {cause}")]
    Read { key: &'static str, path: PathBuf, cause: pem::Error },
    #[error(
        "server.certificate is {0}, in which there is no certificate; it must be PEM, the server's own first"
    )]
    Empty(PathBuf),
    #[error("server.private_key is {path}, which does not belong to the certificate {certificate}: {cause}")]
    Unfit { path: PathBuf, certificate: PathBuf, cause: rustls::Error },
}

impl Tls {
    /// # Errors
    /// What is wrong with the files.
    pub(crate) fn read(certificate: &Path, private_key: &Path) -> Result<Self, TlsError> {
        let current = Mutex::new(Arc::new(load(certificate, private_key)?));
        Ok(Self { certificate: certificate.to_owned(), private_key: private_key.to_owned(), current })
    }

    /// Reads the files again: certificates end, and new ones take their place.
    ///
    /// # Errors
    /// What is wrong with them; the ones before stay then.
    pub(crate) fn read_again(&self) -> Result<(), TlsError> {
        let fresh = Arc::new(load(&self.certificate, &self.private_key)?);
        *self.current.lock() = fresh;
        Ok(())
    }

    /// What makes a handshake with whoever connects now.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.current.lock()))
    }
}

fn load(certificate: &Path, private_key: &Path) -> Result<ServerConfig, TlsError> {
    let read = |key, path: &Path| {
        let path = path.to_owned();
        move |cause| TlsError::Read { key, path, cause }
    };
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
    let chain: Vec<_> = chain.map_err(read("server.certificate", certificate))?;
    if chain.is_empty() {
        return Err(TlsError::Empty(certificate.to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(private_key).map_err(read("server.private_key", private_key))?;
    let unfit =
        |cause| TlsError::Unfit { path: private_key.to_owned(), certificate: certificate.to_owned(), cause };
    // TLS 1.2 and 1.3, of which rustls has no weak suites.
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().map_err(unfit)?;
    let mut config = config.with_no_client_auth().with_single_cert(chain, key).map_err(unfit)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
