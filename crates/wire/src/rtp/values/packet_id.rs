//! A number by which one packet can be followed through routers (`urn:mediasoup:params:rtp-hdrext:packet-id`).

/// A number that whoever first received the packet gave it; it means nothing but itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PacketId(pub u32);

impl PacketId {
    /// Bytes of the value.
    pub const LEN: usize = 4;

    /// Reads an element's value.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        <[u8; 4]>::try_from(data).ok().map(|bytes| Self(u32::from_be_bytes(bytes)))
    }

    /// An element's value.
    #[must_use]
    #[inline]
    pub const fn to_bytes(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_bytes_and_no_other_number_of_them() {
        assert_eq!(PacketId::parse(&[1, 2, 3, 4]), Some(PacketId(0x0102_0304)));
        assert_eq!(PacketId(0x0102_0304).to_bytes(), [1, 2, 3, 4]);
        assert_eq!(PacketId::parse(&[1, 2, 3]), None);
        assert_eq!(PacketId::parse(&[0; 5]), None);
    }
}
