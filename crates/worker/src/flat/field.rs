//! How each kind of value stands in a table: inline, or as an offset to something placed later.

use std::borrow::Cow;

use super::read::{Malformed, TableReader};
use super::table::Table;
use super::write::{PlacedTable, TableWriter, Writer};

/// Text: borrowed from the buffer when read, from wherever it lives when written.
pub type Str<'a> = Cow<'a, str>;
/// Opaque bytes, borrowed likewise.
pub type Raw<'a> = Cow<'a, [u8]>;

/// A value that can be a table's field.
pub trait Field<'a>: Sized {
    /// How many slots it takes.
    const SLOTS: u16 = 1;

    /// Reads the field at `slot`; what absence means is the type's matter.
    ///
    /// # Errors
    /// When the buffer is malformed or the field is required and absent.
    fn read(table: &TableReader<'_, 'a>, slot: u16) -> Result<Self, Malformed>;

    /// Writes the inline part: the value itself, or room for an offset. A value equal to the default stays out.
    fn inline(&self, table: &mut TableWriter<'_>, slot: u16);

    /// Writes what the offset refers to.
    fn place(&self, _table: &PlacedTable, _writer: &mut Writer, _slot: u16) {}
}

macro_rules! scalars {
    ($($type:ty),*) => {$(
        impl<'a> Field<'a> for $type {
            fn read(table: &TableReader<'_, 'a>, slot: u16) -> Result<Self, Malformed> {
                Ok(table.scalar(slot)?.map_or_else(Self::default, Self::from_le_bytes))
            }

            fn inline(&self, table: &mut TableWriter<'_>, slot: u16) {
                if self.to_le_bytes() != Self::default().to_le_bytes() {
                    table.scalar(slot, self.to_le_bytes());
                }
            }
        }

        impl<'a> Field<'a> for Option<$type> {
            fn read(table: &TableReader<'_, 'a>, slot: u16) -> Result<Self, Malformed> {
                Ok(table.scalar(slot)?.map(<$type>::from_le_bytes))
            }

            /// Zero is written too: absent and zero differ.
            fn inline(&self, table: &mut TableWriter<'_>, slot: u16) {
                if let Some(value) = self {
                    table.scalar(slot, value.to_le_bytes());
                }
            }
        }

        impl<'a> Field<'a> for Vec<$type> {
            fn read(table: &TableReader<'_, 'a>, slot: u16) -> Result<Self, Malformed> {
                Option::<Self>::read(table, slot)?.ok_or(Malformed::Missing { slot })
            }

            fn inline(&self, table: &mut TableWriter<'_>, slot: u16) {
                table.reference(slot);
            }

            fn place(&self, table: &PlacedTable, writer: &mut Writer, slot: u16) {
                let at = writer.scalars(self.len(), self.iter().map(|element| element.to_le_bytes()));
                table.refer(writer, slot, at);
            }
        }

        impl<'a> OptionalReference<'a> for Vec<$type> {
            fn read_optional(table: &TableReader<'_, 'a>, slot: u16) -> Result<Option<Self>, Malformed> {
                let elements = table.scalars(slot)?;
                Ok(elements.map(|elements| elements.iter().map(|&e| <$type>::from_le_bytes(e)).collect()))
            }
        }
    )*};
}

scalars!(u8, u16, u32, u64, i8, i16, i32, f32, f64);

impl<'a> Field<'a> for bool {
    fn read(table: &TableReader<'_, 'a>, slot: u16) -> Result<Self, Malformed> {
        Ok(u8::read(table, slot)? != 0)
    }

    fn inline(&self, table: &mut TableWriter<'_>, slot: u16) {
        u8::from(*self).inline(table, slot);
    }
}

impl<'a> Field<'a> for Option<bool> {
    fn read(table: &TableReader<'_, 'a>, slot: u16) -> Result<Self, Malformed> {
        Ok(Option::<u8>::read(table, slot)?.map(|value| value != 0))
    }

    fn inline(&self, table: &mut TableWriter<'_>, slot: u16) {
        self.map(u8::from).inline(table, slot);
    }
}

