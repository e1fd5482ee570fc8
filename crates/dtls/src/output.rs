//! What an endpoint says.

use core::fmt;

use crate::failure::Failure;
use crate::keys::SrtpKeys;
use crate::pem;
use crate::waiting::DATAGRAM_MAX;

/// Something that an endpoint wants done or known.
#[derive(Debug)]
pub enum Output<'a> {
    /// To be sent to the peer.
    Datagram(&'a [u8]),
    /// The handshake is complete and the certificate is the one that signalling named.
    Connected(Box<Connected>),
    /// What the peer sent under the handshake's keys.
    Data(&'a [u8]),
    /// It is over, and why. Said once.
    Failed(Failure),
    /// The peer said goodbye (RFC 5246 §7.2.1). Said once.
    Closed,
}

/// What a handshake brought.
#[derive(Debug)]
pub struct Connected {
    /// Keys of SRTP.
    pub keys: SrtpKeys,
    /// The peer's certificate in DER.
    pub certificate: Box<[u8]>,
}

impl Connected {
    /// The peer's certificate in PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        pem::certificate(&self.certificate)
    }
}

/// Where outputs are written: one per shard, lent to each [`crate::Endpoint::poll`].
pub struct Room(Box<[u8]>);

impl Room {
    /// A fresh one.
    #[must_use]
    pub fn new() -> Self {
        Self(vec![0; ROOM_LEN].into())
    }

    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// Writes at the start; what has no room is cut off, which nothing is long enough for. Says how much it was.
    pub(crate) fn fill(&mut self, bytes: &[u8]) -> usize {
        let slots = self.0.iter_mut().zip(bytes);
        slots.map(|(slot, byte)| *slot = *byte).count()
    }

    pub(crate) fn start(&self, len: usize) -> &[u8] {
        self.0.get(..len).unwrap_or_default()
    }
}

impl Default for Room {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").finish_non_exhaustive()
    }
}

/// How many datagrams the library keeps while messages are incomplete.
pub(crate) const KEPT_MAX: usize = 30;

/// The library panics where a peer's certificate has not room, and one can be as long as everything that is kept.
const ROOM_LEN: usize = KEPT_MAX * DATAGRAM_MAX;
