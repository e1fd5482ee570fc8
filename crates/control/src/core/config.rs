//! What the core is told once.

use model::transport::{DtlsFingerprint, PortRange};

use super::Placement;

/// What the core is told once, by whoever starts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The process, for dumps.
    pub pid: u32,
    /// The ports of a listenInfo that names neither a port nor a range.
    pub rtc_ports: PortRange,
    /// Hashes of the certificate that DTLS shows, one per algorithm; made where the certificate is.
    pub fingerprints: Vec<DtlsFingerprint>,
    /// Where things go.
    pub placement: Placement,
}
