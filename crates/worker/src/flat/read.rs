//! Strict reading: nothing is followed before it is checked, and nothing is decoded without a bound.

use std::cell::Cell;

use thiserror::Error;

/// Why a buffer is not what it claims to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// An offset, a length or a vtable entry leads outside the buffer.
    #[error("an offset leads outside the buffer")]
    OutOfBounds,
    /// A field that the schema demands is missing.
    #[error("required field {slot} is missing")]
    Missing {
        /// The field's slot in its table.
        slot: u16,
    },
    /// A string is not UTF-8.
    #[error("a string is not UTF-8")]
    NotUtf8,
    /// An enum holds a number without a name.
    #[error("{value} is no value of {name}")]
    UnknownValue {
        /// The enum or union.
        name: &'static str,
        /// What stood there.
        value: u8,
    },
    /// Tables nest deeper than any message of the schema does.
    #[error("tables nest deeper than {MAX_DEPTH}")]
    TooDeep,
    /// The parts add up to much more than the buffer: offsets share targets on a scale that no writer produces.
    #[error("the decoded message would be far larger than its buffer")]
    Inflated,
}

/// The schema's own deepest message nests nine tables.
pub(super) const MAX_DEPTH: u8 = 16;
/// Writers share vtables and may share strings, so a message may decode to more bytes than it has; not to much more.
const INFLATION: usize = 4;
const INFLATION_BASE_BYTES: usize = 64 * 1024;
/// What a table and an element cost at least, since memory is taken for each however little it says: as much as leaves
/// room for a writer that shares nothing but vtables (8 bytes of buffer for an element and its empty table).
const TABLE_COST_BYTES: usize = 24;
const STRING_COST_BYTES: usize = 12;

/// What all readers of one buffer share.
#[derive(Debug)]
pub(super) struct Buffer<'a> {
    bytes: &'a [u8],
    budget: Cell<usize>,
}

/// A table inside a buffer whose header has been checked.
#[derive(Clone, Copy, Debug)]
pub struct TableReader<'b, 'a> {
    buffer: &'b Buffer<'a>,
    position: usize,
    vtable: usize,
    vtable_len: usize,
    depth: u8,
}

impl<'a> Buffer<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let budget = bytes.len().saturating_mul(INFLATION).saturating_add(INFLATION_BASE_BYTES);
        Self { bytes, budget: Cell::new(budget) }
    }

    pub(crate) fn root(&self) -> Result<TableReader<'_, 'a>, Malformed> {
        let position = self.follow(0)?;
        TableReader::at(self, position, 0)
    }

    fn array<const N: usize>(&self, at: usize) -> Result<[u8; N], Malformed> {
        self.bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().ok_or(Malformed::OutOfBounds)
    }

    fn u16(&self, at: usize) -> Result<usize, Malformed> {
        Ok(usize::from(u16::from_le_bytes(self.array(at)?)))
    }

    fn length(&self, at: usize) -> Result<usize, Malformed> {
        usize::try_from(u32::from_le_bytes(self.array(at)?)).map_err(|_| Malformed::OutOfBounds)
    }

    /// Where the forward offset stored at `at` leads.
    fn follow(&self, at: usize) -> Result<usize, Malformed> {
        at.checked_add(self.length(at)?).filter(|&to| to < self.bytes.len()).ok_or(Malformed::OutOfBounds)
    }

    fn spend(&self, bytes: usize) -> Result<(), Malformed> {
        self.budget.set(self.budget.get().checked_sub(bytes).ok_or(Malformed::Inflated)?);
        Ok(())
    }

    fn slice(&self, at: usize, len: usize) -> Result<&'a [u8], Malformed> {
        self.spend(len)?;
        let end = at.checked_add(len).ok_or(Malformed::OutOfBounds)?;
        self.bytes.get(at..end).ok_or(Malformed::OutOfBounds)
    }
}

impl<'b, 'a> TableReader<'b, 'a> {
    fn at(buffer: &'b Buffer<'a>, position: usize, depth: u8) -> Result<Self, Malformed> {
        if depth >= MAX_DEPTH {
            return Err(Malformed::TooDeep);
        }
        let back = i64::from(i32::from_le_bytes(buffer.array(position)?));
        let vtable = i64::try_from(position)
            .ok()
            .and_then(|p| usize::try_from(p.checked_sub(back)?).ok())
            .ok_or(Malformed::OutOfBounds)?;
        let vtable_len = buffer.u16(vtable)?;
        let table_len = buffer.u16(vtable.saturating_add(2))?;
        if vtable_len < 4 || vtable_len % 2 != 0 || vtable.saturating_add(vtable_len) > buffer.bytes.len() {
            return Err(Malformed::OutOfBounds);
        }
        buffer.spend(table_len.max(TABLE_COST_BYTES))?;
        Ok(Self { buffer, position, vtable, vtable_len, depth })
    }

