//! The subset of the FlatBuffers format that the channel needs: tables, strings, vectors, unions.
//!
//! Reading is strict: every offset is checked before it is followed, the depth is bounded, and so is the
//! *apparent* size, which a hostile buffer would inflate by letting many offsets point at one place. Writing
//! goes forward: a table's own bytes, its vtable, then what it refers to, so that no second buffer is needed.
//!
//! Deliberately absent: structs, vectors of unions, file identifiers, schema evolution by key. The channel uses
//! none of them. The tables themselves are declared in [`crate::schema`].

mod field;
mod read;
mod table;
mod write;

pub(crate) use field::OptionalReference;
pub use field::{Field, Raw, Str};
pub use read::{Malformed, TableReader};
pub use table::{Layout, Place, Shape, Table};
pub(crate) use table::{enums, tables, union};
pub use write::{PlacedTable, TableWriter, Writer};

/// Longest payload of one message, without its length prefix: the size of the peer's receive buffer.
pub const MAX_PAYLOAD_BYTES: usize = 8_388_604;
