//! How the schema is written down: `tables!`, `enums!` and `union!` turn a list of numbered fields into a Rust
//! type with strict reading and writing, and into a [`Layout`] that tests hold against other implementations.

use super::read::{Buffer, Malformed, TableReader};
use super::write::Writer;

/// A table of the schema.
pub trait Table<'a>: Sized {
    /// Where its fields stand.
    const LAYOUT: Layout;

    /// Reads every field.
    ///
    /// # Errors
    /// When anything in it is malformed.
    fn read(table: &TableReader<'_, 'a>) -> Result<Self, Malformed>;

    /// Writes it behind what stands already and says where.
    fn write(&self, writer: &mut Writer) -> usize;

    /// Reads it as the root of a buffer (without length prefix).
    ///
    /// # Errors
    /// When anything in it is malformed.
    fn from_payload(payload: &'a [u8]) -> Result<Self, Malformed> {
        Self::read(&Buffer::new(payload).root()?)
    }
}

/// Where a table's fields, or the numbers of an enum or union, stand: for tests against other implementations.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub shape: Shape,
}

/// The shapes that a layout can have.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// The fields of a table.
    Table(&'static [Place]),
    /// Number and name of each value of an enum.
    Enum(&'static [(u8, &'static str)]),
    /// Number and name of each member of a union.
    Union(&'static [(u8, &'static str)]),
}

/// Where one field of a table stands.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Its first slot.
    pub slot: u16,
    /// How many slots it takes. A union takes two: its tag, then its value.
    pub slots: u16,
    /// Its name.
    pub name: &'static str,
    /// Its type, as declared.
    pub type_name: &'static str,
    /// Its default, as declared, where that is not zero.
    pub default: Option<&'static str>,
}

/// Declares tables. `0 name: Type` is the field at slot 0; `= value` is its default where that is not zero.
macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident $(<$life:lifetime>)? {
        $($(#[$field_doc:meta])* $slot:literal $field:ident : $type:ty $(= $default:literal)?),* $(,)?
    })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name $(<$life>)? {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl<'a> crate::flat::Table<'a> for $name $(<$life>)? {
            const LAYOUT: crate::flat::Layout = crate::flat::Layout {
                name: stringify!($name),
                shape: crate::flat::Shape::Table(&[
                    $(crate::flat::Place {
                        slot: $slot,
                        slots: <$type as crate::flat::Field<'a>>::SLOTS,
                        name: stringify!($field),
                        type_name: stringify!($type),
                        default: crate::flat::tables!(@default $($default)?),
                    },)*
                ]),
            };

            fn read(table: &crate::flat::TableReader<'_, 'a>) -> Result<Self, crate::flat::Malformed> {
                Ok(Self { $($field: crate::flat::tables!(@read table, $slot, $type $(, $default)?),)* })
            }

            fn write(&self, writer: &mut crate::flat::Writer) -> usize {
                let mut table = writer.table();
                $(crate::flat::tables!(@inline self.$field, table, $slot $(, $default)?);)*
                let table = table.finish();
                $(crate::flat::Field::place(&self.$field, &table, writer, $slot);)*
                table.start()
            }
        }

        crate::flat::tables!(@field $name $(<$life>)?);
    )*};
    (@default) => { None };
    (@default $default:literal) => { Some(stringify!($default)) };
    (@read $table:ident, $slot:literal, $type:ty) => {
        <$type as crate::flat::Field>::read($table, $slot)?
    };
    (@read $table:ident, $slot:literal, $type:ty, $default:literal) => {
        <Option<$type> as crate::flat::Field>::read($table, $slot)?.unwrap_or($default)
    };
    (@inline $value:expr, $table:ident, $slot:literal) => {
        crate::flat::Field::inline(&$value, &mut $table, $slot)
    };
    (@inline $value:expr, $table:ident, $slot:literal, $default:literal) => {
        crate::flat::Field::inline(&Some($value).filter(|&value| value != $default), &mut $table, $slot)
    };
    (@field $name:ident $(<$life:lifetime>)?) => {
        impl<'a> crate::flat::Field<'a> for $name $(<$life>)? {
            fn read(table: &crate::flat::TableReader<'_, 'a>, slot: u16) -> Result<Self, crate::flat::Malformed> {
                <Option<Self> as crate::flat::Field>::read(table, slot)?
                    .ok_or(crate::flat::Malformed::Missing { slot })
            }

            fn inline(&self, table: &mut crate::flat::TableWriter<'_>, slot: u16) {
                table.reference(slot);
            }

            fn place(&self, table: &crate::flat::PlacedTable, writer: &mut crate::flat::Writer, slot: u16) {
                let at = crate::flat::Table::write(self, writer);
                table.refer(writer, slot, at);
            }
        }

        impl<'a> crate::flat::OptionalReference<'a> for $name $(<$life>)? {
            fn read_optional(
                table: &crate::flat::TableReader<'_, 'a>,
                slot: u16,
            ) -> Result<Option<Self>, crate::flat::Malformed> {
                table.table(slot)?.map(|inner| crate::flat::Table::read(&inner)).transpose()
            }
        }
    };
}

