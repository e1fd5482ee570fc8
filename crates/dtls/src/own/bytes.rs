//! Reading and writing what TLS calls vectors (RFC 5246 §4).

/// What is left of a message. Each reading fails when there is not enough.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u24(&mut self) -> Option<usize> {
        let [high, middle, low] = self.array()?;
        usize::try_from(u32::from_be_bytes([0, high, middle, low])).ok()
    }

    /// With a length of one byte before it.
    pub(super) fn vector8(&mut self) -> Option<&'a [u8]> {
        let len = usize::from(self.u8()?);
        self.take(len)
    }

    /// With a length of two bytes before it.
    pub(super) fn vector16(&mut self) -> Option<&'a [u8]> {
        let len = usize::from(self.u16()?);
        self.take(len)
    }

    /// With a length of three bytes before it.
    pub(super) fn vector24(&mut self) -> Option<&'a [u8]> {
        let len = self.u24()?;
        self.take(len)
    }

    /// A vector of numbers of two bytes; none if a byte is left over.
    pub(super) fn numbers16(&mut self) -> Option<Vec<u16>> {
        let (pairs, rest) = self.vector16()?.as_chunks::<2>();
        rest.is_empty().then(|| pairs.iter().copied().map(u16::from_be_bytes).collect())
    }
}

/// The opposite. What is written is ours and fits its length; what did not would be cut, and refused by the peer.
#[derive(Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn u8(&mut self, value: u8) -> &mut Self {
        self.0.push(value);
        self
    }

    pub(super) fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(super) fn u24(&mut self, value: usize) -> &mut Self {
        let [_, rest @ ..] = u32::try_from(value).unwrap_or(u32::MAX).to_be_bytes();
        self.bytes(&rest)
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn vector8(&mut self, bytes: &[u8]) -> &mut Self {
        self.u8(u8::try_from(bytes.len()).unwrap_or(u8::MAX)).bytes(bytes)
    }

    pub(super) fn vector16(&mut self, bytes: &[u8]) -> &mut Self {
        self.u16(u16::try_from(bytes.len()).unwrap_or(u16::MAX)).bytes(bytes)
    }

    pub(super) fn vector24(&mut self, bytes: &[u8]) -> &mut Self {
        self.u24(bytes.len()).bytes(bytes)
    }

    pub(super) fn numbers16(&mut self, numbers: impl IntoIterator<Item = u16>) -> &mut Self {
        let bytes: Vec<u8> = numbers.into_iter().flat_map(u16::to_be_bytes).collect();
        self.vector16(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_cut_is_not() {
        let mut writer = Writer::default();
        writer.u8(1).u16(2).u24(3).vector8(b"a").vector16(b"bc").vector24(b"def").numbers16([4, 5]);
        let read = |bytes: &[u8]| {
            let mut reader = Reader::new(bytes);
            let whole = (reader.u8()?, reader.u16()?, reader.u24()?);
            let texts =
                (reader.vector8()? == b"a", reader.vector16()? == b"bc", reader.vector24()? == b"def");
            Some((whole, texts, reader.numbers16()?, reader.is_empty()))
        };
        assert_eq!(read(&writer.0), Some(((1, 2, 3), (true, true, true), vec![4, 5], true)));
        for len in 0..writer.0.len() {
            assert_eq!(read(&writer.0[..len]), None, "{len}");
        }
        assert_eq!(Reader::new(&[0, 3, 0, 1, 2]).numbers16(), None, "half a number");
    }
}
