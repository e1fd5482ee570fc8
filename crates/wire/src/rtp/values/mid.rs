//! Which media section a packet belongs to (RFC 9143 §15.2, `urn:ietf:params:rtp-hdrext:sdes:mid`).

/// A MID of one to eight bytes. We choose the MIDs that we send, and choose them no longer than that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mid {
    text: [u8; MID_LIMIT],
    len: u8,
}

impl Mid {
    /// `None` when the text is empty or longer than eight bytes.
    #[must_use]
    pub fn new(text: &[u8]) -> Option<Self> {
        let mut padded = [0; MID_LIMIT];
        padded.get_mut(..text.len())?.copy_from_slice(text);
        let len = u8::try_from(text.len()).ok().filter(|&len| len > 0)?;
        Some(Self { text: padded, len })
    }

    /// The text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.text.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The text with zeros behind it, which in a header extension read as padding.
    #[inline]
    pub(in crate::rtp) const fn padded(&self) -> [u8; MID_LIMIT] {
        self.text
    }

    #[inline]
    pub(in crate::rtp) const fn len(&self) -> u8 {
        self.len
    }
}

/// Longest MID that we send.
pub(in crate::rtp) const MID_LIMIT: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_to_eight_bytes() {
        assert_eq!(Mid::new(b""), None);
        assert_eq!(Mid::new(b"123456789"), None);
        assert_eq!(Mid::new(b"12345678").unwrap().as_bytes(), b"12345678");
        assert_eq!(Mid::new(b"a").unwrap().as_bytes(), b"a");
    }
}
