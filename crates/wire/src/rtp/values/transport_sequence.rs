//! The number of a packet among all packets of its transport (draft-holmer-rmcat-transport-wide-cc-extensions-01 §2).

/// A transport-wide sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransportSequence(pub u16);

impl TransportSequence {
    /// Bytes of the value.
    pub const LEN: usize = 2;

    /// Reads an element's value.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        <[u8; 2]>::try_from(data).ok().map(|bytes| Self(u16::from_be_bytes(bytes)))
    }

    /// An element's value.
    #[must_use]
    #[inline]
    pub const fn to_bytes(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }
}
