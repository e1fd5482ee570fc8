//! Who begins a handshake (RFC 5763 §5).

/// What this side is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It sends the first message.
    Client,
    /// It waits for it.
    Server,
}

/// What the peer said it would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteRole {
    /// Either: `actpass`.
    Auto,
    /// It begins: `active`.
    Client,
    /// It waits: `passive`.
    Server,
}

impl RemoteRole {
    /// What this side is, then. A peer that leaves it open waits for us: mediasoup's clients count on that.
    #[must_use]
    pub const fn ours(self) -> Role {
        match self {
            Self::Client => Role::Server,
            Self::Server | Self::Auto => Role::Client,
        }
    }
}
