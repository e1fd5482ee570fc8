//! How a UDP socket is bound and set up.

/// A bound UDP socket, set up and not yet in any driver's hands.
#[derive(Debug)]
pub struct Socket {
    pub(crate) inner: socket2::Socket,
}
