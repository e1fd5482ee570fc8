//! Pairs and lists that dumps are made of, and the direction of a trace.

use crate::flat::{Layout, Str, Table, enums, tables};

tables! {
    StringString<'a> {
        0 key: Str<'a>,
        1 value: Str<'a>,
    }

    StringUint8<'a> {
        0 key: Str<'a>,
        1 value: u8,
    }

    Uint16String<'a> {
        0 key: u16,
        1 value: Str<'a>,
    }

    Uint32String<'a> {
        0 key: u32,
        1 value: Str<'a>,
    }

    StringStringArray<'a> {
        0 key: Str<'a>,
        1 values: Vec<Str<'a>>,
    }
}

enums! {
    /// Which way a traced packet went, seen from the worker.
    TraceDirection {
        0 DirectionIn,
        1 DirectionOut,
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] = &[
    <StringString as Table>::LAYOUT,
    <StringUint8 as Table>::LAYOUT,
    <Uint16String as Table>::LAYOUT,
    <Uint32String as Table>::LAYOUT,
    <StringStringArray as Table>::LAYOUT,
    TraceDirection::LAYOUT,
];