/// Declares enums of one byte. The first value is what an absent field means.
macro_rules! enums {
    ($($(#[$doc:meta])* $name:ident {
        $(#[$first_doc:meta])* $first_number:literal $first:ident
        $(, $(#[$value_doc:meta])* $number:literal $value:ident)* $(,)?
    })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name {
            $(#[$first_doc])* #[default] $first = $first_number,
            $($(#[$value_doc])* $value = $number,)*
        }

        impl $name {
            /// Its values and their numbers.
            pub const LAYOUT: crate::flat::Layout = crate::flat::Layout {
                name: stringify!($name),
                shape: crate::flat::Shape::Enum(&[
                    ($first_number, stringify!($first)),
                    $(($number, stringify!($value)),)*
                ]),
            };

            /// The number that stands for it.
            #[must_use]
            pub const fn number(self) -> u8 {
                match self {
                    Self::$first => $first_number,
                    $(Self::$value => $number,)*
                }
            }
        }

        impl TryFrom<u8> for $name {
            type Error = crate::flat::Malformed;

            fn try_from(value: u8) -> Result<Self, Self::Error> {
                match value {
                    $first_number => Ok(Self::$first),
                    $($number => Ok(Self::$value),)*
                    _ => Err(crate::flat::Malformed::UnknownValue { name: stringify!($name), value }),
                }
            }
        }

        impl<'a> crate::flat::Field<'a> for $name {
            fn read(table: &crate::flat::TableReader<'_, 'a>, slot: u16) -> Result<Self, crate::flat::Malformed> {
                Ok(<Option<Self> as crate::flat::Field>::read(table, slot)?.unwrap_or_default())
            }

            fn inline(&self, table: &mut crate::flat::TableWriter<'_>, slot: u16) {
                if *self != Self::default() {
                    table.scalar(slot, [self.number()]);
                }
            }
        }

        impl<'a> crate::flat::Field<'a> for Option<$name> {
            fn read(table: &crate::flat::TableReader<'_, 'a>, slot: u16) -> Result<Self, crate::flat::Malformed> {
                table.scalar(slot)?.map(|[number]| $name::try_from(number)).transpose()
            }

            fn inline(&self, table: &mut crate::flat::TableWriter<'_>, slot: u16) {
                self.map($name::number).inline(table, slot);
            }
        }

        impl<'a> crate::flat::Field<'a> for Vec<$name> {
            fn read(table: &crate::flat::TableReader<'_, 'a>, slot: u16) -> Result<Self, crate::flat::Malformed> {
                <Vec<u8> as crate::flat::Field>::read(table, slot)?.into_iter().map($name::try_from).collect()
            }

            fn inline(&self, table: &mut crate::flat::TableWriter<'_>, slot: u16) {
                table.reference(slot);
            }

            fn place(&self, table: &crate::flat::PlacedTable, writer: &mut crate::flat::Writer, slot: u16) {
                let at = writer.scalars(self.len(), self.iter().map(|value| [value.number()]));
                table.refer(writer, slot, at);
            }
        }
    )*};
}

/// Declares a union of tables. Tag 0 is `None`.
macro_rules! union {
    ($(#[$doc:meta])* $name:ident $(<$life:lifetime>)? {
        $($number:literal $member:ident($type:ty)),* $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        #[allow(missing_docs, reason = "each member is documented where its table is declared")]
        pub enum $name $(<$life>)? {
            /// Nothing.
            #[default]
            None,
            $($member(Box<$type>),)*
        }

        impl $(<$life>)? $name $(<$life>)? {
            /// Its members and their numbers.
            pub const LAYOUT: crate::flat::Layout = crate::flat::Layout {
                name: stringify!($name),
                shape: crate::flat::Shape::Union(&[$(($number, stringify!($member)),)*]),
            };
        }

        impl<'a> crate::flat::Field<'a> for $name $(<$life>)? {
            const SLOTS: u16 = 2;

            fn read(table: &crate::flat::TableReader<'_, 'a>, slot: u16) -> Result<Self, crate::flat::Malformed> {
                match <u8 as crate::flat::Field>::read(table, slot)? {
                    0 => Ok(Self::None),
                    $($number => Ok(Self::$member(crate::flat::Field::read(table, slot + 1)?)),)*
                    value => Err(crate::flat::Malformed::UnknownValue { name: stringify!($name), value }),
                }
            }

            fn inline(&self, table: &mut crate::flat::TableWriter<'_>, slot: u16) {
                match self {
                    Self::None => {}
                    $(Self::$member(_) => {
                        table.scalar(slot, [$number]);
                        table.reference(slot + 1);
                    })*
                }
            }

            fn place(&self, table: &crate::flat::PlacedTable, writer: &mut crate::flat::Writer, slot: u16) {
                match self {
                    Self::None => {}
                    $(Self::$member(member) => crate::flat::Field::place(member, table, writer, slot + 1),)*
                }
            }
        }
    };
}

pub(crate) use {enums, tables, union};