    /// Where a field's inline bytes stand, if the table has it.
    fn place(&self, slot: u16) -> Result<Option<usize>, Malformed> {
        let entry = 4 + 2 * usize::from(slot);
        if entry + 2 > self.vtable_len {
            return Ok(None);
        }
        match self.buffer.u16(self.vtable + entry)? {
            0 => Ok(None),
            offset => Ok(Some(self.position + offset)),
        }
    }

    /// The little-endian bytes of a scalar field.
    pub(crate) fn scalar<const N: usize>(&self, slot: u16) -> Result<Option<[u8; N]>, Malformed> {
        self.place(slot)?.map(|at| self.buffer.array(at)).transpose()
    }

    /// The byte vector (or string) that a field refers to.
    pub(crate) fn bytes(&self, slot: u16) -> Result<Option<&'a [u8]>, Malformed> {
        let Some(at) = self.place(slot)? else { return Ok(None) };
        self.bytes_at(at).map(Some)
    }

    fn bytes_at(&self, at: usize) -> Result<&'a [u8], Malformed> {
        let start = self.buffer.follow(at)?;
        self.buffer.slice(start.saturating_add(4), self.buffer.length(start)?)
    }

    /// The table that a field refers to.
    pub(crate) fn table(&self, slot: u16) -> Result<Option<Self>, Malformed> {
        let Some(at) = self.place(slot)? else { return Ok(None) };
        Self::at(self.buffer, self.buffer.follow(at)?, self.depth + 1).map(Some)
    }

    /// Elements of a vector of scalars of `N` bytes.
    pub(crate) fn scalars<const N: usize>(&self, slot: u16) -> Result<Option<&'a [[u8; N]]>, Malformed> {
        let Some((start, len)) = self.vector(slot)? else { return Ok(None) };
        let bytes = self.buffer.slice(start, len.checked_mul(N).ok_or(Malformed::OutOfBounds)?)?;
        Ok(Some(bytes.as_chunks().0))
    }

    /// Calls `each` with every string of a vector of strings.
    pub(crate) fn strings(&self, slot: u16) -> Result<Option<Vec<&'a [u8]>>, Malformed> {
        let Some((start, len)) = self.vector(slot)? else { return Ok(None) };
        self.buffer.spend(len.saturating_mul(STRING_COST_BYTES))?;
        (0..len).map(|i| self.bytes_at(start + 4 * i)).collect::<Result<_, _>>().map(Some)
    }

    /// Every table of a vector of tables.
    pub(crate) fn tables(&self, slot: u16) -> Result<Option<Vec<Self>>, Malformed> {
        let Some((start, len)) = self.vector(slot)? else { return Ok(None) };
        self.buffer.spend(len.saturating_mul(4))?;
        (0..len)
            .map(|i| Self::at(self.buffer, self.buffer.follow(start + 4 * i)?, self.depth + 1))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// Start of the elements and their number.
    fn vector(&self, slot: u16) -> Result<Option<(usize, usize)>, Malformed> {
        let Some(at) = self.place(slot)? else { return Ok(None) };
        let start = self.buffer.follow(at)?;
        Ok(Some((start.saturating_add(4), self.buffer.length(start)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flat::{Table as _, Writer};
    use crate::schema::rtp_parameters::{CodecMapping, RtpMapping};

    #[test]
    fn many_offsets_to_one_empty_table_are_refused() {
        let count = 20_000_u32;
        // Root at 12, its vtable at 4 with two slots for one vector at 20, whose offsets all lead behind it.
        let mut bytes = vec![12, 0, 0, 0, 8, 0, 8, 0, 4, 0, 4, 0, 8, 0, 0, 0, 4, 0, 0, 0];
        bytes.extend(count.to_le_bytes());
        (0..count).for_each(|i| bytes.extend((4 * (count - i)).to_le_bytes()));
        bytes.extend([0xfc, 0xff, 0xff, 0xff, 4, 0, 4, 0]);
        assert_eq!(RtpMapping::from_payload(&bytes), Err(Malformed::Inflated));
    }

    #[test]
    fn as_many_tables_of_a_writer_are_read() {
        let codec = CodecMapping { payload_type: 0, mapped_payload_type: 0 };
        let mapping = RtpMapping { codecs: vec![codec; 20_000], encodings: Vec::new() };
        let mut writer = Writer::default();
        let message = writer.message(&mapping);
        assert_eq!(RtpMapping::from_payload(&message[4..]), Ok(mapping));
    }
}