/// What is required where it stands alone and optional inside an `Option`: everything behind an offset.
pub(crate) trait OptionalReference<'a>: Field<'a> {
    fn read_optional(table: &TableReader<'_, 'a>, slot: u16) -> Result<Option<Self>, Malformed>;
}

impl<'a, T: OptionalReference<'a>> Field<'a> for Option<T> {
    fn read(table: &TableReader<'_, 'a>, slot: u16) -> Result<Self, Malformed> {
        T::read_optional(table, slot)
    }

    fn inline(&self, table: &mut TableWriter<'_>, slot: u16) {
        if let Some(value) = self {
            value.inline(table, slot);
        }
    }

    fn place(&self, table: &PlacedTable, writer: &mut Writer, slot: u16) {
        if let Some(value) = self {
            value.place(table, writer, slot);
        }
    }
}

macro_rules! required {
    () => {
        fn read(table: &TableReader<'_, 'a>, slot: u16) -> Result<Self, Malformed> {
            Self::read_optional(table, slot)?.ok_or(Malformed::Missing { slot })
        }

        fn inline(&self, table: &mut TableWriter<'_>, slot: u16) {
            table.reference(slot);
        }
    };
}

impl<'a> Field<'a> for Str<'a> {
    required!();

    fn place(&self, table: &PlacedTable, writer: &mut Writer, slot: u16) {
        let at = writer.string(self);
        table.refer(writer, slot, at);
    }
}

impl<'a> OptionalReference<'a> for Str<'a> {
    fn read_optional(table: &TableReader<'_, 'a>, slot: u16) -> Result<Option<Self>, Malformed> {
        table.bytes(slot)?.map(text).transpose()
    }
}

impl<'a> Field<'a> for Raw<'a> {
    required!();

    fn place(&self, table: &PlacedTable, writer: &mut Writer, slot: u16) {
        let at = writer.bytes(self);
        table.refer(writer, slot, at);
    }
}

impl<'a> OptionalReference<'a> for Raw<'a> {
    fn read_optional(table: &TableReader<'_, 'a>, slot: u16) -> Result<Option<Self>, Malformed> {
        Ok(table.bytes(slot)?.map(Cow::Borrowed))
    }
}

impl<'a> Field<'a> for Vec<Str<'a>> {
    required!();

    fn place(&self, table: &PlacedTable, writer: &mut Writer, slot: u16) {
        let at = writer.references(self, |text, writer| writer.string(text));
        table.refer(writer, slot, at);
    }
}

impl<'a> OptionalReference<'a> for Vec<Str<'a>> {
    fn read_optional(table: &TableReader<'_, 'a>, slot: u16) -> Result<Option<Self>, Malformed> {
        table.strings(slot)?.map(|strings| strings.into_iter().map(text).collect()).transpose()
    }
}

impl<'a, T: Table<'a>> Field<'a> for Box<T> {
    required!();

    fn place(&self, table: &PlacedTable, writer: &mut Writer, slot: u16) {
        let at = T::write(self, writer);
        table.refer(writer, slot, at);
    }
}

impl<'a, T: Table<'a>> OptionalReference<'a> for Box<T> {
    fn read_optional(table: &TableReader<'_, 'a>, slot: u16) -> Result<Option<Self>, Malformed> {
        table.table(slot)?.map(|inner| T::read(&inner).map(Box::new)).transpose()
    }
}

impl<'a, T: Table<'a>> Field<'a> for Vec<T> {
    required!();

    fn place(&self, table: &PlacedTable, writer: &mut Writer, slot: u16) {
        let at = writer.references(self, |element, writer| element.write(writer));
        table.refer(writer, slot, at);
    }
}

impl<'a, T: Table<'a>> OptionalReference<'a> for Vec<T> {
    fn read_optional(table: &TableReader<'_, 'a>, slot: u16) -> Result<Option<Self>, Malformed> {
        table.tables(slot)?.map(|tables| tables.iter().map(T::read).collect()).transpose()
    }
}

fn text(bytes: &[u8]) -> Result<Str<'_>, Malformed> {
    std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| Malformed::NotUtf8)
}
