//! Bounded cursors over bytes: the only place of this crate that computes offsets into a caller's buffer.

/// The caller's buffer is too small for what was to be written. Misuse or exhaustion, never the peer's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the buffer is too small for what was to be written")]
pub struct NoRoom;

/// Appends to a caller's buffer and stops at its end. A write that does not fit changes nothing.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl<'a> Writer<'a> {
    /// Starts at the beginning of `out`.
    pub const fn new(out: &'a mut [u8]) -> Self {
        Self { out, at: 0 }
    }

    /// Bytes written so far.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.at
    }

    /// Whether nothing was written yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.at == 0
    }

    /// Bytes that still fit.
    #[must_use]
    pub const fn room(&self) -> usize {
        self.out.len().saturating_sub(self.at)
    }

    /// What was written.
    #[must_use]
    pub fn written(&self) -> &[u8] {
        self.out.get(..self.at).unwrap_or_default()
    }

    /// Appends `bytes`.
    ///
    /// # Errors
    /// [`NoRoom`] when they do not fit.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), NoRoom> {
        let end = self.at.checked_add(bytes.len()).ok_or(NoRoom)?;
        self.out.get_mut(self.at..end).ok_or(NoRoom)?.copy_from_slice(bytes);
        self.at = end;
        Ok(())
    }

    /// Appends one byte.
    ///
    /// # Errors
    /// [`NoRoom`] when it does not fit.
    #[inline]
    pub fn put_u8(&mut self, value: u8) -> Result<(), NoRoom> {
        self.put(&[value])
    }

    /// Appends two bytes in network order.
    ///
    /// # Errors
    /// [`NoRoom`] when they do not fit.
    #[inline]
    pub fn put_u16(&mut self, value: u16) -> Result<(), NoRoom> {
        self.put(&value.to_be_bytes())
    }

    /// Appends four bytes in network order.
    ///
    /// # Errors
    /// [`NoRoom`] when they do not fit.
    #[inline]
    pub fn put_u32(&mut self, value: u32) -> Result<(), NoRoom> {
        self.put(&value.to_be_bytes())
    }

    /// Appends eight bytes in network order.
    ///
    /// # Errors
    /// [`NoRoom`] when they do not fit.
    #[inline]
    pub fn put_u64(&mut self, value: u64) -> Result<(), NoRoom> {
        self.put(&value.to_be_bytes())
    }

    /// Appends zero bytes up to a multiple of four, counted from the start of the buffer.
    ///
    /// # Errors
    /// [`NoRoom`] when they do not fit.
    #[inline]
    pub fn align_to_word(&mut self) -> Result<(), NoRoom> {
        match self.at & 3 {
            0 => Ok(()),
            1 => self.put(&[0; 3]),
            2 => self.put(&[0; 2]),
            _ => self.put(&[0]),
        }
    }

    /// Overwrites bytes that are already written.
    pub(crate) fn patch(&mut self, at: usize, bytes: &[u8]) -> Result<(), NoRoom> {
        let end = at.checked_add(bytes.len()).filter(|&end| end <= self.at).ok_or(NoRoom)?;
        self.out.get_mut(at..end).ok_or(NoRoom)?.copy_from_slice(bytes);
        Ok(())
    }

    /// Forgets everything written after the first `len` bytes.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.at = self.at.min(len);
    }
}

/// Takes big-endian fields off the front of a slice; `None` at its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*head)
    }

    #[inline]
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(head)
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    #[inline]
    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    #[inline]
    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    #[inline]
    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }
}

/// A number made of three bytes, as RTP and RTCP like them.
#[inline]
pub(crate) const fn u24_from(bytes: [u8; 3]) -> u32 {
    let [high, middle, low] = bytes;
    u32::from_be_bytes([0, high, middle, low])
}

/// The low three bytes of a number.
#[inline]
pub(crate) const fn u24_bytes(value: u32) -> [u8; 3] {
    let [_, high, middle, low] = value.to_be_bytes();
    [high, middle, low]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_does_not_fit_changes_nothing() {
        let mut out = [9u8; 5];
        let mut writer = Writer::new(&mut out);
        writer.put_u32(0x0102_0304).unwrap();
        assert_eq!(writer.put_u16(0xffff), Err(NoRoom));
        assert_eq!(writer.align_to_word(), Ok(()));
        assert_eq!(writer.written(), [1, 2, 3, 4]);
        assert_eq!(writer.patch(3, &[0, 0]), Err(NoRoom));
        assert_eq!(out, [1, 2, 3, 4, 9]);
    }

    #[test]
    fn a_word_is_filled_with_zeros_from_wherever_it_was_left() {
        for len in 0..8 {
            let mut out = [9u8; 8];
            let mut writer = Writer::new(&mut out);
            writer.put(&[1; 8][..len]).unwrap();
            writer.align_to_word().unwrap();
            let expected = [&[1; 8][..len], &[0; 8][..len.next_multiple_of(4) - len]].concat();
            assert_eq!(writer.written(), expected);
        }
        assert_eq!(Writer { out: &mut [9; 3], at: 1 }.align_to_word(), Err(NoRoom));
    }

    #[test]
    fn a_reader_ends_where_its_bytes_end() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert_eq!(reader.u16(), Some(0x0102));
        assert_eq!(reader.u16(), None);
        assert_eq!(reader.u8(), Some(3));
        assert_eq!(reader.rest(), []);
    }
}
