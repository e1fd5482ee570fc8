//! Writing forward into one reusable buffer: a table's inline bytes, its vtable, then what it refers to.

use super::table::Table;

/// Most slots of any table of the schema, with room.
const MAX_SLOTS: usize = 32;

/// Memory kept from one message to the next; a rare huge one does not stay resident.
const KEEP_BYTES: usize = 1024 * 1024;

/// Encodes messages, each with its length in front; keeps its memory from one to the next, up to a bound.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    /// Where the distinct vtables of this message stand.
    vtables: Vec<usize>,
}

/// A table whose inline part is being written.
#[derive(Debug)]
pub struct TableWriter<'w> {
    writer: &'w mut Writer,
    start: usize,
    places: [u16; MAX_SLOTS],
}

/// A table whose inline part is finished; what it refers to is still to come.
#[derive(Clone, Copy, Debug)]
pub struct PlacedTable {
    start: usize,
    places: [u16; MAX_SLOTS],
}

impl Writer {
    /// Encodes `root` with its 4-byte length prefix. The bytes stay valid until the next call.
    pub fn message<'a>(&mut self, root: &impl Table<'a>) -> &[u8] {
        self.bytes.clear();
        self.bytes.shrink_to(KEEP_BYTES);
        self.vtables.clear();
        self.bytes.resize(8, 0);
        let at = root.write(self);
        self.refer(4, at);
        let payload = u32::try_from(self.bytes.len() - 4).unwrap_or(u32::MAX);
        self.patch(0, payload);
        &self.bytes
    }

    /// Starts a table here.
    pub(crate) fn table(&mut self) -> TableWriter<'_> {
        self.align(4);
        let start = self.bytes.len();
        self.bytes.extend([0; 4]);
        TableWriter { writer: self, start, places: [0; MAX_SLOTS] }
    }

    /// Writes a byte vector; a string is one with a NUL behind it.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> usize {
        let at = self.length(bytes.len());
        self.bytes.extend_from_slice(bytes);
        at
    }

    pub(crate) fn string(&mut self, text: &str) -> usize {
        let at = self.bytes(text.as_bytes());
        self.bytes.push(0);
        at
    }

    /// Writes a vector of scalars of `N` bytes.
    pub(crate) fn scalars<const N: usize>(
        &mut self,
        len: usize,
        elements: impl Iterator<Item = [u8; N]>,
    ) -> usize {
        // The elements, not the length before them, carry the alignment.
        while !(self.bytes.len() + 4).is_multiple_of(N) {
            self.bytes.push(0);
        }
        let at = self.length(len);
        elements.for_each(|element| self.bytes.extend(element));
        at
    }

    /// Writes a vector of offsets and lets `write` place what each refers to.
    pub(crate) fn references<T>(
        &mut self,
        elements: &[T],
        mut write: impl FnMut(&T, &mut Self) -> usize,
    ) -> usize {
        let at = self.length(elements.len());
        let mut place = self.bytes.len();
        self.bytes.resize(place + 4 * elements.len(), 0);
        for element in elements {
            let to = write(element, self);
            self.refer(place, to);
            place += 4;
        }
        at
    }

    /// Lets the offset stored at `place` lead to `to`.
    fn refer(&mut self, place: usize, to: usize) {
        self.patch(place, u32::try_from(to - place).unwrap_or(u32::MAX));
    }

    fn length(&mut self, len: usize) -> usize {
        self.align(4);
        let at = self.bytes.len();
        self.bytes.extend(u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
        at
    }

    fn align(&mut self, to: usize) {
        self.bytes.resize(self.bytes.len().next_multiple_of(to), 0);
    }

    fn patch(&mut self, at: usize, value: u32) {
        if let Some(place) = self.bytes.get_mut(at..at + 4) {
            place.copy_from_slice(&value.to_le_bytes());
        }
    }
}

impl TableWriter<'_> {
    /// Writes a scalar field.
    pub(crate) fn scalar<const N: usize>(&mut self, slot: u16, value: [u8; N]) {
        self.writer.align(N);
        self.mark(slot);
        self.writer.bytes.extend(value);
    }

    /// Leaves room for an offset that [`PlacedTable::refer`] fills in.
    pub(crate) fn reference(&mut self, slot: u16) {
        self.scalar(slot, [0; 4]);
    }

    /// Ends the inline part.
    pub(crate) fn finish(self) -> PlacedTable {
        let Self { writer, start, places } = self;
        let table_len = u16::try_from(writer.bytes.len() - start).unwrap_or(u16::MAX);
        let slots = places.iter().rposition(|&place| place != 0).map_or(0, |last| last + 1);
        writer.align(2);
        let at = writer.bytes.len();
        let vtable_len = u16::try_from(4 + 2 * slots).unwrap_or(u16::MAX);
        writer.bytes.extend(vtable_len.to_le_bytes());
        writer.bytes.extend(table_len.to_le_bytes());
        places.iter().take(slots).for_each(|place| writer.bytes.extend(place.to_le_bytes()));
        let vtable = writer.share_vtable(at);
        let back = i64::try_from(start).unwrap_or(i64::MAX) - i64::try_from(vtable).unwrap_or(i64::MAX);
        let back = i32::try_from(back).unwrap_or(i32::MAX);
        if let Some(place) = writer.bytes.get_mut(start..start + 4) {
            place.copy_from_slice(&back.to_le_bytes());
        }
        PlacedTable { start, places }
    }

    fn mark(&mut self, slot: u16) {
        let place = u16::try_from(self.writer.bytes.len() - self.start).unwrap_or(0);
        if let Some(entry) = self.places.get_mut(usize::from(slot)) {
            *entry = place;
        }
    }
}

impl Writer {
    /// Drops the vtable just written at `at` when an equal one stands already, and says where the one to use is.
    fn share_vtable(&mut self, at: usize) -> usize {
        let (before, new) = self.bytes.split_at(at);
        let known = self.vtables.iter().copied().find(|&known| before[known..].starts_with(new));
        match known {
            Some(known) => {
                self.bytes.truncate(at);
                known
            }
            None => {
                self.vtables.push(at);
                at
            }
        }
    }
}

impl PlacedTable {
    /// Where the table stands.
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// Lets the reference field `slot` lead to `to`.
    pub(crate) fn refer(&self, writer: &mut Writer, slot: u16, to: usize) {
        if let Some(&place) = self.places.get(usize::from(slot)).filter(|&&place| place != 0) {
            writer.refer(self.start + usize::from(place), to);
        }
    }
}
